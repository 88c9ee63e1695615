"""White zones on a small world that was counted by hand."""

from datetime import date, datetime, timedelta

import pytest
import time_machine

from matchmaker.extensions import db
from matchmaker.models import Category, ProposalStatus, Side, Status, WhiteZone
from matchmaker.models.base import PARIS, now
from matchmaker.services import observatory_places, white_zones, white_zones_months
from matchmaker.services.white_zones_months import Point
from tests.factories import MatchFactory, NeedFactory, OfferFactory, commune, mutual_match, proposals_of

DAY = date(2026, 11, 23)


@pytest.fixture
def autumn(app):
    with time_machine.travel(datetime(2026, 11, 24, 12, tzinfo=PARIS), tick=False):
        yield


def gardeners() -> None:
    """Flers: two caterers' needs, one served; a gardener's need whose nearest offer is in Caen. Caen: that offer."""
    served = mutual_match(confirmed_at=now() - timedelta(days=3))
    NeedFactory(skills=["traiteur"])
    NeedFactory(title="Tondre un hectare", skills=["espaces verts"])
    OfferFactory(title="Deux équipes de jardiniers", skills=["espaces verts"], at="Caen (14)")
    for row in (served.need, served.offer):
        row.published_at = now() - timedelta(days=5)
    db.session.flush()
    db.session.query(WhiteZone).delete()


def cells(day: date = DAY) -> dict[tuple[str, str], WhiteZone]:
    db.session.expire_all()
    return {(one.territory.name, one.category): one for one in db.session.query(WhiteZone).filter_by(day=day)}


def test_needs_offers_and_distances_are_those_counted_by_hand(autumn):
    with time_machine.travel(datetime(2026, 11, 20, 12, tzinfo=PARIS), tick=False):
        gardeners()

    assert white_zones.take(DAY)
    found = cells()

    assert {name for name, _category in found} == {"Flers Agglo", "Caen la Mer"}
    flers, caen = found["Flers Agglo", Category.PURCHASE], found["Caen la Mer", Category.PURCHASE]
    assert (flers.needs, flers.unmet, flers.far, flers.offers, flers.unused) == (3, 2, 1, 1, 0)
    assert (caen.needs, caen.unmet, caen.far, caen.offers, caen.unused, caen.nearest_km) == (0, 0, 0, 1, 1, None)
    assert (flers.nearest_code, round(flers.nearest_km)) == (commune("Caen (14)").code, 51)


def test_a_day_that_was_taken_is_not_taken_again(autumn):
    assert not white_zones.take(DAY)
    NeedFactory(published_at=now() - timedelta(days=3))

    assert white_zones.take(DAY)
    NeedFactory(published_at=now() - timedelta(days=3))
    assert not white_zones.take(DAY)
    assert [one.needs for one in cells().values()] == [1]


def test_the_night_takes_yesterday_and_the_ends_of_the_months_before(autumn):
    NeedFactory(published_at=now() - timedelta(days=70))

    taken = white_zones.take_due(at=now())

    assert taken == [DAY, date(2026, 10, 31), date(2026, 9, 30)]
    assert white_zones.take_due(at=now()) == []
    assert white_zones.days() == taken[::-1]


def test_what_came_later_was_not_known_on_that_day(autumn):
    match = mutual_match(confirmed_at=now() - timedelta(days=5))
    match.need.published_at = match.offer.published_at = now() - timedelta(days=70)
    for proposal in match.proposals:
        proposal.answered_at = match.confirmed_at
    NeedFactory(published_at=now() - timedelta(days=2))
    db.session.flush()
    for day in (date(2026, 10, 31), DAY):
        white_zones.take(day)

    then, today = cells(date(2026, 10, 31)), cells()

    (flers,) = then.values()
    assert (flers.needs, flers.unmet, flers.unused) == (1, 1, 1)
    (flers,) = today.values()
    assert (flers.needs, flers.unmet, flers.unused) == (2, 1, 0)


def test_an_offer_that_said_yes_serves_the_need_and_is_itself_without_a_yes(autumn):
    match = MatchFactory()
    _mine, theirs = proposals_of(match)
    assert theirs.side is Side.OFFER
    theirs.status, theirs.answered_at = ProposalStatus.ACCEPTED, now() - timedelta(days=2)
    match.need.published_at = match.offer.published_at = now() - timedelta(days=9)
    db.session.flush()
    white_zones.take(DAY)

    (cell,) = cells().values()

    assert (cell.unmet, cell.unused) == (0, 1)


