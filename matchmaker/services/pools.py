"""Shared jobs from composed to signed: putting one to its group, what each employer answers, and what follows."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from matchmaker.extensions import db
from matchmaker.models import (
    InclusionKind,
    JobDating,
    Need,
    Organisation,
    Pool,
    PoolMeeting,
    PoolShare,
    PoolStatus,
    PoolWelcome,
    ShareStatus,
    Territory,
    WelcomeStatus,
)
from matchmaker.models.base import now
from matchmaker.models.pools import GONE, LIVE_POOL
from matchmaker.services import outbox, refusal_bounds
from matchmaker.services.errors import ChangedMeanwhile, NotAllowedNow
from matchmaker.services.pools_fractions import is_held, point_of
from matchmaker.services.territories import kilometres

# Boards of associations meet every month or two: longer than for other proposals.
ANSWER_DAYS = 90
# One group is put together at a time: two pools may want the same need.
PROPOSAL_LOCK = 0x706F6F6C73
SHOWN_TO_MEMBERS = (PoolStatus.PROPOSED, PoolStatus.AGREED, PoolStatus.SIGNED, PoolStatus.DISSOLVED)
EMPLOYER_GROUPS = (InclusionKind.GE, InclusionKind.GEIQ)
NEAR_KM = 50.0


def pool(pool_id: UUID) -> Pool | None:
    """A pool with all that its page shows, in a fixed number of queries."""
    return db.session.scalars(select(Pool).where(Pool.id == pool_id).options(*whole())).one_or_none()


def pools_of(territory: Territory) -> list[Pool]:
    """The pools of a territory but for the dissolved ones: those that ask something of the animator first, then by size."""
    query = select(Pool).where(Pool.territory_id == territory.id, Pool.status != PoolStatus.DISSOLVED).options(*whole())
    order = {status: place for place, status in enumerate(PoolStatus)}
    return sorted(db.session.scalars(query), key=lambda pool: (pool.left_at is None, order[pool.status], -pool.fte, pool.id))


def shares_of(organisation: Organisation) -> list[PoolShare]:
    """An organisation's parts of pools that were put to it, the newest first. Groups that it left are none of its business any more."""
    query = select(PoolShare).join(PoolShare.need).join(PoolShare.pool).where(Need.organisation_id == organisation.id)
    query = query.where(Pool.status.in_(SHOWN_TO_MEMBERS), PoolShare.status.not_in(GONE))
    query = query.options(joinedload(PoolShare.pool).selectinload(Pool.shares), joinedload(PoolShare.need))
    return list(db.session.scalars(query.order_by(Pool.proposed_at.desc(), PoolShare.id)))


def share_of(organisation: Organisation, pool_id: UUID) -> PoolShare | None:
    """An organisation's part of a pool that was put to it, whatever it answered, with all that the pool's page shows."""
    found = pool(pool_id)
    if found is None or found.status not in SHOWN_TO_MEMBERS:
        return None
    return next((share for share in found.shares if share.need.organisation_id == organisation.id), None)


def whole() -> tuple[ORMOption, ...]:
    """Load with a pool what a page says of it."""
    need = selectinload(Pool.shares).joinedload(PoolShare.need)
    organisation = need.joinedload(Need.organisation).joinedload(Organisation.commune)
    meeting = joinedload(Pool.meeting).joinedload(PoolMeeting.job_dating).joinedload(JobDating.venue)
    welcomes = selectinload(Pool.welcomes).joinedload(PoolWelcome.organisation)
    return organisation, need.joinedload(Need.commune), joinedload(Pool.run), joinedload(Pool.territory), welcomes, meeting


def propose(pool: Pool, *, today: date, settings: outbox.MailSettings) -> None:
    """Put a composed pool to its employers, one mail each. Raises NotAllowedNow; ChangedMeanwhile when a need is not what it was."""
    lock(pool)
    if pool.status is not PoolStatus.COMPOSED:
        raise NotAllowedNow(pool.status)
    check_free(pool.shares)
    pool.status, pool.proposed_at, pool.answer_by = PoolStatus.PROPOSED, now(), today + timedelta(days=ANSWER_DAYS)
    db.session.flush()
    for share in pool.shares:
        tell("pool_proposed", share, settings=settings)


