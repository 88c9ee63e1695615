"""Whom to ask today: every question must be worth a mail to its reader.

A question to organisation j about need i is worth P(i not yet covered) × P(j answers) × P(j accepts and concludes). It is
asked when that exceeds price × (1 + load of j). Days are counts of working days, given by the caller.
"""

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.assignment import assign
from matchmaker.engine.cover import REMINDER_SHARE, SILENT_DAYS, one_less, one_more, still_answers
from matchmaker.engine.problem import SCORE_MAX, Objective, Problem
from matchmaker.engine.questions import Bools, Choice, Floats, Ints, Questions, Reason, check_questions, room

__all__ = ["Choice", "Questions", "Reason", "choose", "expected_gain", "room", "worth_reminding"]

PRICE = 0.02
"""Chances of a cooperation that one mail must be worth."""
LOAD_DAYS = 20
"""Working days over which solicitations are counted against the declared comfort."""
PATIENCE = 0.8
"""What a cooperation is worth that is asked for when the answers under way are known, against one that is asked for today."""
WAVE_DAYS = 3
"""Working days between two waves of questions about one need."""
RESCUE_DAYS = 60
"""Working days (a quarter) after which a need with nothing under way gets its next best candidate, whatever the price; the first one at once."""
REMINDER_DAYS = 5
"""Working days of silence after which a reminder may be sent, once."""


def expected_gain(not_covered: Floats, answer: Floats, accept: Floats, conclude: Floats) -> Floats:
    """(E,) cooperations to expect from one more question.

    Examples
    --------
    >>> expected_gain(np.array([0.8]), np.array([0.5]), np.array([0.5]), np.array([0.4])).round(3).tolist()
    [0.08]
    """
    return not_covered * answer * accept * conclude


def worth_today(not_covered: Floats, patience: float = PATIENCE) -> Floats:
    """(K,) share of a question's chance that it is worth to ask today and not when the answers under way are known.

    Notes
    -----
    With the chance c, the price p and the probability u that the place is not yet covered, asking today brings cu − p. Waiting
    brings u(c − p), a share `patience` of it: later one writes only where nobody was found. Today is better when
    cu(1 − patience) / (1 − patience × u) > p: all of c when nothing is under way, less than cu otherwise.

    Examples
    --------
    >>> worth_today(np.array([1.0, 0.8, 0.5, 0.0])).round(3).tolist()
    [1.0, 0.444, 0.167, 0.0]
    >>> worth_today(np.array([1.0, 0.8, 0.5, 0.0]), 0.0).tolist()
    [1.0, 0.8, 0.5, 0.0]
    """
    return np.asarray(not_covered * (1.0 - patience) / (1.0 - patience * not_covered), dtype=np.float64)


def choose(
    questions: Questions,
    *,
    price: float = PRICE,
    patience: float = PATIENCE,
    wave_days: int = WAVE_DAYS,
    rescue_days: int = RESCUE_DAYS,
    rescue: bool = True,
) -> tuple[Choice, ...]:
    """Choose the questions of the day.

    Parameters
    ----------
    price : what one mail must be worth, above 0.
    patience : from 0 to below 1, see `worth_today`.
    wave_days, rescue_days : see `WAVE_DAYS` and `RESCUE_DAYS`.
    rescue : whether needs with nothing under way are asked for even below the price.

    Returns
    -------
    tuple of Choice
        Those above the price in the order they were chosen, then the rescues. Each organisation at most once, and only
        where it has room.

    Raises
    ------
    BadProblem
        See `check_questions`.

    Notes
    -----
    The value of a set of questions has decreasing returns: the second question about a need is worth what it adds to the
    first. So the day is built by exact assignments in turn, with the marginal gains as weights, at most one question a
    need in each: after each one the gains of the needs that got a question are computed anew, until none exceeds its
    threshold. The assignments go down a fixed scale of prices (each half of the one before), and what they choose above
    the price is kept. Hence a higher price only removes questions, the last ones, and never adds or changes one (the
    rescues, which take what room is left, excepted).

    Examples
    --------
    One need, three organisations that are worth 0.2, 0.1 and 0.1 of a cooperation; the last had its month already. The
    second question is worth 0.8 × 0.1.

    >>> three, one = np.arange(3), np.ones(1)
    >>> questions = Questions(
    ...     need=three * 0, organisation=three, chance=np.array([0.2, 0.1, 0.1]), question_id=three, need_id=np.array([7]), organisation_id=three,
    ...     cover=np.ones((1, 1)), places=np.array([1]), days_since_asked=np.array([99]),
    ...     load=np.array([0.0, 0.5, 1.0]), room=np.array([1, 1, 0]), exploring=np.zeros(3, bool))
    >>> [(one.question, one.reason.value, round(one.gain, 3), round(one.threshold, 3)) for one in choose(questions, price=0.02)]
    [(0, 'worth_it', 0.2, 0.02), (1, 'worth_it', 0.08, 0.03)]
    >>> [one.question for one in choose(questions, price=0.1)]
    [0]
    """
    check_questions(questions, price)
    weight = _weights(questions)
    ready = questions.days_since_asked >= wave_days
    asked = _worth_asking(questions, _askable(questions, ready), weight, price, patience)
    if rescue:
        needs = np.unique(questions.need[[one.question for one in asked]]) if asked else np.zeros(0, dtype=np.int64)
        idle = (questions.cover[:, 0] >= 1.0) & (questions.days_since_asked >= rescue_days)
        idle[needs] = False
        asked += _rescues(questions, idle, [int(questions.organisation[one.question]) for one in asked], weight, price)
    return tuple(asked)


