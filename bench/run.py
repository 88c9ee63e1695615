"""A whole run of a large département, from the click to the page: `./croisee bench run [--needs 20000] [--offers 30000] [--save]`.

Fills a database of its own with invented declarations of the Orne, asks for a run as the page does, lets the task compute it, and prints
the seconds of each stage. The peer is the engine alone on the same arrays: what the database and everything around it add.
"""

import argparse
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import insert, select, text

ROOT = Path(__file__).resolve().parents[1]
SUBJECTS = (
    ("Traiteur pour un séminaire", "traiteur buffet repas de saison"),
    ("Entretien des espaces verts", "tonte taille haies jardin"),
    ("Ménage de bureaux", "nettoyage bureaux vitres entretien"),
    ("Comptable à temps partagé", "comptabilité paie bilan gestion"),
    ("Atelier de réparation de vélos", "vélo mécanique réparation atelier"),
    ("Formation à la prise de parole", "formation parole communication animation"),
    ("Salle de réunion accessible", "salle réunion bureau accessible"),
    ("Bois de chauffage en circuit court", "bois chauffage forêt plaquettes"),
    ("Site internet et communication", "internet communication graphisme site"),
    ("Transport de petits colis", "livraison transport colis tournée"),
    ("Mobilier de bureau d’occasion", "mobilier bureau réemploi chaises"),
    ("Aide à domicile", "aide domicile soins accompagnement"),
)


@contextmanager
def site() -> Iterator[Flask]:
    """The application on a database of its own, with the communes of France and the territories of Normandie."""
    from matchmaker.embedded import temporary_servers

    with temporary_servers(ROOT / "var") as (postgres, valkey):
        os.environ |= {"DATABASE_URL": postgres.create_database("bench"), "REDIS_URL": valkey.url, "SECRET_KEY": "only for a measure, and long enough"}
        from matchmaker.app import create_app
        from matchmaker.extensions import db
        from matchmaker.services import territories

        app = create_app()
        with app.app_context():
            upgrade()
            territories.load_communes()
            territories.load_region("28")
            db.session.commit()
            try:
                yield app
            finally:
                db.session.remove()
                db.engine.dispose()


