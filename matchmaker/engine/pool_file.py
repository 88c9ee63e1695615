"""The file format of pooled jobs: pools/1 in, the pools out.

A need may say of itself: ``reach_km``, how far from its place somebody may live (two needs agree within the sum of theirs);
``remote``, that all is done at a distance; ``start``, the day on which it wants to begin (the rule ``max_start_days`` says how far
apart the starts of a pool may lie). Where no pool is possible at all, ``misses`` tells what would let the first needs into one.
"""

from dataclasses import dataclass, fields
from datetime import date

import numpy as np

from matchmaker.engine.files import BadFile, Fields, index_of, listing, number, row, text, whole
from matchmaker.engine.pool_problem import ALL_MONTHS, HALFDAYS, MONTHS, Fractions, Rules
from matchmaker.engine.pooling import compose, nearest_miss, plan_of

_WEIGHTS = ("per_extra_employer", "per_km")
_WHOLE = {"max_employers": 10, "min_needs": 10}
_KNOWN = ("id", "employer", "rome", "rome_alt", "halfdays", "months", "allowed", "lat", "lon", "public", "priority", "reach_km", "remote", "start")


# Of so many needs an answer without pools tells what they lack.
_TOLD = 50


@dataclass(frozen=True)
class PoolFile:
    """A pools/1 file as arrays."""

    names: list[str]
    fractions: Fractions
    rules: Rules


def pool(document: object) -> dict[str, object]:
    """Compose the pools of a pools/1 document, each with its shared week; what the needs lack where there is none."""
    read = read_pools(document)
    found = compose(read.fractions, read.rules)
    misses: dict[str, object] = {} if found.pools else {"misses": {name: _miss(read, row) for row, name in enumerate(read.names[:_TOLD])}}
    return misses | {
        "pools": [
            {
                "needs": [read.names[need] for need in one.needs],
                "rome": one.occupation,
                "planning": {
                    str(month): {read.names[need]: list(halfdays) for need, halfdays in week.items()} for month, week in plan_of(read.fractions, one).items()
                },
            }
            for one in found.pools
        ],
        "claimed": {"value": round(found.value, 9), "bound": round(max(found.value, found.bound), 9)},
    }


def _miss(read: PoolFile, row: int) -> dict[str, object]:
    miss = nearest_miss(read.fractions, read.rules, row)
    needs = [read.names[need] for need in miss.pool.needs] if miss.pool else []
    return {"kind": miss.kind, "amount": round(miss.amount, 6), "halfdays": list(miss.halfdays), "needs": needs}


def read_pools(document: object) -> PoolFile:
    """Read a pools/1 document."""
    top = Fields(document, "", ("schema", "rules", "needs"))
    if top.get("schema") != "pools/1":
        raise BadFile("schema", "must be pools/1")
    items = [Fields(item, f"needs[{k}]", _KNOWN) for k, item in enumerate(top.items("needs"))]
    names = [item.text("id") for item in items]
    index_of(names, "needs")
    employers = {name: place for place, name in enumerate(dict.fromkeys(item.text("employer") for item in items))}
    nobody = np.zeros((0, 2), dtype=np.int64)
    return PoolFile(
        names,
        Fractions(
            employer=_ints([row(item.get("employer"), item.at("employer"), employers) for item in items]),
            occupations=[_occupations(item) for item in items],
            halfdays=_ints([item.whole("halfdays", 1, HALFDAYS) for item in items]),
            months=_ints([_months(item) for item in items]),
            allowed=_ints([_allowed(item) for item in items]),
            lat=_floats([_degrees(item, "lat", 90) for item in items]),
            lon=_floats([_degrees(item, "lon", 180) for item in items]),
            is_public=np.array([item.truth("public", False) for item in items], dtype=np.bool_),
            priority=_floats([number(item.get("priority", 1.0), item.at("priority"), 0, 1_000_000) for item in items]),
            apart=nobody,
            together=nobody,
            reach_km=_floats([_not_negative(item, "reach_km") if item.get("reach_km", None) is not None else np.inf for item in items]),
            is_remote=np.array([item.truth("remote", False) for item in items], dtype=np.bool_),
            start=_floats([_day(item) for item in items]),
        ),
        _rules(Fields(top.get("rules", {}), "rules", [field.name for field in fields(Rules) if field.name not in _WEIGHTS] + ["weights"])),
    )


def _rules(item: Fields) -> Rules:
    weights = Fields(item.get("weights", {}), item.at("weights"), _WEIGHTS)
    given: dict[str, float] = {}
    for name in item.values:
        if name in _WHOLE:
            given[name] = item.whole(name, 1, _WHOLE[name])
        elif name != "weights":
            given[name] = _not_negative(item, name)
    given |= {name: _not_negative(weights, name) for name in weights.values}
    return Rules(**given)  # type: ignore[arg-type]  # two of them are whole, as checked above


def _occupations(item: Fields) -> tuple[str, ...]:
    others = [text(code, f"{item.at('rome_alt')}[{k}]") for k, code in enumerate(item.items("rome_alt", []))]
    return tuple(dict.fromkeys([item.text("rome"), *others]))


def _months(item: Fields) -> int:
    flags = [whole(flag, f"{item.at('months')}[{k}]", 0, 1) for k, flag in enumerate(listing(item.get("months", [1] * MONTHS), item.at("months"), MONTHS))]
    mask = sum(flag << month for month, flag in enumerate(flags))
    if not 0 < mask <= ALL_MONTHS:
        raise BadFile(item.at("months"), "no month is active")
    return mask


def _allowed(item: Fields) -> int:
    halfdays = [whole(one, f"{item.at('allowed')}[{k}]", 0, HALFDAYS - 1) for k, one in enumerate(item.items("allowed", list(range(HALFDAYS))))]
    wanted = item.whole("halfdays", 1, HALFDAYS)
    if len(set(halfdays)) < wanted:
        raise BadFile(item.at("allowed"), f"{len(set(halfdays))} half-days suit and {wanted} are wanted")
    return sum(1 << halfday for halfday in set(halfdays))


def _degrees(item: Fields, name: str, most: float) -> float:
    return number(item.get(name), item.at(name), -most - 1e-9, most)


def _day(item: Fields) -> float:
    if item.get("start", None) is None:
        return float("nan")
    try:
        return float(date.fromisoformat(item.text("start")).toordinal())
    except ValueError:
        raise BadFile(item.at("start"), "must be a day, as in 2027-03-01") from None


def _not_negative(item: Fields, name: str) -> float:
    return number(item.get(name), item.at(name), -1e-300, 1_000_000)


def _ints(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def _floats(values: list[float]) -> np.ndarray:
    return np.array(values, dtype=np.float64)
