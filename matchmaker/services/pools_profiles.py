"""Profiles that organisations offer for a shared job: somebody's occupation and days, never a name or a CV."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import Category, Offer, Organisation, Pool, Status, Territory
from matchmaker.services.pools_fractions import occupation_words, occupations_of, point_of
from matchmaker.services.territories import commune_point, kilometres

PROFILE = "profile"


def profiles_of(territory: Territory) -> list[Offer]:
    """The published profiles of the département and of those around it, in one query."""
    near = [one.id for one in (territory.parent.children if territory.parent else [territory])]
    query = select(Offer).where(Offer.status == Status.PUBLISHED, Offer.category == Category.POOLED_JOB, Offer.details["kind"].astext == PROFILE)
    query = query.where(Offer.territory_id.in_(near)).options(joinedload(Offer.organisation).joinedload(Organisation.commune), joinedload(Offer.commune))
    return list(db.session.scalars(query.order_by(Offer.published_at, Offer.id)))


def that_fit(pool: Pool, profiles: Sequence[Offer]) -> list[tuple[Offer, float]]:
    """Those who could do the work of a pool, each with the km to its furthest place, the nearest first.

    The occupation is one of the group's, the half-days of each month suit, and no place is further than the profile goes.
    """
    wanted = {code for share in pool.members for code in occupations_of(share.need)} | set(occupation_words(pool.occupation))
    places = [point for share in pool.members if share.need.remote_share < 100 and (point := point_of(share.need))]
    found = []
    for profile in profiles:
        home = profile.organisation.point if profile.commune_code == profile.organisation.commune_code else commune_point(profile.commune)
        km = max((kilometres(home, place) for place in places), default=0.0) if home else 0.0
        words = {*occupation_words(profile.details.get("occupation") or profile.title), *([profile.occupation_code] if profile.occupation_code else [])}
        if words & wanted and home and km <= profile.radius_km and suits(profile, pool):
            found.append((profile, km))
    return sorted(found, key=lambda one: one[1])


def suits(profile: Offer, pool: Pool) -> bool:
    """All half-days of all months of the pool are among the profile's; one that names none is free."""
    months = set(map(int, profile.details.get("months", ()))) or set(range(1, 13))
    return all(
        int(month) in months and all(not profile.halfdays or profile.halfdays >> halfday & 1 for halfday in halfdays)
        for month, week in pool.plan.items()
        for halfdays in week.values()
    )
