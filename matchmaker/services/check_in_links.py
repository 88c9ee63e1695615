"""Links with which phones check people in: for a helper, for one day, until the host ends them."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import CheckInLink, JobDating, JobDatingStatus, User
from matchmaker.models.base import now
from matchmaker.services import signed_ids
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.outbox import MailSettings

SALT = "check-in"
# More phones than that at one desk are a mistake.
MOST = 20


def make(job_dating: JobDating, *, name: str, by: User) -> CheckInLink:
    """A link for this person's phone. Raises NotAllowedNow unless the job dating is published and has few enough of them."""
    open_links = [link for link in links_of(job_dating) if link.ended_at is None]
    if job_dating.status is not JobDatingStatus.PUBLISHED or len(open_links) >= MOST:
        raise NotAllowedNow("no link for this job dating")
    made = CheckInLink(job_dating=job_dating, name=name, made_by=by)
    db.session.add(made)
    db.session.flush()
    return made


def end(link: CheckInLink) -> None:
    """The phone that holds it is shown out at its next word. Ending it again changes nothing."""
    link.ended_at = link.ended_at or now()
    db.session.flush()


def token_of(link: CheckInLink, secret: str) -> str:
    return signed_ids.sign(link.id, secret, salt=SALT)


def address(link: CheckInLink, settings: MailSettings) -> str:
    return f"{settings.public_url}/jour/accueil/{token_of(link, settings.secret)}"


def find_by_token(token: str, keys: tuple[str, ...]) -> CheckInLink | None:
    """The link of a key, ended or not; nothing when we did not sign it."""
    link_id = signed_ids.read(token, keys, salt=SALT)
    return db.session.get(CheckInLink, link_id) if link_id else None


def links_of(job_dating: JobDating) -> list[CheckInLink]:
    """Those of a job dating, the open ones first."""
    query = select(CheckInLink).where(CheckInLink.job_dating_id == job_dating.id).options(joinedload(CheckInLink.made_by))
    return list(db.session.scalars(query.order_by(CheckInLink.ended_at.is_not(None), CheckInLink.made_at, CheckInLink.id)))


def link_of(job_dating: JobDating, link_id: UUID) -> CheckInLink | None:
    return db.session.scalars(select(CheckInLink).where(CheckInLink.id == link_id, CheckInLink.job_dating_id == job_dating.id)).one_or_none()
