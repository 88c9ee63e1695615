"""What the indicators count: dated facts, each in the territories where it happened. Plain values, so that a test writes a small world by hand."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from matchmaker.models import Category, DaysBand, EuroBand, FoundAnyway, Side

F = TypeVar("F", bound="Fact")


@dataclass(frozen=True, slots=True)
class Fact:
    """A row that can be shown behind a figure. ``home``: ids of its EPCI, département and region, -1 where not loaded."""

    id: UUID
    on: date
    home: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Posted(Fact):
    """A need or an offer, on the day when it was published. ``served_after``: days until it was first put to somebody."""

    side: Side
    category: Category
    served_after: int | None = None


@dataclass(frozen=True, slots=True)
class Asked(Fact):
    """A proposal, on the day when it was sent. ``days``: working days until its answer, where there is one."""

    match_id: UUID
    is_answered: bool = False
    days: int | None = None
    is_mutual: bool = False


@dataclass(frozen=True, slots=True)
class Paired(Fact):
    """Two sides that said yes to each other, on the day of the second yes."""

    is_across: bool = False


@dataclass(frozen=True, slots=True)
class Planned(Fact):
    """A meeting that had a place, on the day of its job dating."""

    is_held: bool = True
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Came(Fact):
    """A structure that was expected at a job dating."""

    sides: frozenset[Side] = frozenset()
    meetings: int = 0
    is_new: bool = False
    is_no_show: bool = False


@dataclass(frozen=True, slots=True)
class Followed(Fact):
    """A mutual yes whose sides were asked after 30 days, on the day of the question."""

    has_said: bool = True
    went_on: bool = False


@dataclass(frozen=True, slots=True)
class Cooperation(Fact):
    """What came about, on the day when it was first said."""

    category: Category
    days: DaysBand | None = None
    euros: EuroBand | None = None
    found_anyway: FoundAnyway | None = None


@dataclass(frozen=True, slots=True)
class Shared(Fact):
    """A shared job, on the day when its contract was signed."""

    fte: Decimal


@dataclass(frozen=True, slots=True)
class Word(Fact):
    """One side's word on one meeting, on the day of the job dating."""

    side: Side
    is_useful: bool


@dataclass(frozen=True, slots=True)
class Card(Fact):
    """A structure of the directory, on the day of its last sign of life."""


@dataclass(frozen=True, slots=True)
class Gathering(Fact):
    """A job dating that was held. ``places``: its tables times its rounds."""

    venue_id: UUID
    planned: int
    places: int


@dataclass(frozen=True)
class World:
    """All facts of a place and a time. ``epcis``: those inside; ``active``: those among them where something was published or held in
    twelve months: what anybody could see, so that what is said in confidence makes no place lively."""

    day: date
    posted: list[Posted] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    paired: list[Paired] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    came: list[Came] = field(default_factory=list)
    followed: list[Followed] = field(default_factory=list)
    cooperations: list[Cooperation] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    gatherings: list[Gathering] = field(default_factory=list)
    epcis: frozenset[int] = frozenset()
    active: frozenset[int] = frozenset()

    def since(self, start: date) -> "World":
        """The part from this day on. Cards are as they are: a structure is listed, whenever it gave its last sign."""
        recent: dict[str, Any] = {name: [fact for fact in getattr(self, name) if fact.on >= start] for name in LISTS if name != "cards"}
        return replace(self, **recent)

    def by_territory(self, inside: dict[int, frozenset[int]]) -> dict[int, "World"]:
        """Territory id → its part. ``inside``: territory id → the EPCI in it."""
        parts = {name: shared_out(getattr(self, name)) for name in LISTS}
        lively = frozenset(fact.home[0] for fact in (*self.posted, *self.gatherings) if fact.home)
        return {one: World(self.day, **{name: parts[name].get(one, []) for name in LISTS}, epcis=epcis, active=epcis & lively) for one, epcis in inside.items()}

    def of_category(self, category: Category) -> "World":
        """What is told of one category."""
        posted = [fact for fact in self.posted if fact.category is category]
        return World(self.day, posted=posted, cooperations=[fact for fact in self.cooperations if fact.category is category])


LISTS = tuple(one.name for one in fields(World) if one.name not in {"day", "epcis", "active"})


def shared_out(facts: Iterable[F]) -> dict[int, list[F]]:
    found: dict[int, list[F]] = defaultdict(list)
    for fact in facts:
        for one in set(fact.home):
            found[one].append(fact)
    return found
