"""Putting matches to both sides, and what they answer."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import Category, DeclineReason, Match, MatchStatus, Need, Offer, Organisation, Proposal, ProposalStatus, Side
from matchmaker.models.base import PARIS, now
from matchmaker.services import outbox
from matchmaker.services.errors import NotAllowedNow

# Two weeks hold ten working days: the time that answers are given before the next structure is asked.
ANSWER_DAYS = 14


def propose(matches: Sequence[Match], *, today: date, settings: outbox.MailSettings) -> list[Proposal]:
    """Put each match to its two sides, with one mail per organisation for all of them."""
    waiting: dict[Organisation, list[Proposal]] = defaultdict(list)
    for match in matches:
        match.status = MatchStatus.PROPOSED
        for side, organisation in ((Side.NEED, match.need.organisation), (Side.OFFER, match.offer.organisation)):
            waiting[organisation].append(put(match, side, organisation, answer_by=today + timedelta(days=ANSWER_DAYS)))
    db.session.flush()
    for organisation, proposals in waiting.items():
        announce(organisation, proposals, settings=settings)
    return [proposal for proposals in waiting.values() for proposal in proposals]


def put(match: Match, side: Side, organisation: Organisation, *, answer_by: date) -> Proposal:
    """The question to one side; the one that was withdrawn with its whole sending is put again."""
    proposal = next((one for one in match.proposals if one.side is side), None)
    if proposal is None:
        proposal = Proposal(side=side, organisation=organisation)
        match.proposals.append(proposal)
    proposal.status, proposal.proposed_at, proposal.answer_by = ProposalStatus.PENDING, now(), answer_by
    return proposal


def announce(organisation: Organisation, proposals: Sequence[Proposal], *, settings: outbox.MailSettings) -> None:
    """One mail that says what awaits the organisation's answer."""
    if organisation.can_be_written_to():
        # A run that was taken back and sent again has a second mail: the moment tells them apart.
        thread = thread_of(organisation, proposals)
        outbox.queue(
            "proposals",
            uid=thread,
            idempotency_key=f"{thread}:{proposals[0].proposed_at:%Y%m%d%H%M%S%f}",
            recipient=organisation.email,
            organisation_id=organisation.id,
            settings=settings,
            organisation=organisation,
            proposals=proposals,
        )


def unannounce(organisation: Organisation, proposals: Sequence[Proposal], *, settings: outbox.MailSettings) -> bool:
    """Withdraw the mail that says what awaits an answer. Where it may have left, say so in another: True then."""
    thread = thread_of(organisation, proposals)
    outbox.withdraw(thread)
    if not outbox.may_have_left(thread):
        return False
    return outbox.queue(
        "proposals_withdrawn",
        uid=thread,
        idempotency_key=f"{thread}:{now():%Y%m%d%H%M%S%f}",
        recipient=organisation.email,
        organisation_id=organisation.id,
        settings=settings,
        organisation=organisation,
        proposals=proposals,
    )


def thread_of(organisation: Organisation, proposals: Sequence[Proposal]) -> str:
    """The thread of the mails about what one run puts to an organisation."""
    return f"proposals-{proposals[0].match.run_id}-{organisation.id}"


def accept(proposal: Proposal, *, settings: outbox.MailSettings) -> None:
    """Say yes. When the other side has said yes too, both learn how to reach each other."""
    match = locked_match(proposal)
    give_answer(proposal, ProposalStatus.ACCEPTED)
    if all(side.status is ProposalStatus.ACCEPTED for side in match.proposals):
        match.status = MatchStatus.CONFIRMED
        match.confirmed_at = now()
        for side in match.proposals:
            announce_mutual_yes(side, settings=settings)


def announce_mutual_yes(proposal: Proposal, *, settings: outbox.MailSettings) -> None:
    if proposal.organisation.can_be_written_to():
        outbox.queue(
            "mutual_yes",
            uid=f"mutual-{proposal.match_id}-{proposal.organisation_id}",
            recipient=proposal.organisation.email,
            organisation_id=proposal.organisation_id,
            settings=settings,
            proposal=proposal,
        )


def decline(proposal: Proposal, *, reason: DeclineReason, comment: str = "", settings: outbox.MailSettings) -> None:
    """Say no, with a reason. The match ends; the other side's question is withdrawn, or its yes is told that it leads nowhere."""
    match = locked_match(proposal)
    proposal.decline_reason = reason
    proposal.decline_comment = comment.strip()
    give_answer(proposal, ProposalStatus.DECLINED)
    end(match, settings=settings)


def give_answer(proposal: Proposal, status: ProposalStatus) -> None:
    if not proposal.can_be_answered():
        raise NotAllowedNow(proposal.status)
    proposal.status = status
    proposal.answered_at = now()


def locked_match(proposal: Proposal) -> Match:
    """The match, locked: two sides that answer in the same second see each other's answer."""
    match = db.session.scalars(select(Match).where(Match.id == proposal.match_id).with_for_update()).one()
    db.session.refresh(match)
    for side in match.proposals:
        db.session.refresh(side)
    return match


