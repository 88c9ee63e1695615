"""Rehearsals of failures: invitations by the thousand, to people that do not exist, and the count of what became of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from matchmaker.extensions import db
from matchmaker.models import (
    Commune,
    DomainPace,
    Family,
    JobDating,
    JobDatingStatus,
    Level,
    MailStatus,
    Organisation,
    OutboxMail,
    Participant,
    RelayState,
    Territory,
    Venue,
)
from matchmaker.services import invitations, territories
from matchmaker.services.organisations import DEMONSTRATION
from matchmaker.services.outbox import MailSettings

SOURCE = "répétition"
# A reserved name that leads nowhere. Many domains, as in life: a domain gets ten mails in a second only.
DOMAIN, DOMAINS = "repetition.test", 500
GUESTS_PER_JOB_DATING = 40
# What may still leave.
OPEN = (MailStatus.QUEUED, MailStatus.SENDING)


class RealData(Exception):
    """The database holds structures of real life: nothing is rehearsed there."""


@dataclass(frozen=True)
class Count:
    """Where the mails of the rehearsal stand."""

    statuses: dict[MailStatus, int]
    maybe_twice: int
    retried: int

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    @property
    def open(self) -> int:
        return sum(self.statuses.get(status, 0) for status in OPEN)


def reset() -> int:
    """Take away all that earlier rehearsals left, and open the relay. Returns how many mails that were."""
    gone = db.session.scalars(delete(OutboxMail).where(_is_ours()).returning(OutboxMail.id)).all()
    guests = select(Organisation.id).where(Organisation.source == SOURCE).scalar_subquery()
    places = select(Venue.id).where(Venue.organisation_id.in_(guests)).scalar_subquery()
    db.session.execute(delete(JobDating).where(JobDating.venue_id.in_(places)))
    db.session.execute(delete(Venue).where(Venue.id.in_(places)))
    db.session.execute(delete(Organisation).where(Organisation.source == SOURCE))
    db.session.execute(update(RelayState).values(failures=0, closed_until=None, probed_by=None))
    db.session.execute(delete(DomainPace))
    return len(gone)


def seed(count: int, *, settings: MailSettings, now: datetime) -> int:
    """Invite ``count`` new structures, each with an address of its own, to published job datings: one mail each, due at once.

    Returns how many mails were queued. Raises RealData.
    """
    refuse_real_data()
    territory = some_departement()
    commune = db.session.scalars(select(Commune).where(Commune.departement_code == territory.code).order_by(Commune.code).limit(1)).one()
    known = db.session.scalar(select(func.count()).select_from(Organisation).where(Organisation.source == SOURCE)) or 0
    common = {"family": Family.ASSOCIATION, "commune_code": commune.code, "territory_id": territory.id, "source": SOURCE}
    host = Organisation(name="Le tiers-lieu de la répétition", is_third_place=True, **common)
    venue = Venue(organisation=host, name=host.name, commune_code=commune.code, territory_id=territory.id, authorised_headcount=GUESTS_PER_JOB_DATING * 2)
    db.session.add_all([host, venue])
    db.session.flush()
    before = _count_mails()
    for first in range(0, count, GUESTS_PER_JOB_DATING):
        numbers = range(known + first, known + min(first + GUESTS_PER_JOB_DATING, count))
        starts_at = (now + timedelta(days=30 + first // GUESTS_PER_JOB_DATING)).replace(minute=0, second=0, microsecond=0)
        job_dating = JobDating(venue=venue, title=f"Job dating de répétition, dès {numbers[0]}", starts_at=starts_at, ends_at=starts_at + timedelta(hours=3))
        job_dating.status, job_dating.published_at = JobDatingStatus.PUBLISHED, now
        db.session.add(job_dating)
        db.session.flush()
        guests = [{"name": f"Structure {number}", "email": address(number), **common} for number in numbers]
        ids = db.session.scalars(insert(Organisation).values(guests).returning(Organisation.id)).all()
        db.session.execute(insert(Participant).values([{"job_dating_id": job_dating.id, "organisation_id": one} for one in ids]))
        invitations.invite(job_dating, settings=settings)
        # Thousands of objects that nobody reads again.
        db.session.flush()
        db.session.expunge_all()
        venue = db.session.get_one(Venue, venue.id)
    return _count_mails() - before


def address(number: int) -> str:
    """The address of the guest of this number."""
    return f"invite-{number:05d}@structure-{number % DOMAINS:03d}.{DOMAIN}"


def count() -> Count:
    query = select(OutboxMail.status, func.count().label("number")).where(_is_ours()).group_by(OutboxMail.status)
    statuses = {row.status: row.number for row in db.session.execute(query)}
    flagged, retried = func.count().filter(OutboxMail.is_maybe_twice), func.count().filter(OutboxMail.attempts > 1)
    twice, again = db.session.execute(select(flagged, retried).where(_is_ours())).one()
    return Count(statuses, twice, again)


def refuse_real_data() -> None:
    """Raises RealData when any structure is neither of a rehearsal nor of the demonstration, and can be written to."""
    real = select(Organisation.id).where(Organisation.source.not_in([SOURCE, DEMONSTRATION]), ~Organisation.email.ilike("%.test"), Organisation.email != "")
    if db.session.scalar(real.limit(1)) is not None:
        raise RealData


def some_departement() -> Territory:
    """The first département that is loaded; Normandy is loaded when there is none."""
    query = select(Territory).where(Territory.level == Level.DEPARTEMENT).order_by(Territory.code).limit(1)
    if (found := db.session.scalar(query)) is None:
        territories.load_communes()
        territories.load_region("28")
        found = db.session.scalars(query).one()
    return found


def _is_ours() -> ColumnElement[bool]:
    return OutboxMail.recipient.endswith(f".{DOMAIN}", autoescape=True)


def _count_mails() -> int:
    return db.session.scalar(select(func.count()).select_from(OutboxMail).where(_is_ours())) or 0
