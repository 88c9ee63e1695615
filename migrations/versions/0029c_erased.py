"""Leave out of the directory whom was erased

Revision: 0029c
Follows: 0031
"""

from alembic import op

revision = '0029c'
down_revision = '0031'
branch_labels = None
depends_on = None

FAMILIES = "'association', 'cooperative', 'mutuelle', 'fondation', 'societe_commerciale_ess', 'entreprise', 'public', 'collectif'"
CATEGORIES = "'job', 'pooled_job', 'purchase', 'premises', 'skills_sponsorship', 'peer_training', 'succession', 'material'"
THEMES = (
    "'emploi_insertion', 'immobilier', 'eau', 'mobilite', 'habitat', 'agriculture_alimentation', 'attractivite_tourisme', 'lien_social', 'accompagnement',"
    " 'lien_economie_ess', 'clauses_sociales', 'cooperation', 'acteurs_publics', 'aides_financement', 'lin_bois', 'economie_circulaire',"
    " 'agriculture_urbaine'"
)
CLAUSE_KINDS = "'EI', 'ACI', 'AI', 'ETTI', 'EA', 'ESAT', 'GEIQ'"

REBUILD = f"""
CREATE OR REPLACE FUNCTION search_rebuild(changed uuid[]) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM search_entry e WHERE e.organisation_id = ANY (changed) AND NOT (
    (e.kind = 'organisation' AND EXISTS (SELECT FROM organisation o WHERE o.id = e.subject_id AND o.erased_at IS NULL))
    OR (e.kind = 'need' AND EXISTS (
      SELECT FROM need n WHERE n.id = e.subject_id AND n.organisation_id = e.organisation_id AND n.status = 'published' AND NOT n.is_confidential))
    OR (e.kind = 'offer' AND EXISTS (
      SELECT FROM offer n WHERE n.id = e.subject_id AND n.organisation_id = e.organisation_id AND n.status = 'published' AND NOT n.is_confidential)));
  INSERT INTO search_entry AS e (subject_id, kind, organisation_id, sort_name, commune_code, facets, fresh_at, vector)
  WITH said AS MATERIALIZED (
    SELECT 'need' AS kind, n.id, n.organisation_id, n.title, n.description, n.skills, n.commune_code, n.published_at,
      (search_bits(ARRAY[n.category::text], ARRAY[{CATEGORIES}]) << 8) | (search_bits(n.themes, ARRAY[{THEMES}]) << 16) AS facets, false AS is_accessible
    FROM need n WHERE n.organisation_id = ANY (changed) AND n.status = 'published' AND NOT n.is_confidential
    UNION ALL
    SELECT 'offer', n.id, n.organisation_id, n.title, n.description, n.skills, n.commune_code, n.published_at,
      (search_bits(ARRAY[n.category::text], ARRAY[{CATEGORIES}]) << 8) | (search_bits(n.themes, ARRAY[{THEMES}]) << 16), 'wheelchair' = ANY (n.flags)
    FROM offer n WHERE n.organisation_id = ANY (changed) AND n.status = 'published' AND NOT n.is_confidential
  ), together AS MATERIALIZED (
    SELECT organisation_id, bit_or(facets) AS facets, bool_or(is_accessible) AS is_accessible,
      string_agg(title || ' ' || array_to_string(skills, ' '), ' ') AS words
    FROM said GROUP BY organisation_id
  ), house AS MATERIALIZED (
    SELECT o.id, o.name, o.siret, o.rna, o.inclusion_kind, o.description, o.commune_code, o.created_at, c.folded_name AS commune,
      EXISTS (SELECT FROM venue v WHERE v.organisation_id = o.id AND v.is_accessible) AS is_accessible,
      search_bits(ARRAY[o.family::text], ARRAY[{FAMILIES}]) | (o.is_third_place::int::bigint << 40)
        | (coalesce(o.inclusion_kind IN ({CLAUSE_KINDS}), false)::int::bigint << 41) AS facets
    FROM organisation o JOIN commune c ON c.code = o.commune_code WHERE o.id = ANY (changed) AND o.erased_at IS NULL
  )
  SELECT h.id, 'organisation', h.id, search_fold(h.name), h.commune_code,
    h.facets | coalesce(t.facets, 0) | ((h.is_accessible OR coalesce(t.is_accessible, false))::int::bigint << 42), h.created_at,
    setweight(search_vector(concat_ws(' ', h.name, h.siret, h.rna)), 'A') || setweight(search_vector(concat_ws(' ', t.words, h.inclusion_kind)), 'B')
      || setweight(search_vector(h.commune), 'C') || setweight(search_vector(h.description), 'D')
  FROM house h LEFT JOIN together t ON t.organisation_id = h.id
  UNION ALL
  SELECT s.id, s.kind, s.organisation_id, search_fold(s.title), s.commune_code,
    s.facets | h.facets | ((h.is_accessible OR s.is_accessible)::int::bigint << 42), s.published_at,
    setweight(search_vector(s.title), 'A') || setweight(search_vector(concat_ws(' ', array_to_string(s.skills, ' '), h.name, h.inclusion_kind)), 'B')
      || setweight(search_vector(c.folded_name), 'C') || setweight(search_vector(s.description), 'D')
  FROM said s JOIN house h ON h.id = s.organisation_id JOIN commune c ON c.code = s.commune_code
  ON CONFLICT (subject_id) DO UPDATE SET kind = excluded.kind, organisation_id = excluded.organisation_id, sort_name = excluded.sort_name,
    commune_code = excluded.commune_code, facets = excluded.facets, fresh_at = excluded.fresh_at, vector = excluded.vector
  WHERE (e.organisation_id, e.sort_name, e.commune_code, e.facets, e.fresh_at, e.vector)
    IS DISTINCT FROM (excluded.organisation_id, excluded.sort_name, excluded.commune_code, excluded.facets, excluded.fresh_at, excluded.vector);
END $$
"""
ORGANISATIONS = """
CREATE OR REPLACE FUNCTION search_sees_organisations() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE changed uuid[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(id) INTO changed FROM new_rows;
  ELSE
    SELECT array_agg(n.id) INTO changed FROM new_rows n JOIN old_rows o USING (id)
    WHERE (n.name, n.siret, n.rna, n.family, n.inclusion_kind, n.is_third_place, n.description, n.commune_code, n.erased_at)
      IS DISTINCT FROM (o.name, o.siret, o.rna, o.family, o.inclusion_kind, o.is_third_place, o.description, o.commune_code, o.erased_at);
  END IF;
  IF changed IS NOT NULL THEN
    PERFORM search_rebuild(changed);
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(REBUILD)
    op.execute(ORGANISATIONS)
    op.execute('SELECT search_rebuild(array_agg(id)) FROM organisation WHERE erased_at IS NOT NULL HAVING count(*) > 0')


def downgrade() -> None:
    # The functions of before would read the same columns: nothing is lost while they stay as they are.
    pass
