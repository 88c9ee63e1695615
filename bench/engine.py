"""The engine, stage by stage, and its solver against its peers: `python -m bench.engine [--orlib FOLDER] [--france] [--all] [--small] [--save]`.

One core, CPU seconds, medians; all solvers get the same instances in one run, so the ratios are what counts. Every answer
is proven by `certify` and compared with the optimum of OR-Tools. Needs requirements-bench.txt.
"""

import argparse
import dataclasses
import gc
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench._families import FAMILIES, PUBLIC_OPTIMA, Family, geographic, or_library
from bench._figure import draw
from bench._peers import HIGHS_SECONDS, peers_of
from bench._stages import Stages, one_change, stages
from matchmaker.engine.assignment import assign
from matchmaker.engine.certificate import Certificate, certify
from matchmaker.engine.problem import Assignment, Objective, Problem
from matchmaker.engine.warming import warm

FIGURES = Path(__file__).parents[1] / "docs" / "figures"
REPEATS = 5
SMALL = ("geographic 2k", "geographic 5k", "product 5k", "dense 1k × 1k")


@dataclass
class Measure:
    """What was measured on one instance. Times in CPU seconds."""

    name: str
    pairs: int
    ours: float
    served_first: float
    proof: float
    memory: float  # bytes a pair above what the instance takes
    peers: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # peers that had no answer in time

    @property
    def ratio(self) -> float:
        return self.ours / self.peers["OR-Tools"]


@dataclass
class Results:
    """All that a run of the bench found."""

    department: Stages
    change: tuple[float, float]  # milliseconds: median, 95th percentile
    measures: list[Measure]
    library: list[tuple[str, int, int, float, float]]
    france: Measure | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orlib", type=Path, help="folder of OR-Library's assign100.txt …; compared with the public optima")
    parser.add_argument("--france", action="store_true", help="200,000 needs and 300,000 offers, 17.5 million pairs")
    parser.add_argument("--all", action="store_true", help="HiGHS on the large instances too (minutes)")
    parser.add_argument("--only", default="", help="families whose name holds these words")
    parser.add_argument("--small", action="store_true", help="a small département and four small instances: a minute on a quiet machine, to try the bench")
    parser.add_argument("--save", action="store_true", help="write docs/figures/engine.md and engine.png")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if not warm():
        sys.exit("numba is missing or cannot compile: there is nothing to measure")
    if options.memory_of:
        print(_extra_memory(options.memory_of))
        return

    department = stages(*((4_500, 6_750) if options.small else (20_000, 30_000)))
    print(_stages_line(department), flush=True)
    change = one_change(geographic(1, 2_000, 3_000) if options.small else geographic(1, 20_000, 30_000))
    print(f"one refusal or lock: median {change[0]:.1f} ms, 95th percentile {change[1]:.1f} ms", flush=True)
    measures = []
    for family in FAMILIES:
        if options.only in family.name and (not options.small or family.name in SMALL):
            measures.append(_measure(family, options.all))
            print(_line(measures[-1]), flush=True)
    library = _or_library(options.orlib) if options.orlib else []
    _show(Results(department, change, measures, library), options.save)
    if options.france:
        _show(Results(department, change, measures, library, _france()), options.save)


def _show(results: Results, save: bool) -> None:
    report = _report(results)
    print(report, flush=True)
    if save:
        FIGURES.mkdir(parents=True, exist_ok=True)
        (FIGURES / "engine.md").write_text(report, encoding="utf-8")
        draw([(m.name, m.pairs, m.ours, m.peers) for m in results.measures], FIGURES / "engine.png")


def _cpu(problem: Problem, objective: Objective = Objective.SCORE, repeats: int = REPEATS) -> float:
    """Median CPU seconds of `assign`, prices and checks of the input included."""
    taken = []
    for _ in range(repeats):
        gc.collect()
        start = time.process_time()
        assign(problem, objective)
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def _measure(family: Family, all_peers: bool) -> Measure:
    problem = family.make(1)
    answer = assign(problem)
    proof, proof_time = _proof(problem, answer)
    found = Measure(family.name, len(problem.need), _cpu(problem), _cpu(problem, Objective.SERVED_FIRST, 1), proof_time, _memory(problem))
    if not proof.optimal:
        found.wrong.append(f"gap {proof.gap}")
    found.wrong += _faults(problem)
    for name, solve in peers_of(problem, all_peers).items():
        taken = []
        while len(taken) < 3 and sum(taken) < 3:
            try:
                seconds, value = solve(problem)
            except TimeoutError:
                found.skipped.append(name)
                break
            taken.append(seconds)
            if value != answer.value:
                found.wrong.append(f"{name} found {value}, not {answer.value}")
        if taken:
            found.peers[name] = statistics.median(taken)
    return found


def _proof(problem: Problem, answer: Assignment) -> tuple[Certificate, float]:
    taken = []
    for _ in range(3):
        start = time.process_time()
        proof = certify(problem, answer)
        taken.append(time.process_time() - start)
    return proof, statistics.median(taken)


