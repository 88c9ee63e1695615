"""Structures that were erased leave the directory

Revision: 0026c
Follows: 0031
"""

from alembic import op

revision = '0026c'
down_revision = '0031'
branch_labels = None
depends_on = None

# Both places in which search_rebuild (0029) asks whether a structure is there.
PLACES = (
    ('WHERE o.id = e.subject_id))', 'WHERE o.id = e.subject_id AND o.erased_at IS NULL))'),
    ('WHERE o.id = ANY (changed)\n', 'WHERE o.id = ANY (changed) AND o.erased_at IS NULL\n'),
)
REWRITE = """
DO $do$
DECLARE source text := pg_get_functiondef('search_rebuild(uuid[])'::regprocedure);
BEGIN
    IF position($old${old}$old$ IN source) = 0 THEN
        RAISE EXCEPTION 'search_rebuild is not the function that this migration knows';
    END IF;
    EXECUTE replace(source, $old${old}$old$, $new${new}$new$);
END $do$
"""


def upgrade() -> None:
    for old, new in PLACES:
        op.execute(REWRITE.format(old=old, new=new))
    op.execute("SELECT search_rebuild(array_agg(id)) FROM organisation WHERE erased_at IS NOT NULL")


def downgrade() -> None:
    for old, new in PLACES:
        op.execute(REWRITE.format(old=new, new=old))
