"""Which matches may be met at a job dating: those of two who said yes to each other, who both come, or whom the host brings together."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, or_, select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import Commune, JobDating, JobDatingStatus, Match, MatchStatus, Meeting, Need, Offer, Organisation, ParticipantState, Status, Venue
from matchmaker.models.base import now
from matchmaker.services import refusal_bounds
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.organisations import lies_in


def agreed(job_dating: JobDating) -> frozenset[UUID]:
    """Those who said that they come, where whoever asks may come: they agreed to meet whom the calculation proposes to them."""
    if not job_dating.is_registration_open:
        return frozenset()
    return frozenset(participant.organisation_id for participant in job_dating.participants if participant.state is ParticipantState.CONFIRMED)


def check_can_meet(matches: Sequence[Match], agreed: frozenset[UUID] = frozenset()) -> None:
    """Both said yes to each other, or both come and the match is proposed to them, or the host brings them together."""
    if any(not can_meet(match, agreed) for match in matches):
        raise NotAllowedNow("a match is not mutual, or confidential")


def can_meet(match: Match, agreed: frozenset[UUID]) -> bool:
    both_come = match.status is MatchStatus.PROPOSED and {match.need.organisation_id, match.offer.organisation_id} <= agreed
    by_host = match.is_by_host and match.need.status is Status.PUBLISHED and match.offer.status is Status.PUBLISHED
    return (match.is_mutual or both_come or by_host) and not (match.need.is_confidential or match.offer.is_confidential)


def may_meet(agreed: frozenset[UUID]) -> ColumnElement[bool]:
    """As `can_meet`, for the database; confidentiality apart."""
    both_come = and_(Match.status == MatchStatus.PROPOSED, Need.organisation_id.in_(agreed), Offer.organisation_id.in_(agreed))
    by_host = and_(is_by_host(), Need.status == Status.PUBLISHED, Offer.status == Status.PUBLISHED)
    return or_(Match.status == MatchStatus.CONFIRMED, both_come, by_host)


def is_by_host() -> ColumnElement[bool]:
    """As `Match.is_by_host`, for the database."""
    return and_(Match.run_id.is_(None), Match.status == MatchStatus.PREVIEW)


def holds() -> ColumnElement[bool]:
    """The job dating keeps its matches for itself. A draft whose day has passed holds nothing any more."""
    return or_(JobDating.status == JobDatingStatus.PUBLISHED, and_(JobDating.status == JobDatingStatus.DRAFT, JobDating.ends_at >= now()))


def forget_unmet() -> None:
    """Pairs that a host brought together are nothing without their meeting."""
    db.session.flush()
    is_met = select(Meeting.id).where(Meeting.match_id == Match.id).exists()
    db.session.execute(delete(Match).where(is_by_host(), ~is_met))


def count_lost(job_dating: JobDating) -> int:
    """How many of its meetings can no longer be: their match is not mutual any more, or has become confidential.

    Not those of two of whom one said « never again », once they have no place: the plan says so by itself.
    """
    can_be = and_(may_meet(agreed(job_dating)), Need.is_confidential.is_(False), Offer.is_confidential.is_(False))
    query = select(Meeting.round, Need.organisation_id, Offer.organisation_id).join(Meeting.match).join(Match.need).join(Match.offer)
    lost = db.session.execute(query.where(Meeting.job_dating_id == job_dating.id, ~can_be)).all()
    apart = refusal_bounds.parted({key for _round, *pair in lost for key in pair}) if lost else set()
    return sum(number is not None or frozenset(pair) not in apart for number, *pair in lost)


def free_matches(venue: Venue, *, beside: JobDating | None = None) -> list[Match]:
    """Matches that may be met here and are in no other job dating, published or in preparation, the best first.

    They are mutual, of the territory that the job dating brings together, by default the venue's département; those that its host brought
    together are its own, whatever their territory.

    Confidential successions are left out: a host must not learn who they are.
    """
    taken = select(Meeting.match_id).join(Meeting.job_dating).where(holds())
    own = and_(is_by_host(), Match.id.in_(select(Meeting.match_id).where(Meeting.job_dating_id == (beside.id if beside is not None else None))))
    if beside is not None:
        taken = taken.where(JobDating.id != beside.id)
    query = (
        select(Match)
        .join(Match.need)
        .join(Match.offer)
        .where(may_meet(agreed(beside) if beside is not None else frozenset()), Match.id.not_in(taken))
        .where(or_(own, and_(~is_by_host(), around(venue, beside))))
        .where(Need.is_confidential.is_(False), Offer.is_confidential.is_(False))
        .order_by(Match.score.desc(), Match.id)
    )
    return list(db.session.scalars(with_both_sides(query)))


def around(venue: Venue, beside: JobDating | None) -> ColumnElement[bool]:
    """The need is of the territory that is brought together."""
    if beside is not None and beside.territory is not None:
        return Need.commune_code.in_(select(Commune.code).where(lies_in(beside.territory)))
    return Need.territory_id == venue.territory_id


def with_both_sides(query: Select[Match]) -> Select[Match]:
    return query.options(
        joinedload(Match.need).joinedload(Need.organisation).joinedload(Organisation.commune),
        joinedload(Match.offer).joinedload(Offer.organisation).joinedload(Organisation.commune),
    )
