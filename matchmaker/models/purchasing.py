"""Responsible purchasing: sectors, lists of suppliers that a buyer keeps, open searches with their questions, and answers given together."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, Timestamped, now, stored
from matchmaker.models.declarations import Category, Need, Status
from matchmaker.models.organisations import InclusionKind, Organisation
from matchmaker.models.search import CLAUSE_KINDS

LONGEST_NAME = 80
LONGEST_NOTE = 500
LONGEST_QUESTION = 1000
LONGEST_SUMMARY = 3000
LONGEST_PART = 300
# What one buys: what is worked, lent or handed over for nothing is found by a match, not by a search of suppliers.
BOUGHT = (Category.PURCHASE, Category.MATERIAL, Category.PREMISES)


class Sector(StrEnum):
    """The sectors under which French buyers look for inclusive suppliers, as the national market place of inclusion groups them."""

    FOOD = "agro_alimentaire"
    FURNITURE = "ameublement_textile"
    OFFICE = "assistance_administrative"
    BUILDING = "batiment"
    WASTE = "dechets"
    COMMUNICATION = "communication"
    CULTURE = "culture_tourisme"
    TRANSPORT = "transports"
    LAUNDRY = "linge"
    GREEN = "espaces_verts"
    CLEANING = "hygiene_proprete"
    HEALTH = "medico_social"
    COMPUTING = "informatique"
    CONSULTING = "prestations_intellectuelles"
    RECYCLING = "recyclage"
    REPAIR = "reparations"
    CATERING = "restauration"
    SAFETY = "securite"
    PERSONAL = "services_personne"
    INDUSTRY = "sous_traitance"


class Frame(StrEnum):
    """Under which rule of the public procurement code a buyer may turn to these structures; the words and articles are the interface's."""

    OPEN = "open"
    CLAUSE = "clause"
    RESERVED_DISABILITY = "reserved_disability"
    RESERVED_INSERTION = "reserved_insertion"
    RESERVED_BOTH = "reserved_both"
    RESERVED_ESS = "reserved_ess"


DISABILITY = frozenset({InclusionKind.EA, InclusionKind.ESAT})
# Without the independent workers of an EITI, whose place there is still an experiment: to be checked case by case.
INSERTION = frozenset({InclusionKind.EI, InclusionKind.ACI, InclusionKind.AI, InclusionKind.ETTI})
# Who may work the hours of a clause, or help whoever won the market to have them worked: as the directory says it.
CLAUSE = CLAUSE_KINDS


class Shortlist(Timestamped, Base):
    """Suppliers that a buyer keeps under a name. It belongs to the structure: all its accounts read and write it."""

    __tablename__ = "shortlist"
    __table_args__ = (
        CheckConstraint(f"length(btrim(name)) > 0 AND length(name) <= {LONGEST_NAME}", name="has_a_short_name"),
        Index("uq_shortlist_organisation_id_name", "organisation_id", text("lower(name)"), unique=True),
    )

    id: Mapped[RowId]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"))
    name: Mapped[str]

    organisation: Mapped[Organisation] = relationship()
    entries: Mapped[list["ShortlistEntry"]] = relationship(back_populates="shortlist", cascade="all, delete-orphan", order_by="ShortlistEntry.added_at")

    @property
    def kept(self) -> list["ShortlistEntry"]:
        return [entry for entry in self.entries if entry.removed_at is None]

    @property
    def removed(self) -> list["ShortlistEntry"]:
        """What may be put back, the last removed first."""
        return sorted((entry for entry in self.entries if entry.removed_at), key=lambda entry: entry.removed_at or entry.added_at, reverse=True)


