"""The questions that could be asked today in a territory, with what each may bring: from the arrays of asking_reading to the engine's policy."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.cover import Stage, chance_under_way, cover_probability
from matchmaker.engine.questions import Choice, Questions, room
from matchmaker.engine.rates import AnswerPosterior, answer_posterior, attention, explored, worth_learning
from matchmaker.engine.solicitation import choose
from matchmaker.models import AskingPrice, MatchingRun
from matchmaker.services import asking_rates, asking_reading
from matchmaker.services.asking_rates import Known
from matchmaker.services.asking_reading import NEVER, Pairs, People, UnderWay
from matchmaker.services.first_in_line import first_in_line
from matchmaker.services.matching_tables import engine_ids

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# A need that waits for so many days may count more, where the territory wants that.
WAITS_LONG_DAYS = 21
# What a question to or for who said yes and was not chosen is worth, against the same one of others.
FIRST_IN_LINE = 1.5


@dataclass(frozen=True)
class Situation:
    """All that decides whom to ask today.

    Attributes
    ----------
    loads : (M,) solicitations of the last 20 working days over what the organisation accepts in a month.
    spare : (M,) how often the organisation may still be asked today as the owner of needs: several questions are one mail.
    """

    pairs: Pairs
    people: People
    under_way: UnderWay
    known: Known
    posterior: AnswerPosterior
    questions: Questions
    loads: Floats
    spare: Ints


def read(run: MatchingRun, price: AskingPrice, *, day: date, known: Known | None = None) -> Situation:
    """Read what could be asked of the pairs of a published run."""
    pairs = asking_reading.pairs(run, day=day)
    people = asking_reading.people(pairs.organisation_ids, day=day)
    known = known or asking_rates.known(day=day)
    loads = people.lately / np.maximum(1, people.monthly)
    posterior = posterior_of(pairs.organisation_ids, loads, known)
    under_way = asking_reading.under_way(pairs.need_ids, day=day)
    spare = np.minimum(people.weekly - people.week, people.monthly - people.month)
    spare = np.where(people.away | (people.today > 0), 0, np.maximum(0, spare)).astype(np.int64)
    questions = questions_of(pairs, people, under_way, known, posterior, price, loads, spare, day=day)
    return Situation(pairs, people, under_way, known, posterior, questions, loads, spare)


def posterior_of(organisation_ids: list[UUID], loads: Floats, known: Known) -> AnswerPosterior:
    answered, silent = (np.array([of.get(one, 0.0) for one in organisation_ids]) for of in (known.answered, known.silent))
    return answer_posterior(answered, silent, loads, mean=known.mean)


def questions_of(
    pairs: Pairs, people: People, under_way: UnderWay, known: Known, posterior: AnswerPosterior, price: AskingPrice, loads: Floats, spare: Ints, *, day: date
) -> Questions:
    answer, exploring = explored(posterior, people.since_asked, mean=known.mean)
    giver = pairs.giver[pairs.offer]
    accept, conclude = known.accept.at(pairs.score), known.conclude.at(pairs.score)
    own_room = room(people.today, people.week, people.month, weekly=people.weekly, monthly=people.monthly)
    own_room[people.away] = 0
    # Who asks is told of each candidate too: without room on that side the need waits.
    places = np.where((pairs.owner >= 0) & (spare[pairs.owner] > 0), pairs.places, 0) if len(spare) else np.zeros(len(pairs.need_ids), dtype=np.int64)
    needs_first, organisations_first = first_of(pairs)
    made = Questions(
        need=pairs.need,
        organisation=giver,
        chance=answer[giver] * accept * conclude,
        question_id=np.arange(len(giver)),
        need_id=engine_ids(pairs.need_ids),
        organisation_id=engine_ids(pairs.organisation_ids),
        cover=cover_probability(under_way.need, chances(under_way, known), places=places),
        places=places,
        days_since_asked=asking_reading.since_asked(pairs.need_ids, day=day),
        load=loads,
        room=own_room,
        exploring=exploring,
        need_weight=np.where(pairs.waits >= WAITS_LONG_DAYS, price.waiting, 1.0) * needs_first,
        organisation_weight=np.where(people.since_asked >= NEVER, price.newcomers, 1.0) * organisations_first * worth_learning(posterior),
    )
    return planned_first(made, pairs.planned, price.price)


def first_of(pairs: Pairs) -> tuple[Floats, Floats]:
    """Weights of the needs, and of the structures whose offer it is: more for who said yes and was not chosen."""
    waiting = first_in_line([*pairs.need_ids, *pairs.offer_ids])
    needs = np.array([FIRST_IN_LINE if one in waiting else 1.0 for one in pairs.need_ids])
    organisations = np.ones(len(pairs.organisation_ids))
    offers = [row for row, one in enumerate(pairs.offer_ids) if one in waiting]
    organisations[pairs.giver[offers]] = FIRST_IN_LINE
    return needs, organisations


def chances(under_way: UnderWay, known: Known) -> Floats:
    """(K,) chance that each open question ends in a cooperation."""
    answered, silent = (np.array([of.get(one, 0.0) for one in under_way.organisation_ids]) for of in (known.answered, known.silent))
    rested = answer_posterior(answered, silent, np.zeros(len(answered)), mean=known.mean).rested
    stage = np.where(under_way.answered, Stage.INTERESTED, Stage.PROPOSED)
    accept, conclude = known.accept.at(under_way.score), known.conclude.at(under_way.score)
    answer = rested * attention(under_way.load)
    return chance_under_way(stage, under_way.silent, answer=answer, accept=accept, conclude=conclude, reminded_days=under_way.reminded)


def planned_first(questions: Questions, planned: NDArray[np.bool_], price: float) -> Questions:
    """Without the next best of needs for which a pair that the run chose can be asked today and is worth it: the plan that was read goes first."""
    worth = questions.chance > price * (1.0 + questions.load[questions.organisation])
    first = planned & worth & (questions.room[questions.organisation] > 0)
    has_plan = np.zeros(len(questions.need_id), dtype=np.bool_)
    has_plan[questions.need[first]] = True
    return only(questions, planned | ~has_plan[questions.need])


def only(questions: Questions, keep: NDArray[np.bool_]) -> Questions:
    names = ("need", "organisation", "chance", "question_id")
    return replace(questions, **{name: getattr(questions, name)[keep] for name in names})


def chosen(situation: Situation, *, price: float) -> list[Choice]:
    """The questions of the day at this price; ``question`` is the row of `Pairs`. The budgets of both sides hold."""
    spare, kept = situation.spare.copy(), []
    for choice in choose(situation.questions, price=price):
        row = int(situation.questions.question_id[choice.question])
        owner = int(situation.pairs.owner[situation.pairs.need[row]])
        giver = int(situation.pairs.giver[situation.pairs.offer[row]])
        if spare[owner] > 0 and spare[giver] > 0:
            spare[owner] -= 1
            spare[giver] -= 1
            kept.append(replace(choice, question=row))
    return kept
