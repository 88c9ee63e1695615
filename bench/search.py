"""The directory at a size that Normandy will not reach soon: `./croisee bench search [--organisations N] [--save]`.

A database of its own holds invented structures in the communes of Normandy, by their inhabitants, and their public needs and offers. Each kind
of question is asked many times with other words and places, whole as the page asks it: what is counted, the page of rows and what they say.
The peer does the same without the table that the triggers keep: ILIKE over the structures and their announcements, and a GROUP BY a facet.
"""

import argparse
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench.run import site

ROOT = Path(__file__).resolve().parents[1]
GOAL_MS = 50.0
SEED = 29
# Nobody can tell what was meant where a word of four letters lacks one.
SHORT = 4
TRADES = [
    "menuiserie",
    "réemploi",
    "traiteur",
    "maraîchage",
    "couture",
    "ressourcerie",
    "recyclage",
    "nettoyage",
    "logistique",
    "comptabilité",
    "informatique",
    "formation",
    "paysage",
    "imprimerie",
    "maçonnerie",
    "plomberie",
    "électricité",
    "boulangerie",
    "brasserie",
    "théâtre",
    "musique",
    "médiation",
    "insertion",
    "conditionnement",
    "jardinage",
    "mobilité",
    "vélo",
    "covoiturage",
    "habitat",
    "rénovation",
    "isolation",
    "chauffage",
    "bois",
    "lin",
    "laine",
    "textile",
    "épicerie",
    "restauration",
    "cantine",
    "crèche",
    "garde",
    "soins",
    "coiffure",
    "sport",
    "tourisme",
    "patrimoine",
    "édition",
    "librairie",
    "radio",
    "graphisme",
    "photographie",
    "traduction",
    "secrétariat",
    "paie",
    "conseil",
    "gouvernance",
    "accompagnement",
    "numérique",
]
BEGINNINGS = [
    "Atelier",
    "Maison",
    "Association",
    "Coopérative",
    "Fabrique",
    "Comptoir",
    "Relais",
    "Jardin",
    "Cercle",
    "Foyer",
    "Grange",
    "Verger",
    "Moulin",
    "Halle",
    "Collectif",
    "Réseau",
]
ENDINGS = [
    "Bocage",
    "Perche",
    "Auge",
    "Cotentin",
    "Vexin",
    "Caux",
    "Bray",
    "Avranchin",
    "Bessin",
    "Plaine",
    "Seine",
    "Orne",
    "Vire",
    "Touques",
    "Andelle",
    "Risle",
    "Sées",
    "Ouche",
    "Rive",
    "Marais",
]


