"""The life of the demonstration's territories: where nobody offers what is looked for, who follows, what is told, which groups take shape."""

import random
from datetime import date, timedelta

from matchmaker.extensions import db
from matchmaker.models import Level, News, Organisation, Story, StoryStatus, Territory
from matchmaker.services import accounts, communities, demo_cast, nursery, observatory_snapshots, search_text, territories, white_zones
from matchmaker.services.demo_cast import Places, moment

# Of its own, so that what the demonstration draws elsewhere does not depend on it.
SEED = 61
# Territory → how many follow it.
FOLLOWERS = {"departement-61": 9, "departement-14": 6, "departement-27": 7, "departement-50": 5, "departement-76": 8, "region-28": 11}


def settle_rural(cast: dict[str, Organisation], *, today: date, places: Places) -> None:
    """Structures of the vallée de l'Andelle, the south of the Eure and the rural south-west of Seine-Maritime, and what they look for.

    Published weeks ago: the last runs read it, and found nobody near.
    """
    rng = random.Random(SEED)
    for number, house in enumerate(demo_cast.read("communities")["rural"]):
        organisation = demo_cast.found_one(house["name"], house["family"], places.commune(house["commune"]), number=number, today=today, rng=rng)
        organisation.description = house["about"]
        cast[house["name"]] = organisation
        for entry in house["needs"]:
            need = demo_cast.declare({"side": "need", "details": {}, **entry}, organisation, today=today, places=places, row_id=demo_cast.seeded_id(rng))
            demo_cast.publish(need, today, entry["days_ago"])


def tell(cast: dict[str, Organisation], *, today: date) -> None:
    """News of the territories, who follows them, what two structures say."""
    rng, written = random.Random(SEED), demo_cast.read("communities")
    animator = accounts.account_with("animateur@demo.croisee.test")
    for entry in written["news"]:
        news = News(id=demo_cast.seeded_id(rng), territory=named(entry["territory"]), author=animator, title=entry["title"], text=entry["text"])
        news.created_at = news.updated_at = moment(today, entry["days_ago"])
        db.session.add(news)
    for code, count in FOLLOWERS.items():
        territory = named(code)
        near = [one for one in cast.values() if territory.level is Level.REGION or one.territory_id == territory.id]
        for one in rng.sample(near, count):
            communities.join(territory, one)
    for entry in written["stories"]:
        told = {"text": entry["text"], "signature": entry["signature"], "status": StoryStatus.PUBLISHED}
        story = Story(id=demo_cast.seeded_id(rng), organisation=cast[entry["by"]], territory=named(entry["territory"]), **told)
        story.consented_at, story.decided_at = moment(today, 15), moment(today, 14)
        db.session.add(story)
    db.session.flush()


def look_around(*, today: date) -> None:
    """What the nights before would have written down."""
    yesterday = today - timedelta(days=1)
    for day in (yesterday, *observatory_snapshots.month_ends(before=yesterday)[:-6:-1]):
        observatory_snapshots.take(day, is_rebuilt=day != yesterday)
        white_zones.take(day, is_rebuilt=day != yesterday)
    for region in territories.regions():
        nursery.take(region, day=nursery.monday_of(today))
    search_text.gather_words()


def named(code: str) -> Territory:
    level, _, number = code.partition("-")
    found = territories.territory_by_code(number, Level(level))
    if found is None:
        raise LookupError(code)
    return found
