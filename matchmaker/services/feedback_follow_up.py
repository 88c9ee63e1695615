"""What follows when both of a pair that a host brought together want more: from then on they are two who said yes to each other."""

from sqlalchemy import or_, select

from matchmaker.extensions import db
from matchmaker.models import Channel, Feedback, Match, MatchStatus, Meeting, Proposal, ProposalAnswer, ProposalStatus, Side
from matchmaker.models.base import now, today
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services import outbox, proposals


def agree(feedback: Feedback, *, settings: outbox.MailSettings) -> bool:
    """When both sides said that they meet again, or agreed on a next step: tell them how to reach each other. Does so once; returns whether it did.

    A pair that a computation proposed in the meantime keeps to the answers given there.
    """
    meeting = db.session.get_one(Meeting, feedback.meeting_id)
    # Two taps at once: the second waits here, then sees what the first one wrote.
    match = db.session.scalars(select(Match).where(Match.id == meeting.match_id).with_for_update().execution_options(populate_existing=True)).one()
    if not match.is_by_host or willing(meeting) < {match.need.organisation_id, match.offer.organisation_id} or is_live_elsewhere(match):
        return False
    match.status, match.confirmed_at = MatchStatus.CONFIRMED, now()
    for side, organisation in ((Side.NEED, match.need.organisation), (Side.OFFER, match.offer.organisation)):
        said = ProposalAnswer(status=ProposalStatus.ACCEPTED, channel=Channel.LINK)
        fields = {"status": ProposalStatus.ACCEPTED, "answered_at": now(), "answer_by": today()}
        match.proposals.append(Proposal(side=side, organisation=organisation, history=[said], **fields))
    db.session.flush()
    for proposal in match.proposals:
        proposals.announce_mutual_yes(proposal, settings=settings)
    return True


def willing(meeting: Meeting) -> set[object]:
    """The structures that want to go on."""
    wants = or_(Feedback.wants_again, Feedback.has_next_step)
    return set(db.session.scalars(select(Feedback.organisation_id).where(Feedback.meeting_id == meeting.id, wants)))


def is_live_elsewhere(match: Match) -> bool:
    same = (Match.need_id == match.need_id, Match.offer_id == match.offer_id, Match.status.in_(LIVE_MATCH))
    return db.session.scalar(select(Match.id).where(*same).limit(1)) is not None
