"""The planner of job datings against its peers: `python -m bench.rounds [--full] [--save]`.

One core, CPU seconds; all planners get the same instances in one run. Quick by default; `--full` adds the large instances
and CP-SAT on more of them; `--save` writes docs/figures/rounds.md and rounds.png. Needs requirements-bench.txt.
"""

import argparse
import platform
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import matplotlib as mpl
import numpy as np

from bench._sessions import FULL, QUICK, Family, by_rounds, cp_sat, drawn, first_fit, rustworkx_colours
from matchmaker.engine.idle import idle_rounds, shorten_waits
from matchmaker.engine.idle_bound import idle_bound
from matchmaker.engine.planning import rounds_needed
from matchmaker.engine.programme import Programme
from matchmaker.engine.replan import replan
from matchmaker.engine.rounds import plan_rounds
from matchmaker.engine.seating import seat, table_changes
from matchmaker.engine.selection import choose
from matchmaker.engine.windows import plan_windows

mpl.use("Agg")
import matplotlib.pyplot as plt

FIGURES = Path(__file__).parents[1] / "docs" / "figures"
CP_SAT_SECONDS = {False: 5.0, True: 20.0}
INSERTIONS = 20_000


@dataclass
class Measure:
    """What was measured of one family: our seconds and result, and the peers' in words."""

    name: str
    meetings: int
    seconds: float
    result: str
    peers: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the large instances too (minutes)")
    parser.add_argument("--save", action="store_true", help="write docs/figures/rounds.md and rounds.png")
    options = parser.parse_args()
    measures: list[Measure] = []
    targets: list[tuple[str, float, float]] = []
    for family in [*QUICK, *(FULL if options.full else [])]:
        measures.append(_measure(family, targets, options.full))
        print(f"{measures[-1].name}: {measures[-1].seconds:.3f} s, {measures[-1].result}; {'; '.join(measures[-1].peers)}", flush=True)
    targets += [*_waits(options.full), *_seats(), *_changes()]
    report = _report(measures, targets)
    print(report)
    if options.save:
        FIGURES.mkdir(parents=True, exist_ok=True)
        (FIGURES / "rounds.md").write_text(report, encoding="utf-8")
        _draw(FIGURES / "rounds.png")


def _measure(family: Family, targets: list[tuple[str, float, float]], full: bool) -> Measure:
    one = family.make(1)
    count = len(one.left)
    start = time.process_time()
    if family.kind == "windows":
        rounds, bound = plan_windows(one, iterations=INSERTIONS)
        found = Measure(family.name, count, time.process_time() - start, "")
        score = float(one.score[rounds >= 0].sum())
        found.result = f"{(rounds >= 0).sum()} held, {100 * (1 - score / bound):.2f} % from the bound"
        if family.name.startswith("planted"):
            targets.append((f"{family.name}: meetings not placed", float((rounds < 0).sum()), 0))
            targets.append((f"{family.name}: seconds", found.seconds, 3))
        else:
            targets.append((f"{family.name}: gap, %", 100 * (1 - score / bound), 0.3 if count <= 1200 else 1))
            targets.append((f"{family.name}: seconds", found.seconds, 5 if count <= 1200 else 20))
        if count <= 1200:
            taken, status, theirs = cp_sat(one, one.rounds, CP_SAT_SECONDS[full])
            found.peers.append(f"CP-SAT {status.lower()} in {taken:.1f} s, score {theirs:.1f} against {score:.1f}")
        return found
    if family.kind == "limited":
        most = np.full(len(one.delegates), one.rounds)
        held, bound = choose(one.left, one.right, one.score, most, [(np.ones(count, dtype=np.bool_), one.rounds * len(one.tables))])
        rounds = plan_rounds(one.left[held], one.right[held], tables=len(one.tables))
        score = float(one.score[held].sum())
        found = Measure(family.name, count, time.process_time() - start, f"{held.sum()} held in {rounds.max() + 1} of {one.rounds} rounds")
        targets.append((f"{family.name}: gap", bound - score, 1e-6))
        targets.append((f"{family.name}: rounds beyond the limit", max(0.0, float(rounds.max() + 1 - one.rounds)), 0))
        return found
    rounds = plan_rounds(one.left, one.right, tables=len(one.tables))
    used, least = int(rounds.max()) + 1, rounds_needed(one, np.ones(count, dtype=np.bool_))[0]
    found = Measure(family.name, count, time.process_time() - start, f"{used} rounds, at least {least}")
    targets.append((f"{family.name}: rounds above the bound", used - least, 0))
    if count <= 1000:
        targets.append((f"{family.name}: milliseconds", 1000 * found.seconds, 30))
    found.peers.append(f"first fit {first_fit(one)} rounds")
    if count <= 1000:
        found.peers.append(f"round by round {by_rounds(one)} rounds")
    taken, colours = rustworkx_colours(one)
    found.peers.append(f"rustworkx {taken:.3f} s, {colours} colours, tables ignored")
    if count >= 50_000:
        targets.append((f"{family.name}: seconds", found.seconds, 2))
        targets.append((f"{family.name}: times rustworkx", found.seconds / taken, 1.5))
    if count <= 600:
        taken, status, theirs = cp_sat(one, least, CP_SAT_SECONDS[full])
        whole = "everything" if abs(theirs - one.score.sum()) < 0.5 else f"{100 * theirs / one.score.sum():.0f} % of the score"
        found.peers.append(f"CP-SAT {status.lower()} in {taken:.1f} s, {whole}")
    return found


