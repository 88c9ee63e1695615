"""What is wrong with the plan of a session/1 file, read from the file alone. It shares nothing with the planner."""

from collections import Counter, defaultdict
from itertools import product


def faults(instance, answer):
    """Every rule of the format that the answer breaks, in words."""
    found = []
    people = {one["id"]: one for one in instance["participants"]}
    tables = {one["id"]: one for one in instance["tables"]}
    meetings = {one["id"]: one for one in instance["meetings"]}
    session = instance.get("session", {})
    listed = session.get("rounds")
    days = {one["id"]: one.get("day", 0) for one in listed} if listed is not None else defaultdict(int)
    order = {one["id"]: k for k, one in enumerate(listed)} if listed is not None else None
    owner = {one["fixed_table"]: name for name, one in people.items() if one.get("fixed_table")}

    names = [one["meeting"] for one in answer["assignments"]] + [one["meeting"] for one in answer["unscheduled"]]
    found += [f"{name} twice" for name, times in Counter(names).items() if times > 1]
    found += [f"{name} forgotten" for name in meetings if name not in names] + [f"{name} unknown" for name in names if name not in meetings]
    for place, times in Counter((one["round"], one["table"]) for one in answer["assignments"]).items():
        if times > 1:
            found.append(f"{place} holds {times} meetings")

    busy = Counter()
    for one in answer["assignments"]:
        meeting, number, table = meetings[one["meeting"]], one["round"], one["table"]
        if order is not None and number not in order:
            found.append(f"round {number} unknown")
        for name in (meeting["left"], meeting["right"]):
            busy[name, number] += 1
            who = people[name]
            if who.get("available_rounds") is not None and number not in who["available_rounds"]:
                found.append(f"{name} away in round {number}")
            if who.get("needs_accessible") and not tables[table].get("accessible"):
                found.append(f"{name} at {table}, which is not accessible")
            if who.get("fixed_table") not in (None, table):
                found.append(f"{name} away from its table")
        if owner.get(table, meeting["left"]) not in (meeting["left"], meeting["right"]):
            found.append(f"{one['meeting']} at a table that is another's")
    for (name, number), times in busy.items():
        if times > people[name].get("delegates", 1):
            found.append(f"{name} {times} times in round {number}")
    for name, who in people.items():
        mine = sorted((number for other, number in busy if other == name), key=order.get if order else None)
        if who.get("max_meetings") is not None and sum(busy[name, number] for number in mine) > who["max_meetings"]:
            found.append(f"{name} has too many meetings")
        if who.get("max_consecutive") is not None and longest_row(mine, order, days) > who["max_consecutive"]:
            found.append(f"{name} has too many in a row")
    held = {one["meeting"]: one for one in answer["assignments"]}
    for name, meeting in meetings.items():
        lock = meeting.get("locked")
        if lock and (name not in held or held[name]["round"] != lock["round"] or lock.get("table") not in (None, held[name]["table"])):
            found.append(f"{name} is not where it is locked")
    return found + false_claims(answer, people, meetings, busy, order, days)


def longest_row(numbers, order, days):
    longest = run = 0
    for k, number in enumerate(numbers):
        before = numbers[k - 1] if k else None
        next_to = before is not None and days[before] == days[number] and (order[number] - order[before] if order else number - before) == 1
        run = run + 1 if next_to else 1
        longest = max(longest, run)
    return longest


def false_claims(answer, people, meetings, busy, order, days):
    claimed, found = answer["claimed"], []
    score = sum(meetings[one["meeting"]].get("score", 1.0) for one in answer["assignments"])
    if abs(score - claimed["score"]) > 1e-5 or claimed["score"] > claimed["score_bound"] + 1e-5:
        found.append(f"score {score} against {claimed['score']}, at most {claimed['score_bound']}")
    used = {one["round"] for one in answer["assignments"]}
    if len(used) != claimed["rounds"] or claimed["rounds"] < claimed["rounds_bound"]:
        found.append(f"{len(used)} rounds against {claimed['rounds']}, at least {claimed['rounds_bound']}")
    idle = 0
    for name in people:
        for day in set(days.values()) or {0}:
            mine = [order[number] if order else number for other, number in busy if other == name and days[number] == day]
            idle += max(mine) - min(mine) + 1 - len(mine) if mine else 0
    if idle != claimed["idle"]:
        found.append(f"{idle} idle against {claimed['idle']}")
    return found