def worth_reminding(
    need: Ints,
    organisation: Ints,
    silent_days: Ints,
    *,
    first: Floats,
    answer: Floats,
    cooperation: Floats,
    cover: Floats,
    load: Floats,
    room: Ints,
    price: float = PRICE,
    patience: float = PATIENCE,
    share: float = REMINDER_SHARE,
) -> tuple[Bools, Floats]:
    """Tell which silent propositions are worth a reminder today.

    Parameters
    ----------
    need, organisation : (K,) rows of the needs and the organisations of propositions that are silent and were not reminded of yet.
    silent_days : (K,) working days since the proposition.
    first : (K,) chance that there was of an answer on the day of the proposition.
    answer : (K,) chance of an answer to a first mail that would be sent today: the silence is known by now.
    cooperation : (K,) chance that an answer leads to a cooperation.
    cover : (K, P) rows of `cover_probability` of their needs, these propositions among what is under way.
    load, room : (M,) as for `Questions`; the room is what the questions of the day leave.
    price, patience : as for `choose`: a reminder is a mail like another.
    share : of the chance of an answer to a first mail, what a reminder to a silent organisation has.

    Returns
    -------
    worth : (K,) at most one for an organisation and one for a need, and only where there is room.
    gain : (K,) cooperations to expect from the reminder itself, beside what the proposition may bring without it.

    Notes
    -----
    From `SILENT_DAYS` on, when the proposition has stopped counting, only where nothing else is under way about the need: then a
    reminder to who is rested again may be worth more than a question to the next best.

    Examples
    --------
    >>> days, high = np.array([5, 5, 4, 40]), np.array([0.6, 0.1, 0.6, 0.6])
    >>> worth, gain = worth_reminding(np.arange(4), np.arange(4), days, first=high, answer=high, cooperation=np.full(4, 0.3),
    ...                               cover=np.array([[0.9], [0.9], [0.9], [1.0]]), load=np.zeros(4), room=np.ones(4, int))
    >>> worth.tolist(), gain.round(3).tolist()
    ([True, False, False, True], [0.05, 0.011, 0.046, 0.072])
    """
    later = still_answers(first, silent_days)
    still_open = np.minimum(one_less(cover, later * cooperation).sum(axis=1), 1.0)
    chance = (1.0 - later) * answer * share * cooperation
    worth = chance * worth_today(still_open, patience) / (1.0 + load[organisation])
    is_time = (silent_days >= REMINDER_DAYS) & ((silent_days < SILENT_DAYS) | (still_open >= 1.0))
    due = np.flatnonzero(is_time & (worth > price) & (room[organisation] > 0))
    chosen = np.zeros(len(worth), dtype=np.bool_)
    busy_needs: set[int] = set()
    busy_organisations: set[int] = set()
    # By falling worth: a higher price takes away the last ones, and adds none.
    for row in due[np.lexsort((due, -worth[due]))].tolist():
        if need[row] not in busy_needs and organisation[row] not in busy_organisations:
            chosen[row] = True
            busy_needs.add(int(need[row]))
            busy_organisations.add(int(organisation[row]))
    return chosen, chance * still_open


