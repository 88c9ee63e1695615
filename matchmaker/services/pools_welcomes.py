"""An employer group that exists takes a pool in, rather than that the pool founds another: it is asked, it answers."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import Organisation, Pool, PoolShare, PoolStatus, PoolWelcome, WelcomeStatus
from matchmaker.models.base import now
from matchmaker.services import outbox, pools
from matchmaker.services.errors import NotAllowedNow

# While the group talks it over; a signed one has its employer.
ASKED_IN = (PoolStatus.PROPOSED, PoolStatus.AGREED)


def ask(pool: Pool, organisation_id: UUID, *, settings: outbox.MailSettings) -> PoolWelcome:
    """Ask an employer group nearby whether it would take the pool in, by one mail. Nobody is named in it. Raises NotAllowedNow."""
    pools.lock(pool)
    asked = {welcome.organisation_id for welcome in pool.welcomes}
    near = {group.id: group for group, _km in pools.groups_near(pool, pools.employer_groups())}
    if pool.status not in ASKED_IN or organisation_id in asked or organisation_id not in near:
        raise NotAllowedNow(f"{pool.status} {organisation_id}")
    welcome = PoolWelcome(organisation=near[organisation_id], status=WelcomeStatus.PENDING)
    pool.welcomes.append(welcome)
    db.session.flush()
    if welcome.organisation.can_be_written_to():
        outbox.queue(
            "pool_welcome",
            uid=f"pool-welcome-{welcome.id}",
            recipient=welcome.organisation.email,
            organisation_id=welcome.organisation_id,
            settings=settings,
            organisation=welcome.organisation,
            welcome=welcome,
            pool=pool,
        )
    return welcome


def answer(welcome: PoolWelcome, status: WelcomeStatus, *, settings: outbox.MailSettings) -> None:
    """Say whether the pool may come; its employers learn of a yes, and of a yes that is taken back.

    It can be changed as long as the contract is not signed. Raises NotAllowedNow.
    """
    pools.lock(welcome.pool)
    db.session.refresh(welcome, with_for_update={"of": PoolWelcome})
    if welcome.pool.status not in ASKED_IN or welcome.status is status:
        raise NotAllowedNow(f"{welcome.pool.status} {welcome.status}")
    is_news = WelcomeStatus.ACCEPTED in (welcome.status, status)
    welcome.status, welcome.answered_at = status, now()
    db.session.flush()
    if is_news:
        tell(welcome, settings=settings)


def tell(welcome: PoolWelcome, *, settings: outbox.MailSettings) -> None:
    """One mail to each employer of the pool; where one has not left yet, the last answer takes its place."""
    for share in welcome.pool.members:
        organisation = share.need.organisation
        if organisation.can_be_written_to():
            uid = f"pool-welcomed-{share.id}-{welcome.id}"
            outbox.queue(
                "pool_welcomed",
                uid=uid,
                idempotency_key=f"{uid}:{welcome.answered_at:%Y%m%dT%H%M%S%f}",
                coalesce=outbox.COALESCE,
                recipient=organisation.email,
                organisation_id=organisation.id,
                settings=settings,
                organisation=organisation,
                welcome=welcome,
                pool=welcome.pool,
                is_accepted=welcome.status is WelcomeStatus.ACCEPTED,
            )


def welcome_of(organisation: Organisation, welcome_id: UUID) -> PoolWelcome | None:
    """A question that was put to this employer group, with all that its page shows."""
    query = select(PoolWelcome).where(PoolWelcome.id == welcome_id, PoolWelcome.organisation_id == organisation.id)
    welcome = db.session.scalars(query).one_or_none()
    if welcome is not None:
        pools.pool(welcome.pool_id)
    return welcome


def welcomes_of(organisation: Organisation) -> list[PoolWelcome]:
    """What this employer group was asked, the newest first; groups that were given up are none of its business any more."""
    query = select(PoolWelcome).join(PoolWelcome.pool).where(PoolWelcome.organisation_id == organisation.id, Pool.status != PoolStatus.DISSOLVED)
    members = joinedload(PoolWelcome.pool).selectinload(Pool.shares).joinedload(PoolShare.need)
    return list(db.session.scalars(query.options(members).order_by(PoolWelcome.asked_at.desc(), PoolWelcome.id)))


def awaiting(organisation: Organisation) -> int:
    """How many groups ask this employer group to take them in."""
    query = select(func.count()).select_from(PoolWelcome).join(PoolWelcome.pool).where(PoolWelcome.organisation_id == organisation.id)
    return db.session.scalar(query.where(PoolWelcome.status == WelcomeStatus.PENDING, Pool.status.in_(ASKED_IN))) or 0
