"""A plan that can be changed meeting by meeting: who is where in which round, and what could still move.

Rounds are the bits of integers, so that « a round in which both are free and a table is left » is one expression. A bit
that is nobody's stands between two days: no row of rounds and no gap crosses it.
"""

from matchmaker.engine.programme import NOWHERE, UNLIMITED, Ints, Mask, Programme

FIXED, FLOATING, ASKING = 0, 1, 2


def bits(mask: int) -> list[int]:
    """The positions of the bits that are set.

    Examples
    --------
    >>> bits(0b10110)
    [1, 2, 4]
    """
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def longest_run(mask: int, limit: int) -> bool:
    """Whether more than `limit` bits in a row are set.

    Examples
    --------
    >>> longest_run(0b0111, 3), longest_run(0b1111, 3), longest_run(0b110110, 2)
    (False, True, False)
    """
    for _ in range(limit):
        mask &= mask >> 1
        if not mask:
            return False
    return mask != 0


class Grid:
    """The state of a plan and its elementary changes. Positions are rounds with a spare one between two days."""

    def __init__(self, programme: Programme, rounds: Ints, pinned: Mask | None = None) -> None:
        """Start from a plan: (E,) rounds, -1 for what is not planned. Pinned meetings never move, nor do locked ones."""
        days = programme.days.tolist()
        self.position = (
            [r + sum(1 for k in range(1, r + 1) if days[k] != days[k - 1]) for r in range(len(days))] if len(set(days)) > 1 else list(range(len(days)))
        )
        self.width = self.position[-1] + 1 if days else 0
        self.round_at = {at: r for r, at in enumerate(self.position)}
        self.days = self._day_masks(days)
        people = len(programme.delegates)
        self.left: list[int] = programme.left.tolist()
        self.right: list[int] = programme.right.tolist()
        self.score: list[float] = programme.score.tolist()
        self.places: list[int] = programme.places.astype(int).tolist()
        self.most: list[int] = programme.most_meetings.tolist()
        limits = programme.most_consecutive.tolist()
        self.limit: list[int] = [limit if limit < len(days) else UNLIMITED for limit in limits]
        self.limited = any(limit < UNLIMITED for limit in self.limit)
        self.single = all(places == 1 for places in self.places)

        self.available: list[int] = [sum(1 << self.position[r] for r in row.nonzero()[0].tolist()) for row in programme.available]
        seatable = programme.seatable.tolist()
        self.possible: list[int] = [self.available[u] & self.available[v] if ok else 0 for u, v, ok in zip(self.left, self.right, seatable, strict=True)]
        self.kind = [
            FIXED if not one else ASKING if asks else FLOATING for one, asks in zip(programme.floating.tolist(), programme.asking.tolist(), strict=True)
        ]
        self.tables = int(programme.free_tables.sum())
        self.seats = [0] * self.width
        for r, seats in enumerate(programme.accessible_seats().tolist()):
            self.seats[self.position[r]] = seats
        everywhere = sum(1 << at for at in self.position)
        self.open = [everywhere, everywhere if self.tables else 0, sum(1 << at for at in self.position if self.tables and self.seats[at] > 0)]
        self.load, self.asked = [0] * self.width, [0] * self.width
        self.present: list[list[int]] = [[] for _ in range(self.width)]

        self.at: list[list[list[int]]] = [[[] for _ in range(self.width)] for _ in range(people)]
        self.free, self.busy, self.count = list(self.available), [0] * people, [0] * people
        self.where = [NOWHERE] * len(self.left)
        self.pinned = (programme.locked_round >= 0).tolist() if pinned is None else ((programme.locked_round >= 0) | pinned).tolist()
        for e, r in enumerate(rounds.tolist()):
            if r >= 0:
                self.place(e, self.position[r])

    def _day_masks(self, days: list[int]) -> list[int]:
        masks: list[int] = []
        for r, day in enumerate(days):
            if r == 0 or day != days[r - 1]:
                masks.append(0)
            masks[-1] |= 1 << self.position[r]
        return masks

    def place(self, e: int, at: int) -> None:
        """Put a meeting that is nowhere at a position. What must hold is the caller's to know."""
        bit = 1 << at
        for p in (self.left[e], self.right[e]):
            here = self.at[p][at]
            here.append(e)
            if len(here) >= self.places[p]:
                self.free[p] &= ~bit
            self.busy[p] |= bit
            self.count[p] += 1
        self.where[e] = at
        self.present[at].append(e)
        self._load(e, at, 1)

    def remove(self, e: int) -> int:
        """Take a meeting out and return the position where it was."""
        at = self.where[e]
        bit = 1 << at
        for p in (self.left[e], self.right[e]):
            here = self.at[p][at]
            here.remove(e)
            if len(here) < self.places[p]:
                self.free[p] |= bit & self.available[p]
            if not here:
                self.busy[p] &= ~bit
            self.count[p] -= 1
        self.where[e] = NOWHERE
        self.present[at].remove(e)
        self._load(e, at, -1)
        return at

    def _load(self, e: int, at: int, by: int) -> None:
        kind = self.kind[e]
        if kind == FIXED:
            return
        self.load[at] += by
        if kind == ASKING:
            self.asked[at] += by
        bit = 1 << at
        roomy = self.load[at] < self.tables
        self.open[FLOATING] = self.open[FLOATING] | bit if roomy else self.open[FLOATING] & ~bit
        self.open[ASKING] = self.open[ASKING] | bit if roomy and self.asked[at] < self.seats[at] else self.open[ASKING] & ~bit

    def room_for(self, e: int) -> int:
        """Positions where a meeting that is nowhere can go without moving any other, whatever the number of its people's meetings."""
        u, v = self.left[e], self.right[e]
        mask = self.possible[e] & self.free[u] & self.free[v] & self.open[self.kind[e]]
        if mask and self.limited:
            for p in (u, v):
                if self.limit[p] < UNLIMITED:
                    mask = sum(1 << at for at in bits(mask) if not longest_run(self.busy[p] | 1 << at, self.limit[p]))
        return mask

    def has_quota(self, e: int) -> bool:
        """Whether both may have one meeting more."""
        u, v = self.left[e], self.right[e]
        return self.count[u] < self.most[u] and self.count[v] < self.most[v]

    def chain(self, e: int, to: int, other: int, longest: int = UNLIMITED) -> dict[int, int] | None:
        """As `component`, and None too when tables or rows of rounds do not allow the moves."""
        moves = self.component(e, to, other, longest)
        return moves if moves is not None and self.fits(moves) else None

    def component(self, e: int, to: int, other: int, longest: int = UNLIMITED) -> dict[int, int] | None:
        """Moves between two positions that leave everybody a place when meeting e goes to `to`: a Kempe chain.

        The meeting is nowhere, or at `other`. Whoever has no place left at `to` moves a meeting to `other`, and so on.
        Returns where each meeting goes, or None when a meeting is pinned, somebody is away, or more than `longest` move.
        """
        moves = {e: to}
        stack = [e]
        while stack:
            m = stack.pop()
            target = moves[m]
            if not self.possible[m] >> target & 1:
                return None
            for p in (self.left[m], self.right[m]):
                if self.places[p] > 1:
                    found = self._blocking(p, target, moves)
                    if found is None:
                        return None
                    blocking = found
                else:
                    here = self.at[p][target]
                    blocking = [one for one in here if one not in moves]
                    if not blocking and m != e and self.where[e] < 0 and target == to and p in (self.left[e], self.right[e]):
                        return None
                for one in blocking:
                    if self.pinned[one] or len(moves) >= longest:
                        return None
                    moves[one] = other if target == to else to
                    stack.append(one)
        return moves

    def _blocking(self, p: int, target: int, moves: dict[int, int]) -> list[int] | None:
        """Meetings that somebody with several delegates must move away, the ones that may move first; None when too many arrive."""
        staying = [one for one in self.at[p][target] if one not in moves]
        arriving = sum(1 for one, at in moves.items() if at == target and self.where[one] != target and p in (self.left[one], self.right[one]))
        over = len(staying) + arriving - self.places[p]
        if over > len(staying):
            return None
        return sorted(staying, key=self.pinned.__getitem__)[:over] if over > 0 else []

    def share_delegates(self, some: dict[int, int], others: dict[int, int]) -> bool:
        """Whether somebody with several delegates is in both chains, which then do not simply add up."""
        people = [{p for m in moves for p in (self.left[m], self.right[m]) if self.places[p] > 1} for moves in (some, others)] if not self.single else []
        return bool(people) and not people[0].isdisjoint(people[1])

    def fits(self, moves: dict[int, int]) -> bool:
        """Whether tables and rows of rounds allow these moves; free people are the caller's to know."""
        change: dict[int, int] = {}
        asked: dict[int, int] = {}
        for m, target in moves.items():
            kind = self.kind[m]
            if kind == FIXED:
                continue
            source = self.where[m]
            change[target] = change.get(target, 0) + 1
            change[source] = change.get(source, 0) - 1
            if kind == ASKING:
                asked[target] = asked.get(target, 0) + 1
                asked[source] = asked.get(source, 0) - 1
        for at, by in change.items():
            if by > 0 and self.load[at] + by > self.tables:
                return False
        for at, by in asked.items():
            if by > 0 and self.asked[at] + by > self.seats[at]:
                return False
        return not self.limited or self.runs_hold(moves)

    def runs_hold(self, moves: dict[int, int]) -> bool:
        """Whether nobody would have too many rounds in a row after the moves."""
        people = {p for m in moves for p in (self.left[m], self.right[m]) if self.limit[p] < UNLIMITED}
        return not any(longest_run(self.busy_after(p, moves), self.limit[p]) for p in people)

    def busy_after(self, p: int, moves: dict[int, int]) -> int:
        """The rounds in which a participant has a meeting once the moves are made."""
        touched = {at for m, target in moves.items() if p in (self.left[m], self.right[m]) for at in (self.where[m], target) if at >= 0}
        busy = self.busy[p]
        for at in touched:
            stays = any(one not in moves for one in self.at[p][at])
            comes = any(target == at and p in (self.left[m], self.right[m]) for m, target in moves.items())
            busy = busy | 1 << at if stays or comes else busy & ~(1 << at)
        return busy

    def apply(self, moves: dict[int, int]) -> dict[int, int]:
        """Make the moves (-1 takes a meeting out) and return those that undo them."""
        back = {m: self.where[m] for m in moves}
        for m in moves:
            if self.where[m] >= 0:
                self.remove(m)
        for m, target in moves.items():
            if target >= 0:
                self.place(m, target)
        return back

    def gap(self, busy: int) -> int:
        """Rounds without a meeting between the first and the last of each day."""
        idle = 0
        for day in self.days:
            mine = busy & day
            if mine:
                idle += mine.bit_length() - ((mine & -mine).bit_length() - 1) - mine.bit_count()
        return idle

    def rounds(self) -> list[int]:
        """The round of each meeting, -1 for what is not planned."""
        return [self.round_at[at] if at >= 0 else NOWHERE for at in self.where]
