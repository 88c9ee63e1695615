"""Insertions of meetings that have no place: for nothing, by a Kempe chain, or by ejecting what is worth less."""

import math
import random

from matchmaker.engine.grid import ASKING, FIXED, Grid, bits
from matchmaker.engine.programme import NOWHERE

COLD = 0.01
MEETS_SOMEBODY = 0.5
"""What the first meeting of a participant is worth above its score, when meetings are ejected."""
CHAINS = 6
"""Kempe chains tried for a meeting before another is ejected."""
ROUNDS = 8
"""Rounds looked at to eject from."""


class Search:
    """A grid, the meetings that wait for a place in it, and the total score of the others."""

    def __init__(self, grid: Grid, seed: int) -> None:
        self.grid = grid
        self.rng = random.Random(seed)
        self.waiting = [e for e, at in enumerate(grid.where) if at < 0 and grid.possible[e] and not grid.pinned[e]]
        self.slot = {e: k for k, e in enumerate(self.waiting)}
        self.total = float(sum(grid.score[e] for e, at in enumerate(grid.where) if at >= 0))
        self.forbidden = [0] * len(grid.where)

    def run(self, iterations: int, bound: float, hot: float) -> None:
        """Search, and leave the best plan found in the grid."""
        best, where = self.total, list(self.grid.where)
        for e in sorted(self.waiting, key=lambda e: -self.grid.score[e]):
            self._insert(e, 0, 0.0, thorough=True)
        cooling = (COLD / hot) ** (1 / max(iterations, 1))
        heat = hot
        for step in range(iterations):
            if self.total > best:
                best, where = self.total, list(self.grid.where)
            if not self.waiting or self.total >= bound - 1e-9:
                break
            heat *= cooling
            self._insert(self.waiting[int(self.rng.random() * len(self.waiting))], step, heat)
        if self.total < best:
            self.grid.apply(dict(enumerate(where)))
            self.total = best

    def _insert(self, e: int, step: int, heat: float, thorough: bool = False) -> None:
        grid = self.grid
        if grid.has_quota(e):
            room = grid.room_for(e)
            if room:
                places = bits(room)
                return self._apply({e: places[int(self.rng.random() * len(places))]})
            moves = self._chain(e, thorough)
            if moves is not None:
                return self._apply(moves)
        if heat > 0:
            self._eject(e, step, heat)
        return None

    def _chain(self, e: int, thorough: bool) -> dict[int, int] | None:
        """A Kempe chain that makes room: one of the two is free in a round, the other in another."""
        grid, u, v = self.grid, self.grid.left[e], self.grid.right[e]
        ours, theirs = bits(grid.possible[e] & grid.free[u]), bits(grid.possible[e] & grid.free[v])
        pairs = [(a, b) for a in ours for b in bits(grid.free[v]) if a != b] + [(b, a) for b in theirs for a in bits(grid.free[u]) if a != b]
        if not thorough and len(pairs) > CHAINS:
            pairs = [pairs[int(self.rng.random() * len(pairs))] for _ in range(CHAINS)]
        for to, other in pairs:
            moves = grid.chain(e, to, other)
            if moves is not None:
                return moves
        return None

    def _eject(self, e: int, step: int, heat: float) -> None:
        """Put e where it costs the least, and what stands in its way nowhere, if the temperature allows."""
        best: tuple[float, int, list[int]] | None = None
        places = bits(self.grid.possible[e])
        for at in places if len(places) <= ROUNDS else [places[int(self.rng.random() * len(places))] for _ in range(ROUNDS)]:
            out = self._in_the_way(e, at, step)
            if out is None:
                continue
            loss = sum(self.grid.score[one] for one in out) + self.rng.random() * heat
            if best is None or loss < best[0]:
                best = (loss, at, out)
        if best is None:
            return
        change = self.grid.score[e] - sum(self.grid.score[one] for one in best[2])
        change += MEETS_SOMEBODY * ((self.grid.count[self.grid.left[e]] == 0) + (self.grid.count[self.grid.right[e]] == 0))
        change -= MEETS_SOMEBODY * sum(self.grid.count[p] == 1 for one in best[2] for p in (self.grid.left[one], self.grid.right[one]))
        if change < 0 and self.rng.random() >= math.exp(change / heat):
            return
        self._apply({e: best[1]} | dict.fromkeys(best[2], NOWHERE))
        self.forbidden[e] = step + 10 + int(self.rng.random() * 10)
        for one in sorted(best[2], key=lambda one: -self.grid.score[one]):
            self._insert(one, step, 0.0)

    def _in_the_way(self, e: int, at: int, step: int) -> list[int] | None:
        """Meetings to eject so that e can be there; None when one of them may not be."""
        grid = self.grid
        out: list[int] = []
        for p in (grid.left[e], grid.right[e]):
            here = grid.at[p][at]
            if len(here) >= grid.places[p]:
                out.append(self._least(here, out))
            elif grid.count[p] >= grid.most[p]:
                out.append(self._least([one for place in bits(grid.busy[p]) for one in grid.at[p][place]], out))
        if NOWHERE in out:
            return None
        kind = grid.kind[e]
        if kind != FIXED and not any(grid.where[one] == at and grid.kind[one] != FIXED for one in out) and grid.load[at] >= grid.tables:
            out.append(self._least([one for one in grid.present[at] if grid.kind[one] != FIXED], out))
        gone = sum(1 for one in out if one >= 0 and grid.where[one] == at and grid.kind[one] == ASKING)
        if kind == ASKING and grid.asked[at] - gone >= grid.seats[at]:
            out.append(self._least([one for one in grid.present[at] if grid.kind[one] == ASKING], out))
        if NOWHERE in out or any(grid.pinned[one] or self.forbidden[one] > step for one in out):
            return None
        moves = {e: at} | dict.fromkeys(out, NOWHERE)
        return out if not grid.limited or grid.runs_hold(moves) else None

    def _least(self, meetings: list[int], but: list[int]) -> int:
        return min((one for one in meetings if not self.grid.pinned[one] and one not in but), key=self.grid.score.__getitem__, default=NOWHERE)

    def _apply(self, moves: dict[int, int]) -> None:
        for one, at in moves.items():
            was = self.grid.where[one] >= 0
            if was == (at >= 0):
                continue
            self.total += self.grid.score[one] if at >= 0 else -self.grid.score[one]
            if at >= 0:
                last, k = self.waiting[-1], self.slot.pop(one)
                self.waiting[k] = last
                self.slot[last] = k
                self.waiting.pop()
                self.slot.pop(one, None)
            else:
                self.slot[one] = len(self.waiting)
                self.waiting.append(one)
        self.grid.apply(moves)
