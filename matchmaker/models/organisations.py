"""Structures: who declares needs and offers."""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, Timestamped, stored
from matchmaker.models.territories import Commune, Territory

if TYPE_CHECKING:
    from matchmaker.models.accounts import User
    from matchmaker.models.declarations import Need, Offer
    from matchmaker.models.venues import Venue


class Family(StrEnum):
    """Legal family: the five of the law of 31 July 2014, and who is outside it."""

    ASSOCIATION = "association"
    COOPERATIVE = "cooperative"
    MUTUAL = "mutuelle"
    FOUNDATION = "fondation"
    ESS_COMPANY = "societe_commerciale_ess"
    COMPANY = "entreprise"
    PUBLIC = "public"
    COLLECTIVE = "collectif"


class InclusionKind(StrEnum):
    """Kinds of the insertion and disability sectors. Only the first five are SIAE in the law's sense."""

    EI = "EI"
    ACI = "ACI"
    AI = "AI"
    ETTI = "ETTI"
    EITI = "EITI"
    EA = "EA"
    ESAT = "ESAT"
    GEIQ = "GEIQ"
    GE = "GE"


class EssLabel(StrEnum):
    """How we know that a structure is of the ESS: it says so, an official list says so, an animator checked."""

    DECLARED = "declared"
    LISTED = "listed"
    VERIFIED = "verified"


class Eligibility(StrEnum):
    """May it receive skills sponsorship (intérêt général)?"""

    UNKNOWN = "unknown"
    DECLARED = "declared"
    RULING = "rescrit"
    NO = "no"


class Headcount(StrEnum):
    """Bands that a person knows by heart."""

    NONE = "0"
    VERY_SMALL = "1-9"
    SMALL = "10-49"
    MEDIUM = "50-249"
    LARGE = "250+"


MONDAY_TO_FRIDAY = 0b11111
ESS_FAMILIES = frozenset({Family.ASSOCIATION, Family.COOPERATIVE, Family.MUTUAL, Family.FOUNDATION, Family.ESS_COMPANY})
SIAE_KINDS = frozenset({InclusionKind.EI, InclusionKind.ACI, InclusionKind.AI, InclusionKind.ETTI, InclusionKind.EITI})


class Organisation(Timestamped, Base):
    """A structure. SIRET names the place and RNA the association; a collective may have neither."""

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("siret ~ '^[0-9]{14}$'", name="siret_has_14_digits"),
        CheckConstraint("rna ~ '^W[0-9A-Z]{9}$'", name="rna_is_well_formed"),
        CheckConstraint("length(btrim(name)) > 0", name="has_a_name"),
        CheckConstraint("monthly_budget BETWEEN 0 AND 60", name="monthly_budget_is_sane"),
        CheckConstraint("weekly_budget BETWEEN 0 AND 15", name="weekly_budget_is_sane"),
        CheckConstraint("working_days BETWEEN 1 AND 127", name="works_on_some_day"),
        CheckConstraint("opens_at BETWEEN 0 AND 23 AND closes_at BETWEEN 1 AND 24 AND opens_at < closes_at", name="opens_before_it_closes"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="point_is_whole"),
        CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="point_is_on_earth"),
        Index("uq_organisation_siret", "siret", unique=True, postgresql_where=text("siret IS NOT NULL")),
        Index("uq_organisation_rna", "rna", unique=True, postgresql_where=text("rna IS NOT NULL")),
    )

    id: Mapped[RowId]
    name: Mapped[str]
    siret: Mapped[str | None] = mapped_column(String(14))
    rna: Mapped[str | None] = mapped_column(String(10))
    family: Mapped[Family] = mapped_column(stored(Family))
    inclusion_kind: Mapped[InclusionKind | None] = mapped_column(stored(InclusionKind))
    ess_label: Mapped[EssLabel] = mapped_column(stored(EssLabel), default=EssLabel.DECLARED)
    # The last day of its agreement as « entreprise solidaire d'utilité sociale », when it has one.
    esus_until: Mapped[date | None]
    is_third_place: Mapped[bool] = mapped_column(default=False)
    naf: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    headcount: Mapped[Headcount | None] = mapped_column(stored(Headcount))
    is_vat_registered: Mapped[bool | None]
    idcc: Mapped[str | None] = mapped_column(String(4))
    eligibility: Mapped[Eligibility] = mapped_column(stored(Eligibility), default=Eligibility.UNKNOWN)

    address: Mapped[str] = mapped_column(default="")
    commune_code: Mapped[str] = mapped_column(ForeignKey("commune.code"), index=True)
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    # The département of the commune, or none when its region has not been loaded as territories.
    territory_id: Mapped[int | None] = mapped_column(ForeignKey("territory.id"), index=True)

    email: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    website: Mapped[str] = mapped_column(default="")
    # How often it may be solicited, whatever for: see services/asking_budgets.
    monthly_budget: Mapped[int] = mapped_column(default=6)
    weekly_budget: Mapped[int] = mapped_column(default=2)
    paused_until: Mapped[date | None]
    # A mask of seven bits, Monday first, and hours of Paris: mails leave within them only.
    working_days: Mapped[int] = mapped_column(SmallInteger, default=MONDAY_TO_FRIDAY)
    opens_at: Mapped[int] = mapped_column(SmallInteger, default=8)
    closes_at: Mapped[int] = mapped_column(SmallInteger, default=18)
    # What it answered, or did not, before that day no longer counts when it is decided whom to ask.
    history_from: Mapped[date | None]
    # Where the data comes from: « inscription », the name of an imported list, « démonstration ».
    source: Mapped[str] = mapped_column(default="inscription")
    # When its last account was erased: what is left of it is what others did with it, without a name.
    erased_at: Mapped[datetime | None]

    commune: Mapped[Commune] = relationship()
    territory: Mapped[Territory | None] = relationship()
    users: Mapped[list["User"]] = relationship(back_populates="organisation")
    needs: Mapped[list["Need"]] = relationship(back_populates="organisation")
    offers: Mapped[list["Offer"]] = relationship(back_populates="organisation")
    venues: Mapped[list["Venue"]] = relationship(back_populates="organisation")

    @property
    def is_ess(self) -> bool:
        """Of the ESS by its legal family, as it declares it."""
        return self.family in ESS_FAMILIES

    @property
    def point(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees: its own, else its commune's centroid."""
        if self.latitude is not None and self.longitude is not None:
            return self.latitude, self.longitude
        if self.commune.latitude is not None and self.commune.longitude is not None:
            return self.commune.latitude, self.commune.longitude
        return None

    def can_be_written_to(self) -> bool:
        return bool(self.email)
