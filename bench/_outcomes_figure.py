"""The plot of `bench.outcomes`: cooperations against mails, a curve a policy."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

COLOURS = {
    "expected value": "#0b6e4f", "hand-made": "#c8553d", "broadcast": "#4a5a8a", "waves": "#8d6a9f", "least solicited": "#b08d2e", "naive": "#555555",
}  # fmt: skip


def draw(points: list[tuple[str, bool, bool, float, float]], path: Path) -> None:
    """Write the plot of points (family, has a row of its own, is on the curve, mails, cooperations)."""
    figure, axes = plt.subplots(figsize=(10, 6))
    for family, colour in COLOURS.items():
        mine = sorted((mails, cooperations) for own, _, on_curve, mails, cooperations in points if own == family and on_curve)
        axes.plot(*zip(*mine, strict=True), "o-", color=colour, linewidth=2.5 if family == "expected value" else 1.2, markersize=4, label=family)
        shown = [(mails, cooperations) for own, shown, _, mails, cooperations in points if own == family and shown]
        axes.plot(*zip(*shown, strict=True), "s", color=colour, markersize=9)
    axes.set(xlabel="mails in the year", ylabel="cooperations in the year", title="Cooperations against mails (squares: the policies of the table)")
    axes.set_xlim(left=0)
    axes.grid(visible=True, alpha=0.25)
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