def fill(needs: int, offers: int, seed: int) -> None:
    """Organisations, needs and offers of the Orne, the offers of its neighbours among them. The same for the same seed."""
    from matchmaker.extensions import db
    from matchmaker.models import Commune, Family, Need, Offer, Organisation, Territory
    from matchmaker.models.territories import Level

    rng = random.Random(seed)
    territory = {code: row_id for row_id, code in db.session.execute(select(Territory.id, Territory.code).where(Territory.level == Level.DEPARTEMENT))}
    places = {
        code: db.session.execute(select(Commune.code, Commune.latitude, Commune.longitude).where(Commune.departement_code == code)).all() for code in territory
    }

    def organisation(number: int, departement: str) -> dict[str, Any]:
        commune = rng.choice(places[departement])
        point = (commune.latitude + rng.gauss(0, 0.01), commune.longitude + rng.gauss(0, 0.01))
        where = {"commune_code": commune.code, "territory_id": territory[departement], "latitude": point[0], "longitude": point[1]}
        return {"id": uuid_of(rng), "name": f"Structure {number}", "family": Family.ASSOCIATION, "email": f"contact{number}@structure.test", **where}

    here = [organisation(number, "61") for number in range((needs + offers) // 4)]
    near = [organisation(len(here) + number, rng.choice(("14", "27", "50"))) for number in range(max(1, offers // 20))]
    db.session.execute(insert(Organisation), here + near)
    db.session.execute(insert(Need), [declaration(rng, rng.choice(here)) for _need in range(needs)])
    db.session.execute(insert(Offer), [declaration(rng, rng.choice(near if rng.random() < 0.1 else here)) for _offer in range(offers)])
    db.session.commit()
    db.session.execute(text("ANALYZE"))
    db.session.commit()


def uuid_of(rng: random.Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


def declaration(rng: random.Random, organisation: dict[str, Any]) -> dict[str, Any]:
    from matchmaker.models import Category, Status, Theme
    from matchmaker.models.base import now, today

    title, words = rng.choice(SUBJECTS)
    known = words.split()
    starts = today() + timedelta(days=rng.randrange(60)) if rng.random() < 0.4 else None
    return {
        "id": uuid_of(rng),
        "organisation_id": organisation["id"],
        "territory_id": organisation["territory_id"],
        "commune_code": organisation["commune_code"],
        "category": rng.choice(tuple(Category)),
        "status": Status.PUBLISHED,
        "title": title,
        "description": " ".join(rng.choices(known, k=8)),
        "radius_km": rng.choice((5, 10, 10, 15, 20, 30)),
        "remote_share": 0,
        "starts_on": starts,
        "ends_on": starts + timedelta(days=rng.randrange(30, 200)) if starts else None,
        "halfdays": rng.getrandbits(10) if rng.random() < 0.5 else 0,
        "skills": sorted(set(rng.choices(known, k=2))),
        "themes": [rng.choice(tuple(Theme)).value] if rng.random() < 0.4 else [],
        "capacity": rng.choice((1, 1, 1, 2, 3)),
        "published_at": now() - timedelta(days=rng.randrange(80)),
        "expires_on": today() + timedelta(days=30),
    }


class Clock:
    """Seconds by stage, in their order: by the wall, and of this process alone, which a busy machine does not stretch."""

    def __init__(self) -> None:
        self.stages: dict[str, tuple[float, float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        wall, process = time.perf_counter(), time.process_time()
        yield
        self.stages[name] = time.perf_counter() - wall, time.process_time() - process

    def wall(self, *names: str) -> float:
        return sum(self.stages[name][0] for name in names)


def staged(clock: Clock) -> None:
    """Let the clock see the stages of a computation from outside: the code that runs is the site's own."""
    from matchmaker.engine import scoring
    from matchmaker.services import matching_fairness, matching_freshness, matching_inputs, matching_instances, matching_solving

    for module, function, name in (
        (matching_freshness, "fingerprint", "fingerprint"),
        (matching_inputs, "read", "read the tables"),
        (matching_inputs, "candidates", "candidates"),
        (scoring, "score", "scores"),
        (matching_inputs, "relevant", "same subject"),
        (matching_solving, "assign_capped", "solve and prices"),
        (matching_solving, "prove", "verify the proof"),
        (matching_solving, "store_pairs", "store the pairs"),
        (matching_solving, "why_unserved", "reasons of the unserved"),
        (matching_instances, "pack", "pack the instance"),
        (matching_fairness, "figures", "fairness"),
    ):
        setattr(module, function, clocked(clock, name, getattr(module, function)))


def clocked(clock: Clock, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        with clock.stage(name):
            return function(*args, **kwargs)

    return timed


def measure() -> tuple[Clock, Any]:
    """Click, worker, page: as the site does it, in one process."""
    from matchmaker.engine.warming import warm
    from matchmaker.extensions import db
    from matchmaker.models import MatchingRun, Territory
    from matchmaker.models.base import today
    from matchmaker.services import matching

    # As a worker does when it starts.
    warm()
    clock = Clock()
    staged(clock)
    territory = db.session.scalars(select(Territory).where(Territory.code == "61", Territory.level == "departement")).one()
    with clock.stage("total"):
        with clock.stage("ask"):
            matching.request_run(territory)
            db.session.commit()
        with clock.stage("take up"):
            run_id = matching.start_due()
            db.session.commit()
        assert run_id is not None
        matching.compute(run_id, today=today())
        with clock.stage("commit"):
            db.session.commit()
    db.session.remove()
    return clock, db.session.get_one(MatchingRun, run_id)


MOST_SECONDS = 10
ENGINE = ("candidates", "scores", "same subject", "solve and prices", "verify the proof")


def report(clock: Clock, run: Any) -> str:
    total, engine = clock.wall("total"), clock.wall(*ENGINE)
    lines = [f"{run.needs_count:,} needs, {run.offers_count:,} offers, {run.candidates_count:,} pairs: {run.served_count:,} served, gap {run.gap}", ""]
    lines += ["| stage | seconds | of this process | share |", "|---|--:|--:|--:|"]
    lines += [f"| {name} | {wall:.2f} | {process:.2f} | {100 * wall / total:.0f} % |" for name, (wall, process) in clock.stages.items()]
    verdict = "pass" if total <= MOST_SECONDS else "FAIL"
    lines += ["", f"From the click to the ready run: {total:.2f} s (must: {MOST_SECONDS}, {verdict}), {total / engine:.2f} times the engine alone."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--needs", type=int, default=20_000)
    parser.add_argument("--offers", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=61)
    parser.add_argument("--save", action="store_true", help="write docs/figures/run.md")
    arguments = parser.parse_args()
    with site():
        fill(arguments.needs, arguments.offers, arguments.seed)
        told = report(*measure())
    print(told)
    if arguments.save:
        title = "# From the click to the ready run, by stage\n\nWritten by `python -m bench.run --save`, with the database on the same two cores.\n\n"
        (ROOT / "docs" / "figures" / "run.md").write_text(title + told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