def lock(pool: Pool) -> None:
    """The pool and its parts as they are now: two who answer in the same second see each other's answer."""
    db.session.execute(select(func.pg_advisory_xact_lock(PROPOSAL_LOCK)))
    db.session.refresh(pool, with_for_update={"of": Pool})
    db.session.refresh(pool, ["shares"])
    for share in pool.shares:
        db.session.refresh(share)


def check_free(shares: Sequence[PoolShare]) -> None:
    """Raises ChangedMeanwhile when one of these needs is closed, was changed since the pool was composed, or is in another group.

    So it does when one of the structures said meanwhile that it does not want to be put in touch with another of them.
    """
    ids = [share.need_id for share in shares]
    held = select(PoolShare.need_id).where(PoolShare.need_id.in_(ids), PoolShare.pool_id != shares[0].pool_id, is_held())
    taken = set(db.session.scalars(held))
    for share in shares:
        composed_at = share.pool.run.started_at if share.pool.run else None
        is_as_read = composed_at is None or share.need.updated_at <= composed_at
        if share.need_id in taken or not share.need.is_open or not is_as_read:
            raise ChangedMeanwhile(str(share.need_id))
    if apart := refusal_bounds.parted({share.need.organisation_id for share in shares}, in_confidence=True):
        raise ChangedMeanwhile(f"{len(apart)} pairs are kept apart")


def parted(shown: Sequence[Pool]) -> dict[UUID, list[tuple[Organisation, Organisation]]]:
    """Pool id → those of its employers of which one asked not to be put in touch with the other any more; nothing that was said in confidence."""
    members = {one.id: {share.need.organisation_id: share.need.organisation for share in one.members} for one in shown}
    apart = sorted(sorted(pair) for pair in refusal_bounds.parted({key for own in members.values() for key in own}))
    return {key: [(own[one], own[other]) for one, other in apart if one in own and other in own] for key, own in members.items()}


def wants_to_part(pool: Pool, share: PoolShare) -> bool:
    """This employer itself asked not to be put in touch any more with another one of the group."""
    others = {one.need.organisation_id for one in pool.members} - {share.need.organisation_id}
    return not others.isdisjoint(refusal_bounds.refused_for_good(share.need.organisation_id))


def tell(kind: str, share: PoolShare, *, settings: outbox.MailSettings) -> None:
    """One mail to an employer about its group."""
    organisation = share.need.organisation
    if organisation.can_be_written_to():
        outbox.queue(
            kind,
            # Asked once more, it is another mail.
            uid="-".join((*kind.split("_"), str(share.id), *([str(share.asked)] if share.asked > 1 else []))),
            recipient=organisation.email,
            organisation_id=organisation.id,
            settings=settings,
            organisation=organisation,
            share=share,
            pool=share.pool,
        )


def accept(share: PoolShare, *, settings: outbox.MailSettings) -> bool:
    """Say « intéressé ». True when everybody has said so now: all learn who is in the group."""
    pool = open_question(share)
    share.status, share.answered_at = ShareStatus.INTERESTED, now()
    return agree_if_all_said_yes(pool, settings=settings)


def agree_if_all_said_yes(pool: Pool, *, settings: outbox.MailSettings) -> bool:
    if pool.left_at is not None or any(share.status is not ShareStatus.INTERESTED for share in pool.members):
        return False
    pool.status, pool.agreed_at = PoolStatus.AGREED, now()
    db.session.flush()
    for share in pool.members:
        tell("pool_agreed", share, settings=settings)
    return True


def decline(share: PoolShare) -> None:
    """Leave the group, before or after a yes, until all agreed. The group waits to be mended; nobody is told yet."""
    pool = open_question(share, also=ShareStatus.INTERESTED)
    share.status, share.answered_at = ShareStatus.DECLINED, now()
    pool.left_at = now()


