"""All that is kept on a person: for the page that shows it, and for the file that the person takes away."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, LargeBinary, func, or_, select

from matchmaker.extensions import db
from matchmaker.models import (
    Absence,
    AccountToken,
    AskingPrice,
    AuditEntry,
    Base,
    CheckInLink,
    ClusterInvitation,
    CommunityMember,
    Consent,
    ContactView,
    CriteriaWeights,
    DataExport,
    DeclarationDraft,
    DirectoryReport,
    ErasureRequest,
    Feedback,
    GroupAnswer,
    GroupMember,
    Invitation,
    InvitationAnswer,
    MatchingRun,
    Message,
    Need,
    NeedPairRule,
    News,
    Offer,
    OpenidIdentity,
    Organisation,
    OutboxMail,
    Outcome,
    OutcomeAnswer,
    PairDecision,
    Participant,
    PoolShare,
    PoolWelcome,
    PresenceAct,
    Proposal,
    ProposalAnswer,
    RecoveryCode,
    SearchQuestion,
    SecondFactor,
    Shortlist,
    ShortlistEntry,
    Solicitation,
    Story,
    SupplierSearch,
    User,
    UserSession,
    Venue,
    VenueBlock,
    VenuePhoto,
    Wish,
    WorkAct,
)
from matchmaker.models.accounts import user_territory
from matchmaker.services import addresses, mails

# What opens something, or is of no meaning outside of the database.
SECRETS = {"password_hash", "secret", "key_hash", "token_hash", "sent_to_hash", "code_hash", "claimed_by", "content", "message", "id_token"}
Row = dict[str, Any]
Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Section:
    """One kind of thing that is kept: its rows as columns by name."""

    key: str
    total: int
    rows: list[Row]


@dataclass(frozen=True)
class Source:
    """Where a section comes from: a table, and which of its rows are about this person or this structure."""

    key: str
    model: type[Base]
    where: Callable[[User], Condition]
    order: str = ""


def of_structure(user: User) -> UUID | None:
    return user.organisation_id


def within(column: Any, query: Any) -> Condition:
    found: Condition = column.in_(query)
    return found


OWN = (
    Source("account", User, lambda user: User.id == user.id),
    Source("sessions", UserSession, lambda user: UserSession.user_id == user.id, "seen_at"),
    Source("second_factor", SecondFactor, lambda user: SecondFactor.user_id == user.id),
    Source("openid", OpenidIdentity, lambda user: OpenidIdentity.user_id == user.id),
    Source("recovery_codes", RecoveryCode, lambda user: RecoveryCode.user_id == user.id),
    Source("reports", DirectoryReport, lambda user: DirectoryReport.by_id == user.id, "created_at"),
    Source("news", News, lambda user: News.author_id == user.id, "created_at"),
    Source("links", AccountToken, lambda user: AccountToken.user_id == user.id, "created_at"),
    Source("consents", Consent, lambda user: Consent.user_id == user.id, "accepted_at"),
    Source("exports", DataExport, lambda user: DataExport.user_id == user.id, "asked_at"),
    Source("erasure", ErasureRequest, lambda user: ErasureRequest.user_id == user.id),
    Source("acts", AuditEntry, lambda user: or_(AuditEntry.actor_id == user.id, AuditEntry.object_id == str(user.id)), "at"),
    Source("messages", Message, lambda user: Message.author_id == user.id, "sent_at"),
    Source("contact_views", ContactView, lambda user: ContactView.viewer_id == user.id, "viewed_at"),
    Source("notes", WorkAct, lambda user: or_(WorkAct.by_id == user.id, WorkAct.assigned_to_id == user.id), "created_at"),
    Source("runs", MatchingRun, lambda user: MatchingRun.requested_by_id == user.id, "created_at"),
    Source("decisions", PairDecision, lambda user: PairDecision.decided_by_id == user.id, "decided_at"),
    Source("weights", CriteriaWeights, lambda user: CriteriaWeights.set_by_id == user.id, "set_at"),
    Source("prices", AskingPrice, lambda user: AskingPrice.set_by_id == user.id, "set_at"),
    Source("pair_rules", NeedPairRule, lambda user: NeedPairRule.decided_by_id == user.id, "decided_at"),
    Source("check_in_links", CheckInLink, lambda user: CheckInLink.made_by_id == user.id, "made_at"),
    Source("mails", OutboxMail, lambda user: OutboxMail.recipient == user.email, "created_at"),
)
STRUCTURE = (
    Source("structure", Organisation, lambda user: Organisation.id == user.organisation_id),
    Source("needs", Need, lambda user: Need.organisation_id == user.organisation_id, "created_at"),
    Source("offers", Offer, lambda user: Offer.organisation_id == user.organisation_id, "created_at"),
    Source("drafts", DeclarationDraft, lambda user: DeclarationDraft.organisation_id == user.organisation_id, "created_at"),
    Source("questions", Proposal, lambda user: Proposal.organisation_id == user.organisation_id, "proposed_at"),
    Source(
        "answers",
        ProposalAnswer,
        lambda user: within(ProposalAnswer.proposal_id, select(Proposal.id).where(Proposal.organisation_id == user.organisation_id)),
        "created_at",
    ),
    Source("invitations", Invitation, lambda user: Invitation.organisation_id == user.organisation_id, "created_at"),
    Source(
        "invitation_answers",
        InvitationAnswer,
        lambda user: within(InvitationAnswer.invitation_id, select(Invitation.id).where(Invitation.organisation_id == user.organisation_id)),
        "created_at",
    ),
    Source("participations", Participant, lambda user: Participant.organisation_id == user.organisation_id),
    Source("wishes", Wish, lambda user: within(Wish.participant_id, participations(user))),
    Source("presence", PresenceAct, lambda user: within(PresenceAct.participant_id, participations(user)), "acted_at"),
    Source("feedback", Feedback, lambda user: Feedback.organisation_id == user.organisation_id, "said_at"),
    Source("outcomes", Outcome, lambda user: Outcome.organisation_id == user.organisation_id, "asked_at"),
    Source(
        "outcome_answers",
        OutcomeAnswer,
        lambda user: within(OutcomeAnswer.outcome_id, select(Outcome.id).where(Outcome.organisation_id == user.organisation_id)),
        "created_at",
    ),
    Source("solicitations", Solicitation, lambda user: Solicitation.organisation_id == user.organisation_id, "day"),
    Source("absences", Absence, lambda user: Absence.organisation_id == user.organisation_id, "starts_on"),
    Source("communities", CommunityMember, lambda user: CommunityMember.organisation_id == user.organisation_id, "joined_at"),
    Source("stories", Story, lambda user: Story.organisation_id == user.organisation_id, "consented_at"),
    Source("poles", ClusterInvitation, lambda user: ClusterInvitation.organisation_id == user.organisation_id, "invited_at"),
    Source("shares", PoolShare, lambda user: within(PoolShare.need_id, select(Need.id).where(Need.organisation_id == user.organisation_id))),
    Source("welcomes", PoolWelcome, lambda user: PoolWelcome.organisation_id == user.organisation_id, "asked_at"),
    Source("shortlists", Shortlist, lambda user: Shortlist.organisation_id == user.organisation_id, "created_at"),
    Source(
        "shortlist_entries",
        ShortlistEntry,
        lambda user: within(ShortlistEntry.shortlist_id, select(Shortlist.id).where(Shortlist.organisation_id == user.organisation_id)),
        "added_at",
    ),
    Source(
        "supplier_searches",
        SupplierSearch,
        lambda user: within(SupplierSearch.need_id, select(Need.id).where(Need.organisation_id == user.organisation_id)),
        "created_at",
    ),
    Source("search_questions", SearchQuestion, lambda user: SearchQuestion.organisation_id == user.organisation_id, "asked_at"),
    Source("group_answers", GroupAnswer, lambda user: GroupAnswer.lead_id == user.organisation_id, "created_at"),
    Source("group_parts", GroupMember, lambda user: GroupMember.organisation_id == user.organisation_id, "invited_at"),
    Source("venues", Venue, lambda user: Venue.organisation_id == user.organisation_id, "created_at"),
    Source("venue_blocks", VenueBlock, lambda user: within(VenueBlock.venue_id, places(user)), "starts_at"),
    Source("venue_photos", VenuePhoto, lambda user: within(VenuePhoto.venue_id, places(user))),
    Source("structure_notes", WorkAct, lambda user: WorkAct.organisation_id == user.organisation_id, "created_at"),
    Source("seen_by", ContactView, lambda user: ContactView.organisation_id == user.organisation_id, "viewed_at"),
    Source(
        "structure_mails", OutboxMail, lambda user: (OutboxMail.organisation_id == user.organisation_id) & (OutboxMail.recipient != user.email), "created_at"
    ),
)


def participations(user: User) -> Any:
    return select(Participant.id).where(Participant.organisation_id == user.organisation_id)


def places(user: User) -> Any:
    return select(Venue.id).where(Venue.organisation_id == user.organisation_id)


def sections(user: User, *, most: int | None = None) -> Iterator[Section]:
    """All that is kept, section by section, empty ones left out. ``most``: that many rows of each at most, the latest ones; else all of them."""
    for source in (*OWN, *(STRUCTURE if user.organisation_id else ())):
        total = db.session.scalar(select(func.count()).select_from(source.model).where(source.where(user))) or 0
        if total:
            yield Section(source.key, total, list(rows(source, user, most=most)))
    territories = list(db.session.scalars(select(user_territory.c.territory_id).where(user_territory.c.user_id == user.id)))
    if territories:
        yield Section("territories", len(territories), [{"territory_id": key} for key in territories])
    refusals = sorted(addresses.objections(addresses.digest(user.email)))
    if refusals:
        yield Section("objections", len(refusals), [{"topic": topic.value} for topic in refusals])


def rows(source: Source, user: User, *, most: int | None) -> Iterator[Row]:
    query = select(source.model).where(source.where(user)).limit(most)
    if source.order:
        query = query.order_by(getattr(source.model, source.order).desc())
    for row in db.session.scalars(query):
        yield told(row)


def told(row: Base) -> Row:
    """The columns of a row as JSON can write them, without secrets; of a mail, its text too."""
    columns = [column for column in row.__table__.columns if column.name not in SECRETS and not isinstance(column.type, LargeBinary)]
    found = {column.name: plain(getattr(row, row.__mapper__.get_property_by_column(column).key)) for column in columns}
    return found | ({"text": mails.text_of(row)} if isinstance(row, OutboxMail) else {})


def plain(value: Any) -> Any:
    """As JSON writes it."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, UUID | Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime | date) or hasattr(value, "isoformat") else value
