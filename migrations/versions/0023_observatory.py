"""Say of each figure of the observatory what stretch of time and which part it is about

Revision: 0023
Follows: 0018b
"""

import sqlalchemy as sa
from alembic import op

revision = '0023'
down_revision = '0018b'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nothing ever wrote into the old table.
    op.drop_table('snapshot')
    op.create_table('snapshot',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('span', sa.Enum('month', 'quarter', 'year', name='span', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('indicator', sa.Text(), nullable=False),
    sa.Column('part', sa.Text(), nullable=False),
    sa.Column('value', sa.Numeric(precision=16, scale=4), nullable=False),
    sa.Column('denominator', sa.Numeric(precision=16, scale=4), nullable=True),
    sa.Column('is_rebuilt', sa.Boolean(), nullable=False),
    sa.CheckConstraint('denominator >= 0', name=op.f('ck_snapshot_denominator_is_a_count')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_snapshot_territory_id_territory')),
    sa.PrimaryKeyConstraint('day', 'territory_id', 'span', 'indicator', 'part', name=op.f('pk_snapshot'))
    )
    op.create_index(op.f('ix_snapshot_territory_id_indicator'), 'snapshot', ['territory_id', 'indicator', 'span', 'day'], unique=False)


def downgrade() -> None:
    op.drop_table('snapshot')
    op.create_table('snapshot',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('indicator', sa.Text(), nullable=False),
    sa.Column('value', sa.Numeric(precision=16, scale=4), nullable=False),
    sa.Column('denominator', sa.Numeric(precision=16, scale=4), nullable=True),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_snapshot_territory_id_territory')),
    sa.PrimaryKeyConstraint('day', 'territory_id', 'indicator', name=op.f('pk_snapshot'))
    )
