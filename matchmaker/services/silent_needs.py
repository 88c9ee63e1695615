"""Needs that nobody said yes to: after 45 days their own structure is told, honestly, with what could be changed. Animators see them before."""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, Text, cast, func, or_, select
from sqlalchemy.orm import joinedload

from matchmaker.engine.changes import Kind
from matchmaker.extensions import db
from matchmaker.models import Match, MatchStatus, Need, OutboxMail, Proposal, ProposalStatus, Side, Status
from matchmaker.services import matching_changes, matching_explanations, outbox
from matchmaker.services.matching_changes import ShownChange

# Days since its publication.
HONEST_DAYS = 45
MOST_CHANGES = 3
# What a structure can change in its own announcement; a succession's radius would tell where who publishes without a name is.
OWN_CHANGES = (Kind.RADIUS, Kind.HALFDAYS, Kind.FLAGS, Kind.DATES)


def published_on() -> ColumnElement[date]:
    return cast(func.timezone("UTC", Need.published_at), Date)


def is_silent() -> tuple[ColumnElement[bool], ...]:
    """Open, and without a yes that still stands."""
    said_yes = (Proposal.match_id == Match.id) & (Proposal.side == Side.OFFER) & (Proposal.status == ProposalStatus.ACCEPTED)
    stands = or_(Match.status == MatchStatus.CONFIRMED, (Match.status == MatchStatus.PROPOSED) & Proposal.id.is_not(None))
    served = select(Match.need_id).outerjoin(Proposal, said_yes).where(stands)
    return Need.status == Status.PUBLISHED, Need.id.not_in(served)


def tell_due(*, today: date, settings: outbox.MailSettings, limit: int = 50) -> int:
    """After 45 days without a yes, one honest mail to the need's structure for each publication. Returns how many are new."""
    query = select(Need).where(*is_silent(), published_on() <= today - timedelta(days=HONEST_DAYS), Need.id.not_in(told_already()))
    needs = db.session.scalars(query.options(joinedload(Need.organisation)).order_by(Need.published_at, Need.id).limit(limit)).all()
    return sum(tell(need, settings=settings) for need in needs)


def told_already() -> Select[UUID]:
    """Ids of the needs whose structure was told since their publication."""
    since = func.to_char(func.timezone("UTC", Need.published_at), "YYYYMMDD")
    return select(Need.id).join(OutboxMail, OutboxMail.idempotency_key == func.concat("silent-need-", cast(Need.id, Text), "-", since))


def tell(need: Need, *, settings: outbox.MailSettings) -> bool:
    """Say that nobody said yes, what was tried, and what could be changed: each change was solved for by the engine."""
    if not need.organisation.can_be_written_to():
        return False
    uid = f"silent-need-{need.id}-{need.published_on:%Y%m%d}"
    organisation = need.organisation
    return outbox.queue(
        "silent_need",
        uid=uid,
        recipient=organisation.email,
        organisation_id=organisation.id,
        settings=settings,
        need=need,
        asked=times_asked(need),
        changes=changes_for(need),
    )


def times_asked(need: Need) -> int:
    query = select(func.count(Proposal.id)).join(Proposal.match).where(Match.need_id == need.id, Proposal.side == Side.OFFER)
    return db.session.scalar(query) or 0


def changes_for(need: Need) -> list[ShownChange]:
    """What would have served the need in the run that was sent last, the smallest change first; nothing when it was changed since."""
    found = matching_explanations.last_word(need)
    if found is None or need.updated_at > matching_explanations.instant(found[0]):
        return []
    run, instance = found[0], matching_explanations.instance_of(found[0])
    row = matching_explanations.row_of(instance.need_ids, need.id) if instance else None
    if instance is None or row is None:
        return []
    own = [one for one in matching_changes.remedies(run, instance, row).changes if one.kind in OWN_CHANGES]
    return [one for one in own if one.kind is not Kind.RADIUS or not (need.is_confidential or one.offer.is_confidential)][:MOST_CHANGES]
