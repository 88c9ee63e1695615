"""Invitations to job datings count among what a structure accepts: who was asked often enough waits, and is not invited."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import any_, func, or_, select

from matchmaker.extensions import db
from matchmaker.models import Invitation, JobDating, Organisation, Participant, ParticipantState, Solicitation, SolicitationKind
from matchmaker.models.base import now
from matchmaker.services import asking_budgets, asking_reading, solicitations
from matchmaker.services.job_dating_programmes import ends


def to_invite(job_dating: JobDating) -> list[Participant]:
    """Those whose invitation would be the first. Who asked to come, or has said yes, is not solicited."""
    is_counted = select(Solicitation.id).where(Solicitation.invitation_id == Invitation.id, Solicitation.returned_at.is_(None)).exists()
    known = select(Invitation.organisation_id).where(Invitation.job_dating_id == job_dating.id, or_(Invitation.withdrawn_at.is_(None), is_counted))
    invited = set(db.session.scalars(known))
    return [one for one in job_dating.participants if one.state is ParticipantState.INVITED and one.organisation_id not in invited]


def without_room(organisations: Collection[Organisation], *, day: date) -> set[UUID]:
    """Those that were asked as often as they accept, this week or this month."""
    asked = asking_budgets.counted([one.id for one in organisations], day=day)
    return {one.id for one in organisations if asking_budgets.left_of(one, asked.get(one.id, {})).now < 1}


def spent(job_dating: JobDating, *, day: date) -> list[Organisation]:
    """Whom a publication on this day would not invite, by name."""
    guests = {one.organisation for one in to_invite(job_dating)}
    full = without_room(guests, day=day)
    return sorted((one for one in guests if one.id in full), key=lambda one: (one.name, one.id))


def reserve(job_dating: JobDating, *, day: date) -> set[UUID]:
    """Count one invitation of each structure that is to be invited. Who accepts no more waits for a place, and its meetings are freed.

    Returns who was counted: `keep` says what became of it.
    """
    guests = {one.organisation_id: one for one in to_invite(job_dating)}
    full = asking_budgets.take(dict.fromkeys(guests, 1), day=day)
    for organisation_id in full:
        guests[organisation_id].state, guests[organisation_id].waiting_since = ParticipantState.WAITING, now()
    for meeting in job_dating.meetings:
        if not full.isdisjoint(ends(meeting)):
            meeting.round, meeting.table, meeting.is_locked = None, None, False
    db.session.flush()
    return set(guests) - full


def keep(invitations: Sequence[Invitation], reserved: Collection[UUID], *, day: date) -> None:
    """Write down which of them were sent; what was counted for others counts no more."""
    sent = {one.organisation_id: one for one in invitations if one.organisation_id in reserved}
    asking_budgets.give_back({one: 1 for one in reserved if one not in sent}, day=day)
    solicitations.record_invitations(list(sent.values()), day=day, loads=loads(list(sent), day=day))


def loads(organisation_ids: list[UUID], *, day: date) -> dict[UUID, float]:
    """Organisation id → its load before this day."""
    people = asking_reading.people(organisation_ids, day=day)
    return dict(zip(organisation_ids, (people.lately / people.monthly.clip(1)).tolist(), strict=True))


def give_back(invitations: Sequence[Invitation]) -> None:
    """These were called off. One that nobody has answered counts no more."""
    ids = asking_reading.array([one.id for one in invitations if one.answer is None])
    solicitations.take_back_where(Solicitation.invitation_id == any_(ids))


def counted_for(job_dating: JobDating) -> int:
    """How many structures this job dating solicited."""
    query = select(func.count(Solicitation.id)).join(Solicitation.invitation).where(Invitation.job_dating_id == job_dating.id)
    return db.session.scalar(query.where(Solicitation.kind == SolicitationKind.INVITATION, Solicitation.returned_at.is_(None))) or 0
