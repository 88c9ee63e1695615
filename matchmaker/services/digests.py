"""The mail of Monday morning: to animators what is to be done, to structures what happened to their announcements. None when there is nothing."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from matchmaker.extensions import db
from matchmaker.models import Match, MatchStatus, Matter, Need, Offer, Organisation, OutboxMail, Proposal, ProposalStatus, Role, Status, User
from matchmaker.models.base import PARIS
from matchmaker.services import addresses, mails, outbox, work_queue, working_days
from matchmaker.services.work_queue import Filters, Row

D = TypeVar("D", Need, Offer)
# Who was not reached on that morning, because we were asleep, is written to on the next two; later it is no news of Monday.
LATEST_DAYS = 2
WEEK = timedelta(days=7)
# An announcement that ends within so many days is told.
SOON_DAYS = 14
SHOWN_ROWS = 5
# At once; the next beat takes those that remain.
MOST_AT_ONCE = 200
USELESS_AFTER = timedelta(days=3)


@dataclass(frozen=True)
class AnimatorWeek:
    """What one animator should know: how many rows under each matter, the most pressing ones, what happened in their départements."""

    counts: Counter[Matter]
    rows: list[Row]
    published: int
    agreed: int

    @property
    def total(self) -> int:
        return self.counts.total()


@dataclass
class MemberWeek:
    """What happened to the announcements of one structure."""

    pending: int = 0
    agreed: list[Need | Offer] = field(default_factory=list)
    ending: list[Need | Offer] = field(default_factory=list)
    expired: list[Need | Offer] = field(default_factory=list)


def day_of_the_week(day: date) -> date:
    """The first working day of this day's week: Monday, or the next one when that is a holiday.

    >>> day_of_the_week(date(2026, 11, 26)), day_of_the_week(date(2026, 4, 8))
    (datetime.date(2026, 11, 23), datetime.date(2026, 4, 7))
    """
    return working_days.first_from(day - timedelta(days=day.weekday()))


def is_time(at: datetime) -> bool:
    """On that day or the two after it, by day."""
    here = at.astimezone(PARIS)
    late = (here.date() - day_of_the_week(here.date())).days
    return 0 <= late <= LATEST_DAYS and working_days.is_open(at)


def send_due(*, at: datetime, settings: outbox.MailSettings) -> int:
    """Queue the mails of this week that are not queued yet. Run as often as one likes: a week's mail has one key. Returns how many."""
    if not is_time(at):
        return 0
    week = f"{at.astimezone(PARIS):%G-W%V}"
    known = set(db.session.scalars(select(OutboxMail.idempotency_key).where(OutboxMail.idempotency_key.startswith(f"digest-{week}-", autoescape=True))))
    sent = to_animators(week, known, at=at, settings=settings)
    return sent + to_members(week, known, at=at, settings=settings, most=MOST_AT_ONCE - sent)


def to_animators(week: str, known: Collection[str], *, at: datetime, settings: outbox.MailSettings) -> int:
    """What is to be done, to each animator whose address takes it."""
    query = select(User).where(User.is_active, User.role == Role.ANIMATOR).options(selectinload(User.territories)).order_by(User.id)
    people = [user for user in db.session.scalars(query) if f"digest-{week}-{user.id}" not in known]
    unwanted = addresses.obstacles([user.email for user in people], "digest_animator")
    sent = 0
    for user in people:
        if unwanted[user.email] is None and (told := animator_week(user, at=at)):
            uid = f"digest-{week}-{user.id}"
            sent += outbox.queue("digest_animator", uid=uid, recipient=user.email, settings=settings, useless_after=at + USELESS_AFTER, user=user, week=told)
    return sent


def animator_week(user: User, *, at: datetime) -> AnimatorWeek | None:
    """None when there is nothing to do and nothing happened."""
    ids = frozenset(territory.id for territory in mails.departements_of(user))
    found = work_queue.queue(Filters(ids), user=user, today=at.astimezone(PARIS).date())
    published = select(func.count()).select_from(Need).where(Need.territory_id.in_(ids), Need.status == Status.PUBLISHED, Need.published_at > at - WEEK)
    agreed = select(func.count()).select_from(Match).join(Match.need).where(Need.territory_id.in_(ids), Match.confirmed_at > at - WEEK)
    told = AnimatorWeek(found.counts, found.rows[:SHOWN_ROWS], db.session.scalar(published) or 0, db.session.scalar(agreed) or 0)
    return told if told.total or told.published or told.agreed else None


def to_members(week: str, known: Collection[str], *, at: datetime, settings: outbox.MailSettings, most: int) -> int:
    """What happened, to each structure to which something did and whose address takes it."""
    weeks = member_weeks(at=at)
    waiting = [one for one in weeks if f"digest-{week}-{one}" not in known]
    query = select(Organisation).where(Organisation.id.in_(waiting), Organisation.email != "").order_by(Organisation.id)
    found = list(db.session.scalars(query))
    unwanted = addresses.obstacles({organisation.email for organisation in found}, "digest")
    wanted = [organisation for organisation in found if unwanted[organisation.email] is None]
    sent = 0
    for organisation in wanted[:most]:
        sent += outbox.queue(
            "digest",
            uid=f"digest-{week}-{organisation.id}",
            recipient=organisation.email,
            organisation_id=organisation.id,
            settings=settings,
            useless_after=at + USELESS_AFTER,
            organisation=organisation,
            week=weeks[organisation.id],
        )
    return sent


def member_weeks(*, at: datetime) -> dict[UUID, MemberWeek]:
    """Structure → what happened to its announcements; those to which nothing did are absent. Seven queries.

    A question that waits is told beside other news, and brings no mail by itself: that would be one more reminder, in nobody's budget.
    """
    weeks: dict[UUID, MemberWeek] = defaultdict(MemberWeek)
    add_news(weeks, Need, at=at)
    add_news(weeks, Offer, at=at)
    pending = select(Proposal.organisation_id, func.count()).join(Proposal.match).where(Proposal.status == ProposalStatus.PENDING)
    for organisation_id, count in db.session.execute(pending.where(Match.status == MatchStatus.PROPOSED).group_by(Proposal.organisation_id)):
        if organisation_id in weeks:
            weeks[organisation_id].pending = count
    return weeks


def add_news(weeks: dict[UUID, MemberWeek], model: type[D], *, at: datetime) -> None:
    """The announcements of one side that two yes came to, that end soon, and that ended since the last mail."""
    today, link = at.astimezone(PARIS).date(), Match.need_id if model is Need else Match.offer_id
    agreed = select(model).join(Match, link == model.id).where(Match.status == MatchStatus.CONFIRMED, Match.confirmed_at > at - WEEK).distinct()
    ending = select(model).where(model.status == Status.PUBLISHED, model.expires_on <= today + timedelta(days=SOON_DAYS))
    expired = select(model).where(model.status == Status.EXPIRED, model.expires_on > today - WEEK - timedelta(days=1))
    for one in db.session.scalars(agreed.order_by(model.id)):
        weeks[one.organisation_id].agreed.append(one)
    for one in db.session.scalars(ending.order_by(model.expires_on, model.id)):
        weeks[one.organisation_id].ending.append(one)
    for one in db.session.scalars(expired.order_by(model.id)):
        weeks[one.organisation_id].expired.append(one)
