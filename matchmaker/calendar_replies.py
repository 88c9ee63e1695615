"""Reading the answers that calendars send by mail (METHOD:REPLY, RFC 5546). Pure functions: whoever writes to us, nothing fails.

Read by hand, line by line: what comes from outside is small, flat, and refused as soon as it is anything else.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage

LARGEST = 200_000
MOST_PARTS = 50
MOST_LINES = 2_000
PARTSTATS = {"ACCEPTED", "DECLINED", "TENTATIVE"}
PROPERTY = re.compile(r'(?P<name>[A-Za-z0-9-]+)(?P<params>(?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:]*))*):(?P<value>.*)')
PARAMETER = re.compile(r';([A-Za-z0-9-]+)=("[^"]*"|[^";:]*)')
# One address, alone or after a name. Stricter than the standard, in which what looks like the address may be a comment.
ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+"
SENDER = re.compile(rf"(?P<bare>{ADDRESS})|[^<>@,:;()]*<(?P<named>{ADDRESS})>")
DMARC = re.compile(r"\s*dmarc\s*(?:/\s*\d+\s*)?=\s*([A-Za-z]+)\b(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Reply:
    """What a calendar says that its owner answered. ``is_authentic``: the server of our mailbox vouches for the domain of ``sender``."""

    uid: str
    sequence: int
    attendee: str
    partstat: str
    stamp: datetime
    sender: str
    is_authentic: bool


@dataclass(frozen=True)
class Property:
    name: str
    params: dict[str, str]
    value: str


def read(message: EmailMessage, *, trusted: str) -> Reply | None:
    """The reply in this mail, or nothing when it holds none that can be read.

    ``trusted`` is the name under which the server of our mailbox writes Authentication-Results; without it nobody is authentic.
    """
    for text in calendar_texts(message):
        event = reply_event(text)
        reply = reply_of(event, sender_of(message), message, trusted) if event is not None else None
        if reply is not None:
            return reply
    return None


def reply_of(event: list[Property], sender: str, message: EmailMessage, trusted: str) -> Reply | None:
    """The one UID, ATTENDEE, SEQUENCE and DTSTAMP of the event; nothing when one is missing, repeated or unreadable."""
    named = {name: [one for one in event if one.name == name] for name in ("UID", "ATTENDEE", "SEQUENCE", "DTSTAMP")}
    if any(len(found) != 1 for name, found in named.items() if name != "SEQUENCE") or len(named["SEQUENCE"]) > 1:
        return None
    attendee, stamp = named["ATTENDEE"][0], instant(named["DTSTAMP"][0].value)
    partstat = attendee.params.get("PARTSTAT", "").upper()
    number = named["SEQUENCE"][0].value.strip() if named["SEQUENCE"] else "0"
    address = attendee.value.strip()
    if partstat not in PARTSTATS or stamp is None or not re.fullmatch(r"[0-9]{1,9}", number) or not address.lower().startswith("mailto:"):
        return None
    return Reply(
        uid=named["UID"][0].value.strip(),
        sequence=int(number),
        attendee=address[len("mailto:") :].strip().lower(),
        partstat=partstat,
        stamp=stamp,
        sender=sender,
        is_authentic=is_authentic(message, sender, trusted=trusted),
    )


def calendar_texts(message: EmailMessage) -> Iterator[str]:
    """The calendar objects in the mail, decoded as well as can be."""
    for place, part in enumerate(message.walk()):
        if place >= MOST_PARTS:
            return
        if part.get_content_type() not in {"text/calendar", "application/ics"}:
            continue
        payload = None
        # An unknown transfer encoding, or one that is not kept to.
        with suppress(ValueError, LookupError, AssertionError):
            payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes) or len(payload) > LARGEST:
            continue
        try:
            yield payload.decode(part.get_content_charset() or "utf-8", errors="replace")
        except (LookupError, UnicodeError):
            yield payload.decode("utf-8", errors="replace")


def reply_event(text: str) -> list[Property] | None:
    """The properties of the one VEVENT of a REPLY. Anything else in the calendar is refused, but time zones."""
    lines = re.sub(r"\r?\n[ \t]", "", text.replace("\x00", "").removeprefix("\ufeff")).splitlines()
    if len(lines) > MOST_LINES:
        return None
    path: list[str] = []
    events: list[list[Property]] = []
    method = ""
    for line in lines:
        match = PROPERTY.fullmatch(line)
        if match is None:
            continue
        name, value = match["name"].upper(), match["value"]
        if name == "BEGIN":
            path.append(value.strip().upper())
            if path == ["VCALENDAR", "VEVENT"]:
                events.append([])
        elif name == "END":
            if not path or path.pop() != value.strip().upper():
                return None
        elif name == "METHOD" and path == ["VCALENDAR"]:
            method = value.strip().upper()
        elif path == ["VCALENDAR", "VEVENT"]:
            params = {key.upper(): given.strip('"') for key, given in PARAMETER.findall(match["params"])}
            events[-1].append(Property(name, params, value))
    return events[0] if method == "REPLY" and len(events) == 1 and not path else None


def instant(text: str) -> datetime | None:
    """« 20270121T080000Z », as DTSTAMP must be written."""
    with suppress(ValueError):
        return datetime.strptime(text.strip(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return None


def raw_headers(message: EmailMessage, name: str) -> list[str]:
    """The values of a header as they came, the topmost first: reading them finer may fail on what a stranger wrote."""
    return [str(value) for key, value in message.raw_items() if key.lower() == name]


def sender_of(message: EmailMessage) -> str:
    """The one address in the one From header; nothing when there are several of either, or when it could be read in two ways."""
    headers = raw_headers(message, "from")
    if len(headers) != 1 or len(headers[0]) > 1000:
        return ""
    match = SENDER.fullmatch(re.sub(r'"(?:[^"\\]|\\.)*"', "", headers[0]).strip())
    return (match["bare"] or match["named"]).lower() if match else ""


def is_authentic(message: EmailMessage, sender: str, *, trusted: str) -> bool:
    """Does our own server say that DMARC passes for the sender's domain? Only the topmost header in its name counts: it writes at the top."""
    if not trusted or not sender:
        return False
    for header in raw_headers(message, "authentication-results"):
        parts = without_comments(header).split(";")
        if parts[0].split()[:1] == [trusted.lower()]:
            return passes_dmarc(parts[1:], sender.rpartition("@")[2])
    return False


def passes_dmarc(results: list[str], domain: str) -> bool:
    found = [match for match in map(DMARC.fullmatch, results) if match is not None]
    if not found or any(match[1].lower() != "pass" for match in found):
        return False
    named = [value for match in found for value in re.findall(r"header\.from\s*=\s*([^\s;]+)", match[2])]
    return all(value.rpartition("@")[2].lower() == domain for value in named)


def without_comments(header: str) -> str:
    """A header in lower case, without quoted strings and comments, which may hold anything."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', header[:5000].lower())
    for _depth in range(5):
        text = re.sub(r"\([^()]*\)", " ", text)
    return text
