"""The places of a shared job on the map of its département, and the lines between them."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations
from math import hypot
from uuid import UUID

from matchmaker import reference
from matchmaker.models import Need, Pool
from matchmaker.services.pools_fractions import point_of
from matchmaker.web import maps

# Two marks nearer than this are drawn side by side.
APART = 34.0


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
    return PoolMap(drawn, tuple(marks), tuple(combinations(marks, 2)))


def middle_of(need: Need) -> tuple[float, float] | None:
    """The middle of the intercommunalité of a need."""
    code = need.commune.epci_code
    around = [(commune.lat, commune.lon) for commune in reference.communes().values() if code and commune.epci == code]
    known = [(lat, lon) for lat, lon in around if lat is not None and lon is not None]
    return (sum(lat for lat, _ in known) / len(known), sum(lon for _, lon in known) / len(known)) if known else point_of(need)
