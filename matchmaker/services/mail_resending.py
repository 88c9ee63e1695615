"""One more try for a mail that did not arrive. What a calendar receives keeps its UID and its SEQUENCE: no second entry can come of it."""

import base64
import re
from uuid import UUID

from sqlalchemy import delete, select, update

from matchmaker import mail as composing
from matchmaker.extensions import db
from matchmaker.models import Invitation, JobDatingStatus, MailCall, MailStatus, Method, OutboxMail, User
from matchmaker.models.base import now as present
from matchmaker.services import addresses, mails, outbox
from matchmaker.services.errors import NotAllowedNow

LINE_OCTETS = 75
# Between the key of a mail and the number of the one whose place a copy takes.
AGAIN = ":again:"
# The calendar part of our mails: its headers, its base64 text, what follows.
CALENDAR = re.compile(rb"(\r\n--[^\r\n]+\r\n(?:[^\r\n]+\r\n)*Content-Type: text/calendar;[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)([A-Za-z0-9+/=\r\n]+?)(\s*\r\n--)")


def resend(mail: OutboxMail, *, by: User, settings: outbox.MailSettings) -> OutboxMail:
    """Send it again, to the address that its structure has now. Returns the mail that leaves: the same, or one that takes its place.

    Raises NotAllowedNow with « status », « late », « newer », or the obstacle of the address.
    """
    db.session.refresh(mail, OutboxMail.__table__.columns.keys(), with_for_update={"of": OutboxMail})
    invitation = invitation_of(mail)
    refuse_what_is_over(mail, invitation)
    target = target_of(mail)
    obstacle = addresses.obstacle(target, mail.kind)
    if obstacle is not None:
        raise NotAllowedNow(obstacle.value)
    if addresses.fold(target) == addresses.fold(mail.recipient) and mail.status is MailStatus.FAILED:
        return queue_again(mail)
    if invitation is not None:
        # What is written later about this invitation follows.
        invitation.email = target
    mails.finish_call(mail, by=by)
    return queue_copy(mail, target, settings)


def refuse_what_is_over(mail: OutboxMail, invitation: Invitation | None) -> None:
    """Only what did not arrive, still matters, and is still the last word may leave once more."""
    if mail.status not in (MailStatus.FAILED, MailStatus.BOUNCED):
        raise NotAllowedNow("status")
    # Without its bytes there is nothing to send: they are not kept for ever.
    if (mail.useless_after is not None and mail.useless_after <= present()) or not mail.message:
        raise NotAllowedNow("late")
    is_last = mails.thread_of(mail)[-1].id == mail.id
    if not is_last or (invitation is not None and not is_current(mail, invitation)):
        raise NotAllowedNow("newer")


def is_current(mail: OutboxMail, invitation: Invitation) -> bool:
    """Does the mail say how the invitation stands now: its sequence, and a guest who is expected unless it says the contrary?"""
    _invitation, _organisation, method, sequence, *_again = mail.idempotency_key.split(":")
    is_expected = invitation.job_dating.status is not JobDatingStatus.CANCELLED and invitation.withdrawn_at is None
    return sequence == str(invitation.sequence) and (is_expected or method == Method.CANCEL)


def invitation_of(mail: OutboxMail) -> Invitation | None:
    """The invitation that a mail is about: its key has four parts and begins with it."""
    parts = mail.idempotency_key.split(":")
    try:
        return db.session.get(Invitation, UUID(parts[0])) if len(parts) >= 4 else None
    except ValueError:
        return None


def target_of(mail: OutboxMail) -> str:
    """Where it goes now: to its structure's address of today, or where it went if there is none."""
    today = composing.address(mail.organisation.email) if mail.organisation is not None else None
    return today or mail.recipient


def queue_again(mail: OutboxMail) -> OutboxMail:
    """The same row, the same bytes, all tries anew."""
    where = (OutboxMail.id == mail.id, OutboxMail.status == MailStatus.FAILED)
    statement = update(OutboxMail).where(*where).values(status=MailStatus.QUEUED, attempts=0, not_before=present(), returned_code=None, returned_words=None)
    if db.session.scalar(statement.returning(OutboxMail.id)) is None:
        raise NotAllowedNow("status")
    db.session.execute(delete(MailCall).where(MailCall.mail_id == mail.id))
    db.session.refresh(mail)
    return mail


def queue_copy(mail: OutboxMail, target: str, settings: outbox.MailSettings) -> OutboxMail:
    """A row of its own in the same thread: the same bytes for the same address, else those of the other address."""
    key = f"{mail.idempotency_key}{AGAIN}{mail.id}"
    message, message_id = mail.message, mail.message_id
    if addresses.fold(target) != addresses.fold(mail.recipient):
        message_id = f"<{key.replace(':', '.')}@{settings.host}>"
        message = readdressed(message, old=mail.recipient, new=target, message_id=message_id)
    composed = composing.Composed(mail.subject, message)
    outbox.queue_mail(
        idempotency_key=key,
        composed=composed,
        recipient=target,
        message_id=message_id,
        kind=mail.kind,
        organisation_id=mail.organisation_id,
        useless_after=mail.useless_after,
    )
    return db.session.scalars(select(OutboxMail).where(OutboxMail.idempotency_key == key)).one()


def fact_of(idempotency_key: str) -> str:
    """The key of the mail that was written first: a copy tells the same fact."""
    return idempotency_key.partition(AGAIN)[0]


def readdressed(content: bytes, *, old: str, new: str, message_id: str) -> bytes:
    """The same mail for another recipient: the lines that name one, and the guest of its calendar entry. All else to the letter."""
    head, end, body = content.partition(b"\r\n\r\n")
    for name, value in (("To", new), ("Message-ID", message_id)):
        line = re.compile(rf"^{name}:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*".encode(), re.IGNORECASE | re.MULTILINE)
        head = line.sub(f"{name}: {value}".encode("ascii"), head, count=1)

    def with_guest(found: re.Match[bytes]) -> bytes:
        calendar = other_guest(base64.b64decode(found[2]).decode(), old=old, new=new)
        return found[1] + base64.encodebytes(calendar.encode()).rstrip().replace(b"\n", b"\r\n") + found[3]

    return head + end + CALENDAR.sub(with_guest, body)


def other_guest(calendar: str, *, old: str, new: str) -> str:
    """The calendar object with another address as its guest."""
    lines = re.sub(r"\r?\n[ \t]", "", calendar).splitlines()
    guest = re.compile(rf"mailto:{re.escape(old)}$", re.IGNORECASE)
    return "".join(folded(guest.sub(f"mailto:{new}", line) if line.startswith("ATTENDEE") else line) for line in lines)


def folded(line: str) -> str:
    """A content line in pieces of at most 75 octets, none of which ends inside a letter."""
    pieces, room = [""], LINE_OCTETS
    for letter in line:
        size = len(letter.encode())
        if size > room:
            # The space that begins the next piece counts.
            pieces, room = [*pieces, " "], LINE_OCTETS - 1
        pieces[-1] += letter
        room -= size
    return "\r\n".join(pieces) + "\r\n"
