"""One function for each table that holds personal columns: it takes one person out of that table. The caller commits.

The list at the end has the tables of models/personal_data.py, no more and no less: a test compares them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, or_, select, update

from matchmaker.extensions import db
from matchmaker.models import (
    CalendarReply,
    CheckInLink,
    ClusterInvitation,
    CommunityMember,
    CompanyRecord,
    DeclarationDraft,
    DirectoryReport,
    Invitation,
    InvitationNotice,
    JobDating,
    JoinRequest,
    Match,
    MemberInvitation,
    MergedOrganisation,
    Message,
    Need,
    News,
    Offer,
    Organisation,
    OutboxMail,
    Participant,
    PlanChange,
    Pool,
    PoolShare,
    PresenceAct,
    Proposal,
    Room,
    Series,
    SignUp,
    Story,
    StoryStatus,
    Territory,
    User,
    Venue,
    VenueBlock,
    WorkAct,
)
from matchmaker.models.base import now
from matchmaker.models.personal_data import PERSONAL, Way
from matchmaker.services.personal_data_purchasing import erase_answers, erase_parts, erase_shortlist_notes, erase_shortlists, scrub_questions
from matchmaker.services.personal_data_scrubbing import Words, scrub, scrub_mails

NO_LONGER = "Message effacé avec le compte de qui l’a écrit."


@dataclass(frozen=True)
class Erased:
    """Who is erased: an account, and its structure when nobody else speaks for it. As they were before anything was taken away."""

    user_id: UUID
    email: str
    name: str
    organisation_id: UUID | None
    is_with_structure: bool
    words: Words

    @classmethod
    def of(cls, user: User, *, with_structure: bool) -> "Erased":
        keys = [user.email]
        structure = user.organisation if with_structure else None
        if structure is not None:
            keys += keys_of(structure)
        words = Words.of(keys=keys, person=user.name, structure=structure.name if structure else "")
        return cls(user.id, user.email, user.name, user.organisation_id, with_structure, words)

    @classmethod
    def of_structure(cls, structure: Organisation) -> "Erased":
        """A structure that no account speaks for."""
        # Of nobody: it matches no row of any person.
        words = Words.of(keys=keys_of(structure), structure=structure.name)
        return cls(uuid4(), f"{uuid4()}@personne.invalid", "", structure.id, True, words)

    @cached_property
    def matches(self) -> Any:
        needs, offers = (select(model.id).where(model.organisation_id == self.organisation_id) for model in (Need, Offer))
        return select(Match.id).where(or_(Match.need_id.in_(needs), Match.offer_id.in_(offers)))

    @cached_property
    def job_datings(self) -> Any:
        """Those that the structure received or came to."""
        venues = select(Venue.id).where(Venue.organisation_id == self.organisation_id)
        came = select(Participant.job_dating_id).where(Participant.organisation_id == self.organisation_id)
        return select(JobDating.id).where(or_(JobDating.venue_id.in_(venues), JobDating.id.in_(came)))

    @cached_property
    def invitations(self) -> Any:
        return select(Invitation.id).where(Invitation.organisation_id == self.organisation_id)


def keys_of(structure: Organisation) -> list[str]:
    """What is this structure's alone."""
    return [structure.email, structure.phone, structure.website, structure.siret or "", structure.rna or "", structure.address]


def goes_with_the_account(_erased: Erased) -> None:
    """Nothing to do here: the row goes with the account."""


def erase_contacts(erased: Erased) -> None:
    """An animator who is erased answers for no territory any more."""
    theirs = or_(Territory.contact_email == erased.email, (Territory.contact_name == erased.name) & (Territory.contact_name != ""))
    db.session.execute(update(Territory).where(theirs).values(contact_name="", contact_email="", contact_phone=""))


def erase_sign_ups(erased: Erased) -> None:
    db.session.execute(delete(SignUp).where(SignUp.email == erased.email))


def erase_member_invitations(erased: Erased) -> None:
    db.session.execute(delete(MemberInvitation).where(MemberInvitation.email == erased.email))


def erase_join_requests(erased: Erased) -> None:
    db.session.execute(delete(JoinRequest).where(JoinRequest.email == erased.email))


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


def scrub_needs(erased: Erased) -> None:
    scrub([Need.title, Need.description, Need.skills, Need.details], erased.words, where=Need.organisation_id == erased.organisation_id)


def scrub_offers(erased: Erased) -> None:
    scrub([Offer.title, Offer.description, Offer.skills, Offer.details], erased.words, where=Offer.organisation_id == erased.organisation_id)


def erase_drafts(erased: Erased) -> None:
    if erased.is_with_structure:
        db.session.execute(delete(DeclarationDraft).where(DeclarationDraft.organisation_id == erased.organisation_id))
    scrub([DeclarationDraft.answers], erased.words, where=DeclarationDraft.organisation_id == erased.organisation_id)


def scrub_venues(erased: Erased) -> None:
    columns = [Venue.name, Venue.address, Venue.access_text, Venue.transport_text, Venue.description]
    scrub(columns, erased.words, where=Venue.organisation_id == erased.organisation_id)


def scrub_rooms(erased: Erased) -> None:
    scrub([Room.name], erased.words, where=Room.venue_id.in_(venues_of(erased)))


def erase_blocks(erased: Erased) -> None:
    if erased.is_with_structure:
        db.session.execute(update(VenueBlock).where(VenueBlock.venue_id.in_(venues_of(erased))).values(reason=""))
    scrub([VenueBlock.reason], erased.words, where=VenueBlock.venue_id.in_(venues_of(erased)))


