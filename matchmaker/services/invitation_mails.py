"""What guests are told of a job dating: one mail, with one calendar object, for each state that their calendars may come to hold.

Of one invitation UID and ORGANIZER never change, SEQUENCE rises with each object, DTSTAMP never goes back. A state that surely never
left is withdrawn, so that who is told hears of the last state only, and of what changed since the one that they know.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, union

from matchmaker import ics, mail
from matchmaker.extensions import db
from matchmaker.models import Invitation, InvitationNotice, JobDatingStatus, MailStatus, Method, Need, Offer, Organisation, OutboxMail, Territory
from matchmaker.models.base import PARIS, now
from matchmaker.services import appointments, mail_resending, outbox
from matchmaker.services.appointments import Appointment, Slot

GONE = (MailStatus.CANCELLED, MailStatus.SUPERSEDED)


@dataclass(frozen=True)
class State:
    """A job dating as one guest is told of it."""

    title: str
    starts_at: datetime
    ends_at: datetime
    first_round_at: datetime
    town: str
    place: str
    access_text: str
    meetings: tuple[Slot, ...]


@dataclass(frozen=True)
class Changes:
    """What a mail about a change says of it.

    ``new`` are ids of declarations that the guest did not know it would meet, ``moved`` where it knew those that have another hour or table.
    """

    is_other_day: bool
    is_other_hour: bool
    is_other_place: bool
    new: frozenset[UUID]
    moved: Mapping[UUID, Slot]
    gone: tuple[str, ...]

    @property
    def asks_again(self) -> bool:
        """Another day, hour or place: who said yes to the old one has not said yes to this one."""
        return self.is_other_day or self.is_other_hour or self.is_other_place

    @property
    def are_meetings(self) -> bool:
        """Somebody to meet, an hour or a table is not as it was."""
        return bool(self.new or self.moved or self.gone)


def state(invitation: Invitation, expected: Sequence[Appointment]) -> State:
    """The present state of its job dating. Who declined has no hours any more: those that it knows are not news."""
    known = {slot.declaration_id: slot for notice in invitation.notices[-1:] for slot in told_meetings(notice)}
    job_dating, venue = invitation.job_dating, invitation.job_dating.venue
    return State(
        title=job_dating.title,
        starts_at=job_dating.starts_at,
        ends_at=job_dating.ends_at,
        first_round_at=job_dating.round_starts_at(0),
        town=venue.commune.name,
        place=", ".join(part for part in (venue.name, venue.address, venue.commune.name) if part),
        access_text=venue.access_text,
        meetings=appointments.slots([one.slot if one.starts_at else known.get(one.partner.id, one.slot) for one in expected]),
    )


def state_of(notice: InvitationNotice) -> State:
    """The state that a notice told."""
    names = ("title", "starts_at", "ends_at", "first_round_at", "town", "place", "access_text")
    return State(**{name: getattr(notice, name) for name in names}, meetings=told_meetings(notice))


def told_meetings(notice: InvitationNotice) -> tuple[Slot, ...]:
    return tuple(Slot.of(row) for row in notice.meetings)


def ask(invitation: Invitation, *, expected: Sequence[Appointment], link: str, settings: outbox.MailSettings) -> InvitationNotice | None:
    """Queue the mail that asks the guest to come, or tells what changed. Returns what it says, with or without an address to say it to.

    Nothing when nothing is new: the guest's calendar has the present state, or gets it by a mail that waits.
    """
    present, newest = state(invitation, expected), newest_notice(invitation)
    statuses = mail_statuses(invitation)
    is_said = newest is not None and newest.method is Method.REQUEST and state_of(newest) == present
    if newest is not None and is_said and statuses.get(key(newest), (MailStatus.CANCELLED,))[0] not in GONE:
        return None
    outbox.withdraw(str(invitation.id))
    statuses = mail_statuses(invitation)
    told = last_told(invitation, statuses)
    # One that is being sent may still come back, and then gives way to whatever was queued since: only what was taken counts.
    if told is not None and told.method is Method.REQUEST and state_of(told) == present and statuses[key(told)][0] is MailStatus.SENT:
        return None
    if told is None:
        invitation.email = invitation.organisation.email
    is_untold = newest is not None and is_said and key(newest) not in statuses
    notice = newest if newest is not None and is_untold else note(invitation, Method.REQUEST, present, settings=settings)
    before = told if told is not None and told.method is Method.REQUEST else None
    queue_request(notice, before=before, expected=expected, link=link, settings=settings)
    return notice


def is_told(invitation: Invitation, expected: Sequence[Appointment]) -> bool:
    """Whether the newest notice, sent or about to be, says what is so now."""
    newest = newest_notice(invitation)
    return newest is not None and newest.method is Method.REQUEST and state_of(newest) == state(invitation, expected)


def call_off(invitation: Invitation, *, settings: outbox.MailSettings) -> bool:
    """Take the entry out of a calendar that may hold it. An invitation that surely never left is withdrawn, in silence: False then."""
    outbox.withdraw(str(invitation.id))
    told = last_told(invitation, mail_statuses(invitation))
    if told is None or told.method is Method.CANCEL:
        return False
    outbox.supersede(str(invitation.id))
    # As the guest knows it: calendars look for the entry by its UID, and some by its hours.
    return queue_cancellation(note(invitation, Method.CANCEL, state_of(told), settings=settings), settings=settings)


def note(invitation: Invitation, method: Method, told: State, *, settings: outbox.MailSettings) -> InvitationNotice:
    """Write down what the next object says. The first one settles what calendars know the entry by."""
    invitation.uid = invitation.uid or f"{invitation.id}@{settings.host}"
    invitation.organizer = invitation.organizer or settings.sender
    newest, stamp = newest_notice(invitation), now().replace(microsecond=0)
    if newest is not None:
        invitation.sequence = max(invitation.sequence, newest.sequence) + 1
        stamp = max(stamp, newest.stamped_at)
    fields = {**vars(told), "meetings": [slot.row() for slot in told.meetings]}
    notice = InvitationNotice(method=method, sequence=invitation.sequence, stamped_at=stamp, **fields)
    invitation.notices.append(notice)
    db.session.flush()
    return notice


def queue_request(
    notice: InvitationNotice, *, before: InvitationNotice | None, expected: Sequence[Appointment], link: str, settings: outbox.MailSettings
) -> bool:
    """Queue the mail that puts the entry into a calendar, or moves it there: about what changed when the guest knows another state."""
    invitation = notice.invitation
    words: dict[str, Any] = {"before": before, "after": notice, "changes": changes(before, notice)} if before is not None else {}
    return outbox.queue(
        "invitation_moved" if before is not None else "invitation",
        uid=str(invitation.id),
        idempotency_key=key(notice),
        recipient=invitation.email,
        organisation_id=invitation.organisation_id,
        reply_to=contact_email(invitation.job_dating.venue.territory),
        settings=replace(settings, sender=invitation.organizer),
        useless_after=notice.starts_at,
        coalesce=outbox.COALESCE,
        calendar=("REQUEST", ics.request(event(notice, link=link, expected=expected))),
        invitation=invitation,
        expected=expected,
        link=link,
        **words,
    )


def queue_cancellation(notice: InvitationNotice, *, settings: outbox.MailSettings) -> bool:
    """Queue the mail that takes the entry out of the guest's calendar: the job dating is called off, or goes on without this guest."""
    invitation = notice.invitation
    is_called_off = invitation.job_dating.status is JobDatingStatus.CANCELLED
    return outbox.queue(
        "invitation_cancelled" if is_called_off else "invitation_withdrawn",
        uid=str(invitation.id),
        idempotency_key=key(notice),
        recipient=invitation.email,
        organisation_id=invitation.organisation_id,
        reply_to=contact_email(invitation.job_dating.venue.territory),
        settings=replace(settings, sender=invitation.organizer),
        useless_after=notice.starts_at,
        calendar=("CANCEL", ics.cancel(event(notice, link=""))),
        invitation=invitation,
        told=notice,
    )


