"""Runs: asking for one, computing it, publishing it."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, any_, func, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.interfaces import ORMOption

from matchmaker.extensions import compute_at_length, db
from matchmaker.models import (
    Match,
    MatchingRun,
    MatchStatus,
    Need,
    Offer,
    Organisation,
    Proposal,
    RunStatus,
    Status,
    Territory,
    User,
)
from matchmaker.models.base import now
from matchmaker.services import asking, outbox
from matchmaker.services.errors import NotAllowedNow, RunUnderWay
from matchmaker.services.matching_places import closed_pairs
from matchmaker.services.matching_solving import solve
from matchmaker.services.matching_tables import engine_id

MAX_ATTEMPTS = 3
# How long a result waits to be read before the next one takes its place by itself.
A_WEEK = timedelta(days=7)
# One publication at a time, and none while a territory is asked: two départements may hold pairs of the same offer.
PUBLICATION_LOCK = asking.ASKING_LOCK


def request_run(territory: Territory, *, requested_by: User | None = None) -> MatchingRun:
    """Queue a run of a département. Raises RunUnderWay: the database keeps one at a time."""
    run = MatchingRun(territory=territory, requested_by=requested_by)
    try:
        with db.session.begin_nested():
            db.session.add(run)
    except IntegrityError:
        raise RunUnderWay(territory.code) from None
    return run


def wish_for_a_run(territory: Territory) -> None:
    """Something changed that a run should see. One that waits already will see it.

    A result that an animator has yet to read is not taken from under their eyes: its page says that it is not fresh, and the week asks for
    another. See request_weekly.
    """
    if waits_to_be_read(territory):
        return
    try:
        request_run(territory)
    except RunUnderWay:
        return


def wish_for_runs_after(refusal: Proposal) -> None:
    """A refusal frees its need, and those whose questions ended with it: they look elsewhere."""
    freed = select(Need.territory_id).join(Match, Match.need_id == Need.id).join(Match.proposals)
    freed = freed.where((Proposal.id == refusal.id) | (Proposal.parted_by_id == refusal.id))
    for territory in db.session.scalars(select(Territory).where(Territory.id.in_(freed)).order_by(Territory.code)).all():
        wish_for_a_run(territory)


def waits_to_be_read(territory: Territory) -> bool:
    """Is there a result that nobody sent, less than a week old?"""
    ready = (MatchingRun.territory_id == territory.id, MatchingRun.status == RunStatus.READY, MatchingRun.created_at > now() - A_WEEK)
    return db.session.scalar(select(MatchingRun.id).where(*ready).limit(1)) is not None


def start_due() -> UUID | None:
    """Mark the oldest waiting run as running, or one whose worker died: no lock stands on its row. None when nothing waits."""
    waiting = select(MatchingRun).where(MatchingRun.status.in_((RunStatus.QUEUED, RunStatus.RUNNING)))
    return start_first(waiting.order_by(MatchingRun.created_at))


def start_in(territory: Territory) -> UUID | None:
    """The same for the run of one territory. None when a worker computes it now."""
    under_way = MatchingRun.status.in_((RunStatus.QUEUED, RunStatus.RUNNING))
    return start_first(select(MatchingRun).where(MatchingRun.territory_id == territory.id, under_way))


def start_first(waiting: Select[MatchingRun]) -> UUID | None:
    run = db.session.scalars(waiting.limit(1).with_for_update(skip_locked=True, of=MatchingRun)).one_or_none()
    if run is None:
        return None
    if run.attempts >= MAX_ATTEMPTS:
        run.status, run.failure, run.finished_at = RunStatus.FAILED, "its worker died each time", now()
        return None
    take_up(run)
    return run.id


def take_up(run: MatchingRun) -> None:
    run.status, run.attempts, run.started_at = RunStatus.RUNNING, (run.attempts or 0) + 1, now()


def compute(run_id: UUID, *, today: date) -> None:
    """Compute a running run and store its pairs. The row stays locked: who finds it unlocked knows that its worker died."""
    locked = select(MatchingRun).where(MatchingRun.id == run_id, MatchingRun.status == RunStatus.RUNNING)
    run = db.session.scalars(locked.with_for_update(skip_locked=True, of=MatchingRun)).one_or_none()
    if run is not None:
        finish(run, today=today)


def rematch(territory: Territory, *, today: date) -> MatchingRun:
    """Queue a run and compute it at once, in the caller's transaction."""
    run = request_run(territory)
    take_up(run)
    db.session.flush()
    finish(run, today=today)
    return run