def erase_photos(_erased: Erased) -> None:
    """Those of a structure that is closed went with its venues' descriptions; a picture of a house that stays is the house's."""


def venues_of(erased: Erased) -> Any:
    return select(Venue.id).where(Venue.organisation_id == erased.organisation_id)


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


def scrub_comments(erased: Erased) -> None:
    """One's own reasons go with the structure; in those of partners the names go."""
    if erased.is_with_structure:
        db.session.execute(update(Proposal).where(Proposal.organisation_id == erased.organisation_id).values(decline_comment=""))
    scrub([Proposal.decline_comment], erased.words, where=Proposal.match_id.in_(erased.matches))


def erase_messages(erased: Erased) -> None:
    """What the person wrote goes; what others wrote to them keeps its words without the names."""
    theirs: ColumnElement[bool] = Message.author_id == erased.user_id
    if erased.is_with_structure:
        ours = select(Proposal.match_id).where(Proposal.organisation_id == erased.organisation_id, Proposal.side == Message.side)
        theirs = or_(theirs, Message.match_id.in_(ours.correlate(Message)))
    db.session.execute(update(Message).where(theirs).values(text=NO_LONGER).execution_options(synchronize_session=False))
    scrub([Message.text], erased.words, where=Message.match_id.in_(erased.matches))


def erase_notes(erased: Erased) -> None:
    if erased.is_with_structure:
        db.session.execute(update(WorkAct).where(WorkAct.organisation_id == erased.organisation_id).values(note=""))
    scrub([WorkAct.note], erased.words, where=or_(WorkAct.organisation_id == erased.organisation_id, WorkAct.by_id == erased.user_id))


def scrub_breakdowns(erased: Erased) -> None:
    scrub([Match.breakdown], erased.words, where=Match.id.in_(erased.matches))


def scrub_pools(erased: Erased) -> None:
    needs = select(Need.id).where(Need.organisation_id == erased.organisation_id)
    scrub([Pool.occupation], erased.words, where=Pool.id.in_(select(PoolShare.pool_id).where(PoolShare.need_id.in_(needs))))


def scrub_news(erased: Erased) -> None:
    scrub([News.title, News.text], erased.words, where=News.author_id == erased.user_id)


def erase_stories(erased: Erased) -> None:
    """What a structure told of what came about there is taken back with it; nothing stays but that it was."""
    ours = Story.organisation_id == erased.organisation_id
    if erased.is_with_structure:
        gone = {"status": StoryStatus.WITHDRAWN, "text": "", "signature": "", "withdrawn_at": now()}
        db.session.execute(update(Story).where(ours, Story.status != StoryStatus.WITHDRAWN).values(gone))
        db.session.execute(delete(CommunityMember).where(CommunityMember.organisation_id == erased.organisation_id))
    scrub([Story.text, Story.signature], erased.words, where=ours)


def erase_words_to_groups(erased: Erased) -> None:
    ours = ClusterInvitation.organisation_id == erased.organisation_id
    if erased.is_with_structure:
        db.session.execute(update(ClusterInvitation).where(ours).values(message=""))
    scrub([ClusterInvitation.message], erased.words, where=ours)


def erase_reports(erased: Erased) -> None:
    """What somebody said of the structure's page goes with it; what the person said of others' keeps its words."""
    ours = DirectoryReport.organisation_id == erased.organisation_id
    if erased.is_with_structure:
        db.session.execute(update(DirectoryReport).where(ours).values(note=""))
    scrub([DirectoryReport.note], erased.words, where=or_(ours, DirectoryReport.by_id == erased.user_id))


def follow_the_pages(_erased: Erased) -> None:
    """Nothing to do here: triggers write the entry anew with what it is made of."""


def erase_mails(erased: Erased) -> None:
    own: ColumnElement[bool] = OutboxMail.recipient == erased.email
    if erased.is_with_structure:
        own = or_(own, OutboxMail.organisation_id == erased.organisation_id)
    scrub_mails(erased.words, own)


ERASERS: dict[str, Callable[[Erased], None]] = {
    **{table: goes_with_the_account for table, columns in PERSONAL.items() if set(columns.values()) == {Way.GOES}},
    "territory": erase_contacts,
    "sign_up": erase_sign_ups,
    "member_invitation": erase_member_invitations,
    "join_request": erase_join_requests,
    "merged_organisation": erase_merged_sheets,
    "company_record": erase_company_records,
    "organisation": scrub_structures,
    "need": scrub_needs,
    "offer": scrub_offers,
    "declaration_draft": erase_drafts,
    "venue": scrub_venues,
    "room": scrub_rooms,
    "venue_block": erase_blocks,
    "venue_photo": erase_photos,
    "series": scrub_series,
    "job_dating": scrub_job_datings,
    "participant": erase_access_notes,
    "invitation": erase_invitations,
    "invitation_notice": scrub_notices,
    "calendar_reply": erase_replies,
    "check_in_link": scrub_check_in_links,
    "presence_act": scrub_presence,
    "plan_change": scrub_plan_changes,
    "proposal": scrub_comments,
    "conversation_message": erase_messages,
    "work_act": erase_notes,
    "match": scrub_breakdowns,
    "pool": scrub_pools,
    "news": scrub_news,
    "story": erase_stories,
    "cluster_invitation": erase_words_to_groups,
    "shortlist": erase_shortlists,
    "shortlist_entry": erase_shortlist_notes,
    "search_question": scrub_questions,
    "group_answer": erase_answers,
    "group_member": erase_parts,
    "search_entry": follow_the_pages,
    "directory_report": erase_reports,
    "outbox_mail": erase_mails,
}