def event(notice: InvitationNotice, *, link: str, expected: Sequence[Appointment] = ()) -> ics.Event:
    """A notice as its guest's calendar shows it."""
    invitation = notice.invitation
    return ics.Event(
        uid=invitation.uid,
        sequence=notice.sequence,
        stamp=notice.stamped_at,
        starts_at=notice.starts_at,
        ends_at=notice.ends_at,
        organizer=invitation.organizer,
        # As the envelope writes it: a calendar finds its owner by this address.
        attendee=mail.address(invitation.email) or invitation.email,
        attendee_name=invitation.organisation.name,
        summary=notice.title,
        location=notice.place,
        description=mail.render("invitation/calendar.txt", notice=notice, is_cancelled=notice.method is Method.CANCEL, link=link, expected=expected).strip(),
    )


def changes(before: InvitationNotice, after: InvitationNotice) -> Changes:
    """What is new for who knows ``before``."""
    hours = [(notice.starts_at, notice.ends_at, notice.first_round_at) for notice in (before, after)]
    days = [notice.starts_at.astimezone(PARIS).date() for notice in (before, after)]
    known = {slot.declaration_id: slot for slot in told_meetings(before)}
    expected = {slot.declaration_id: slot for slot in told_meetings(after)}
    return Changes(
        is_other_day=days[0] != days[1],
        is_other_hour=hours[0] != hours[1],
        is_other_place=before.place != after.place,
        new=frozenset(expected.keys() - known.keys()),
        moved={key: known[key] for key in expected.keys() & known.keys() if not expected[key].is_at(known[key])},
        gone=tuple(names_of(known.keys() - expected.keys())),
    )


