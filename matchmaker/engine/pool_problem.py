"""What a pooling problem is made of: fractions of jobs, and the rules that a pool of them must keep.

Half-days are the ten of a week, Monday morning bit 0 to Friday afternoon bit 9; months are twelve, January bit 0. A half-day a
week in an active month is a tenth of a full-time job in that month, and one part in 120 of a full-time year.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.candidates import great_circle_km
from matchmaker.engine.problem import BadProblem

HALFDAYS = 10
MONTHS = 12
YEAR = HALFDAYS * MONTHS  # parts of a full-time year
ALL_HALFDAYS, ALL_MONTHS = (1 << HALFDAYS) - 1, (1 << MONTHS) - 1

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rules:
    """What makes a pool viable, and what it costs to be many or far apart.

    Attributes
    ----------
    max_employers, min_needs : numbers of employers at most and of needs at least.
    max_km : greatest great-circle distance between any two needs.
    min_fte, max_fte : annual full-time equivalents; `max_fte` also holds in each month.
    public_share_max : greatest share of public employers in the annual full-time equivalents.
    max_start_days : days between the first and the last day on which two needs of a pool want to begin.
    per_extra_employer, per_km : what the value loses for each employer beyond two, and for each km of the largest distance.
    """

    max_employers: int = 4
    min_needs: int = 2
    max_km: float = 25.0
    min_fte: float = 0.8
    max_fte: float = 1.0
    public_share_max: float = 0.75
    max_start_days: float = 183.0
    per_extra_employer: float = 0.02
    per_km: float = 0.002

    @property
    def least_parts(self) -> int:
        """Parts of a full-time year that a pool has at least."""
        return math.ceil(self.min_fte * YEAR - 1e-9)

    @property
    def most_parts(self) -> int:
        """Parts of a full-time year that a pool has at most."""
        return math.floor(self.max_fte * YEAR + 1e-9)

    @property
    def most_halfdays(self) -> int:
        """Half-days that a pool has at most in any week."""
        return min(HALFDAYS, math.floor(self.max_fte * HALFDAYS + 1e-9))


@dataclass(frozen=True)
class Fractions:
    """Needs of a fraction of a job, one row each.

    Attributes
    ----------
    employer : (N,) id of the employer.
    occupations : N tuples of occupation codes, the first one wanted most.
    halfdays : (N,) half-days a week in an active month, 1 to 10.
    months : (N,) bits of the active months.
    allowed : (N,) bits of the half-days that suit.
    lat, lon : (N,) degrees.
    is_public : (N,) whether the employer is a public body.
    priority : (N,) worth of one full-time equivalent of this need, above 0.
    apart : (K, 2) rows that may not share a pool.
    together : (K, 2) rows that share a pool or are in none.
    reach_km : (N,) how far from its place somebody may live: two needs agree when one home is near enough to both, so within the
        sum of their reaches. No limit but the rules' by default.
    is_remote : (N,) whether all is done at a distance: such a need is at no distance from any other. None is by default.
    start : (N,) day on which it wants to begin, as a number; NaN when any day does, as it is by default.
    """

    employer: Ints
    occupations: Sequence[tuple[str, ...]]
    halfdays: Ints
    months: Ints
    allowed: Ints
    lat: Floats
    lon: Floats
    is_public: NDArray[np.bool_]
    priority: Floats
    apart: Ints
    together: Ints
    reach_km: Floats | None = None
    is_remote: NDArray[np.bool_] | None = None
    start: Floats | None = None

    def __len__(self) -> int:
        return len(self.employer)

    @property
    def parts(self) -> Ints:
        """(N,) parts of a full-time year."""
        return np.asarray(self.halfdays * np.bitwise_count(self.months), dtype=np.int64)

    @property
    def km(self) -> Floats:
        """(N, N) great-circle distances; none to what is done at a distance."""
        km = great_circle_km(self.lat[:, None], self.lon[:, None], self.lat[None, :], self.lon[None, :])
        return km if self.is_remote is None else np.where(self.is_remote[:, None] | self.is_remote[None, :], 0.0, km)

    @property
    def days_apart(self) -> Floats:
        """(N, N) days between the starts, none where one of them is open."""
        if self.start is None:
            return np.zeros((len(self), len(self)))
        return np.nan_to_num(np.abs(self.start[:, None] - self.start[None, :]))


def check_rules(rules: Rules) -> None:
    """Refuse rules that contradict one another.

    Raises
    ------
    BadProblem
        The message starts with the name of the rule.

    Examples
    --------
    >>> check_rules(Rules(min_fte=1.0, max_fte=0.8))
    Traceback (most recent call last):
    ...
    matchmaker.engine.problem.BadProblem: min_fte: 1 is above max_fte, 0.8
    """
    if not 1 <= rules.max_employers <= 10:
        raise BadProblem("max_employers: must be from 1 to 10")
    if not 1 <= rules.min_needs <= rules.max_employers:
        raise BadProblem(f"min_needs: must be from 1 to max_employers, {rules.max_employers}")
    for name in ("max_km", "min_fte", "max_fte", "public_share_max", "max_start_days", "per_extra_employer", "per_km"):
        value = getattr(rules, name)
        if not math.isfinite(value) or value < 0:
            raise BadProblem(f"{name}: must be a number of 0 or more")
    if rules.max_fte > 1:
        raise BadProblem("max_fte: one person works one full time at most")
    if rules.min_fte > rules.max_fte:
        raise BadProblem(f"min_fte: {rules.min_fte:g} is above max_fte, {rules.max_fte:g}")
    if rules.public_share_max > 1:
        raise BadProblem("public_share_max: must be at most 1")


def check_fractions(fractions: Fractions) -> None:
    """Refuse needs that no pool could hold, or that are not stated.

    Raises
    ------
    BadProblem
        The message starts with the name of the column and the row.
    """
    count = len(fractions)
    for name in ("occupations", "halfdays", "months", "allowed", "lat", "lon", "is_public", "priority", "reach_km", "is_remote", "start"):
        column = getattr(fractions, name)
        if column is not None and len(column) != count:
            raise BadProblem(f"{name}: {len(column)} rows for {count} employers")
    ranges = {"halfdays": (1, HALFDAYS), "months": (1, ALL_MONTHS), "allowed": (1, ALL_HALFDAYS)}
    for name, (low, high) in ranges.items():
        column = getattr(fractions, name)
        _refuse(name, (column < low) | (column > high), f"must be from {low} to {high}")
    _refuse("allowed", np.bitwise_count(fractions.allowed) < fractions.halfdays, "fewer half-days suit than are wanted")
    for name, most in (("lat", 90), ("lon", 180)):
        _refuse(name, ~(np.abs(getattr(fractions, name)) <= most), f"must be from -{most} to {most}")
    _refuse("priority", ~(np.isfinite(fractions.priority) & (fractions.priority > 0)), "must be a number above 0")
    if fractions.reach_km is not None:
        _refuse("reach_km", ~(fractions.reach_km >= 0), "must be a number of 0 or more")
    if fractions.start is not None:
        _refuse("start", np.isinf(fractions.start), "must be a day")
    _refuse("occupations", np.array([not codes for codes in fractions.occupations], dtype=np.bool_), "must name one")
    for name in ("apart", "together"):
        pairs = getattr(fractions, name)
        if pairs.size and (pairs.min() < 0 or pairs.max() >= count or np.any(pairs[:, 0] == pairs[:, 1])):
            raise BadProblem(f"{name}: pairs of two rows from 0 to {count - 1}")


def _refuse(name: str, wrong: NDArray[np.bool_], reason: str) -> None:
    if np.any(wrong):
        raise BadProblem(f"{name}[{int(np.flatnonzero(wrong)[0])}]: {reason}")
