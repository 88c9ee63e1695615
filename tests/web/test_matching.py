"""The pages of runs: asking for one, waiting, reading it with its proof, sending it once."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import Category, MatchingRun, MatchStatus, OutboxMail, Proposal, RunStatus, Territory
from matchmaker.models.base import now, today
from matchmaker.services import matching
from tasks.matching import run_due
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, RunFactory, UserFactory, departement
from tests.pages import forms, heading, words


@pytest.fixture
def animator(app, client):
    user = UserFactory(animator=True)
    db.session.commit()
    client.sign_in(user)
    return user


@pytest.fixture
def ready(app, animator) -> MatchingRun:
    """A run with one need that is served and two that are not."""
    NeedFactory(title="Traiteur zéro déchet", organisation=OrganisationFactory(name="Picorée"))
    OfferFactory(title="Buffets de saison", organisation=OrganisationFactory(name="Atelier du Lin"))
    NeedFactory(title="Un local de plain-pied", category=Category.PREMISES, organisation=OrganisationFactory(name="Épicerie"))
    NeedFactory(title="Ménage de bureaux", skills=["ménage"], organisation=OrganisationFactory(name="Cabinet"), radius_km=10, at="L'Aigle (61)")
    run = matching.rematch(departement("61"), today=today())
    db.session.commit()
    return run


def status_of(run: MatchingRun) -> RunStatus:
    db.session.expire_all()
    return db.session.scalars(select(MatchingRun.status).where(MatchingRun.id == run.id)).one()


def test_the_list_offers_the_departements_in_ones_care_and_no_other(client, animator):
    page = client.get("/calculs").text

    assert [form.action for form in forms(page) if "/territoires/" in form.action] == [f"/territoires/{departement('61').id}/calculs"]
    assert "Pas encore de calcul" in page
    assert heading(page) == "Aucun calcul n’est à relire"


def test_an_animator_without_a_territory_is_told_whom_to_ask(client, app):
    user = UserFactory(animator=True)
    user.territories = []
    db.session.commit()
    client.sign_in(user)

    page = client.get("/calculs")

    assert page.status_code == 200
    assert "Aucun département n’est encore confié à votre compte." in words(page.text)


def test_asking_for_a_run_queues_it_and_wakes_a_worker(client, animator, nudged):
    response = client.post(f"/territoires/{departement('61').id}/calculs")

    run = db.session.scalars(select(MatchingRun)).one()
    assert response.location == f"/calculs/{run.id}"
    assert (run.status, run.requested_by_id) == (RunStatus.QUEUED, animator.id)
    assert ("tasks.matching.run_due",) in nudged


def test_a_second_request_while_one_is_under_way_is_refused_kindly(client, animator):
    path = f"/territoires/{departement('61').id}/calculs"
    client.post(path)

    response = client.post(path)

    assert response.location == "/calculs"
    assert "Un calcul est déjà en cours pour ce territoire." in words(client.get("/calculs").text)
    assert db.session.scalar(select(func.count()).select_from(MatchingRun)) == 1


def test_a_region_is_not_run_as_one(client, app):
    region = db.session.scalars(select(Territory).where(Territory.code == "28", Territory.level == "region")).one()
    client.sign_in(UserFactory(admin=True))

    assert client.post(f"/territoires/{region.id}/calculs").status_code == 404
    assert db.session.scalar(select(func.count()).select_from(MatchingRun)) == 0


@pytest.mark.parametrize(("status", "sentence"), [(RunStatus.QUEUED, "Le calcul attend son tour."), (RunStatus.RUNNING, "Le calcul est en cours.")])
def test_while_it_waits_the_page_says_so_and_asks_again_by_itself(client, animator, status, sentence):
    run = RunFactory(status=status, value=None, bound=None, gap=None)
    db.session.commit()

    page = client.get(f"/calculs/{run.id}")

    assert page.status_code == 200
    assert sentence in words(page.text)
    assert f'hx-get="/calculs/{run.id}"' in page.text
    assert f'href="/calculs/{run.id}"' in page.text
    assert "/publier" not in page.text


def test_a_run_that_failed_says_that_nothing_was_sent_and_can_be_asked_for_again(client, animator):
    run = RunFactory(status=RunStatus.FAILED, failure="MemoryError", value=None, bound=None, gap=None)
    db.session.commit()

    page = client.get(f"/calculs/{run.id}").text

    assert heading(page) == "Ce calcul n’a pas abouti"
    assert "Rien n’est perdu et rien n’a été envoyé." in words(page)
    assert "hx-get" not in page.partition("<main")[2]
    assert client.post(forms(page)[-1].action).status_code == 302
    assert db.session.scalar(select(func.count()).select_from(MatchingRun).where(MatchingRun.status == RunStatus.QUEUED)) == 1


def test_what_waits_is_computed_by_the_worker_and_the_page_becomes_the_result(client, animator):
    NeedFactory()
    OfferFactory()
    path = client.post(f"/territoires/{departement('61').id}/calculs").location
    assert heading(client.get(path).text) == "Orne : nous cherchons"

    run_due()

    assert heading(client.get(path).text) == "1 besoin sur 1 a trouvé une offre"


def test_a_ready_run_shows_its_proof_its_pairs_with_their_reasons_and_why_the_others_wait(client, ready):
    page = client.get(f"/calculs/{ready.id}").text
    told = words(page)

    assert heading(page) == "1 besoin sur 3 a trouvé une offre"
    assert "C’est le meilleur résultat possible." in told
    assert "Écart : 0" in told
    match = ready.matches[0]
    for word in ("Traiteur zéro déchet", "Buffets de saison", "Picorée", "Atelier du Lin", "En commun : traiteur", f"{match.points} sur 100"):
        assert word in told
    assert "Aucune offre publiée en « locaux" in told
    assert len(ready.unserved) == 2
    assert all(need.title in told for need in matching.needs_of(ready))
    assert "Flers Agglo" in told
    assert re.search(r"<(svg|figure)", page)


def test_publishing_asks_both_sides_once_with_one_mail_each(client, ready, nudged):
    response = client.post(f"/calculs/{ready.id}/publier")

    assert response.location == f"/calculs/{ready.id}"
    assert status_of(ready) is RunStatus.PUBLISHED
    asked = db.session.scalars(select(Proposal)).all()
    assert len(asked) == 2
    assert {proposal.match.status for proposal in asked} == {MatchStatus.PROPOSED}
    assert set(db.session.scalars(select(OutboxMail.recipient))) == {proposal.organisation.email for proposal in asked}
    assert ("tasks.outbox.drain",) in nudged
    page = words(client.get(response.location).text)
    assert "Envoyé le" in page
    assert "1 mise" in page
    assert f"/calculs/{ready.id}/publier" not in client.get(response.location).text


def test_publishing_twice_is_refused_and_sends_nothing_more(client, ready):
    client.post(f"/calculs/{ready.id}/publier")

    again = client.post(f"/calculs/{ready.id}/publier")

    assert again.status_code == 409
    assert db.session.scalar(select(func.count()).select_from(Proposal)) == 2
    assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == 2


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.FAILED, RunStatus.SUPERSEDED])
def test_only_a_run_that_was_read_can_be_sent(client, animator, status):
    over = status is RunStatus.SUPERSEDED
    figures = {} if over else {"value": None, "bound": None, "gap": None}
    run = RunFactory(status=status, failure="x" if status is RunStatus.FAILED else "", **figures)
    db.session.commit()

    assert client.post(f"/calculs/{run.id}/publier").status_code == 409
    assert status_of(run) is status


def test_a_newer_result_replaces_the_one_that_was_not_sent(client, ready):
    newer = matching.rematch(departement("61"), today=today())
    db.session.commit()

    assert (status_of(ready), status_of(newer)) == (RunStatus.SUPERSEDED, RunStatus.READY)
    assert "Un calcul plus récent l’a remplacé" in words(client.get(f"/calculs/{ready.id}").text)
    assert heading(client.get("/calculs").text) == "Un calcul est à relire"


def test_what_was_agreed_meanwhile_is_not_proposed_again(client, ready):
    need = ready.matches[0].need
    need.status = "paused"
    db.session.commit()

    client.post(f"/calculs/{ready.id}/publier")

    assert db.session.scalar(select(func.count()).select_from(Proposal)) == 0
    assert "0 mise en relation" in words(client.get(f"/calculs/{ready.id}").text)


def test_the_runs_of_another_territory_are_not_there(client, animator):
    foreign = RunFactory(territory=departement("76"))
    db.session.commit()

    for method, path in (
        ("GET", f"/calculs/{foreign.id}"),
        ("POST", f"/calculs/{foreign.id}/publier"),
        ("POST", f"/territoires/{foreign.territory_id}/calculs"),
    ):
        assert client.open(path, method=method).status_code == 404
    assert client.get(f"/calculs/{uuid4()}").data == client.get(f"/calculs/{foreign.id}").data
    assert status_of(foreign) is RunStatus.READY


def test_a_territory_without_any_need_has_a_page_too(client, animator):
    run = matching.rematch(departement("61"), today=today())
    db.session.commit()

    page = client.get(f"/calculs/{run.id}")

    assert heading(page.text) == "Aucun besoin n’attend dans ce territoire"


def test_a_long_run_is_shown_in_part_and_whole_on_demand_in_as_many_queries(client, animator, queries):
    for number in range(15):
        NeedFactory(title=f"Traiteur {number}.")
        OfferFactory(title=f"Buffet {number}.", published_at=now())
    run = matching.rematch(departement("61"), today=today())
    db.session.commit()

    def page(query: str) -> tuple[str, int]:
        db.session.commit()
        db.session.remove()
        queries.clear()
        return words(client.get(f"/calculs/{run_id}{query}").text), len(queries)

    run_id = run.id
    part, few = page("")
    whole, many = page("?tout=1")

    assert "Voir les 3 autres" in part
    assert sum(f"Traiteur {number}." in part for number in range(15)) == 12
    assert all(f"Traiteur {number}." in whole for number in range(15))
    assert few == many
