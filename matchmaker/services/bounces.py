"""Mails about our mails: reports of what could not be delivered (RFC 3464 and the looser ones), complaints (RFC 5965).

A report is believed because it names the Message-ID of a mail of ours, which only its recipient has seen.
"""

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message

from sqlalchemy import select, update
from sqlalchemy.orm import defer

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import MailStatus, ObjectionSource, OutboxMail, Topic
from matchmaker.services import addresses

# Nothing longer is read: a report is short, whatever it has attached.
PARTS, LETTERS, IDS = 100, 200_000, 20
ORIGINALS = {"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}
ROBOTS = re.compile(r"(mailer-daemon|postmaster|mail-daemon|mailerdaemon)@|<>", re.IGNORECASE)
MESSAGE_ID = re.compile(r"^[>\s]*message-id:\s*(<[^<>\s]{3,990}>)", re.IGNORECASE | re.MULTILINE)
BARE_ID = re.compile(r"<[^<>\s]{3,990}>")
SMTP_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[ -])")
STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


@dataclass(frozen=True)
class Failure:
    """A mail that came back for good, or that a relay still tries to deliver (``is_final`` is false: nothing is known yet)."""

    message_ids: tuple[str, ...]
    status: str
    code: int | None
    words: str
    is_final: bool = True


@dataclass(frozen=True)
class Complaint:
    """Somebody pressed « this is spam »."""

    message_ids: tuple[str, ...]


def take(message: EmailMessage) -> bool:
    """Write down what a mail says about a mail of ours: that it came back, or that it was unwelcome. Safe to do twice.

    False when it says nothing of the kind (a person's answer, an absence, a report on somebody else's mail): nothing is written then.
    """
    told = read(message)
    sent = mail_of(told.message_ids) if told else None
    if told is None or sent is None:
        return False
    if isinstance(told, Complaint):
        addresses.object_to(addresses.digest(sent.recipient), list(Topic), source=ObjectionSource.COMPLAINT)
    elif told.is_final:
        mark_bounced(sent, told)
    return True


def mark_bounced(sent: OutboxMail, told: Failure) -> None:
    """The mail did not arrive after all, with the server's words; its address is counted one bounce, once.

    A report can be read before the mail is known to have left: while it is in a worker's hands, or waits because nobody knows. The report
    is kept with it then, until ``settle`` finds both.
    """
    in_doubt = (OutboxMail.status == MailStatus.QUEUED) & OutboxMail.is_maybe_twice
    where = (OutboxMail.id == sent.id, OutboxMail.status.in_((MailStatus.SENDING, MailStatus.SENT)) | in_doubt)
    db.session.execute(update(OutboxMail).where(*where).values(returned_code=told.code, returned_words=told.words))
    settle()
    addresses.note_bounce(sent.recipient, key=f"{sent.id}:report", status=told.status)


def settle() -> int:
    """Mark what was sent, and has been reported to have come back. Returns how many."""
    where = (OutboxMail.returned_words.is_not(None), OutboxMail.status == MailStatus.SENT)
    said = {"last_code": OutboxMail.returned_code, "last_error": OutboxMail.returned_words, "returned_code": None, "returned_words": None}
    rows = db.session.scalars(update(OutboxMail).where(*where).values(status=MailStatus.BOUNCED, **said).returning(OutboxMail.id))
    return len(rows.all())


def mail_of(message_ids: tuple[str, ...]) -> OutboxMail | None:
    """The mail of ours that carries one of these; the newest, when one was sent anew under its first name."""
    query = select(OutboxMail).where(OutboxMail.message_id.in_(message_ids)).order_by(OutboxMail.id.desc()).limit(1)
    return db.session.scalars(query.options(defer(OutboxMail.message))).one_or_none()


def read(message: EmailMessage) -> Failure | Complaint | None:
    """What a mail reports, as far as it can be understood; nothing when it is no report."""
    parts = list(parts_of(message))
    kind = str(message.get_param("report-type") or "").lower()
    types = {part.get_content_type() for part in parts}
    if kind == "feedback-report" or "message/feedback-report" in types:
        return read_complaint(message, parts)
    if kind == "delivery-status" or types & {"message/delivery-status", "message/global-delivery-status"}:
        return read_status(message, parts)
    return read_loose(message, parts) if is_from_a_robot(message) else None


def parts_of(message: EmailMessage) -> Iterator[Message]:
    """The report's own parts; not those of the mail that it has attached."""
    waiting: list[Message] = [message]
    for _part in range(PARTS):
        if not waiting:
            return
        part = waiting.pop(0)
        yield part
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting = [each for each in payload if isinstance(each, Message)] + waiting


