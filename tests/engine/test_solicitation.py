"""Whom to ask today: never beyond a budget, never twice a day, never less for a lower price, and by hand where one can."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.cover import cover_probability
from matchmaker.engine.problem import BadProblem
from matchmaker.engine.questions import Questions, Reason, room
from matchmaker.engine.solicitation import choose, expected_gain, worth_reminding


def questions_of(pairs, needs=1, organisations=2, **columns) -> Questions:
    """Questions from (need, organisation, chance) triples; one place, nothing under way, rested and free, unless told otherwise."""
    given_columns = {
        "question_id": np.arange(len(pairs)),
        "need_id": np.arange(needs),
        "organisation_id": np.arange(organisations),
        "cover": np.ones((needs, 1)),
        "places": np.ones(needs, dtype=np.int64),
        "days_since_asked": np.full(needs, 99),
        "load": np.zeros(organisations),
        "room": np.ones(organisations, dtype=np.int64),
        "exploring": np.zeros(organisations, dtype=np.bool_),
    } | {name: np.asarray(column) for name, column in columns.items()}
    need, organisation = (np.array([pair[k] for pair in pairs], dtype=np.int64) for k in (0, 1))
    return Questions(need=need, organisation=organisation, chance=np.array([pair[2] for pair in pairs], dtype=np.float64), **given_columns)


def random_questions(seed: int, needs: int = 12, organisations: int = 15) -> Questions:
    """Several offers of an organisation beside a need, several places, needs with questions under way, budgets used up, ties of chances."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 120))
    places = rng.integers(0, 4, needs)
    under_way = rng.integers(0, needs, int(rng.integers(0, 15)))
    return Questions(
        need=rng.integers(0, needs, count),
        organisation=rng.integers(0, organisations, count),
        chance=rng.choice([0.0, 0.01, 0.03, 0.1, 0.3, 1.0, *rng.random(6)], count),
        question_id=rng.permutation(1_000)[:count],
        need_id=rng.permutation(1_000)[:needs],
        organisation_id=rng.permutation(1_000)[:organisations],
        cover=cover_probability(under_way, rng.random(len(under_way)) * 0.5, places=places),
        places=places,
        days_since_asked=rng.choice([0, 1, 2, 3, 10, 59, 60, 99], needs),
        load=rng.choice([0.0, 0.5, 2.0], organisations),
        room=rng.integers(0, 2, organisations),
        exploring=rng.random(organisations) < 0.2,
        need_weight=rng.choice([1.0, 1.5], needs),
        organisation_weight=rng.choice([1.0, 0.5, 2.0], organisations),
    )


seeds, prices = st.integers(0, 10**6), st.floats(0.001, 0.9)


@settings(max_examples=100, deadline=None)
@given(seeds, prices)
def test_nobody_is_asked_twice_a_day_or_without_room(seed, price):
    questions = random_questions(seed)

    asked = [questions.organisation[one.question] for one in choose(questions, price=price)]

    assert len(asked) == len(set(asked))
    assert all(questions.room[one] > 0 for one in asked)


@settings(max_examples=100, deadline=None)
@given(seeds, prices)
def test_a_question_is_worth_its_price_unless_it_rescues_a_need_that_has_nothing_else(seed, price):
    questions = random_questions(seed)

    choices = choose(questions, price=price)

    for one in choices:
        need, organisation = questions.need[one.question], questions.organisation[one.question]
        assert questions.places[need] > 0
        assert one.threshold == pytest.approx(price * (1 + questions.load[organisation]))
        if one.reason is Reason.RESCUE:
            assert questions.cover[need, 0] == 1.0
            assert questions.days_since_asked[need] >= 60
            assert sum(questions.need[other.question] == need for other in choices) == 1
        else:
            assert one.gain > one.threshold * (1 - 1e-12)
            assert questions.days_since_asked[need] >= 3
            assert (one.reason is Reason.EXPLORATION) == questions.exploring[organisation]


