"""Let a host bring together two that no computation chose

Revision: 0025
Follows: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column('match', 'run_id', existing_type=sa.Uuid(), nullable=True)


def downgrade() -> None:
    # What was said of such a meeting goes with it: the older schema cannot hold it.
    op.execute("DELETE FROM meeting WHERE match_id IN (SELECT id FROM match WHERE run_id IS NULL)")
    op.execute("DELETE FROM match WHERE run_id IS NULL")
    op.alter_column('match', 'run_id', existing_type=sa.Uuid(), nullable=False)
