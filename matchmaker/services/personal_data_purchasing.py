"""Taking one person, or a structure that closes, out of responsible purchasing. The caller commits."""

from typing import Any

from sqlalchemy import delete, or_, select, update

from matchmaker.extensions import db
from matchmaker.models import AnswerState, GroupAnswer, GroupMember, Need, Organisation, SearchQuestion, Shortlist, ShortlistEntry, SupplierSearch
from matchmaker.services import outbox, purchasing_groups, purchasing_groups_reading, purchasing_searches
from matchmaker.services.personal_data_scrubbing import scrub
from matchmaker.services.personal_data_subject import Erased


def leave_purchasing(organisation: Organisation, *, settings: outbox.MailSettings) -> None:
    """End the searches of a structure that closes, take back the answers that it leads, and leave those of others; they are told."""
    for search in purchasing_searches.searches_by(organisation):
        if search.is_open:
            purchasing_searches.stop(search, settings=settings)
    for member in purchasing_groups_reading.memberships(organisation):
        if member.group.state is AnswerState.WITHDRAWN or not member.is_present:
            continue
        if member.group.lead_id == organisation.id:
            purchasing_groups.withdraw(member.group, settings=settings)
        else:
            purchasing_groups.decline(member, settings=settings)


def searches_of(erased: Erased) -> Any:
    """Those that the structure opened."""
    return select(SupplierSearch.id).join(SupplierSearch.need).where(Need.organisation_id == erased.organisation_id)


def groups_of(erased: Erased) -> Any:
    """Answers that the structure is or was in, and those that it received."""
    joined = select(GroupMember.group_id).where(GroupMember.organisation_id == erased.organisation_id)
    return joined.union(select(GroupAnswer.id).where(GroupAnswer.search_id.in_(searches_of(erased))))


def erase_shortlists(erased: Erased) -> None:
    if erased.is_with_structure:
        db.session.execute(delete(Shortlist).where(Shortlist.organisation_id == erased.organisation_id))
    scrub([Shortlist.name], erased.words, where=Shortlist.organisation_id == erased.organisation_id)


def erase_shortlist_notes(erased: Erased) -> None:
    """What buyers noted about a structure that is gone goes with it."""
    if erased.is_with_structure:
        db.session.execute(delete(ShortlistEntry).where(ShortlistEntry.supplier_id == erased.organisation_id))
    ours = ShortlistEntry.shortlist_id.in_(select(Shortlist.id).where(Shortlist.organisation_id == erased.organisation_id))
    scrub([ShortlistEntry.note], erased.words, where=or_(ours, ShortlistEntry.supplier_id == erased.organisation_id))


def scrub_questions(erased: Erased) -> None:
    """Everybody reads them: their words stay, without the names."""
    ours = or_(SearchQuestion.organisation_id == erased.organisation_id, SearchQuestion.search_id.in_(searches_of(erased)))
    scrub([SearchQuestion.question, SearchQuestion.answer], erased.words, where=ours)


def erase_answers(erased: Erased) -> None:
    """Those that the structure led were taken back before."""
    if erased.is_with_structure:
        own = (GroupAnswer.lead_id == erased.organisation_id, GroupAnswer.state == AnswerState.WITHDRAWN)
        db.session.execute(update(GroupAnswer).where(*own).values(summary="", contact=""))
    scrub([GroupAnswer.summary, GroupAnswer.contact], erased.words, where=GroupAnswer.id.in_(groups_of(erased)))


def erase_parts(erased: Erased) -> None:
    if erased.is_with_structure:
        db.session.execute(update(GroupMember).where(GroupMember.organisation_id == erased.organisation_id).values(part="", comment=""))
    scrub([GroupMember.part, GroupMember.comment], erased.words, where=GroupMember.group_id.in_(groups_of(erased)))
