"""Putting matches to both sides, and what they answer. How a match ends is proposal_ends; the inbox reads proposal_lists."""

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Channel,
    DeclineReason,
    Match,
    MatchStatus,
    Organisation,
    Proposal,
    ProposalAnswer,
    ProposalStatus,
    Side,
    SolicitationKind,
)
from matchmaker.models.base import PARIS, now
from matchmaker.models.base import today as today_here
from matchmaker.services import (
    asking_budgets,
    contact_log,
    conversation_links,
    never_again,
    outbox,
    outbox_batches,
    proposal_ends,
    proposal_links,
    solicitations,
    working_days,
)
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
    proposal.status, proposal.proposed_at, proposal.answer_by = ProposalStatus.PENDING, now(), answer_by
    proposal.postponed_until = proposal.parted_by_id = None
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

    When another structure took the place meanwhile, the match ends and the yes is kept. So it does, and neither learns why, when one of them
    does not want to be put in touch with the other: an announcement in confidence had not told it who that is.
    """
    match = proposal_ends.locked_match(proposal)
    give_answer(proposal, ProposalStatus.ACCEPTED, channel=channel)
    if match.status is not MatchStatus.PROPOSED:
        return
    if taken := proposal_ends.taken_sides(match):
        keep_yes(proposal, taken, settings=settings)
    elif not all(side.status is ProposalStatus.ACCEPTED for side in match.proposals):
        return
    elif never_again.keeps_apart(match):
        proposal_ends.end(match, settings=settings)
    else:
        match.status = MatchStatus.CONFIRMED
        match.confirmed_at = now()
        for side in match.proposals:
            announce_mutual_yes(side, settings=settings)


def keep_yes(proposal: Proposal, taken: Container[Side], *, settings: outbox.MailSettings) -> None:
    """The match ends for want of a place. This yes stays on record; an earlier one of the other side is told if it is not what was taken."""
    match, other = proposal.match, proposal.other
    match.status = MatchStatus.ENDED
    if other.can_be_answered():
        other.status = ProposalStatus.WITHDRAWN
    elif other.side not in taken:
        proposal_ends.announce_no_follow_up([other], settings=settings)


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
    match = proposal_ends.locked_match(proposal)
    give_answer(proposal, ProposalStatus.DECLINED, reason=reason, comment=comment, bounds=bounds, channel=channel)
    proposal_ends.end(match, settings=settings)
    if bounds.never:
        never_again.end_others(proposal, settings=settings)


def postpone(proposal: Proposal, *, until: date, channel: Channel = Channel.ACCOUNT) -> None:
    """Say « later »: the question stays open, and is waited for until that day. Raises NotAllowedNow when it is over or the day is too far."""
    proposal_ends.locked_match(proposal)
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