def _worth_asking(questions: Questions, at: NDArray[np.intp], weight: Floats, price: float, patience: float) -> list[Choice]:
    cover, dearness, worthy = questions.cover.copy(), 1.0 + questions.load, weight * questions.chance
    not_covered = np.minimum(cover.sum(axis=1), 1.0)
    free = np.ones(len(questions.load), dtype=np.bool_)
    asked: list[Choice] = []
    while at.size:
        hope = worthy[at] * worth_today(not_covered[questions.need[at]], patience)
        worth = hope / dearness[questions.organisation[at]]
        # Hopes only fall: what is below the last step now will be so later.
        keep = free[questions.organisation[at]] & (worth >= _step(price))
        at, hope, worth = at[keep], hope[keep], worth[keep]
        if worth.max(initial=0.0) <= price:
            break
        level = np.flatnonzero(worth >= _step(float(worth.max())))
        taken = level[_assigned(questions, at[level], hope[level])]
        rows = at[taken]
        needs = questions.need[rows]
        gain = worthy[rows] * not_covered[needs]
        cover[needs] = one_more(cover[needs], questions.chance[rows], questions.places[needs])
        not_covered[needs] = np.minimum(cover[needs].sum(axis=1), 1.0)
        free[questions.organisation[rows]] = False
        asked += [_choice(questions, int(row), float(one), price) for row, one, much in zip(rows, gain, worth[taken], strict=True) if much > price]
    return asked


def _step(worth: float) -> float:
    """The step of the scale of prices at or below this."""
    return float(2.0 ** np.floor(np.log2(worth)))


def _rescues(questions: Questions, idle: Bools, busy: list[int], weight: Floats, price: float) -> list[Choice]:
    at = _askable(questions, idle)
    at = at[~np.isin(questions.organisation[at], busy)]
    gain = weight[at] * questions.chance[at]
    taken = _assigned(questions, at, gain, Objective.SERVED_FIRST)
    return [_choice(questions, int(row), float(one), price, Reason.RESCUE) for row, one in zip(at[taken], gain[taken], strict=True)]


def _choice(questions: Questions, row: int, gain: float, price: float, reason: Reason | None = None) -> Choice:
    organisation = questions.organisation[row]
    exploring = bool(questions.exploring[organisation])
    return Choice(
        question=row,
        reason=reason or (Reason.EXPLORATION if exploring else Reason.WORTH_IT),
        chance=float(questions.chance[row]),
        gain=gain,
        price=price,
        threshold=price * (1.0 + float(questions.load[organisation])),
    )


def _askable(questions: Questions, needs: Bools) -> NDArray[np.intp]:
    """Rows of the questions about these needs to organisations with room: the best one of each need and organisation."""
    asks = needs & (questions.places > 0)
    at = np.flatnonzero(asks[questions.need] & (questions.room[questions.organisation] > 0))
    order = at[np.lexsort((questions.question_id[at], -questions.chance[at], questions.organisation[at], questions.need[at]))]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (questions.need[order][1:] != questions.need[order][:-1]) | (questions.organisation[order][1:] != questions.organisation[order][:-1])
    return order[first]


def _assigned(questions: Questions, at: NDArray[np.intp], gain: Floats, objective: Objective = Objective.SCORE) -> NDArray[np.intp]:
    """Positions in `at` of the exact assignment of the greatest gain: each need and each organisation at most once."""
    needs, need = np.unique(questions.need[at], return_inverse=True)
    organisations, organisation = np.unique(questions.organisation[at], return_inverse=True)
    problem = Problem(
        need=need.astype(np.int32),
        offer=organisation.astype(np.int32),
        score=np.clip(np.rint(gain * SCORE_MAX), 1, SCORE_MAX).astype(np.int64),
        need_capacity=np.ones(len(needs), dtype=np.int32),
        offer_capacity=np.ones(len(organisations), dtype=np.int32),
        locked=np.zeros(len(at), dtype=np.bool_),
        need_id=np.asarray(questions.need_id[needs], dtype=np.int64),
        offer_id=np.asarray(questions.organisation_id[organisations], dtype=np.int64),
    )
    chosen = np.flatnonzero(assign(problem, objective).chosen)
    return chosen[np.lexsort((problem.offer_id[problem.offer[chosen]], problem.need_id[problem.need[chosen]]))]


def _weights(questions: Questions) -> Floats:
    weight = np.ones(len(questions.need))
    if questions.need_weight is not None:
        weight = weight * questions.need_weight[questions.need]
    if questions.organisation_weight is not None:
        weight = weight * questions.organisation_weight[questions.organisation]
    return weight
