"""Words of a search: what finds them in French, whatever their accents and endings, and the words that were meant where one was misspelled."""

from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, func, literal_column, text
from sqlalchemy.dialects.postgresql import ARRAY

from matchmaker.extensions import db
from matchmaker.services.territories import fold

MOST_WORDS, LONGEST_WORD = 10, 60
# They are in every text, and find nothing by themselves.
SMALL = frozenset(
    [
        "l",
        "d",
        "s",
        "n",
        "m",
        "de",
        "du",
        "des",
        "la",
        "le",
        "les",
        "et",
        "en",
        "a",
        "au",
        "aux",
        "un",
        "une",
        "pour",
        "par",
        "sur",
        "dans",
        "avec",
        "que",
        "qui",
        "ou",
        "on",
        "nous",
        "vous",
        "notre",
        "nos",
        "votre",
        "vos",
        "ce",
        "ces",
    ]
)
# Shorter ones are words as they are, and no beginnings.
SHORTEST_BEGINNING = 3
# « vello » for « velo », not « pain » for « plainte ».
ALIKE = 0.4
# Of all words that were in the directory last night the likest, the more frequent first; else, of what came today, the likest of a name.
NEAREST = text(
    """
    SELECT asked.word,
      EXISTS (SELECT FROM search_entry WHERE vector @@ (to_tsquery('fr', asked.word) || to_tsquery('simple', asked.word || ':*'))) AS is_known,
      coalesce(
        (SELECT w.word FROM search_word w WHERE w.word % asked.word AND similarity(w.word, asked.word) >= :alike
         ORDER BY similarity(w.word, asked.word) DESC, w.entries DESC, w.word LIMIT 1),
        (SELECT part FROM search_entry, unnest(string_to_array(sort_name, ' ')) AS part
         WHERE asked.word <<% sort_name AND similarity(part, asked.word) >= :alike
         GROUP BY part ORDER BY similarity(part, asked.word) DESC, count(*) DESC, part LIMIT 1)) AS likest
    FROM unnest(:words) WITH ORDINALITY AS asked(word, place) ORDER BY place
    """
).bindparams(bindparam("words", type_=ARRAY(Text)))


def words(typed: str) -> list[str]:
    """Return what counts of what was typed: folded, small words left out unless there are no others.

    >>> words("L’Épicerie de St-Lô"), words("la"), words("%")
    (['epicerie', 'saint', 'lo'], ['la'], [])
    """
    every = [word[:LONGEST_WORD] for word in fold(typed).split()]
    return ([word for word in every if word not in SMALL] or every)[:MOST_WORDS]


def query(typed: str) -> ColumnElement[Any] | None:
    """What finds each of the words, by its French stem or by its beginning; None where there is no word.

    The stem counts whole: its beginning would find other words than the one that was typed, and asks four times as much of the index.
    """
    whole: ColumnElement[Any] | None = None
    for word in words(typed):
        beginning = f"{word}:*" if len(word) >= SHORTEST_BEGINNING else word
        one = func.to_tsquery(literal_column("'fr'::regconfig"), word).op("||")(func.to_tsquery(literal_column("'simple'::regconfig"), beginning)).self_group()
        whole = one if whole is None else whole.op("&&")(one)
    return whole


def nearest(typed: str) -> list[str]:
    """What was meant, in one statement: the words in one, where that is a word; else those that are nowhere replaced by the likest.

    Empty where one of them is like none.
    """
    asked = words(typed)
    joined = ["".join(asked)[:LONGEST_WORD]] if len(asked) > 1 else []
    found = db.session.execute(NEAREST, {"words": asked + joined, "alike": ALIKE}).all()
    if joined and found[-1].is_known:
        return joined
    meant = [row.word if row.is_known else row.likest for row in found[: len(asked)]]
    return meant if all(meant) else []


def gather_words() -> None:
    """Read anew which words there are in the directory. Who searches meanwhile finds those of before."""
    db.session.execute(text("REFRESH MATERIALIZED VIEW CONCURRENTLY search_word"))
