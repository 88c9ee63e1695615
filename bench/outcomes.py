"""Whom to ask, and what comes of it: `python -m bench.outcomes [--seeds 10] [--worlds] [--calibration] [--save]`.

A year of a market (its assumptions: `bench/_market.py`) under the policies of the peers, a hand-made one, a naive one and
ours. A policy sees scores and answers, never the hidden truth. Two comparisons are honest: mails at equal cooperations,
and cooperations at equal mails, read off the curve that a policy draws when its volume is turned up and down.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from bench._market import World, market
from bench._outcomes_figure import draw
from bench._policies import broadcast, expected_value, hand_made, one_per_place, waves
from bench._year import Outcome, Policy, live
from matchmaker.engine.assignment import warm

FIGURES = Path(__file__).parents[1] / "docs" / "figures"
RESAMPLES = 2_000
OURS = "expected value"
Floats = NDArray[np.float64]
NAMES = [field.name for field in fields(Outcome)]
COOPERATIONS, MAILS = NAMES.index("cooperations"), NAMES.index("mails")


@dataclass(frozen=True)
class Entry:
    """A policy at one volume. `shown`: it has a row of its own; `on_curve`: it is a point of its family's curve."""

    name: str
    family: str
    make: Callable[[], Policy]
    shown: bool = False
    on_curve: bool = True
    expires_after: int | None = None


ENTRIES = [
    Entry("broadcast to all eligible", "broadcast", broadcast, shown=True),
    *(Entry(f"broadcast to {most}", "broadcast", lambda most=most: broadcast(most)) for most in (3, 6, 10, 15, 22)),
    Entry("waves of 10 a day until 6 interested, badge order, reminder", "waves", waves, shown=True),
    *(
        Entry(f"waves of {size} until {target}", "waves", lambda size=size, target=target: waves(size, target))
        for size, target in ((5, 2), (5, 1), (2, 1), (1, 1))
    ),
    Entry("least solicited first, 10 a day until 6 interested", "least solicited", lambda: waves(reminder=None, least_solicited=True), shown=True),
    *(
        Entry(
            f"least solicited, {size} until {target}",
            "least solicited",
            lambda size=size, target=target: waves(size, target, reminder=None, least_solicited=True),
        )
        for size, target in ((5, 1), (2, 1), (1, 1))
    ),
    Entry("hand-made: 3 best every 5 days until 3 interested, 3 a month, pause after 4 silences", "hand-made", hand_made, shown=True),
    *(
        Entry(f"hand-made: {size} every {every} days until {target}", "hand-made", lambda size=size, every=every, target=target: hand_made(size, every, target))
        for size, every, target in ((1, 10, 1), (1, 5, 1), (2, 5, 1), (2, 5, 2), (5, 5, 5))
    ),
    Entry("naive: one proposition per place, reminder J+2, expiry J+10", "naive", one_per_place, shown=True, expires_after=10),
    Entry("expected value, price 0.02", OURS, expected_value, shown=True),
    Entry("expected value, frugal price 0.05", OURS, lambda: expected_value(0.05), shown=True),
    *(Entry(f"expected value, price {price:g}", OURS, lambda price=price: expected_value(price)) for price in (0.2, 0.08, 0.035, 0.014, 0.01)),
    Entry("expected value, price 0.02, without reminders", OURS, lambda: expected_value(reminders=False), shown=True, on_curve=False),
]
WORLDS = {
    "as calibrated": World(),
    "a better fit helps a third as much": World(level=-0.85, slope=0.5),
    "the score says less (correlation 0.3)": World(correlation=0.3),
    "the score says more (correlation 0.7)": World(correlation=0.7),
    "mails wear attention twice as much": World(wear=2.1),
    "mails wear nobody, nobody leaves for them": World(wear=0.0, leaves_per_mail=0.0),
    "one in three never answers": World(never_answer=0.33, attention=(2.6, 2.6)),
}
TARGETS = (  # the policy compared with, at most this share of its mails, at least so many times its cooperations
    ("waves", 0.25, 1.2),
    ("broadcast", 0.33, 1.2),
    ("hand-made", 0.80, 1.1),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="years that are drawn; 2 for a quick look")
    parser.add_argument("--worlds", action="store_true", help="also what changes when the assumptions are wrong (three seeds)")
    parser.add_argument("--calibration", action="store_true", help="only what the public figures are compared with")
    parser.add_argument("--save", action="store_true", help="write docs/figures/outcomes.md and outcomes.png; implies --worlds")
    options = parser.parse_args()
    if not warm():
        sys.exit("numba is missing or cannot compile: the year would take hours")
    if options.calibration:
        print(_calibration(options.seeds))
        return

    years = {entry.name: np.zeros((options.seeds, len(NAMES))) for entry in ENTRIES}
    for seed in range(options.seeds):
        drawn = market(seed + 1)
        for entry in ENTRIES:
            years[entry.name][seed] = astuple(live(drawn, entry.make(), expires_after=entry.expires_after))
        print(f"seed {seed + 1} of {options.seeds}", file=sys.stderr, flush=True)
    report = _report(years, options.seeds)
    if options.worlds or options.save:
        report += _worlds(min(3, options.seeds))
    print(report)
    if options.save:
        FIGURES.mkdir(parents=True, exist_ok=True)
        (FIGURES / "outcomes.md").write_text(report, encoding="utf-8")
        points = [(entry.family, entry.shown, entry.on_curve, *years[entry.name].mean(axis=0)[[MAILS, COOPERATIONS]].tolist()) for entry in ENTRIES]
        draw(points, FIGURES / "outcomes.png")


