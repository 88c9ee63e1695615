"""What a reader of the observatory sees: the figures of a territory and a period as they may be shown to this person."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from flask import request

from matchmaker.models import Territory
from matchmaker.models.base import today
from matchmaker.services import observatory_places, observatory_secrecy, observatory_snapshots
from matchmaker.services.indicators import BY_KEY, INDICATORS, Indicator
from matchmaker.services.observatory_places import Places, code_of
from matchmaker.services.observatory_snapshots import Cell, Key
from matchmaker.web import observatory_periods, observatory_words
from matchmaker.web.access import is_signed_in, signed_in
from matchmaker.web.observatory_periods import Period

BY_MONTH = "par mois entiers"


@dataclass(frozen=True)
class Shown:
    """One figure: in words, with its numerator and denominator; ``cell`` is None where it is not published."""

    indicator: Indicator
    territory: Territory
    cell: Cell | None
    figure: str
    counted: str

    @property
    def words(self) -> observatory_words.Words:
        return observatory_words.WORDS[self.indicator.key]


@dataclass
class Reading:
    """``day``: the night that is read, None when none was taken in the period. ``is_inside``: who reads looks after the territory."""

    places: Places
    territory: Territory | None
    period: Period | None
    day: date | None = None
    is_inside: bool = False
    taken: tuple[date, date] | None = None
    cells: dict[Key, Cell] = field(default_factory=dict)
    kept: dict[str, set[int]] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        return self.territory is not None and self.period is not None

    @property
    def is_early(self) -> bool:
        """The period is over before the first night."""
        return self.taken is not None and self.period is not None and self.period.last < self.taken[0]

    @property
    def query(self) -> dict[str, str]:
        """What an address says of it."""
        told = {"territoire": code_of(self.territory) if self.territory else "", "periode": self.period.code if self.period else ""}
        return {name: value for name, value in told.items() if value}

    def is_open(self, indicator: Indicator) -> bool:
        """May this reader see this indicator of this period, small numbers apart?"""
        if self.is_inside or self.day is None or self.period is None:
            return self.is_inside
        return observatory_secrecy.may_be_published(indicator, self.period.span, self.day, today=today())

    def cell(self, indicator: Indicator, territory: Territory, part: str = "") -> Cell | None:
        if self.day is None or not self.is_open(indicator):
            return None
        if not self.is_inside and territory.id in self.hidden(indicator):
            return None
        return self.cells.get((territory.id, indicator.key, part), Cell())

    def hidden(self, indicator: Indicator) -> set[int]:
        if indicator.key not in self.kept:
            self.kept[indicator.key] = observatory_secrecy.unpublished(indicator, self.cells, self.places.tree, self.places.roots)
        return self.kept[indicator.key]

    def shown(self, indicator: Indicator, territory: Territory) -> Shown:
        cell = self.cell(indicator, territory)
        if cell is not None:
            return Shown(indicator, territory, cell, observatory_words.figure(indicator.key, cell), observatory_words.counted(indicator.key, cell))
        why = "Caché pour que personne ne soit reconnu." if self.is_open(indicator) else f"Publié {BY_MONTH}, quand le mois est fini."
        return Shown(indicator, territory, None, observatory_words.HIDDEN, why)

    def all(self) -> list[Shown]:
        return [self.shown(indicator, self.territory) for indicator in INDICATORS] if self.territory else []

    def parts(self, indicator: Indicator) -> list[tuple[str, Cell | None]]:
        """(category or band, its figure): to the public only beside a whole that is shown, and of regions and départements."""
        if self.territory is None or indicator.parts is None or self.cell(indicator, self.territory) is None:
            return []
        names = sorted({part for one, key, part in self.cells if (one, key) == (self.territory.id, indicator.key) and part})
        kept = set() if self.is_inside else observatory_secrecy.unpublished_parts(indicator, self.cells, self.territory.id, names)
        if not self.is_inside and not indicator.is_open and self.territory.id not in self.places.roots:
            return []
        return [(part, None if part in kept else self.cells[self.territory.id, indicator.key, part]) for part in names]


def asked() -> Reading:
    """The reading that the address asks for, in a fixed number of queries."""
    places, day = observatory_places.places(), today()
    territory = places.named(request.args.get("territoire", "")[:30])
    is_inside = territory is not None and is_signed_in() and signed_in().looks_after(territory)
    code = request.args.get("periode", "")[:10]
    default = observatory_periods.last_year if is_inside else observatory_periods.last_month
    period = observatory_periods.read(code, today=day) if code else default(day)
    return of(places, territory, period, is_inside=is_inside)


def of(places: Places, territory: Territory | None, period: Period | None, *, is_inside: bool) -> Reading:
    """The figures of a territory and of all that it is compared or told apart with."""
    reading = Reading(places, territory, period, is_inside=is_inside, taken=observatory_snapshots.days())
    if territory is None or period is None:
        return reading
    reading.day = observatory_snapshots.day_in(period.first, period.last)
    if reading.day is not None:
        reading.cells = observatory_snapshots.cells(reading.day, period.span, list(places.all))
    return reading


def months(places: Places, territory: Territory, keys: Sequence[str], *, is_inside: bool, until: date) -> list[tuple[date, list[Cell | None]]]:
    """(day, one cell for each of the indicators) of the last twelve months, as this reader may see them."""
    found = []
    # What a figure may be subtracted from decides too whether it is shown.
    wanted = dict.fromkeys((*keys, *(other for key in keys for other in (*BY_KEY[key].within, BY_KEY[key].over) if other)))
    for day, cells in observatory_snapshots.months(list(places.all), list(wanted), until=until).items():
        row: list[Cell | None] = []
        for key in keys:
            indicator = BY_KEY[key]
            reading = Reading(places, territory, observatory_periods.month(day), day, is_inside, cells=cells)
            row.append(reading.cell(indicator, territory))
        found.append((day, row))
    return found
