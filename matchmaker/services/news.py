"""News of a territory: an animator writes them, the page shows them, and on Monday those who follow it read what is new in one mail."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import Commune, CommunityMember, JobDating, JobDatingStatus, Level, News, Organisation, OutboxMail, Territory, User, Venue
from matchmaker.models.base import PARIS
from matchmaker.services import addresses, digests, outbox
from matchmaker.services.organisations import LAST_PAGE

WEEK = timedelta(days=7)


@dataclass
class Told:
    """What is new in one territory."""

    territory: Territory
    news: list[News] = field(default_factory=list)
    job_datings: list[JobDating] = field(default_factory=list)


def post(territory: Territory, author: User, *, title: str, text: str) -> News:
    news = News(territory=territory, author=author, title=title, text=text)
    db.session.add(news)
    db.session.flush()
    return news


def one(news_id: UUID) -> News | None:
    return db.session.scalars(select(News).where(News.id == news_id).options(joinedload(News.territory))).one_or_none()


def newest(territory: Territory, *, page: int = 1, per_page: int = 5) -> Pagination:
    """Its news, the newest first."""
    query = select(News).where(News.territory_id == territory.id).order_by(News.created_at.desc(), News.id)
    return db.paginate(query, page=max(1, min(page, LAST_PAGE)), per_page=per_page, error_out=False)


def send_due(*, at: datetime, settings: outbox.MailSettings) -> int:
    """Queue what was new last week for the structures that follow a territory where something was. A week's mail has one key. Returns how many."""
    if not digests.is_time(at):
        return 0
    here = at.astimezone(PARIS)
    week = f"{here:%G-W%V}"
    told = last_week(here.date())
    known = set(db.session.scalars(select(OutboxMail.idempotency_key).where(OutboxMail.idempotency_key.startswith(f"news-{week}-", autoescape=True))))
    return sum(
        outbox.queue(
            "territory_news",
            uid=f"news-{week}-{organisation.id}",
            recipient=organisation.email,
            organisation_id=organisation.id,
            settings=settings,
            useless_after=at + digests.USELESS_AFTER,
            organisation=organisation,
            territories=[told[one] for one in followed],
        )
        for organisation, followed in readers(told, week, known)[: digests.MOST_AT_ONCE]
    )


def last_week(day: date) -> dict[int, Told]:
    """Territory → what was posted and announced in the week that was over on the first working day of this one; in a fixed number of queries."""
    until = datetime.combine(digests.day_of_the_week(day), datetime.min.time(), PARIS)
    since = datetime.combine(digests.day_of_the_week(day - WEEK), datetime.min.time(), PARIS)
    territories = {one.id: one for one in db.session.scalars(select(Territory))}
    found = {one: Told(territory) for one, territory in territories.items()}
    query = select(News).where(News.created_at >= since, News.created_at < until).order_by(News.created_at.desc(), News.id)
    for news in db.session.scalars(query):
        found[news.territory_id].news.append(news)
    by_code = {(one.level, one.code): one.id for one in territories.values()}
    for job_dating in announced(since, until):
        commune, departement = job_dating.venue.commune, job_dating.venue.territory
        for here in (by_code.get((Level.EPCI, commune.epci_code or "")), departement.id, departement.parent_id):
            if here is not None:
                found[here].job_datings.append(job_dating)
    return {one: told for one, told in found.items() if told.news or told.job_datings}


def announced(since: datetime, until: datetime) -> list[JobDating]:
    """The job datings that were published then and are still to come."""
    query = select(JobDating).where(JobDating.published_at >= since, JobDating.published_at < until, JobDating.starts_at > until)
    query = query.where(JobDating.status == JobDatingStatus.PUBLISHED).order_by(JobDating.starts_at, JobDating.id)
    venue = joinedload(JobDating.venue)
    return list(
        db.session.scalars(query.options(venue.joinedload(Venue.commune).load_only(Commune.name, Commune.epci_code), venue.joinedload(Venue.territory)))
    )


def readers(told: Collection[int], week: str, known: Collection[str]) -> list[tuple[Organisation, list[int]]]:
    """Who follows one of these territories, was not written to this week, and takes such mails; with the territories."""
    query = select(CommunityMember.organisation_id, CommunityMember.territory_id).where(CommunityMember.territory_id.in_(told))
    follows: dict[UUID, list[int]] = defaultdict(list)
    for organisation_id, territory_id in db.session.execute(query.order_by(CommunityMember.territory_id)):
        if f"news-{week}-{organisation_id}" not in known:
            follows[organisation_id].append(territory_id)
    people = select(Organisation).where(Organisation.id.in_(follows), Organisation.email != "").order_by(Organisation.id)
    found = list(db.session.scalars(people))
    unwanted = addresses.obstacles({organisation.email for organisation in found}, "territory_news")
    return [(organisation, follows[organisation.id]) for organisation in found if unwanted[organisation.email] is None]
