"""What a need may still expect from the questions that are under way: is another one worth asking?

A need asks for one or several places. Each question under way may bring one of them; how many they bring together is a
Poisson-binomial law, kept exactly as « probability that k places are covered » for each k below the number of places.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.problem import BadProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64] | NDArray[np.int32]

SILENT_DAYS = 10
"""Working days after which a silent proposition stops counting; its late yes is welcome all the same."""
ANSWER_DELAY = 4.0
"""Mean working days before an answer that comes."""
INTEREST_FADES = 20.0
"""Working days of silence that halve what a yes is worth."""
CONVERSATION_FADES = 60.0
"""Working days of silence that halve what a conversation is worth."""
REMINDER_SHARE = 0.4
"""Of the chance of an answer to a first mail, what a reminder to a silent organisation has."""


class Stage(IntEnum):
    """How far a question has come: asked, said yes, both sides talk."""

    PROPOSED = 0
    INTERESTED = 1
    IN_CONVERSATION = 2


def still_answers(answer: Floats, silent_days: Ints) -> Floats:
    """Chance that a proposition which has been silent so long is answered yet.

    Parameters
    ----------
    answer : (K,) chance that there was on the day of the proposition.
    silent_days : (K,) working days since then.

    Notes
    -----
    Bayes' rule with answers that come after an exponential delay; 0 from `SILENT_DAYS` on.

    Examples
    --------
    >>> still_answers(np.full(4, 0.5), np.array([0, 4, 9, 10])).round(3).tolist()
    [0.5, 0.269, 0.095, 0.0]
    """
    to_come = answer * np.exp(-silent_days / ANSWER_DELAY)
    later = to_come / np.maximum(1.0 - answer + to_come, 1e-12)
    return np.where(silent_days >= SILENT_DAYS, 0.0, later)


def answers_yet(answer: Floats, silent_days: Ints, reminded_days: Ints, *, share: float = REMINDER_SHARE) -> Floats:
    """Chance that a proposition is answered yet, by itself or because of its reminder.

    Parameters
    ----------
    answer, silent_days : (K,) as for `still_answers`.
    reminded_days : (K,) working days since the reminder, a large number for none.
    share : of the chance of an answer to a first mail, what a reminder has.

    Examples
    --------
    Silent for five days, the same reminded of today, and silent for a month and reminded of today:

    >>> answers_yet(np.full(3, 0.5), np.array([5, 5, 20]), np.array([999, 0, 0])).round(3).tolist()
    [0.223, 0.378, 0.2]
    """
    by_itself, by_reminder = still_answers(answer, silent_days), still_answers(answer * share, reminded_days)
    return np.asarray(1.0 - (1.0 - by_itself) * (1.0 - by_reminder), dtype=np.float64)


def chance_under_way(stage: Ints, silent_days: Ints, *, answer: Floats, accept: Floats, conclude: Floats, reminded_days: Ints | None = None) -> Floats:
    """Chance that each question under way ends in a cooperation.

    Parameters
    ----------
    stage : (K,) values of `Stage`.
    silent_days : (K,) working days since the last sign of life: the proposition, the yes, the last message.
    answer, accept, conclude : (K,) chance of an answer on the day of the proposition, of a yes among answers, of a
        cooperation after a yes.
    reminded_days : (K,) as for `answers_yet`; nobody was reminded when it is not given.

    Examples
    --------
    Asked today, said yes twenty days ago, talked today:

    >>> half = np.full(3, 0.5)
    >>> chance_under_way(np.array([0, 1, 2]), np.array([0, 20, 0]), answer=half, accept=half, conclude=half).tolist()
    [0.125, 0.25, 0.5]
    """
    answers = still_answers(answer, silent_days) if reminded_days is None else answers_yet(answer, silent_days, reminded_days)
    proposed = answers * accept * conclude
    interested = conclude * 0.5 ** (silent_days / INTEREST_FADES)
    talking = conclude * 0.5 ** (silent_days / CONVERSATION_FADES)
    return np.where(stage == Stage.PROPOSED, proposed, np.where(stage == Stage.INTERESTED, interested, talking))


def cover_probability(need: Ints, chance: Floats, *, places: Ints) -> Floats:
    """How many places of each need the questions under way will cover.

    Parameters
    ----------
    need : (K,) row of the need of each question under way.
    chance : (K,) chance that it ends in a cooperation, see `chance_under_way`.
    places : (N,) places that are still open, 0 for a need that is covered.

    Returns
    -------
    (N, P) probability that exactly k places are covered, for k below the need's places; 0 further right. A row's sum is
    the probability that the need is **not yet covered**; its first value is exactly 1 when nothing is under way.

    Raises
    ------
    BadProblem
        A row or a chance out of range, negative places.

    Examples
    --------
    One place with two questions of a half; two places with the same; nothing under way; nothing to cover.

    >>> cover = cover_probability(np.array([0, 0, 1, 1]), np.full(4, 0.5), places=np.array([1, 2, 1, 0]))
    >>> cover.tolist()
    [[0.25, 0.0], [0.25, 0.5], [1.0, 0.0], [0.0, 0.0]]
    >>> cover.sum(axis=1).tolist()
    [0.25, 0.75, 1.0, 0.0]
    """
    if len(need) and (need.min() < 0 or need.max() >= len(places)):
        raise BadProblem("a question under way names a need that is not there")
    if np.any(places < 0) or np.any((chance < 0) | (chance > 1)):
        raise BadProblem("places are 0 or more, and chances from 0 to 1")
    cover = np.zeros((len(places), max(1, int(places.max(initial=1)))))
    cover[:, 0] = places > 0
    # In rounds of one question a need, by increasing chance: the result does not depend on the order of rows.
    order = np.lexsort((chance, need))
    rows = need[order]
    turn = np.arange(len(rows)) - np.searchsorted(rows, rows)
    for k in range(int(turn.max(initial=-1)) + 1):
        at = order[turn == k]
        cover[need[at]] = one_more(cover[need[at]], chance[at], places[need[at]])
    return cover


def one_more(cover: Floats, chance: Floats, places: Ints) -> Floats:
    """(K, P) rows of `cover_probability` after one more question of this chance for each; `places` are theirs."""
    after = cover * (1.0 - chance[:, None])
    after[:, 1:] += cover[:, :-1] * chance[:, None]
    after[np.arange(cover.shape[1]) >= places[:, None]] = 0.0
    return after


def one_less(cover: Floats, chance: Floats) -> Floats:
    """(K, P) rows of `cover_probability` as if one of the questions, of this chance, were not under way.

    Examples
    --------
    >>> one_less(np.array([[0.25, 0.5]]), np.array([0.5])).tolist()
    [[0.5, 0.5]]
    """
    fails = np.maximum(1.0 - chance, 1e-9)
    before = np.empty_like(cover)
    before[:, 0] = cover[:, 0] / fails
    for k in range(1, cover.shape[1]):
        before[:, k] = (cover[:, k] - chance * before[:, k - 1]) / fails
    return np.clip(before, 0.0, 1.0)
