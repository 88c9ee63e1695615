"""Why this pair and not that one, read from the prices; and why a need is left without a partner.

With prices u (needs) and v (offers), forcing a pair that was left out costs at least its regret u_i + v_j - s_ij: that is a
proof, not an estimate. `changes` tells what would serve a need that has nobody.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.candidates import Ints, Side, why_none
from matchmaker.engine.problem import Assignment, Problem


@dataclass(frozen=True)
class Alternative:
    """A pair that was left out.

    Attributes
    ----------
    need_row, offer_row : its two sides.
    score : its score, in millionths.
    regret : what forcing it would cost at least, in millionths.
    """

    need_row: int
    offer_row: int
    score: int
    regret: int


@dataclass(frozen=True)
class WhyNot:
    """Why two declarations were not brought together.

    Attributes
    ----------
    is_candidate, is_chosen : whether they may meet at all, and whether they do.
    score : score of the pair in millionths, None when it is no candidate.
    regret : what forcing the pair would cost at least, in millionths; 0 when it is chosen, None when it is no candidate.
    need_price, offer_price : what one more place on that side is worth, in millionths.
    holders : rows of the needs that hold the offer's places, best score first.
    held : rows of the offers that the need has instead, best score first.
    """

    is_candidate: bool
    is_chosen: bool
    score: int | None
    regret: int | None
    need_price: int
    offer_price: int
    holders: tuple[int, ...]
    held: tuple[int, ...]


class Reason(StrEnum):
    """Why a need has nobody.

    NO_OFFER
        No offer is of its category.
    NO_CANDIDATE
        The constraints removed every offer.
    ALL_REFUSED
        Only refusals did.
    OTHER_SUBJECT
        Offers are within reach, but about something else.
    OUTBID
        It has candidate pairs, and their offers serve better elsewhere.
    """

    NO_OFFER = "no_offer"
    NO_CANDIDATE = "no_candidate"
    ALL_REFUSED = "all_refused"
    OTHER_SUBJECT = "other_subject"
    OUTBID = "outbid"


@dataclass(frozen=True)
class Unserved:
    """Why a need has nobody, in numbers.

    Attributes
    ----------
    removed : constraint → number of offers that it removed among those of the category that the constraints before it left;
        only constraints that removed some; empty for OUTBID.
    nearest_km : distance of the nearest offer of the category by another organisation, None when none is known.
    nearest_miss : for OUTBID, the pair that came nearest to being chosen; its regret is what it lacked, at least.
    """

    reason: Reason
    removed: dict[str, int]
    nearest_km: float | None
    nearest_miss: Alternative | None


def regrets(problem: Problem, assignment: Assignment) -> NDArray[np.int64]:
    """What forcing each pair would cost at least, in millionths.

    Returns
    -------
    (E,) int64
        u_i + v_j - s_ij for a pair that was left out, never below 0; 0 for a chosen pair.

    Notes
    -----
    The bound is on the best total score (under SERVED_FIRST on the worth, of which a need more or less served is one bonus).
    Under GENEROUS and STABLE the answer is below that optimum already, by the gap that `certify` finds.

    Examples
    --------
    Offer 0 is worth 900,000 to need 1; need 0 offers 800,000.

    >>> i4 = np.int32
    >>> problem = Problem(np.array([0, 1], i4), np.array([0, 0], i4), np.array([800_000, 900_000]), np.ones(2, i4), np.ones(1, i4),
    ...                   np.zeros(2, bool), np.array([10, 11]), np.array([20]))
    >>> regrets(problem, Assignment(np.array([False, True]), np.array([0, 0]), np.array([900_000]), 900_000)).tolist()
    [100000, 0]
    """
    return _regrets(problem, assignment, np.arange(len(problem.need)))


def alternatives(problem: Problem, assignment: Assignment, need_row: int, limit: int = 3) -> list[Alternative]:
    """The offers that a need was not given, by rising regret, then by id; at most `limit`."""
    return _alternatives(problem, assignment, np.flatnonzero((problem.need == need_row) & ~assignment.chosen), limit)


def offer_alternatives(problem: Problem, assignment: Assignment, offer_row: int, limit: int = 3) -> list[Alternative]:
    """The needs that an offer was not given to, by rising regret, then by id; at most `limit`."""
    return _alternatives(problem, assignment, np.flatnonzero((problem.offer == offer_row) & ~assignment.chosen), limit)


def why_not(problem: Problem, assignment: Assignment, need_row: int, offer_row: int) -> WhyNot:
    """Tell why a need was not given an offer, and who holds the offer's places.

    Examples
    --------
    >>> i4 = np.int32
    >>> problem = Problem(np.array([0, 1], i4), np.array([0, 0], i4), np.array([800_000, 900_000]), np.ones(2, i4), np.ones(1, i4),
    ...                   np.zeros(2, bool), np.array([10, 11]), np.array([20]))
    >>> told = why_not(problem, Assignment(np.array([False, True]), np.array([0, 0]), np.array([900_000]), 900_000), 0, 0)
    >>> told.regret, told.holders, told.held
    (100000, (1,), ())
    """
    at = np.flatnonzero((problem.need == need_row) & (problem.offer == offer_row))
    is_candidate = at.size > 0
    guests = np.flatnonzero(assignment.chosen & (problem.offer == offer_row))
    partners = np.flatnonzero(assignment.chosen & (problem.need == need_row))
    return WhyNot(
        is_candidate=is_candidate,
        is_chosen=bool(assignment.chosen[at].any()),
        score=int(problem.score[at[0]]) if is_candidate else None,
        regret=int(_regrets(problem, assignment, at)[0]) if is_candidate else None,
        need_price=int(assignment.need_price[need_row]),
        offer_price=int(assignment.offer_price[offer_row]),
        holders=tuple(problem.need[guests[np.lexsort((problem.need_id[problem.need[guests]], -problem.score[guests]))]].tolist()),
        held=tuple(problem.offer[partners[np.lexsort((problem.offer_id[problem.offer[partners]], -problem.score[partners]))]].tolist()),
    )


def why_unserved(
    problem: Problem, assignment: Assignment, needs: Side, offers: Side, need_row: int, *, refused: Ints | None = None, never_with: Ints | None = None
) -> Unserved:
    """Tell why a need has nobody.

    Parameters
    ----------
    needs, offers, refused, never_with : what `candidates` was given.

    Raises
    ------
    ValueError
        The need has a partner, or asks for none.
    """
    if problem.need_capacity[need_row] == 0 or np.any(assignment.chosen & (problem.need == need_row)):
        raise ValueError(f"need {problem.need_id[need_row]} is served, or asks for nobody")
    why = why_none(needs, offers, need_row, refused=refused, never_with=never_with)
    missed = alternatives(problem, assignment, need_row, 1)
    if missed:
        return Unserved(Reason.OUTBID, {}, why.nearest_km, missed[0])
    removed = {name: count for name, count in why.removed.items() if count and name != "category"}
    if removed.keys() == {"refused"} and why.left == 0:
        reason = Reason.ALL_REFUSED
    elif why.left:
        reason = Reason.OTHER_SUBJECT
    else:
        reason = Reason.NO_CANDIDATE if removed else Reason.NO_OFFER
    return Unserved(reason, removed, why.nearest_km, None)


def _regrets(problem: Problem, assignment: Assignment, at: NDArray[np.intp]) -> NDArray[np.int64]:
    reduced = assignment.need_price[problem.need[at]] + assignment.offer_price[problem.offer[at]] - problem.score[at]
    return np.where(assignment.chosen[at], 0, np.maximum(0, reduced)).astype(np.int64)


def _alternatives(problem: Problem, assignment: Assignment, at: NDArray[np.intp], limit: int) -> list[Alternative]:
    regret = _regrets(problem, assignment, at)
    order = np.lexsort((problem.offer_id[problem.offer[at]], problem.need_id[problem.need[at]], regret))[:limit]
    return [
        Alternative(int(problem.need[e]), int(problem.offer[e]), int(problem.score[e]), cost)
        for e, cost in zip(at[order].tolist(), regret[order].tolist(), strict=True)
    ]