def all_plans(instance, rounds):
    """Every way to give each meeting a round or none that keeps people and tables within their limits (fixed tables and locks aside)."""
    people = {one["id"]: one for one in instance["participants"]}
    meetings = instance["meetings"]
    accessible = sum(bool(one.get("accessible")) for one in instance["tables"])
    days, order = defaultdict(int), {number: number for number in rounds}

    def holds(plan):
        for number in rounds:
            here = [one for one, at in zip(meetings, plan, strict=True) if at == number]
            asks = sum(any(people[one[end]].get("needs_accessible") for end in ("left", "right")) for one in here)
            load = Counter(one[end] for one in here for end in ("left", "right"))
            if len(here) > len(instance["tables"]) or asks > accessible:
                return False
            for name, times in load.items():
                windows = people[name].get("available_rounds")
                if times > people[name].get("delegates", 1) or (windows is not None and number not in windows):
                    return False
        for name, who in people.items():
            mine = [at for one, at in zip(meetings, plan, strict=True) if at is not None and name in (one["left"], one["right"])]
            if len(mine) > (who.get("max_meetings") if who.get("max_meetings") is not None else len(mine)):
                return False
            if who.get("max_consecutive") is not None and longest_row(sorted(set(mine)), order, days) > who["max_consecutive"]:
                return False
        return True

    return [plan for plan in product([None, *rounds], repeat=len(meetings)) if holds(plan)]


def best_by_trying(instance, rounds):
    """(most people served, best score of those plans, best score of all plans), by giving each meeting in turn each round and none.

    For up to ten meetings. A branch is left only where a rule that later meetings cannot mend is broken, or where it cannot beat what was found.
    """
    people = {one["id"]: one for one in instance["participants"]}
    meetings = instance["meetings"]
    tables, accessible = len(instance["tables"]), sum(bool(one.get("accessible")) for one in instance["tables"])
    asks = [any(people[one[end]].get("needs_accessible") for end in ("left", "right")) for one in meetings]
    rest = [sum(one["score"] for one in meetings[k:]) for k in range(len(meetings) + 1)]
    to_come = [{one[end] for one in meetings[k:] for end in ("left", "right")} for k in range(len(meetings) + 1)]
    plan, best = [], {"value": (0, 0.0), "score": 0.0}

    def may(k, number):
        here = [m for m, at in enumerate(plan) if at == number]
        if len(here) >= tables or (asks[k] and sum(asks[m] for m in here) >= accessible):
            return False
        for end in ("left", "right"):
            name = meetings[k][end]
            who, mine = people[name], [at for m, at in enumerate(plan) if at is not None and name in (meetings[m]["left"], meetings[m]["right"])]
            if who.get("available_rounds") is not None and number not in who["available_rounds"]:
                return False
            if mine.count(number) >= who.get("delegates", 1) or len(mine) >= (len(meetings) if who.get("max_meetings") is None else who["max_meetings"]):
                return False
            in_a_row = longest_row(sorted({*mine, number}), {one: one for one in rounds}, defaultdict(int))
            if who.get("max_consecutive") is not None and in_a_row > who["max_consecutive"]:
                return False
        return True

    def go_on(k, served, score):
        best["score"] = max(best["score"], score)
        best["value"] = max(best["value"], (len(served), round(score, 6)))
        could = score + rest[k]
        if k == len(meetings) or (could <= best["score"] and (len(served | to_come[k]), round(could, 6)) <= best["value"]):
            return
        for number in (*rounds, None):
            if number is None or may(k, number):
                plan.append(number)
                gained = number is not None
                go_on(k + 1, served | {meetings[k]["left"], meetings[k]["right"]} if gained else served, score + meetings[k]["score"] * gained)
                plan.pop()

    go_on(0, frozenset(), 0.0)
    return (*best["value"], best["score"])