def _column(years: Floats, name: str) -> Floats:
    return years[..., NAMES.index(name)]


def _curve(years: dict[str, Floats], family: str, seeds: Floats) -> tuple[Floats, Floats]:
    """Mails and cooperations of a family's points, means over these seeds; a point that a cheaper one beats is left out."""
    points = [years[entry.name][seeds].mean(axis=0) for entry in ENTRIES if entry.family == family and entry.on_curve]
    points.sort(key=lambda point: float(_column(point, "mails")))
    mails, cooperations = (np.array([float(_column(point, name)) for point in points]) for name in ("mails", "cooperations"))
    best = np.maximum.accumulate(cooperations)
    kept = np.concatenate(([True], best[1:] > best[:-1]))
    return mails[kept], best[kept]


def _compared(years: dict[str, Floats], family: str, seeds: Floats) -> tuple[float, ...]:
    """Our mails at the cooperations of the family's own point, over its mails; our cooperations over its, at equal mails, three times.

    Equal mails are those of the family's own point, or the most that we would send; then those of our default price, and of the frugal one.
    """
    theirs = years[next(entry.name for entry in ENTRIES if entry.family == family)][seeds].mean(axis=0)
    ours, frugal = (years[f"{OURS}, {price}"][seeds].mean(axis=0) for price in ("price 0.02", "frugal price 0.05"))
    mails, cooperations = _curve(years, OURS, seeds)
    share = float(np.interp(theirs[COOPERATIONS], cooperations, mails) / theirs[MAILS]) if theirs[COOPERATIONS] <= cooperations[-1] else np.inf

    def at(volume: float) -> float:
        return float(np.interp(volume, mails, cooperations) / np.interp(volume, *_curve(years, family, seeds)))

    return share, at(min(float(theirs[MAILS]), float(mails[-1]))), at(float(ours[MAILS])), at(float(frugal[MAILS]))


