"""What mutual yes led to: both sides are asked 30, 90 and 180 days later, answer in one click, and may correct it."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Channel,
    DaysBand,
    EuroBand,
    FoundAnyway,
    FteBand,
    Match,
    MatchStatus,
    Need,
    Offer,
    Outcome,
    OutcomeAnswer,
    Proposal,
    Result,
    Side,
)
from matchmaker.models.base import now
from matchmaker.models.outcomes import CONCLUDED, WAVES
from matchmaker.services import outbox, outcome_links, proposal_lists, working_days
from matchmaker.services.errors import NotAllowedNow

# After the last question, nobody remembers: an installation that was asleep for a year asks nothing of that year.
LAST_WAVE_DAYS = 90
# At once; the next beat takes those that remain.
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Reply:
    """What a side says; sizes and the last question only where something was agreed or signed."""

    result: Result
    fte: FteBand | None = None
    days: DaysBand | None = None
    euros: EuroBand | None = None
    found_anyway: FoundAnyway | None = None

    def is_said_already(self, outcome: Outcome) -> bool:
        return self == Reply(outcome.result, outcome.fte, outcome.days, outcome.euros, outcome.found_anyway) if outcome.result is not None else False


@dataclass(frozen=True)
class Contradiction:
    """One side says that it is done, the other one that there was nothing."""

    match: Match
    need: Outcome
    offer: Outcome

    @property
    def since(self) -> datetime:
        return max(outcome.answered_at for outcome in (self.need, self.offer) if outcome.answered_at)


@dataclass(frozen=True)
class Concluded:
    """A cooperation that came about, with the sizes that its sides gave."""

    match_id: UUID
    territory_id: int
    category: Category
    result: Result
    concluded_at: datetime
    fte: FteBand | None
    days: DaysBand | None
    euros: EuroBand | None
    found_anyway: FoundAnyway | None


def ask_due(*, at: datetime, settings: outbox.MailSettings) -> int:
    """Ask each side whose day has come, by one mail. Asked once, whatever beats or clocks do. Returns how many were asked.

    Who said « signed », or that it led nowhere (parted), is asked no more. A side that several days passed by is asked about the last one only.
    """
    asked = 0
    for wave, next_wave in zip(WAVES, (*WAVES[1:], WAVES[-1] + LAST_WAVE_DAYS), strict=True):
        is_due = (Match.confirmed_at <= at - timedelta(days=wave), Match.confirmed_at > at - timedelta(days=next_wave))
        said = select(Outcome.id).where(Outcome.match_id == Proposal.match_id, Outcome.side == Proposal.side)
        is_over = said.where((Outcome.wave >= wave) | (Outcome.result == Result.SIGNED)).exists()
        query = select(Proposal).join(Proposal.match).where(Match.status == MatchStatus.CONFIRMED, *is_due, ~is_over)
        query = query.options(*proposal_lists.both_sides()).order_by(Match.confirmed_at, Proposal.id).limit(MOST_AT_ONCE - asked)
        for proposal in db.session.scalars(query).all():
            asked += ask(proposal, wave, at=at, settings=settings)
    return asked


def ask(proposal: Proposal, wave: int, *, at: datetime, settings: outbox.MailSettings) -> bool:
    """Put the question of this day, and queue its mail. False when another worker did."""
    row = {"match_id": proposal.match_id, "organisation_id": proposal.organisation_id, "side": proposal.side, "wave": wave, "asked_at": at}
    statement = insert(Outcome).values(row).on_conflict_do_nothing(index_elements=["match_id", "side", "wave"]).returning(Outcome.id)
    if db.session.scalar(statement) is None:
        return False
    if proposal.organisation.can_be_written_to():
        outbox.queue(
            "outcome",
            uid=f"outcome-{proposal.match_id}-{proposal.side}-{wave}",
            recipient=proposal.organisation.email,
            organisation_id=proposal.organisation_id,
            settings=settings,
            not_before=working_days.opening(proposal.organisation, at),
            proposal=proposal,
            is_last=wave == WAVES[-1],
            link=outcome_links.link(proposal, settings),
        )
    return True


def find_by_token(token: str, keys: tuple[str, ...]) -> Proposal | None:
    """The side whose link this is, or nothing when we did not sign it. Raises NotAllowedNow when a newer link replaced it."""
    signed = outcome_links.read_token(token, keys)
    if signed is None:
        return None
    proposal_id, version = signed
    proposal = db.session.scalars(select(Proposal).where(Proposal.id == proposal_id).options(*proposal_lists.both_sides())).one_or_none()
    if proposal is not None and proposal.token_version != version:
        raise NotAllowedNow("replaced")
    return proposal


def question(proposal: Proposal) -> Outcome | None:
    """The last question put to this side: the one that it answers, or corrects."""
    query = select(Outcome).where(Outcome.match_id == proposal.match_id, Outcome.side == proposal.side)
    return db.session.scalars(query.order_by(Outcome.wave.desc()).limit(1)).one_or_none()


def answer(outcome: Outcome, reply: Reply, *, channel: Channel) -> bool:
    """Record a reply. True when it says something new: a second click leaves no trace."""
    db.session.refresh(outcome, with_for_update=True)
    if reply.is_said_already(outcome):
        return False
    if reply.result not in CONCLUDED:
        reply = Reply(reply.result)
    outcome.result, outcome.answered_at = reply.result, now()
    outcome.fte, outcome.days, outcome.euros, outcome.found_anyway = reply.fte, reply.days, reply.euros, reply.found_anyway
    outcome.history.append(OutcomeAnswer(result=reply.result, channel=channel))
    db.session.flush()
    return True


def standing(*conditions: ColumnElement[bool]) -> dict[UUID, dict[Side, Outcome]]:
    """Match id → what each side said last. One query, and two more for what their rows say of the match."""
    match = joinedload(Outcome.match)
    query = (
        select(Outcome)
        .join(Outcome.match)
        .join(Match.need)
        .where(Outcome.result.is_not(None), *conditions)
        .ext(distinct_on(Outcome.match_id, Outcome.side))
        .order_by(Outcome.match_id, Outcome.side, Outcome.wave.desc())
        .options(
            match.joinedload(Match.need).options(joinedload(Need.organisation), joinedload(Need.commune)),
            match.joinedload(Match.offer).joinedload(Offer.organisation),
        )
    )
    found: dict[UUID, dict[Side, Outcome]] = defaultdict(dict)
    for outcome in db.session.scalars(query):
        found[outcome.match_id][outcome.side] = outcome
    return found


def contradictions(territory_ids: Collection[int]) -> list[Contradiction]:
    """The matches of these territories whose sides tell two different stories, the oldest first: for an animator to call."""
    told = standing(Need.territory_id.in_(territory_ids)).values()
    found = [Contradiction(sides[Side.NEED].match, sides[Side.NEED], sides[Side.OFFER]) for sides in told if contradict(sides)]
    return sorted(found, key=lambda one: (one.since, one.match.id))


def contradict(sides: dict[Side, Outcome]) -> bool:
    """One is done, the other says « nothing », of the same day or later: what was said before may have changed since."""
    if len(sides) < len(Side):
        return False
    need, offer = sides[Side.NEED], sides[Side.OFFER]
    return any(one.result in CONCLUDED and other.result is Result.NOTHING and other.wave >= one.wave for one, other in ((need, offer), (offer, need)))


def concluded(territory_ids: Collection[int], *, since: datetime | None = None) -> list[Concluded]:
    """What came about in these territories: agreed or signed, as at least one side says and the other does not contradict."""
    found = []
    for match_id, sides in standing(Need.territory_id.in_(territory_ids)).items():
        said = [outcome for outcome in sides.values() if outcome.result in CONCLUDED]
        if not said or contradict(sides):
            continue
        concluded_at = min(outcome.answered_at for outcome in said if outcome.answered_at)
        if since is None or concluded_at >= since:
            found.append(in_one(match_id, said, concluded_at))
    return sorted(found, key=lambda one: (one.concluded_at, one.match_id))


def in_one(match_id: UUID, said: list[Outcome], concluded_at: datetime) -> Concluded:
    """Both sides as one: signed if either says so; of two sizes the need's, who pays or receives; where it is silent, the offer's."""
    first, last = min(said, key=lambda outcome: outcome.side), max(said, key=lambda outcome: outcome.side)
    need = first.match.need
    return Concluded(
        match_id=match_id,
        territory_id=need.territory_id,
        category=need.category,
        result=Result.SIGNED if any(outcome.result is Result.SIGNED for outcome in said) else Result.AGREED,
        concluded_at=concluded_at,
        fte=first.fte or last.fte,
        days=first.days or last.days,
        euros=first.euros or last.euros,
        found_anyway=first.found_anyway or last.found_anyway,
    )
