"""The demonstration: invented structures that have been at it for some weeks, so that every page is alive.

All is drawn with one seed: the same day gives the same demonstration.
"""

import random
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Organisation, Role, Territory, User, Venue
from matchmaker.services import (
    accounts,
    demo_after,
    demo_cast,
    demo_communities,
    demo_purchasing,
    demo_story,
    outbox,
    pools_runs,
    proposal_ends,
    venues,
)
from matchmaker.services.demo_cast import Places, moment
from matchmaker.services.pools_fractions import USUAL

PASSWORD = "demo-croisee-2026"  # noqa: S105 (public by design: these accounts open in the demonstration only)
SEED = 2026
DEPARTEMENTS = {"14": "du Calvados", "27": "de l’Eure", "50": "de la Manche", "61": "de l’Orne", "76": "de la Seine-Maritime"}
MEMBERS = {"membre.ess@demo.croisee.test": ("Camille", "Tournebride"), "membre.entreprise@demo.croisee.test": ("Dominique", "Transports Vélaure")}
HOST = ("hote@demo.croisee.test", "Sacha", "Le Palonnier")
# Where the demonstration's members live, and the coming job dating.
HOME = "61"
# How many days ago each département's last run was sent.
RUN_DAYS_AGO = {"14": 5, "27": 3, "50": 5, "76": 3, HOME: 4}
FIRST_RUN_DAYS_AGO = 63
# Where shared jobs follow the seasons, and the part of a year that is enough there.
BY_SEASONS, SEASONAL_FTE = "50", 0.4


def is_wanted() -> bool:
    """Only a database without any structure and any account is filled."""
    return all(db.session.scalar(select(model.id).limit(1)) is None for model in (Organisation, User))


def load(*, today: date, settings: outbox.MailSettings) -> None:
    """Fill an empty database that has its communes and Normandy."""
    rng = random.Random(SEED)
    places = Places()
    introduce_contacts(places)
    cast = demo_cast.found_organisations(today, rng, places)
    open_accounts(cast, places)
    houses = open_venues(cast)
    drawn = demo_cast.declare_others(cast, today=today, rng=rng, places=places)

    early = [(declaration, days_ago) for declaration, days_ago in drawn if days_ago >= demo_cast.OLD]
    for declaration, days_ago in early:
        demo_cast.publish(declaration, today, days_ago)
    seine_maritime = places.departement(demo_cast.EARLY)
    first_run = demo_story.run_and_publish(seine_maritime, today=today, days_ago=FIRST_RUN_DAYS_AGO, settings=settings)
    demo_story.answer_all(first_run, demo_story.OVER, today=today, marks={}, rng=rng, settings=settings)
    proposal_ends.expire_due(today=today, settings=settings)
    demo_story.hold_past(houses["La Criée Douce"], first_run, today=today, rng=rng)

    samples = demo_cast.declare_samples(cast, today=today, rng=rng, places=places)
    demo_communities.settle_rural(cast, today=today, places=places)
    newest = min(RUN_DAYS_AGO.values())
    for declaration, days_ago in drawn:
        if max(RUN_DAYS_AGO.values()) < days_ago < demo_cast.OLD:
            demo_cast.publish(declaration, today, days_ago)
            demo_cast.set_aside(declaration, rng.random())
    marks = {declaration.id: mark for mark, declaration in samples.items()}
    runs = {}
    for code, days_ago in RUN_DAYS_AGO.items():
        if code == HOME:
            demo_cast.give_addresses(cast)
        runs[code] = demo_story.run_and_publish(places.departement(code), today=today, days_ago=days_ago, settings=settings)
        odds = demo_story.EAGER if code == HOME else demo_story.USUAL
        demo_story.answer_all(runs[code], odds, today=today, marks=marks, rng=rng, settings=settings)
    demo_houses = [cast[name] for _first_name, name in (*MEMBERS.values(), HOST[1:])]
    addresses = [organisation.email for organisation in demo_houses]
    demo_story.mails_left(moment(today, newest), keep_for=addresses)

    stars = [demo_story.match_of(samples[need], samples[offer], runs[HOME]) for need, offer in (("A3", "B3"), ("B5", "C1"))]
    silent = demo_story.announce_coming(
        houses["Le Palonnier"], stars, today=today, rng=rng, waiting={organisation.id for organisation in demo_houses}, settings=settings
    )
    demo_story.invited_on(today - timedelta(days=3))
    rows, edges = stars
    demo_after.talk(rows, today=today, settings=settings)
    demo_after.call_for_help(edges, today=today, settings=settings)
    asked = demo_after.tell_outcomes(first_run, settings=settings)
    demo_purchasing.load(cast, samples, today=today, settings=settings)
    demo_story.mails_left(moment(today, 2), keep_for=[*addresses, asked], keep_threads=[str(invitation.id) for invitation in silent])

    # Since the last runs: what the next ones will find.
    for declaration, days_ago in drawn:
        if days_ago < newest:
            demo_cast.publish(declaration, today, days_ago)
    db.session.flush()
    compose_shared_jobs(places)
    demo_communities.tell(cast, today=today)
    demo_communities.look_around(today=today)


def compose_shared_jobs(places: Places) -> None:
    """The groups of each département, to be read: in the Manche, whose seasons are short, smaller jobs do."""
    for code in DEPARTEMENTS:
        territory = places.departement(code)
        pools_runs.recompose(territory, rules=replace(USUAL, min_fte=SEASONAL_FTE) if code == BY_SEASONS else USUAL)


def introduce_contacts(places: Places) -> None:
    """Who to call in each département."""
    for code, name in DEPARTEMENTS.items():
        territory = places.departement(code)
        territory.contact_name = f"Animation {name}"
        territory.contact_email = f"animation.{code}@croisee.test"
        territory.contact_phone = f"02 61 91 90 {code}"


def open_accounts(cast: dict[str, Organisation], places: Places) -> None:
    """One account per role, and two members who have something to tell each other."""
    for email, (first_name, organisation) in MEMBERS.items():
        # Who tries the demonstration may be asked as often as they like.
        cast[organisation].monthly_budget, cast[organisation].weekly_budget = 30, 10
        accounts.create_account(email=email, password=PASSWORD, name=first_name, organisation=cast[organisation], is_demo=True)
    email, first_name, organisation = HOST
    accounts.create_account(email=email, password=PASSWORD, name=first_name, role=Role.HOST, organisation=cast[organisation], is_demo=True)
    care: list[Territory] = [places.departement(code) for code in DEPARTEMENTS]
    accounts.create_account(email="animateur@demo.croisee.test", password=PASSWORD, name="Claude", role=Role.ANIMATOR, territories=care, is_demo=True)
    accounts.create_account(email="admin@demo.croisee.test", password=PASSWORD, name="Alix", role=Role.ADMIN, is_demo=True)


def open_venues(cast: dict[str, Organisation]) -> dict[str, Venue]:
    """A third place in each département, by the name of its structure."""
    return {
        entry["by"]: venues.open_venue(
            cast[entry["by"]],
            name=entry["name"],
            commune=cast[entry["by"]].commune,
            rooms=[venues.RoomPlan(*room) for room in entry["rooms"]],
            address=entry["address"],
            authorised_headcount=entry["headcount"],
            staff_count=entry["staff"],
            is_accessible=entry["accessible"],
            access_text=entry["access"],
            description=entry["about"],
        )
        for entry in demo_cast.read("venues")
    }
