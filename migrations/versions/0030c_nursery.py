"""Groups that could become a pole of cooperation, and who was invited to speak of it

Revision: 0030c
Follows: 0030b
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0030c'
down_revision = '0030b'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('nursery_snapshot',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('organisations', sa.Integer(), nullable=False),
    sa.CheckConstraint('organisations >= 0', name=op.f('ck_nursery_snapshot_counts_structures')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_nursery_snapshot_territory_id_territory'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_nursery_snapshot')),
    sa.UniqueConstraint('territory_id', 'day', name=op.f('uq_nursery_snapshot_territory_id_day'))
    )
    op.create_table('cluster',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('snapshot_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.SmallInteger(), nullable=False),
    sa.Column('theme', sa.Text(), nullable=False),
    sa.Column('category', sa.Text(), nullable=False),
    sa.Column('missing', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('stability', sa.Float(), nullable=True),
    sa.Column('links', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.CheckConstraint('stability BETWEEN 0 AND 1', name=op.f('ck_cluster_stability_is_a_share')),
    sa.ForeignKeyConstraint(['snapshot_id'], ['nursery_snapshot.id'], name=op.f('fk_cluster_snapshot_id_nursery_snapshot'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cluster')),
    sa.UniqueConstraint('snapshot_id', 'position', name=op.f('uq_cluster_snapshot_id_position'))
    )
    op.create_table('cluster_member',
    sa.Column('cluster_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.SmallInteger(), nullable=False),
    sa.Column('x', sa.Float(), nullable=False),
    sa.Column('y', sa.Float(), nullable=False),
    sa.CheckConstraint('x BETWEEN 0 AND 1 AND y BETWEEN 0 AND 1', name=op.f('ck_cluster_member_is_drawn_inside')),
    sa.ForeignKeyConstraint(['cluster_id'], ['cluster.id'], name=op.f('fk_cluster_member_cluster_id_cluster'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_cluster_member_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('cluster_id', 'organisation_id', name=op.f('pk_cluster_member'))
    )
    op.create_index(op.f('ix_cluster_member_organisation_id'), 'cluster_member', ['organisation_id'], unique=False)
    op.create_table('cluster_invitation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('invited_by_id', sa.Uuid(), nullable=True),
    sa.Column('invited_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('answer', sa.Enum('interested', 'not_now', name='cluster_answer', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(answer IS NULL) = (answered_at IS NULL)', name=op.f('ck_cluster_invitation_an_answer_has_a_time')),
    sa.CheckConstraint('length(message) <= 1000', name=op.f('ck_cluster_invitation_message_is_short')),
    sa.ForeignKeyConstraint(['invited_by_id'], ['user_account.id'], name=op.f('fk_cluster_invitation_invited_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_cluster_invitation_organisation_id_organisation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_cluster_invitation_territory_id_territory'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cluster_invitation'))
    )
    op.create_index(op.f('ix_cluster_invitation_invited_by_id'), 'cluster_invitation', ['invited_by_id'], unique=False)
    op.create_index(op.f('ix_cluster_invitation_territory_id'), 'cluster_invitation', ['territory_id'], unique=False)
    op.create_index('ix_cluster_invitation_organisation_id_invited_at', 'cluster_invitation', ['organisation_id', 'invited_at'], unique=False)


def downgrade() -> None:
    op.drop_table('cluster_invitation')
    op.drop_table('cluster_member')
    op.drop_table('cluster')
    op.drop_table('nursery_snapshot')
