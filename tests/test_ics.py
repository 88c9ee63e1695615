"""Calendar objects, read by two parsers that are not ours and by a line checker that is."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import icalendar
import pytest
import vobject

from matchmaker import ics

EVENT = ics.Event(
    uid="2f1c@croisee.test",
    sequence=3,
    stamp=datetime(2027, 1, 2, 9, 0, 0, 123456, tzinfo=UTC),
    starts_at=datetime(2027, 1, 21, 9, 0, tzinfo=timezone(timedelta(hours=1))),
    ends_at=datetime(2027, 1, 21, 12, 0, tzinfo=timezone(timedelta(hours=1))),
    organizer="bonjour@croisee.test",
    attendee="contact@picoree.test",
    attendee_name="Picorée",
    summary="Job dating de l’hiver",
    location="Le Palonnier, 3 allée du Tissage, Flers",
    description="De plain-pied.\nRépondre : https://croisee.test/invitations/abc",
)
NASTY = [
    "a\r\nATTACH:http://evil.test/x",
    "a\rATTENDEE:mailto:eve@evil.test",
    'virgule, point-virgule; barre \\ deux-points: guillemet " fin',
    "\u202eà l’envers\u200f",
    "🎉" * 60,
    "é" * 5000,
    "ligne\u2028séparée\x85encore\x0bici\x00là",
    "\\n n’est pas une fin de ligne",
    "BEGIN:VEVENT",
]


def check_lines(text: str) -> dict[str, list[str]]:
    """Every rule of the format that a program can check without a parser. Returns the unfolded values by property."""
    raw = text.encode()
    assert raw.endswith(b"\r\n")
    assert raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")
    lines = raw[:-2].split(b"\r\n")
    for line in lines:
        assert 0 < len(line) <= 75
        line.decode()  # no fold inside a character
        assert not any((byte < 32 and byte != 9) or byte == 127 for byte in line)
    unfolded = raw[:-2].decode().replace("\r\n ", "").split("\r\n")
    properties: dict[str, list[str]] = {}
    for line in unfolded:
        match = re.fullmatch(r'([A-Z-]+)((?:;[A-Z-]+=(?:"[^"]*"|[^";:,]*))*):(.*)', line)
        assert match, line
        properties.setdefault(match[1], []).append(match[3])
    for name in ("BEGIN", "END"):
        assert sorted(properties[name]) == ["VCALENDAR", "VEVENT"]
    once = ("VERSION", "PRODID", "METHOD", "UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "STATUS", "SUMMARY", "ORGANIZER", "ATTENDEE")
    assert all(len(properties[name]) == 1 for name in once)
    assert not {"ATTACH", "VALARM", "TZID", "RECURRENCE-ID", "RRULE"} & set(properties)
    assert all(re.fullmatch(r"\d{8}T\d{6}Z", properties[name][0]) for name in ("DTSTAMP", "DTSTART", "DTEND"))
    return properties


def test_a_request_says_who_when_and_where_as_the_rules_of_invitations_want_it():
    properties = check_lines(ics.request(EVENT))

    assert properties["METHOD"] == ["REQUEST"]
    assert properties["STATUS"] == ["CONFIRMED"]
    assert properties["UID"] == ["2f1c@croisee.test"]
    assert properties["SEQUENCE"] == ["3"]
    assert properties["DTSTAMP"] == ["20270102T090000Z"]
    assert properties["DTSTART"] == ["20270121T080000Z"]
    assert properties["DTEND"] == ["20270121T110000Z"]
    assert properties["ORGANIZER"] == ["mailto:bonjour@croisee.test"]
    assert properties["ATTENDEE"] == ["mailto:contact@picoree.test"]
    assert properties["LOCATION"] == [r"Le Palonnier\, 3 allée du Tissage\, Flers"]
    assert r"plain-pied.\nRépondre" in properties["DESCRIPTION"][0]


def test_a_cancellation_differs_in_method_status_and_reply_only():
    asked, called_off = check_lines(ics.request(EVENT)), check_lines(ics.cancel(replace(EVENT, sequence=4)))

    assert called_off["METHOD"] == ["CANCEL"]
    assert called_off["STATUS"] == ["CANCELLED"]
    assert called_off["SEQUENCE"] == ["4"]
    same = ("UID", "ORGANIZER", "ATTENDEE", "DTSTART", "DTEND", "SUMMARY")
    assert [called_off[name] for name in same] == [asked[name] for name in same]
    assert "RSVP" not in ics.cancel(EVENT)


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("make", [ics.request, ics.cancel])
def test_no_text_breaks_out_of_its_property(text, make):
    written = make(replace(EVENT, summary=f"x{text}", location=text, description=text, attendee_name=text))

    check_lines(written)
    calendar = icalendar.Calendar.from_ical(written)
    (event,) = calendar.walk("VEVENT")
    assert len(calendar.walk()) == 2
    assert event["attendee"] == "mailto:contact@picoree.test"
    assert "evil.test" not in str(event.get("attach", ""))
    assert not set("\u202e\u200f\u2028\x85\x00") & set(written)
    other = vobject.readOne(written)
    assert [child.name for child in other.getChildren()].count("VEVENT") == 1
    # Both parsers read back the same title.
    assert other.vevent.summary.value == str(event["summary"])


def test_two_parsers_read_back_what_was_meant():
    written = ics.request(EVENT)

    (event,) = icalendar.Calendar.from_ical(written).walk("VEVENT")
    other = vobject.readOne(written).vevent
    assert event.decoded("dtstart") == EVENT.starts_at
    assert other.dtstart.value == EVENT.starts_at
    assert str(event["description"]) == other.description.value == EVENT.description
    assert str(event["location"]) == other.location.value == EVENT.location
    assert event["attendee"].params == {"CN": "Picorée", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"}
    assert dict(event["organizer"].params) == {}
    assert other.attendee.params["CN"] == ["Picorée"]


def test_an_instant_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"):
        ics.request(replace(EVENT, starts_at=datetime(2027, 1, 21, 9, 0)))  # noqa: DTZ001
