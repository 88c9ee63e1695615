"""What happened in the demonstration before today: runs, answers, a job dating that is over, one to come."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import cycle
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import not_, or_, update

from matchmaker.engine.solicitation import PRICE
from matchmaker.extensions import db
from matchmaker.models import (
    Answer,
    Channel,
    DeclineReason,
    Invitation,
    InvitationAnswer,
    JobDating,
    JobDatingStatus,
    MailStatus,
    Match,
    MatchingRun,
    MatchStatus,
    Need,
    Offer,
    OutboxMail,
    Proposal,
    ProposalStatus,
    Side,
    Solicitation,
    SolicitationKind,
    Territory,
    Theme,
    Venue,
)
from matchmaker.models.base import now
from matchmaker.services import asking, invitations, job_dating_matches, job_dating_plans, job_datings, matching, outbox, proposals
from matchmaker.services.demo_cast import moment

PARIS = ZoneInfo("Europe/Paris")
# The need's answer, the offer's: y(es), n(o), - (none yet).
MOODS = ("yy", "ny", "yn", "n-", "y-", "-y", "--")
# How often each mood, where a job dating is prepared, where one is over, and elsewhere.
EAGER = (70, 4, 4, 2, 7, 7, 6)
OVER = (84, 5, 5, 2, 0, 0, 4)
USUAL = (46, 8, 8, 4, 12, 12, 10)
# Pairs whose answers the demonstration's accounts rely on, by the marks of the hand-written declarations.
SETTLED = {
    ("A1", "B1"): "y-",
    ("A2", "B2"): "--",
    ("A3", "B3"): "yy",
    ("A4", "B4"): "-y",
    ("A5", "C3"): "ny",
    ("B5", "C1"): "yy",
    ("B6", "A6"): "-y",
    ("B7", "C2"): "-y",
    ("17", "18"): "-y",
    ("24", "25"): "yy",
    ("37", "38"): "y-",
}
REASONS = (
    (DeclineReason.FOUND, "Nous avons trouvé à côté entre-temps."),
    (DeclineReason.NO_TIME, "Pas avant le printemps."),
    (DeclineReason.WRONG_DATES, ""),
    (DeclineReason.TOO_FAR, ""),
    (DeclineReason.WRONG_VOLUME, "C’est plus que ce que nous pouvons porter."),
    (DeclineReason.TOO_EXPENSIVE, ""),
)
# How those who are invited to the coming job dating answer, in turn; None is silence.
REPLIES = (Answer.ACCEPTED, None, Answer.ACCEPTED, Answer.TENTATIVE, Answer.ACCEPTED, Answer.DECLINED, None, Answer.ACCEPTED)
MEETINGS = 24
# A structure's meetings must hold in the rounds of one morning.
MOST_MEETINGS_EACH = 7


def run_and_publish(territory: Territory, *, today: date, days_ago: int, settings: outbox.MailSettings) -> MatchingRun:
    """A run, computed and sent to both sides some days ago."""
    then = today - timedelta(days=days_ago)
    run = matching.rematch(territory, today=then)
    matching.publish(run, today=then, settings=settings, asks=False)
    planned = sorted((match for match in run.matches if match.status is MatchStatus.PREVIEW), key=best_first)
    accept_all(planned)
    questions = proposals.propose(planned, today=then, settings=settings)
    asking.write_down(territory, then, PRICE, asking.Asked(questions))
    asking.write_down(territory, today, PRICE, asking.Asked())
    run.created_at = run.started_at = moment(today, days_ago, 8)
    run.finished_at = moment(today, days_ago, 8) + timedelta(seconds=2)
    run.published_at = moment(today, days_ago, 9)
    for question in questions:
        question.proposed_at = run.published_at
    return run


def accept_all(matches: Sequence[Match]) -> None:
    """A demonstration tells of weeks at once: its structures accept as much as they are asked."""
    times = Counter(organisation for match in matches for organisation in (match.need.organisation, match.offer.organisation))
    for organisation, number in times.items():
        organisation.weekly_budget = min(15, max(organisation.weekly_budget, number + 2))
        organisation.monthly_budget = min(60, max(organisation.monthly_budget, number + 4))
    db.session.flush()


def answer_all(run: MatchingRun, odds: Sequence[int], *, today: date, marks: Mapping[UUID, str], rng: random.Random, settings: outbox.MailSettings) -> None:
    """Both sides of each pair answer, or not yet, between the publication of the run and yesterday."""
    proposed = [match for match in run.matches if match.status is MatchStatus.PROPOSED]
    for match in sorted(proposed, key=lambda match: (match.need_id, match.offer_id)):
        mood = rng.choices(MOODS, odds)[0]
        mood = SETTLED.get((marks.get(match.need_id, ""), marks.get(match.offer_id, "")), mood)
        answers = {Side.NEED: mood[0], Side.OFFER: mood[1]}
        # A yes is given before the other side's no: after it there would be no question left.
        for question in sorted(match.proposals, key=lambda question: (answers[question.side] == "n", question.side)):
            give(question, answers[question.side], rng=rng, settings=settings)
        backdate(match, run, today=today, rng=rng)


def give(question: Proposal, answer: str, *, rng: random.Random, settings: outbox.MailSettings) -> None:
    if answer == "y":
        proposals.accept(question, settings=settings)
    elif answer == "n":
        reason, comment = rng.choice(REASONS)
        proposals.decline(question, reason=reason, comment=comment, settings=settings)


def backdate(match: Match, run: MatchingRun, *, today: date, rng: random.Random) -> None:
    """Put the answers between the run's publication, or at most ten days after it, and yesterday evening."""
    start = run.published_at or moment(today, 2)
    room = min(moment(today, 1, 18) - start, timedelta(days=10))
    for question in match.proposals:
        if question.status in (ProposalStatus.ACCEPTED, ProposalStatus.DECLINED):
            question.answered_at = start + room * rng.uniform(0.05, 0.95)
            for said in question.history:
                said.created_at = question.answered_at
    if match.is_mutual:
        match.confirmed_at = max(question.answered_at for question in match.proposals if question.answered_at)


