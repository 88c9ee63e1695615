"""A host shows its venue: hours, equipment, pictures, and the calendar of what takes it."""

from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image

from matchmaker.extensions import db
from matchmaker.models import JobDatingStatus, VenueBlock, VenuePhoto
from matchmaker.models.base import PARIS, now
from matchmaker.services import venue_photos, venues
from tests.factories import JobDatingFactory, UserFactory, venue
from tests.pages import forms, heading, words


@pytest.fixture
def place(client):
    host = UserFactory(host=True)
    client.sign_in(host)
    return venue(host.organisation)


def jpeg(size=(40, 30)):
    written = BytesIO()
    Image.new("RGB", size, "teal").save(written, "JPEG")
    return written.getvalue()


def test_a_host_writes_hours_equipment_and_quiet_tables_and_the_form_comes_back_as_it_was(client, place):
    shown = forms(client.get(f"/lieux/{place.id}/modifier").text)[-1]
    typed = {
        "transport_text": "Gare à 300 m",
        "equipment": ["wifi", "hearing_loop"],
        "hours-3-opens_at": "09:00",
        "hours-3-closes_at": "17:30",
        "rooms-0-quiet_tables": "2",
    }

    answer = client.post(f"/lieux/{place.id}/modifier", data=shown.filled(**typed))

    assert answer.status_code == 302, words(answer.text)
    page = words(client.get(f"/lieux/{place.id}").text)
    assert "Gare à 300 m" in page
    assert "wifi et boucle magnétique" in page
    assert "jeudi de 9 h à 17 h 30" in page
    again = forms(client.get(f"/lieux/{place.id}/modifier").text)[-1]
    assert {name: again.values[name] for name in typed} == {name: value if isinstance(value, list) else [value] for name, value in typed.items()}


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"hours-0-opens_at": "18:00", "hours-0-closes_at": "09:00"}, "Écrivez deux heures"),
        ({"hours-0-opens_at": "9h"}, "Écrivez deux heures"),
        ({"rooms-0-quiet_tables": "9"}, "au plus celui des tables"),
        ({"equipment": ["piscine"]}, "choix"),
    ],
)
def test_hours_and_tables_that_cannot_be_are_told_beside_their_field(client, place, typed, sentence):
    shown = forms(client.get(f"/lieux/{place.id}/modifier").text)[-1]

    answer = client.post(f"/lieux/{place.id}/modifier", data=shown.filled(**typed))

    assert (answer.status_code, sentence in words(answer.text)) == (422, True)


def test_a_photo_is_added_shown_to_anybody_and_taken_away(app, client, place):
    page = f"/lieux/{place.id}/photos"

    added = client.post(page, data={"picture": (BytesIO(jpeg()), "facade.jpg"), "alt": "La façade"})

    assert added.status_code == 302
    photo = db.session.query(VenuePhoto).one()
    shown = app.test_client().get(f"/photos/{photo.id}.jpg")
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert "immutable" in shown.headers["Cache-Control"]
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert app.test_client().get(f"/photos/{photo.id}.jpg", headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    assert 'alt="La façade"' in client.get(f"/lieux/{place.id}").text
    assert client.post(f"{page}/{photo.id}/retrait").status_code == 302
    assert app.test_client().get(f"/photos/{photo.id}.jpg").status_code == 404


def sent(picture):
    """A form as a browser writes it, in memory."""
    parts = [("alt", "", "La façade".encode()), ("picture", '; filename="facade.jpg"', picture)]
    written = b"".join(f'--lime\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + body + b"\r\n" for name, more, body in parts)
    return {"data": written + b"--lime--\r\n", "content_type": "multipart/form-data; boundary=lime"}


def test_a_photo_that_is_none_or_has_no_words_is_refused_and_a_large_one_is_read(client, place):
    page = f"/lieux/{place.id}/photos"

    none = client.post(page, data={"picture": (BytesIO(b"<svg onload=alert(1)>"), "x.jpg"), "alt": "La façade"})
    mute = client.post(page, data={"picture": (BytesIO(jpeg()), "facade.jpg"), "alt": " "})
    empty = client.post(page, data={"alt": "La façade"})
    large = client.post(page, **sent(jpeg() + b"\0" * 3_000_000))
    heavy = client.post(page, **sent(jpeg() + b"\0" * 6_000_000))

    assert [answer.status_code for answer in (none, mute, empty, large, heavy)] == [422, 422, 422, 302, 413]
    assert "Nous n’avons pas pu lire cette image." in none.text
    assert "Décrivez la photo" in mute.text
    assert "Choisissez une photo." in empty.text
    assert db.session.query(VenuePhoto).count() == 1


def test_the_calendar_says_what_takes_a_month_and_hours_are_blocked_and_freed(client, place):
    job_dating = JobDatingFactory(venue=place, status=JobDatingStatus.PUBLISHED, published_at=now())
    venues.describe(place, commune=place.commune, rooms=venues.room_plans(place), hours=[venues.Opening((job_dating.starts_at.weekday() + 1) % 7, *HOURS)])
    day = job_dating.starts_at.astimezone(PARIS).date()
    page = f"/lieux/{place.id}/calendrier"

    month = client.get(f"{page}?mois={day:%Y-%m}")
    taken = client.post(page, data=hours_on(day))
    free = client.post(page, data=hours_on(day + timedelta(days=1), reason="Travaux"))

    assert heading(month.text).startswith("1 réservation en")
    assert "est fermé le" in words(month.text)
    assert (taken.status_code, "y est publié" in taken.text) == (422, True)
    assert free.status_code == 302
    assert "Travaux" in client.get(free.location).text
    kept = db.session.query(VenueBlock).one()
    assert client.post(f"{page}/{kept.id}/liberation").status_code == 302
    assert db.session.query(VenueBlock).count() == 0


HOURS = [venues.time(9), venues.time(18)]


def hours_on(day, **more):
    return {"starts_on": f"{day}", "starts": "08:00", "ends_on": f"{day}", "ends": "20:00", **more}


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"starts_on": ""}, "Choisissez une date."),
        ({"starts_on": "9999-12-31"}, "Vérifiez l’année."),
        ({"ends": "07:00"}, "La fin vient après le début."),
        ({"starts_on": "2020-01-01", "ends_on": "2020-01-01"}, "Vérifiez l’année."),
        ({"ends": "25:61"}, ""),
    ],
)
def test_hours_that_cannot_be_are_not_blocked(client, place, typed, sentence):
    day = (now() + timedelta(days=9)).date()

    answer = client.post(f"/lieux/{place.id}/calendrier", data=hours_on(day) | typed)

    assert (answer.status_code, sentence in words(answer.text)) == (422, True)
    assert db.session.query(VenueBlock).count() == 0


@pytest.mark.parametrize("month", ["", "2027-13", "0001-01", "9999-12", "x" * 500, "2027-02-03"])
def test_a_month_that_is_none_is_this_one(client, place, month):
    assert client.get(f"/lieux/{place.id}/calendrier", query_string={"mois": month}).status_code == 200


def test_the_page_of_a_venue_asks_as_often_with_many_photos_and_hours(client, place, queries):
    def count():
        queries.clear()
        assert client.get(f"/lieux/{place.id}").status_code == 200
        return len(queries)

    venue_photos.add(place, jpeg(), alt="Une")
    db.session.commit()
    before = count()
    for number in range(4):
        venue_photos.add(place, jpeg(), alt=f"Vue {number}")
    venues.describe(place, commune=place.commune, rooms=venues.room_plans(place), hours=[venues.Opening(day, *HOURS) for day in range(7)])
    db.session.commit()

    assert count() == before
