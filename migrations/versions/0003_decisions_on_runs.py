"""Count the changes that decisions make to a run, and keep the locks that it left aside

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('matching_run', sa.Column('set_aside', postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default='[]'))
    op.alter_column('matching_run', 'set_aside', server_default=None)
    op.add_column('matching_run', sa.Column('revision', sa.Integer(), nullable=False, server_default='0'))
    op.alter_column('matching_run', 'revision', server_default=None)


def downgrade() -> None:
    op.drop_column('matching_run', 'revision')
    op.drop_column('matching_run', 'set_aside')
