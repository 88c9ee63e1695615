"""After a change the mended answer is as good as a new one, and its prices prove it."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.assignment import assign
from matchmaker.engine.certificate import certify
from matchmaker.engine.components import components, resolve
from matchmaker.engine.problem import Assignment, BadProblem, Objective
from matchmaker.engine.repairing import repair
from tests.engine.instances import answers, fits, plain_dual, problem_of, random_problem, shuffled, small_problems, worth

FAMILIES = ["uniform", "ties", "twins", "product", "chain"]
WITH_PRICES = [Objective.SCORE, Objective.SERVED_FIRST]


@st.composite
def edits(draw, problem):
    """A change that `resolve` accepts, as its keyword arguments."""
    pairs = list(zip(problem.need.tolist(), problem.offer.tolist(), strict=True))
    locked = {pair for pair, lock in zip(pairs, problem.locked.tolist(), strict=True) if lock}
    some = st.lists(st.sampled_from(pairs), unique=True, max_size=3) if pairs else st.just([])
    unlock = [pair for pair in draw(some) if pair in locked]
    refuse = [pair for pair in draw(some) if pair not in locked or pair in unlock]
    rows = [(i, j) for i in range(len(problem.need_id)) for j in range(len(problem.offer_id)) if (i, j) not in refuse]
    score = st.one_of(st.integers(1, 4), st.integers(1, 1_000_000))
    add = [(*pair, draw(score)) for pair in (draw(st.lists(st.sampled_from(rows), unique=True, max_size=3)) if rows else [])]
    open_pairs = sorted((set(pairs) | {(i, j) for i, j, _ in add}) - set(refuse) - set(unlock))
    lock = draw(st.lists(st.sampled_from(open_pairs), unique=True, max_size=2)) if open_pairs else []
    held = (locked - set(unlock)) | set(lock)
    capacities = []
    for side, ids in enumerate((problem.need_id, problem.offer_id)):
        changed = draw(st.dictionaries(st.integers(0, len(ids) - 1), st.integers(0, 4), max_size=2)) if len(ids) else {}
        full = [problem.need_capacity, problem.offer_capacity][side].tolist()
        least = {row: sum(pair[side] == row for pair in held) for row in range(len(ids))}
        capacities.append({row: max(changed.get(row, full[row]), least[row]) for row in range(len(ids)) if row in changed or least[row] > full[row]})
    return {"lock": lock, "unlock": unlock, "refuse": refuse, "add": add, "need_capacity": capacities[0], "offer_capacity": capacities[1]}


def changed_by_hand(problem, edit):
    """The changed problem in plain Python, its pairs in any order."""
    scores = dict(zip(zip(problem.need.tolist(), problem.offer.tolist(), strict=True), problem.score.tolist(), strict=True))
    locked = {pair for pair, lock in zip(scores, problem.locked.tolist(), strict=True) if lock} - set(edit["unlock"]) | set(edit["lock"])
    scores.update({(i, j): score for i, j, score in edit["add"]})
    triples = [(*pair, score) for pair, score in scores.items() if pair not in edit["refuse"]]
    capacity = [
        {**dict(enumerate(old.tolist())), **edit[name]} for old, name in ((problem.need_capacity, "need_capacity"), (problem.offer_capacity, "offer_capacity"))
    ]
    locks = [k for k, (i, j, _) in enumerate(triples) if (i, j) in locked]
    return problem_of(triples, list(capacity[0].values()), list(capacity[1].values()), locks, problem.need_id, problem.offer_id)


def as_pairs(problem, edges):
    return {(int(problem.need[e]), int(problem.offer[e])) for e in edges}


def choice_of(answer):
    return tuple(np.flatnonzero(answer.chosen).tolist())


@settings(max_examples=200, deadline=None)
@given(st.data(), small_problems(largest=5, most_pairs=18), st.sampled_from(list(Objective)))
def test_a_changed_problem_is_answered_as_if_it_were_new(data, problem, objective):
    edit = data.draw(edits(problem))

    after = resolve(problem, assign(problem, objective), **edit, objective=objective)

    fresh = changed_by_hand(problem, edit)
    assert sorted(zip(after.problem.need, after.problem.offer, after.problem.score, after.problem.locked, strict=True)) == sorted(
        zip(fresh.need, fresh.offer, fresh.score, fresh.locked, strict=True)
    )
    assert after.problem.need_capacity.tolist() == fresh.need_capacity.tolist()
    assert after.problem.offer_capacity.tolist() == fresh.offer_capacity.tolist()
    best = assign(fresh, objective)
    proof, same = certify(after.problem, after.assignment, objective), certify(fresh, best, objective)
    assert proof.feasible
    assert (proof.primal, proof.gap) == (same.primal, same.gap)
    if objective is Objective.STABLE:
        assert proof.blocking_pairs == 0
    else:
        assert worth(after.problem, choice_of(after.assignment), objective) == worth(fresh, choice_of(best), objective)


@settings(max_examples=150, deadline=None)
@given(st.data(), small_problems(largest=5, most_pairs=18), st.sampled_from(list(Objective)))
def test_changes_may_follow_each_other(data, problem, objective):
    answer = assign(problem, objective)

    for _ in range(3):
        edit = data.draw(edits(problem))
        after = resolve(problem, answer, **edit, objective=objective)
        was, problem, answer = as_pairs(problem, choice_of(answer)), after.problem, after.assignment
        now = as_pairs(problem, choice_of(answer))
        assert (set(map(tuple, after.entered.tolist())), set(map(tuple, after.left.tolist()))) == (now - was, was - now)

    assert certify(problem, answer, objective).primal == certify(problem, assign(problem, objective), objective).primal
    if objective in WITH_PRICES:
        assert certify(problem, answer, objective).optimal
    if objective is Objective.SCORE:
        assert plain_dual(problem, answer) == answer.value


@settings(max_examples=120, deadline=None)
@given(st.data(), small_problems())
def test_no_choice_of_pairs_is_better_than_the_mended_one(data, problem):
    after = resolve(problem, assign(problem), **data.draw(edits(problem)))

    assert fits(after.problem, choice_of(after.assignment))
    assert after.assignment.value == max(worth(after.problem, choice, Objective.SCORE)[0] for choice in answers(after.problem))


@settings(max_examples=120, deadline=None)
@given(st.data(), small_problems(largest=5, most_pairs=18), st.sampled_from(WITH_PRICES), st.integers(0, 99))
def test_shuffling_the_rows_changes_nothing(data, problem, objective, seed):
    edit = data.draw(edits(problem))
    other, _, needs, offers = shuffled(problem, seed)
    need_at, offer_at = np.argsort(needs).tolist(), np.argsort(offers).tolist()
    moved = {name: [(need_at[i], offer_at[j], *rest) for i, j, *rest in edit[name]] for name in ("lock", "unlock", "refuse", "add")}
    moved |= {
        "need_capacity": {need_at[i]: c for i, c in edit["need_capacity"].items()},
        "offer_capacity": {offer_at[j]: c for j, c in edit["offer_capacity"].items()},
    }

    here = resolve(problem, assign(problem, objective), **edit, objective=objective)
    there = resolve(other, assign(other, objective), **moved, objective=objective)

    assert sorted((need_at[i], offer_at[j]) for i, j in here.entered.tolist()) == sorted(map(tuple, there.entered.tolist()))
    assert here.assignment.need_price[needs].tolist() == there.assignment.need_price.tolist()
    assert here.assignment.offer_price[offers].tolist() == there.assignment.offer_price.tolist()


@settings(max_examples=120, deadline=None)
@given(st.data(), small_problems(largest=5, most_pairs=18), st.sampled_from(WITH_PRICES))
def test_any_pairs_and_prices_are_mended(data, problem, objective):
    """The start may be far from an optimum: a greedy choice with the prices of nobody."""
    price = st.integers(0, 1_000_000)
    start = Assignment(
        chosen=np.array(data.draw(st.lists(st.booleans(), min_size=len(problem.need), max_size=len(problem.need))), dtype=np.bool_),
        need_price=np.array(data.draw(st.lists(price, min_size=len(problem.need_id), max_size=len(problem.need_id))), dtype=np.int64),
        offer_price=np.array(data.draw(st.lists(price, min_size=len(problem.offer_id), max_size=len(problem.offer_id))), dtype=np.int64),
        value=0,
    )
    places = min(int(problem.need_capacity.sum()), int(problem.offer_capacity.sum()), len(problem.need))
    bonus = 1 + 1_000_000 * places if objective is Objective.SERVED_FIRST else 0

    mended = repair(problem, start, bonus)

    proof = certify(problem, mended, objective)
    assert (proof.primal, proof.gap) == (certify(problem, assign(problem, objective), objective).primal, 0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("objective", WITH_PRICES)
def test_every_family_stays_proven_through_refusals_and_locks(family, most, objective):
    problem = random_problem(5, 120, 110, 6, most, family, 0.02)
    answer, rng = assign(problem, objective), np.random.default_rng(7)

    for _ in range(12):
        taken = rng.choice(np.flatnonzero(answer.chosen & ~problem.locked))
        refuse = [(int(problem.need[taken]), int(problem.offer[taken]))]
        left = rng.choice(np.flatnonzero(~answer.chosen & (problem.need != problem.need[taken])))
        lock = [(int(problem.need[left]), int(problem.offer[left]))]
        room = {int(problem.offer[left]): int(problem.offer_capacity[problem.offer[left]]) + 1}
        locks = np.count_nonzero(problem.locked & (problem.need == problem.need[left]))
        after = resolve(problem, answer, refuse=refuse, lock=lock, offer_capacity=room, need_capacity={lock[0][0]: int(locks) + 1}, objective=objective)
        problem, answer = after.problem, after.assignment
        assert certify(problem, answer, objective).optimal

    assert certify(problem, assign(problem, objective), objective).primal == certify(problem, answer, objective).primal


def test_only_the_component_of_the_change_moves():
    one = random_problem(1, 40, 40, 4)
    pairs = list(zip(one.need.tolist(), one.offer.tolist(), one.score.tolist(), strict=True))
    two = problem_of(pairs + [(i + 40, j + 40, score) for i, j, score in pairs], [1] * 80, [1] * 80)
    for objective in Objective:
        answer = assign(two, objective)
        first = int(np.flatnonzero(answer.chosen & (two.need < 40))[0])

        after = resolve(two, answer, refuse=[(int(two.need[first]), int(two.offer[first]))], objective=objective)

        assert after.left.size > 0
        assert max(after.entered.max(initial=0), after.left.max(initial=0)) < 40
        if objective is not Objective.SERVED_FIRST:
            assert after.assignment.need_price[40:].tolist() == answer.need_price[40:].tolist()
            assert after.assignment.offer_price[40:].tolist() == answer.offer_price[40:].tolist()


@settings(max_examples=120, deadline=None)
@given(small_problems(largest=5, most_pairs=8))
def test_two_rows_share_a_component_when_pairs_link_them(problem):
    found = components(problem)

    group = {("n", i): {("n", i)} for i in range(len(problem.need_id))} | {("o", j): {("o", j)} for j in range(len(problem.offer_id))}
    for i, j in zip(problem.need.tolist(), problem.offer.tolist(), strict=True):
        merged = group["n", i] | group["o", j]
        for member in merged:
            group[member] = merged
    label = {("n", i): int(k) for i, k in enumerate(found.need)} | {("o", j): int(k) for j, k in enumerate(found.offer)}
    assert all((label[a] == label[b]) == (b in group[a]) for a in group for b in group)
    assert found.count == len({frozenset(members) for members in group.values()})


def test_a_large_capacity_is_settled_at_once():
    problem = problem_of([(0, 0, 900_000), (1, 0, 800_000)], [1, 1], [1])

    start = time.process_time()
    after = resolve(problem, assign(problem), offer_capacity={0: 2_000_000_000}, need_capacity={0: 2_000_000_000})

    assert time.process_time() - start < 1
    assert certify(after.problem, after.assignment).optimal
    assert after.assignment.value == 1_700_000


def test_the_arguments_are_left_as_they_were():
    problem = random_problem(3, 20, 20, 4, 2, "ties", 0.1)
    answer = assign(problem)
    before = {name: values.copy() for name, values in (vars(problem) | {k: v for k, v in vars(answer).items() if k != "value"}).items()}
    taken = int(np.flatnonzero(answer.chosen & ~problem.locked)[0])

    resolve(problem, answer, refuse=[(int(problem.need[taken]), int(problem.offer[taken]))], offer_capacity={0: 5})

    now = vars(problem) | vars(answer)
    assert all(np.array_equal(values, now[name]) for name, values in before.items())


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"lock": [(0, 1)]}, "no candidate pair: need 10 with offer 21"),
        ({"refuse": [(0, 1)]}, "no candidate pair: need 10 with offer 21"),
        ({"unlock": [(0, 1)]}, "no candidate pair: need 10 with offer 21"),
        ({"refuse": [(1, 1)]}, "both locked and refused: need 11 with offer 21"),
        ({"lock": [(0, 0)], "refuse": [(0, 0)]}, "both locked and refused: need 10 with offer 20"),
        ({"lock": [(1, 1)], "unlock": [(1, 1)]}, "both locked and unlocked: need 11 with offer 21"),
        ({"add": [(0, 0, 5)], "refuse": [(0, 0)]}, "both added and refused: need 10 with offer 20"),
        ({"add": [(0, 1, 5), (0, 1, 6)]}, "pair given twice: need 10 with offer 21"),
        ({"add": [(0, 1, 0)]}, "score outside 1…1000000: need 10 with offer 21"),
        ({"add": [(2, 1, 5)]}, "no need has row 2; rows go from 0 to 1"),
        ({"offer_capacity": {-1: 1}}, "no offer has row -1"),
        ({"need_capacity": {0: -1}}, "negative capacity of need 10"),
        ({"lock": [(1, 0)]}, "more locked pairs than capacity for need 11"),
        ({"offer_capacity": {1: 0}}, "more locked pairs than capacity for offer 21"),
    ],
)
def test_a_change_that_contradicts_itself_is_refused_by_name(edit, message):
    problem = problem_of([(0, 0, 5), (1, 0, 6), (1, 1, 7)], [1, 1], [1, 1], [2], [10, 11], [20, 21])

    with pytest.raises(BadProblem, match=message):
        resolve(problem, assign(problem), **edit)


def test_a_refusal_among_two_thousand_needs_is_answered_at_once():
    problem = random_problem(1, 2_000, 2_000, 20)
    answer = assign(problem)
    spent = []
    for e in np.flatnonzero(answer.chosen)[:40].tolist():
        start = time.process_time()
        after = resolve(problem, answer, refuse=[(int(problem.need[e]), int(problem.offer[e]))])
        spent.append(time.process_time() - start)
        assert certify(after.problem, after.assignment).optimal

    assert sorted(spent)[20] < 0.1
