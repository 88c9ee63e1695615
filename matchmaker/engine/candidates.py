"""Candidate pairs: which offers a need may meet at all, by the constraints that nothing can outweigh.

What is not known never excludes: the pair stays, with a mark, so that people check it together. Large tables go to the
compiled `nearby`; small ones, and all of them where numba is missing or cannot compile, to the readable `constraints`.
"""

from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

from matchmaker.engine.constraints import Barred, constraints, nearness
from matchmaker.engine.sides import OPEN_END, OPEN_START, Candidates, Floats, Ints, Missing, Side, check_side, great_circle_km, kilometres

__all__ = ["OPEN_END", "OPEN_START", "Candidates", "Floats", "Ints", "Missing", "Side", "WhyNone", "candidates", "great_circle_km", "warm", "why_none"]

_BLOCK_CELLS = 1_000_000
# Below this many needs × offers nothing is compiled or loaded: a web request tries changes on tables of this size.
_CELLS_TO_COMPILE = 2_000_000


@dataclass(frozen=True)
class WhyNone:
    """Why a need has no candidate: constraint → offers that it removed among those that the constraints before it left.

    `nearest_km` is the distance of the nearest offer of the category by another organisation, None when there is none.
    """

    removed: dict[str, int]
    left: int
    nearest_km: float | None


def candidates(needs: Side, offers: Side, *, refused: Ints | None = None, never_with: Ints | None = None) -> Candidates:
    """Find every pair that the constraints allow.

    Parameters
    ----------
    refused : (R, 2) ids of need and offer that have refused each other; unknown ids are left aside.
    never_with : (K, 2) organisations that never work together, in any order.

    Notes
    -----
    A side reaches the other when the distance is within its radius, or the other's commune lies in one of its
    intervention areas, or it states neither. Both sides must reach each other, unless either can work entirely from afar.

    Raises
    ------
    BadProblem
        Columns of different lengths, or an id given twice.
    """
    check_side("need", needs)
    check_side("offer", offers)
    nearby = _compiled() if len(needs.id) * len(offers.id) >= _CELLS_TO_COMPILE else None
    barred = Barred(refused, never_with)
    return find_in_blocks(needs, offers, barred) if nearby is None else nearby.find(needs, offers, barred)


def find_in_blocks(needs: Side, offers: Side, barred: Barred) -> Candidates:
    """As `candidates`, block by block of every category."""
    found: list[tuple[Ints, Ints, Floats]] = []
    for category in np.intersect1d(needs.category, offers.category).tolist():
        columns = np.flatnonzero(offers.category == category)
        all_rows = np.flatnonzero(needs.category == category)
        step = max(1, _BLOCK_CELLS // len(columns))
        for start in range(0, len(all_rows), step):
            rows = all_rows[start : start + step]
            near = nearness(needs, offers, rows, columns)
            allowed = np.ones(near.shape, dtype=np.bool_)
            for _, holds in constraints(needs, offers, rows, columns, near, barred):
                allowed &= holds
            r, c = np.nonzero(allowed)
            found.append((rows[r], columns[c], near[r, c]))
    empty = np.zeros(0, dtype=np.int64)
    need = np.concatenate([empty, *(block[0] for block in found)])
    offer = np.concatenate([empty, *(block[1] for block in found)])
    near = np.concatenate([np.zeros(0), *(block[2] for block in found)])
    order = np.lexsort((offer, need))
    need, offer, near = need[order], offer[order], near[order]

    to_check = needs.required[need] & ~offers.held[offer]
    missing = Missing.DISTANCE * np.isnan(near) + Missing.FLAGS * (to_check != 0)
    missing = missing + Missing.HALFDAYS * ((needs.halfdays[need] == 0) | (offers.halfdays[offer] == 0))
    return Candidates(need.astype(np.int32), offer.astype(np.int32), kilometres(near), missing.astype(np.uint8))


def warm() -> bool:
    """Compile the search, or read what an earlier process compiled; return whether there is one. See `assignment.warm`."""
    return _compiled() is not None


@cache
def _compiled() -> ModuleType | None:
    """The compiled search, tried on empty tables; None where numba is missing, switched off or unable to compile."""
    try:
        from matchmaker.engine import nearby

        nearby.find(nearby.NOBODY, nearby.NOBODY, Barred(None, None))
    except Exception:  # whatever compiling may raise: there is a slower way that needs no compiler
        return None
    return None if nearby.DISABLED else nearby


def why_none(needs: Side, offers: Side, row: int, *, refused: Ints | None = None, never_with: Ints | None = None) -> WhyNone:
    """Tell which constraint removed how many offers for the need at `row`. Same arguments as `candidates`."""
    columns = np.flatnonzero(offers.category == needs.category[row])
    rows = np.array([row])
    near = nearness(needs, offers, rows, columns)
    others = near[0][offers.organisation[columns] != needs.organisation[row]]
    removed = {"category": len(offers.id) - len(columns)}
    left = np.ones((1, len(columns)), dtype=np.bool_)
    for name, holds in constraints(needs, offers, rows, columns, near, Barred(refused, never_with)):
        removed[name] = int(np.count_nonzero(left & ~holds))
        left = left & holds
    known = others[~np.isnan(others)]
    return WhyNone(removed, int(np.count_nonzero(left)), float(kilometres(known.min())) if known.size else None)