def _faults(problem: Problem) -> list[str]:
    """Shuffle the rows, refuse one pair in twenty, lock one in fifty: what goes wrong, in words."""
    rng = np.random.default_rng(2)
    pairs, needs, offers = (rng.permutation(n) for n in (len(problem.need), len(problem.need_id), len(problem.offer_id)))
    faults = []
    other = Problem(
        np.argsort(needs)[problem.need[pairs]].astype(np.int32), np.argsort(offers)[problem.offer[pairs]].astype(np.int32), problem.score[pairs],
        problem.need_capacity[needs], problem.offer_capacity[offers], problem.locked[pairs], problem.need_id[needs], problem.offer_id[offers],
    )  # fmt: skip
    if not np.array_equal(assign(other).chosen, assign(problem).chosen[pairs]):
        faults.append("shuffling changes the answer")

    kept = rng.random(len(problem.need)) > 0.05
    fewer = dataclasses.replace(problem, need=problem.need[kept], offer=problem.offer[kept], score=problem.score[kept], locked=problem.locked[kept])
    locked, need_left, offer_left = fewer.locked.copy(), fewer.need_capacity.copy(), fewer.offer_capacity.copy()
    for e in np.flatnonzero(rng.random(len(locked)) < 0.02).tolist():
        i, j = fewer.need[e], fewer.offer[e]
        if need_left[i] and offer_left[j]:
            need_left[i] -= 1
            offer_left[j] -= 1
            locked[e] = True
    for name, variant in (("refusals", fewer), ("locks", dataclasses.replace(fewer, locked=locked))):
        objectives = (Objective.SCORE, Objective.SERVED_FIRST)
        faults += [f"no proof with {name} under {one}" for one in objectives if not certify(variant, assign(variant, one), one).optimal]
    return faults


def _memory(problem: Problem) -> float:
    """Bytes a pair that solving takes above the instance, in a process of its own (a child inherits its parent's peak)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        np.savez(path, **vars(problem))
        done = subprocess.run([sys.executable, "-m", "bench.engine", "--memory-of", str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout) / len(problem.need)


def _extra_memory(path: Path) -> int:
    with np.load(path) as arrays:
        problem = Problem(**arrays)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from what is resident now
    before = _status("VmRSS")
    assign(problem)
    return _status("VmHWM") - before


def _status(key: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key + ":"))
    return int(line.split()[1]) * 1024


def _or_library(folder: Path) -> list[tuple[str, int, int, float, float]]:
    """Name, least cost found, public optimum, our time and OR-Tools'."""
    rows = []
    for name, optimum in PUBLIC_OPTIMA.items():
        problem, cost_of = or_library(folder / f"{name}.txt")
        answer = assign(problem)
        cost = cost_of(answer.value) if certify(problem, answer).optimal else -1
        rows.append((name, cost, optimum, _cpu(problem), peers_of(problem, False)["OR-Tools"](problem)[0]))
    return rows


def _france() -> Measure:
    problem = geographic(1, 200_000, 300_000, degree=90)
    answer = assign(problem)
    proof, proof_time = _proof(problem, answer)
    found = Measure("France 200k × 300k", len(problem.need), _cpu(problem, repeats=1), _cpu(problem, Objective.SERVED_FIRST, 1), proof_time, _memory(problem))
    if not proof.optimal:
        found.wrong.append(f"gap {proof.gap}")
    found.peers["OR-Tools"], value = peers_of(problem, False)["OR-Tools"](problem)
    if value != answer.value:
        found.wrong.append(f"OR-Tools found {value}, not {answer.value}")
    return found


def _line(found: Measure) -> str:
    peers = " · ".join(f"{name} {seconds:.4f}" for name, seconds in found.peers.items())
    return (
        f"{found.name}: {found.pairs} pairs, {found.ours:.4f} s, served first {found.served_first:.4f}, {peers}, ratio {found.ratio:.3f}, "
        f"{found.memory:.0f} B a pair, certify {found.pairs / found.proof / 1e6:.0f} M/s {' '.join(found.wrong)}"
    )


def _stages_line(one: Stages) -> str:
    return (
        f"{one.needs} needs × {one.offers} offers: {one.candidates} candidates in {one.find:.2f} s ({one.find_speed:.1f} M/s), words in {one.prepare:.2f} s, "
        f"criteria in {one.judge:.2f} s ({one.judge_speed:.1f} M/s), {one.kept} kept, capped and solved in {one.solve:.2f} s (loss {one.loss}), "
        f"proven in {one.prove:.2f} s ({one.prove_speed:.0f} M/s); from tables to a proven answer {one.ready:.2f} s"
    )


