"""What somebody began to write

Revision: 0014b
Follows: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0014b'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('declaration_draft',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('side', sa.Enum('need', 'offer', name='side', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('category', sa.Enum('job', 'pooled_job', 'purchase', 'premises', 'skills_sponsorship', 'peer_training', 'succession', 'material', name='category', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('answers', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_declaration_draft_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_declaration_draft')),
    sa.UniqueConstraint('organisation_id', 'side', 'category', name=op.f('uq_declaration_draft_organisation_id_side_category'))
    )


def downgrade() -> None:
    op.drop_table('declaration_draft')
