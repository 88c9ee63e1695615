"""Putting matches to both sides, and what they answer."""

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Channel,
    DeclineReason,
    Match,
    MatchStatus,
    Need,
    Offer,
    Organisation,
    Proposal,
    ProposalAnswer,
    ProposalStatus,
    Side,
    SolicitationKind,
)
from matchmaker.models.base import PARIS, now
from matchmaker.models.base import today as today_here
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services import asking_budgets, contact_log, conversation_links, outbox, outbox_batches, proposal_links, solicitations, working_days
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.outbox_batches import Letter
from matchmaker.services.refusal_bounds import NO_BOUNDS, Bounds

# The time that answers are given before the match ends; a late yes is welcome after it.
ANSWER_WORKING_DAYS = 10
# What is decided by a board, or in a family: others are asked meanwhile, but the question lives on.
SLOW = frozenset({Category.POOLED_JOB, Category.SUCCESSION})
LONG_ANSWER_DAYS = 90
# « Later » is at most this long after the question was put.
POSTPONED_DAYS = 60


def propose(matches: Sequence[Match], *, today: date, settings: outbox.MailSettings, loads: Mapping[UUID, float] | None = None) -> list[Proposal]:
    """Put each match to its two sides, with one mail per organisation for all of them.

    A match one of whose sides was asked as often as it accepts is left as it is. ``loads``: organisation id → its load before this day.
    """
    waiting: dict[Organisation, list[Proposal]] = defaultdict(list)
    for match in within_budgets(matches, day=today):
        match.status = MatchStatus.PROPOSED
        for side, organisation in ((Side.NEED, match.need.organisation), (Side.OFFER, match.offer.organisation)):
            waiting[organisation].append(put(match, side, organisation, answer_by=answer_day(match, today)))
    put_now = [proposal for proposals in waiting.values() for proposal in proposals]
    db.session.flush()
    solicitations.record(put_now, SolicitationKind.PROPOSAL, day=today, loads=loads or {})
    letters = [letter_of(organisation, proposals, day=today, settings=settings) for organisation, proposals in waiting.items()]
    outbox_batches.queue_all("proposals", [letter for letter in letters if letter is not None], settings=settings)
    return put_now


def within_budgets(matches: Sequence[Match], *, day: date) -> list[Match]:
    """Those of which both sides may be asked, counted as asked."""
    sides = {match.id: (match.need.organisation_id, match.offer.organisation_id) for match in matches}
    spent = asking_budgets.take(Counter(one for both in sides.values() for one in both), day=day)
    dropped = Counter(one for both in sides.values() if not spent.isdisjoint(both) for one in both if one not in spent)
    asking_budgets.give_back(dropped, day=day)
    return [match for match in matches if spent.isdisjoint(sides[match.id])]


def answer_day(match: Match, today: date) -> date:
    """Until when an answer is waited for: what takes a board, or a family, its time, lives longer."""
    return today + timedelta(days=LONG_ANSWER_DAYS) if match.need.category in SLOW else working_days.add(today, ANSWER_WORKING_DAYS)


def put(match: Match, side: Side, organisation: Organisation, *, answer_by: date) -> Proposal:
    """The question to one side; the one that was withdrawn with its whole sending is put again."""
    proposal = next((one for one in match.proposals if one.side is side), None)
    if proposal is None:
        proposal = Proposal(side=side, organisation=organisation, token_version=0)
        match.proposals.append(proposal)
    proposal.token_version += 1
    proposal.status, proposal.proposed_at, proposal.answer_by, proposal.postponed_until = ProposalStatus.PENDING, now(), answer_by, None
    return proposal


def announce(organisation: Organisation, proposals: Sequence[Proposal], *, settings: outbox.MailSettings) -> None:
    """One mail that says what awaits the organisation's answer; it leaves when people are there."""
    letter = letter_of(organisation, proposals, day=today_here(), settings=settings)
    if letter is not None:
        outbox_batches.queue_all("proposals", [letter], settings=settings)