def read_complaint(message: EmailMessage, parts: list[Message]) -> Complaint | None:
    fields = [block for part in parts if part.get_content_type() == "message/feedback-report" for block in blocks_of(part)]
    if any(text_of(block, "feedback-type").lower() == "not-spam" for block in fields):
        return None
    return Complaint(ids_in(message, parts))


def read_status(message: EmailMessage, parts: list[Message]) -> Failure | None:
    """A delivery status notification: our mails have one recipient each, so that its worst line is ours."""
    blocks = [block for part in parts if part.get_content_type().endswith("delivery-status") for block in blocks_of(part)]
    lines = [(text_of(block, "action").lower(), text_of(block, "status"), text_of(block, "diagnostic-code")) for block in blocks]
    lines = [line for line in lines if any(line)]
    failed = next((line for line in lines if line[0] == "failed"), None)
    if failed is None:
        # Delayed, relayed, delivered; or a report so broken that its text must tell.
        return Failure(ids_in(message, parts), "", None, "", is_final=False) if any(line[0] for line in lines) else read_loose(message, parts)
    _action, status, diagnostic = failed
    words = diagnostic.partition(";")[2].strip() or diagnostic
    return failure(ids_in(message, parts), words or status, status)


def read_loose(message: EmailMessage, parts: list[Message]) -> Failure | None:
    """A report in plain words: the code that they hold, and the mail that they quote."""
    text = "\n".join(plain_text(part) for part in parts if part.get_content_type() in {"text/plain", "text/html"})[:LETTERS]
    # What follows the quoted mail's headers is that mail, and could hold any number.
    own = text[: found.start()] if (found := MESSAGE_ID.search(text)) else text
    line = next((line for line in own.splitlines() if addresses.ENHANCED.search(line) or SMTP_CODE.search(line)), "")
    if not line:
        return None
    return failure(ids_in(message, parts), line.strip(), "")


def failure(message_ids: tuple[str, ...], words: str, status: str) -> Failure:
    """A failure whose status is the report's own, else the one in the server's words."""
    code = SMTP_CODE.search(words)
    number = int(code[1]) if code else None
    known = status if STATUS.fullmatch(status) else addresses.status_code(number, words)
    # « 5.0.0 » says nothing: the server's own words often say more.
    found = addresses.ENHANCED.search(words)
    return Failure(message_ids, found[0] if found and known.endswith(".0.0") else known, number, mail.words(words))


def is_from_a_robot(message: EmailMessage) -> bool:
    """Written by a mail server. A person who is away answers from their own address, whatever their program puts in it."""
    return bool(message.get("X-Failed-Recipients")) or bool(ROBOTS.search(text_of(message, "from")))


def ids_in(message: EmailMessage, parts: list[Message]) -> tuple[str, ...]:
    """Message-IDs that the report may be about, the surest first: of the attached mail, of the headers, of the quoted text."""
    attached = [text_of(original, "message-id") for part in parts if part.get_content_type() in ORIGINALS for original in blocks_of(part)]
    named = [text_of(message, name) for name in ("x-original-message-id", "in-reply-to", "references")]
    quoted = [found[1] for part in parts if part.get_content_type() == "text/plain" for found in MESSAGE_ID.finditer(plain_text(part)[:LETTERS])]
    found = [each for text in (*attached, *named, *quoted) for each in BARE_ID.findall(text)]
    return tuple(dict.fromkeys(found))[:IDS]


def blocks_of(part: Message) -> list[Message]:
    """The blocks of header lines that a part holds: parsed by the library, or, when it came encoded, by us."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return [each for each in payload if isinstance(each, Message)][:PARTS]
    blocks = re.split(r"\r?\n\r?\n", plain_text(part)[:LETTERS])
    return [email.message_from_string(block, policy=email.policy.compat32) for block in blocks[:PARTS] if block.strip()]


def plain_text(part: Message) -> str:
    """The text of a part, whatever its encoding claims."""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return str(part.get_payload() or "")
    try:
        return content.decode(part.get_content_charset() or "utf-8", errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


def text_of(part: Message, name: str) -> str:
    """A header as one line without control characters; nothing when it is missing or cannot be read."""
    try:
        return str(mail.one_line(str(part.get(name) or ""))).strip()
    except (ValueError, LookupError, IndexError, AttributeError):
        # The library's parser of structured headers fails on some malformed ones.
        return ""