def _report(results: Results) -> str:
    measures, library, france = results.measures, results.library, results.france
    names = sorted({name for one in measures for name in (*one.peers, *one.skipped)})
    lines = [
        "# The solver of the pairs against its peers",
        "",
        f"Written by `python -m bench.engine --save`. One core of {platform.machine()}, CPU seconds, medians; Python {platform.python_version()}, "
        f"numpy {np.__version__}. `assign` includes the checks of its input and the prices. The ratio is our time to OR-Tools'.",
        "",
        _stages_line(results.department) + ".",
        f"One refusal or lock: median {results.change[0]:.1f} ms, 95th percentile {results.change[1]:.1f} ms.",
        "",
        "![Time against number of pairs](engine.png)",
        "",
        "| instance | pairs | assign | served first | " + " | ".join(names) + " | ratio | memory, B a pair | certify, M pairs/s | checks |",
        "|---|--:|--:|--:|" + "--:|" * len(names) + "--:|--:|--:|---|",
    ]
    for one in [*measures, *([france] if france else [])]:
        peers = " | ".join(_cell(one, name) for name in names)
        lines.append(
            f"| {one.name} | {one.pairs:,} | {one.ours:.4f} | {one.served_first:.4f} | {peers} | {one.ratio:.3f} | {one.memory:.0f} "
            f"| {one.pairs / one.proof / 1e6:.0f} | {'; '.join(one.wrong) or 'all hold'} |"
        )
    if library:
        lines += ["", "| OR-Library | least cost | public optimum | assign | OR-Tools |", "|---|--:|--:|--:|--:|"]
        lines += [f"| {name} | {cost} | {optimum} | {ours:.4f} | {theirs:.4f} |" for name, cost, optimum, ours, theirs in library]
    lines += ["", "| target | measured | must | aim |", "|---|--:|---|---|"]
    lines += [f"| {name} | {value} | {must} | {aim} |" for name, value, must, aim in _targets(results)]
    lines += [
        "",
        "Checks of an instance: gap exactly 0, the optimum of every peer, the same pairs after shuffling, and a proof for both objectives after",
        "refusing one pair in twenty and locking one in fifty. Of France: the gap and the optimum of OR-Tools.",
    ]
    return "\n".join(lines) + "\n"


def _cell(one: Measure, name: str) -> str:
    if name in one.skipped:
        return f"skipped: > {HIGHS_SECONDS} s"
    return f"{one.peers[name]:.4f}" if name in one.peers else ""


def _targets(results: Results) -> list[tuple[str, str, str, str]]:
    measures, library, france, department = results.measures, results.library, results.france, results.department
    rows = [
        _target("instances where a check fails", sum(bool(one.wrong) for one in measures), 0, 0),
        _target("candidates and their criteria, M pairs/s", department.both_speed, 8, 25, at_least=True),
        _target("what the cap of 100 pairs loses, in millionths", department.loss, 0, 0),
        _target("certify on a département, M pairs/s", department.prove_speed, 10, 30, at_least=True),
        _target("one refusal or lock at 20k needs, 95th percentile, ms", results.change[1], 20, 5),
    ]
    middle = [one.ratio for one in measures if one.name.startswith(("geographic 20k", "geographic 50k"))]
    if middle:
        rows.append(_target("least times faster than OR-Tools, geographic 20k–50k", 1 / max(middle), 4, 10, at_least=True))
    if measures:
        rows.append(_target("geometric mean of the ratios", statistics.geometric_mean(one.ratio for one in measures), 0.40, 0.20))
        worst = max(measures, key=lambda one: one.ratio)
        rows.append(_target(f"worst ratio ({worst.name})", worst.ratio, 5, 1.5))
        large = [one for one in measures if one.pairs >= 90_000]
        rows.append(_target("most memory, B a pair, 90,000 pairs and more", max((one.memory for one in large), default=0), 160, 80))
        rows.append(
            _target("least speed of certify, M pairs/s, 90,000 pairs and more", min((m.pairs / m.proof / 1e6 for m in large), default=99), 10, 30, True)
        )
    growth = [(np.log(one.pairs), np.log(one.ours)) for one in measures if one.name.startswith("geographic") and "capacities" not in one.name]
    if len(growth) > 1:
        rows.append(_target("growth exponent, geographic 2k–50k", float(np.polyfit(*zip(*growth, strict=True), 1)[0]), 1.35, 1.20))
    if library:
        rows.append(_target("optima of OR-Library missed", sum(cost != optimum for _, cost, optimum, _, _ in library), 0, 0))
    if france:
        rows.append(_target("France, seconds", france.ours, 20, 5))
        rows.append(_target("France, checks that fail", len(france.wrong), 0, 0))
        rows.append(_target("France, GB above the instance", france.memory * france.pairs / 1e9, 3, 2))
    return rows


def _target(name: str, value: float, must: float, aim: float, at_least: bool = False) -> tuple[str, str, str, str]:
    def judged(limit: float) -> str:
        holds = value >= limit if at_least else value <= limit
        return f"{'≥' if at_least else '≤'} {limit:g}: {'pass' if holds else 'FAIL'}"

    return name, f"{value:.3g}", judged(must), judged(aim)


if __name__ == "__main__":
    main()
