"""« Never again » between two structures withdraws what else is open between them

Revision: 0032
Follows: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = '0032'
down_revision = '0035'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('proposal', sa.Column('parted_by_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_proposal_parted_by_id_proposal'), 'proposal', 'proposal', ['parted_by_id'], ['id'], ondelete='SET NULL')
    op.create_check_constraint(op.f('ck_proposal_who_parts_is_not_asked'), 'proposal', "parted_by_id IS NULL OR status = 'withdrawn'")
    op.create_index(op.f('ix_proposal_parted_by_id'), 'proposal', ['parted_by_id'], unique=False)
    op.create_index('ix_proposal_never_again', 'proposal', ['match_id'], unique=False, postgresql_where=sa.text('never_again'))


def downgrade() -> None:
    op.drop_index('ix_proposal_never_again', table_name='proposal', postgresql_where=sa.text('never_again'))
    op.drop_index(op.f('ix_proposal_parted_by_id'), table_name='proposal')
    op.drop_constraint(op.f('ck_proposal_who_parts_is_not_asked'), 'proposal', type_='check')
    op.drop_constraint(op.f('fk_proposal_parted_by_id_proposal'), 'proposal', type_='foreignkey')
    op.drop_column('proposal', 'parted_by_id')
