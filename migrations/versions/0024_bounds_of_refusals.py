"""What a refusal asks of later runs: never this structure, not before a day, within a volume

Revision: 0024
Follows: 0028b
"""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0028b'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('proposal', sa.Column('never_again', sa.Boolean(), server_default='false', nullable=False))
    op.add_column('proposal', sa.Column('not_before', sa.Date(), nullable=True))
    op.add_column('proposal', sa.Column('least_volume', sa.Numeric(precision=10, scale=2), nullable=True))
    op.add_column('proposal', sa.Column('most_volume', sa.Numeric(precision=10, scale=2), nullable=True))
    unit = sa.Enum('fte', 'days', 'm2', 'people', 'items', name='unit', native_enum=False, create_constraint=True, length=40)
    op.add_column('proposal', sa.Column('volume_unit', unit, nullable=True))
    op.create_check_constraint(
        op.f('ck_proposal_bounds_belong_to_a_refusal'),
        'proposal',
        "status = 'declined' OR (NOT never_again AND not_before IS NULL AND least_volume IS NULL AND most_volume IS NULL)",
    )
    has_unit = "(volume_unit IS NULL) = (least_volume IS NULL AND most_volume IS NULL)"
    op.create_check_constraint(op.f('ck_proposal_bounds_of_volume_have_a_unit'), 'proposal', has_unit)
    is_band = "least_volume > 0 AND most_volume > 0 AND least_volume <= most_volume"
    op.create_check_constraint(op.f('ck_proposal_bounds_of_volume_are_a_band'), 'proposal', is_band)


def downgrade() -> None:
    for name in ('bounds_of_volume_are_a_band', 'bounds_of_volume_have_a_unit', 'bounds_belong_to_a_refusal', 'unit'):
        op.drop_constraint(op.f(f'ck_proposal_{name}'), 'proposal', type_='check')
    for column in ('volume_unit', 'most_volume', 'least_volume', 'not_before', 'never_again'):
        op.drop_column('proposal', column)
