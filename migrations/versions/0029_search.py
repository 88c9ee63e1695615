"""Let the directory be searched in French, with its accents and its slips

Revision: 0029
Follows: 0030c
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0029'
down_revision = '0030c'
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

# The words of a text as services/territories.fold writes them: lower case, no accent, letters and digits only, saints in full.
FOLD = r"""
CREATE FUNCTION search_fold(words text) RETURNS text LANGUAGE sql IMMUTABLE STRICT SET search_path = public, pg_temp AS $$
  SELECT regexp_replace(btrim(regexp_replace(lower(unaccent('unaccent', words)), '(\W|_)+', ' ', 'g')), '\mst(e?)\M', 'saint\1', 'g')
$$
"""
# The stems of French, and each word as it is: names are not French, and what people type first is the beginning of a word.
VECTOR = """
CREATE FUNCTION search_vector(words text) RETURNS tsvector LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT to_tsvector('fr', folded) || to_tsvector('simple', folded) FROM search_fold(coalesce(words, '')) AS folded
$$
"""
# One bit for each code, at its place in the list.
BITS = """
CREATE FUNCTION search_bits(codes text[], list text[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(bit_or(1::bigint << (array_position(list, code) - 1)), 0) FROM unnest(codes) AS code WHERE code = ANY (list)
$$
"""
REBUILD = f"""
CREATE FUNCTION search_rebuild(changed uuid[]) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM search_entry e WHERE e.organisation_id = ANY (changed) AND NOT (
    (e.kind = 'organisation' AND EXISTS (SELECT FROM organisation o WHERE o.id = e.subject_id))
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
    FROM organisation o JOIN commune c ON c.code = o.commune_code WHERE o.id = ANY (changed)
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
CREATE FUNCTION search_sees_organisations() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE changed uuid[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(id) INTO changed FROM new_rows;
  ELSE
    SELECT array_agg(n.id) INTO changed FROM new_rows n JOIN old_rows o USING (id)
    WHERE (n.name, n.siret, n.rna, n.family, n.inclusion_kind, n.is_third_place, n.description, n.commune_code)
      IS DISTINCT FROM (o.name, o.siret, o.rna, o.family, o.inclusion_kind, o.is_third_place, o.description, o.commune_code);
  END IF;
  IF changed IS NOT NULL THEN
    PERFORM search_rebuild(changed);
  END IF;
  RETURN NULL;
END $$
"""
# On needs and on offers. What was not public and is not public yet changes nothing that anybody sees.
DECLARATIONS = """
CREATE FUNCTION search_sees_declarations() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE changed uuid[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(DISTINCT organisation_id) INTO changed FROM new_rows WHERE status = 'published' AND NOT is_confidential;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(DISTINCT organisation_id) INTO changed FROM old_rows WHERE status = 'published' AND NOT is_confidential;
  ELSE
    SELECT array_agg(DISTINCT whose) INTO changed FROM new_rows n JOIN old_rows o USING (id), unnest(ARRAY[n.organisation_id, o.organisation_id]) AS whose
    WHERE ((n.status = 'published' AND NOT n.is_confidential) OR (o.status = 'published' AND NOT o.is_confidential))
      AND (n.status, n.is_confidential, n.organisation_id, n.category, n.title, n.description, n.skills, n.themes, n.flags, n.commune_code, n.published_at)
        IS DISTINCT FROM
        (o.status, o.is_confidential, o.organisation_id, o.category, o.title, o.description, o.skills, o.themes, o.flags, o.commune_code, o.published_at);
  END IF;
  IF changed IS NOT NULL THEN
    PERFORM search_rebuild(changed);
  END IF;
  RETURN NULL;
END $$
"""
VENUES = """
CREATE FUNCTION search_sees_venues() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE changed uuid[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(DISTINCT organisation_id) INTO changed FROM new_rows WHERE is_accessible;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(DISTINCT organisation_id) INTO changed FROM old_rows WHERE is_accessible;
  ELSE
    SELECT array_agg(DISTINCT whose) INTO changed FROM new_rows n JOIN old_rows o USING (id), unnest(ARRAY[n.organisation_id, o.organisation_id]) AS whose
    WHERE (n.is_accessible, n.organisation_id) IS DISTINCT FROM (o.is_accessible, o.organisation_id);
  END IF;
  IF changed IS NOT NULL THEN
    PERFORM search_rebuild(changed);
  END IF;
  RETURN NULL;
END $$
"""
SEEN = {
    'organisation': ('organisations', {'INSERT', 'UPDATE'}),
    'need': ('declarations', {'INSERT', 'UPDATE', 'DELETE'}),
    'offer': ('declarations', {'INSERT', 'UPDATE', 'DELETE'}),
    'venue': ('venues', {'INSERT', 'UPDATE', 'DELETE'}),
}
ROWS = {'INSERT': 'NEW TABLE AS new_rows', 'UPDATE': 'OLD TABLE AS old_rows NEW TABLE AS new_rows', 'DELETE': 'OLD TABLE AS old_rows'}


def trigger(event: str) -> str:
    return f'search_sees_{event.lower()}'


def upgrade() -> None:
    op.execute('CREATE EXTENSION IF NOT EXISTS pg_trgm')
    op.execute('CREATE TEXT SEARCH CONFIGURATION fr (COPY = french)')
    op.execute('ALTER TEXT SEARCH CONFIGURATION fr ALTER MAPPING FOR hword, hword_part, word WITH unaccent, french_stem')
    op.create_table('search_entry',
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('organisation', 'need', 'offer', name='entry_kind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('sort_name', sa.Text(), nullable=False),
    sa.Column('commune_code', sa.String(length=5), nullable=False),
    sa.Column('facets', sa.BigInteger(), nullable=False),
    sa.Column('fresh_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('vector', postgresql.TSVECTOR(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_search_entry_organisation_id_organisation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('subject_id', name=op.f('pk_search_entry'))
    )
    op.create_index(op.f('ix_search_entry_organisation_id'), 'search_entry', ['organisation_id'], unique=False)
    op.create_index('ix_search_entry_vector', 'search_entry', ['vector'], unique=False, postgresql_using='gin')
    op.create_index('ix_search_entry_sort_name_words', 'search_entry', ['sort_name'], unique=False, postgresql_using='gin', postgresql_ops={'sort_name': 'gin_trgm_ops'})
    op.create_index('ix_search_entry_kind_sort_name_subject_id', 'search_entry', ['kind', 'sort_name', 'subject_id'], unique=False, postgresql_include=['facets', 'commune_code'])
    op.create_index('ix_search_entry_kind_fresh_at_subject_id', 'search_entry', ['kind', 'fresh_at', 'subject_id'], unique=False, postgresql_include=['facets', 'commune_code'])
    op.create_index('ix_search_entry_kind_facets', 'search_entry', ['kind', 'facets'], unique=False)
    op.create_index('ix_search_entry_kind_commune_code_facets', 'search_entry', ['kind', 'commune_code', 'facets'], unique=False)
    for function in (FOLD, VECTOR, BITS, REBUILD, ORGANISATIONS, DECLARATIONS, VENUES):
        op.execute(function)
    for table, (function, events) in SEEN.items():
        for event in sorted(events):
            op.execute(
                f'CREATE TRIGGER {trigger(event)} AFTER {event} ON {table} REFERENCING {ROWS[event]} FOR EACH STATEMENT EXECUTE FUNCTION search_sees_{function}()'
            )
    op.execute('SELECT search_rebuild(array_agg(id)) FROM organisation HAVING count(*) > 0')


def downgrade() -> None:
    for table, (_function, events) in SEEN.items():
        for event in sorted(events):
            op.execute(f'DROP TRIGGER {trigger(event)} ON {table}')
    for function in ('search_sees_venues', 'search_sees_declarations', 'search_sees_organisations', 'search_rebuild', 'search_bits', 'search_vector', 'search_fold'):
        op.execute(f'DROP FUNCTION {function}')
    op.drop_table('search_entry')
    op.execute('DROP TEXT SEARCH CONFIGURATION fr')
    op.execute('DROP EXTENSION pg_trgm')
