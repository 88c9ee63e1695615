"""Keep a report of a failure until its mail is known to have left

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('outbox_mail', sa.Column('returned_code', sa.Integer(), nullable=True))
    op.add_column('outbox_mail', sa.Column('returned_words', sa.Text(), nullable=True))
    op.create_index('ix_outbox_mail_returned', 'outbox_mail', ['id'], unique=False, postgresql_where=sa.text('returned_words IS NOT NULL'))


def downgrade() -> None:
    op.drop_index('ix_outbox_mail_returned', table_name='outbox_mail', postgresql_where=sa.text('returned_words IS NOT NULL'))
    op.drop_column('outbox_mail', 'returned_words')
    op.drop_column('outbox_mail', 'returned_code')
