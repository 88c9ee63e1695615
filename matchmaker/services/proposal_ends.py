"""How a match ends: by a refusal, a silence, a closed announcement or two who part; and the locks under which answers see each other."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import Match, MatchStatus, Need, Offer, Proposal, ProposalStatus, Side
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services import outbox, outbox_batches
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.outbox_batches import Letter


def announce_no_follow_up(proposals: Sequence[Proposal], *, settings: outbox.MailSettings) -> None:
    """Tell who said yes, kindly, that it leads nowhere."""
    letters = [
        Letter(
            uid=f"no-follow-up-{one.match_id}-{one.organisation_id}",
            recipient=one.organisation.email,
            organisation_id=one.organisation_id,
            context={"proposal": one},
        )
        for one in proposals
        if one.organisation.can_be_written_to()
    ]
    outbox_batches.queue_all("no_follow_up", letters, settings=settings)


def locked_match(proposal: Proposal) -> Match:
    """The match, locked with its two declarations: answers that come in the same second, about it or about their last place, see each other.

    The declarations come first, as where they are closed with what they hold: two transactions never wait for each other in a ring.
    """
    match = db.session.get_one(Match, proposal.match_id)
    for declaration in (match.need, match.offer):
        db.session.refresh(declaration, ["status", "capacity"], with_for_update={"key_share": True})
    query = select(Match).where(Match.id == match.id).options(selectinload(Match.proposals)).with_for_update(of=Match)
    return db.session.scalars(query, execution_options={"populate_existing": True}).one()


def taken_sides(match: Match) -> set[Side]:
    """The sides whose places others hold: by two yes; for a match that is over, and holds none itself, by an open question too."""
    holding = (MatchStatus.CONFIRMED,) if match.status is MatchStatus.PROPOSED else LIVE_MATCH
    same_need, same_offer = Match.need_id == match.need_id, Match.offer_id == match.offer_id
    query = select(func.count().filter(same_need), func.count().filter(same_offer), func.count().filter(same_need & same_offer))
    by_need, by_offer, by_both = db.session.execute(query.where(Match.id != match.id, Match.status.in_(holding), same_need | same_offer)).one()
    # The pair itself may have been put again by a later run: one question at a time.
    is_taken = {Side.NEED: by_both > 0 or by_need >= match.need.capacity, Side.OFFER: by_both > 0 or by_offer >= match.offer.capacity}
    return {side for side in Side if is_taken[side]}


def end(match: Match, *, leave: ProposalStatus = ProposalStatus.WITHDRAWN, settings: outbox.MailSettings) -> None:
    """The match is over: questions without an answer become ``leave``, and who said yes is told kindly."""
    end_all([match], leave=leave, settings=settings)


def end_all(matches: Sequence[Match], *, leave: ProposalStatus = ProposalStatus.WITHDRAWN, settings: outbox.MailSettings, by: UUID | None = None) -> None:
    """The same for several; the structure ``by`` which they ended knows it."""
    for match in matches:
        match.status = MatchStatus.ENDED
    sides = [side for match in matches for side in match.proposals]
    said_yes = [side for side in sides if side.status is ProposalStatus.ACCEPTED and side.organisation_id != by]
    for side in sides:
        if side.can_be_answered():
            side.status = leave
    announce_no_follow_up(said_yes, settings=settings)


def part(proposal: Proposal) -> None:
    """Two yes that led nowhere: the places on both sides are free again, and the pair is not proposed anew."""
    match = locked_match(proposal)
    if not match.is_mutual:
        raise NotAllowedNow(match.status)
    match.status = MatchStatus.ENDED


def expire_due(*, today: date, settings: outbox.MailSettings) -> int:
    """End the matches that somebody left without an answer past the date. Returns how many."""
    silent = select(Match.id).join(Proposal).where(Match.status == MatchStatus.PROPOSED, Proposal.status == ProposalStatus.PENDING, Proposal.answer_by < today)
    matches = locked(select(Match).where(Match.id.in_(silent)))
    end_all(matches, leave=ProposalStatus.EXPIRED, settings=settings)
    return len(matches)


def locked(query: Select[Match]) -> Sequence[Match]:
    """These matches, locked in a fixed order and as they are now: an answer that comes in the same second waits or was seen."""
    query = query.where(Match.status == MatchStatus.PROPOSED).order_by(Match.id).with_for_update(of=Match)
    sides = (joinedload(Match.need).joinedload(Need.organisation), joinedload(Match.offer).joinedload(Offer.organisation))
    return db.session.scalars(query.options(*sides, selectinload(Match.proposals)), execution_options={"populate_existing": True}).all()


def end_of_declaration(declaration: Need | Offer, *, settings: outbox.MailSettings) -> int:
    """A closed or paused declaration takes its open questions with it. Confirmed matches stay. Returns how many ended."""
    column = Match.need_id if isinstance(declaration, Need) else Match.offer_id
    matches = locked(select(Match).where(column == declaration.id))
    end_all(matches, settings=settings, by=declaration.organisation_id)
    return len(matches)


def open_questions(declaration: Need | Offer) -> int:
    """How many proposals of this declaration await an answer: what a pause would withdraw."""
    column = Match.need_id if isinstance(declaration, Need) else Match.offer_id
    return db.session.scalar(select(func.count()).select_from(Match).where(column == declaration.id, Match.status == MatchStatus.PROPOSED)) or 0
