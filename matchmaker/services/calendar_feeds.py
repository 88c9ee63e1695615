"""Calendars to subscribe to: one for each person, one for each venue, at an address that is a key and can be renewed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import Answer, Invitation, JobDating, JobDatingStatus, Match, Meeting, Need, Offer, Role, User, Venue
from matchmaker.models.base import now
from matchmaker.services import job_dating_lists, signed_links

SALT = "calendar-feed"
# What is longer ago has left the calendar: phones keep what they read.
KEPT = timedelta(days=180)
PERSON, PLACE = "person", "venue"


@dataclass(frozen=True)
class Feed:
    """Whose calendar it is, with its job datings; ``invitations`` are those of the person's structure, by job dating."""

    owner: User | Venue
    job_datings: Sequence[JobDating]
    invitations: dict[UUID, Invitation]

    @property
    def changed_at(self) -> datetime | None:
        """When anything in it last changed."""
        changes = [one.updated_at for one in self.job_datings] + [one.updated_at for one in self.invitations.values()]
        return max(changes, default=None)


def token(owner: User | Venue, secret: str) -> str:
    """The key in the address of a feed. It has no date: the version in the database ends it."""
    kind = PERSON if isinstance(owner, User) else PLACE
    return signed_links.sign([kind, str(owner.id), owner.calendar_version], secret, salt=SALT)


def find_by_token(token: str, keys: tuple[str, ...]) -> User | Venue | None:
    """Whose feed it is; nothing when we did not sign the key, when it was renewed, or when the account is closed."""
    signed = signed_links.read(token, keys, salt=SALT)
    if signed is None:
        return None
    owner = owner_of(signed)
    if owner is None or owner.calendar_version != signed[2] or (isinstance(owner, User) and not owner.is_active):
        return None
    return owner


def is_of_nobody(token: str, keys: tuple[str, ...]) -> bool:
    """Did we sign it for an account or a venue that is gone?"""
    signed = signed_links.read(token, keys, salt=SALT)
    return signed is not None and owner_of(signed) is None


def owner_of(signed: list[Any]) -> User | Venue | None:
    """The account or the venue that a key names."""
    return db.session.get(User, UUID(signed[1])) if signed[0] == PERSON else db.session.get(Venue, UUID(signed[1]))


def renew(owner: User | Venue) -> None:
    """End the present address: whoever had it reads nothing any more."""
    owner.calendar_version += 1
    db.session.flush()


def feed(owner: User | Venue) -> Feed:
    """What stands in the calendar of a person, or of a venue: published job datings, none that is cancelled or that one declined."""
    if isinstance(owner, Venue):
        return Feed(owner, held(JobDating.venue_id == owner.id), {})
    mine = invitations_of(owner.organisation_id) if owner.organisation_id else {}
    # An administrator runs them all: that is no calendar.
    run = [one.id for one in job_dating_lists.in_charge_of(owner)] if owner.role in (Role.HOST, Role.ANIMATOR) else []
    return Feed(owner, held(or_(JobDating.id.in_(run), JobDating.id.in_(mine))), mine)


def held(condition: ColumnElement[bool]) -> list[JobDating]:
    """Published job datings with what their entries say, in a fixed number of queries."""
    venue = joinedload(JobDating.venue).joinedload(Venue.commune)
    meetings = selectinload(JobDating.meetings)
    match = meetings.joinedload(Meeting.match)
    sides = (match.joinedload(Match.need).joinedload(Need.organisation), match.joinedload(Match.offer).joinedload(Offer.organisation))
    query = select(JobDating).where(condition, JobDating.status == JobDatingStatus.PUBLISHED, JobDating.ends_at >= now() - KEPT)
    query = query.options(venue, meetings.joinedload(Meeting.table), *sides, selectinload(JobDating.participants))
    return list(db.session.scalars(query.order_by(JobDating.starts_at, JobDating.id)))


def invitations_of(organisation_id: UUID) -> dict[UUID, Invitation]:
    """Job dating id → the invitation of this structure, where it is expected and has not said no."""
    query = select(Invitation).where(Invitation.organisation_id == organisation_id, Invitation.withdrawn_at.is_(None))
    query = query.where(Invitation.answer.is_distinct_from(Answer.DECLINED))
    return {invitation.job_dating_id: invitation for invitation in db.session.scalars(query)}
