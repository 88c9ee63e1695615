"""What the public may read: small numbers are hidden, and some larger ones beside them, so that none is found by subtraction.

The rules: what counts only things that anybody may see already is shown as it is. Everything else is published by whole months that are
over, which do not overlap: no difference of two days or of two stretches tells of one event. In a month, the parts of a whole hide
together (see ``hidden``), from the region down to the EPCI.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from matchmaker.models import Span
from matchmaker.services.indicators import BY_KEY, Indicator, Kind
from matchmaker.services.observatory_snapshots import Cell, Key, end_of

# One to four could be recognised.
SMALL = 5
Vector = tuple[int, ...]


def may_be_published(indicator: Indicator, span: Span, day: date, *, today: date) -> bool:
    """May the public read this indicator of this stretch, small numbers apart?"""
    return indicator.is_open or (span is Span.MONTH and end_of(span, day) < today and day == end_of(span, day))


def counts(indicator: Indicator, cell: Cell) -> Vector:
    """The counts of people or of events that a cell tells: of a share, also those who are not in it."""
    if indicator.kind is Kind.SHARE:
        # A place that the night wrote nothing of has a share of nobody: as long as the others' vectors, which are compared with it.
        whole = cell.value if cell.denominator is None else cell.denominator
        return int(cell.value), int(whole), int(whole - cell.value)
    if indicator.kind is Kind.MEASURE:
        return (int(cell.denominator or 0),)
    return (int(cell.value),)


def beside(indicator: Indicator, cells: Mapping[Key, Cell], territory_id: int) -> Vector:
    """The counts that this figure would tell beside others: answers that came later than in three days, questions without an answer."""
    mine = cells.get((territory_id, indicator.key, ""), Cell()).value
    later = tuple(int(cells.get((territory_id, key, ""), Cell(mine)).value - mine) for key in indicator.within)
    return later + (counts(BY_KEY[indicator.over], cells.get((territory_id, indicator.over, ""), Cell())) if indicator.over else ())


def is_small(vector: Vector) -> bool:
    return any(0 < number < SMALL for number in vector)


def hidden(parts: Sequence[Vector]) -> set[int]:
    """The positions to hide beside a whole that is shown: the small ones, and as many more as leave each of them at least two possible values.

    All hidden parts carry the same mark: who reads knows their sum, and neither which of them are small nor which are zero.

    >>> sorted(hidden([(3,), (40,), (7,), (0,)])), hidden([(12,), (0,), (30,)])
    ([0, 2], set())
    >>> sorted(hidden([(1,), (1,), (0,), (40,)]))
    [0, 1, 3]
    """
    found = {place for place, vector in enumerate(parts) if is_small(vector)}
    # The smallest of those that are shown go first; zeros last, they tell least.
    spare = sorted((place for place in range(len(parts)) if place not in found), key=lambda place: (not any(parts[place]), parts[place], place))
    while found and spare and (len(found) < 2 or is_found_out([parts[place] for place in found])):
        found.add(spare.pop(0))
    return found


def is_found_out(vectors: Sequence[Vector]) -> bool:
    """Is a small number among these told by their sum? Not once the sum leaves room for two that are not small."""
    return any(0 < sum(numbers) < 2 * SMALL and any(0 < number < SMALL for number in numbers) for numbers in zip(*vectors, strict=True))


def unpublished(indicator: Indicator, cells: Mapping[Key, Cell], tree: Mapping[int, Sequence[int]], roots: Sequence[int], part: str = "") -> set[int]:
    """The territories whose cell is not published. ``tree``: territory → those inside it; below a hidden one everything that happened is hidden."""
    if indicator.is_open:
        return set()
    vectors = {
        one: counts(indicator, cells.get((one, indicator.key, part), Cell())) + beside(indicator, cells, one)
        for one in {*roots, *tree, *(one for inside in tree.values() for one in inside)}
    }
    found = {roots[place] for place in hidden([vectors[root] for root in roots])} if len(roots) > 1 else {one for one in roots if is_small(vectors[one])}
    waiting = list(roots)
    while waiting:
        one = waiting.pop()
        inside = list(tree.get(one, ()))
        if one in found:
            found.update(child for child in inside if any(vectors[child]))
        else:
            found.update(inside[place] for place in hidden([vectors[child] for child in inside]))
        waiting.extend(inside)
    return found


def unpublished_parts(indicator: Indicator, cells: Mapping[Key, Cell], territory_id: int, parts: Sequence[str]) -> set[str]:
    """The parts of one territory's figure that are not published beside their whole."""
    if indicator.is_open:
        return set()
    vectors = [counts(indicator, cells.get((territory_id, indicator.key, part), Cell())) for part in parts]
    if is_small(counts(indicator, cells.get((territory_id, indicator.key, ""), Cell()))):
        return {part for part, vector in zip(parts, vectors, strict=True) if any(vector)}
    return {parts[place] for place in hidden(vectors)}