def expire_due(*, today: date, settings: outbox.MailSettings) -> int:
    """Take the silence of those who did not answer in time for a no; returns in how many groups.

    A group in which somebody is interested waits to be mended; one in which nobody said anything is given up.
    """
    silent = PoolShare.status == ShareStatus.PENDING
    due = select(Pool).where(Pool.status == PoolStatus.PROPOSED, Pool.answer_by < today, Pool.shares.any(silent)).order_by(Pool.id)
    pools = list(db.session.scalars(due))
    for pool in pools:
        lock(pool)
        if pool.status is not PoolStatus.PROPOSED or pool.answer_by is None or pool.answer_by >= today:
            continue
        for share in pool.members:
            if share.status is ShareStatus.PENDING:
                share.status, share.answered_at, pool.left_at = ShareStatus.SILENT, now(), now()
        if not pool.members:
            dissolve(pool, settings=settings)
    db.session.flush()
    return len(pools)


def ask_again_by(pool: Pool, *, today: date) -> None:
    """Leave those who are asked from now on as much time as the first ones had."""
    pool.answer_by = max(pool.answer_by or today, today + timedelta(days=ANSWER_DAYS))


def open_question(share: PoolShare, *, also: ShareStatus = ShareStatus.PENDING) -> Pool:
    """The pool, locked, while the employer may answer. Raises NotAllowedNow."""
    lock(share.pool)
    if share.pool.status is not PoolStatus.PROPOSED or share.status not in (ShareStatus.PENDING, also):
        raise NotAllowedNow(f"{share.pool.status} {share.status}")
    return share.pool


def sign(pool: Pool) -> None:
    """The contract is signed: its full-time equivalents count. Raises NotAllowedNow before the agreement of all."""
    lock(pool)
    if pool.status is not PoolStatus.AGREED:
        raise NotAllowedNow(pool.status)
    pool.status, pool.signed_at = PoolStatus.SIGNED, now()
    db.session.flush()


def dissolve(pool: Pool, *, settings: outbox.MailSettings) -> None:
    """Give the group up: its needs are free again, and those who had not left are told kindly. Raises NotAllowedNow."""
    lock(pool)
    if pool.status not in (PoolStatus.PROPOSED, PoolStatus.AGREED):
        raise NotAllowedNow(pool.status)
    pool.status = PoolStatus.DISSOLVED
    db.session.flush()
    for share in pool.members:
        tell("pool_dissolved", share, settings=settings)


def fte_by_status(shown: Sequence[Pool]) -> dict[PoolStatus, Decimal]:
    """Full-time equivalents of these pools on each step of their way, from composed to signed."""
    return {status: sum((pool.fte for pool in shown if pool.status is status), Decimal()) for status in (PoolStatus.COMPOSED, *LIVE_POOL)}


def awaiting(organisation: Organisation) -> int:
    """How many groups await this organisation's answer."""
    query = select(func.count()).select_from(PoolShare).join(PoolShare.pool).join(PoolShare.need).where(Need.organisation_id == organisation.id)
    return db.session.scalar(query.where(Pool.status == PoolStatus.PROPOSED, PoolShare.status == ShareStatus.PENDING)) or 0


def employer_groups() -> list[Organisation]:
    """The employer groups that exist: to be joined rather than founded anew."""
    query = select(Organisation).where(Organisation.inclusion_kind.in_(EMPLOYER_GROUPS)).options(joinedload(Organisation.commune))
    return list(db.session.scalars(query.order_by(Organisation.name, Organisation.id)))


def groups_near(pool: Pool, groups: Sequence[Organisation]) -> list[tuple[Organisation, float]]:
    """The employer groups within 50 km of one of the pool's places, and how far, in km, the nearest first."""
    places = [point for share in pool.members if (point := point_of(share.need))]
    far = [(min(kilometres(place, group.point) for place in places), group) for group in groups if places and group.point]
    return [(group, km) for km, group in sorted(far, key=lambda one: (one[0], one[1].name)) if km <= NEAR_KM]


def nearest_group(pool: Pool, groups: Sequence[Organisation]) -> tuple[Organisation, float] | None:
    """The employer group that is to be joined: the nearest that did not refuse, one that agreed before any other."""
    answers = {welcome.organisation_id: welcome.status for welcome in pool.welcomes}
    possible = [one for one in groups_near(pool, groups) if answers.get(one[0].id) is not WelcomeStatus.DECLINED]
    return min(possible, key=lambda one: answers.get(one[0].id) is not WelcomeStatus.ACCEPTED, default=None)
