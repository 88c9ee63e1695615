"""The places of a shared job on the map of its département, and the lines between them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import hypot
from uuid import UUID

from matchmaker import reference
from matchmaker.models import Need, Pool
from matchmaker.services.pools_fractions import point_of
from matchmaker.web import maps

# Two marks nearer than this are drawn side by side.
APART = 34.0
# Around the outermost marks, and the narrowest piece of map.
MARGIN, WIDTH = 60.0, 260.0


@dataclass(frozen=True)
class Mark:
    letter: str
    x: float
    y: float
    is_exact: bool


@dataclass(frozen=True)
class PoolMap:
    """A mark for each employer: where it is, or somewhere in its intercommunalité as long as nobody is named."""

    map: maps.Map
    marks: tuple[Mark, ...]
    lines: tuple[tuple[Mark, Mark], ...]

    @property
    def is_rough(self) -> bool:
        return any(not mark.is_exact for mark in self.marks)


def map_of(pool: Pool, *, told: Collection[UUID]) -> PoolMap | None:
    """``told``: ids of the needs whose place may be shown. None where no contour is vendored."""
    members = [share for share in pool.members if point_of(share.need)]
    shade = {share.need.commune.epci_code: "s3" for share in members if share.need.commune.epci_code}
    drawn = maps.departement_map(pool.territory.code, shade)
    if drawn is None:
        return None
    marks: list[Mark] = []
    for share in members:
        is_exact = share.need_id in told
        x, y = drawn.place(*(point_of(share.need) if is_exact else middle_of(share.need)) or (0.0, 0.0))
        while any(hypot(x - mark.x, y - mark.y) < APART for mark in marks):
            x += APART
        marks.append(Mark(share.letter, round(x, 1), y, is_exact))
    left, top, width, height = around(marks)
    # The name of a town lies neither on a mark nor across the border.
    towns = tuple(
        town
        for town in drawn.cities
        if left + 45 < town.x < left + width - 45
        and top + 20 < town.y < top + height - 8
        and all(abs(town.x - mark.x) > 60 or abs(town.y - mark.y) > 28 for mark in marks)
    )
    box = f"{left:.1f} {top:.1f} {width:.1f} {height:.1f}"
    return PoolMap(replace(drawn, view_box=box, cities=towns), tuple(marks), tuple(combinations(marks, 2)))


def around(marks: Sequence[Mark]) -> tuple[float, float, float, float]:
    """Left, top, width and height of a piece of map that holds the marks, with some of the country around them."""
    xs, ys = [mark.x for mark in marks] or [0.0], [mark.y for mark in marks] or [0.0]
    width, height = max(max(xs) - min(xs) + 2 * MARGIN, WIDTH), max(max(ys) - min(ys) + 2 * MARGIN, WIDTH * 0.7)
    return (min(xs) + max(xs) - width) / 2, (min(ys) + max(ys) - height) / 2, width, height


def middle_of(need: Need) -> tuple[float, float] | None:
    """The middle of the intercommunalité of a need."""
    code = need.commune.epci_code
    around = [(commune.lat, commune.lon) for commune in reference.communes().values() if code and commune.epci == code]
    known = [(lat, lon) for lat, lon in around if lat is not None and lon is not None]
    return (sum(lat for lat, _ in known) / len(known), sum(lon for _, lon in known) / len(known)) if known else point_of(need)
