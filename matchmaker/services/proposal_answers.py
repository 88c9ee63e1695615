"""What a side says from the link in its mail: an answer, another one after it, one that comes late. Saying it first is services/proposals."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Channel, DeclineReason, MatchStatus, Proposal, ProposalAnswer, ProposalStatus
from matchmaker.models.base import now, today
from matchmaker.models.declarations import LIFETIME_DAYS
from matchmaker.services import never_again, outbox, proposal_ends, proposal_links, proposal_lists, proposals
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.refusal_bounds import NO_BOUNDS, Bounds


class Standing(StrEnum):
    """What may still be said to a question."""

    # Anything: nobody has been told of an answer yet.
    OPEN = "open"
    # Its time is over; a yes is welcome all the same.
    LATE = "late"
    # Both said yes, and both know.
    MUTUAL = "mutual"
    # This side said yes, and it leads nowhere for now.
    KEPT = "kept"
    # One of the two declarations is paused or closed.
    UNAVAILABLE = "unavailable"
    OVER = "over"


@dataclass(frozen=True)
class Reply:
    """Yes (ACCEPTED), no with its reason (DECLINED), or later with its day (PENDING)."""

    status: ProposalStatus
    reason: DeclineReason | None = None
    comment: str = ""
    until: date | None = None
    bounds: Bounds = NO_BOUNDS

    def is_said_already(self, proposal: Proposal) -> bool:
        """The proposal stands as this reply would leave it: a second click says nothing new."""
        said = (proposal.status, proposal.decline_reason, proposal.decline_comment, Bounds.of(proposal))
        return said == (self.status, self.reason, self.comment.strip(), self.bounds) and (self.until is None or proposal.postponed_until == self.until)


def find_by_token(token: str, keys: tuple[str, ...]) -> Proposal | None:
    """The question of a link, or nothing when we did not sign it. Raises NotAllowedNow when a newer link replaced it."""
    signed = proposal_links.read_token(token, keys)
    if signed is None:
        return None
    proposal_id, version = signed
    proposal = db.session.scalars(select(Proposal).where(Proposal.id == proposal_id).options(*proposal_lists.both_sides())).one_or_none()
    if proposal is not None and proposal.token_version != version:
        raise NotAllowedNow("replaced")
    return proposal


def standing(proposal: Proposal) -> Standing:
    match = proposal.match
    if match.is_mutual:
        return Standing.MUTUAL
    if match.status is MatchStatus.PREVIEW or match.confirmed_at is not None:
        return Standing.OVER
    if not (match.need.is_open and match.offer.is_open):
        return Standing.UNAVAILABLE
    if match.status is MatchStatus.ENDED:
        return standing_after_the_end(proposal)
    return Standing.LATE if proposal.is_late else Standing.OPEN


def standing_after_the_end(proposal: Proposal) -> Standing:
    """One side said no, or nothing in time, or found its place taken."""
    if proposal.status is ProposalStatus.ACCEPTED:
        return Standing.KEPT
    if proposal.status is ProposalStatus.DECLINED and other_was_not_told(proposal):
        return Standing.OPEN
    # After that long the pair may be proposed anew, with a question of its own.
    is_recent = proposal.answer_by > today() - timedelta(days=LIFETIME_DAYS)
    return Standing.LATE if proposal.status is ProposalStatus.EXPIRED and is_recent else Standing.OVER


def other_was_not_told(proposal: Proposal) -> bool:
    """The other side's question was only withdrawn, which no mail says, and there is still time."""
    return proposal.other.status is ProposalStatus.WITHDRAWN and proposal.answer_by >= today()


def answer(proposal: Proposal, reply: Reply, *, channel: Channel, settings: outbox.MailSettings) -> bool:
    """Record a reply. True when it says something new: the same one again leaves no trace.

    Raises NotAllowedNow, with the standing, when it cannot be said any more.
    """
    # Two clicks at once: the second waits here, then sees what the first one wrote.
    if reply.bounds.never:
        never_again.lock(proposal)
    proposal_ends.locked_match(proposal)
    if reply.is_said_already(proposal):
        return False
    stands = standing(proposal)
    if stands is not Standing.OPEN and not (stands is Standing.LATE and reply.status is ProposalStatus.ACCEPTED):
        raise NotAllowedNow(stands)
    if reply.status is ProposalStatus.DECLINED and proposal.status is ProposalStatus.DECLINED:
        correct_refusal(proposal, reply, channel=channel, settings=settings)
    else:
        take_up_again(proposal)
        give(proposal, reply, channel=channel, settings=settings)
    db.session.flush()
    return True


def give(proposal: Proposal, reply: Reply, *, channel: Channel, settings: outbox.MailSettings) -> None:
    """The reply to a question that nobody has answered on this side."""
    if reply.status is ProposalStatus.ACCEPTED:
        proposals.accept(proposal, settings=settings, channel=channel)
    elif reply.reason is not None:
        proposals.decline(proposal, reason=reply.reason, comment=reply.comment, bounds=reply.bounds, settings=settings, channel=channel)
    elif reply.until is not None and proposal.match.status is MatchStatus.PROPOSED:
        proposals.postpone(proposal, until=reply.until, channel=channel)
    else:
        raise NotAllowedNow(Standing.OVER)


def correct_refusal(proposal: Proposal, reply: Reply, *, channel: Channel, settings: outbox.MailSettings) -> None:
    """Still no, for another reason or in other words."""
    was_never = proposal.never_again
    reply.bounds.write_on(proposal)
    proposal.lifted_at = proposal.lifted_by_id = None
    proposal.decline_reason, proposal.decline_comment, proposal.answered_at = reply.reason, reply.comment.strip(), now()
    proposal.history.append(ProposalAnswer(status=ProposalStatus.DECLINED, reason=reply.reason, channel=channel))
    if proposal.never_again:
        never_again.end_others(proposal, settings=settings)
    elif was_never:
        never_again.bring_back(proposal, today=today())


def take_up_again(proposal: Proposal) -> None:
    """As if this side had not answered. A match that ended by it goes on, where both sides have a place left."""
    match, other = proposal.match, proposal.other
    was_refused, was_never = proposal.status is ProposalStatus.DECLINED, proposal.never_again
    NO_BOUNDS.write_on(proposal)
    proposal.status, proposal.answered_at, proposal.decline_reason, proposal.decline_comment = ProposalStatus.PENDING, None, None, ""
    # After a silence the other side's yes is needed too; its own silence may still be broken in the same way.
    goes_on = match.status is MatchStatus.ENDED and (was_refused or other.status is ProposalStatus.ACCEPTED)
    if was_never:
        never_again.bring_back(proposal, today=today())
    if goes_on and not proposal_ends.taken_sides(match) and not never_again.keeps_apart(match):
        match.status = MatchStatus.PROPOSED
        if other.status is ProposalStatus.WITHDRAWN:
            other.status = ProposalStatus.PENDING
    db.session.flush()
