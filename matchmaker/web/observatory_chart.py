"""Curves over months, as numbers that a template writes into an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10

from matchmaker.web.formats import MONTHS

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1000.0, 90.0, 850.0, 40.0, 296.0
SHORT = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
STEPS = 4
CLASSES = ("need", "offer")
# Two words at the end of two curves lie at least so far apart.
APART = 30.0


@dataclass(frozen=True)
class Curve:
    """``runs``: its points, in pieces where a month has none; ``end``: where its name stands."""

    name: str
    css: str
    runs: tuple[tuple[tuple[float, float], ...], ...]
    end: float


@dataclass(frozen=True)
class Chart:
    curves: tuple[Curve, ...]
    months: tuple[tuple[float, str], ...]
    rules: tuple[tuple[float, float], ...]
    decimals: int


def chart(days: Sequence[date], series: Sequence[tuple[str, Sequence[float | None]]]) -> Chart | None:
    """None when there is nothing to draw a line between."""
    told = [value for _name, values in series for value in values if value is not None]
    if len(days) < 2 or not told:
        return None
    step = round_step(max(max(told), 0) or 1)
    top = step * STEPS
    across = (RIGHT - LEFT) / (len(days) - 1)
    curves = []
    for place, (name, values) in enumerate(series):
        runs = pieces([(round(LEFT + at * across, 1), height(value, top)) if value is not None else None for at, value in enumerate(values)])
        if runs:
            curves.append(Curve(name, CLASSES[place], runs, runs[-1][-1][1] + 5))
    months = tuple((round(LEFT + at * across, 1), SHORT[day.month - 1]) for at, day in enumerate(days))
    rules = tuple((round(height(step * number, top), 1), step * number) for number in range(STEPS + 1))
    return Chart(tuple(apart(curves)), months, rules, max(0, -floor(log10(step))))


def round_step(most: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, so that four of them hold the largest value.

    >>> round_step(124), round_step(3), round_step(0.4)
    (50, 1, 0.1)
    """
    rough = most / STEPS
    power = 10.0 ** floor(log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.999999)
    return ceil(step) if step >= 1 else round(step, 6)


def height(value: float, top: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * min(value, top) / top, 1)


def pieces(points: Sequence[tuple[float, float] | None]) -> tuple[tuple[tuple[float, float], ...], ...]:
    found: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            found.append([])
        else:
            found[-1].append(point)
    return tuple(tuple(run) for run in found if run)


def spark(values: Sequence[int]) -> tuple[tuple[float, float], ...]:
    """The points of a small line beside a number, in a box of 120 by 32 with room for its last dot; none for fewer than two values.

    >>> spark([0, 4]), spark([3])
    (((4.0, 28.0), (116.0, 4.0)), ())
    """
    if len(values) < 2:
        return ()
    top = max(*values, 1)
    return tuple((round(4 + 112 * place / (len(values) - 1), 1), round(28 - 24 * value / top, 1)) for place, value in enumerate(values))


def apart(curves: Sequence[Curve]) -> list[Curve]:
    """The names at the ends of the curves, none on another."""
    found: list[Curve] = []
    for curve in sorted(curves, key=lambda one: one.end):
        end = max(curve.end, found[-1].end + APART) if found else curve.end
        found.append(Curve(curve.name, curve.css, curve.runs, end))
    return found


def month_name(day: date) -> str:
    """« octobre 2026 »."""
    return f"{MONTHS[day.month - 1]} {day.year}"
