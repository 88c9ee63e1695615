"""The policies compared: those of the peers, a hand-made one, a naive one, and ours. Each reads a `Sight` and nothing else."""

import numpy as np

from bench._market import NEEDS, ORGANISATIONS, Floats, Ints
from bench._year import FAILED, INTERESTED, NEVER, PROPOSED, SIGNED, TALKING, Orders, Policy, Sight, firsts
from matchmaker.engine.assignment import Objective, Problem, assign
from matchmaker.engine.cover import SILENT_DAYS, Stage, chance_under_way, cover_probability
from matchmaker.engine.rates import (
    ACCEPT_PRIOR,
    CONCLUDE_PRIOR,
    RateByScore,
    acceptance_by_score,
    answer_posterior,
    attention,
    explored,
    platform_mean,
    worth_learning,
)
from matchmaker.engine.solicitation import LOAD_DAYS, PRICE, Questions, choose, room, worth_reminding

NOBODY = np.zeros(0, dtype=np.int64)
WEEK, MONTH = 5, 20
STAGES = np.array([-1, Stage.PROPOSED, Stage.INTERESTED, Stage.IN_CONVERSATION])


def broadcast(most: int = NEVER, monthly: int = NEVER) -> Policy:
    """Everybody eligible (or `most` of them, drawn by lot) on the day of the posting; at most `monthly` mails a month each."""

    def policy(sight: Sight) -> Orders:
        has_room = sight.lately(MONTH) < monthly
        rows = np.flatnonzero(sight.askable() & (sight.board.posted_on == sight.day)[sight.board.need])
        rows = rows[has_room[sight.board.organisation[rows]]]
        return Orders(firsts(sight, rows, sight.board.lot[rows], most), NOBODY)

    return policy


def waves(size: int = 10, target: int = 6, *, reminder: int | None = 2, least_solicited: bool = False) -> Policy:
    """`size` a day until `target` are interested, in the order of badges or the least solicited first; a reminder to the silent."""

    def policy(sight: Sight) -> Orders:
        wanted = _interested(sight) < target
        rows = np.flatnonzero(sight.askable() & wanted[sight.board.need])
        order = sight.total if least_solicited else sight.board.badge
        return Orders(firsts(sight, rows, order[sight.board.organisation[rows]], size), NOBODY if reminder is None else _silent_since(sight, reminder))

    return policy


def hand_made(size: int = 3, every: int = 5, target: int = 3, monthly: int = 3, patience: int = 4, pause: int = 60) -> Policy:
    """The `size` best scores every `every` days until `target` are interested; `monthly` a month; a pause after silences."""

    def policy(sight: Sight) -> Orders:
        wanted = (_interested(sight) < target) & (sight.day - sight.last_asked >= every)
        in_a_row = _silences_in_a_row(sight)
        paused = (in_a_row >= patience) & (sight.day - sight.asked_organisation_on < pause)
        left = np.where(paused, 0, monthly - sight.lately(MONTH))
        rows = np.flatnonzero(sight.askable() & wanted[sight.board.need] & (left > 0)[sight.board.organisation])
        ask = firsts(sight, rows, -sight.board.score[rows], size)
        organisation = sight.board.organisation[ask]
        order = np.lexsort((-sight.board.score[ask], organisation))  # the cap holds within the day too
        turn = np.arange(len(order)) - np.searchsorted(organisation[order], organisation[order])
        return Orders(ask[order][turn < left[organisation[order]]], NOBODY)

    return policy


def one_per_place(reminder: int = 2, expiry: int = 10) -> Policy:
    """The « optimal » assignment by score, one proposition for a place, then wait: a reminder, an expiry, the next one."""

    def policy(sight: Sight) -> Orders:
        board, waiting = sight.board, (sight.state == PROPOSED) & (sight.day - sight.asked_on <= expiry)
        busy = waiting | (sight.state == INTERESTED) | (sight.state == TALKING)
        free_need = np.bincount(board.need[busy], minlength=NEEDS) == 0
        free_organisation = np.bincount(board.organisation[busy], minlength=ORGANISATIONS) == 0
        rows = np.flatnonzero(sight.askable() & free_need[board.need] & free_organisation[board.organisation])
        return Orders(_best_assignment(sight, rows), _silent_since(sight, reminder))

    return policy