def _report(years: dict[str, Floats], seeds: int) -> str:
    lines = [
        "# Whom to ask: cooperations and mails in a year",
        "",
        f"Written by `python -m bench.outcomes --save`. {seeds} years of a simulated market of 800 organisations and 1,000 needs, the same for all",
        "policies; means, and half the width of the 95 % interval of the mean. What is assumed stands in `bench/_market.py`; figures of a",
        "simulation rank policies, they promise nothing. Each policy sees scores and answers only.",
        "",
        "![Cooperations against mails](outcomes.png)",
        "",
        "| Policy | Cooperations | Mails | per 100 mails | Served by day 45, % | by day 90, % | First yes, working days | Over-solicited, % | Left, % "
        "| Answered, % |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for entry in ENTRIES:
        if entry.shown:
            table = years[entry.name]
            rate = 100 * _column(table, "cooperations").sum() / _column(table, "mails").sum()
            cells = [_interval(_column(table, name)) for name in ("cooperations", "mails")] + [f"{rate:.1f}"]
            cells += [_interval(_column(table, name)) for name in ("served_45", "served_90", "first_yes", "over_solicited", "left", "answered")]
            lines.append(f"| {entry.name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "Served: a cooperation concluded within 45 or 90 days, of the needs posted early enough to tell. First yes: median over the needs that got one.",
        "Over-solicited: got more in 20 working days than it truly bears, once in the year or more.",
        "",
        "| Against | our mails at its cooperations | must | our cooperations at its mails | must | at the mails of our default price | of the frugal price |",
        "|---|--:|---|--:|---|--:|--:|",
    ]
    rng = np.random.default_rng(0)
    everything = np.arange(seeds)
    for family, most, least in TARGETS:
        share, gain, usual, frugal = _compared(years, family, everything)
        drawn = np.array([_compared(years, family, rng.integers(0, seeds, seeds)) for _ in range(RESAMPLES)])
        (low, worst, *lows), (high, best, *highs) = np.percentile(drawn, (2.5, 97.5), axis=0)
        others = [f"× {value:.2f} ({least_of:.2f} to {most_of:.2f})" for value, least_of, most_of in zip((usual, frugal), lows, highs, strict=True)]
        lines.append(
            f"| {family} | {share:.0%} ({low:.0%} to {high:.0%}) | ≤ {most:.0%}: {_verdict(share <= most)} "
            f"| × {gain:.2f} ({worst:.2f} to {best:.2f}) | ≥ {least}: {_verdict(gain >= least)} | {' | '.join(others)} |"
        )
    default = years[f"{OURS}, price 0.02"].mean(axis=0)
    served, over = float(_column(default, "served_45")), float(_column(default, "over_solicited"))
    lines += [
        "",
        f"At the default price: {served:.1f} % served by day 45 (≥ 36: {_verdict(served >= 36)}), "
        f"{over:.1f} % ever beyond comfort (≤ 7: {_verdict(over <= 7)}).",
        "In brackets: 95 % of the results when the years are drawn again (bootstrap). Who sends more than we ever would (waves, broadcast)",
        "is compared at the most that we send; who cannot send so few (waves) is taken at its fewest, which favours it.",
        "",
    ]
    return "\n".join(lines)


def _interval(values: Floats) -> str:
    spread = float(student.ppf(0.975, len(values) - 1) * values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{values.mean():,.0f} ± {spread:,.0f}" if values.mean() >= 100 else f"{values.mean():.1f} ± {spread:.1f}"


def _verdict(holds: bool) -> str:
    return "pass" if holds else "MISSED"


def _worlds(seeds: int) -> str:
    compared = {OURS, *(family for family, _, _ in TARGETS)}
    chosen = [entry for entry in ENTRIES if entry.shown and entry.on_curve and entry.family in compared]
    lines = [
        "",
        f"When the assumptions are wrong ({seeds} years; cooperations / mails; the policies and their constants are the same):",
        "",
        "| World | " + " | ".join(entry.name for entry in chosen) + " |",
        "|---|" + "--:|" * len(chosen),
    ]
    for name, world in WORLDS.items():
        drawn = [market(seed + 1, world) for seed in range(seeds)]
        cells = []
        for entry in chosen:
            table = np.array([astuple(live(one, entry.make(), expires_after=entry.expires_after)) for one in drawn])
            cells.append(f"{_column(table, 'cooperations').mean():,.0f} / {_column(table, 'mails').mean():,.0f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
        print(f"world: {name}", file=sys.stderr, flush=True)
    return "\n".join(lines) + "\n"


def _calibration(seeds: int) -> str:
    """The two public figures: 17 % answered when everybody may write to everybody; one in three of who is asked little."""
    free = np.mean([live(market(seed + 1), broadcast()).answered for seed in range(seeds)])
    rested = 100 * np.mean([market(seed + 1).hidden.attention.mean() for seed in range(seeds)])
    return f"answered under broadcast: {free:.1f} % (public figure 17 %); chance of an answer of a rested organisation: {rested:.1f} % (one in three)"


if __name__ == "__main__":
    main()