class ShortlistEntry(Base):
    """A structure in a list, with what the buyer noted. One that was removed keeps its row and note, so that it can be put back."""

    __tablename__ = "shortlist_entry"
    __table_args__ = (
        UniqueConstraint("shortlist_id", "supplier_id"),
        CheckConstraint(f"length(note) <= {LONGEST_NOTE}", name="note_is_short"),
    )

    id: Mapped[RowId]
    shortlist_id: Mapped[UUID] = mapped_column(ForeignKey("shortlist.id", ondelete="CASCADE"))
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    note: Mapped[str] = mapped_column(default="")
    added_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    added_at: Mapped[datetime] = mapped_column(default=now)
    removed_at: Mapped[datetime | None]

    shortlist: Mapped[Shortlist] = relationship(back_populates="entries")
    supplier: Mapped[Organisation] = relationship()
    added_by: Mapped[User | None] = relationship()


class SupplierSearch(Timestamped, Base):
    """A published need that its buyer opened to all: the same words, questions and last day for everybody, and answers alone or together."""

    __tablename__ = "supplier_search"
    __table_args__ = (
        Index("uq_supplier_search_need_id", "need_id", unique=True),
        CheckConstraint("(moved_at IS NULL) = (moved_from IS NULL)", name="a_move_has_a_past"),
        CheckConstraint("moved_from < closes_at", name="only_ever_later"),
        Index("ix_supplier_search_closes_at", "closes_at"),
    )

    id: Mapped[RowId]
    need_id: Mapped[UUID] = mapped_column(ForeignKey("need.id", ondelete="CASCADE"))
    frame: Mapped[Frame] = mapped_column(stored(Frame), default=Frame.OPEN)
    closes_at: Mapped[datetime]
    # The last time that it was put off, and the moment that stood there before.
    moved_at: Mapped[datetime | None]
    moved_from: Mapped[datetime | None]
    # When the buyer ended it before its time.
    stopped_at: Mapped[datetime | None]

    need: Mapped[Need] = relationship()
    questions: Mapped[list["SearchQuestion"]] = relationship(back_populates="search", cascade="all, delete-orphan", order_by="SearchQuestion.asked_at")
    answers: Mapped[list["GroupAnswer"]] = relationship(back_populates="search", cascade="all, delete-orphan", order_by="GroupAnswer.created_at")

    @property
    def is_open(self) -> bool:
        """Questions and answers are taken."""
        return self.why_closed is None

    @property
    def why_closed(self) -> str | None:
        """« need », « stopped » or « late »; nothing while it is open."""
        if self.need.status is not Status.PUBLISHED:
            return "need"
        if self.stopped_at is not None:
            return "stopped"
        return "late" if self.closes_at <= now() else None


