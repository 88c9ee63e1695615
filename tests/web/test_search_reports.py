"""« Signaler cette fiche »: from the page of a structure to the queue of its animators."""

import pytest
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import DirectoryReport, InclusionKind, Matter, ReportReason
from matchmaker.models.base import now, today
from matchmaker.services import search_reports, work_queue
from matchmaker.services.work_queue import Filters
from tests.factories import NeedFactory, OrganisationFactory, UserFactory, commune, departement, venue
from tests.pages import words


def reports() -> int:
    return db.session.scalar(select(func.count()).select_from(DirectoryReport)) or 0


def test_a_visitor_reports_a_page_and_the_animator_reads_and_ends_it(client):
    house = OrganisationFactory(name="Tournebride")
    path = f"/structures/{house.id}/signaler"
    assert path in client.get(f"/structures/{house.id}").text

    response = client.post(path, data={"reason": "moved", "note": "Partie à Caen."}, follow_redirects=True)

    assert "Merci, c’est transmis" in response.text
    client.sign_in(UserFactory(animator=True))
    queue = words(client.get("/a-faire").text)
    assert "Fiche signalée (1)" in queue
    assert "Un visiteur signale cette fiche : elle n’est plus dans cette commune. « Partie à Caen. »" in queue
    report = db.session.scalars(select(DirectoryReport)).one()
    sheet = words(client.get(f"/a-faire/{report.id}").text)
    assert "Est-ce exact, et que faut-il y changer" in sheet
    client.post(f"/a-faire/{report.id}/fait", data={"reason": "corrected"})
    assert "Fiche signalée" not in words(client.get("/a-faire").text)


def test_only_those_who_look_after_the_territory_read_it(client):
    search_reports.report(OrganisationFactory(name="Tournebride"), reason=ReportReason.CLOSED)
    elsewhere = UserFactory(animator=True, territories=[departement("76")])

    found = work_queue.queue(Filters(frozenset({departement("76").id})), user=elsewhere, today=today())

    assert found.total == 0
    assert work_queue.queue(Filters(frozenset({departement("61").id})), user=elsewhere, today=today()).counts == {Matter.REPORTED: 1}


def test_a_report_says_what_is_wrong(client):
    house = OrganisationFactory()
    path = f"/structures/{house.id}/signaler"

    nothing = client.post(path, data={})
    long = client.post(path, data={"reason": "other", "note": "x" * 1001})

    assert (nothing.status_code, long.status_code, reports()) == (422, 422, 0)
    assert "Choisissez ce qui ne va pas" in nothing.text
    assert "1000 caractères au plus" in long.text


def test_the_same_said_again_and_a_flood_are_not_kept(session):
    house = OrganisationFactory()

    assert search_reports.report(house, reason=ReportReason.CLOSED) is not None
    assert search_reports.report(house, reason=ReportReason.CLOSED) is None
    for number in range(20):
        search_reports.report(house, reason=ReportReason.OTHER, note=str(number))

    assert reports() == search_reports.MOST_OPEN


def test_a_structure_that_nobody_looks_after_cannot_be_reported(client):
    far = OrganisationFactory(commune=commune("Lille (59)"), territory=None)

    assert "Signaler cette fiche" not in client.get(f"/structures/{far.id}").text
    assert client.get(f"/structures/{far.id}/signaler").status_code == 404


def test_who_reports_is_named_and_its_own_page_is_changed_instead(client):
    house = OrganisationFactory(name="Tournebride")
    member = UserFactory(organisation=house)
    client.sign_in(member)
    assert "Signaler cette fiche" not in client.get(f"/structures/{house.id}").text
    other = UserFactory()
    client.sign_in(other)

    client.post(f"/structures/{house.id}/signaler", data={"reason": "improper"})

    assert db.session.scalars(select(DirectoryReport)).one().by_id == other.id


@pytest.mark.parametrize("published", [True, False])
def test_the_page_of_a_structure_says_its_labels_and_how_fresh_it_is(client, published):
    house = OrganisationFactory(name="Tournebride", inclusion_kind=InclusionKind.ACI)
    venue(house, accessible=0).is_accessible = True
    if published:
        NeedFactory(organisation=house, title="Un local", description="De plain-pied, près de la gare.")
    db.session.flush()
    house.updated_at = now().replace(year=now().year - 2)
    db.session.commit()

    page = words(client.get(f"/structures/{house.id}").text)

    for label in ("ESS déclarée", "Ses heures peuvent compter pour une clause sociale", "Tiers-lieu", "Accessible en fauteuil roulant"):
        assert label in page
    assert f"Fiche mise à jour le {labels_day(house.updated_at)}" in page
    assert ("Dernière annonce le" in page) is published
    assert ("vérifiez avant de vous y fier" in page) is not published
    assert ("De plain-pied, près de la gare." in page) is published


def labels_day(moment) -> str:
    from matchmaker.models.base import PARIS
    from matchmaker.web.formats import short_date

    return f"{short_date(moment)} {moment.astimezone(PARIS).year}"
