"""Let a venue hold one published job dating at a time

Revision: 0008
Follows: 0007
"""

from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('CREATE EXTENSION IF NOT EXISTS btree_gist')
    op.execute(
        "ALTER TABLE job_dating ADD CONSTRAINT ex_job_dating_one_at_a_venue"
        " EXCLUDE USING gist (venue_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (status = 'published')"
        ' DEFERRABLE INITIALLY DEFERRED'
    )


def downgrade() -> None:
    op.execute('ALTER TABLE job_dating DROP CONSTRAINT ex_job_dating_one_at_a_venue')