def _waits(full: bool) -> list[tuple[str, float, float]]:
    """Idle rounds after exchanges beyond those that no plan avoids, as a share of those of the raw colouring; tables are scarce in the last of each."""
    rows = []
    for count, people, tables in ((250, 25, 25), (250, 40, 40), (250, 25, 18), *(((900, 60, 60), (900, 45, 30)) if full else ())):
        one = drawn(1, count, people, tables)
        raw = plan_rounds(one.left, one.right, tables=tables)
        wide = _with_rounds(one, int(raw.max()) + 1)
        before, start = idle_rounds(wide, raw), time.process_time()
        after = idle_rounds(wide, shorten_waits(wide, raw, iterations=min(600 * count, 100_000_000 // count)))
        spent = time.process_time() - start
        least = idle_bound(one.left, one.right, rounds=wide.rounds, tables=tables)
        name = f"idle at {count} meetings, {people} a side, {tables} tables: {after} of {before}, {least} at least"
        share, seconds = (5, 4) if count == 250 else (20, 10)
        rows += [(f"{name}: % too many", 100 * (after - least) / before, share), (f"{name}: seconds", spent, seconds)]
    return rows


def _with_rounds(one: Programme, rounds: int) -> Programme:
    return replace(one, available=np.ones((len(one.delegates), rounds), dtype=np.bool_), days=np.zeros(rounds, dtype=np.int64))


def _seats() -> list[tuple[str, float, float]]:
    """Changes of table, as a share of those when each meeting takes the first free one."""
    one = drawn(1, 250, 25, 20)
    rounds = plan_rounds(one.left, one.right, tables=20)
    ours = seat(one.left, one.right, rounds, one.tables, np.zeros(250, dtype=np.bool_))
    naive = np.zeros(250, dtype=np.int64)
    for r in np.unique(rounds):
        naive[rounds == r] = np.arange((rounds == r).sum())
    changes = [table_changes(one.left, one.right, rounds, table) for table in (ours, naive)]
    return [(f"table changes, {changes[0]} against {changes[1]}: %", 100 * changes[0] / changes[1], 60)]


def _changes() -> list[tuple[str, float, float]]:
    """Somebody comes late: how long the change takes in the middle of forty."""
    taken = []
    for seed in range(40):
        one = drawn(seed, 250, 30, 25)
        rounds = plan_rounds(one.left, one.right, tables=25)
        table = seat(one.left, one.right, rounds, one.tables, np.zeros(250, dtype=np.bool_))
        wide = _with_rounds(one, int(rounds.max()) + 2)
        wide.available[seed % 60, :4] = False
        start = time.process_time()
        replan(wide, rounds, table)
        taken.append(time.process_time() - start)
    return [("change of plan, 250 meetings, median: ms", 1000 * float(np.median(taken)), 50)]


READING = """\
How to read it. A **result** at its bound is proven: no plan has fewer rounds (the degree of the busiest, the tables, the accessible tables) or a better
score (a linear relaxation). *Planted* windows hide a plan that holds every meeting; *overloaded* sessions have more meetings than seats, and the
gap is to the relaxation, which nobody may reach. **Peers**: first fit takes the first free round (the quick schedule of event tools), round by round
takes a best matching for each round, rustworkx colours edges and knows no tables, CP-SAT has 20 s on the wall. They run in the same process as ours.
**Idle** is the number of rounds that people sit through between two meetings. Small timings depend on the machine and on what else it does: compare
the columns of one run. `./croisee bench rounds` runs the same without `--full` in less time, and writes nothing without `--save`."""


def _report(measures: list[Measure], targets: list[tuple[str, float, float]]) -> str:
    lines = [
        "# The planner of job datings against its peers",
        "",
        f"Written by `python -m bench.rounds --full --save`. One core of {platform.machine()}, CPU seconds (CP-SAT: by the wall); "
        f"Python {platform.python_version()}, numpy {np.__version__}.",
        "",
        "![The rounds of one session](rounds.png)",
        "",
        READING,
        "",
        "| instance | meetings | seconds | result | peers |",
        "|---|--:|--:|---|---|",
        *(f"| {one.name} | {one.meetings:,} | {one.seconds:.3f} | {one.result} | {'; '.join(one.peers)} |" for one in measures),
        "",
        "| target | measured | at most | |",
        "|---|--:|--:|---|",
        *(f"| {name} | {value:.3g} | {most:g} | {'pass' if value <= most else 'FAIL'} |" for name, value, most in targets),
        "",
        "Where tables are scarce somebody must wait: « at least » is the proven minimum (engine/idle_bound.py), what is above it counts against the target.",
    ]
    return "\n".join(lines) + "\n"


def _draw(path: Path) -> None:
    """The grid of one morning: who sits at which table in which round, before and after the waits are shortened."""
    one = drawn(3, 74, 12, 10)
    raw = plan_rounds(one.left, one.right, tables=10)
    wide = _with_rounds(one, int(raw.max()) + 1)
    figure, axes = plt.subplots(1, 2, figsize=(13, 6), sharey=True)
    for axis, rounds, title in zip(axes, (raw, shorten_waits(wide, raw, iterations=30_000)), ("Colouring", "Waits shortened"), strict=True):
        table = seat(one.left, one.right, rounds, one.tables, np.zeros(74, dtype=np.bool_))
        grid = np.full((24, wide.rounds), np.nan)
        for people in (one.left, one.right):
            grid[people, rounds] = table
        axis.imshow(grid, cmap="tab10", aspect="auto", vmin=0, vmax=9)
        for p, r in np.argwhere(~np.isnan(grid)):
            axis.text(r, p, f"{int(grid[p, r]) + 1}", ha="center", va="center", fontsize=8, color="white")
        axis.set(title=f"{title}: {wide.rounds} rounds, {idle_rounds(wide, rounds)} idle", xlabel="round", xticks=range(wide.rounds))
    axes[0].set(ylabel="participant (number: table)", yticks=range(0, 24, 2))
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
