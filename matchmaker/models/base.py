"""The declarative base: naming of constraints, column types, the random identifier of every row with an address."""

import uuid
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, DateTime, Enum, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

PARIS = ZoneInfo("Europe/Paris")
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# Random, not a counter: it stands in addresses, and must tell nothing of how many rows there are.
RowId = Annotated[uuid.UUID, mapped_column(primary_key=True, default=uuid.uuid4)]


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The present day where the people are: on the calendar of Paris."""
    return datetime.now(PARIS).date()


def stored(enum: type[StrEnum]) -> Enum:
    """Column type of a StrEnum: text by value, with a CHECK (a native type would need a migration of its own for each new value)."""
    name = "".join("_" + letter.lower() if letter.isupper() else letter for letter in enum.__name__).lstrip("_")
    return Enum(enum, name=name, native_enum=False, create_constraint=True, length=40, values_callable=lambda members: [member.value for member in members])


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        str: Text(),
        datetime: DateTime(timezone=True),
        list[str]: ARRAY(Text()),
        dict[str, Any]: JSONB(),
    }


class Timestamped:
    """When the row was made and last changed, in UTC."""

    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
