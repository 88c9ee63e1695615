"""« Never again » between two structures: the other questions between them end with the refusal that says so, and may come back with it.

New questions are kept out by refusal_bounds. An announcement in confidence takes no part: two questions that vanish at once would tell who
is behind it. Should both sides say yes to each other under it, that leads nowhere, and neither learns why: see `keeps_apart`.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import Match, MatchStatus, Need, Offer, Proposal, ProposalStatus
from matchmaker.services import outbox, proposal_ends
from matchmaker.services.refusal_bounds import stands


def end_others(refusal: Proposal, *, settings: outbox.MailSettings) -> list[Match]:
    """End the other open questions between the two structures of this refusal: no answer is asked for any more, and a yes is told kindly.

    The side of who refuses keeps the refusal as its reason; a yes that it had said is taken back, and stays in its history.
    """
    if in_confidence(refusal.match):
        return []
    matches = list(proposal_ends.locked(others(refusal)))
    for match in matches:
        own = next(side for side in match.proposals if side.organisation_id == refusal.organisation_id)
        own.status, own.answered_at, own.parted_by_id = ProposalStatus.WITHDRAWN, None, refusal.id
    proposal_ends.end_all(matches, settings=settings)
    db.session.flush()
    return matches


def in_confidence(match: Match) -> bool:
    return match.need.is_confidential or match.offer.is_confidential


def others(refusal: Proposal) -> Select[Match]:
    """The open matches between its two structures that hide nobody, its own left out."""
    one, other = refusal.match.need.organisation_id, refusal.match.offer.organisation_id
    query = select(Match).join(Need, Need.id == Match.need_id).join(Offer, Offer.id == Match.offer_id)
    return query.where(Match.id != refusal.match_id, between(one, other), *hides_nobody(), Match.status == MatchStatus.PROPOSED)


def between(one: UUID, other: UUID) -> ColumnElement[bool]:
    """The match is one of these two structures, whoever asks."""
    there, back = (and_(Need.organisation_id == first, Offer.organisation_id == second) for first, second in ((one, other), (other, one)))
    return or_(there, back)


def hides_nobody() -> tuple[ColumnElement[bool], ...]:
    return Need.is_confidential.is_(False), Offer.is_confidential.is_(False)


def lock(refusal: Proposal) -> None:
    """Lock what the refusal ends with its own match: the announcements first, as every answer does, then the matches, in the order in which silent
    questions are ended. None waits for another in a ring.
    """
    ids = [refusal.match_id, *db.session.scalars(others(refusal).with_only_columns(Match.id))]
    for model, column in ((Need, Match.need_id), (Offer, Match.offer_id)):
        own = select(column).where(Match.id.in_(ids))
        db.session.execute(select(model.id).where(model.id.in_(own)).order_by(model.id).with_for_update(key_share=True))
    db.session.execute(select(Match.id).where(Match.id.in_(ids)).order_by(Match.id).with_for_update())


def keeps_apart(match: Match) -> bool:
    """One of the two structures does not want to be put in touch with the other."""
    one, other = match.need.organisation_id, match.offer.organisation_id
    query = select(Proposal.id).join(Proposal.match).join(Match.need).join(Match.offer).where(between(one, other), Proposal.never_again, *stands())
    return db.session.scalar(query.limit(1)) is not None


def bring_back(refusal: Proposal, *, today: date) -> None:
    """Its structure thought again: what it had ended is open again, as it stood, where the other side was not told of it and could still answer.

    Nothing comes back as long as another refusal keeps the two apart.
    """
    db.session.flush()
    ended = select(Match).where(Match.proposals.any(Proposal.parted_by_id == refusal.id)).order_by(Match.id)
    matches = db.session.scalars(ended.options(selectinload(Match.proposals)).with_for_update(of=Match)).all()
    if not matches or keeps_apart(refusal.match):
        return
    for match in matches:
        own = next(side for side in match.proposals if side.parted_by_id == refusal.id)
        yes = said_yes_at(own)
        if can_come_back(match, today) and not proposal_ends.taken_sides(match):
            match.status, own.other.status, own.parted_by_id = MatchStatus.PROPOSED, ProposalStatus.PENDING, None
            own.status, own.answered_at = (ProposalStatus.PENDING if yes is None else ProposalStatus.ACCEPTED), yes
    db.session.flush()


def said_yes_at(proposal: Proposal) -> datetime | None:
    """When this side said the yes that stood until it was taken back; nothing when it had not."""
    last = proposal.history[-1] if proposal.history else None
    return last.created_at if last is not None and last.status is ProposalStatus.ACCEPTED else None


def can_come_back(match: Match, today: date) -> bool:
    """The other side's question was only withdrawn, which no mail says; both announcements still search; and there is time to answer."""
    is_quiet = all(side.status is ProposalStatus.WITHDRAWN and side.answer_by >= today for side in match.proposals)
    return is_quiet and match.need.is_open and match.offer.is_open


def ended_by(refusal: Proposal) -> int:
    """How many other questions ended with it."""
    return db.session.scalar(select(func.count()).select_from(Proposal).where(Proposal.parted_by_id == refusal.id)) or 0


def end_left_over(*, settings: outbox.MailSettings) -> list[Proposal]:
    """What was asked in the very second of a refusal, or before an upgrade, ends too. Returns the refusals that ended something."""
    return [refusal for refusal in with_open_questions() if end_others(refusal, settings=settings)]


def with_open_questions() -> Sequence[Proposal]:
    """The refusals that say « never again » while something is open between their two structures."""
    need, offer, match = aliased(Need), aliased(Offer), aliased(Match)
    two = func.least(Need.organisation_id, Offer.organisation_id), func.greatest(Need.organisation_id, Offer.organisation_id)
    theirs = func.least(need.organisation_id, offer.organisation_id), func.greatest(need.organisation_id, offer.organisation_id)
    is_open = (match.need_id == need.id, match.offer_id == offer.id, match.status == MatchStatus.PROPOSED, two[0] == theirs[0], two[1] == theirs[1])
    shown = need.is_confidential.is_(False), offer.is_confidential.is_(False)
    query = select(Proposal).join(Proposal.match).join(Match.need).join(Match.offer).where(Proposal.never_again, *stands(), *hides_nobody())
    query = query.where(exists().where(*is_open, *shown)).options(joinedload(Proposal.match)).order_by(Proposal.id)
    return db.session.scalars(query).all()
