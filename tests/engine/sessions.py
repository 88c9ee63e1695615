"""Random job datings in the file format, small enough to try a thousand."""


def random_session(rng, *, meetings=14, people=5, windows=True, limited=True):
    """A session/1 document with everything the format can ask for, each now and then."""
    tables = [{"id": f"T{k}", "accessible": rng.random() < 0.6} for k in range(rng.randint(1, 5))]
    tables[-1]["accessible"] = True
    rounds = [{"id": k, "day": int(k >= 4)} for k in range(rng.randint(1, 7))]
    who = [_participant(rng, side, k, len(rounds), windows) for side in "LR" for k in range(people)]
    if len(tables) > 2 and rng.random() < 0.4:
        host = rng.choice(who)
        host["fixed_table"] = "T2" if tables[2]["accessible"] or not host["needs_accessible"] else tables[-1]["id"]
    pairs = [(rng.randrange(people), rng.randrange(people)) for _ in range(rng.randint(0, meetings))]
    held = [
        {"id": f"M{k}", "left": f"L{a}", "right": f"R{b}", "score": rng.randint(1, 99) / 100, "priority": rng.randint(0, 2)} for k, (a, b) in enumerate(pairs)
    ]
    return {
        "schema": "session/1",
        "session": {"rounds": rounds if limited else None},
        "tables": tables,
        "participants": who,
        "meetings": held,
    }


def _participant(rng, side, k, rounds, windows):
    who = {"id": f"{side}{k}", "side": side, "delegates": 2 if rng.random() < 0.2 else 1, "needs_accessible": rng.random() < 0.15}
    if windows and rng.random() < 0.3:
        first = rng.randrange(rounds)
        who["available_rounds"] = list(range(first, rng.randint(first, rounds - 1) + 1))
    if windows and rng.random() < 0.2:
        who["max_consecutive"] = rng.randint(1, 3)
    if rng.random() < 0.2:
        who["max_meetings"] = rng.randint(0, 4)
    return who


def random_events(rng, instance, rounds):
    """One or two things that happen on the day."""
    people = [one["id"] for one in instance["participants"]]
    events = []
    for k in range(rng.randint(1, 2)):
        kind = rng.choice(["cancel", "no_show", "late", "leave", "walk_in", "table_lost", "table_added"])
        if kind in ("cancel", "no_show"):
            events.append({"type": kind, "participant": rng.choice(people)})
        elif kind in ("late", "leave"):
            events.append({"type": kind, "participant": rng.choice(people), "round": rng.randrange(rounds + 1)})
        elif kind == "walk_in":
            new = {"id": f"W{k}", "side": "L"}
            rights = rng.sample([name for name in people if name.startswith("R")], 2)
            events.append(
                {"type": kind, "participant": new, "meetings": [{"id": f"W{k}M{j}", "left": f"W{k}", "right": name} for j, name in enumerate(rights)]}
            )
        elif kind == "table_lost":
            events.append({"type": kind, "table": instance["tables"][0]["id"]})
        else:
            events.append({"type": kind, "table": {"id": f"extra{k}", "accessible": True}})
    return events