def finish(run: MatchingRun, *, today: date) -> None:
    """Compute, and take the place of the result that nobody sent."""
    compute_at_length()
    solve(run, today=today)
    run.status, run.finished_at = RunStatus.READY, now()
    supersede(run, RunStatus.READY)
    db.session.flush()


def fail(run_id: UUID, reason: str) -> None:
    run = db.session.get_one(MatchingRun, run_id)
    if not run.is_over:
        run.status, run.failure, run.finished_at = RunStatus.FAILED, reason, now()


def supersede(run: MatchingRun, status: RunStatus) -> None:
    """The other runs of the territory that stand in this status now, whatever we read before, give way to this one."""
    others = update(MatchingRun).where(MatchingRun.territory_id == run.territory_id, MatchingRun.status == status, MatchingRun.id != run.id)
    db.session.execute(others.values(status=RunStatus.SUPERSEDED), execution_options={"synchronize_session": "fetch"})


def publish(run: MatchingRun, *, today: date, settings: outbox.MailSettings, asks: bool = True) -> list[Proposal]:
    """Make the run's pairs those that are asked about, and ask what is worth a mail today: the rest follows day by day.

    Pairs that no longer hold are left out. ``asks``: False when nobody is at work; the next working day asks then. Raises NotAllowedNow when
    the run is not to be read.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(PUBLICATION_LOCK)))
    db.session.refresh(run, with_for_update={"of": MatchingRun})
    if not run.can_be_published():
        raise NotAllowedNow(run.status)
    supersede(run, RunStatus.PUBLISHED)
    run.status, run.published_at = RunStatus.PUBLISHED, now()
    closed = {tuple(pair) for pair in closed_pairs(today=today).tolist()}
    for match in matches_of(run):
        pair = (engine_id(match.need_id), engine_id(match.offer_id))
        if pair in closed or not all(is_as_read(side, run) for side in (match.need, match.offer)):
            match.status = MatchStatus.ENDED
    db.session.flush()
    return asking.ask(run.territory, day=today, settings=settings, again=True).proposals if asks else []


def is_as_read(declaration: Need | Offer, run: MatchingRun) -> bool:
    """Open, and as it was when the run read it."""
    return declaration.is_open and (run.started_at is None or declaration.updated_at <= run.started_at)


def request_weekly() -> list[MatchingRun]:
    """Queue a run for each département with published needs whose last run is a week old, or that never had one."""
    recent = select(MatchingRun.territory_id).where(MatchingRun.created_at > now() - A_WEEK)
    query = select(Territory).where(
        Territory.id.in_(select(Need.territory_id).where(Need.status == Status.PUBLISHED)),
        Territory.id.not_in(recent),
    )
    asked = []
    for territory in db.session.scalars(query.order_by(Territory.code)).all():
        try:
            asked.append(request_run(territory))
        except RunUnderWay:
            continue
    return asked


def run(run_id: UUID) -> MatchingRun | None:
    """A run with its territory. What it holds may be long: see matches_of."""
    query = select(MatchingRun).where(MatchingRun.id == run_id)
    return db.session.scalars(query.options(joinedload(MatchingRun.territory).joinedload(Territory.parent))).one_or_none()


def matches_of(run: MatchingRun, *, limit: int | None = None) -> list[Match]:
    """The pairs of a run, the best first, with both sides of each, in a fixed number of queries."""
    query = select(Match).where(Match.run_id == run.id).order_by(Match.score.desc(), Match.id).limit(limit)
    return list(db.session.scalars(query.options(*both_sides())))


def both_sides() -> tuple[ORMOption, ...]:
    """Load with a match what a page says of it."""
    need, offer = joinedload(Match.need), joinedload(Match.offer)
    return (
        need.joinedload(Need.organisation).joinedload(Organisation.commune),
        need.joinedload(Need.commune),
        offer.joinedload(Offer.organisation).joinedload(Organisation.commune),
        offer.joinedload(Offer.commune),
    )


def latest_runs(territory_ids: Sequence[int], *, limit: int = 40) -> list[MatchingRun]:
    query = select(MatchingRun).where(MatchingRun.territory_id.in_(territory_ids)).options(joinedload(MatchingRun.territory))
    return list(db.session.scalars(query.order_by(MatchingRun.created_at.desc()).limit(limit)))


def needs_of(run: MatchingRun, *, limit: int | None = None) -> list[Need]:
    """The needs that the run left without an offer, by title, with their organisation and commune."""
    # One array: a list of as many parameters as there are needs would be refused.
    ids = literal([UUID(text) for text in run.unserved], ARRAY(Uuid()))
    query = select(Need).where(Need.id == any_(ids)).options(joinedload(Need.organisation), joinedload(Need.commune))
    return list(db.session.scalars(query.order_by(Need.title, Need.id).limit(limit)))
