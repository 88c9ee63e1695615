"""Find structures by the words of what they are, not by its letters only

Revision: 0039
Follows: 0032
"""

from alembic import op

revision = '0039'
down_revision = '0032'
branch_labels = None
depends_on = None

# What people type for the kinds of the insertion and disability sectors, and for a third place, beside the letters. Bit 40 of the facets says a third place.
WORDS = """
CREATE FUNCTION search_kind_words(inclusion_kind text, facets bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT concat_ws(' ', inclusion_kind,
    CASE inclusion_kind
      WHEN 'EI' THEN 'entreprise d’insertion' WHEN 'ACI' THEN 'atelier chantier d’insertion' WHEN 'AI' THEN 'association intermédiaire'
      WHEN 'ETTI' THEN 'entreprise de travail temporaire intérim d’insertion' WHEN 'EITI' THEN 'entreprise d’insertion par le travail indépendant'
      WHEN 'EA' THEN 'entreprise adaptée handicap' WHEN 'ESAT' THEN 'établissement d’accompagnement par le travail handicap'
      WHEN 'GEIQ' THEN 'groupement d’employeurs pour l’insertion et la qualification' WHEN 'GE' THEN 'groupement d’employeurs' END,
    CASE WHEN (facets >> 40) & 1 = 1 THEN 'tiers-lieu tiers-lieux' END)
$$
"""
# The function that writes the rows stays as it is, but for these words.
REWRITE = """
DO $$ BEGIN
  EXECUTE replace(pg_get_functiondef('search_rebuild(uuid[])'::regprocedure), '{before}', '{after}');
END $$
"""
BOTH = (', h.inclusion_kind))', ', search_kind_words(h.inclusion_kind, h.facets)))')
ALL = 'SELECT search_rebuild(array_agg(id)) FROM organisation HAVING count(*) > 0'


def upgrade() -> None:
    op.execute(WORDS)
    op.execute(REWRITE.format(before=BOTH[0], after=BOTH[1]))
    op.execute(ALL)


def downgrade() -> None:
    op.execute(REWRITE.format(before=BOTH[1], after=BOTH[0]))
    op.execute('DROP FUNCTION search_kind_words')
    op.execute(ALL)
