"""The demonstration's structures and what they declare: written by hand, or drawn from lists by a seeded hand."""

import csv
import json
import random
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from matchmaker.models import (
    Category,
    Commune,
    Eligibility,
    EssLabel,
    Family,
    Headcount,
    InclusionKind,
    Level,
    Need,
    Offer,
    Organisation,
    Status,
    Territory,
    Unit,
)
from matchmaker.models.organisations import ESS_FAMILIES
from matchmaker.services import declarations, organisations, territories

# The département whose first job dating is over, and how many days ago its first declarations were all there.
EARLY = "76"
OLD = 64
FOLDER = Path(__file__).resolve().parent / "demo_data"
UNITS = {
    Category.JOB: Unit.FTE,
    Category.POOLED_JOB: Unit.FTE,
    Category.PURCHASE: Unit.PEOPLE,
    Category.PREMISES: Unit.SQUARE_METRES,
    Category.SKILLS_SPONSORSHIP: Unit.DAYS,
    Category.PEER_TRAINING: Unit.PEOPLE,
    Category.SUCCESSION: Unit.PEOPLE,
    Category.MATERIAL: Unit.ITEMS,
}
BY_HALF_DAYS = frozenset({Category.JOB, Category.POOLED_JOB, Category.PREMISES, Category.PEER_TRAINING})
# Nobody said, mornings, Tuesday to Thursday, all week.
HALF_DAYS: tuple[list[int], ...] = ([], [0, 2, 4, 6, 8], [2, 3, 4, 5, 6, 7], list(range(10)))
MAY_RECEIVE = frozenset({Family.ASSOCIATION, Family.FOUNDATION})
RULING = frozenset({"Les Mains Levantes", "Nature Roselière-du-Don", "Crèche Perlinpin"})
# A real number would be somebody's: no prefecture has the number 000.
RNA_ONLY = {"Collectif Pleine Bêche": "W000000028"}


