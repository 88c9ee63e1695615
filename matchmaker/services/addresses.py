"""Which addresses are not written to, and why: bounces block one, objections close a topic. Services change the session; the caller commits.

An address is kept as its SHA-256 only. No key is mixed in: a new key would forget every objection.
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import AddressStatus, MailAddress, MailBounce, MailObjection, MailStatus, ObjectionSource, Obstacle, OutboxMail, Topic, User
from matchmaker.models.base import now as present
from matchmaker.services import signed_links

SALT = "unsubscribe"
# Of this many soft bounces within this time, the last one blocks. A single hard one does.
SOFT_BOUNCES, SOFT_TIME = 3, timedelta(days=30)
# Name of the mail's templates → what it is about, for those that one may refuse. All others always leave.
TOPICS = {
    "invitation": Topic.INVITATIONS,
    "invitation_reminder": Topic.INVITATIONS,
    "thanks": Topic.INVITATIONS,
    "proposals": Topic.PROPOSALS,
    "proposals_reminder": Topic.PROPOSALS,
    "pool_proposed": Topic.PROPOSALS,
    "pool_moved": Topic.PROPOSALS,
    "pool_welcome": Topic.PROPOSALS,
    "cluster_invitation": Topic.PROPOSALS,
    "group_invited": Topic.PROPOSALS,
    "digest": Topic.DIGEST,
    "digest_animator": Topic.DIGEST,
    "quarter_report": Topic.DIGEST,
    "territory_news": Topic.DIGEST,
    "saved_search": Topic.SEARCHES,
    "campaign": Topic.CAMPAIGNS,
}
# Sent to many at once: mail programs show their own button for these (RFC 8058).
BULK = frozenset({Topic.DIGEST, Topic.SEARCHES, Topic.CAMPAIGNS})
# What stands as the last error of a mail that was kept from leaving.
WITHHELD = {Obstacle.BLOCKED: "the address is blocked", Obstacle.OBJECTED: "the recipient objected"}
ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")


def fold(address: str) -> str:
    """Return the address as it is compared: as the envelope writes it, in lower case.

    >>> fold(" Contact@Épicerie.test ")
    'contact@xn--picerie-9xa.test'
    """
    text = unicodedata.normalize("NFKC", address).strip()
    return (mail.address(text) or text).lower()


def digest(address: str) -> str:
    """The hash under which the address is known."""
    return hashlib.sha256(f"mail-address:{fold(address)}".encode(errors="replace")).hexdigest()


def obstacle(address: str, kind: str) -> Obstacle | None:
    """Why a mail of this kind (the name of its templates) must not leave for this address; nothing when it may."""
    return obstacles([address], kind)[address]


def is_blocked(address: str, kind: str) -> bool:
    """Must a mail of this kind not leave for this address, because it bounces or because it objected?"""
    return obstacle(address, kind) is not None


def obstacles(addresses: Collection[str], kind: str) -> dict[str, Obstacle | None]:
    """Each address → what stands in the way of a mail of this kind, in two queries whatever their number."""
    hashes = {address: digest(address) for address in addresses if mail.address(address)}
    known = set(hashes.values())
    query = select(MailAddress.hash).where(MailAddress.hash.in_(known), MailAddress.status == AddressStatus.BLOCKED)
    blocked = set(db.session.scalars(query)) if known else set()
    topic = TOPICS.get(kind)
    refusals = select(MailObjection.address_hash).where(MailObjection.address_hash.in_(known), MailObjection.topic == topic)
    objected = set(db.session.scalars(refusals)) if known and topic else set()

    def of(address: str) -> Obstacle | None:
        if not address.strip():
            return Obstacle.NO_ADDRESS
        if address not in hashes:
            return Obstacle.BAD_ADDRESS
        return Obstacle.BLOCKED if hashes[address] in blocked else Obstacle.OBJECTED if hashes[address] in objected else None

    return {address: of(address) for address in addresses}


def withhold(mails: Mapping[str, str], kind: str) -> set[str]:
    """Keep mails that were just queued (idempotency key → address) from leaving, where the address is blocked or refuses their topic.

    Returns the keys of those that stay. Their rows remain, so that an animator sees what was not sent and calls: failed when it cannot
    arrive, cancelled when it is unwelcome.
    """
    found = obstacles(set(mails.values()), kind)
    stay: dict[Obstacle, list[str]] = {}
    for key, address in mails.items():
        if (reason := found[address]) is not None:
            stay.setdefault(reason, []).append(key)
    for reason, keys in stay.items():
        status = MailStatus.CANCELLED if reason is Obstacle.OBJECTED else MailStatus.FAILED
        where = (OutboxMail.idempotency_key.in_(keys), OutboxMail.status == MailStatus.QUEUED)
        db.session.execute(update(OutboxMail).where(*where).values(status=status, last_error=WITHHELD[reason]))
    return {key for keys in stay.values() for key in keys}


def status_code(code: int | None, words: str) -> str:
    """The enhanced status that a server's words hold (« 5.1.1 »), else its plain code, else nothing."""
    found = ENHANCED.search(words)
    return found[0] if found else str(code or "")


