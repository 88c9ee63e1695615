"""The animators' queue: pages, acts, rights."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import ActKind, DeclineReason, Outcome, Proposal, ProposalStatus, Result, RunStatus, Side, WorkAct
from matchmaker.models.base import now, today
from matchmaker.services.refusal_bounds import Bounds
from tests.factories import (
    MailFactory,
    MatchFactory,
    NeedFactory,
    OfferFactory,
    OrganisationFactory,
    RunFactory,
    UserFactory,
    call_for_help,
    departement,
    proposals_of,
)
from tests.pages import forms, heading, words


@pytest.fixture
def animator(client):
    user = UserFactory(animator=True, name="Ana Morel")
    client.sign_in(user)
    return user


@pytest.fixture
def need():
    """Published ten days ago, put to one structure, without a yes."""
    need = NeedFactory(published_at=now() - timedelta(days=10), organisation=OrganisationFactory(name="Picorée", phone="02 33 11 22 33"))
    proposals_of(
        MatchFactory(
            run=RunFactory(status=RunStatus.SUPERSEDED),
            need=need,
            offer=OfferFactory(organisation=OrganisationFactory(name="Le Lavoir", phone="02 33 44 55 66")),
        )
    )
    db.session.commit()
    return need


def acts() -> list[WorkAct]:
    return list(db.session.scalars(select(WorkAct).order_by(WorkAct.created_at), execution_options={"populate_existing": True}))


def test_an_empty_queue_says_what_will_come(client, animator):
    page = client.get("/a-faire").text

    assert heading(page) == "Rien à faire"
    assert "Personne ne vous attend" in words(page)
    assert 'aria-current="page">À faire' in page


def test_a_row_says_who_since_when_and_why(client, animator, need):
    page = words(client.get("/a-faire").text)

    for told in ("1 chose à faire", "Picorée", "Sans oui, depuis 1 jour", "1 structure sollicitée, 1 réponse attendue", "Dans une semaine", "Je m’en occupe"):
        assert told in page


def test_the_sheet_has_phones_and_three_lines_to_say(client, animator, need):
    page = client.get(f"/a-faire/{need.id}").text

    assert 'href="tel:0233112233"' in page
    assert 'href="tel:0233445566"' in page
    assert "je vous appelle de La Croisée" in words(page)
    assert "Souhaitez-vous les rencontrer" in words(page)


def test_a_run_to_read_leads_to_the_run(client, animator):
    run = RunFactory()
    db.session.commit()

    assert "À relire" in words(client.get("/a-faire").text)
    assert client.get(f"/a-faire/{run.id}").location == f"/calculs/{run.id}"
    assert client.post(f"/a-faire/{run.id}/fait", data={"reason": "called"}).status_code == 409


def test_one_click_takes_and_undo_gives_back(client, animator, need):
    page = client.post(f"/a-faire/{need.id}/prendre", data={"filtre-qui": ""}, follow_redirects=True).text
    assert "Picorée : vous vous en occupez" in words(page)
    assert "Vous vous en occupez" in words(page)

    undo = next(form for form in forms(page) if form.action.endswith("/annuler"))
    page = client.post(undo.action, data=undo.values, follow_redirects=True).text

    assert acts()[0].undone_at is not None
    assert "C’est annulé" in words(page)
    assert "C’était déjà annulé" in words(client.post(undo.action, data=undo.values, follow_redirects=True).text)


def test_done_and_put_off_leave_the_list_and_keep_its_filters(client, animator, need):
    response = client.post(f"/a-faire/{need.id}/plus-tard", data={"until": str(today() + timedelta(days=7)), "filtre-quoi": "silent", "filtre-qui": "moi"})
    assert response.location == "/a-faire?quoi=silent&qui=moi"
    assert heading(client.get("/a-faire").text) == "Rien à faire"
    assert heading(client.get("/a-faire?plus-tard=1").text) == "1 chose remise à plus tard"

    client.post(f"/a-faire/{need.id}/fait", data={"reason": "elsewhere"})

    assert [act.kind for act in acts()] == [ActKind.SNOOZED, ActKind.DONE]
    assert heading(client.get("/a-faire?plus-tard=1").text).startswith("Rien")


@pytest.mark.parametrize(
    ("act", "data"),
    [("plus-tard", {"until": "2020-01-01"}), ("plus-tard", {"until": "demain"}), ("fait", {"reason": "x"}), ("confier", {"to": "x"}), ("confier", {})],
)
def test_a_bad_act_changes_nothing_and_says_so(client, animator, need, act, data):
    page = client.post(f"/a-faire/{need.id}/{act}", data=data, follow_redirects=True).text

    assert acts() == []
    assert heading(page) == "1 chose à faire"
    assert "lc-notice-warn" in page


def test_a_row_is_given_to_a_colleague_of_the_territory(client, animator, need):
    colleague, far = UserFactory(animator=True, name="Bo Petit"), UserFactory(animator=True, name="Cy Loin", territories=[departement("14")])
    db.session.commit()
    page = client.get("/a-faire").text
    assert "Bo Petit" in page
    assert "Cy Loin" not in page

    assert "confié à Bo Petit" in words(client.post(f"/a-faire/{need.id}/confier", data={"to": str(colleague.id)}, follow_redirects=True).text)
    client.post(f"/a-faire/{need.id}/confier", data={"to": str(far.id)})

    assert [act.assigned_to_id for act in acts()] == [colleague.id]
    client.sign_in(colleague)
    assert heading(client.get("/a-faire?qui=moi").text) == "1 chose à faire"


def test_a_call_is_noted_and_an_empty_note_is_not(client, animator, need):
    assert client.post(f"/a-faire/{need.id}/appel", data={"note": " "}).status_code == 422
    page = client.post(f"/a-faire/{need.id}/appel", data={"note": "Rappeler mardi, M. Roux"}, follow_redirects=True).text

    assert "Ana Morel : Rappeler mardi, M. Roux" in words(page)
    assert "Rappeler mardi" in client.get("/a-faire").text


def test_answering_for_a_structure_needs_its_words_and_its_consent(client, animator, need, nudged):
    form = next(form for form in forms(client.get(f"/a-faire/{need.id}").text) if "/reponses/" in form.action)
    name = next(key for key in form.choices if key.endswith("-reponse")).removesuffix("-reponse")

    refused = client.post(form.action, data=form.filled(**{f"{name}-reponse": "non"}))
    assert refused.status_code == 422
    assert "Sans son accord" in words(refused.text)
    assert acts() == []

    good = {f"{name}-reponse": "non", f"{name}-reason": "no_time", f"{name}-note": "Mme Lenoir, pas ce mois-ci", f"{name}-consent": "y"}
    response = client.post(form.action, data=form.filled(**good), follow_redirects=True)

    assert "Leur non est noté" in words(response.text)
    assert nudged == [("tasks.matching.run_due",)]
    proposal = db.session.get(Proposal, acts()[0].proposal_id, populate_existing=True)
    assert (proposal.status, proposal.decline_reason) == (ProposalStatus.DECLINED, DeclineReason.NO_TIME)
    assert client.post(form.action, data=form.filled(**good)).status_code == 404


def test_a_structure_may_say_later_on_the_telephone_and_a_refusal_its_bounds(client, animator, need, nudged):
    form = next(form for form in forms(client.get(f"/a-faire/{need.id}").text) if "/reponses/" in form.action)
    name = next(key for key in form.choices if key.endswith("-reponse")).removesuffix("-reponse")
    told, until = {f"{name}-note": "M. Roux, après la rentrée", f"{name}-consent": "y"}, today() + timedelta(days=20)

    wrong = client.post(form.action, data=form.filled(**told, **{f"{name}-reponse": "plus-tard", f"{name}-until": today().isoformat()}))
    assert wrong.status_code == 422
    assert "Choisissez un jour à venir" in words(wrong.text)
    response = client.post(form.action, data=form.filled(**told, **{f"{name}-reponse": "plus-tard", f"{name}-until": until.isoformat()}), follow_redirects=True)

    assert "Leur « plus tard » est noté" in words(response.text)
    proposal = db.session.get(Proposal, acts()[0].proposal_id, populate_existing=True)
    assert (proposal.status, proposal.postponed_until) == (ProposalStatus.PENDING, until)

    no = {f"{name}-reponse": "non", f"{name}-reason": "wrong_fit", f"{name}-never_again": "y"}
    client.post(form.action, data=form.filled(**told, **no))
    db.session.expire_all()
    assert (proposal.status, Bounds.of(proposal)) == (ProposalStatus.DECLINED, Bounds(never=True))


def test_the_queue_of_others_is_not_there(client, need):
    client.sign_in(UserFactory(animator=True, territories=[departement("14")]))

    assert heading(client.get("/a-faire").text) == "Rien à faire"
    assert client.get(f"/a-faire/{need.id}").status_code == 404
    for act in ("prendre", "confier", "fait", "plus-tard", "appel", f"reponses/{uuid4()}"):
        assert client.post(f"/a-faire/{need.id}/{act}").status_code == 404
    assert acts() == []


def test_somebody_elses_act_about_another_territory_cannot_be_undone(client, animator, need):
    client.post(f"/a-faire/{need.id}/prendre")
    client.sign_in(UserFactory(animator=True, territories=[departement("14")]))

    assert client.post(f"/a-faire/gestes/{acts()[0].id}/annuler").status_code == 404


def test_an_animator_without_a_territory_is_told_so(client):
    client.sign_in(UserFactory(animator=True, territories=[]))

    assert "Aucun département ne vous est confié" in words(client.get("/a-faire").text)


def test_nonsense_filters_nothing(client, animator, need):
    assert heading(client.get("/a-faire?quoi=x&categorie=y&qui=z&page=-3").text) == "1 chose à faire"
    assert "Rien dans cette sélection" in client.get("/a-faire?categorie=job").text


def test_the_queue_costs_the_same_however_long_it_is(client, animator, queries):
    def cost(count: int) -> int:
        for _row in range(count):
            row = NeedFactory(published_at=now() - timedelta(days=12))
            proposals_of(MatchFactory(run=RunFactory(status=RunStatus.SUPERSEDED), need=row))
            MailFactory(lost=True)
        RunFactory(status=RunStatus.SUPERSEDED)
        db.session.commit()
        queries.clear()
        assert client.get("/a-faire").status_code == 200
        return len(queries)

    few = cost(3)
    assert cost(20) == few
    assert few <= 26


def test_a_long_queue_is_cut_in_pages_that_keep_the_filters(client, animator):
    for _row in range(26):
        proposals_of(MatchFactory(run=RunFactory(status=RunStatus.SUPERSEDED), need=NeedFactory(published_at=now() - timedelta(days=12))))
    db.session.commit()

    page = client.get("/a-faire?quoi=silent").text
    assert "Page 1 sur 2" in words(page)
    assert "/a-faire?quoi=silent&amp;page=2" in page
    assert "Page 2 sur 2" in words(client.get("/a-faire?quoi=silent&page=99").text)


def test_two_stories_are_told_side_by_side(client, animator):
    match = MatchFactory(run=RunFactory(status=RunStatus.SUPERSEDED), mutual=True)
    for side, organisation, result in ((Side.NEED, match.need.organisation, Result.SIGNED), (Side.OFFER, match.offer.organisation, Result.NOTHING)):
        db.session.add(Outcome(match=match, organisation=organisation, side=side, wave=30, asked_at=now(), result=result, answered_at=now()))
    db.session.commit()

    assert "L’une dit « c’est signé », l’autre « rien pour le moment »" in words(client.get("/a-faire").text)
    page = words(client.get(f"/a-faire/{match.id}").text)
    for organisation in (match.need.organisation, match.offer.organisation):
        assert organisation.name in page
    assert "Où en êtes-vous aujourd’hui" in page


def test_a_call_for_help_leads_to_the_conversation_and_is_ended_there(client, animator):
    asked = call_for_help()
    db.session.commit()

    page = client.get("/a-faire").text
    assert asked.match.need.organisation.name in page
    assert f'href="/rencontres/aide/{asked.id}"' in page
    assert client.get(f"/a-faire/{asked.id}").location == f"/rencontres/aide/{asked.id}"
    assert client.post(f"/a-faire/{asked.id}/fait", data={"reason": "called"}).status_code == 409
    assert client.post(f"/a-faire/{asked.id}/prendre").status_code == 302
    assert "Vous vous en occupez" in words(client.get("/a-faire").text)
