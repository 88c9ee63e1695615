"""Let people report a page of the directory, and the work queue hold what they report

Revision: 0029b
Follows: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = '0029b'
down_revision = '0029'
branch_labels = None
depends_on = None

BEFORE = "'called_for', 'unreachable', 'contradictory', 'refused', 'silent', 'unserved', 'to_review'"


def upgrade() -> None:
    op.create_table('directory_report',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('reason', sa.Enum('closed', 'moved', 'wrong', 'twice', 'improper', 'other', name='report_reason', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('by_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('length(note) <= 1000', name=op.f('ck_directory_report_note_is_short')),
    sa.ForeignKeyConstraint(['by_id'], ['user_account.id'], name=op.f('fk_directory_report_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_directory_report_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_directory_report'))
    )
    op.create_index(op.f('ix_directory_report_by_id'), 'directory_report', ['by_id'], unique=False)
    op.create_index(op.f('ix_directory_report_organisation_id'), 'directory_report', ['organisation_id'], unique=False)
    op.drop_constraint(op.f('ck_work_act_matter'), 'work_act', type_='check')
    op.create_check_constraint(op.f('ck_work_act_matter'), 'work_act', f"matter IN ({BEFORE}, 'reported')")


def downgrade() -> None:
    op.execute("DELETE FROM work_act WHERE matter = 'reported'")
    op.drop_constraint(op.f('ck_work_act_matter'), 'work_act', type_='check')
    op.create_check_constraint(op.f('ck_work_act_matter'), 'work_act', f"matter IN ({BEFORE})")
    op.drop_table('directory_report')
