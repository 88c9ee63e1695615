"""Calendar objects of invitations (iTIP, RFC 5546), pure functions over plain values.

Times are written in UTC: there is then no time zone to describe, and none to get wrong. Whoever calls keeps three promises that
no function over one event can check: UID and ORGANIZER never change, SEQUENCE rises with each change, DTSTAMP never goes back.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, vCalAddress, vDuration, vText
from icalendar import Event as Component

PRODUCT = "-//La Croisee//Invitations//FR"
SUMMARY_LENGTH = 200
LOCATION_LENGTH = 300
DESCRIPTION_LENGTH = 3000
NAME_LENGTH = 100
# A quote cannot be written inside a parameter; a backslash and a caret can, but parsers do not agree on what they mean there.
PARAMETER_LETTERS = str.maketrans('"\\^', "’/ˆ")


@dataclass(frozen=True)
class Event:
    """One event for one guest. ``organizer`` and ``attendee`` are bare addresses; instants are aware."""

    uid: str
    sequence: int
    stamp: datetime
    starts_at: datetime
    ends_at: datetime
    organizer: str
    attendee: str
    attendee_name: str
    summary: str
    location: str = ""
    description: str = ""


def request(event: Event) -> str:
    """The object that puts the event into the guest's calendar, or moves it there: METHOD:REQUEST."""
    return _object(event, method="REQUEST", status="CONFIRMED")


def cancel(event: Event) -> str:
    """The object that takes it out again: METHOD:CANCEL, with a SEQUENCE above the last REQUEST's."""
    return _object(event, method="CANCEL", status="CANCELLED")


@dataclass(frozen=True)
class Entry:
    """One entry of a calendar that people subscribe to: nobody is invited by it."""

    uid: str
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    summary: str
    location: str = ""
    description: str = ""
    url: str = ""
    is_tentative: bool = False


def feed(entries: Sequence[Entry], *, name: str) -> str:
    """A calendar to subscribe to. Without METHOD: that would make it a message. The same entries give the same text."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    # What Apple's and Microsoft's programs show as its name, and how often they look again.
    calendar.add("x-wr-calname", vText(_line(name, SUMMARY_LENGTH)))
    interval = vDuration(timedelta(hours=1))
    calendar.add("x-published-ttl", interval)
    calendar.add("refresh-interval", interval, parameters={"VALUE": "DURATION"})
    for entry in entries:
        component = Component()
        component.add("uid", entry.uid)
        component.add("dtstamp", _utc(entry.changed_at))
        component.add("dtstart", _utc(entry.starts_at))
        component.add("dtend", _utc(entry.ends_at))
        component.add("status", "TENTATIVE" if entry.is_tentative else "CONFIRMED")
        component.add("summary", _line(entry.summary, SUMMARY_LENGTH))
        for key, text in (("location", _line(entry.location, LOCATION_LENGTH)), ("description", _text(entry.description, DESCRIPTION_LENGTH))):
            if text:
                component.add(key, text)
        if entry.url:
            component.add("url", entry.url)
        calendar.add_component(component)
    return bytes(calendar.to_ical()).decode()


def _object(event: Event, *, method: str, status: str) -> str:
    component = Component()
    component.add("uid", event.uid)
    component.add("sequence", event.sequence)
    component.add("dtstamp", _utc(event.stamp))
    component.add("dtstart", _utc(event.starts_at))
    component.add("dtend", _utc(event.ends_at))
    component.add("status", status)
    component.add("summary", _line(event.summary, SUMMARY_LENGTH))
    for name, text in (("location", _line(event.location, LOCATION_LENGTH)), ("description", _text(event.description, DESCRIPTION_LENGTH))):
        if text:
            component.add(name, text)
    # No name beside the organiser's address: with one inside, Gmail no longer finds the entry that an update is about.
    component.add("organizer", vCalAddress(f"mailto:{event.organizer}"))
    component.add("attendee", _attendee(event, wants_reply=method == "REQUEST"))

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(component)
    return bytes(calendar.to_ical()).decode()


def _attendee(event: Event, *, wants_reply: bool) -> vCalAddress:
    """The recipient and nobody else: who the other guests are is nobody's business."""
    attendee = vCalAddress(f"mailto:{event.attendee}")
    if name := _line(event.attendee_name, NAME_LENGTH).translate(PARAMETER_LETTERS):
        attendee.params["CN"] = name
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["PARTSTAT"] = "NEEDS-ACTION"
    if wants_reply:
        attendee.params["RSVP"] = "TRUE"
    return attendee


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"an instant without a time zone: {instant}")
    return instant.astimezone(UTC).replace(microsecond=0)


def _line(value: str, length: int) -> str:
    """A text as one line."""
    return " ".join(_text(value, length).split("\n"))


def _text(value: str, length: int) -> str:
    """Without the characters that break lines for some parsers, or turn the direction of writing; line feeds stay."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    kept = "".join(letter for letter in lines if letter == "\n" or unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    return kept if len(kept) <= length else kept[: length - 1].rstrip() + "…"
