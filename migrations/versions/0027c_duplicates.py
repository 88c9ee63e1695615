"""Structures that were in the directory twice: what was merged into what, and which pairs are two indeed

Revision: 0027c
Follows: 0027b
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0027c'
down_revision = '0027b'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('distinct_organisations',
    sa.Column('first_id', sa.Uuid(), nullable=False),
    sa.Column('second_id', sa.Uuid(), nullable=False),
    sa.Column('said_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('said_by_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint('first_id < second_id', name=op.f('ck_distinct_organisations_in_one_order')),
    sa.ForeignKeyConstraint(['first_id'], ['organisation.id'], name=op.f('fk_distinct_organisations_first_id_organisation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['said_by_id'], ['user_account.id'], name=op.f('fk_distinct_organisations_said_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['second_id'], ['organisation.id'], name=op.f('fk_distinct_organisations_second_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('first_id', 'second_id', name=op.f('pk_distinct_organisations'))
    )
    op.create_index(op.f('ix_distinct_organisations_said_by_id'), 'distinct_organisations', ['said_by_id'], unique=False)
    op.create_index(op.f('ix_distinct_organisations_second_id'), 'distinct_organisations', ['second_id'], unique=False)
    op.create_table('merged_organisation',
    sa.Column('old_id', sa.Uuid(), nullable=False),
    sa.Column('kept_id', sa.Uuid(), nullable=False),
    sa.Column('sheet', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('moved', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('merged_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('merged_by_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['kept_id'], ['organisation.id'], name=op.f('fk_merged_organisation_kept_id_organisation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['merged_by_id'], ['user_account.id'], name=op.f('fk_merged_organisation_merged_by_id_user_account'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('old_id', name=op.f('pk_merged_organisation'))
    )
    op.create_index(op.f('ix_merged_organisation_kept_id'), 'merged_organisation', ['kept_id'], unique=False)
    op.create_index(op.f('ix_merged_organisation_merged_by_id'), 'merged_organisation', ['merged_by_id'], unique=False)


def downgrade() -> None:
    op.drop_table('merged_organisation')
    op.drop_table('distinct_organisations')