def hold_past(venue: Venue, run: MatchingRun, *, today: date, rng: random.Random) -> JobDating:
    """The job dating of six weeks ago, with the pairs of that run: everybody had answered, and nothing is mailed now."""
    # Only one to come can be planned: it is prepared for next week, then moved to the Tuesday when it was held.
    day = today - timedelta(days=42 + (today.weekday() - 1) % 7)
    starts_at, lasts = datetime.combine(day, time(14), PARIS), timedelta(hours=3)
    planned_at = now() + timedelta(days=7)
    job_dating = job_datings.prepare(venue, title="Job dating de La Criée Douce", theme=Theme.CSR, starts_at=planned_at, ends_at=planned_at + lasts)
    here = sorted((match for match in run.matches if match.is_mutual and not is_secret(match)), key=best_first)
    job_datings.choose(job_dating, dense(here, MEETINGS))
    job_dating.status = JobDatingStatus.PUBLISHED
    job_dating.created_at = job_dating.published_at = starts_at - timedelta(days=10)
    for participant in sorted(job_dating.participants, key=lambda participant: participant.organisation.name):
        answer = rng.choices((Answer.ACCEPTED, Answer.DECLINED), (9, 1))[0]
        at = starts_at - timedelta(days=rng.uniform(3, 9))
        invitation = Invitation(job_dating=job_dating, organisation=participant.organisation, email=participant.organisation.email, answer_by=starts_at)
        db.session.add(invitation)
        answered(invitation, answer, at=at, channel=Channel.LINK)
        participant.state = invitations.STATES[answer]
    job_dating_plans.plan_around(job_dating)
    job_dating.starts_at, job_dating.ends_at = starts_at, starts_at + lasts
    db.session.flush()
    return job_dating