def fill(organisations: int) -> None:
    """Structures with their announcements, in a few statements: the triggers see each statement once."""
    from matchmaker.extensions import db
    from matchmaker.services import search_text

    db.session.execute(text("SELECT setseed(:seed)"), {"seed": SEED / 100})
    lists = {"trades": TRADES, "beginnings": BEGINNINGS, "endings": ENDINGS}
    db.session.execute(text("SET LOCAL statement_timeout = 0"))
    # Towns by their inhabitants: each structure stands where a person drawn at random lives.
    db.session.execute(
        text(
            """
            CREATE TEMP TABLE town AS SELECT c.code, t.id AS territory_id,
              sum(population) OVER (ORDER BY c.code) - population AS low, sum(population) OVER (ORDER BY c.code) AS high
            FROM commune c JOIN territory t ON t.level = 'departement' AND t.code = c.departement_code WHERE c.region_code = '28' AND population > 0
            """
        )
    )
    people = db.session.scalar(text("SELECT max(high) FROM town"))
    step = 10_000
    for first in range(0, organisations, step):
        count = min(step, organisations - first)
        db.session.execute(
            text(
                """
                INSERT INTO organisation (id, name, family, inclusion_kind, ess_label, is_third_place, naf, description, eligibility, address, commune_code,
                  territory_id, email, phone, website, monthly_budget, weekly_budget, working_days, opens_at, closes_at, source, created_at, updated_at)
                SELECT gen_random_uuid(), drawn.beginning || ' ' || drawn.trade || ' ' || drawn.ending || ' ' || drawn.number,
                  (ARRAY['association','association','association','cooperative','entreprise','entreprise','mutuelle','fondation','public'])[1 + drawn.a * 8],
                  CASE WHEN drawn.b < 0.08 THEN (ARRAY['EI','ACI','AI','ETTI','EA','ESAT'])[1 + drawn.c * 5] END,
                  'declared', drawn.d < 0.02, '', 'Nous faisons ' || drawn.trade || ' et ' || drawn.other || ' pour les '
                    || (ARRAY['habitants','familles','communes','collectivités','jeunes'])[1 + drawn.e * 4] || ' d’ici.',
                  'unknown', '', town.code, town.territory_id, '', '', '', 6, 2, 31, 8, 18, 'bench', now() - drawn.e * interval '700 days', now()
                FROM (
                  SELECT number, (CAST(:beginnings AS text[]))[1 + random() * (cardinality(CAST(:beginnings AS text[])) - 1)] AS beginning,
                    (CAST(:trades AS text[]))[1 + random() * (cardinality(CAST(:trades AS text[])) - 1)] AS trade,
                    (CAST(:trades AS text[]))[1 + random() * (cardinality(CAST(:trades AS text[])) - 1)] AS other,
                    (CAST(:endings AS text[]))[1 + random() * (cardinality(CAST(:endings AS text[])) - 1)] AS ending,
                    random() AS a, random() AS b, random() AS c, random() AS d, random() AS e, floor(random() * :people) AS person
                  FROM generate_series(CAST(:first AS integer) + 1, CAST(:first AS integer) + :count) AS number
                ) AS drawn JOIN town ON drawn.person >= town.low AND drawn.person < town.high
                """
            ),
            lists | {"people": people, "first": first, "count": count},
        )
    for table, share in (("need", 0.25), ("offer", 0.25)):
        db.session.execute(
            text(
                f"""
                INSERT INTO {table} (id, organisation_id, category, status, title, description, radius_km, remote_share, halfdays, skills, themes, capacity,
                  flags, denied_flags, is_confidential, details, published_at, expires_on, territory_id, commune_code, created_at, updated_at)
                SELECT gen_random_uuid(), o.id,
                  (ARRAY['job','pooled_job','purchase','premises','skills_sponsorship','peer_training','material'])[1 + random() * 6], 'published',
                  (CAST(:trades AS text[]))[1 + random() * (cardinality(CAST(:trades AS text[])) - 1)] || ' à ' || c.name, '', 30, 0, 0,
                  ARRAY[(CAST(:trades AS text[]))[1 + random() * (cardinality(CAST(:trades AS text[])) - 1)]],
                  ARRAY[(ARRAY['emploi_insertion','habitat','mobilite','cooperation','lien_social','economie_circulaire'])[1 + random() * 5]], 1,
                  CASE WHEN random() < 0.1 THEN ARRAY['wheelchair'] ELSE ARRAY[]::text[] END, ARRAY[]::text[], false, '{{}}',
                  now() - random() * interval '80 days', current_date + 30, o.territory_id, o.commune_code, now(), now()
                FROM organisation o JOIN commune c ON c.code = o.commune_code WHERE random() < {share}
                """
            ),
            {"trades": TRADES},
        )
    search_text.gather_words()
    db.session.commit()
    vacuum()


def vacuum() -> None:
    """What autovacuum does within minutes of quiet: the second time finds nothing left that the first one had to keep for who was reading."""
    from matchmaker.extensions import db

    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in 2 * ("search_entry", "organisation", "need", "offer"):
            connection.execute(text(f"VACUUM ANALYZE {table}"))


