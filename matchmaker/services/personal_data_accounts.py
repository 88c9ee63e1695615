"""Taking one person, or a structure that closes, out of accounts, ways in and the sheets of structures. The caller commits."""

from sqlalchemy import ColumnElement, delete, or_, update

from matchmaker.extensions import db
from matchmaker.models import CompanyRecord, JoinRequest, MemberInvitation, MergedOrganisation, Organisation, SignUp, Territory
from matchmaker.services.personal_data_scrubbing import scrub
from matchmaker.services.personal_data_subject import Erased


def goes_with_the_account(_erased: Erased) -> None:
    """Nothing to do here: the row goes with the account."""


def erase_contacts(erased: Erased) -> None:
    """An animator who is erased answers for no territory any more."""
    theirs = or_(Territory.contact_email == erased.email, (Territory.contact_name == erased.name) & (Territory.contact_name != ""))
    db.session.execute(update(Territory).where(theirs).values(contact_name="", contact_email="", contact_phone=""))


def erase_sign_ups(erased: Erased) -> None:
    db.session.execute(delete(SignUp).where(SignUp.email == erased.email))


def erase_member_invitations(erased: Erased) -> None:
    theirs: ColumnElement[bool] = MemberInvitation.email == erased.email
    if erased.is_with_structure:
        theirs = or_(theirs, MemberInvitation.organisation_id == erased.organisation_id)
    db.session.execute(delete(MemberInvitation).where(theirs))


def erase_join_requests(erased: Erased) -> None:
    """One's own, and with a structure those that waited for it. What others wrote to those who stay loses the name."""
    theirs: ColumnElement[bool] = JoinRequest.email == erased.email
    if erased.is_with_structure:
        theirs = or_(theirs, JoinRequest.organisation_id == erased.organisation_id)
    db.session.execute(delete(JoinRequest).where(theirs))
    scrub([JoinRequest.message], erased.words, where=JoinRequest.organisation_id == erased.organisation_id)


def erase_merged_sheets(erased: Erased) -> None:
    """What the sheet of an entry said that was merged into the own structure."""
    if erased.is_with_structure:
        db.session.execute(update(MergedOrganisation).where(MergedOrganisation.kept_id == erased.organisation_id).values(sheet={}))
    scrub([MergedOrganisation.sheet], erased.words, where=MergedOrganisation.kept_id == erased.organisation_id)


def erase_company_records(erased: Erased) -> None:
    db.session.execute(delete(CompanyRecord).where(CompanyRecord.number.in_(erased.words.keys)))


def scrub_structures(erased: Erased) -> None:
    """The own one is closed already; others may have the person's address by mistake."""
    scrub([Organisation.description, Organisation.address, Organisation.website], erased.words)
    db.session.execute(update(Organisation).where(Organisation.email == erased.email).values(email=""))
