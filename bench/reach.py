"""The live count beside a form that is being written: `./croisee bench reach [--offers 10000] [--explain]`.

Fills a database of its own with open offers of one category in one département and around it, asks from its communes who could answer a
need, as the page does while somebody writes, and prints p50 and p95.
"""

import argparse
import random
import statistics
import time
from typing import Any
from uuid import UUID

from sqlalchemy import event, select, text, update

from bench.run import fill, site

GOAL_MS = 50.0
NOBODY = UUID(int=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offers", type=int, default=10_000)
    parser.add_argument("--asked", type=int, default=300)
    parser.add_argument("--explain", action="store_true", help="print what the database does for one of them")
    options = parser.parse_args()

    with site():
        fill(1, options.offers, seed=1)
        same_category()
        times = [timed(*asked) for asked in questions(options.asked)]
        slow = statistics.quantiles(times, n=20)[-1]
        print(f"{options.offers:,} open offers of one category, {options.asked} counts: p50 {statistics.median(times):.1f} ms, p95 {slow:.1f} ms")
        print(f"goal of p95: {GOAL_MS:.0f} ms, {'pass' if slow <= GOAL_MS else 'FAIL'}")
        if options.explain:
            print(explained(*questions(1)[0]))


def same_category() -> None:
    """All of one category and nearly all within reach of each other: the worst that a count can meet."""
    from matchmaker.extensions import db
    from matchmaker.models import Category, Offer

    db.session.execute(update(Offer).values(category=Category.PURCHASE))
    db.session.commit()
    db.session.execute(text("ANALYZE"))
    db.session.commit()


def questions(number: int) -> list[tuple[Any, int, bool]]:
    """Communes of the département, each with a radius, and now and then a need that is met from afar."""
    from matchmaker.extensions import db
    from matchmaker.models import Commune

    rng = random.Random(2)
    communes = db.session.scalars(select(Commune).where(Commune.departement_code == "61").order_by(Commune.code)).all()
    return [(rng.choice(communes), rng.choice((10, 30, 60, 100)), rng.random() < 0.1) for _question in range(number)]


def timed(commune: Any, radius_km: int, is_remote: bool) -> float:
    """Milliseconds of one count."""
    from matchmaker.models import Category
    from matchmaker.services import declarations_reach

    start = time.perf_counter()
    declarations_reach.around(commune, category=Category.PURCHASE, is_need=True, radius_km=radius_km, is_remote=is_remote, organisation_id=NOBODY)
    return 1000 * (time.perf_counter() - start)


def explained(commune: Any, radius_km: int, is_remote: bool) -> str:
    """The plan of the count, as the database tells it."""
    from matchmaker.extensions import db

    sent: list[tuple[str, Any]] = []
    event.listen(db.engine, "before_cursor_execute", lambda _c, _cursor, statement, parameters, _context, _many: sent.append((statement, parameters)))
    timed(commune, radius_km, is_remote)
    counted = next(asked for asked in sent if "asin" in asked[0].lower())
    lines = db.session.connection().exec_driver_sql("EXPLAIN (ANALYZE, BUFFERS) " + counted[0], counted[1])
    return "\n".join(line for (line,) in lines)


if __name__ == "__main__":
    main()
