"""Write down what each intercommunalité lacks

Revision: 0030b
Follows: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = '0030b'
down_revision = '0030'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('white_zone',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('territory_id', sa.Integer(), nullable=False),
    sa.Column('category', sa.Enum('job', 'pooled_job', 'purchase', 'premises', 'skills_sponsorship', 'peer_training', 'succession', 'material', name='category', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('needs', sa.Integer(), nullable=False),
    sa.Column('unmet', sa.Integer(), nullable=False),
    sa.Column('far', sa.Integer(), nullable=False),
    sa.Column('offers', sa.Integer(), nullable=False),
    sa.Column('unused', sa.Integer(), nullable=False),
    sa.Column('nearest_km', sa.Double(), nullable=True),
    sa.Column('nearest_code', sa.String(length=5), nullable=True),
    sa.CheckConstraint('(nearest_km IS NULL) = (nearest_code IS NULL)', name=op.f('ck_white_zone_nearest_is_somewhere')),
    sa.CheckConstraint('far BETWEEN 0 AND needs', name=op.f('ck_white_zone_far_are_needs')),
    sa.CheckConstraint('unmet BETWEEN 0 AND needs', name=op.f('ck_white_zone_unmet_are_needs')),
    sa.CheckConstraint('unused BETWEEN 0 AND offers', name=op.f('ck_white_zone_unused_are_offers')),
    sa.ForeignKeyConstraint(['nearest_code'], ['commune.code'], name=op.f('fk_white_zone_nearest_code_commune')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_white_zone_territory_id_territory'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('day', 'territory_id', 'category', name=op.f('pk_white_zone'))
    )
    op.create_index(op.f('ix_white_zone_nearest_code'), 'white_zone', ['nearest_code'], unique=False)
    op.create_index('ix_white_zone_territory_id_day', 'white_zone', ['territory_id', 'day'], unique=False)


def downgrade() -> None:
    op.drop_table('white_zone')
