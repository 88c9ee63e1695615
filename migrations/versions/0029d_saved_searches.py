"""Let people keep a search, and learn by mail what is new in it

Revision: 0029d
Follows: 0029c
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0029d'
down_revision = '0029c'
branch_labels = None
depends_on = None

BEFORE = "'invitations', 'proposals', 'digest', 'campaigns'"


def upgrade() -> None:
    op.create_table('saved_search',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('asked', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('rhythm', sa.Enum('daily', 'weekly', name='rhythm', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('told_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('looked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('length(btrim(label)) > 0', name=op.f('ck_saved_search_has_a_label')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_saved_search_user_id_user_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_search')),
    sa.UniqueConstraint('user_id', 'address', name=op.f('uq_saved_search_user_id_address'))
    )
    op.drop_constraint(op.f('ck_mail_objection_topic'), 'mail_objection', type_='check')
    op.create_check_constraint(op.f('ck_mail_objection_topic'), 'mail_objection', f"topic IN ({BEFORE}, 'searches')")


def downgrade() -> None:
    op.execute("DELETE FROM mail_objection WHERE topic = 'searches'")
    op.drop_constraint(op.f('ck_mail_objection_topic'), 'mail_objection', type_='check')
    op.create_check_constraint(op.f('ck_mail_objection_topic'), 'mail_objection', f"topic IN ({BEFORE})")
    op.drop_table('saved_search')
