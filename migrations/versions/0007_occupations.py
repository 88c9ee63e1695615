"""Keep the official list of occupations, and which of them an announcement is about

Revision: 0007
Follows: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'occupation',
        sa.Column('code', sa.String(length=5), nullable=False),
        sa.Column('label', sa.Text(), nullable=False),
        sa.Column('folded', sa.Text(), nullable=False),
        sa.CheckConstraint("code ~ '^[A-Z][0-9]{4}$'", name=op.f('ck_occupation_code_is_well_formed')),
        sa.PrimaryKeyConstraint('code', name=op.f('pk_occupation')),
    )
    op.create_table(
        'occupation_title',
        sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('occupation_code', sa.String(length=5), nullable=False),
        sa.Column('title', sa.Text(), nullable=False),
        sa.Column('folded', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ['occupation_code'], ['occupation.code'], name=op.f('fk_occupation_title_occupation_code_occupation'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_occupation_title')),
    )
    op.create_index('ix_occupation_title_folded', 'occupation_title', ['folded'], postgresql_ops={'folded': 'text_pattern_ops'})
    op.create_index(op.f('ix_occupation_title_occupation_code'), 'occupation_title', ['occupation_code'])
    op.create_table(
        'occupation_mobility',
        sa.Column('from_code', sa.String(length=5), nullable=False),
        sa.Column('to_code', sa.String(length=5), nullable=False),
        sa.Column('rank', sa.SmallInteger(), nullable=False),
        sa.CheckConstraint('from_code <> to_code', name=op.f('ck_occupation_mobility_leads_elsewhere')),
        sa.CheckConstraint('rank > 0', name=op.f('ck_occupation_mobility_rank_counts_from_one')),
        sa.ForeignKeyConstraint(['from_code'], ['occupation.code'], name=op.f('fk_occupation_mobility_from_code_occupation'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['to_code'], ['occupation.code'], name=op.f('fk_occupation_mobility_to_code_occupation'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('from_code', 'to_code', name=op.f('pk_occupation_mobility')),
    )
    op.create_index(op.f('ix_occupation_mobility_to_code'), 'occupation_mobility', ['to_code'])
    for side in ('need', 'offer'):
        op.add_column(side, sa.Column('occupation_code', sa.String(length=5), nullable=True))
        op.create_index(op.f(f'ix_{side}_occupation_code'), side, ['occupation_code'])
        op.create_foreign_key(op.f(f'fk_{side}_occupation_code_occupation'), side, 'occupation', ['occupation_code'], ['code'], ondelete='SET NULL')


def downgrade() -> None:
    for side in ('need', 'offer'):
        op.drop_constraint(op.f(f'fk_{side}_occupation_code_occupation'), side, type_='foreignkey')
        op.drop_index(op.f(f'ix_{side}_occupation_code'), table_name=side)
        op.drop_column(side, 'occupation_code')
    for table in ('occupation_mobility', 'occupation_title', 'occupation'):
        op.drop_table(table)
