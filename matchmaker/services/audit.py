"""The audit log: writing one line of it, and reading it. Services change the session; the caller commits."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, Protocol
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import Select, delete, func, inspect, or_, select, text
from sqlalchemy.orm import contains_eager

from matchmaker.extensions import db
from matchmaker.models import AuditAction, AuditEntry, MatchingRun, Organisation, Territory, User
from matchmaker.models.base import PARIS
from matchmaker.services.organisations import LAST_PAGE
from matchmaker.services.territories import plain

# As long as the CNIL recommends at most for such a log; the trigger of the database knows the same figure.
KEPT = timedelta(days=366)
# What a spreadsheet opens.
MOST_LINES = 100_000


@dataclass(frozen=True)
class Trace:
    """Where an act came from. Empty for a command of the server."""

    request_id: str = ""
    address: str = ""


@dataclass(frozen=True)
class Filters:
    """Which lines to show: both days are included, on the calendar of Paris."""

    since: date | None = None
    until: date | None = None
    action: AuditAction | None = None
    # Words of the name or the address of who acted.
    who: str = ""


class Row(Protocol):
    __tablename__: str


def record(
    action: AuditAction,
    *,
    by: User | None = None,
    about: Row | tuple[str, object] | None = None,
    changes: Mapping[str, object] | None = None,
    trace: Trace | None = None,
) -> AuditEntry:
    """Add a line. ``about`` is the row that it was done to, or a kind and a key; ``changes`` come from ``compared``."""
    kind, key = named(about)
    trace = trace or Trace()
    entry = AuditEntry(
        action=action,
        actor_id=by.id if by else None,
        role=by.role if by else None,
        object_kind=kind,
        object_id=key,
        changes=dict(changes or {}),
        request_id=trace.request_id,
        address=network_of(trace.address),
    )
    db.session.add(entry)
    db.session.flush()
    return entry


def named(about: Row | tuple[str, object] | None) -> tuple[str, str]:
    if about is None:
        return "", ""
    if isinstance(about, tuple):
        return about[0], str(about[1])
    return about.__tablename__, ",".join(str(part) for part in inspect(about).identity or ())


def network_of(address: str) -> str:
    """The network of an address, with the part of the machine left out; nothing for what is no address.

    >>> network_of("203.0.113.77"), network_of("2001:db8:1:2::3"), network_of("::ffff:203.0.113.77"), network_of("inconnue")
    ('203.0.113.0/24', '2001:db8:1::/48', '203.0.113.0/24', '')
    """
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ip_network(f"{found}/{24 if isinstance(found, IPv4Address) else 48}", strict=False))


def rights_of(user: User) -> dict[str, object]:
    """What an account may, in codes: to be compared before and after."""
    return {
        "role": str(user.role),
        "organisation": str(user.organisation.id) if user.organisation else None,
        "territories": sorted(f"{territory.level}-{territory.code}" for territory in user.territories),
        "standing": str(user.standing) if user.speaks else None,
        "active": user.is_active,
    }


def compared(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, list[object]]:
    """Field → what it was and what it became, for those that differ.

    >>> compared({"role": "member", "active": True}, {"role": "admin", "active": True})
    {'role': ['member', 'admin']}
    """
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}


def search(filters: Filters, *, page: int = 1, per_page: int = 50) -> Pagination:
    """Lines with who acted, the latest first."""
    query = within(filters).order_by(AuditEntry.id.desc())
    return db.paginate(query, page=max(1, min(page, LAST_PAGE)), per_page=per_page, max_per_page=100, error_out=False)


def lines(filters: Filters) -> Iterator[AuditEntry]:
    """The latest of them, for a file: MOST_LINES at most."""
    yield from db.session.scalars(within(filters).order_by(AuditEntry.id.desc()).limit(MOST_LINES))


def within(filters: Filters) -> Select[AuditEntry]:
    query = select(AuditEntry).outerjoin(User, User.id == AuditEntry.actor_id).options(contains_eager(AuditEntry.actor))
    if filters.since:
        query = query.where(AuditEntry.at >= midnight(filters.since))
    if filters.until:
        query = query.where(AuditEntry.at < midnight(filters.until + timedelta(days=1)))
    if filters.action:
        query = query.where(AuditEntry.action == filters.action)
    # A word holds letters and digits only: no wildcard of LIKE is left in it.
    for word in plain(filters.who).split():
        query = query.where(or_(User.email.contains(word), func.unaccent(func.lower(User.name)).contains(word)))
    return query


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARIS)


def names_of(entries: Collection[AuditEntry]) -> dict[tuple[str, str], str]:
    """(kind, key) → what people call it, of those that are still there. Three queries whatever their number."""
    keys: dict[str, set[UUID]] = {"user_account": set(), "organisation": set(), "matching_run": set()}
    for entry in entries:
        if entry.object_kind in keys:
            keys[entry.object_kind].add(UUID(entry.object_id))
    queries: dict[str, Any] = {
        "user_account": select(User.id, User.email),
        "organisation": select(Organisation.id, Organisation.name),
        "matching_run": select(MatchingRun.id, Territory.name).join(MatchingRun.territory),
    }
    ids = {"user_account": User.id, "organisation": Organisation.id, "matching_run": MatchingRun.id}
    return {(kind, str(key)): name for kind, query in queries.items() if keys[kind] for key, name in db.session.execute(query.where(ids[kind].in_(keys[kind])))}


def forget(*, at: datetime) -> int:
    """Remove the lines that are no longer kept; returns how many. Younger ones cannot be removed, by this or by anything."""
    db.session.execute(text("SET LOCAL croisee.erasing = 'on'"))
    gone = db.session.scalars(delete(AuditEntry).where(AuditEntry.at < at - KEPT).returning(AuditEntry.id)).all()
    db.session.execute(text("SET LOCAL croisee.erasing = 'off'"))
    return len(gone)
