"""Needs that nobody said yes to: after 45 days their own structure is told, honestly, with what could be changed. Animators see them before."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, Text, cast, func, or_, select
from sqlalchemy.orm import defer, joinedload

from matchmaker.engine.changes import Kind
from matchmaker.extensions import db
from matchmaker.models import Match, MatchingRun, MatchStatus, Need, OutboxMail, Proposal, ProposalStatus, RunStatus, Side, Status
from matchmaker.services import matching_changes, matching_explanations, outbox, outbox_batches, refusal_bounds
from matchmaker.services.matching_changes import Reading, ShownChange
from matchmaker.services.outbox_batches import Letter

# Days since its publication.
HONEST_DAYS = 45
MOST_CHANGES = 3
# What a structure can change in its own announcement; a succession's radius would tell where who publishes without a name is.
OWN_CHANGES = (Kind.RADIUS, Kind.HALFDAYS, Kind.FLAGS, Kind.DATES)


def published_on() -> ColumnElement[date]:
    return cast(func.timezone("UTC", Need.published_at), Date)


def is_silent(*, today: date) -> tuple[ColumnElement[bool], ...]:
    """Open, not left to rest by its own structure, and without a yes that still stands."""
    said_yes = (Proposal.match_id == Match.id) & (Proposal.side == Side.OFFER) & (Proposal.status == ProposalStatus.ACCEPTED)
    stands = or_(Match.status == MatchStatus.CONFIRMED, (Match.status == MatchStatus.PROPOSED) & Proposal.id.is_not(None))
    served = select(Match.need_id).outerjoin(Proposal, said_yes).where(stands)
    return Need.status == Status.PUBLISHED, Need.id.not_in(served), Need.id.not_in(refusal_bounds.resting_ids(today=today))


def tell_due(*, today: date, settings: outbox.MailSettings, limit: int = 50) -> int:
    """After 45 days without a yes, one honest mail to the need's structure for each publication. Returns how many are new."""
    query = select(Need).where(*is_silent(today=today), published_on() <= today - timedelta(days=HONEST_DAYS), Need.id.not_in(told_already()))
    needs = db.session.scalars(query.options(joinedload(Need.organisation)).order_by(Need.published_at, Need.id).limit(limit)).all()
    reachable = [need for need in needs if need.organisation.can_be_written_to()]
    asked, changes = times_asked(reachable), changes_for(reachable)
    letters = [letter_of(need, asked[need.id], changes.get(need.id, [])) for need in reachable]
    return len(outbox_batches.queue_all("silent_need", letters, settings=settings))


def told_already() -> Select[UUID]:
    """Ids of the needs whose structure was told since their publication."""
    since = func.to_char(func.timezone("UTC", Need.published_at), "YYYYMMDD")
    return select(Need.id).join(OutboxMail, OutboxMail.idempotency_key == func.concat("silent-need-", cast(Need.id, Text), "-", since))


def letter_of(need: Need, asked: int, changes: list[ShownChange]) -> Letter:
    """That nobody said yes, what was tried, and what could be changed: each change was solved for by the engine."""
    return Letter(
        uid=f"silent-need-{need.id}-{need.published_on:%Y%m%d}",
        recipient=need.organisation.email,
        organisation_id=need.organisation_id,
        context={"need": need, "asked": asked, "changes": changes},
    )


def times_asked(needs: Sequence[Need]) -> Counter[UUID]:
    query = select(Match.need_id, func.count(Proposal.id)).join(Proposal.match).where(Proposal.side == Side.OFFER)
    return Counter(dict(db.session.execute(query.where(Match.need_id.in_([need.id for need in needs])).group_by(Match.need_id)).all()))


def changes_for(needs: Sequence[Need]) -> dict[UUID, list[ShownChange]]:
    """Need → what would have served it in the run that was sent last, the smallest change first; nothing for one that was changed since."""
    published = select(MatchingRun).where(MatchingRun.territory_id.in_({need.territory_id for need in needs}), MatchingRun.status == RunStatus.PUBLISHED)
    runs = {run.territory_id: run for run in db.session.scalars(published.options(defer(MatchingRun.unserved)))}
    instances = {run.id: matching_explanations.instance_of(run) for run in runs.values()}
    readings = {run.territory_id: Reading(run, instance) for run in runs.values() if (instance := instances[run.id]) is not None}
    return {
        need.id: changes_in(readings[need.territory_id], need)
        for need in needs
        if need.territory_id in readings and need.updated_at <= matching_explanations.instant(runs[need.territory_id])
    }


def changes_in(reading: Reading, need: Need) -> list[ShownChange]:
    row = reading.need_rows.get(need.id)
    if row is None:
        return []
    own = [one for one in matching_changes.smallest_changes(reading, need, row) if one.kind in OWN_CHANGES]
    return [one for one in own if one.kind is not Kind.RADIUS or not (need.is_confidential or one.offer.is_confidential)][:MOST_CHANGES]