def test_what_is_told_in_confidence_does_not_count(autumn):
    NeedFactory(category=Category.SUCCESSION, is_confidential=True, published_at=now() - timedelta(days=3))

    assert not white_zones.take(DAY)


def test_half_of_the_needs_and_few_offers_make_a_white_zone(autumn):
    territory = observatory_places.places().named(f"epci-{commune().epci_code}")

    def zone(needs: int, far: int, offers: int = 0) -> white_zones.Zone:
        return white_zones.Zone(territory, [WhiteZone(category=Category.JOB, needs=needs, far=far, unmet=0, offers=offers, unused=0, nearest_km=None)])

    assert [zone(*counts).is_white for counts in ((4, 2), (4, 1), (0, 0), (1, 1), (4, 4, 1), (4, 4, 2))] == [True, False, False, True, True, False]
    assert zone(1, 1).nearest is None
    assert not white_zones.Zone(territory).is_white


@pytest.mark.parametrize(
    ("known", "before", "month_end"),
    [
        ([], None, None),
        ([DAY], None, None),
        ([date(2026, 10, 31), DAY], date(2026, 10, 31), date(2026, 10, 31)),
        ([date(2026, 9, 30), date(2026, 10, 20), date(2026, 10, 31), DAY], date(2026, 10, 20), date(2026, 10, 31)),
    ],
)
def test_with_what_a_day_is_compared(known, before, month_end):
    assert white_zones.before(known, DAY) == before
    assert white_zones.month_end(known, today=date(2026, 11, 24)) == month_end


def test_reading_takes_one_query_for_all_zones(autumn, queries):
    NeedFactory(published_at=now() - timedelta(days=3))
    NeedFactory(at="Caen (14)", published_at=now() - timedelta(days=3))
    white_zones.take(DAY)
    places = observatory_places.places()
    epcis = places.epcis(places.named(""))
    queries.clear()

    assert sum(bool(zone.cells) for zone in white_zones.zones(DAY, epcis)) == 2
    assert len(queries) == 1


def test_the_months_of_a_category_are_those_that_were_written_down(autumn):
    """Flers: one need of September, one of October, whose offer said yes in November, and an offer of premises since then."""
    NeedFactory(published_at=datetime(2026, 9, 15, tzinfo=PARIS))
    match = mutual_match(confirmed_at=datetime(2026, 11, 10, tzinfo=PARIS))
    match.need.published_at = match.offer.published_at = datetime(2026, 10, 15, tzinfo=PARIS)
    for proposal in match.proposals:
        proposal.answered_at = match.confirmed_at
    OfferFactory(category=Category.PREMISES, published_at=datetime(2026, 11, 15, tzinfo=PARIS))
    db.session.flush()
    white_zones.take_due(at=now())
    days = white_zones_months.days_of(white_zones.days())
    flers = observatory_places.places().named(f"epci-{commune().epci_code}")

    found = white_zones_months.months(days, [flers.id])

    assert days == [date(2026, 9, 30), date(2026, 10, 31), DAY]
    assert found[flers.id, Category.PURCHASE] == [
        Point(days[0], needs=1, unmet=1, far=1, is_rebuilt=True),
        Point(days[1], needs=2, unmet=2, offers=1, unused=1, is_rebuilt=True),
        Point(days[2], needs=2, unmet=1, offers=1),
    ]
    assert found[flers.id, Category.PREMISES] == [
        Point(days[0], is_rebuilt=True),
        Point(days[1], is_rebuilt=True),
        Point(days[2], offers=1, unused=1),
    ]
    whole = white_zones_months.together(found.values(), days)
    assert [(one.needs, one.unmet, one.offers, one.unused) for one in whole] == [(1, 1, 0, 0), (2, 2, 1, 1), (2, 1, 2, 1)]
    assert white_zones_months.first_night() == DAY


def test_a_month_stays_what_it_was_whatever_happens_later(autumn):
    need = NeedFactory(published_at=datetime(2026, 9, 15, tzinfo=PARIS))
    white_zones.take_due(at=now())
    epcis = [one.id for one in observatory_places.places().all.values()]
    before = white_zones_months.months(white_zones.days(), epcis)

    need.status = Status.CLOSED
    NeedFactory(published_at=datetime(2026, 9, 16, tzinfo=PARIS))
    db.session.flush()
    for day in white_zones.days():
        assert not white_zones.take(day)

    assert white_zones_months.months(white_zones.days(), epcis) == before
