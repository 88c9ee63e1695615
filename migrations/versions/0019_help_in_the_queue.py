"""Let the work queue hold calls for help

Revision: 0019
Follows: 0014b
"""

from alembic import op

revision = '0019'
down_revision = '0014b'
branch_labels = None
depends_on = None

BEFORE = "'unreachable', 'contradictory', 'refused', 'silent', 'unserved', 'to_review'"


def upgrade() -> None:
    op.drop_constraint(op.f('ck_work_act_matter'), 'work_act', type_='check')
    op.create_check_constraint(op.f('ck_work_act_matter'), 'work_act', f"matter IN ('called_for', {BEFORE})")


def downgrade() -> None:
    op.execute("DELETE FROM work_act WHERE matter = 'called_for'")
    op.drop_constraint(op.f('ck_work_act_matter'), 'work_act', type_='check')
    op.create_check_constraint(op.f('ck_work_act_matter'), 'work_act', f"matter IN ({BEFORE})")
