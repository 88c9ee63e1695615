"""The pages of the observatory take the same queries for ten rows and for a thousand."""

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, func, select

from matchmaker.extensions import db
from matchmaker.models import Channel, Cluster, ClusterMember, EuroBand, Need, NurserySnapshot, Organisation, Outcome, Result, Snapshot, WhiteZone
from matchmaker.models.base import PARIS, now, today
from matchmaker.services import nursery, observatory_snapshots, outcomes, white_zones
from matchmaker.services.outcomes import Reply
from matchmaker.web.settings import mail_settings
from tests.factories import NeedFactory, OfferFactory, UserFactory, commune, departement, mutual_match
from tests.many import multiply

TOWNS = ("Flers (61)", "Flers (61)", "Argentan (61)", "Caen (14)", "Rouen (76)")
CHAIN = ("organisation", "need", "offer", "match", "proposal", "outcome")
TAKEN = (Snapshot, WhiteZone, ClusterMember, Cluster, NurserySnapshot)


def write_down() -> None:
    """The nights of the last month's end and of yesterday, and the groups of the week, anew."""
    for model in TAKEN:
        db.session.execute(delete(model))
    for day in (today().replace(day=1) - timedelta(days=1), today() - timedelta(days=1)):
        assert observatory_snapshots.take(day)
        assert white_zones.take(day)
    assert nursery.take(departement().parent, day=nursery.monday_of(today()))
    db.session.commit()


def addresses() -> list[str]:
    largest = db.session.scalars(select(Cluster).join(Cluster.members).group_by(Cluster.id).order_by(func.count().desc(), Cluster.id)).first()
    orne, flers = departement().id, commune().epci_code
    return [
        "/observatoire",
        "/observatoire/indicateurs?periode=12-mois",
        "/observatoire/indicateurs/needs?periode=12-mois",
        "/observatoire/indicateurs/answered?territoire=departement-61",
        f"/observatoire/indicateurs/cooperations/lignes/{orne}?periode=12-mois",
        "/observatoire/indicateurs.csv?periode=12-mois",
        "/observatoire/indicateurs.xlsx?periode=12-mois",
        f"/observatoire/rapports/{orne}/2026-T4.pdf",
        "/observatoire/impact?periode=12-mois",
        "/donnees/indicateurs.csv",
        "/donnees/territoires.csv",
        "/zones-blanches",
        "/zones-blanches?territoire=departement-61",
        f"/zones-blanches/epci-{flers}",
        "/pepiniere?territoire=departement-61",
        f"/pepiniere/{largest.id}",
    ]


@pytest.fixture
def ten(app):
    """Ten pairs that said yes twice, and signed, in four intercommunalités; it is the 23 November 2026."""
    with time_machine.travel(datetime(2026, 11, 23, 12, tzinfo=PARIS), tick=False):
        long_ago = now() - timedelta(days=50)
        for number in range(10):
            at = TOWNS[number % len(TOWNS)]
            match = mutual_match(need=NeedFactory(at=at, themes=["eau"]), offer=OfferFactory(at=at, themes=["eau"]), confirmed_at=now() - timedelta(days=31))
            match.need.published_at = match.offer.published_at = long_ago
        db.session.flush()
        outcomes.ask_due(at=now(), settings=mail_settings())
        for question in db.session.scalars(select(Outcome).where(Outcome.side == "need")):
            outcomes.answer(question, Reply(Result.SIGNED, euros=EuroBand.UP_TO_5K), channel=Channel.LINK)
        db.session.commit()
        yield


def test_a_thousand_rows_take_as_many_queries_as_ten(client, ten, queries):
    client.sign_in(UserFactory(admin=True, organisation=None))
    counts = []
    for times in (0, 99):
        multiply(CHAIN, times)
        write_down()
        found = {}
        for path in addresses():
            client.get(path)
            queries.clear()
            assert client.get(path).status_code == 200, path
            found[path if "pepiniere/" not in path else "/pepiniere/…"] = len(queries)
        counts.append(found)

    assert [db.session.scalar(select(func.count()).select_from(model)) for model in (Need, Organisation)] == [1000, 2000]
    assert counts[1] == counts[0]
    assert max(counts[0].values()) < 40, counts[0]