@settings(max_examples=100, deadline=None)
@given(seeds, prices, prices)
def test_a_higher_price_only_removes_questions(seed, one, other):
    questions = random_questions(seed)

    low, high = ({choice.question: choice.gain for choice in choose(questions, price=price, rescue=False)} for price in sorted((one, other)))

    assert high.items() <= low.items()


@settings(max_examples=100, deadline=None)
@given(seeds, prices, st.integers(0, 10**6))
def test_shuffling_the_rows_changes_nothing(seed, price, other_seed):
    questions = random_questions(seed)
    rng = np.random.default_rng(other_seed)
    rows, needs, organisations = (rng.permutation(len(column)) for column in (questions.need, questions.need_id, questions.organisation_id))
    shuffled = Questions(
        need=np.argsort(needs)[questions.need[rows]],
        organisation=np.argsort(organisations)[questions.organisation[rows]],
        chance=questions.chance[rows],
        question_id=questions.question_id[rows],
        need_id=questions.need_id[needs],
        organisation_id=questions.organisation_id[organisations],
        cover=questions.cover[needs],
        places=questions.places[needs],
        days_since_asked=questions.days_since_asked[needs],
        load=questions.load[organisations],
        room=questions.room[organisations],
        exploring=questions.exploring[organisations],
        need_weight=questions.need_weight[needs],
        organisation_weight=questions.organisation_weight[organisations],
    )

    before = {(questions.question_id[one.question], one.gain, one.reason) for one in choose(questions, price=price)}
    after = {(shuffled.question_id[one.question], one.gain, one.reason) for one in choose(shuffled, price=price)}

    assert before == after


@settings(max_examples=100, deadline=None)
@given(seeds, prices)
def test_the_gains_of_the_day_add_up_to_what_the_questions_bring_together(seed, price):
    """With one place and no weights: what is asked is worth the fall of the chance that the need stays uncovered."""
    rng = np.random.default_rng(seed)
    pairs = [(need, organisation, float(rng.random())) for need in range(3) for organisation in range(8) if rng.random() < 0.6]
    questions = questions_of(pairs, needs=3, organisations=8)

    choices = choose(questions, price=price)

    for need in range(3):
        mine = [one for one in choices if questions.need[one.question] == need]
        assert sum(one.gain for one in mine) == pytest.approx(1 - np.prod([1 - one.chance for one in mine]))


def test_the_second_question_is_worth_what_it_adds_to_the_first():
    questions = questions_of([(0, 0, 0.5), (0, 1, 0.4), (0, 2, 0.3)], organisations=3)

    assert [(one.question, round(one.gain, 6)) for one in choose(questions, price=0.05, patience=0.0)] == [(0, 0.5), (1, 0.2), (2, 0.09)]
    assert [one.question for one in choose(questions, price=0.1, patience=0.0)] == [0, 1]
    # With nothing found out yet, the second one may wait: it is written only if the first one fails.
    assert [one.question for one in choose(questions, price=0.1, patience=0.85)] == [0]
    assert [one.question for one in choose(questions, price=0.21)] == [0]


def test_what_is_under_way_makes_another_question_worth_less():
    under_way = cover_probability(np.array([0]), np.array([0.8]), places=np.array([1]))

    one = questions_of([(0, 0, 0.5)], cover=under_way)

    assert [round(asked.gain, 6) for asked in choose(one, price=0.05, patience=0.0)] == [0.1]
    # Waiting costs nothing where somebody is found, and a mail later where nobody is.
    assert choose(one, price=0.1, patience=0.0) == choose(one, price=0.05, patience=0.85) == ()
    assert [round(asked.gain, 6) for asked in choose(one, price=0.01, patience=0.85)] == [0.1]


def test_with_nothing_under_way_patience_changes_nothing():
    first = questions_of([(0, 0, 0.06), (1, 1, 0.04)], needs=2)

    assert choose(first, price=0.05, patience=0.99) == choose(first, price=0.05, patience=0.0)


def test_two_places_leave_the_second_question_its_full_worth():
    questions = questions_of([(0, 0, 0.5), (0, 1, 0.5)], cover=np.array([[1.0, 0.0]]), places=[2])

    assert [one.gain for one in choose(questions, price=0.1)] == [0.5, 0.5]