def names_of(declaration_ids: Set[UUID]) -> list[str]:
    """The structures behind these announcements, but those that became confidential."""
    both = [
        select(Organisation.name).join(kind, kind.organisation_id == Organisation.id).where(kind.id.in_(declaration_ids), kind.is_confidential.is_(False))
        for kind in (Need, Offer)
    ]
    return sorted(db.session.scalars(union(*both))) if declaration_ids else []


def newest_notice(invitation: Invitation) -> InvitationNotice | None:
    return invitation.notices[-1] if invitation.notices else None


def last_told(invitation: Invitation, statuses: Mapping[str, tuple[MailStatus, bool]]) -> InvitationNotice | None:
    """The newest notice whose mail has left, or may have: what the guest's calendar holds, as far as anybody can know."""
    left = {key for key, (status, is_maybe_twice) in statuses.items() if is_maybe_twice or status in (MailStatus.SENDING, MailStatus.SENT)}
    return next((notice for notice in reversed(invitation.notices) if key(notice) in left), None)


def mail_statuses(invitation: Invitation) -> dict[str, tuple[MailStatus, bool]]:
    """Idempotency key → where the mail stands, and whether it may have left although it does not say so. A copy counts as its mail."""
    columns = (OutboxMail.idempotency_key, OutboxMail.status, OutboxMail.is_maybe_twice)
    query = select(*columns).where(OutboxMail.idempotency_key.startswith(f"{invitation.id}:", autoescape=True))
    found: dict[str, tuple[MailStatus, bool]] = {}
    for row in db.session.execute(query.order_by(OutboxMail.id)):
        fact = mail_resending.fact_of(row.idempotency_key)
        found[fact] = row.status, row.is_maybe_twice or (fact in found and found[fact][1])
    return found


def key(notice: InvitationNotice) -> str:
    """The idempotency key of its mail. Its first part, the thread, is the invitation."""
    return f"{notice.invitation_id}:{notice.invitation.organisation_id}:{notice.method}:{notice.sequence}"


def contact_email(territory: Territory | None) -> str:
    """The address of who looks after the territory, or after the one that holds it."""
    while territory is not None:
        if territory.contact_email:
            return territory.contact_email
        territory = territory.parent
    return ""
