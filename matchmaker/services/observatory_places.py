"""The territories of the observatory as one tree: which hold which, which are named by an address."""

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Level, Territory
from matchmaker.services.territories import fold


@dataclass(frozen=True)
class Places:
    """All territories, read once."""

    all: dict[int, Territory]

    @cached_property
    def tree(self) -> dict[int, list[int]]:
        """Territory → those just inside it, by name."""
        found: dict[int, list[int]] = {one: [] for one in self.all}
        for one in sorted(self.all.values(), key=lambda one: (one.level, fold(one.name))):
            if one.parent_id is not None:
                found[one.parent_id].append(one.id)
        return found

    @property
    def roots(self) -> list[int]:
        return [one.id for one in self.all.values() if one.parent_id is None]

    def named(self, code: str) -> Territory | None:
        """The territory of « departement-61 »; the first region for an empty code."""
        if not code:
            return self.all[self.roots[0]] if self.roots else None
        return next((one for one in self.all.values() if code_of(one) == code), None)

    def inside(self, territory: Territory) -> list[Territory]:
        return [self.all[one] for one in self.tree[territory.id]]

    def epcis(self, territory: Territory) -> list[Territory]:
        """The EPCI in it, itself if it is one."""
        below = self.inside(territory)
        found = [one for one in below if one.level is Level.EPCI] or [epci for one in below for epci in self.inside(one)]
        return [territory] if territory.level is Level.EPCI else found

    def compared(self, territory: Territory) -> list[Territory]:
        """Those to set it beside: what is just inside it; of an EPCI, its neighbours of the same département."""
        if territory.level is Level.EPCI and territory.parent_id is not None:
            return [self.all[one] for one in self.tree[territory.parent_id]]
        return self.inside(territory)


def code_of(territory: Territory) -> str:
    """How addresses and files name a territory: regions and départements share numbers."""
    return f"{territory.level}-{territory.code}"


def places() -> Places:
    """Regions first, then départements, then EPCI, by code. One query."""
    order = {level: place for place, level in enumerate(Level)}
    found = sorted(db.session.scalars(select(Territory)), key=lambda one: (order[one.level], one.code))
    return Places({one.id: one for one in found})
