"""Let a notice hold the hours and tables of the meetings that it told

Revision: 0021
Follows: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0021'
down_revision = '0019'
branch_labels = None
depends_on = None

# Who was told before hears of the hours and tables with the next publication: nobody ever told them.
FROM_PARTNERS = """
    UPDATE invitation_notice SET meetings = (
        SELECT jsonb_agg(jsonb_build_object('declaration', partner, 'starts_at', NULL, 'table', NULL)) FROM unnest(partner_ids) AS partner
    ) WHERE cardinality(partner_ids) > 0
"""
TO_PARTNERS = """
    UPDATE invitation_notice SET partner_ids = ARRAY(SELECT DISTINCT (one ->> 'declaration')::uuid FROM jsonb_array_elements(meetings) AS one ORDER BY 1)
"""


def upgrade() -> None:
    op.add_column('invitation_notice', sa.Column('meetings', postgresql.JSONB(), nullable=False, server_default='[]'))
    op.execute(FROM_PARTNERS)
    op.alter_column('invitation_notice', 'meetings', server_default=None)
    op.drop_column('invitation_notice', 'partner_ids')


def downgrade() -> None:
    op.add_column('invitation_notice', sa.Column('partner_ids', sa.ARRAY(sa.Uuid()), nullable=False, server_default='{}'))
    op.execute(TO_PARTNERS)
    op.alter_column('invitation_notice', 'partner_ids', server_default=None)
    op.drop_column('invitation_notice', 'meetings')