def announce_coming(
    venue: Venue, first: Sequence[Match], *, today: date, rng: random.Random, waiting: set[UUID], settings: outbox.MailSettings
) -> list[Invitation]:
    """The job dating in two months, on a Thursday morning. Those of ``waiting`` have not answered yet. Returns who has not."""
    day = today + timedelta(days=60)
    day += timedelta(days=(3 - day.weekday()) % 7)
    starts_at = datetime.combine(day, time(9), PARIS)
    job_dating = job_datings.prepare(
        venue, title="Job dating du bocage", theme=Theme.EMPLOYMENT, starts_at=starts_at, ends_at=datetime.combine(day, time(12), PARIS)
    )
    free = sorted(job_dating_matches.free_matches(venue), key=best_first)
    job_datings.choose(job_dating, dense(free, MEETINGS, first=first))
    sent = job_datings.publish(job_dating, settings=settings)
    job_dating.created_at, job_dating.published_at = moment(today, 3), moment(today, 2)
    silent = []
    replies = cycle(REPLIES)
    for invitation in sorted(sent, key=lambda invitation: invitation.organisation.name):
        invitation.created_at = moment(today, 2)
        answer = None if invitation.organisation_id in waiting else next(replies)
        if answer is None:
            silent.append(invitation)
            continue
        answered(invitation, answer, at=moment(today, 1, rng.randint(7, 18)), channel=rng.choice((Channel.LINK, Channel.LINK, Channel.ACCOUNT)))
        next(one for one in job_dating.participants if one.organisation_id == invitation.organisation_id).state = invitations.STATES[answer]
    db.session.flush()
    job_dating_plans.plan_around(job_dating)
    return silent


def answered(invitation: Invitation, answer: Answer, *, at: datetime, channel: Channel) -> None:
    """An answer as it was given then: the service would write it down as of now."""
    invitation.answer, invitation.answered_at = answer, at
    invitation.history.append(InvitationAnswer(answer=answer, channel=channel, created_at=at))


def dense(matches: Sequence[Match], wanted: int, *, first: Sequence[Match] = ()) -> list[Match]:
    """Some of the matches, those of the busiest structures before the others, so that people do not come for one meeting."""
    busy = Counter(organisation for match in matches for organisation in both(match))
    meetings: Counter[UUID] = Counter()
    chosen: list[Match] = []
    rest = sorted((match for match in matches if match not in first), key=lambda match: -sum(busy[organisation] for organisation in both(match)))
    for match in (*first, *rest):
        if len(chosen) < wanted and all(meetings[organisation] < MOST_MEETINGS_EACH for organisation in both(match)):
            meetings.update(both(match))
            chosen.append(match)
    return chosen


def best_first(match: Match) -> tuple[int, UUID, UUID]:
    """For sorting: the best score first; the same order at each loading."""
    return -match.score, match.need_id, match.offer_id


def both(match: Match) -> tuple[UUID, UUID]:
    return match.need.organisation_id, match.offer.organisation_id


def is_secret(match: Match) -> bool:
    return match.need.is_confidential or match.offer.is_confidential


def match_of(need: Need | Offer, offer: Need | Offer, run: MatchingRun) -> Match:
    return next(match for match in run.matches if match.need_id == need.id and match.offer_id == offer.id)


def invited_on(day: date) -> None:
    """The invitations went out on that day: who tries the demonstration was asked nothing today, and may be."""
    db.session.flush()
    db.session.execute(update(Solicitation).where(Solicitation.kind == SolicitationKind.INVITATION).values(day=day))


def mails_left(at: datetime, *, keep_for: Sequence[str] = (), keep_threads: Sequence[str] = ()) -> None:
    """The mails that are queued left at that time, but for those to some addresses or of some threads: these wait for the worker."""
    kept = or_(OutboxMail.recipient.in_(keep_for), *(OutboxMail.idempotency_key.startswith(f"{thread}:", autoescape=True) for thread in keep_threads))
    claimed = update(OutboxMail).where(OutboxMail.status == MailStatus.QUEUED, not_(kept)).values(status=MailStatus.SENDING, claimed_by=0)
    db.session.execute(claimed)
    gone = update(OutboxMail).where(OutboxMail.status == MailStatus.SENDING, OutboxMail.claimed_by == 0)
    db.session.execute(gone.values(status=MailStatus.SENT, claimed_by=None, sent_at=at, attempts=1, last_code=250))
