"""A venue is taken once: by a job dating, or by something else; and it is open at its hours."""

from datetime import UTC, datetime, time, timedelta
from io import BytesIO

import pytest
from PIL import Image

from matchmaker.extensions import db
from matchmaker.models import VenuePhoto
from matchmaker.models.base import now
from matchmaker.services import job_datings, venue_bookings, venue_photos, venues
from matchmaker.services.errors import BadPicture, NotAllowedNow, VenueBlocked, VenueTaken
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, venue


def prepared(place):
    job_dating = JobDatingFactory(venue=place)
    job_datings.choose(job_dating, [MatchFactory(mutual=True)])
    return job_dating


def test_hours_that_are_blocked_take_no_job_dating_and_give_way_once_they_are_free(app):
    place = venue()
    job_dating = prepared(place)
    kept = venue_bookings.block(place, starts_at=job_dating.ends_at - timedelta(minutes=1), ends_at=job_dating.ends_at + timedelta(hours=4), reason="Travaux")

    with pytest.raises(VenueBlocked):
        job_datings.publish(job_dating, settings=mail_settings())
    assert venue_bookings.unblock(place, kept.id)
    assert not venue_bookings.unblock(place, kept.id)

    assert job_datings.publish(job_dating, settings=mail_settings())


def test_hours_that_only_touch_do_not_stand_in_each_others_way(app):
    place = venue()
    job_dating = prepared(place)
    venue_bookings.block(place, starts_at=job_dating.ends_at, ends_at=job_dating.ends_at + timedelta(hours=1), reason="")

    assert job_datings.publish(job_dating, settings=mail_settings())


def test_a_published_job_dating_is_not_blocked_away_and_the_past_is_not_blocked(app):
    place = venue()
    job_dating = prepared(place)
    job_datings.publish(job_dating, settings=mail_settings())

    with pytest.raises(VenueTaken):
        venue_bookings.block(place, starts_at=job_dating.starts_at, ends_at=job_dating.ends_at, reason="")
    with pytest.raises(NotAllowedNow):
        venue_bookings.block(place, starts_at=now() - timedelta(hours=2), ends_at=now() - timedelta(hours=1), reason="")


def test_the_calendar_holds_what_takes_the_venue_in_order_and_nothing_of_others(app):
    place, other = venue(), venue()
    job_dating = prepared(place)
    prepared(other)
    kept = venue_bookings.block(place, starts_at=job_dating.ends_at, ends_at=job_dating.ends_at + timedelta(hours=1), reason="")
    venue_bookings.block(other, starts_at=job_dating.ends_at, ends_at=job_dating.ends_at + timedelta(hours=1), reason="")

    found = venue_bookings.between(place, job_dating.starts_at - timedelta(days=3), job_dating.ends_at + timedelta(days=3))

    assert [(one.job_dating, one.block) for one in found] == [(job_dating, None), (None, kept)]


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [((8, 0), (11, 0), True), ((7, 59), (11, 0), False), ((8, 0), (16, 1), False), ((15, 0), (23, 30), False)],
)
def test_it_is_open_at_its_hours_on_the_clock_of_the_place(app, starts, ends, expected):
    place = venue()
    # A Thursday in winter: Paris is an hour ahead.
    at = [datetime(2027, 1, 21, *hour, tzinfo=UTC) for hour in (starts, ends)]
    assert venues.is_open(place, *at)

    venues.describe(place, commune=place.commune, rooms=venues.room_plans(place), hours=[venues.Opening(3, time(9), time(17))])

    assert venues.is_open(place, *at) is expected
    assert not venues.is_open(place, *[one + timedelta(days=1) for one in at])


def test_quiet_tables_are_the_last_of_their_room_and_can_be_named_on_tables_that_hold_a_plan(app):
    place = venue(tables=4, accessible=1)
    prepared(place)

    venues.describe(place, commune=place.commune, rooms=[venues.RoomPlan("Grande salle", 4, 1, 2)])

    assert [(table.number, table.is_accessible, table.is_quiet) for table in place.tables] == [
        (1, True, False),
        (2, False, False),
        (3, False, True),
        (4, False, True),
    ]


def picture(size=(3000, 2000), kind="JPEG", **options):
    written = BytesIO()
    Image.new("RGB", size, "teal").save(written, kind, **options)
    return written.getvalue()


def test_a_photo_is_made_anew_smaller_upright_and_without_what_the_camera_wrote(app):
    place, exif = venue(), Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Appareil de Claude"

    photo = venue_photos.add(place, picture(exif=exif), alt="L’entrée")

    kept = Image.open(BytesIO(photo.content))
    assert (kept.format, kept.size, len(kept.getexif())) == ("JPEG", (1067, 1600), 0)
    assert b"Claude" not in photo.content
    assert (photo.width, photo.height) == kept.size


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_kinds_become_the_same_kind(app, kind):
    photo = venue_photos.add(venue(), picture(kind=kind), alt="La salle")

    assert Image.open(BytesIO(photo.content)).format == "JPEG"


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a" + b"x" * 50, b"\xff\xd8\xff\xe0" + b"\x00" * 40, picture(size=(60, 60), kind="GIF"), picture()[:900], b"x" * (5 * 1024 * 1024 + 1)],
)
def test_what_is_no_photo_is_refused_and_leaves_nothing(app, content):
    place = venue()

    with pytest.raises(BadPicture):
        venue_photos.add(place, content, alt="La salle")

    assert db.session.query(VenuePhoto).count() == 0


def test_a_seventh_photo_waits_until_one_is_taken_away(app):
    place, small = venue(), picture(size=(40, 30))
    photos = [venue_photos.add(place, small, alt=f"Vue {number}") for number in range(venue_photos.MOST_PHOTOS)]

    with pytest.raises(NotAllowedNow):
        venue_photos.add(place, small, alt="Une de trop")
    assert venue_photos.remove(place, photos[0].id)
    assert not venue_photos.remove(place, photos[0].id)

    assert venue_photos.add(place, small, alt="Une de plus").position == venue_photos.MOST_PHOTOS
