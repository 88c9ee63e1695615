"""How many could answer: the database counts what geometry says."""

import random

import pytest

from matchmaker.extensions import db
from matchmaker.models import Category, Family, InclusionKind, Organisation, Status
from matchmaker.services import declarations_reach
from matchmaker.services.declarations_reach import STEPS
from matchmaker.services.territories import kilometres
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, commune, departement

PLACES = ("Flers (61)", "Domfront en Poiraie (61)", "Argentan (61)", "Alençon (61)", "Caen (14)", "Vire Normandie (14)", "Rouen (76)")


def around(place="Flers (61)", **fields):
    asked = {"category": Category.PURCHASE, "is_need": True, "radius_km": 30, "is_remote": False, "organisation_id": OrganisationFactory().id}
    return declarations_reach.around(commune(place), **(asked | fields))


def test_counts_agree_with_distances_computed_one_by_one(app):
    rng = random.Random(7)
    offers = [OfferFactory(at=rng.choice(PLACES), radius_km=rng.choice((10, 30, 60, 100))) for _offer in range(40)]
    db.session.commit()

    for place in PLACES[:4]:
        here = commune(place)
        away = {}
        for offer in offers:
            far = kilometres((here.latitude, here.longitude), (offer.commune.latitude, offer.commune.longitude))
            if far <= offer.radius_km:
                away[offer.organisation_id] = far
        assert around(place).within == {km: sum(far <= km for far in away.values()) for km in STEPS}


def test_a_structure_counts_once_at_its_nearest_and_ones_own_never(app):
    organisation = OrganisationFactory()
    for place in ("Flers (61)", "Argentan (61)"):
        OfferFactory(organisation=organisation, at=place, radius_km=100)

    assert around().within == {10: 1, 30: 1, 60: 1, 100: 1}
    assert around(organisation_id=organisation.id).total == 0


@pytest.mark.parametrize("fields", [{"status": Status.PAUSED}, {"category": Category.MATERIAL}, {"at": "Rouen (76)"}, {"at": "Argentan (61)", "radius_km": 10}])
def test_what_is_closed_elsewhere_or_of_another_category_does_not_count(app, fields):
    OfferFactory(**fields)

    assert around(radius_km=100).total == 0


def test_needs_are_counted_for_an_offer(app):
    NeedFactory()

    assert (around().total, around(is_need=False).total) == (0, 1)


def test_work_from_afar_counts_apart(app):
    OfferFactory(at="Rouen (76)", remote_share=100)
    OfferFactory(at="Rouen (76)")

    assert (around().from_afar, around().total, around().within[100]) == (1, 1, 0)
    assert around(is_remote=True).from_afar == 2


def test_an_area_reaches_beyond_the_radius(app):
    OfferFactory(at="Alençon (61)", radius_km=10, areas=[departement("61")])

    assert around(radius_km=100).total == 1
    assert around("Vire Normandie (14)", radius_km=100).total == 0


def test_a_structure_stands_at_its_own_point(app):
    organisation: Organisation = OrganisationFactory(latitude=48.75 + 0.2, longitude=-0.57)
    OfferFactory(organisation=organisation)

    assert around().within == {10: 0, 30: 1, 60: 1, 100: 1}


def test_kinds_are_told_within_the_radius(app):
    for fields in ({"inclusion_kind": InclusionKind.EI}, {"inclusion_kind": InclusionKind.EI}, {"family": Family.COOPERATIVE}):
        OfferFactory(organisation=OrganisationFactory(**fields))
    OfferFactory(at="Argentan (61)", radius_km=100)

    assert around().kinds == {"EI": 2, "cooperative": 1}


def test_a_commune_without_a_point_reaches_nobody_but_from_afar(app):
    OfferFactory(remote_share=100)
    OfferFactory()
    here = commune()
    here.latitude = here.longitude = None
    db.session.flush()

    assert (around().total, around().from_afar) == (1, 1)
