"""Territories (région, département, intercommunalité) and the communes of France."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, stored


class Level(StrEnum):
    REGION = "region"
    DEPARTEMENT = "departement"
    EPCI = "epci"


class Theme(StrEnum):
    """Priority themes of the territories, and of what is declared there."""

    EMPLOYMENT = "emploi_insertion"
    BUSINESS_PREMISES = "immobilier"
    WATER = "eau"
    MOBILITY = "mobilite"
    HOUSING = "habitat"
    FOOD = "agriculture_alimentation"
    TOURISM = "attractivite_tourisme"
    SOCIAL_LINK = "lien_social"
    SUPPORT = "accompagnement"
    CSR = "lien_economie_ess"
    SOCIAL_CLAUSES = "clauses_sociales"
    COOPERATION = "cooperation"
    PUBLIC_AWARENESS = "acteurs_publics"
    FUNDING = "aides_financement"
    FLAX_WOOD = "lin_bois"
    CIRCULAR = "economie_circulaire"
    URBAN_FARMING = "agriculture_urbaine"


class Territory(Base):
    """A region, a département or an EPCI. An EPCI's parent is the département where most of its inhabitants live."""

    __tablename__ = "territory"
    __table_args__ = (
        UniqueConstraint("level", "code"),
        CheckConstraint("(level = 'region') = (parent_id IS NULL)", name="only_regions_have_no_parent"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    level: Mapped[Level] = mapped_column(stored(Level))
    code: Mapped[str] = mapped_column(String(9))
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("territory.id"), index=True)
    themes: Mapped[list[str]] = mapped_column(default=list)
    contact_name: Mapped[str] = mapped_column(default="")
    contact_email: Mapped[str] = mapped_column(default="")
    contact_phone: Mapped[str] = mapped_column(default="")

    parent: Mapped["Territory | None"] = relationship(back_populates="children", remote_side=[id])
    children: Mapped[list["Territory"]] = relationship(back_populates="parent", order_by="Territory.name")


class Commune(Base):
    """A commune of the official geographic code, with its centroid in degrees (missing for a few overseas)."""

    __tablename__ = "commune"

    code: Mapped[str] = mapped_column(String(5), primary_key=True)
    name: Mapped[str]
    # Lower case, no accent, no punctuation: what people type is folded the same way before it is compared.
    folded_name: Mapped[str]
    postal_codes: Mapped[list[str]] = mapped_column(default=list)
    population: Mapped[int] = mapped_column(default=0)
    departement_code: Mapped[str] = mapped_column(String(3))
    region_code: Mapped[str] = mapped_column(String(2))
    epci_code: Mapped[str | None] = mapped_column(String(9))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]

    __table_args__ = (
        Index("ix_commune_folded_name", "folded_name", postgresql_ops={"folded_name": "text_pattern_ops"}),
        Index("ix_commune_postal_codes", "postal_codes", postgresql_using="gin"),
        Index("ix_commune_departement_code", "departement_code"),
        Index("ix_commune_epci_code", "epci_code"),
    )

    @property
    def label(self) -> str:
        """Name and département, as in « Flers (61) »."""
        return f"{self.name} ({self.departement_code})"