def questions(rng: random.Random) -> dict[str, Callable[[], Any]]:
    """Each kind of question, drawn anew each time."""
    from matchmaker.models import Category, EntryKind, Family, Trait
    from matchmaker.services.search import Question, Sort

    towns = ["14118", "61169", "76540", "50129", "27229", "61145", "14366", "76217"]

    def word() -> str:
        return rng.choice(TRADES)

    return {
        "no filter": lambda: Question(),
        "a word": lambda: Question(text=word()),
        "two words": lambda: Question(text=f"{word()} {rng.choice(ENDINGS)}"),
        "a beginning": lambda: Question(text=word()[:4]),
        "a frequent word": lambda: Question(text=rng.choice(["familles", "communes", "collectivités"])),
        "a slip": lambda: Question(text=slip(rng.choice([one for one in TRADES if len(one) > SHORT]), rng)),
        "30 km around": lambda: Question(around=rng.choice(towns), radius_km=30),
        "a word, 30 km around": lambda: Question(text=word(), around=rng.choice(towns), radius_km=30),
        "a département": lambda: Question(departement=rng.choice(["14", "27", "50", "61", "76"])),
        "family and category": lambda: Question(families=frozenset({rng.choice(list(Family))}), categories=frozenset({rng.choice(list(Category))})),
        "clause, accessible": lambda: Question(traits=frozenset({Trait.CLAUSE, Trait.ACCESSIBLE}), departement=rng.choice(["14", "76"])),
        "needs, a word": lambda: Question(kind=EntryKind.NEED, text=word()),
        "the newest": lambda: Question(sort=Sort.FRESH),
    }


def slip(word: str, rng: random.Random) -> str:
    """The word with two letters of its inside doubled or dropped."""
    place = rng.randrange(2, len(word) - 1)
    return word[:place] + word[place] + word[place:] if rng.random() < 0.5 else word[:place] + word[place + 1 :]


def ours(question: Any) -> None:
    """What the page asks of the database."""
    from matchmaker.extensions import db
    from matchmaker.models import EntryKind, Need, Offer
    from matchmaker.services import search, search_rows

    found = search.results(question)
    if question.kind is EntryKind.ORGANISATION:
        search_rows.organisations_of(found.page.ids)
        search_rows.said_by(found.page.ids)
    else:
        search_rows.declarations_of(Need if question.kind is EntryKind.NEED else Offer, found.page.ids)
    db.session.rollback()


PUBLIC = "d.status = 'published' AND NOT d.is_confidential"
SAYS = "EXISTS (SELECT FROM {table} d WHERE d.organisation_id = o.id AND " + PUBLIC + " AND {what})"


def peer(question: Any) -> None:
    """The same structures, counts and page by LIKE without accents, distances by the formula, and one GROUP BY a facet. Of structures only."""
    from matchmaker import reference
    from matchmaker.extensions import db
    from matchmaker.services.territories import plain

    parts, values = ["true"], dict[str, Any]()
    for number, word in enumerate(plain(question.text).split()):
        like, values[f"w{number}"] = f"LIKE :w{number}", f"%{word}%"
        said = " OR ".join(SAYS.format(table=table, what=f"unaccent(lower(d.title)) {like}") for table in ("need", "offer"))
        parts.append(f"(unaccent(lower(o.name)) {like} OR unaccent(lower(o.description)) {like} OR c.folded_name {like} OR {said})")
    if question.around:
        here = reference.communes()[question.around]
        values |= {"lat": here.lat, "lon": here.lon, "km": question.radius_km}
        parts.append(
            "2 * 6371 * asin(sqrt(sin(radians(c.latitude - :lat) / 2) ^ 2 + cos(radians(:lat)) * cos(radians(c.latitude))"
            " * sin(radians(c.longitude - :lon) / 2) ^ 2)) <= :km"
        )
    if question.departement:
        parts.append("c.departement_code = :departement")
        values["departement"] = question.departement
    if question.families:
        parts.append("o.family = ANY(:families)")
        values["families"] = [family.value for family in question.families]
    if question.categories:
        what = "d.category = ANY(:categories)"
        parts.append(f"({SAYS.format(table='need', what=what)} OR {SAYS.format(table='offer', what=what)})")
        values["categories"] = [category.value for category in question.categories]
    rows = f"FROM organisation o JOIN commune c ON c.code = o.commune_code WHERE {' AND '.join(parts)}"
    order = "o.created_at DESC" if question.sort == "fresh" else "unaccent(lower(o.name)), o.id"
    db.session.execute(text(f"SELECT o.id {rows} ORDER BY {order} LIMIT 20"), values).all()
    for column in ("o.family", "o.inclusion_kind", "o.is_third_place", "c.code"):
        db.session.execute(text(f"SELECT {column}, count(*) {rows} GROUP BY 1"), values).all()
    for column in ("d.category", "unnest(d.themes)"):
        both = " UNION ALL ".join(
            f"SELECT o.id, {column} AS said FROM {table} d JOIN found o ON o.id = d.organisation_id WHERE {PUBLIC}" for table in ("need", "offer")
        )
        db.session.execute(text(f"WITH found AS (SELECT o.id {rows}) SELECT said, count(DISTINCT id) FROM ({both}) AS b GROUP BY 1"), values).all()
    db.session.rollback()