def end(match: Match, *, leave: ProposalStatus = ProposalStatus.WITHDRAWN, settings: outbox.MailSettings) -> None:
    """The match is over: questions without an answer become ``leave``, and who said yes is told kindly."""
    match.status = MatchStatus.ENDED
    for side in match.proposals:
        if side.can_be_answered():
            side.status = leave
        elif side.status is ProposalStatus.ACCEPTED and side.organisation.can_be_written_to():
            uid = f"no-follow-up-{match.id}-{side.organisation_id}"
            outbox.queue("no_follow_up", uid=uid, recipient=side.organisation.email, organisation_id=side.organisation_id, settings=settings, proposal=side)


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
    for match in matches:
        end(match, leave=ProposalStatus.EXPIRED, settings=settings)
    return len(matches)


def locked(query: Select[Match]) -> Sequence[Match]:
    """These matches, locked in a fixed order and as they are now: an answer that comes in the same second waits or was seen."""
    query = query.where(Match.status == MatchStatus.PROPOSED).order_by(Match.id).with_for_update(of=Match)
    return db.session.scalars(query.options(selectinload(Match.proposals)), execution_options={"populate_existing": True}).all()


def end_of_declaration(declaration: Need | Offer, *, settings: outbox.MailSettings) -> int:
    """A closed or paused declaration takes its open questions with it. Confirmed matches stay. Returns how many ended."""
    column = Match.need_id if isinstance(declaration, Need) else Match.offer_id
    matches = locked(select(Match).where(column == declaration.id))
    for match in matches:
        end(match, settings=settings)
    return len(matches)


def open_questions(declaration: Need | Offer) -> int:
    """How many proposals of this declaration await an answer: what a pause would withdraw."""
    column = Match.need_id if isinstance(declaration, Need) else Match.offer_id
    return db.session.scalar(select(func.count()).select_from(Match).where(column == declaration.id, Match.status == MatchStatus.PROPOSED)) or 0


def asked_this_month(*, today: date) -> Counter[UUID]:
    """Organisation id → proposals that were put to it since the first of the month. A sending that was taken back does not count."""
    first = datetime(today.year, today.month, 1, tzinfo=PARIS)
    query = select(Proposal.organisation_id, func.count()).join(Proposal.match)
    query = query.where(Proposal.proposed_at >= first, Match.status != MatchStatus.PREVIEW).group_by(Proposal.organisation_id)
    asked: Counter[UUID] = Counter()
    for organisation_id, number in db.session.execute(query):
        asked[organisation_id] = number
    return asked


def refusals(territory_ids: Sequence[int]) -> list[tuple[Category, DeclineReason, int]]:
    """Why structures of these territories said no: category, reason, how often; the most frequent first."""
    number = func.count().label("number")
    query = select(Need.category, Proposal.decline_reason, number).join(Proposal.match).join(Match.need)
    query = query.where(Need.territory_id.in_(territory_ids), Proposal.decline_reason.is_not(None)).group_by(Need.category, Proposal.decline_reason)
    return [(category, reason, count) for category, reason, count in db.session.execute(query.order_by(number.desc()).limit(20)) if reason is not None]


TABS = ("todo", "waiting", "done")


def inbox(organisation: Organisation, tab: str) -> list[Proposal]:
    """An organisation's proposals under one tab, each with both declarations, in a fixed number of queries."""
    query = select(Proposal).join(Proposal.match).where(Proposal.organisation_id == organisation.id, tab_condition(tab))
    need = joinedload(Proposal.match).joinedload(Match.need)
    offer = joinedload(Proposal.match).joinedload(Match.offer)
    query = query.options(
        need.joinedload(Need.organisation),
        need.joinedload(Need.commune),
        offer.joinedload(Offer.organisation),
        offer.joinedload(Offer.commune),
        joinedload(Proposal.match).selectinload(Match.proposals),
    )
    order = (Match.status == MatchStatus.CONFIRMED).desc(), Proposal.answer_by, Match.score.desc(), Proposal.id
    return list(db.session.scalars(query.order_by(*order)))


def tab_condition(tab: str) -> ColumnElement[bool]:
    """To do: my answer is awaited, or we said yes to each other. Waiting: mine is given, theirs is not. Done: the rest."""
    todo = (Proposal.status == ProposalStatus.PENDING) | (Match.status == MatchStatus.CONFIRMED)
    waiting = (Proposal.status == ProposalStatus.ACCEPTED) & (Match.status == MatchStatus.PROPOSED)
    if tab == "todo":
        return todo
    return waiting if tab == "waiting" else ~(todo | waiting)


def counts(organisation: Organisation) -> dict[str, int]:
    """How many proposals stand under each tab, and how many await this organisation's answer (« pending »)."""
    columns = [func.count().filter(tab_condition(tab)) for tab in TABS]
    query = select(*columns, func.count().filter(Proposal.status == ProposalStatus.PENDING)).select_from(Proposal).join(Proposal.match)
    row = db.session.execute(query.where(Proposal.organisation_id == organisation.id)).one()
    return dict(zip((*TABS, "pending"), row, strict=True))


def proposal_of(organisation: Organisation, proposal_id: UUID) -> Proposal | None:
    query = select(Proposal).where(Proposal.id == proposal_id, Proposal.organisation_id == organisation.id)
    return db.session.scalars(query.options(joinedload(Proposal.match))).one_or_none()