def is_hard(status: str) -> bool:
    """Does this code say that the address itself is none? « 5.1.1 », « 550 »; not a full box, and not what is held against the sender.

    >>> [is_hard(status) for status in ("550", "5.1.1", "5.2.1", "5.2.2", "5.7.1", "4.2.2", "451", "")]
    [True, True, True, False, False, False, False, False]
    """
    found = ENHANCED.fullmatch(status)
    if not found:
        return status.startswith("5")
    # RFC 3463: x.2.2 is a full mailbox, x.2.3 a mail too long; x.3, x.5 to x.7 are about the system, the protocol, the content, the policy.
    return found[1] == "5" and found[2] in {"0", "1", "2", "4"} and (found[2], found[3]) not in {("2", "2"), ("2", "3")}


def note_refusal(address: str, refusal: mail.Permanent | mail.Temporary, *, mail_id: int, attempts: int) -> bool:
    """A server would not take a mail, and there is no further try. True when the address is blocked from now on.

    A refusal of the sender is not the address's fault, and a line that broke is nobody's answer. One of the content counts as soft, unless
    its status says more; so does one that said « later » until the end.
    """
    if refusal.phase == "mail" or refusal.code is None:
        return False
    status = status_code(refusal.code, refusal.text)
    is_told = isinstance(refusal, mail.Permanent) and (refusal.phase == "rcpt" or ENHANCED.fullmatch(status) is not None)
    return note_bounce(address, key=f"{mail_id}:{attempts}", status=status, hard=is_told and is_hard(status))


def note_bounce(address: str, *, key: str, status: str, hard: bool | None = None, at: datetime | None = None) -> bool:
    """Count a bounce, ``hard`` as its status says unless told; the same ``key`` again changes nothing. True when the address is blocked from now on."""
    row, at = locked(digest(address)), at or present()
    values = {"address_hash": row.hash, "key": key, "is_hard": is_hard(status) if hard is None else hard, "code": status, "bounced_at": at}
    if db.session.scalar(insert(MailBounce).values(values).on_conflict_do_nothing(index_elements=["key"]).returning(MailBounce.id)) is None:
        return False
    since = max(at - SOFT_TIME, row.opened_at) if row.opened_at else at - SOFT_TIME
    recent = (MailBounce.address_hash == row.hash, MailBounce.bounced_at > since)
    hard_ones = func.count().filter(MailBounce.is_hard)
    hard_count, count = db.session.execute(select(hard_ones, func.count()).where(*recent)).one()
    if row.status is AddressStatus.BLOCKED or not (hard_count or count >= SOFT_BOUNCES):
        return False
    row.status, row.blocked_at, row.reason = AddressStatus.BLOCKED, at, status
    db.session.flush()
    return True


def reopen(address: str, *, by: User) -> bool:
    """Write to this address again: somebody asked, and it is good. What it objected to stays. False when it was not blocked."""
    row = known(address)
    if row is None or row.status is AddressStatus.OPEN:
        return False
    row.status, row.blocked_at = AddressStatus.OPEN, None
    row.opened_at, row.opened_by_id = present(), by.id
    db.session.flush()
    return True


def known(address: str) -> MailAddress | None:
    """What is known of an address, if anything."""
    return db.session.get(MailAddress, digest(address))


def locked(address_hash: str) -> MailAddress:
    """The row of an address, made if need be, and held until the end of the transaction: two bounces at once are counted one by one."""
    made = {"hash": address_hash, "status": AddressStatus.OPEN, "created_at": present(), "updated_at": present()}
    db.session.execute(insert(MailAddress).values(made | {"reason": ""}).on_conflict_do_nothing(index_elements=["hash"]))
    query = select(MailAddress).where(MailAddress.hash == address_hash).with_for_update()
    return db.session.scalars(query, execution_options={"populate_existing": True}).one()


def objections(address_hash: str) -> set[Topic]:
    """What this address refuses to receive."""
    return set(db.session.scalars(select(MailObjection.topic).where(MailObjection.address_hash == address_hash)))


def object_to(address_hash: str, topics: Iterable[Topic], *, source: ObjectionSource) -> None:
    """No mail of these topics for this address from now on. Said twice, the first time counts."""
    row = locked(address_hash)
    for topic in topics:
        values = {"address_hash": row.hash, "topic": topic, "source": source, "objected_at": present()}
        db.session.execute(insert(MailObjection).values(values).on_conflict_do_nothing(index_elements=["address_hash", "topic"]))


def choose_topics(address_hash: str, wanted: Collection[Topic], *, source: ObjectionSource) -> None:
    """Receive these topics, and no others."""
    object_to(address_hash, [topic for topic in Topic if topic not in wanted], source=source)
    db.session.execute(delete(MailObjection).where(MailObjection.address_hash == address_hash, MailObjection.topic.in_(wanted)))


def token(address_hash: str, topic: Topic, secret: str) -> str:
    """What the link at the foot of a mail carries. It names no one, and never ends: objecting must always be possible."""
    return signed_links.sign([address_hash, topic.value], secret, salt=SALT)


def read_token(text: str, keys: tuple[str, ...]) -> tuple[str, Topic] | None:
    """The hash and the topic of a link, or nothing when we did not sign it."""
    signed = signed_links.read(text, keys, salt=SALT)
    return (signed[0], Topic(signed[1])) if signed else None


def ways_out(address: str, kind: str, *, public_url: str, secret: str) -> dict[str, str]:
    """What ``mail.compose`` needs to let people refuse this kind: a link at the foot, a header for mails to many; empty for the others."""
    topic = TOPICS.get(kind)
    link = f"{public_url}/courriels/refuser/{token(digest(address), topic, secret)}" if topic else ""
    return {"unsubscribe_link": link, "list_unsubscribe": link if topic in BULK else ""}
