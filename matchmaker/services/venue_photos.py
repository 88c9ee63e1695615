"""Pictures of a venue: made anew from what was sent, so that nothing but the picture is kept."""

from io import BytesIO
from uuid import UUID

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import select
from sqlalchemy.orm import undefer

from matchmaker.extensions import db
from matchmaker.models import Venue, VenuePhoto
from matchmaker.services import venues
from matchmaker.services.errors import BadPicture, NotAllowedNow

MOST_PHOTOS = 6
MOST_BYTES = 5 * 1024 * 1024
FORMATS = ("JPEG", "PNG", "WEBP")
# The longer side of what is kept; and of what is read: a small file can hold a picture that fills the memory.
SIDE, MOST_PIXELS = 1600, 40_000_000
QUALITY = 82


def add(venue: Venue, content: bytes, *, alt: str) -> VenuePhoto:
    """Keep a picture, after the others. Raises BadPicture for what is none, and NotAllowedNow when there are enough of them."""
    picture = read(content)
    venues.lock(venue)
    db.session.expire(venue, ["photos"])
    if len(venue.photos) >= MOST_PHOTOS:
        raise NotAllowedNow("enough photos")
    position = max((photo.position for photo in venue.photos), default=-1) + 1
    written = BytesIO()
    # Nothing of what the camera wrote beside the picture goes along: neither where it was taken nor by whom.
    picture.save(written, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    photo = VenuePhoto(position=position, alt=alt, width=picture.width, height=picture.height, content=written.getvalue())
    venue.photos.append(photo)
    db.session.flush()
    return photo


def read(content: bytes) -> Image.Image:
    """The picture upright, in plain colours, no larger than needed. Raises BadPicture."""
    if len(content) > MOST_BYTES:
        raise BadPicture("too heavy")
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise BadPicture("too many pixels")
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((SIDE, SIDE))
            return on_white(upright)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise BadPicture("unreadable") from error


def on_white(picture: Image.Image) -> Image.Image:
    """What is transparent becomes white; a new picture, without anything that was attached to the old one."""
    clear = picture.convert("RGBA")
    plain = Image.new("RGB", clear.size, "white")
    plain.paste(clear, mask=clear.getchannel("A"))
    return plain


def remove(venue: Venue, photo_id: UUID) -> bool:
    """Take a picture away. False when it is not there: it was taken away already."""
    photo = next((photo for photo in venue.photos if photo.id == photo_id), None)
    if photo is not None:
        venue.photos.remove(photo)
        db.session.flush()
    return photo is not None


def photo(photo_id: UUID) -> VenuePhoto | None:
    """One picture with its content."""
    return db.session.scalars(select(VenuePhoto).where(VenuePhoto.id == photo_id).options(undefer(VenuePhoto.content))).one_or_none()
