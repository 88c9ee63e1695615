"""Let a worker try other rules for shared jobs where needs are many

Revision: 0018b
Follows: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0018b'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('pooling_trial',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('queued', 'running', 'ready', 'failed', name='pooling_status', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('present', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('rules', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('needs_count', sa.Integer(), nullable=False),
    sa.Column('covered', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.CheckConstraint("status <> 'failed' OR failure <> ''", name=op.f('ck_pooling_trial_a_failure_has_a_reason')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_pooling_trial_territory_id_territory')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pooling_trial'))
    )
    op.create_index(op.f('ix_pooling_trial_territory_id'), 'pooling_trial', ['territory_id'], unique=False)
    op.create_index('uq_pooling_trial_under_way', 'pooling_trial', ['territory_id'], unique=True, postgresql_where=sa.text("status IN ('queued', 'running')"))


def downgrade() -> None:
    op.drop_index('uq_pooling_trial_under_way', table_name='pooling_trial', postgresql_where=sa.text("status IN ('queued', 'running')"))
    op.drop_index(op.f('ix_pooling_trial_territory_id'), table_name='pooling_trial')
    op.drop_table('pooling_trial')
