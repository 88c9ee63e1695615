"""What nothing can outweigh, one constraint after the other: the readable version, over whole blocks of needs × offers.

`nearby` finds the same pairs without looking at every block; `candidates` chooses between the two.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from matchmaker.engine.sides import Bools, Floats, Ints, Side, directions, position, squared_sine_of, squared_sines


@dataclass(frozen=True)
class Barred:
    """Pairs of ids that never meet; see `candidates`."""

    refused: Ints | None
    never_with: Ints | None


def constraints(needs: Side, offers: Side, rows: Ints, columns: Ints, near: Floats, barred: Barred) -> Iterator[tuple[str, Bools]]:
    """Yield each constraint's name and where it holds, over the block rows × columns of one category."""

    def need(column: Ints) -> Ints:
        return column[rows][:, None]

    def offer(column: Ints) -> Ints:
        return column[columns][None, :]

    yield "organisation", need(needs.organisation) != offer(offers.organisation)
    yield "never_with", ~_named(barred.never_with, needs.organisation[rows], offers.organisation[columns], both_ways=True)
    yield "refused", ~_named(barred.refused, needs.id[rows], offers.id[columns])
    remote = (need(needs.remote_share) == 100) | (offer(offers.remote_share) == 100)
    reached = _reaches(needs, offers, rows, columns, near) & _reaches(offers, needs, columns, rows, near.T).T
    yield "distance", reached | remote
    yield "dates", np.maximum(need(needs.starts), offer(offers.starts)) <= np.minimum(need(needs.ends), offer(offers.ends))
    unknown = (need(needs.halfdays) == 0) | (offer(offers.halfdays) == 0)
    yield "halfdays", unknown | ((need(needs.halfdays) & offer(offers.halfdays)) != 0)
    yield "flags", (need(needs.required) & offer(offers.denied)) == 0


def nearness(needs: Side, offers: Side, rows: Ints, columns: Ints) -> Floats:
    """(R, C) squared sines of the block; see `sides.squared_sines`."""
    x, y, z = directions(needs.lat[rows], needs.lon[rows])
    return squared_sines((x[:, None], y[:, None], z[:, None]), directions(offers.lat[columns], offers.lon[columns]))


def _reaches(own: Side, other: Side, rows: Ints, columns: Ints, near: Floats) -> Bools:
    radius = own.radius_km[rows][:, None]
    has_area: Bools = np.asarray((own.area_start[1:] > own.area_start[:-1])[rows])[:, None]
    within = np.isnan(near) | (near <= squared_sine_of(radius))  # an unknown distance is checked by people
    anywhere = np.isnan(radius) & ~has_area
    reached: Bools = (within & ~np.isnan(radius)) | anywhere | _in_areas(own, other, rows, columns)
    # A commune that is not known may lie in an area: it stays, and its distance is marked as missing.
    homeless: Bools = np.asarray((other.home[columns] < 0).all(axis=1))[None, :]
    return reached | (has_area & homeless)


def _in_areas(own: Side, other: Side, rows: Ints, columns: Ints) -> Bools:
    """Whether the other's commune lies in one of the areas of each row."""
    counts = (own.area_start[1:] - own.area_start[:-1])[rows]
    if counts.sum() == 0:
        return np.zeros((len(rows), len(columns)), dtype=np.bool_)
    places = np.concatenate([own.area[own.area_start[row] : own.area_start[row + 1]] for row in rows.tolist()])
    names, code = np.unique(places, return_inverse=True)
    areas = csr_array((np.ones(len(code), dtype=np.int32), (np.repeat(np.arange(len(rows)), counts), code)), shape=(len(rows), len(names)))
    home = other.home[columns]
    at = np.minimum(np.searchsorted(names, home), len(names) - 1)
    lies, level = np.nonzero(np.equal(names[at], home))
    homes = csr_array((np.ones(len(lies), dtype=np.int32), (at[lies, level], lies)), shape=(len(names), len(columns)))
    return np.asarray((areas @ homes).toarray() > 0)


def _named(pairs: Ints | None, row_ids: Ints, column_ids: Ints, both_ways: bool = False) -> Bools:
    """Whether (row id, column id) is one of the pairs."""
    named = np.zeros((len(row_ids), len(column_ids)), dtype=np.bool_)
    if pairs is None or len(pairs) == 0:
        return named
    listed = np.unique(np.concatenate((pairs, pairs[:, ::-1])) if both_ways else pairs, axis=0)
    listed = listed[np.isin(listed[:, 0], row_ids) & np.isin(listed[:, 1], column_ids)]
    if both_ways:  # ids of organisations repeat over rows
        names, at = np.unique(listed.ravel(), return_inverse=True)
        table = np.zeros((len(names) + 1, len(names) + 1), dtype=np.bool_)
        table[tuple(at.reshape(-1, 2).T)] = True
        return np.asarray(table[np.ix_(position(names, row_ids), position(names, column_ids))])
    row_order, column_order = np.argsort(row_ids), np.argsort(column_ids)
    r = row_order[np.searchsorted(row_ids, listed[:, 0], sorter=row_order)]
    c = column_order[np.searchsorted(column_ids, listed[:, 1], sorter=column_order)]
    named[r, c] = True
    return named