def read(name: str) -> Any:
    """A hand-written file of the demonstration."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def lines() -> list[dict[str, str]]:
    """The structures, a line each."""
    with (FOLDER / "organisations.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=";"))


def seeded_id(rng: random.Random) -> UUID:
    """An identifier like any other, and the same at each loading: ties of the matching are broken by it."""
    return UUID(int=rng.getrandbits(128), version=4)


def moment(today: date, days_ago: float, hour: int = 9) -> datetime:
    """An instant some days before today."""
    return datetime.combine(today, time(hour), UTC) - timedelta(days=days_ago)


class Places:
    """Communes by the label that people read, and territories by code, each read once."""

    def __init__(self) -> None:
        self.communes: dict[str, Commune] = {}

    def commune(self, label: str) -> Commune:
        if label not in self.communes:
            found = territories.find_commune(label)
            if found is None:
                raise LookupError(label)
            self.communes[label] = found
        return self.communes[label]

    def departement(self, code: str) -> Territory:
        found = territories.territory_by_code(code, Level.DEPARTEMENT)
        if found is None:
            raise LookupError(code)
        return found


def found_organisations(today: date, rng: random.Random, places: Places) -> dict[str, Organisation]:
    """All structures of the demonstration, by name."""
    about = read("trades")
    cast = {}
    for number, line in enumerate(lines()):
        commune = places.commune(line["commune"])
        family = Family(line["family"])
        slug = territories.plain(line["name"]).replace(" ", "-")
        organisation = organisations.create_organisation(
            id=seeded_id(rng),
            name=line["name"],
            family=family,
            commune=commune,
            inclusion_kind=InclusionKind(line["kind"]) if line["kind"] else None,
            headcount=Headcount(line["headcount"]),
            rna=RNA_ONLY.get(line["name"]),
            is_vat_registered=None if family is Family.COLLECTIVE else family not in MAY_RECEIVE,
            eligibility=eligibility_of(line["name"], family),
            ess_label=EssLabel.VERIFIED if family in ESS_FAMILIES and rng.random() < 0.5 else EssLabel.DECLARED,
            description=line["about"] or rng.choice(about[line["trade"]]["about"]),
            # Somewhere in its commune, so that two neighbours are two points of the map.
            latitude=round((commune.latitude or 49.0) + rng.uniform(-0.012, 0.012), 5),
            longitude=round((commune.longitude or 0.0) + rng.uniform(-0.015, 0.015), 5),
            # Numbers of this range are kept for films and books.
            phone=f"02 61 91 {number // 100:02d} {number % 100:02d}",
            website=f"https://{slug}.test",
            source=organisations.DEMONSTRATION,
        )
        organisation.created_at = moment(today, rng.randint(82, 140))
        cast[line["name"]] = organisation
    return cast


def found_one(name: str, family: str, commune: Commune, *, number: int, today: date, rng: random.Random) -> Organisation:
    """One more structure, beside those of the file. Its telephone follows theirs."""
    organisation = organisations.create_organisation(
        id=seeded_id(rng),
        name=name,
        family=Family(family),
        commune=commune,
        eligibility=eligibility_of(name, Family(family)),
        phone=f"02 61 91 89 {number:02d}",
        website=f"https://{territories.plain(name).replace(' ', '-')}.test",
        source=organisations.DEMONSTRATION,
    )
    organisation.created_at = moment(today, rng.randint(82, 140))
    return organisation


def give_addresses(cast: dict[str, Organisation]) -> None:
    """From now on they can be written to. The mails of the weeks before were read long ago: nobody waits for their rendering."""
    for organisation in cast.values():
        organisation.email = organisation.website.replace("https://", "contact@")


def eligibility_of(name: str, family: Family) -> Eligibility:
    if name in RULING:
        return Eligibility.RULING
    if family in MAY_RECEIVE:
        return Eligibility.DECLARED
    return Eligibility.UNKNOWN if family in ESS_FAMILIES else Eligibility.NO


def next_day(text: str, after: date) -> date:
    """The first « MM-DD » on or after a day."""
    month, day = map(int, text.split("-"))
    this_year = date(after.year, month, day)
    return this_year if this_year >= after else date(after.year + 1, month, day)


def days_of(entry: dict[str, Any], today: date) -> tuple[date | None, date | None]:
    """First and last day of a declaration, written as a day of the year or as a number of days from today."""
    starts = next_day(entry["from"], today) if "from" in entry else today + timedelta(days=entry["starts_in"]) if "starts_in" in entry else None
    ends = next_day(entry["to"], starts or today) if "to" in entry else today + timedelta(days=entry["ends_in"]) if "ends_in" in entry else None
    return starts, ends


def declare(entry: dict[str, Any], organisation: Organisation, *, today: date, places: Places, row_id: UUID) -> Need | Offer:
    """One declaration as a draft, from the way it is written in the files."""
    category = Category(entry["category"])
    starts_on, ends_on = days_of(entry, today)
    write = declarations.declare_need if entry["side"] == "need" else declarations.declare_offer
    if idcc := entry.get("details", {}).get("idcc"):
        organisation.idcc = idcc
    budget = entry.get("budget", (None, None))
    return write(
        organisation,
        id=row_id,
        category=category,
        title=entry["title"],
        description=entry["description"],
        commune=organisation.commune,
        radius_km=entry.get("radius", 30),
        remote_share=entry.get("remote", 0),
        starts_on=starts_on,
        ends_on=ends_on,
        halfdays=sum(1 << bit for bit in entry.get("halfdays", ())),
        volume=entry.get("volume"),
        volume_unit=UNITS[category] if "volume" in entry else None,
        budget_min=budget[0],
        budget_max=budget[1],
        skills=entry["skills"],
        themes=entry["themes"],
        capacity=entry.get("capacity", 1),
        flags=entry.get("flags", []),
        denied_flags=entry.get("denied", []),
        is_confidential=entry.get("confidential", False),
        details=entry.get("details", {}),
        areas=[places.departement(code) for code in entry.get("areas", ())],
    )


def publish(declaration: Need | Offer, today: date, days_ago: int) -> None:
    """Publish it as it would have been some days ago."""
    declarations.publish(declaration, today=today - timedelta(days=days_ago))
    declaration.published_at = declaration.created_at = declaration.updated_at = moment(today, days_ago, hour=7 + days_ago % 9)


def declare_samples(cast: dict[str, Organisation], *, today: date, rng: random.Random, places: Places) -> dict[str, Need | Offer]:
    """The hand-written declarations, published, by their mark."""
    samples = {}
    for entry in read("samples"):
        samples[entry["id"]] = declaration = declare(entry, cast[entry["by"]], today=today, places=places, row_id=seeded_id(rng))
        publish(declaration, today, rng.randint(8, 30))
    return samples


def drawn_entries(rng: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """(structure, declaration) pairs: offers first, then needs, of which most ask for what somebody of the département offers."""
    trades, subjects = read("trades"), read("subjects")
    offered: set[tuple[str, str]] = set()
    turn: Counter[tuple[str, str, str]] = Counter()
    entries = []
    for side in ("offer", "need"):
        for line in lines():
            code = line["commune"].rpartition("(")[2].rstrip(")")
            own = [name for name in trades[line["trade"]][f"{side}s"] if suits(subjects[name], line, code, side)] if line["trade"] else []
            rng.shuffle(own)
            if side == "need" and rng.random() < 0.85:
                own.sort(key=lambda name: (code, name) not in offered)
            for name in own[: int(line[f"{side}s"])]:
                words = subjects[name][f"{side}s"]
                title, description = words[turn[code, name, side] % len(words)]
                turn[code, name, side] += 1
                if side == "offer":
                    offered.add((code, name))
                entries.append((line["name"], drawn_entry(subjects[name], side, title, description, rng)))
    return entries


def suits(subject: dict[str, Any], line: dict[str, str], code: str, side: str) -> bool:
    """Only a structure of general interest may receive skills sponsorship; some subjects stay in some départements."""
    return code in subject.get("only", (code,)) and (
        side == "offer" or subject["category"] != Category.SKILLS_SPONSORSHIP or Family(line["family"]) in MAY_RECEIVE
    )


def drawn_entry(subject: dict[str, Any], side: str, title: str, description: str, rng: random.Random) -> dict[str, Any]:
    """A declaration in the way that the files write them."""
    entry = {
        "side": side,
        "category": subject["category"],
        "title": title,
        "description": f"{description} {subject['also']}",
        "skills": subject["skills"] if rng.random() < 0.7 else rng.sample(subject["skills"], 2),
        "themes": subject["themes"][: rng.randint(1, len(subject["themes"]))],
        "radius": rng.choice((30, 60, 60) if side == "need" else (60, 60, 100)),
        "capacity": rng.choice((1, 1, 1, 2) if side == "need" else (2, 2, 3)),
        "volume": rng.choice(subject["volumes"]),
        "flags": subject.get("flags", {}).get(side, []),
        "denied": subject.get("flags", {}).get("denied", []) if side == "offer" else [],
        "details": subject["details"],
        "remote": subject.get("remote", 0),
        "halfdays": rng.choice(HALF_DAYS) if subject["category"] in BY_HALF_DAYS else [],
    }
    if "budgets" in subject and rng.random() < 0.7:
        entry["budget"] = rng.choice(subject["budgets"])
    if rng.random() < 0.2:
        entry["starts_in"] = rng.choice((10, 20, 30, 45))
    return entry


def declare_others(cast: dict[str, Organisation], *, today: date, rng: random.Random, places: Places) -> list[tuple[Need | Offer, int]]:
    """The drawn declarations, as drafts, each with the number of days ago that it is to be published."""
    drawn = []
    for name, entry in drawn_entries(rng):
        declaration = declare(entry, cast[name], today=today, places=places, row_id=seeded_id(rng))
        # Most of Seine-Maritime came early: its first job dating is over.
        is_early = declaration.territory.code == EARLY and rng.random() < 0.75
        drawn.append((declaration, rng.randint(OLD, 80) if is_early else rng.randint(1, 60)))
    return drawn


def set_aside(declaration: Need | Offer, chance: float) -> None:
    """A few are paused or closed after a while: such is life."""
    if chance < 0.03:
        declarations.change_status(declaration, Status.PAUSED)
    elif chance < 0.06:
        declarations.change_status(declaration, Status.CLOSED)
