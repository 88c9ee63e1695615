"""Declarations: a need or an offer of an organisation, in one of eight categories."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Numeric, SmallInteger, Table
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from matchmaker.models.base import Base, RowId, Timestamped, now, stored
from matchmaker.models.occupations import Occupation
from matchmaker.models.organisations import Organisation
from matchmaker.models.territories import Commune, Territory


class Category(StrEnum):
    JOB = "job"
    POOLED_JOB = "pooled_job"
    PURCHASE = "purchase"
    PREMISES = "premises"
    SKILLS_SPONSORSHIP = "skills_sponsorship"
    PEER_TRAINING = "peer_training"
    SUCCESSION = "succession"
    MATERIAL = "material"


class Status(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    PAUSED = "paused"
    CLOSED = "closed"
    EXPIRED = "expired"


class Unit(StrEnum):
    """What a volume counts."""

    FTE = "fte"
    DAYS = "days"
    SQUARE_METRES = "m2"
    PEOPLE = "people"
    ITEMS = "items"


class Flag(StrEnum):
    """What a need may require and an offer may hold, or say that it has not. Unknown is not no."""

    WHEELCHAIR = "wheelchair"
    DRIVING_LICENCE = "driving_licence"
    PUBLIC_TRANSPORT = "public_transport"
    VAT = "vat"
    RESERVED_MARKET = "reserved_market"
    CERTIFICATE = "certificate"
    GENERAL_INTEREST = "general_interest"
    VEHICLE_ACCESS = "vehicle_access"
    DELIVERY = "delivery"
    CONFIDENTIALITY = "confidentiality"


# How long a declaration stays without a sign of life, in days.
LIFETIME_DAYS = 90
ALLOWED = {
    Status.DRAFT: {Status.PUBLISHED, Status.CLOSED},
    Status.PUBLISHED: {Status.PAUSED, Status.CLOSED, Status.EXPIRED},
    Status.PAUSED: {Status.PUBLISHED, Status.CLOSED},
    Status.EXPIRED: {Status.PUBLISHED, Status.CLOSED},
    Status.CLOSED: {Status.PUBLISHED},
}
HALF_DAYS = 10  # Monday morning is bit 0, Friday afternoon bit 9
NO_HALF_DAY = 0


class Declaration(Timestamped):
    """What a need and an offer have in common. Radius in km; half-days as a mask of ten bits; money in euros."""

    id: Mapped[RowId]
    category: Mapped[Category] = mapped_column(stored(Category))
    status: Mapped[Status] = mapped_column(stored(Status), default=Status.DRAFT)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    radius_km: Mapped[int] = mapped_column(default=30)
    remote_share: Mapped[int] = mapped_column(SmallInteger, default=0)
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    # 0 when the organisation said nothing about half-days.
    halfdays: Mapped[int] = mapped_column(SmallInteger, default=NO_HALF_DAY)
    volume: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    volume_unit: Mapped[Unit | None] = mapped_column(stored(Unit))
    budget_min: Mapped[int | None]
    budget_max: Mapped[int | None]
    skills: Mapped[list[str]] = mapped_column(default=list)
    themes: Mapped[list[str]] = mapped_column(default=list)
    capacity: Mapped[int] = mapped_column(SmallInteger, default=1)
    # A need requires these; an offer holds these and says no to those.
    flags: Mapped[list[str]] = mapped_column(default=list)
    denied_flags: Mapped[list[str]] = mapped_column(default=list)
    is_confidential: Mapped[bool] = mapped_column(default=False)
    # The fields that only one category has, by name.
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    published_at: Mapped[datetime | None]
    expires_on: Mapped[date | None]

    @declared_attr
    def organisation_id(cls) -> Mapped[UUID]:
        return mapped_column(ForeignKey("organisation.id"), index=True)

    @declared_attr
    def territory_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("territory.id"), index=True)

    @declared_attr
    def commune_code(cls) -> Mapped[str]:
        return mapped_column(ForeignKey("commune.code"), index=True)

    @declared_attr
    def occupation_code(cls) -> Mapped[str | None]:
        # Where the official list was imported and the category is about somebody's occupation.
        return mapped_column(ForeignKey("occupation.code", ondelete="SET NULL"), index=True)

    @declared_attr
    def occupation(cls) -> Mapped[Occupation | None]:
        return relationship()

    @declared_attr
    def territory(cls) -> Mapped[Territory]:
        return relationship()

    @declared_attr
    def commune(cls) -> Mapped[Commune]:
        return relationship()

    def can_become(self, status: Status) -> bool:
        return status in ALLOWED[self.status]

    @property
    def is_need(self) -> bool:
        return isinstance(self, Need)

    @property
    def is_open(self) -> bool:
        """Takes part in matching."""
        return self.status is Status.PUBLISHED

    @property
    def published_on(self) -> date:
        return (self.published_at or now()).date()


def constraints() -> tuple[CheckConstraint, ...]:
    """The named invariants of both tables: new objects each time, because a constraint belongs to one table."""
    return (
        CheckConstraint("length(btrim(title)) > 0", name="has_a_title"),
        CheckConstraint("radius_km BETWEEN 0 AND 1000", name="radius_is_sane"),
        CheckConstraint("remote_share BETWEEN 0 AND 100", name="remote_share_is_a_percentage"),
        CheckConstraint("starts_on <= ends_on", name="starts_before_it_ends"),
        CheckConstraint("halfdays BETWEEN 0 AND 1023", name="halfdays_are_ten_bits"),
        CheckConstraint("volume > 0", name="volume_is_positive"),
        CheckConstraint("(volume IS NULL) = (volume_unit IS NULL)", name="volume_has_a_unit"),
        CheckConstraint("budget_min >= 0 AND budget_min <= budget_max", name="budget_is_a_band"),
        CheckConstraint("capacity BETWEEN 1 AND 500", name="capacity_is_sane"),
        CheckConstraint("status <> 'published' OR (published_at IS NOT NULL AND expires_on IS NOT NULL)", name="published_has_dates"),
        CheckConstraint("NOT is_confidential OR category = 'succession'", name="only_successions_are_confidential"),
    )


def area_table(kind: str) -> Table:
    """Territories where a declaration also applies, beside the radius around its commune."""
    return Table(
        f"{kind}_area",
        Base.metadata,
        Column(f"{kind}_id", ForeignKey(f"{kind}.id", ondelete="CASCADE"), primary_key=True),
        Column("territory_id", ForeignKey("territory.id", ondelete="CASCADE"), primary_key=True),
    )


need_area = area_table("need")
offer_area = area_table("offer")


class Need(Declaration, Base):
    __tablename__ = "need"
    __table_args__ = (*constraints(), Index("ix_need_status_category", "status", "category"))

    organisation: Mapped[Organisation] = relationship(back_populates="needs")
    areas: Mapped[list[Territory]] = relationship(secondary=need_area, order_by=Territory.name)


class Offer(Declaration, Base):
    __tablename__ = "offer"
    __table_args__ = (*constraints(), Index("ix_offer_status_category", "status", "category"))

    organisation: Mapped[Organisation] = relationship(back_populates="offers")
    areas: Mapped[list[Territory]] = relationship(secondary=offer_area, order_by=Territory.name)
