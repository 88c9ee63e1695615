"""The daily clock at rest and at work: queries and seconds for so many open propositions: `./croisee bench answers [--sizes 1000 3000 10000] [--save]`.

A database of its own holds the invented declarations of `bench.run` in one département, a published run, and the open propositions, put on
the fifteen days before. One day of the clock then ends what was left without an answer, recalls, asks anew and writes the mails, all in
one process, as the tasks do it.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import event, func, insert, select, text, update

from bench.run import fill, site

ROOT = Path(__file__).resolve().parents[1]
MOST_SECONDS = 60
# Working days before, on which the open propositions were put.
DAYS = 14


@dataclass(frozen=True)
class Stage:
    """What a part of the day cost, and how much of it there was."""

    name: str
    seconds: float
    # Of this process alone, which a busy machine does not stretch.
    own: float
    queries: int
    count: int


@dataclass(frozen=True)
class Day:
    """The day for so many open propositions."""

    open: int
    mails: int
    stages: list[Stage]

    @property
    def seconds(self) -> float:
        return sum(stage.seconds for stage in self.stages)

    @property
    def own(self) -> float:
        return sum(stage.own for stage in self.stages)

    @property
    def queries(self) -> int:
        return sum(stage.queries for stage in self.stages)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    from matchmaker.extensions import db

    told: list[str] = []

    def tell(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        told.append(statement)

    event.listen(db.engine, "before_cursor_execute", tell)
    try:
        yield told
    finally:
        event.remove(db.engine, "before_cursor_execute", tell)


def empty() -> None:
    from matchmaker.extensions import db

    tables = "outbox_mail, solicitation, solicitation_count, asking_day, proposal, match, matching_run, need, offer, organisation"
    db.session.execute(text(f"TRUNCATE {tables} CASCADE"))
    db.session.commit()


def prepare(count: int, day: date) -> int:
    """A published run with so many open propositions, two a pair; returns how many there are."""
    from matchmaker.extensions import db
    from matchmaker.models import Match, MatchingRun, MatchStatus, Organisation, Proposal, RunStatus, Side, Solicitation, SolicitationKind, Territory
    from matchmaker.models.base import PARIS, now
    from matchmaker.services import matching, proposals, working_days

    # Three needs in four have a question under way.
    needs = count * 2 // 3
    fill(needs, needs * 3 // 2, seed=61)
    db.session.execute(update(Organisation).values(weekly_budget=10, monthly_budget=20))
    territory = db.session.scalars(select(Territory).where(Territory.code == "61", Territory.level == "departement")).one()
    run = matching.rematch(territory, today=day)
    db.session.execute(update(MatchingRun).where(MatchingRun.id == run.id).values(status=RunStatus.PUBLISHED, published_at=now()))
    matches = db.session.scalars(select(Match).where(Match.run_id == run.id).order_by(Match.id).limit(count // 2)).all()
    asked, rows = [], []
    for number, match in enumerate(matches):
        put_on = working_days.add(day, -1 - number % DAYS)
        match.status = MatchStatus.PROPOSED
        common = {"match_id": match.id, "proposed_at": datetime.combine(put_on, datetime.min.time(), PARIS), "answer_by": proposals.answer_day(match, put_on)}
        for side, declaration in ((Side.NEED, match.need), (Side.OFFER, match.offer)):
            asked.append({**common, "side": side, "organisation_id": declaration.organisation_id})
    db.session.flush()
    ids = db.session.execute(insert(Proposal).returning(Proposal.id, Proposal.organisation_id, Proposal.proposed_at, sort_by_parameter_order=True), asked)
    rows = [
        {"organisation_id": who, "kind": SolicitationKind.PROPOSAL, "proposal_id": one, "day": at.astimezone(PARIS).date(), "load": 0.1} for one, who, at in ids
    ]
    db.session.execute(insert(Solicitation), rows)
    for period in ("week", "month"):
        db.session.execute(
            text(
                "INSERT INTO solicitation_count (organisation_id, period, starts_on, count, ceiling)"
                " SELECT organisation_id, :period, date_trunc(:period, day)::date, count(*), greatest(count(*), 20) FROM solicitation GROUP BY 1, 2, 3"
            ),
            {"period": period},
        )
    db.session.commit()
    db.session.execute(text("ANALYZE"))
    db.session.commit()
    return db.session.scalar(select(func.count()).select_from(Proposal)) or 0


def live(count: int, day: date) -> Day:
    """One day of the clock, stage by stage, each with its commit; asked twice, as by two beats."""
    from matchmaker.extensions import db
    from matchmaker.models import OutboxMail, Territory
    from matchmaker.services import asking, proposal_ends, silent_needs
    from matchmaker.services.outbox import MailSettings

    settings = MailSettings.from_config(current_app.config)
    asked = prepare(count, day)
    db.session.remove()
    territory_id = db.session.scalars(select(Territory.id).where(Territory.code == "61", Territory.level == "departement")).one()

    def ask() -> int:
        done = asking.ask(db.session.get_one(Territory, territory_id), day=day, settings=settings)
        return len(done.proposals) + len(done.reminded)

    stages = []
    for name, verb in (
        ("end what stayed silent", lambda: proposal_ends.expire_due(today=day, settings=settings)),
        ("tell silent needs, 50 at once", lambda: silent_needs.tell_due(today=day, settings=settings)),
        ("ask and recall", ask),
        ("the second beat", ask),
    ):
        with counted() as statements:
            began, own = time.perf_counter(), time.process_time()
            number = verb()
            db.session.commit()
            stages.append(Stage(name, time.perf_counter() - began, time.process_time() - own, len(statements), number))
        db.session.remove()
    mails = db.session.scalar(select(func.count()).select_from(OutboxMail)) or 0
    return Day(asked, mails, stages)


def report(days: list[Day]) -> str:
    lines = ["| open propositions | stage | rows | queries | seconds | of this process |", "|--:|---|--:|--:|--:|--:|"]
    for day in days:
        lines += [f"| {day.open:,} | {stage.name} | {stage.count:,} | {stage.queries} | {stage.seconds:.2f} | {stage.own:.2f} |" for stage in day.stages]
        lines.append(f"| **{day.open:,}** | **the day, {day.mails:,} mails** | | **{day.queries}** | **{day.seconds:.2f}** | **{day.own:.2f}** |")
    first, last = days[0], days[-1]
    verdict = "pass" if last.seconds <= MOST_SECONDS else "FAIL"
    lines += ["", f"At {last.open:,} open propositions: {last.seconds:.1f} s (must: {MOST_SECONDS}, {verdict}), {last.own:.1f} s of them of this process."]
    lines += [f"Of this process for 1,000: {1000 * first.own / first.open:.2f} s at {first.open:,}, {1000 * last.own / last.open:.2f} s at {last.open:,}."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 3_000, 10_000])
    parser.add_argument("--save", action="store_true", help="write docs/figures/answers.md")
    arguments = parser.parse_args()
    with site():
        from matchmaker.engine.warming import warm
        from matchmaker.models.base import today
        from matchmaker.services import working_days

        warm()
        day, days = working_days.first_from(today()), []
        for count in arguments.sizes:
            empty()
            days.append(live(count, day))
    told = report(days)
    print(told)
    if arguments.save:
        title = "# The daily clock of the propositions\n\nWritten by `./croisee bench answers --save`, with the database on the same two cores.\n\n"
        (ROOT / "docs" / "figures" / "answers.md").write_text(title + told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