class SearchQuestion(Base):
    """What somebody asked about an open search, and what the buyer said. Everybody reads both; nobody but the buyer learns who asked."""

    __tablename__ = "search_question"
    __table_args__ = (
        CheckConstraint(f"length(btrim(question)) > 0 AND length(question) <= {LONGEST_QUESTION}", name="asks_something_short"),
        CheckConstraint(f"length(answer) <= {LONGEST_QUESTION}", name="answer_is_short"),
        CheckConstraint("(answer = '') = (answered_at IS NULL)", name="an_answer_has_a_time"),
        Index("ix_search_question_search_id_asked_at", "search_id", "asked_at"),
    )

    id: Mapped[RowId]
    search_id: Mapped[UUID] = mapped_column(ForeignKey("supplier_search.id", ondelete="CASCADE"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    question: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(default=now)
    answer: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None]

    search: Mapped[SupplierSearch] = relationship(back_populates="questions")
    organisation: Mapped[Organisation] = relationship()


class AnswerState(StrEnum):
    """Of an answer to a search: composed among its members, handed in to the buyer, or taken back for good."""

    COMPOSED = "composed"
    HANDED_IN = "handed_in"
    WITHDRAWN = "withdrawn"


class Liability(StrEnum):
    """Each for its own part (conjoint), or each for the whole (solidaire)."""

    JOINT = "conjoint"
    SEVERAL = "solidaire"


class MemberState(StrEnum):
    INVITED = "invited"
    ACCEPTED = "accepted"
    # Said no at once, or took a yes back.
    DECLINED = "declined"
    # Was taken off the group by who leads it.
    REMOVED = "removed"


class GroupAnswer(Timestamped, Base):
    """One answer of one structure, or of several together. The buyer sees it when all its members said yes and it was handed in."""

    __tablename__ = "group_answer"
    __table_args__ = (
        CheckConstraint(f"length(summary) <= {LONGEST_SUMMARY} AND length(contact) <= {LONGEST_PART}", name="words_are_short"),
        CheckConstraint(
            "state <> 'handed_in' OR (handed_in_at IS NOT NULL AND length(btrim(summary)) > 0 AND length(btrim(contact)) > 0)", name="handed_in_is_whole"
        ),
        # A structure leads one answer to a search, until it takes it back.
        Index("uq_group_answer_lead", "search_id", "lead_id", unique=True, postgresql_where=text("state <> 'withdrawn'")),
    )

    id: Mapped[RowId]
    search_id: Mapped[UUID] = mapped_column(ForeignKey("supplier_search.id", ondelete="CASCADE"), index=True)
    # Who speaks for all (mandataire), composes the answer and hands it in.
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    summary: Mapped[str] = mapped_column(default="")
    # Whom the buyer calls, as the lead writes it for the buyer.
    contact: Mapped[str] = mapped_column(default="")
    liability: Mapped[Liability] = mapped_column(stored(Liability), default=Liability.JOINT)
    state: Mapped[AnswerState] = mapped_column(stored(AnswerState), default=AnswerState.COMPOSED)
    # Raised whenever the terms change: a yes is to these terms, and is asked for again.
    terms: Mapped[int] = mapped_column(default=1)
    handed_in_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    search: Mapped[SupplierSearch] = relationship(back_populates="answers")
    lead: Mapped[Organisation] = relationship()
    members: Mapped[list["GroupMember"]] = relationship(back_populates="group", cascade="all, delete-orphan", order_by="GroupMember.invited_at")

    @property
    def present(self) -> list["GroupMember"]:
        """Who is in it or was asked; the lead first."""
        return sorted((one for one in self.members if one.is_present), key=lambda one: one.organisation_id != self.lead_id)

    @property
    def is_together(self) -> bool:
        return len(self.present) > 1

    @property
    def total(self) -> int:
        """Of the shares, in percent."""
        return sum(one.share for one in self.present)


class GroupMember(Base):
    """A structure's part of a common answer, and whether it said yes to the terms as they stand."""

    __tablename__ = "group_member"
    __table_args__ = (
        UniqueConstraint("group_id", "organisation_id"),
        CheckConstraint("share BETWEEN 0 AND 100", name="share_is_a_percentage"),
        CheckConstraint(f"length(part) <= {LONGEST_PART} AND length(comment) <= {LONGEST_PART}", name="words_are_short"),
        CheckConstraint("(state = 'invited') = (answered_at IS NULL)", name="an_answer_has_a_time"),
    )

    id: Mapped[RowId]
    group_id: Mapped[UUID] = mapped_column(ForeignKey("group_answer.id", ondelete="CASCADE"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    # What it does, and its share of the whole in percent.
    part: Mapped[str] = mapped_column(default="")
    share: Mapped[int] = mapped_column(SmallInteger, default=0)
    state: Mapped[MemberState] = mapped_column(stored(MemberState), default=MemberState.INVITED)
    comment: Mapped[str] = mapped_column(default="")
    invited_at: Mapped[datetime] = mapped_column(default=now)
    answered_at: Mapped[datetime | None]

    group: Mapped[GroupAnswer] = relationship(back_populates="members")
    organisation: Mapped[Organisation] = relationship()

    @property
    def is_present(self) -> bool:
        return self.state in (MemberState.INVITED, MemberState.ACCEPTED)
