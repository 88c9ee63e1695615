"""A strict reader of invitations by mail (RFC 5545, 5546, 6047), which shares nothing with what writes them, and two parsers beside it.

Read every mail that left, in the order in which it arrived: ``History.take`` returns what is wrong with it, alone and after the others.
"""

import email
import email.policy
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import icalendar
import vobject

ONCE = ("UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "STATUS", "SUMMARY", "ORGANIZER", "ATTENDEE")
AT_MOST_ONCE = ("LOCATION", "DESCRIPTION")
HEAD = ("PRODID", "VERSION", "CALSCALE", "METHOD")
METHODS = {"REQUEST": "CONFIRMED", "CANCEL": "CANCELLED"}
UTC_TIME = re.compile(r"\d{8}T\d{6}Z")
LINE = re.compile(r'(?P<name>[A-Z-]+)(?P<params>(?:;[A-Z-]+=(?:"[^"\x00-\x08\x0a-\x1f\x7f]*"|[^";:,\x00-\x1f\x7f]*))*):(?P<value>.*)', re.DOTALL)
PARAM = re.compile(r';([A-Z-]+)=("[^"]*"|[^";:,]*)')
TEXT = re.compile(r"(?:[^\\;,\x00-\x08\x0a-\x1f\x7f]|\\[\\;,nN])*")
BARE = re.compile(r"mailto:[^\s<>\"@:?]+@[A-Za-z0-9.-]+")
# Marks that turn the direction of writing, ends of lines that some parsers take for ends of properties, and half characters.
UNWANTED = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u2028\u2029\x85\x0b\x0c\x00")


@dataclass(frozen=True)
class Line:
    name: str
    params: dict[str, str]
    value: str


@dataclass(frozen=True)
class Arrived:
    """What one calendar object said of an entry."""

    message_id: str
    method: str
    sequence: int
    stamp: str
    starts: str
    organizer: str
    attendee: str
    raw: bytes


@dataclass
class History:
    """All mails with a calendar object that arrived, by UID."""

    entries: dict[str, list[Arrived]] = field(default_factory=dict)

    def take(self, raw: bytes) -> list[str]:
        """What is wrong with this mail. A second copy of one that arrived must be the same to the byte."""
        message = email.message_from_bytes(raw, policy=email.policy.default)
        problems = wrong_with_mail(raw, message)
        parts = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
        if len(parts) != 1:
            return [*problems, f"{len(parts)} calendar parts"]
        found, lines = wrong_with_object(parts[0], message)
        problems += found
        if not problems:
            problems += self.wrong_in_time(arrived(message, lines, raw), only(lines, "UID").value)
        return problems

    def wrong_in_time(self, now: Arrived, uid: str) -> list[str]:
        known = self.entries.setdefault(uid, [])
        if copies := [one for one in known if one.message_id == now.message_id]:
            return [] if copies[0].raw == now.raw else ["a second copy is not the same to the byte"]
        problems = []
        if known:
            last = known[-1]
            problems += [f"{name} changed" for name in ("organizer", "attendee") if getattr(last, name) != getattr(now, name)]
            problems += ["SEQUENCE did not rise"] if now.sequence <= last.sequence else []
            problems += ["DTSTAMP went back"] if now.stamp < last.stamp else []
            problems += ["two cancellations in a row"] if last.method == now.method == "CANCEL" else []
            problems += ["a cancellation of other hours"] if now.method == "CANCEL" and last.starts != now.starts else []
        elif now.method == "CANCEL":
            problems.append("a cancellation of what was never asked")
        known.append(now)
        return problems


def wrong_with_mail(raw: bytes, message: EmailMessage) -> list[str]:
    """The envelope of the object: RFC 6047 and what Outlook, Gmail and Apple's programs ask for."""
    problems = []
    if not raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n"):
        problems.append("bare CR or LF in the mail")
    if max(map(len, raw.split(b"\r\n"))) > 998 or any(byte > 127 for byte in raw):
        problems.append("a line too long, or a byte above 127")
    names = [name.lower() for name in message.keys()]  # noqa: SIM118
    problems += [f"header {name} more than once" for name in {name for name in names if names.count(name) > 1}]
    if message.get_content_type() != "multipart/alternative":
        return [*problems, "not multipart/alternative"]
    kinds = [part.get_content_type() for part in message.iter_parts()]
    if kinds != ["text/plain", "text/html", "text/calendar"]:
        problems.append(f"parts {kinds}")
    if any(part.get_content_disposition() == "attachment" or part.get_filename() for part in message.walk()):
        problems.append("a part is an attachment")
    return problems


def wrong_with_object(part: EmailMessage, message: EmailMessage) -> tuple[list[str], list[Line]]:
    """The object alone, and against the headers of its mail."""
    raw = part.get_payload(decode=True)
    assert isinstance(raw, bytes)
    problems, lines = read_lines(raw)
    if problems:
        return problems, lines
    problems = wrong_structure(lines)
    if problems:
        return problems, lines
    method = only(lines, "METHOD").value
    parameters = {name.lower(): value for name, value in part["Content-Type"].params.items()}
    if parameters != {"charset": "utf-8", "method": method}:
        problems.append(f"parameters of the part {parameters}")
    if METHODS.get(method) != only(lines, "STATUS").value:
        problems.append(f"{method} with STATUS {only(lines, 'STATUS').value}")
    problems += wrong_people(lines, message, method)
    problems += [f"{name} is not in UTC" for name in ("DTSTAMP", "DTSTART", "DTEND") if not UTC_TIME.fullmatch(only(lines, name).value)]
    if only(lines, "DTSTART").value >= only(lines, "DTEND").value:
        problems.append("ends before it starts")
    if not re.fullmatch(r"\d{1,9}", only(lines, "SEQUENCE").value):
        problems.append("SEQUENCE is no number")
    if not re.fullmatch(r"[^@\s]+@[A-Za-z0-9.-]+", only(lines, "UID").value):
        problems.append("UID is not global")
    for name in ("SUMMARY", *AT_MOST_ONCE):
        for line in lines:
            if line.name == name and not TEXT.fullmatch(line.value):
                problems.append(f"{name} is not escaped")
    # Parsers forgive what this reader does not: they are asked about what is left.
    return problems or wrong_for_parsers(raw.decode(), lines), lines


def read_lines(raw: bytes) -> tuple[list[str], list[Line]]:
    """Physical lines, then the unfolded ones."""
    problems = []
    if not raw.endswith(b"\r\n") or b"\r\r" in raw or not raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n"):
        return ["lines do not end in CRLF"], []
    physical = raw[:-2].split(b"\r\n")
    for line in physical:
        if not 0 < len(line) <= 75:
            problems.append(f"a line of {len(line)} octets")
        try:
            line.decode()
        except UnicodeDecodeError:
            problems.append("a fold inside a character")
    text = raw.decode(errors="replace")
    if UNWANTED & set(text):
        problems.append("a character that turns or breaks lines")
    lines = []
    for unfolded in text[:-2].replace("\r\n ", "").replace("\r\n\t", "").split("\r\n"):
        match = LINE.fullmatch(unfolded)
        if match is None:
            problems.append(f"not a property: {unfolded[:60]!r}")
            continue
        params = {name: value.strip('"') for name, value in PARAM.findall(match["params"])}
        lines.append(Line(match["name"], params, match["value"]))
    return problems, lines


def wrong_structure(lines: list[Line]) -> list[str]:
    """One VEVENT and nothing else in one VCALENDAR; each property as often as it may be."""
    order = [(line.name, line.value) for line in lines if line.name in {"BEGIN", "END"}]
    if order != [("BEGIN", "VCALENDAR"), ("BEGIN", "VEVENT"), ("END", "VEVENT"), ("END", "VCALENDAR")] or lines[0].name != "BEGIN" or lines[-1].name != "END":
        return ["not one VEVENT in one VCALENDAR"]
    begins, ends = (next(place for place, line in enumerate(lines) if (line.name, line.value) == (name, "VEVENT")) for name in ("BEGIN", "END"))
    inside, outside = [line.name for line in lines[begins + 1 : ends]], [line.name for line in (*lines[1:begins], *lines[ends + 1 : -1])]
    problems = [f"{name} {inside.count(name)} times" for name in ONCE if inside.count(name) != 1]
    problems += [f"{name} {inside.count(name)} times" for name in AT_MOST_ONCE if inside.count(name) > 1]
    problems += [f"{name} has no place here" for name in inside if name not in {*ONCE, *AT_MOST_ONCE}]
    if sorted(outside) != sorted(HEAD):
        problems.append(f"calendar properties {outside}")
    return problems


def wrong_people(lines: list[Line], message: EmailMessage, method: str) -> list[str]:
    """ORGANIZER is the sender, bare; ATTENDEE is the recipient, alone."""
    problems = []
    organizer, attendee = only(lines, "ORGANIZER"), only(lines, "ATTENDEE")
    senders, recipients = message["From"].addresses, message["To"].addresses
    if len(senders) != 1 or organizer.value != f"mailto:{senders[0].addr_spec}" or organizer.params or not BARE.fullmatch(organizer.value):
        problems.append(f"ORGANIZER {organizer}")
    if len(recipients) != 1 or message["Cc"] or message["Bcc"] or attendee.value != f"mailto:{recipients[0].addr_spec}" or not BARE.fullmatch(attendee.value):
        problems.append(f"ATTENDEE {attendee}")
    wanted = {"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION"} | ({"RSVP": "TRUE"} if method == "REQUEST" else {})
    if {name: value for name, value in attendee.params.items() if name != "CN"} != wanted:
        problems.append(f"parameters of ATTENDEE {attendee.params}")
    return problems


def wrong_for_parsers(text: str, lines: list[Line]) -> list[str]:
    """Two parsers that are not ours read the same as we do."""
    calendar = icalendar.Calendar.from_ical(text)
    events = calendar.walk("VEVENT")
    other: Any = vobject.readOne(text, validate=True)
    if len(events) != 1 or len(calendar.walk()) != 2 or len(other.vevent_list) != 1:
        return ["parsers see another number of components"]
    (event,), second, problems = events, other.vevent, []
    if calendar.errors or event.errors:
        problems.append(f"icalendar: {[*calendar.errors, *event.errors]}")
    for name in ("dtstart", "dtend", "dtstamp"):
        instant = datetime.strptime(only(lines, name.upper()).value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if not event.decoded(name) == getattr(second, name).value == instant:
            problems.append(f"{name} is read differently")
    for name in ("summary", "location", "description"):
        texts = [unescaped(line.value) for line in lines if line.name == name.upper()]
        if texts and not str(event[name]) == getattr(second, name).value == texts[0]:
            problems.append(f"{name} is read differently")
    named = (str(event["attendee"]), event["attendee"].params.get("CN", ""))
    if (
        not named
        == (second.attendee.value, "".join(second.attendee.params.get("CN", [])))
        == (only(lines, "ATTENDEE").value, only(lines, "ATTENDEE").params.get("CN", ""))
    ):
        problems.append("ATTENDEE is read differently")
    if not str(event["uid"]) == second.uid.value == only(lines, "UID").value:
        problems.append("UID is read differently")
    return problems


def unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value)


def only(lines: list[Line], name: str) -> Line:
    return next(line for line in lines if line.name == name)


def arrived(message: EmailMessage, lines: list[Line], raw: bytes) -> Arrived:
    return Arrived(
        message_id=str(message["Message-ID"]),
        method=only(lines, "METHOD").value,
        sequence=int(only(lines, "SEQUENCE").value),
        stamp=only(lines, "DTSTAMP").value,
        starts=only(lines, "DTSTART").value,
        organizer=only(lines, "ORGANIZER").value,
        attendee=only(lines, "ATTENDEE").value,
        raw=raw,
    )