def letter_of(organisation: Organisation, proposals: Sequence[Proposal], *, day: date, settings: outbox.MailSettings) -> Letter | None:
    """The same mail, for a batch of the day; nothing for who cannot be written to."""
    if not organisation.can_be_written_to():
        return None
    thread = thread_of(organisation, proposals[0].match.run_id, day)
    links = {proposal.id: proposal_links.link(proposal, settings) for proposal in proposals}
    return Letter(
        uid=thread,
        # A run that was taken back and sent again has a second mail: the moment tells them apart.
        idempotency_key=f"{thread}:{proposals[0].proposed_at:%Y%m%d%H%M%S%f}",
        recipient=organisation.email,
        organisation_id=organisation.id,
        not_before=working_days.opening(organisation, now()) if day == today_here() else None,
        context={"organisation": organisation, "proposals": proposals, "links": links},
    )


def unannounce(organisation: Organisation, proposals: Sequence[Proposal], *, settings: outbox.MailSettings) -> bool:
    """Withdraw the mails that say what awaits an answer. Where one may have left, say so in another: True then."""
    days = solicitations.days_of(proposals)
    left = []
    for day in sorted(set(days.values())):
        of_the_day = [proposal for proposal in proposals if days.get(proposal.id) == day]
        thread = thread_of(organisation, of_the_day[0].match.run_id, day)
        outbox.withdraw(thread)
        if outbox.may_have_left(thread):
            left.append((thread, of_the_day))
    if not left:
        return False
    thread = left[-1][0]
    return outbox.queue(
        "proposals_withdrawn",
        uid=thread,
        idempotency_key=f"{thread}:{now():%Y%m%d%H%M%S%f}",
        recipient=organisation.email,
        organisation_id=organisation.id,
        settings=settings,
        organisation=organisation,
        proposals=[proposal for _thread, of_the_day in left for proposal in of_the_day],
    )


def thread_of(organisation: Organisation, run_id: UUID | None, day: date) -> str:
    """The thread of the mails about what one run puts to an organisation on one day."""
    return f"proposals-{run_id}-{organisation.id}-{day:%Y%m%d}"


def accept(proposal: Proposal, *, settings: outbox.MailSettings, channel: Channel = Channel.ACCOUNT) -> None:
    """Say yes. When the other side has said yes too, both learn how to reach each other.

    When another structure took the place meanwhile, the match ends and the yes is kept.
    """
    match = locked_match(proposal)
    give_answer(proposal, ProposalStatus.ACCEPTED, channel=channel)
    if match.status is not MatchStatus.PROPOSED:
        return
    if taken := taken_sides(match):
        keep_yes(proposal, taken, settings=settings)
    elif all(side.status is ProposalStatus.ACCEPTED for side in match.proposals):
        match.status = MatchStatus.CONFIRMED
        match.confirmed_at = now()
        for side in match.proposals:
            announce_mutual_yes(side, settings=settings)


def taken_sides(match: Match) -> set[Side]:
    """The sides whose places others hold: by two yes; for a match that is over, and holds none itself, by an open question too."""
    holding = (MatchStatus.CONFIRMED,) if match.status is MatchStatus.PROPOSED else LIVE_MATCH
    same_need, same_offer = Match.need_id == match.need_id, Match.offer_id == match.offer_id
    query = select(func.count().filter(same_need), func.count().filter(same_offer), func.count().filter(same_need & same_offer))
    by_need, by_offer, by_both = db.session.execute(query.where(Match.id != match.id, Match.status.in_(holding), same_need | same_offer)).one()
    # The pair itself may have been put again by a later run: one question at a time.
    is_taken = {Side.NEED: by_both > 0 or by_need >= match.need.capacity, Side.OFFER: by_both > 0 or by_offer >= match.offer.capacity}
    return {side for side in Side if is_taken[side]}


def keep_yes(proposal: Proposal, taken: Container[Side], *, settings: outbox.MailSettings) -> None:
    """The match ends for want of a place. This yes stays on record; an earlier one of the other side is told if it is not what was taken."""
    match, other = proposal.match, proposal.other
    match.status = MatchStatus.ENDED
    if other.can_be_answered():
        other.status = ProposalStatus.WITHDRAWN
    elif other.side not in taken:
        announce_no_follow_up([other], settings=settings)


def announce_mutual_yes(proposal: Proposal, *, settings: outbox.MailSettings) -> None:
    if proposal.organisation.can_be_written_to():
        is_on_its_way = outbox.queue(
            "mutual_yes",
            uid=f"mutual-{proposal.match_id}-{proposal.organisation_id}",
            recipient=proposal.organisation.email,
            organisation_id=proposal.organisation_id,
            settings=settings,
            proposal=proposal,
            link=conversation_links.link(proposal, settings),
        )
        if is_on_its_way:
            contact_log.note_mail(proposal)


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


