"""The gestures of an animator on the page of a run: lock, refuse, undo, compare, take back, and the files of the proof."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from config import ROOT
from matchmaker.extensions import db
from matchmaker.models import Category, MailStatus, Match, MatchingRun, OutboxMail, PairDecision, Proposal, RunStatus, Verdict
from matchmaker.models.base import now, today
from matchmaker.services import matching, matching_overview, proposals
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, RunFactory, UserFactory, departement
from tests.pages import forms, heading, words


@pytest.fixture
def animator(app, client):
    user = UserFactory(animator=True)
    db.session.commit()
    client.sign_in(user)
    return user


@pytest.fixture
def ready(app, animator) -> MatchingRun:
    """Two needs, two offers; « Buffet » with « Près » is the better pairing."""
    NeedFactory(title="Buffet", skills=["traiteur", "buffet"], radius_km=60)
    NeedFactory(title="Goûter", skills=["traiteur"], radius_km=60)
    OfferFactory(title="Près", skills=["traiteur", "buffet"], radius_km=60, organisation=OrganisationFactory(name="Atelier du Lin"))
    OfferFactory(title="Loin", radius_km=60, at="Argentan (61)")
    run = matching.rematch(departement("61"), today=today())
    db.session.commit()
    return run


def buffet(run: MatchingRun) -> Match:
    return next(match for match in matching.matches_of(run) if match.need.title == "Buffet")


def path_of(run: MatchingRun, match: Match) -> str:
    return f"/calculs/{run.id}/paires/{match.need_id}/{match.offer_id}"


def pairs(run_id: object) -> set[tuple[str, str]]:
    db.session.expire_all()
    return {(match.need.title, match.offer.title) for match in matching.matches_of(db.session.get(MatchingRun, run_id))}


def test_a_refusal_says_what_changes_and_how_to_undo_it(client, ready):
    path, run_id = path_of(ready, buffet(ready)), ready.id

    response = client.post(path, data={"verdict": "refused", "revision": "0"})

    assert response.status_code == 302
    assert pairs(run_id) == {("Buffet", "Loin"), ("Goûter", "Près")}
    page = client.get(response.location).text
    told = words(page)
    assert "Cette mise en relation est refusée." in told
    assert "3 autres mises en relation changent" in told
    assert "« Buffet » avec « Loin » entre" in told
    assert "La mise en relation que vous avez refusée" in told
    undo = next(form for form in forms(page) if form.action == path)
    client.post(undo.action, data=undo.values | {"verdict": "none"})
    assert pairs(run_id) == {("Buffet", "Près"), ("Goûter", "Loin")}


def test_what_another_territorys_animator_decided_stays(client, ready):
    there = MatchFactory(need=NeedFactory(at="Rouen (76)"), offer=OfferFactory(at="Rouen (76)"))
    db.session.add(PairDecision(need_id=there.need_id, offer_id=there.offer_id, verdict=Verdict.LOCKED))
    db.session.commit()
    path = path_of(ready, there)

    answers = {client.post(path, data={"verdict": verdict, "revision": "0"}).status_code for verdict in ("none", "locked", "refused")}

    assert answers == {404}
    assert db.session.scalars(select(PairDecision.verdict)).all() == [Verdict.LOCKED]


def test_the_undo_of_an_undo_decides_again(client, ready):
    path = path_of(ready, buffet(ready))
    client.post(path, data={"verdict": "locked", "revision": "0"})

    back = client.post(path, data={"verdict": "none", "revision": "1"})

    assert back.location.endswith("defaire=locked")
    page = client.get(back.location).text
    assert 'value="locked"' in page.partition("Annuler ce dernier choix")[0].rpartition("<form")[2]


def test_a_locked_pair_says_so_and_only_offers_to_be_released(client, ready):
    match = buffet(ready)
    path = path_of(ready, match)
    client.post(path, data={"verdict": "locked", "revision": "0"})

    page = client.get(f"/calculs/{ready.id}").text

    assert "verrouillée" in words(page)
    row = page[page.index(f'action="{path}"') :].partition("</form>")[0]
    assert 'value="none"' in row
    assert 'value="refused"' not in row
    decision = db.session.scalars(select(PairDecision)).one()
    assert (decision.verdict, decision.decided_by.role.value) == (Verdict.LOCKED, "animator")


def test_an_older_page_is_refused_and_shown_as_it_is_now(client, ready):
    match = buffet(ready)
    client.post(path_of(ready, match), data={"verdict": "locked", "revision": "0"})
    other = next(one for one in matching.matches_of(ready) if one.need.title == "Goûter")

    response = client.post(path_of(ready, other), data={"verdict": "refused", "revision": "0"})

    assert response.status_code == 409
    assert "Ce calcul a changé pendant que vous le lisiez." in words(response.text)
    assert heading(response.text) == "2 besoins sur 2 ont trouvé une offre"
    assert db.session.scalar(select(func.count()).select_from(PairDecision)) == 1


def test_a_pair_that_is_locked_is_not_refused(client, ready):
    path = path_of(ready, buffet(ready))
    client.post(path, data={"verdict": "locked", "revision": "0"})

    response = client.post(path, data={"verdict": "refused", "revision": "1"})

    assert response.status_code == 409
    assert "Retirez d’abord ce premier choix." in words(response.text)


def test_a_side_whose_places_are_all_locked_is_named(client, ready):
    match = buffet(ready)
    client.post(path_of(ready, match), data={"verdict": "locked", "revision": "0"})
    other = next(one for one in matching.matches_of(ready) if one.need.title == "Goûter")

    response = client.post(f"/calculs/{ready.id}/paires/{other.need_id}/{match.offer_id}", data={"verdict": "locked", "revision": "1"})

    assert response.status_code == 409
    assert "« Près » n’a que 1 place, et tout est verrouillé : « Buffet »." in words(response.text)


def test_a_run_that_left_is_not_changed(client, ready):
    match = buffet(ready)
    client.post(f"/calculs/{ready.id}/publier")

    response = client.post(path_of(ready, match), data={"verdict": "refused", "revision": "0"})

    assert response.status_code == 409
    assert "Ce calcul n’attend plus de relecture." in words(response.text)


@pytest.mark.parametrize("data", [{}, {"verdict": "perhaps", "revision": "0"}])
def test_a_verdict_that_is_none_is_refused(client, ready, data):
    assert client.post(path_of(ready, buffet(ready)), data=data).status_code == 422


@pytest.mark.parametrize("revision", ["", "x", "-1", "9" * 5000])
def test_a_revision_that_is_none_is_an_older_page(client, ready, revision):
    assert client.post(path_of(ready, buffet(ready)), data={"verdict": "locked", "revision": revision}).status_code == 409


def test_pairs_that_the_run_does_not_know_are_not_there(client, ready):
    match = buffet(ready)
    foreign = RunFactory(territory=departement("76"))
    db.session.commit()

    for path in (f"/calculs/{ready.id}/paires/{match.need_id}/{uuid4()}", f"/calculs/{foreign.id}/paires/{match.need_id}/{match.offer_id}"):
        assert client.post(path, data={"verdict": "refused", "revision": "0"}).status_code == 404


def test_a_lock_that_could_not_hold_is_said_on_the_next_run(client, ready):
    match = buffet(ready)
    client.post(path_of(ready, match), data={"verdict": "locked", "revision": "0"})
    MatchFactory(run=RunFactory(territory=departement("14")), need=NeedFactory(at="Caen (14)"), offer=match.offer, mutual=True)
    later = matching.rematch(departement("61"), today=today())
    db.session.commit()

    page = words(client.get(f"/calculs/{later.id}").text)

    assert "Verrouillées, mais plus possibles" in page
    assert "ce calcul n’a pas pu garder cette mise en relation" in page


@pytest.mark.parametrize("address", ["", "?besoin=x&offre=y&defaire=none", "?besoin=<script>&offre=&defaire=refused"])
def test_an_address_that_undoes_nothing_shows_no_such_button(client, ready, address):
    assert "Annuler ce dernier choix" not in client.get(f"/calculs/{ready.id}{address}").text


# The proof


def test_the_downloaded_files_are_verified_and_solved_by_the_command(client, ready, tmp_path: Path):
    NeedFactory(category=Category.SUCCESSION, title="Reprise très secrète", is_confidential=True)
    OfferFactory(category=Category.SUCCESSION, title="Repreneuse discrète", is_confidential=True)
    run = matching.rematch(departement("61"), today=today())
    run_id = run.id
    db.session.commit()
    client.post(path_of(run, buffet(run)), data={"verdict": "locked", "revision": "0"})
    page = client.get(f"/calculs/{run_id}").text
    assert f"ne fait mieux que {run.bound / 1_000_000:.2f} points ; vérifié".replace(".", ",", 1) in words(page)
    assert "python -m matchmaker.engine verify calcul-61-reponse.json verdict.json" in words(page)

    problem, answer = client.get(f"/calculs/{run_id}/probleme.json"), client.get(f"/calculs/{run_id}/preuve.json")

    assert problem.mimetype == answer.mimetype == "application/json"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "secrète" not in problem.text + answer.text
    for verb, response in (("match", problem), ("verify", answer)):
        (tmp_path / f"{verb}.json").write_text(response.text)
        command = [sys.executable, "-m", "matchmaker.engine", verb, str(tmp_path / f"{verb}.json"), str(tmp_path / f"{verb}-out.json")]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    proof = json.loads((tmp_path / "verify-out.json").read_text())
    assert (proof["proven"], proof["false_claims"], proof["gap"]) == (True, [], 0)
    assert proof["primal"] == json.loads((tmp_path / "match-out.json").read_text())["value"] == run.value


def test_a_run_of_before_has_no_files_and_says_so(client, animator):
    run = RunFactory()
    db.session.commit()

    assert client.get(f"/calculs/{run.id}/preuve.json").status_code == 404
    assert client.get(f"/calculs/{run.id}/probleme.json").status_code == 404
    assert "Ce calcul est trop ancien ou trop grand pour être téléchargé." in words(client.get(f"/calculs/{run.id}").text)


def test_the_scores_are_counted_by_bands_each_pair_once(client, animator):
    run = RunFactory(status=RunStatus.SUPERSEDED)
    for score in (1_000_000, 899_999, 894_999, 700_000, 705_000, 4_999):
        MatchFactory(run=run, score=score, status="preview")
    db.session.commit()

    assert matching_overview.score_bands(run) == [1, 0, 0, 0, 0, 0, 0, 2, 1, 2]
    bands = client.get(f"/calculs/{run.id}").text.partition('id="accords"')[2].partition("</section>")[0]
    assert "90 à 100 2" in words(bands)
    assert "0 à 9 1" in words(bands)
    assert bands.count("<rect") == 10


# Fresh or stale, kept


def test_a_stale_result_says_so_and_offers_another_run(client, ready):
    assert "Des annonces, des réponses ou des réglages ont changé depuis ce calcul." not in words(client.get(f"/calculs/{ready.id}").text)

    NeedFactory()
    db.session.commit()

    page = client.get(f"/calculs/{ready.id}").text
    assert "Des annonces, des réponses ou des réglages ont changé depuis ce calcul." in words(page)
    assert f"/territoires/{ready.territory_id}/calculs" in [form.action for form in forms(page)]


def test_sending_a_stale_result_asks_for_the_next_run(client, ready, nudged):
    NeedFactory()
    db.session.commit()

    client.post(f"/calculs/{ready.id}/publier")

    assert db.session.scalar(select(func.count()).select_from(MatchingRun).where(MatchingRun.status == RunStatus.QUEUED)) == 1
    assert ("tasks.matching.run_due",) in nudged


def test_matches_that_are_under_way_already_are_told(client, ready):
    client.post(f"/calculs/{ready.id}/publier")
    agreed = db.session.scalars(select(Match)).first()
    agreed.status, agreed.confirmed_at = "confirmed", now()
    later = matching.rematch(departement("61"), today=today())
    db.session.commit()

    page = words(client.get(f"/calculs/{later.id}").text)

    assert "2 mises en relation déjà convenues ou en attente de réponse, gardées : 1 convenue, 1 en attente." in page


# Comparing


def test_two_runs_are_compared_by_figures_and_by_who_changes(client, ready):
    NeedFactory(title="Apéritif", skills=["traiteur"])
    OfferFactory(title="Tout près", skills=["traiteur"])
    later = matching.rematch(departement("61"), today=today())
    db.session.commit()
    assert f"/calculs/{later.id}/comparer/{ready.id}" in client.get("/calculs").text
    assert f"/calculs/{later.id}/comparer/{ready.id}" in client.get(f"/calculs/{later.id}").text

    page = words(client.get(f"/calculs/{later.id}/comparer/{ready.id}").text)

    assert "Besoins servis 2 3 + 1" in page
    assert "1 besoin gagne une offre : Apéritif (Flers)" in page
    assert "Tout près" in page


def test_what_left_because_it_is_under_way_is_not_lost(client, ready):
    client.post(f"/calculs/{ready.id}/publier")
    later = matching.rematch(departement("61"), today=today())
    db.session.commit()

    page = words(client.get(f"/calculs/{later.id}/comparer/{ready.id}").text)

    assert "Les deux calculs donnent les mêmes mises en relation" in page
    assert "2 mises en relation du premier sont déjà convenues ou attendent une réponse." in page
    assert "perd" not in page


def test_a_run_compared_with_itself_changes_nothing(client, ready):
    page = client.get(f"/calculs/{ready.id}/comparer/{ready.id}").text

    assert heading(page) == "Les deux calculs donnent les mêmes mises en relation"


def test_runs_of_two_territories_or_without_a_result_are_not_compared(client, ready):
    foreign, waiting = RunFactory(territory=departement("76")), RunFactory(status=RunStatus.QUEUED, value=None, bound=None, gap=None)
    db.session.commit()

    for one, other in ((ready, foreign), (foreign, ready), (ready, waiting), (waiting, ready)):
        assert client.get(f"/calculs/{one.id}/comparer/{other.id}").status_code == 404


# Taking back


def test_a_sending_is_taken_back_after_a_last_look(client, ready, nudged):
    client.post(f"/calculs/{ready.id}/publier")
    page = client.get(f"/calculs/{ready.id}").text
    assert f"/calculs/{ready.id}/reprise" in page
    look = client.get(f"/calculs/{ready.id}/reprise").text
    assert "4 propositions attendent une réponse, et seront retirées." in words(look)

    response = client.post(forms(look)[-1].action)

    assert response.location == f"/calculs/{ready.id}"
    db.session.expire_all()
    assert ready.status is RunStatus.READY
    assert set(db.session.scalars(select(OutboxMail.status))) == {MailStatus.CANCELLED}
    page = words(client.get(response.location).text)
    assert "L’envoi est repris." in page
    assert "Rien n’est encore envoyé." in page


def test_a_withdrawn_question_says_so_to_the_structure(client, ready):
    client.post(f"/calculs/{ready.id}/publier")
    client.post(f"/calculs/{ready.id}/reprendre")
    client.sign_in(UserFactory(organisation=buffet(ready).need.organisation))

    assert "Rien n’attend votre réponse" in words(client.get("/propositions").text)
    assert "retirée par l’animation de votre territoire, pour la revoir" in words(client.get("/propositions?onglet=done").text)


def test_an_answered_sending_is_not_taken_back(client, ready):
    client.post(f"/calculs/{ready.id}/publier")
    proposals.accept(db.session.scalars(select(Proposal)).first(), settings=mail_settings())
    db.session.commit()
    assert "reprendre cet envoi" not in client.get(f"/calculs/{ready.id}").text

    response = client.post(f"/calculs/{ready.id}/reprendre")

    assert response.status_code == 409
    assert "1 proposition a déjà sa réponse" in words(response.text)
    db.session.expire_all()
    assert ready.status is RunStatus.PUBLISHED


def test_a_run_that_was_not_sent_is_not_taken_back(client, ready):
    assert client.get(f"/calculs/{ready.id}/reprise").location == f"/calculs/{ready.id}"
    assert client.post(f"/calculs/{ready.id}/reprendre").status_code == 409