def test_an_organisation_that_two_needs_want_goes_where_the_total_is_greatest():
    """Need 0 could have either, need 1 only the first: 0.20 + 0.19 beats 0.21 alone."""
    questions = questions_of([(0, 0, 0.21), (0, 1, 0.20), (1, 0, 0.19)], needs=2)

    assert sorted(one.question for one in choose(questions, price=0.02)) == [1, 2]


def test_a_loaded_organisation_must_be_worth_more():
    pairs = [(0, 0, 0.05)]

    assert [one.threshold for one in choose(questions_of(pairs, organisations=1, load=[1.0]), price=0.02)] == [0.04]
    assert choose(questions_of(pairs, organisations=1, load=[2.0]), price=0.02, rescue=False) == ()


def test_a_need_waits_three_working_days_for_its_next_wave():
    pairs = [(0, 0, 0.5)]

    assert [len(choose(questions_of(pairs, organisations=1, days_since_asked=[days]))) for days in (0, 2, 3)] == [0, 0, 1]


def test_a_need_with_nothing_under_way_gets_its_best_candidate_once_a_quarter():
    pairs = [(0, 0, 0.001), (0, 1, 0.002)]

    (one,) = choose(questions_of(pairs), price=0.02)
    assert (one.question, one.reason, one.gain) == (1, Reason.RESCUE, 0.002)
    assert choose(questions_of(pairs, days_since_asked=[59]), price=0.02) == ()
    assert [one.question for one in choose(questions_of(pairs, days_since_asked=[60]), price=0.02)] == [1]
    assert [one.question for one in choose(questions_of(pairs, room=[1, 0]), price=0.02)] == [0]
    assert choose(questions_of(pairs, cover=np.array([[0.99]])), price=0.02) == ()


def test_two_needs_to_rescue_do_not_take_each_others_only_candidate():
    questions = questions_of([(0, 0, 0.002), (0, 1, 0.001), (1, 0, 0.002)], needs=2)

    assert sorted(one.question for one in choose(questions, price=0.02)) == [1, 2]


def test_only_the_better_offer_of_an_organisation_is_asked_about():
    questions = questions_of([(0, 0, 0.2), (0, 0, 0.3), (0, 0, 0.3)], organisations=1, question_id=[5, 9, 7])

    assert [one.question for one in choose(questions)] == [2]


def test_weights_of_a_territory_change_who_comes_first():
    pairs = [(0, 0, 0.10), (1, 0, 0.09)]

    assert [one.question for one in choose(questions_of(pairs, needs=2, organisations=1), rescue=False)] == [0]
    assert [one.question for one in choose(questions_of(pairs, needs=2, organisations=1, need_weight=[1.0, 1.2]), rescue=False)] == [1]


def test_nothing_to_ask_is_an_empty_day():
    assert choose(questions_of([], needs=0, organisations=0)) == ()
    assert choose(questions_of([(0, 0, 0.5)], places=[0], cover=np.zeros((1, 1)))) == ()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"load": [0.0]}, "each organisation"),
        ({"places": [1, 1]}, "each need"),
        ({"question_id": [1, 2]}, "same length"),
        ({"load": [-1.0, 0.0]}, "chances go from 0 to 1"),
        ({"need_weight": [0.0]}, "weights are above 0"),
    ],
)
def test_columns_that_contradict_each_other_are_refused(columns, message):
    with pytest.raises(BadProblem, match=message):
        choose(questions_of([(0, 0, 0.5)], **columns))


