"""The same problem given to other exact solvers. Each returns the CPU seconds it took and the optimum it found."""

import time
from collections.abc import Callable

import numpy as np
from ortools.graph.python import min_cost_flow
from scipy.optimize import linear_sum_assignment, linprog
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from matchmaker.engine.problem import Problem

HIGHS_SECONDS = 20  # it may take that long on an instance before it is left out

Peer = Callable[[Problem], tuple[float, int]]


def ortools_flow(problem: Problem) -> tuple[float, int]:
    """OR-Tools' min-cost flow: source → needs → offers → sink, and one arc for what is not placed."""
    needs, offers, pairs = len(problem.need_id), len(problem.offer_id), len(problem.need)
    start = time.process_time()
    source, sink = needs + offers, needs + offers + 1
    most = min(int(problem.need_capacity.sum()), int(problem.offer_capacity.sum()))
    flow = min_cost_flow.SimpleMinCostFlow()
    flow.add_arcs_with_capacity_and_unit_cost(
        np.concatenate([problem.need, np.full(needs, source), needs + np.arange(offers), [source]]).astype(np.int32),
        np.concatenate([problem.offer + needs, np.arange(needs), np.full(offers, sink), [sink]]).astype(np.int32),
        np.concatenate([np.ones(pairs), problem.need_capacity, problem.offer_capacity, [most]]).astype(np.int64),
        np.concatenate([-problem.score, np.zeros(needs + offers + 1)]).astype(np.int64),
    )
    flow.set_node_supply(source, most)
    flow.set_node_supply(sink, -most)
    if flow.solve() != flow.OPTIMAL:
        raise RuntimeError("no optimum")
    return time.process_time() - start, -flow.optimal_cost()


def scipy_sparse(problem: Problem) -> tuple[float, int]:
    """scipy's matching of greatest weight; one dummy column a need, and no explicit zero, which it would delete."""
    needs, offers = len(problem.need_id), len(problem.offer_id)
    start = time.process_time()
    rows = np.concatenate([problem.need, np.arange(needs)])
    columns = np.concatenate([problem.offer, offers + np.arange(needs)])
    matrix = csr_array((np.concatenate([problem.score + 1.0, np.ones(needs)]), (rows, columns)), shape=(needs, offers + needs))
    left, right = min_weight_full_bipartite_matching(matrix, maximize=True)
    value = round(float(matrix[left, right].sum())) - needs
    return time.process_time() - start, value


def scipy_dense(problem: Problem) -> tuple[float, int]:
    """scipy's linear_sum_assignment, for a complete table only: a missing pair would be a score of 0."""
    start = time.process_time()
    table = np.zeros((len(problem.need_id), len(problem.offer_id)))
    table[problem.need, problem.offer] = problem.score
    left, right = linear_sum_assignment(table, maximize=True)
    value = int(table[left, right].sum())
    return time.process_time() - start, value


def highs(problem: Problem) -> tuple[float, int]:
    """HiGHS (scipy's copy) on the linear relaxation, whose basic optima are whole."""
    pairs, needs, offers = len(problem.need), len(problem.need_id), len(problem.offer_id)
    start = time.process_time()
    rows = np.stack([problem.need, problem.offer + needs], axis=1).ravel()
    matrix = csc_array((np.ones(2 * pairs), rows, np.arange(0, 2 * pairs + 1, 2)), shape=(needs + offers, pairs))
    limits = np.concatenate([problem.need_capacity, problem.offer_capacity])
    found = linprog(-problem.score.astype(np.float64), A_ub=matrix, b_ub=limits, bounds=(0, 1), method="highs", options={"time_limit": HIGHS_SECONDS})
    if found.status == 1:
        raise TimeoutError(f"no optimum within {HIGHS_SECONDS} s")
    return time.process_time() - start, round(-found.fun)


def peers_of(problem: Problem, all_of_them: bool) -> dict[str, Peer]:
    """Those that solve the same model: scipy's take a pair once only where every capacity is 1."""
    peers: dict[str, Peer] = {"OR-Tools": ortools_flow}
    if problem.need_capacity.max(initial=1) == 1 and problem.offer_capacity.max(initial=1) == 1:
        if len(problem.need) == len(problem.need_id) * len(problem.offer_id):
            peers["scipy dense"] = scipy_dense
        if len(problem.need) <= 400_000:
            peers["scipy sparse"] = scipy_sparse
    if all_of_them or len(problem.need) <= 100_000:
        peers["HiGHS"] = highs
    return peers
