"""Answers to the invitations of the nursery say by which way they came, and months that were counted afterwards say so

Revision: 0037
Follows: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = '0037'
down_revision = '0038'
branch_labels = None
depends_on = None

CHANNELS = ('link', 'account', 'animator', 'calendar')


def upgrade() -> None:
    op.add_column('cluster_invitation', sa.Column('cluster_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_cluster_invitation_cluster_id_cluster'), 'cluster_invitation', 'cluster', ['cluster_id'], ['id'], ondelete='SET NULL')
    op.create_index(op.f('ix_cluster_invitation_cluster_id'), 'cluster_invitation', ['cluster_id'], unique=False)
    op.add_column('cluster_invitation', sa.Column('channel', sa.Enum(*CHANNELS, name='channel', native_enum=False, create_constraint=True, length=40), nullable=True))
    # Until now an animator noted every answer.
    op.execute("UPDATE cluster_invitation SET channel = 'animator' WHERE answer IS NOT NULL")
    op.create_check_constraint(op.f('ck_cluster_invitation_an_answer_came_somehow'), 'cluster_invitation', '(answer IS NULL) = (channel IS NULL)')
    op.add_column('white_zone', sa.Column('is_rebuilt', sa.Boolean(), nullable=False, server_default=sa.false()))
    # The ends of months before the first night were counted on that night.
    first_night = 'SELECT min(day) FROM white_zone WHERE extract(day FROM day + 1) <> 1'
    op.execute(f'UPDATE white_zone SET is_rebuilt = true WHERE day < ({first_night})')
    op.alter_column('white_zone', 'is_rebuilt', server_default=None)


def downgrade() -> None:
    op.drop_column('white_zone', 'is_rebuilt')
    op.drop_constraint(op.f('ck_cluster_invitation_an_answer_came_somehow'), 'cluster_invitation')
    op.drop_column('cluster_invitation', 'channel')
    op.drop_column('cluster_invitation', 'cluster_id')
