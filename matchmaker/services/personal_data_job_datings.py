"""Taking one person, or a structure that closes, out of venues and job datings. The caller commits."""

from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from matchmaker.extensions import db
from matchmaker.models import (
    CalendarReply,
    CheckInLink,
    Invitation,
    InvitationNotice,
    JobDating,
    Participant,
    PlanChange,
    PresenceAct,
    Room,
    Series,
    Venue,
    VenueBlock,
    VenuePhoto,
)
from matchmaker.services.personal_data_scrubbing import scrub
from matchmaker.services.personal_data_subject import Erased


def venues_of(erased: Erased) -> Any:
    return select(Venue.id).where(Venue.organisation_id == erased.organisation_id)


def scrub_venues(erased: Erased) -> None:
    columns = [Venue.name, Venue.address, Venue.access_text, Venue.transport_text, Venue.description]
    scrub(columns, erased.words, where=Venue.organisation_id == erased.organisation_id)


def scrub_rooms(erased: Erased) -> None:
    scrub([Room.name], erased.words, where=Room.venue_id.in_(venues_of(erased)))


def erase_blocks(erased: Erased) -> None:
    if erased.is_with_structure:
        db.session.execute(update(VenueBlock).where(VenueBlock.venue_id.in_(venues_of(erased))).values(reason=""))
    scrub([VenueBlock.reason], erased.words, where=VenueBlock.venue_id.in_(venues_of(erased)))


def scrub_photos(erased: Erased) -> None:
    """Those of a structure that is closed went with its venues' descriptions; a picture of a house that stays is the house's, without the name."""
    scrub([VenuePhoto.alt], erased.words, where=VenuePhoto.venue_id.in_(venues_of(erased)))


def scrub_series(erased: Erased) -> None:
    scrub([Series.title], erased.words, where=Series.venue_id.in_(venues_of(erased)))


def scrub_job_datings(erased: Erased) -> None:
    scrub([JobDating.title, JobDating.theme], erased.words, where=JobDating.id.in_(erased.job_datings))


def erase_access_notes(erased: Erased) -> None:
    if erased.is_with_structure:
        ours = Participant.organisation_id == erased.organisation_id
        db.session.execute(update(Participant).where(ours).values(access_note="", needs_accessible=False))
    scrub([Participant.access_note], erased.words, where=Participant.organisation_id == erased.organisation_id)


def erase_invitations(erased: Erased) -> None:
    theirs: ColumnElement[bool] = Invitation.email == erased.email
    if erased.is_with_structure:
        theirs = or_(theirs, Invitation.organisation_id == erased.organisation_id)
    db.session.execute(update(Invitation).where(theirs).values(email=""))


def scrub_notices(erased: Erased) -> None:
    columns = [InvitationNotice.title, InvitationNotice.town, InvitationNotice.place, InvitationNotice.access_text, InvitationNotice.meetings]
    about = select(Invitation.id).where(Invitation.job_dating_id.in_(erased.job_datings))
    scrub(columns, erased.words, where=InvitationNotice.invitation_id.in_(about))


def erase_replies(erased: Erased) -> None:
    theirs: ColumnElement[bool] = CalendarReply.sender.ilike(f"%{erased.email}%")
    if erased.is_with_structure:
        theirs = or_(theirs, CalendarReply.invitation_id.in_(erased.invitations))
    db.session.execute(update(CalendarReply).where(theirs).values(sender=""))


def scrub_check_in_links(erased: Erased) -> None:
    scrub([CheckInLink.name], erased.words, where=CheckInLink.job_dating_id.in_(erased.job_datings))


def scrub_presence(erased: Erased) -> None:
    scrub([PresenceAct.by], erased.words, where=PresenceAct.by == erased.name)


def scrub_plan_changes(erased: Erased) -> None:
    scrub([PlanChange.by], erased.words, where=PlanChange.by == erased.name)
    scrub([PlanChange.moves], erased.words, where=PlanChange.job_dating_id.in_(erased.job_datings))
