"""Keep which words there are in the directory, so that a slip in any of them is understood

Revision: 0038
Follows: 0029d
"""

from alembic import op

revision = '0038'
down_revision = '0029d'
branch_labels = None
depends_on = None

# Of what search_entry holds, and of nothing else; a number has no slips.
WORDS = r"""
CREATE MATERIALIZED VIEW search_word AS
SELECT word, count(*) AS entries FROM (
  SELECT concat_ws(' ', o.name, o.description, c.folded_name) AS said
  FROM search_entry e JOIN organisation o ON o.id = e.subject_id JOIN commune c ON c.code = e.commune_code WHERE e.kind = 'organisation'
  UNION ALL
  SELECT concat_ws(' ', n.title, n.description, array_to_string(n.skills, ' ')) FROM search_entry e JOIN need n ON n.id = e.subject_id WHERE e.kind = 'need'
  UNION ALL
  SELECT concat_ws(' ', n.title, n.description, array_to_string(n.skills, ' ')) FROM search_entry e JOIN offer n ON n.id = e.subject_id WHERE e.kind = 'offer'
) AS texts, unnest(string_to_array(search_fold(said), ' ')) AS word
WHERE length(word) BETWEEN 4 AND 60 AND word !~ '[0-9]' GROUP BY word
"""


def upgrade() -> None:
    op.execute(WORDS)
    # The first lets the words be read anew while others search.
    op.execute('CREATE UNIQUE INDEX uq_search_word_word ON search_word (word)')
    op.execute('CREATE INDEX ix_search_word_word_parts ON search_word USING gin (word gin_trgm_ops)')


def downgrade() -> None:
    op.execute('DROP MATERIALIZED VIEW search_word')