def decline(
    proposal: Proposal,
    *,
    reason: DeclineReason,
    comment: str = "",
    bounds: Bounds = NO_BOUNDS,
    settings: outbox.MailSettings,
    channel: Channel = Channel.ACCOUNT,
) -> None:
    """Say no, with a reason. The match ends; the other side's question is withdrawn, or its yes is told that it leads nowhere."""
    match = locked_match(proposal)
    give_answer(proposal, ProposalStatus.DECLINED, reason=reason, comment=comment, bounds=bounds, channel=channel)
    end(match, settings=settings)


def postpone(proposal: Proposal, *, until: date, channel: Channel = Channel.ACCOUNT) -> None:
    """Say « later »: the question stays open, and is waited for until that day. Raises NotAllowedNow when it is over or the day is too far."""
    locked_match(proposal)
    if not proposal.can_be_answered() or until > latest_postponement(proposal):
        raise NotAllowedNow(proposal.status)
    proposal.answer_by = proposal.postponed_until = until
    proposal.history.append(ProposalAnswer(status=ProposalStatus.PENDING, postponed_until=until, channel=channel))


def latest_postponement(proposal: Proposal) -> date:
    """However often it is put off, the other side does not wait longer than this."""
    return proposal.proposed_at.astimezone(PARIS).date() + timedelta(days=POSTPONED_DAYS)


def give_answer(
    proposal: Proposal,
    status: ProposalStatus,
    *,
    channel: Channel,
    reason: DeclineReason | None = None,
    comment: str = "",
    bounds: Bounds = NO_BOUNDS,
) -> None:
    if not proposal.can_be_answered():
        raise NotAllowedNow(proposal.status)
    proposal.status, proposal.answered_at = status, now()
    proposal.decline_reason, proposal.decline_comment = reason, comment.strip()
    bounds.write_on(proposal)
    proposal.lifted_at = proposal.lifted_by_id = None
    proposal.history.append(ProposalAnswer(status=status, reason=reason, channel=channel))


def locked_match(proposal: Proposal) -> Match:
    """The match, locked with its two declarations: answers that come in the same second, about it or about their last place, see each other.

    The declarations come first, as where they are closed with what they hold: two transactions never wait for each other in a ring.
    """
    match = db.session.get_one(Match, proposal.match_id)
    for declaration in (match.need, match.offer):
        db.session.refresh(declaration, ["status", "capacity"], with_for_update={"key_share": True})
    db.session.refresh(match, Match.__table__.columns.keys(), with_for_update=True)
    for side in match.proposals:
        db.session.refresh(side)
    return match


def end(match: Match, *, leave: ProposalStatus = ProposalStatus.WITHDRAWN, settings: outbox.MailSettings) -> None:
    """The match is over: questions without an answer become ``leave``, and who said yes is told kindly."""
    end_all([match], leave=leave, settings=settings)


def end_all(matches: Sequence[Match], *, leave: ProposalStatus = ProposalStatus.WITHDRAWN, settings: outbox.MailSettings) -> None:
    for match in matches:
        match.status = MatchStatus.ENDED
    sides = [side for match in matches for side in match.proposals]
    said_yes = [side for side in sides if side.status is ProposalStatus.ACCEPTED]
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
    end_all(matches, settings=settings)
    return len(matches)


def open_questions(declaration: Need | Offer) -> int:
    """How many proposals of this declaration await an answer: what a pause would withdraw."""
    column = Match.need_id if isinstance(declaration, Need) else Match.offer_id
    return db.session.scalar(select(func.count()).select_from(Match).where(column == declaration.id, Match.status == MatchStatus.PROPOSED)) or 0


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
    order = (Match.status == MatchStatus.CONFIRMED).desc(), Proposal.answer_by, Match.score.desc(), Proposal.id
    return list(db.session.scalars(query.options(*both_sides()).order_by(*order)))


def both_sides() -> tuple[ORMOption, ...]:
    """Load with a proposal what its card says of either side."""
    need = joinedload(Proposal.match).joinedload(Match.need)
    offer = joinedload(Proposal.match).joinedload(Match.offer)
    return (
        need.joinedload(Need.organisation),
        need.joinedload(Need.commune),
        offer.joinedload(Offer.organisation),
        offer.joinedload(Offer.commune),
        joinedload(Proposal.match).selectinload(Match.proposals),
    )


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
