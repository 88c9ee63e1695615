"""What is remembered: plain SQLAlchemy 2, typed, invariants as named constraints."""

from matchmaker.models.account_tokens import AccountToken, TokenPurpose
from matchmaker.models.accounts import SPEAKERS, Role, User
from matchmaker.models.addresses import AddressStatus, MailAddress, MailBounce, MailCall, MailObjection, ObjectionSource, Obstacle, Topic
from matchmaker.models.audit import AuditAction, AuditEntry
from matchmaker.models.base import Base
from matchmaker.models.communities import CommunityMember, News, Story, StoryStatus
from matchmaker.models.company_search import CompanyRecord
from matchmaker.models.conversations import ContactView, ContactWay, HelpRequest, Message
from matchmaker.models.declarations import Category, Declaration, Flag, Need, Offer, Status, Unit
from matchmaker.models.drafts import DeclarationDraft
from matchmaker.models.duplicates import DistinctOrganisations, MergedOrganisation
from matchmaker.models.feedback import Feedback
from matchmaker.models.health import Heartbeat
from matchmaker.models.invitations import Answer, CalendarReply, Invitation, InvitationAnswer, InvitationNotice, Method, ReplyStatus
from matchmaker.models.job_datings import InvitedFrom, JobDating, JobDatingStatus, Meeting, MeetingStatus, Participant, ParticipantState, Seated, Wish, WishKind
from matchmaker.models.matching import CriteriaWeights, Match, MatchingInstance, MatchingRun, MatchStatus, PairDecision, RunStatus, Verdict
from matchmaker.models.memberships import JoinRequest, MemberInvitation, SignUp, Standing
from matchmaker.models.nursery import Cluster, ClusterAnswer, ClusterInvitation, ClusterMember, Function, NurserySnapshot
from matchmaker.models.observatory import Snapshot, Span
from matchmaker.models.occupations import Occupation, OccupationMobility, OccupationTitle
from matchmaker.models.openid import OpenidIdentity
from matchmaker.models.organisations import Eligibility, EssLabel, Family, Headcount, InclusionKind, Organisation
from matchmaker.models.outbox import DomainPace, MailStatus, OutboxMail, RelayState
from matchmaker.models.outcomes import DaysBand, EuroBand, FoundAnyway, FteBand, Outcome, OutcomeAnswer, Result
from matchmaker.models.personal_data import Consent, DataExport, ErasureRequest, LegalText, SpentLink
from matchmaker.models.pools import (
    NeedPairRule,
    PairRule,
    Pool,
    PoolingRun,
    PoolingStatus,
    PoolingTrial,
    PoolMeeting,
    PoolShare,
    PoolStatus,
    PoolWelcome,
    ShareStatus,
    WelcomeStatus,
)
from matchmaker.models.presence import ABSENT, CheckInLink, LostTable, PlanChange, PresenceAct, PresenceState
from matchmaker.models.proposals import Channel, DeclineReason, Proposal, ProposalAnswer, ProposalStatus, Side
from matchmaker.models.second_factor import RecoveryCode, SecondFactor
from matchmaker.models.series import Series, SeriesDate
from matchmaker.models.sessions import UserSession
from matchmaker.models.solicitations import Absence, AskingDay, AskingPrice, Period, Solicitation, SolicitationCount, SolicitationKind
from matchmaker.models.territories import Commune, Level, Territory, Theme
from matchmaker.models.venues import Equipment, Room, Table, Venue, VenueBlock, VenueHours, VenuePhoto
from matchmaker.models.white_zones import WhiteZone
from matchmaker.models.work_queue import ActKind, DoneReason, Matter, WorkAct

__all__ = [
    "ABSENT",
    "SPEAKERS",
    "Absence",
    "AccountToken",
    "ActKind",
    "AddressStatus",
    "Answer",
    "AskingDay",
    "AskingPrice",
    "AuditAction",
    "AuditEntry",
    "Base",
    "CalendarReply",
    "Category",
    "Channel",
    "CheckInLink",
    "Cluster",
    "ClusterAnswer",
    "ClusterInvitation",
    "ClusterMember",
    "Commune",
    "CommunityMember",
    "CompanyRecord",
    "Consent",
    "ContactView",
    "ContactWay",
    "CriteriaWeights",
    "DataExport",
    "DaysBand",
    "Declaration",
    "DeclarationDraft",
    "DeclineReason",
    "DistinctOrganisations",
    "DomainPace",
    "DoneReason",
    "Eligibility",
    "Equipment",
    "ErasureRequest",
    "EssLabel",
    "EuroBand",
    "Family",
    "Feedback",
    "Flag",
    "FoundAnyway",
    "FteBand",
    "Function",
    "Headcount",
    "Heartbeat",
    "HelpRequest",
    "InclusionKind",
    "Invitation",
    "InvitationAnswer",
    "InvitationNotice",
    "InvitedFrom",
    "JobDating",
    "JobDatingStatus",
    "JoinRequest",
    "LegalText",
    "Level",
    "LostTable",
    "MailAddress",
    "MailBounce",
    "MailCall",
    "MailObjection",
    "MailStatus",
    "Match",
    "MatchStatus",
    "MatchingInstance",
    "MatchingRun",
    "Matter",
    "Meeting",
    "MeetingStatus",
    "MemberInvitation",
    "MergedOrganisation",
    "Message",
    "Method",
    "Need",
    "NeedPairRule",
    "News",
    "NurserySnapshot",
    "ObjectionSource",
    "Obstacle",
    "Occupation",
    "OccupationMobility",
    "OccupationTitle",
    "Offer",
    "OpenidIdentity",
    "Organisation",
    "OutboxMail",
    "Outcome",
    "OutcomeAnswer",
    "PairDecision",
    "PairRule",
    "Participant",
    "ParticipantState",
    "Period",
    "PlanChange",
    "Pool",
    "PoolMeeting",
    "PoolShare",
    "PoolStatus",
    "PoolWelcome",
    "PoolingRun",
    "PoolingStatus",
    "PoolingTrial",
    "PresenceAct",
    "PresenceState",
    "Proposal",
    "ProposalAnswer",
    "ProposalStatus",
    "RecoveryCode",
    "RelayState",
    "ReplyStatus",
    "Result",
    "Role",
    "Room",
    "RunStatus",
    "Seated",
    "SecondFactor",
    "Series",
    "SeriesDate",
    "ShareStatus",
    "Side",
    "SignUp",
    "Snapshot",
    "Solicitation",
    "SolicitationCount",
    "SolicitationKind",
    "Span",
    "SpentLink",
    "Standing",
    "Status",
    "Story",
    "StoryStatus",
    "Table",
    "Territory",
    "Theme",
    "TokenPurpose",
    "Topic",
    "Unit",
    "User",
    "UserSession",
    "Venue",
    "VenueBlock",
    "VenueHours",
    "VenuePhoto",
    "Verdict",
    "WelcomeStatus",
    "WhiteZone",
    "Wish",
    "WishKind",
    "WorkAct",
]
