"""The plot of `bench.engine`: time against pairs, one mark a solver and instance."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt


def draw(rows: list[tuple[str, int, float, dict[str, float]]], path: Path) -> None:
    """Write the plot of rows (instance, pairs, our seconds, the peers' seconds)."""
    figure, (growth, ratio) = plt.subplots(1, 2, figsize=(13, 6))
    lines = [row for row in rows if row[0].startswith("geographic") and "capacities" not in row[0]]
    growth.loglog([row[1] for row in lines], [row[2] for row in lines], "o-", color="#0b6e4f", linewidth=2.5, label="assign")
    for name in sorted({name for row in lines for name in row[3]}):
        mine = [(row[1], row[3][name]) for row in lines if name in row[3]]
        growth.loglog(*zip(*mine, strict=True), "s--", label=name)
    growth.set(xlabel="candidate pairs", ylabel="CPU seconds, one core", title="Geographic instances, 2k to 50k needs")
    growth.grid(visible=True, which="both", alpha=0.25)
    growth.legend()

    ordered = sorted(rows, key=lambda row: row[2] / row[3]["OR-Tools"])
    values = [row[2] / row[3]["OR-Tools"] for row in ordered]
    ratio.barh([row[0] for row in ordered], values, color=["#0b6e4f" if value <= 1 else "#c8553d" for value in values])
    ratio.set_xscale("log")
    ratio.axvline(1, color="black", linewidth=1)
    ratio.set(xlabel="time of assign / time of OR-Tools min-cost flow", title="Every family (left of 1: faster)")
    ratio.tick_params(axis="y", labelsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
