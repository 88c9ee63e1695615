"""A year of a market under one policy: who is asked, who answers, what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench._market import LIFE, MEMORY, NEEDS, ORGANISATIONS, REMINDER, TALKS, WAITING_HALVES, YEAR, Board, Floats, Ints, Market

NEVER = 10**6
WINDOW = 20
DAY_45, DAY_90 = 32, 64
"""Working days in 45 and 90 days."""
ASKABLE, PROPOSED, INTERESTED, TALKING, DECLINED, FAILED, SIGNED, RELEASED = range(8)
Bools = NDArray[np.bool_]


@dataclass
class Sight:
    """What the platform sees of the year, and all that a policy may read. A policy changes nothing in it.

    Attributes
    ----------
    day : working day from 0.
    state, asked_on, answered_on, said_yes, signed_on, reminded : (E,) of each pair, NEVER for what has not happened;
        `since` is the day of its last change.
    mails : (M, YEAR) mails of each day, `total` : (M,) of all.
    open_needs : (N,) posted, not covered, not out of time.
    open_organisations : (M,) still there, with places left.
    last_asked, asked_organisation_on : (N,), (M,) day of the last question about the need, to the organisation; -NEVER
        for never.
    lately_when_asked : (E,) mails of the organisation in the 20 working days before the question.
    """

    board: Board
    day: int
    state: Ints
    since: Ints
    asked_on: Ints
    answered_on: Ints
    said_yes: Bools
    reminded: Bools
    mails: Ints
    total: Ints
    open_needs: Bools
    open_organisations: Bools
    last_asked: Ints
    asked_organisation_on: Ints
    lately_when_asked: Ints

    def lately(self, days: int) -> Ints:
        """(M,) mails of the last `days` working days, today not counted."""
        return np.asarray(self.mails[:, max(0, self.day - days) : self.day].sum(axis=1))

    def askable(self) -> Bools:
        """(E,) pairs that may be asked about today."""
        return (self.state == ASKABLE) & self.open_needs[self.board.need] & self.open_organisations[self.board.organisation]


@dataclass(frozen=True)
class Orders:
    """Rows of the pairs to ask about and to remind of today."""

    ask: Ints
    remind: Ints


Policy = Callable[[Sight], Orders]


@dataclass(frozen=True)
class Outcome:
    """What a policy made of a year."""

    cooperations: int
    mails: int
    served_45: float
    served_90: float
    first_yes: float
    over_solicited: float
    left: float
    answered: float


def live(market: Market, policy: Policy, *, expires_after: int | None = None) -> Outcome:
    """Run one year. `expires_after`: working days after which a late answer is refused (None: never)."""
    board = market.board
    count = len(board.need)
    sight = Sight(
        board, 0, *(np.full(count, value) for value in (ASKABLE, 0, NEVER, NEVER)), np.zeros(count, bool), np.zeros(count, bool),
        np.zeros((ORGANISATIONS, YEAR), np.int64), np.zeros(ORGANISATIONS, np.int64), np.zeros(NEEDS, bool), np.ones(ORGANISATIONS, bool),
        np.full(NEEDS, -NEVER), np.full(ORGANISATIONS, -NEVER), np.zeros(count, np.int64),
    )  # fmt: skip
    world = _World(market, sight, expires_after)
    for day in range(YEAR):
        world.begin(day)
        world.hear_answers()
        world.end_talks()
        world.start_talks()
        orders = policy(sight)
        world.send(orders.ask, orders.remind)
    return world.outcome()


class _World:
    def __init__(self, market: Market, sight: Sight, expires_after: int | None) -> None:
        self.board, self.hidden, self.people, self.sight, self.expires_after = market.board, market.hidden, market.world, sight, expires_after
        self.answer_on = np.full(len(self.board.need), NEVER)
        self.talk_ends_on = np.full(len(self.board.need), NEVER)
        self.waited = np.zeros(len(self.board.need))
        self.wear = np.zeros(ORGANISATIONS)
        self.annoyance = np.zeros(ORGANISATIONS)
        self.left_on = np.full(ORGANISATIONS, NEVER)
        self.places = self.hidden.places.copy()
        self.covered_on = np.full(NEEDS, NEVER)
        self.first_yes_on = np.full(NEEDS, NEVER)
        self.over = np.zeros(ORGANISATIONS, bool)

    def begin(self, day: int) -> None:
        sight = self.sight
        sight.day = day
        self.wear *= np.exp(-1.0 / MEMORY)
        leaves = (self.left_on == NEVER) & ((self.hidden.leaves_on <= day) | (self.annoyance > self.hidden.patience))
        self.left_on[leaves] = day
        sight.open_needs = (self.board.posted_on <= day) & (day < self.board.posted_on + LIFE) & (self.covered_on == NEVER)
        sight.open_organisations = (self.left_on == NEVER) & (self.places > 0)

    def hear_answers(self) -> None:
        sight, day = self.sight, self.sight.day
        at = np.flatnonzero((self.answer_on == day) & (sight.state == PROPOSED))
        at = at[self.left_on[self.board.organisation[at]] == NEVER]
        if self.expires_after is not None:
            at = at[day - sight.asked_on[at] <= self.expires_after]
        sight.answered_on[at] = day
        yes = self.hidden.agrees[at] < self.hidden.accepts[at]
        sight.said_yes[at] = yes
        self._move(at[~yes], DECLINED)
        welcome = yes & sight.open_needs[self.board.need[at]] & sight.open_organisations[self.board.organisation[at]]
        self._move(at[yes & ~welcome], RELEASED)
        self._move(at[welcome], INTERESTED)
        np.minimum.at(self.first_yes_on, self.board.need[at[welcome]], day)

    def end_talks(self) -> None:
        sight, day = self.sight, self.sight.day
        at = np.flatnonzero((sight.state == TALKING) & (self.talk_ends_on == day))
        at = at[np.argsort(self.board.lot[at])]
        signs = self.hidden.signs[at] < self.hidden.concludes[at] * 0.5 ** (self.waited[at] / WAITING_HALVES)
        self._move(at[~signs], FAILED)
        for row in at[signs].tolist():
            need, organisation = self.board.need[row], self.board.organisation[row]
            if self.covered_on[need] < NEVER or self.places[organisation] == 0:
                self._move(np.array([row]), RELEASED)
                continue
            self.covered_on[need] = day
            self.places[organisation] -= 1
            self._move(np.array([row]), SIGNED)
        sight.open_needs &= self.covered_on == NEVER
        sight.open_organisations = (self.left_on == NEVER) & (self.places > 0)
        alive = (sight.state == INTERESTED) | (sight.state == TALKING)
        over = alive & ~(sight.open_needs[self.board.need] & (self.places > 0)[self.board.organisation])
        self._move(np.flatnonzero(over), RELEASED)

    def start_talks(self) -> None:
        sight, day = self.sight, self.sight.day
        waiting = np.flatnonzero(sight.state == INTERESTED)
        order = waiting[np.lexsort((self.board.lot[waiting], sight.since[waiting], self.board.need[waiting]))]
        talking = np.bincount(self.board.need[sight.state == TALKING], minlength=NEEDS)
        rows = self.board.need[order]
        at = order[turn(rows) < TALKS - talking[rows]]
        self.waited[at] = day - sight.since[at]
        self.talk_ends_on[at] = day + self.hidden.talk[at]
        self._move(at, TALKING)

    def send(self, ask: Ints, remind: Ints) -> None:
        sight, day, hidden = self.sight, self.sight.day, self.hidden
        # Mails of one day are read with the same attention, whatever their order.
        rows = self.board.organisation
        attention = hidden.attention * np.exp(-self.people.wear * self.wear / hidden.comfort)
        reads = hidden.reads[ask] < attention[rows[ask]]
        self.answer_on[ask[reads]] = day + hidden.delay[ask[reads]]
        again = (hidden.reads_reminder[remind] < REMINDER * attention[rows[remind]]) & (sight.state[remind] == PROPOSED)
        woken = remind[again]
        self.answer_on[woken] = np.minimum(np.where(self.answer_on[woken] > day, self.answer_on[woken], NEVER), day + hidden.delay_reminder[woken])
        self._move(ask, PROPOSED)
        sight.asked_on[ask] = day
        sight.lately_when_asked[ask] = sight.lately(WINDOW)[rows[ask]]
        sight.reminded[remind] = True
        sight.last_asked[self.board.need[ask]] = day
        sight.asked_organisation_on[rows[ask]] = day

        sent = np.bincount(rows[ask], minlength=ORGANISATIONS) + np.bincount(rows[remind], minlength=ORGANISATIONS)
        self.wear += sent
        sight.mails[:, day] = sent
        sight.total += sent
        beyond = sight.mails[:, max(0, day - WINDOW + 1) : day + 1].sum(axis=1) > hidden.comfort
        self.over |= beyond
        self.annoyance += np.where(beyond, sent * self.people.leaves_per_mail, 0.0)

    def _move(self, rows: Ints, state: int) -> None:
        self.sight.state[rows] = state
        self.sight.since[rows] = self.sight.day

    def outcome(self) -> Outcome:
        sight, taken, told = self.sight, self.covered_on - self.board.posted_on, self.first_yes_on - self.board.posted_on
        seen = self.board.posted_on < YEAR - DAY_90
        asked = sight.asked_on < YEAR - 10
        return Outcome(
            cooperations=int((self.covered_on < NEVER).sum()),
            mails=int(sight.total.sum()),
            served_45=100 * float((taken[seen] <= DAY_45).mean()),
            served_90=100 * float((taken[seen] <= DAY_90).mean()),
            first_yes=float(np.median(told[self.first_yes_on < NEVER])),
            over_solicited=100 * float(self.over.mean()),
            left=100 * float((self.left_on < NEVER).mean()),
            answered=100 * float((sight.answered_on[asked] < NEVER).mean()),
        )


def turn(rows: Ints) -> Ints:
    """Position of each row among the equal rows of a sorted array."""
    return np.asarray(np.arange(len(rows)) - np.searchsorted(rows, rows), dtype=np.int64)


def firsts(sight: Sight, rows: Ints, order: Floats | Ints, most: Ints | int) -> Ints:
    """The first `most` of these pairs of each need, in an order of the pairs (least first). `most` is a number or (N,)."""
    need = sight.board.need[rows]
    at = rows[np.lexsort((sight.board.lot[rows], order, need))]
    limit = most if isinstance(most, int) else most[sight.board.need[at]]
    return at[turn(sight.board.need[at]) < limit]
