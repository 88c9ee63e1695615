"""What could be asked today and what is chosen of it. The shapes that `solicitation` takes and gives."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.problem import BadProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64] | NDArray[np.int32]
Bools = NDArray[np.bool_]


class Reason(StrEnum):
    """Why a question is asked: it is worth its price; nobody asked the organisation for a quarter; nothing else is under way."""

    WORTH_IT = "worth_it"
    EXPLORATION = "exploration"
    RESCUE = "rescue"


@dataclass(frozen=True)
class Questions:
    """What could be asked today.

    Attributes
    ----------
    need, organisation : (E,) rows; an organisation with several offers may stand several times beside one need.
    chance : (E,) P(answers) × P(accepts and concludes), in [0, 1].
    question_id : (E,) distinct stable ids: of two offers of one organisation that are equally good, the lesser is taken.
    need_id, organisation_id : (N,), (M,) distinct stable ids.
    cover : (N, P) what is under way, from `cover_probability`.
    places : (N,) places that are still open.
    days_since_asked : (N,) working days since the last question about the need, a large number for never.
    load : (M,) solicitations of the last 20 working days over the declared comfort.
    room : (M,) solicitations that the budget leaves today, from `room`; 0 for who is away.
    exploring : (M,) who gets the benefit of the doubt, from `explored`.
    need_weight, organisation_weight : (N,), (M,) above 0, multiply the gain: choices of a territory such as served first
        or newcomers first. All 1 when they are not given.
    """

    need: Ints
    organisation: Ints
    chance: Floats
    question_id: Ints
    need_id: Ints
    organisation_id: Ints
    cover: Floats
    places: Ints
    days_since_asked: Ints
    load: Floats
    room: Ints
    exploring: Bools
    need_weight: Floats | None = None
    organisation_weight: Floats | None = None


@dataclass(frozen=True)
class Choice:
    """A question to ask today, with the numbers that decided it.

    Attributes
    ----------
    question : row of `Questions`.
    reason : why it is asked.
    chance : chance that it ends in a cooperation, were it the only one.
    gain : cooperations to expect from it beside what is under way and what else is asked today, times the weights.
    price : what a mail to a rested organisation must be worth.
    threshold : price × (1 + load): what this one had to be worth.
    """

    question: int
    reason: Reason
    chance: float
    gain: float
    price: float
    threshold: float


def room(asked_today: Ints, asked_this_week: Ints, asked_this_month: Ints, *, weekly: Ints, monthly: Ints) -> NDArray[np.int64]:
    """(M,) solicitations that each organisation can get today: 1 at most, within its week and its month.

    Examples
    --------
    >>> none, two = np.zeros(3, int), np.full(3, 2)
    >>> room(none, np.array([0, 2, 1]), np.array([1, 2, 6]), weekly=two, monthly=np.full(3, 6)).tolist()
    [1, 0, 0]
    """
    left = np.minimum(1 - asked_today, np.minimum(weekly - asked_this_week, monthly - asked_this_month))
    return np.asarray(np.clip(left, 0, 1), dtype=np.int64)


def check_questions(questions: Questions, price: float) -> None:
    """Refuse questions that contradict themselves.

    Raises
    ------
    BadProblem
        Columns that do not fit together, rows or numbers out of range, a price that is not positive.
    """
    pairs, needs, organisations = len(questions.need), len(questions.need_id), len(questions.organisation_id)
    if not (len(questions.organisation) == len(questions.chance) == len(questions.question_id) == pairs):
        raise BadProblem("need, organisation, chance and question_id must have the same length")
    if not (len(questions.cover) == len(questions.places) == len(questions.days_since_asked) == needs):
        raise BadProblem("each need must have its cover, its places and its days")
    if not (len(questions.load) == len(questions.room) == len(questions.exploring) == organisations):
        raise BadProblem("each organisation must have its load and its room")
    for rows, count in ((questions.need, needs), (questions.organisation, organisations)):
        if pairs and (rows.min() < 0 or rows.max() >= count):
            raise BadProblem("a question names a row that is not there")
    if np.any((questions.chance < 0) | (questions.chance > 1)) or np.any(questions.load < 0):
        raise BadProblem("chances go from 0 to 1, loads from 0 up")
    if price <= 0:
        raise BadProblem("a price is above 0")
    for weights, count in ((questions.need_weight, needs), (questions.organisation_weight, organisations)):
        if weights is not None and (len(weights) != count or np.any(weights <= 0)):
            raise BadProblem("weights are above 0, one for each row")
