"""What animators did about the rows of their work queue

Revision: 0014
Follows: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('work_act',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('matter', sa.Enum('unreachable', 'contradictory', 'refused', 'silent', 'unserved', 'to_review', name='matter', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=True),
    sa.Column('kind', sa.Enum('assigned', 'called', 'answered', 'snoozed', 'done', name='act_kind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('by_id', sa.Uuid(), nullable=True),
    sa.Column('assigned_to_id', sa.Uuid(), nullable=True),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('reason', sa.Enum('called', 'corrected', 'elsewhere', 'no_longer', 'other', name='done_reason', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('proposal_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(kind = 'done') = (reason IS NOT NULL)", name=op.f('ck_work_act_done_has_a_reason')),
    sa.CheckConstraint("(kind = 'snoozed') = (until IS NOT NULL)", name=op.f('ck_work_act_putting_off_has_a_day')),
    sa.CheckConstraint("kind = 'assigned' OR assigned_to_id IS NULL", name=op.f('ck_work_act_only_assigning_names_somebody')),
    sa.ForeignKeyConstraint(['assigned_to_id'], ['user_account.id'], name=op.f('fk_work_act_assigned_to_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['by_id'], ['user_account.id'], name=op.f('fk_work_act_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_work_act_organisation_id_organisation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_work_act_proposal_id_proposal'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_act'))
    )
    op.create_index(op.f('ix_work_act_assigned_to_id'), 'work_act', ['assigned_to_id'], unique=False)
    op.create_index(op.f('ix_work_act_by_id'), 'work_act', ['by_id'], unique=False)
    op.create_index(op.f('ix_work_act_organisation_id'), 'work_act', ['organisation_id'], unique=False)
    op.create_index(op.f('ix_work_act_proposal_id'), 'work_act', ['proposal_id'], unique=False)
    op.create_index('ix_work_act_subject_id_created_at', 'work_act', ['subject_id', 'created_at'], unique=False)


def downgrade() -> None:
    op.drop_table('work_act')