def expected_value(price: float = PRICE, *, reminders: bool = True) -> Policy:
    """Ours: `matchmaker.engine.solicitation`, which learns from the answers as the year goes."""
    known: dict[str, RateByScore] = {}
    reminded_on: dict[int, int] = {}

    def policy(sight: Sight) -> Orders:
        board, day = sight.board, sight.day
        load = sight.lately(LOAD_DAYS) / board.monthly
        if day % 5 == 0:
            known["accept"], known["conclude"] = _learned(sight)
        asked = np.flatnonzero(sight.asked_on < NEVER)
        answered, silent = _answers(sight, asked)
        mean = platform_mean(answered, silent)
        posterior = answer_posterior(answered, silent, load, mean=mean)
        answer, exploring = explored(posterior, day - sight.asked_organisation_on, mean=mean)

        under_way = asked[(sight.state[asked] >= PROPOSED) & (sight.state[asked] <= TALKING) & sight.open_needs[board.need[asked]]]
        silent_days = day - sight.since[under_way]
        at = board.organisation[under_way]
        stage = STAGES[sight.state[under_way]]
        first_hope = posterior.rested[at] * attention(_load_when_asked(sight, under_way))
        accept, conclude = known["accept"].at(board.score[under_way]), known["conclude"].at(board.score[under_way])
        reminded_days = np.array([day - reminded_on.get(row, -NEVER) for row in under_way.tolist()], dtype=np.int64)
        chance = chance_under_way(stage, silent_days, answer=first_hope, accept=accept, conclude=conclude, reminded_days=reminded_days)
        places = sight.open_needs.astype(np.int64)
        cover = cover_probability(board.need[under_way], chance, places=places)

        rows = np.flatnonzero(sight.askable())
        left = room(np.zeros(ORGANISATIONS, np.int64), sight.lately(WEEK), sight.lately(MONTH), weekly=np.full(ORGANISATIONS, 2), monthly=board.monthly)
        questions = Questions(
            need=board.need[rows],
            organisation=board.organisation[rows],
            chance=answer[board.organisation[rows]] * known["accept"].at(board.score[rows]) * known["conclude"].at(board.score[rows]),
            question_id=rows,
            need_id=np.arange(NEEDS),
            organisation_id=np.arange(ORGANISATIONS),
            cover=cover,
            places=places,
            days_since_asked=day - sight.last_asked,
            load=load,
            room=left,
            exploring=exploring,
            organisation_weight=worth_learning(posterior),
        )
        ask = rows[[one.question for one in choose(questions, price=price)]]
        if not reminders:
            return Orders(ask, NOBODY)

        left[board.organisation[ask]] = 0
        silent_ones = (stage == Stage.PROPOSED) & ~sight.reminded[under_way] & sight.open_organisations[at] & ~np.isin(board.need[under_way], board.need[ask])
        held = under_way[silent_ones]
        worth, _ = worth_reminding(
            board.need[held], board.organisation[held], silent_days[silent_ones], first=first_hope[silent_ones], answer=posterior.mean[at[silent_ones]],
            cooperation=(accept * conclude)[silent_ones], cover=cover[board.need[held]], load=load, room=left, price=price,
        )  # fmt: skip
        reminded_on.update(dict.fromkeys(held[worth].tolist(), day))
        return Orders(ask, held[worth])

    return policy


def _interested(sight: Sight) -> Ints:
    return np.bincount(sight.board.need[(sight.state == INTERESTED) | (sight.state == TALKING)], minlength=NEEDS)


def _silent_since(sight: Sight, days: int) -> Ints:
    silent = (sight.state == PROPOSED) & (sight.day - sight.asked_on == days) & ~sight.reminded
    return np.flatnonzero(silent & sight.open_needs[sight.board.need] & sight.open_organisations[sight.board.organisation])


def _silences_in_a_row(sight: Sight) -> Ints:
    """(M,) propositions of ten days and more without an answer since the organisation's last answer."""
    board = sight.board
    last = np.full(ORGANISATIONS, -1)
    told = sight.answered_on < NEVER
    np.maximum.at(last, board.organisation[told], sight.asked_on[told])
    silent = ~told & (sight.asked_on <= sight.day - SILENT_DAYS) & (sight.asked_on > last[board.organisation])
    return np.bincount(board.organisation[silent], minlength=ORGANISATIONS)


def _best_assignment(sight: Sight, rows: Ints) -> Ints:
    problem = Problem(
        sight.board.need[rows].astype(np.int32), sight.board.organisation[rows].astype(np.int32), sight.board.score[rows], np.ones(NEEDS, np.int32),
        np.ones(ORGANISATIONS, np.int32), np.zeros(len(rows), bool), np.arange(NEEDS), np.arange(ORGANISATIONS),
    )  # fmt: skip
    return rows[assign(problem, Objective.SERVED_FIRST).chosen]


def _learned(sight: Sight) -> tuple[RateByScore, RateByScore]:
    """Chances of a yes and of a cooperation by score, from what the platform has seen."""
    told = np.flatnonzero(sight.answered_on < NEVER)
    ended = np.flatnonzero((sight.state == SIGNED) | (sight.state == FAILED))
    return (
        acceptance_by_score(sight.board.score[told], sight.said_yes[told], prior=ACCEPT_PRIOR),
        acceptance_by_score(sight.board.score[ended], sight.state[ended] == SIGNED, prior=CONCLUDE_PRIOR),
    )


def _answers(sight: Sight, asked: Ints) -> tuple[Floats, Floats]:
    """(M,) answers, and silences of ten days weighed by the attention there was."""
    organisation, told = sight.board.organisation[asked], sight.answered_on[asked] < NEVER
    silent = ~told & (sight.day - sight.asked_on[asked] >= SILENT_DAYS)
    weight = attention(_load_when_asked(sight, asked[silent]))
    return (
        np.bincount(organisation[told], minlength=ORGANISATIONS).astype(np.float64),
        np.bincount(organisation[silent], weights=weight, minlength=ORGANISATIONS),
    )


def _load_when_asked(sight: Sight, rows: Ints) -> Floats:
    """(K,) load of the organisation on the day of each proposition."""
    return np.asarray(sight.lately_when_asked[rows] / sight.board.monthly[sight.board.organisation[rows]])