def timed(ask: Callable[[Any], None], question: Any) -> float:
    began = time.perf_counter()
    ask(question)
    return 1000 * (time.perf_counter() - began)


def worked() -> float:
    """Milliseconds that this process and its server process computed so far: a busy machine does not stretch them."""
    from matchmaker.extensions import db

    server = db.session.scalar(text("SELECT pg_backend_pid()"))
    fields = Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()
    return 1000 * ((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + time.process_time())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--organisations", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=40, help="questions of each kind; a tenth of them to the peer")
    parser.add_argument("--save", action="store_true", help="write docs/figures/search.md")
    options = parser.parse_args()
    rows = []
    with site():
        from matchmaker.extensions import db

        began = time.perf_counter()
        fill(options.organisations)
        filled = time.perf_counter() - began
        # A page waits for no helpers: other people's pages are asked for at the same time.
        db.session.execute(text("SET max_parallel_workers_per_gather = 0"))
        db.session.commit()
        print(f"{options.organisations} structures in {filled:.0f} s", flush=True)
        rng = random.Random(SEED)
        for name, draw in questions(rng).items():
            asked = [draw() for _ in range(options.times)]
            timed(ours, asked[0])
            before = worked()
            times = [timed(ours, question) for question in asked]
            work = (worked() - before) / len(asked)
            theirs = [timed(peer, question) for question in asked[: max(3, options.times // 10)]]
            p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[18]
            rows.append((name, p50, p95, work, statistics.median(theirs)))
            told = f"p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   work {work:6.1f} ms   by ILIKE {rows[-1][4]:8.1f} ms   ratio {rows[-1][4] / p50:6.1f}"
            print(f"{name:24} {told}", flush=True)
    if options.save:
        save(rows, options.organisations, filled)
    sys.exit(any(row[2] > GOAL_MS for row in rows))


def save(rows: list[tuple[str, float, float, float, float]], organisations: int, filled: float) -> None:
    lines = [f"| {name} | {p50:.1f} | {p95:.1f} | {work:.1f} | {theirs:.0f} | {theirs / p50:.1f} |" for name, p50, p95, work, theirs in rows]
    path = ROOT / "docs" / "figures" / "search.md"
    path.write_text(
        f"# How fast the directory answers\n\nMade by `./croisee bench search --save` on {datetime.now(UTC):%Y-%m-%d}, with {os.cpu_count()} cores shared with"
        f" others, Python {platform.python_version()}: {organisations} structures, half as many announcements, all in Normandy (filled in {filled:.0f} s with"
        " the triggers).\nMilliseconds of everything that a page asks of the database: rows, counts of every facet and of every commune, and what the rows say."
        " The peer gives the same rows and counts by LIKE over names,\ndescriptions and titles without accents, and"
        " a GROUP BY a facet.\nComputed: the mean of what both processes worked, which others on the machine do not stretch.\n\n"
        "| question | p50 | p95 | computed | by ILIKE, p50 | ratio |\n|---|--:|--:|--:|--:|--:|\n"
        + "\n".join(lines)
        + f"\n\nGoal: p95 of at most {GOAL_MS:.0f} ms.\n"
    )


if __name__ == "__main__":
    main()
