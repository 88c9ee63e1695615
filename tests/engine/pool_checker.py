"""Checks an answer to a pools/1 document from the words of the format alone: nothing of the engine is imported here."""

import itertools
import math
from datetime import date

RADIUS_KM = 6371.0088


def faults(document: dict, answer: dict) -> list[str]:
    """All that is wrong with an answer, in words; nothing when it holds."""
    needs = {need["id"]: need for need in document["needs"]}
    found = []
    held = [name for pool in answer["pools"] for name in pool["needs"]]
    found += [f"{name} is in two pools" for name in set(held) if held.count(name) > 1]
    for pool in answer["pools"]:
        members = [needs[name] for name in pool["needs"]]
        found += [f"{pool['needs']}: {fault}" for fault in pool_faults(document["rules"], members, pool["rome"], pool["planning"])]
    value = sum(value_of(document["rules"], [needs[name] for name in pool["needs"]]) for pool in answer["pools"])
    if abs(value - answer["claimed"]["value"]) > 1e-6:
        found.append(f"the value is {value}, not {answer['claimed']['value']}")
    if answer["claimed"]["bound"] < value - 1e-6:
        found.append("the bound is below the value")
    return found


def pool_faults(rules: dict, members: list[dict], rome: str, planning: dict | None = None) -> list[str]:
    found = []
    employers = [need["employer"] for need in members]
    if len(set(employers)) != len(employers):
        found.append("an employer twice")
    if not rules["min_needs"] <= len(members) <= rules["max_employers"]:
        found.append("too many or too few")
    found += [f"{need['id']} is not a {rome}" for need in members if rome not in [need["rome"], *need["rome_alt"]]]
    if widest(members) > rules["max_km"] + 1e-9:
        found.append("too far")
    for one, other in itertools.combinations(members, 2):
        if km(one, other) > one.get("reach_km", math.inf) + other.get("reach_km", math.inf) + 1e-9:
            found.append(f"nobody may live near {one['id']} and {other['id']}")
    begins = [date.fromisoformat(need["start"]) for need in members if need.get("start")]
    if begins and (max(begins) - min(begins)).days > rules.get("max_start_days", 183):
        found.append("the starts lie too far apart")
    year = sum(fte(need) for need in members)
    if not rules["min_fte"] - 1e-9 <= year <= rules["max_fte"] + 1e-9:
        found.append(f"{year} full-time equivalents")
    if sum(fte(need) for need in members if need["public"]) > rules["public_share_max"] * year + 1e-9:
        found.append("too much of it public")
    for month in range(12):
        active = [need for need in members if need["months"][month]]
        if sum(need["halfdays"] for need in active) > rules["max_fte"] * 10 + 1e-9:
            found.append(f"month {month + 1} is overfull")
        if planning is None:
            if not week_exists(active):
                found.append(f"month {month + 1} has no week")
        else:
            found += week_faults(active, planning.get(str(month + 1), {}), month + 1)
    return found


def week_faults(active: list[dict], week: dict, month: int) -> list[str]:
    found = []
    if set(week) != {need["id"] for need in active}:
        return [f"month {month} plans {sorted(week)}"]
    taken = [halfday for halfdays in week.values() for halfday in halfdays]
    if len(set(taken)) != len(taken):
        found.append(f"month {month}: a half-day twice")
    wrong = [need["id"] for need in active if len(week[need["id"]]) != need["halfdays"] or not set(week[need["id"]]) <= set(need["allowed"])]
    found += [f"month {month}: {name} has {week[name]}" for name in wrong]
    return found


def week_exists(active: list[dict]) -> bool:
    """By trying: the hungriest first, every choice of its half-days."""

    def fill(left: list[dict], free: frozenset[int]) -> bool:
        if not left:
            return True
        return any(fill(left[1:], free - set(some)) for some in itertools.combinations(sorted(free & set(left[0]["allowed"])), left[0]["halfdays"]))

    return fill(active, frozenset(range(10)))


def fte(need: dict) -> float:
    return need["halfdays"] * sum(need["months"]) / 120


def value_of(rules: dict, members: list[dict]) -> float:
    total = sum(need["priority"] * fte(need) for need in members)
    return total - rules["weights"]["per_extra_employer"] * (len(members) - 2) - rules["weights"]["per_km"] * widest(members)


def widest(members: list[dict]) -> float:
    return max((km(one, other) for one, other in itertools.combinations(members, 2)), default=0.0)


def km(one: dict, other: dict) -> float:
    if one.get("remote") or other.get("remote"):
        return 0.0
    lat, lon, to_lat, to_lon = (math.radians(place) for place in (one["lat"], one["lon"], other["lat"], other["lon"]))
    half = math.sin((to_lat - lat) / 2) ** 2 + math.cos(lat) * math.cos(to_lat) * math.sin((to_lon - lon) / 2) ** 2
    return 2 * RADIUS_KM * math.asin(math.sqrt(half))


def every_pool(document: dict) -> list[tuple[str, ...]]:
    """All sets of needs that are a pool under some occupation, one by one."""
    rules, needs = document["rules"], document["needs"]
    found = []
    for size in range(rules["min_needs"], rules["max_employers"] + 1):
        for members in itertools.combinations(needs, size):
            codes = {code for need in members for code in [need["rome"], *need["rome_alt"]]}
            if any(not pool_faults(rules, list(members), code) for code in codes):
                found.append(tuple(need["id"] for need in members))
    return found


def best_value(document: dict) -> float:
    """The value of the best set of pools, by trying them all."""
    needs = {need["id"]: need for need in document["needs"]}
    pools = [(frozenset(names), value_of(document["rules"], [needs[name] for name in names])) for names in every_pool(document)]

    def best(position: int, taken: frozenset[str]) -> float:
        if position == len(pools):
            return 0.0
        names, value = pools[position]
        without = best(position + 1, taken)
        return without if names & taken else max(without, value + best(position + 1, taken | names))

    return best(0, frozenset())