def test_a_question_to_nobody_and_a_price_of_nothing_are_refused():
    with pytest.raises(BadProblem, match="not there"):
        choose(questions_of([(0, 2, 0.5)]))
    with pytest.raises(BadProblem, match="price"):
        choose(questions_of([(0, 0, 0.5)]), price=0.0)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_no_budget_is_ever_exceeded_over_two_months(seed):
    """Forty working days driven through `room`, in every window of five and of twenty."""
    rng = np.random.default_rng(seed)
    monthly, weekly = rng.integers(0, 7, 6), rng.integers(0, 3, 6)
    pairs = [(need, organisation, float(rng.random())) for need, organisation in itertools.product(range(4), range(6))]
    sent = np.zeros((6, 40), dtype=np.int64)

    for day in range(40):
        left = room(sent[:, day], sent[:, max(0, day - 4) : day].sum(axis=1), sent[:, max(0, day - 19) : day].sum(axis=1), weekly=weekly, monthly=monthly)
        for one in choose(questions_of(pairs, needs=4, organisations=6, room=left), price=0.01):
            sent[pairs[one.question][1], day] += 1

    for day in range(40):
        assert sent[:, day].max() <= 1
        assert np.all(sent[:, max(0, day - 4) : day + 1].sum(axis=1) <= weekly)
        assert np.all(sent[:, max(0, day - 19) : day + 1].sum(axis=1) <= monthly)


def test_a_gain_is_the_product_of_its_four_chances():
    half = np.full(2, 0.5)

    assert expected_gain(np.array([1.0, 0.5]), half, half, half).tolist() == [0.125, 0.0625]


TWO = np.array([0, 1])
HIGH = np.full(2, 0.6)
REMINDER = {"first": HIGH, "answer": HIGH, "cooperation": np.full(2, 0.3), "cover": np.full((2, 1), 0.95), "load": np.zeros(2), "room": np.ones(2, np.int64)}


def test_a_reminder_goes_after_five_days_where_its_own_gain_exceeds_the_price():
    worth, gain = worth_reminding(TWO, TWO, np.array([4, 5]), **REMINDER)

    assert worth.tolist() == [False, True]
    assert worth_reminding(TWO, TWO, np.array([5, 5]), price=gain[1] * 1.01, **REMINDER)[0].tolist() == [False, False]


def test_a_proposition_that_has_stopped_counting_is_reminded_of_only_where_nothing_else_is_under_way():
    assert worth_reminding(TWO, TWO, np.array([9, 10]), **REMINDER)[0].tolist() == [True, False]
    assert worth_reminding(TWO, TWO, np.array([10, 90]), **REMINDER | {"cover": np.ones((2, 1))})[0].tolist() == [True, True]


def test_who_is_tired_today_is_not_reminded_whatever_the_chance_was():
    assert worth_reminding(TWO, TWO, np.array([5, 5]), **REMINDER | {"answer": np.array([0.6, 0.05])})[0].tolist() == [True, False]


@settings(max_examples=100, deadline=None)
@given(seeds, prices, prices)
def test_a_higher_price_only_removes_reminders(seed, one, other):
    rng = np.random.default_rng(seed)
    need, organisation, days = rng.integers(0, 8, 20), rng.integers(0, 5, 20), rng.integers(0, 15, 20)
    columns = {name: rng.random(20) for name in ("first", "answer", "cooperation")}
    columns |= {"cover": rng.choice([0.5, 1.0], 20)[:, None], "load": rng.random(5), "room": rng.integers(0, 2, 5)}

    low, high = (worth_reminding(need, organisation, days, price=price, **columns)[0] for price in sorted((one, other)))

    assert not np.any(high & ~low)
    assert np.bincount(organisation[low], minlength=5).max() <= 1
    assert np.bincount(need[low], minlength=8).max() <= 1
    assert np.all(columns["room"][organisation[low]] > 0)


def test_one_reminder_a_day_for_an_organisation_with_room_and_for_a_need_the_most_useful_one():
    six, answers = np.array([6, 6]), REMINDER | {"answer": np.array([0.5, 0.6])}

    assert worth_reminding(TWO, np.array([1, 1]), six, **answers)[0].tolist() == [False, True]
    assert worth_reminding(np.array([1, 1]), TWO, six, **answers)[0].tolist() == [False, True]
    assert worth_reminding(TWO, np.array([1, 1]), six, **answers | {"room": np.array([1, 0])})[0].tolist() == [False, False]


def test_a_loaded_organisation_is_not_reminded():
    assert worth_reminding(TWO, TWO, np.array([5, 5]), **REMINDER | {"load": np.array([0.0, 9.0])})[0].tolist() == [True, False]
