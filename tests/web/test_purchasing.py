"""Responsible purchasing on screen: suppliers, lists, open searches, answers given together."""

import csv
import io
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import (
    AnswerState,
    Category,
    GroupAnswer,
    GroupMember,
    InclusionKind,
    MemberState,
    SearchQuestion,
    Shortlist,
    ShortlistEntry,
    SupplierSearch,
)
from matchmaker.models.base import now, today
from matchmaker.services import purchasing_groups
from matchmaker.web.settings import mail_settings
from tests.conftest import Client
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, UserFactory, group_answer, kept, mutual_match, search_question, supplier_search
from tests.pages import forms, heading, words


@pytest.fixture
def buyer(client: Client):
    user = UserFactory()
    client.sign_in(user)
    return user


# Suppliers


def test_anybody_reads_the_same_of_each_supplier_the_order_and_the_legal_lines(client: Client) -> None:
    offer = OfferFactory(
        organisation=OrganisationFactory(name="Picorée", inclusion_kind=InclusionKind.EI), details={"sector": "restauration", "lead_time": "8 jours"}
    )
    OfferFactory(organisation=OrganisationFactory(name="Muette"))

    page = words(client.get("/achats").text)

    assert "2 structures peuvent fournir" in page
    assert "Dans un ordre tiré au sort chaque jour, le même pour tout le monde" in page
    assert "restauration" in page
    assert "8 jours" in page
    assert page.count("Garanti : non dit") == 2
    for article in ("R2111-1", "L2112-2", "L2113-12", "L2113-13", "L2113-13-1", "R2113-7", "L2113-15", "L2111-3"):
        assert article in page
    assert offer.organisation.email not in page
    assert offer.organisation.phone not in page


def test_near_a_commune_the_distance_and_the_order_are_told(client: Client) -> None:
    OfferFactory()

    page = words(client.get("/achats?commune=Cond%C3%A9-en-Normandie+(14)&rayon=30").text)

    assert "De la plus proche de Condé-en-Normandie (14) à la plus lointaine" in page
    assert "km" in page


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("commune=Atlantide", "Nous ne connaissons pas cette commune."),
        ("q=zzzz", "Personne ne le propose ici"),
        ("q=%25_%27%22", "Personne ne le propose ici"),
        ("page=1000000000", "La liste s’arrête avant cette page"),
        ("rayon=1000000", "1 structure peut fournir"),
        ("secteur=nul&cadre=nul&categorie=nul&territoire=nul-1&page=x", "1 structure peut fournir"),
        ("secteur=linge", "1 structure n’a pas dit son secteur"),
        ("endpoint=x&_external=1&_anchor=a&page=9", "La liste s’arrête avant cette page"),
    ],
)
def test_what_nobody_would_type_gets_a_page_that_says_so(client: Client, query: str, message: str) -> None:
    OfferFactory()

    response = client.get(f"/achats?{query}")

    assert response.status_code == 200
    assert message in words(response.text)


def test_contact_details_stay_behind_two_yes(client: Client) -> None:
    match = mutual_match()
    client.sign_in(UserFactory(organisation=match.need.organisation))

    page = client.get("/achats").text

    assert "/rencontres/" in page
    assert match.offer.organisation.email not in page


# Lists


def test_a_first_keep_makes_a_list_and_leads_back_to_the_search(client: Client, buyer) -> None:
    supplier = OfferFactory().organisation

    response = client.post("/achats/garder", data={"structure": supplier.id, "q": "traiteur", "secteur": "", "next": "https://ailleurs.test"})

    assert (response.status_code, response.location) == (302, f"/achats?q=traiteur#structure-{supplier.id}")
    shortlist = db.session.scalars(select(Shortlist)).one()
    assert (shortlist.organisation_id, shortlist.name, len(shortlist.kept)) == (buyer.organisation_id, "Ma liste", 1)
    page = client.get("/achats").text
    assert "Dans Ma liste" in words(page)
    assert not [form for form in forms(page) if form.action == "/achats/garder"]

    other = client.post("/achats/listes", data={"name": "Autre liste"}).location.rpartition("/")[2]
    again = next(form for form in forms(client.get("/achats").text) if form.action == "/achats/garder")
    assert again.values["liste"] == [other]


def test_only_a_supplier_is_kept_and_only_in_ones_own_list(client: Client, buyer) -> None:
    theirs = kept(by=UserFactory())

    assert client.post("/achats/garder", data={"structure": "x"}).status_code == 422
    assert client.post("/achats/garder", data={"structure": OrganisationFactory(company=True).id}).status_code == 422
    assert client.post("/achats/garder", data={"structure": theirs.supplier_id, "liste": theirs.shortlist_id}).status_code == 404


def test_a_list_is_made_renamed_and_deleted(client: Client, buyer) -> None:
    assert heading(client.get("/achats/listes").text) == "Gardez ici les structures qui vous intéressent"
    made = client.post("/achats/listes", data={"name": "Traiteurs"})
    assert client.post("/achats/listes", data={"name": "TRAITEURS"}).status_code == 422
    assert client.post("/achats/listes", data={"name": "  "}).status_code == 422
    assert "Cette liste est vide" in words(client.get(made.location).text)

    assert client.post(made.location, data={"name": "Buffets"}).status_code == 302
    assert heading(client.get(made.location).text).startswith("Buffets")

    client.post(f"{made.location}/supprimer")
    assert client.get(made.location).status_code == 404


def test_a_note_is_kept_refused_when_too_long_and_comes_back_with_its_structure(client: Client, buyer) -> None:
    entry = kept(by=buyer)
    path = f"/achats/lignes/{entry.id}"
    field = f"{entry.id}-note"

    too_long = client.post(f"{path}/note", data={field: "n" * 501})
    assert (too_long.status_code, "500 caractères au plus" in words(too_long.text)) == (422, True)
    client.post(f"{path}/note", data={field: "À rappeler lundi"})
    client.post(f"{path}/retirer")
    page = client.get(f"/achats/listes/{entry.shortlist_id}").text
    assert "Retirées de la liste" in page
    client.post(f"{path}/remettre")

    assert "À rappeler lundi" in client.get(f"/achats/listes/{entry.shortlist_id}").text


def test_a_colleague_opens_the_link_and_nobody_else(client: Client, buyer) -> None:
    entry = kept(by=buyer)
    path = f"/achats/listes/{entry.shortlist_id}"
    assert f"http://croisee.test{path}" in client.get(path).text

    client.sign_in(UserFactory(organisation=buyer.organisation))
    assert client.get(path).status_code == 200
    client.sign_in(UserFactory())
    assert client.get(path).status_code == 404


def test_the_sheet_prints_what_was_kept_and_noted(client: Client, buyer) -> None:
    entry = kept(by=buyer)
    entry.note = "Venir voir"
    db.session.commit()

    page = client.get(f"/achats/listes/{entry.shortlist_id}/feuille").text

    assert "data-print" in page
    assert entry.supplier.name in page
    assert "Venir voir" in page


def test_files_hold_a_line_a_structure_and_no_formula(client: Client, buyer) -> None:
    supplier = OfferFactory(organisation=OrganisationFactory(name="=1+1", inclusion_kind=InclusionKind.EI), title="@SUM(A1)").organisation
    entry = kept(by=buyer, supplier=supplier, name="Été & co")
    entry.note = "+33 =HYPERLINK(1)"
    db.session.commit()
    path = f"/achats/listes/{entry.shortlist_id}"

    text = client.get(f"{path}/liste.csv")
    rows = list(csv.reader(io.StringIO(text.get_data(as_text=True).removeprefix("\ufeff")), delimiter=";"))
    sheet = load_workbook(io.BytesIO(client.get(f"{path}/liste.xlsx").data)).active

    assert text.headers["Content-Disposition"] == "attachment; filename=liste-ete-co.csv"
    assert [rows[1][0], rows[1][6], rows[1][10]] == ["'=1+1", "'@SUM(A1)", "'+33 =HYPERLINK(1)"]
    assert rows[1][1] == "entreprise d’insertion"
    assert [cell.data_type for cell in sheet[2] if cell.value] == ["s"] * len([cell for cell in sheet[2] if cell.value])
    assert sheet["A2"].value == "=1+1"


def test_a_list_of_any_length_takes_the_same_number_of_queries(client: Client, buyer, queries) -> None:
    entry = kept(by=buyer)
    counts = []
    for more in (1, 8):
        for _one in range(more):
            db.session.add(ShortlistEntry(shortlist_id=entry.shortlist_id, supplier=OfferFactory().organisation))
        db.session.commit()
        queries.clear()
        client.get(f"/achats/listes/{entry.shortlist_id}")
        counts.append(len(queries))

    assert counts[0] == counts[1]


# Open searches


def test_a_need_is_opened_to_all_and_anybody_reads_it(client: Client, buyer) -> None:
    need = NeedFactory(organisation=buyer.organisation)
    assert "Ouvrir la recherche à tous" in client.get(f"/besoins/{need.id}").text
    path = f"/achats/besoins/{need.id}/recherche"

    late = client.post(path, data={"closes_on": today() - timedelta(days=1), "frame": "open"})
    beyond = client.post(path, data={"closes_on": need.expires_on + timedelta(days=1), "frame": "open"})
    opened = client.post(path, data={"closes_on": today() + timedelta(days=9), "frame": "reserved_insertion"})

    assert (late.status_code, beyond.status_code, opened.status_code) == (422, 422, 302)
    assert "Votre besoin est publié jusqu’au" in words(beyond.text)
    with client.session_transaction() as session:
        session.clear()
    page = words(client.get(opened.location).text)
    assert "articles L2113-13 et R2113-7" in page
    assert "18 h" in page
    assert "Me connecter" in page
    assert need.title in words(client.get("/achats/recherches").text)


def test_what_cannot_be_opened_says_so(client: Client, buyer) -> None:
    need = NeedFactory(organisation=buyer.organisation, category=Category.JOB)

    page = client.get(f"/achats/besoins/{need.id}/recherche")

    assert "Ce besoin ne peut pas être ouvert à tous" in words(page.text)


def test_a_question_is_read_by_all_without_the_name_of_who_asks(client: Client, buyer) -> None:
    search = supplier_search()
    path = f"/achats/recherches/{search.id}"

    refused = client.post(f"{path}/questions", data={"question": "Appelez-moi au 02 33 00 00 00"})
    asked = client.post(f"{path}/questions", data={"question": "La vaisselle est-elle fournie ?"})

    assert (refused.status_code, asked.status_code) == (422, 302)
    with client.session_transaction() as session:
        session.clear()
    anybody = client.get(path).text
    assert "La vaisselle est-elle fournie ?" in anybody
    assert buyer.organisation.name not in anybody
    client.sign_in(UserFactory(organisation=search.need.organisation))
    assert buyer.organisation.name in client.get(path).text


def test_the_buyer_answers_for_all_and_puts_off_or_stops_the_search(client: Client, nudged) -> None:
    question = search_question()
    search = question.search
    client.sign_in(UserFactory(organisation=search.need.organisation))
    field = f"{question.id}-answer"

    assert client.post(f"/achats/questions/{question.id}/reponse", data={field: "voir x@y.fr"}).status_code == 422
    assert client.post(f"/achats/questions/{question.id}/reponse", data={field: "Oui, tout est fourni."}).status_code == 302
    earlier = client.post(f"/achats/recherches/{search.id}/date", data={"closes_on": today() + timedelta(days=2)})
    later = client.post(f"/achats/recherches/{search.id}/date", data={"closes_on": today() + timedelta(days=30)})
    assert (earlier.status_code, later.status_code) == (422, 302)
    assert "La date ne peut qu’être repoussée" in words(earlier.text)
    client.post(f"/achats/recherches/{search.id}/arreter")

    page = words(client.get(f"/achats/recherches/{search.id}").text)
    assert "Oui, tout est fourni." in page
    assert "L’acheteur a arrêté sa recherche." in page
    assert "Ouvrir de nouveau" in page
    assert ("tasks.outbox.drain",) in nudged


def test_too_late_is_told_and_changes_nothing(client: Client, buyer) -> None:
    search = supplier_search(closes_at=now() - timedelta(minutes=1))
    path = f"/achats/recherches/{search.id}"

    assert client.post(f"{path}/questions", data={"question": "Encore ?"}).status_code == 302
    assert client.post(f"{path}/repondre").status_code == 302

    page = words(client.get(path).text)
    assert "La date limite est passée." in page
    assert db.session.scalars(select(SearchQuestion)).all() == []
    assert db.session.scalars(select(GroupAnswer)).all() == []


def test_the_page_of_a_search_takes_the_same_number_of_queries_for_any_number_of_questions(client: Client, buyer, queries) -> None:
    search = supplier_search()
    counts = []
    for more in (1, 8):
        for _one in range(more):
            search_question(search)
        db.session.commit()
        queries.clear()
        client.get(f"/achats/recherches/{search.id}")
        counts.append(len(queries))

    assert counts[0] == counts[1]


# Answers together


def test_an_answer_is_composed_together_said_yes_to_and_handed_in(client: Client) -> None:
    search = supplier_search()
    lead, partner = UserFactory(), UserFactory(organisation=OrganisationFactory(name="Ateliers Noisillon"))
    client.sign_in(lead)
    path = client.post(f"/achats/recherches/{search.id}/repondre").location

    nobody = client.post(f"{path}/inviter", data={"invite-name": "zzzz", "invite-part": "Le service", "invite-share": "30"})
    assert "Personne sous ce nom" in words(nobody.text)
    assert client.post(f"{path}/inviter", data={"invite-name": "noisillon", "invite-part": "Le service", "invite-share": "100"}).status_code == 422
    assert client.post(f"{path}/inviter", data={"invite-name": "noisillon", "invite-part": "Le service", "invite-share": "30"}).status_code == 302
    composing = next(form for form in forms(client.get(path).text) if form.action.endswith("/termes"))
    sent = composing.filled(summary="Un buffet pour tous.", contact="Camille, 02 33 00 00 00", liability="solidaire")
    mine = next(name for name in composing.values if name.endswith("-part") and composing.values[name] == [""])
    assert client.post(f"{path}/termes", data=sent | {mine: "La cuisine"}).status_code == 302
    client.post(f"{path}/remettre")
    assert "Tout le monde n’a pas encore dit oui." in words(client.get(path).text)

    client.sign_in(partner)
    assert "Chacun s’engage pour le tout." in words(client.get(path).text)
    assert "1 à traiter" in words(client.get("/achats").text)
    yes = next(form for form in forms(client.get(path).text) if form.action.endswith("/oui"))
    assert client.post(f"{path}/oui", data=yes.values).status_code == 302
    assert client.post(f"{path}/remettre").status_code == 404

    client.sign_in(UserFactory(organisation=search.need.organisation))
    assert "Pas encore de réponse" in client.get(f"/achats/recherches/{search.id}/reponses").text
    client.sign_in(lead)
    client.post(f"{path}/remettre")
    client.sign_in(UserFactory(organisation=search.need.organisation))
    page = words(client.get(f"/achats/recherches/{search.id}/reponses").text)
    assert "1 réponse remise" in page
    assert "mandataire, parle pour tous" in page
    assert "Ateliers Noisillon" in page
    assert client.get(path).status_code == 404


def test_several_structures_of_a_name_are_chosen_from(client: Client) -> None:
    group = group_answer()
    one, _two = OrganisationFactory(name="Picorée Caen"), OrganisationFactory(name="Picorée Flers")
    client.sign_in(UserFactory(organisation=group.lead))
    path = f"/achats/reponses/{group.id}"
    typed = {"invite-name": "picorée", "invite-part": "La salle", "invite-share": "10"}

    asked = client.post(f"{path}/inviter", data=typed)
    assert (asked.status_code, "Picorée Caen, Flers (61)" in words(asked.text)) == (422, True)
    client.post(f"{path}/inviter", data=typed | {"invite-structure": one.id})

    assert db.session.scalars(select(GroupMember).where(GroupMember.organisation_id == one.id)).one().share == 10
    assert client.post(f"{path}/inviter", data=typed | {"invite-structure": "x"}).status_code == 422


def test_terms_that_changed_meanwhile_are_read_again_before_a_yes(client: Client) -> None:
    group = group_answer()
    partner = group.members[1]
    client.sign_in(UserFactory(organisation=partner.organisation))

    client.post(f"/achats/reponses/{group.id}/oui", data={"termes": group.terms + 1})

    assert "La réponse a été modifiée pendant que vous lisiez" in words(client.get(f"/achats/reponses/{group.id}").text)
    db.session.refresh(partner)
    assert partner.state is MemberState.INVITED


def test_who_says_no_sees_so_and_may_come_back(client: Client) -> None:
    group = group_answer()
    client.sign_in(UserFactory(organisation=group.members[1].organisation))
    path = f"/achats/reponses/{group.id}"

    client.post(f"{path}/non", data={"comment": "Pas en juin"})
    page = client.get(path).text
    assert heading(page) == "Vous avez dit non à cette réponse commune"
    assert group.summary not in page
    client.post(f"{path}/revenir")

    assert heading(client.get(path).text).endswith("vous propose de répondre ensemble")


def test_who_was_taken_off_reads_no_more_of_it(client: Client) -> None:
    group = group_answer()
    partner = group.members[1]
    client.sign_in(UserFactory(organisation=group.lead))
    client.post(f"/achats/membres/{partner.id}/retirer")
    client.sign_in(UserFactory(organisation=partner.organisation))

    page = client.get(f"/achats/reponses/{group.id}").text

    assert heading(page) == "Cette réponse se fait sans vous"
    assert group.summary not in page


def test_a_handed_in_answer_is_taken_back_and_withdrawn(client: Client) -> None:
    group = group_answer()
    purchasing_groups.accept(group.members[1], terms=group.terms, settings=mail_settings())
    purchasing_groups.hand_in(group, settings=mail_settings())
    db.session.commit()
    client.sign_in(UserFactory(organisation=group.lead))
    path = f"/achats/reponses/{group.id}"
    assert heading(client.get(path).text) == "Votre réponse est remise"

    client.post(f"{path}/reprendre")
    assert heading(client.get(path).text) == "Votre réponse se prépare, à 2"
    client.post(f"{path}/retirer")
    assert heading(client.get(path).text) == "Cette réponse est retirée"
    db.session.refresh(group)
    assert group.state is AnswerState.WITHDRAWN


def test_a_search_that_ended_meanwhile_is_told_on_the_answer(client: Client) -> None:
    group = group_answer()
    group.search.need.status = "closed"
    db.session.commit()
    client.sign_in(UserFactory(organisation=group.lead))

    page = client.get(f"/achats/reponses/{group.id}").text
    client.post(f"/achats/reponses/{group.id}/remettre")

    assert heading(page) == "Cette réponse n’a pas été remise à temps"
    assert "L’acheteur a mis son besoin en pause, l’a fermé, ou il a expiré." in words(client.get(f"/achats/reponses/{group.id}").text)
    db.session.refresh(group)
    assert group.state is AnswerState.COMPOSED


def test_who_only_reads_for_a_structure_is_shown_no_button(client: Client) -> None:
    reader = UserFactory(reader=True)
    ours = reader.organisation
    entry = kept(by=UserFactory(organisation=ours))
    entry.note = "Venir voir"
    question = search_question(supplier_search(NeedFactory(organisation=ours)))
    led, asked = group_answer(lead=ours), group_answer(partner=ours)
    other = supplier_search()
    db.session.commit()
    client.sign_in(reader)
    pages = [
        "/achats",
        "/achats/listes",
        f"/achats/listes/{entry.shortlist_id}",
        f"/achats/recherches/{question.search_id}",
        f"/achats/recherches/{other.id}",
        f"/achats/reponses/{led.id}",
        f"/achats/reponses/{asked.id}",
    ]

    shown = {path: client.get(path) for path in pages}

    assert {response.status_code for response in shown.values()} == {200}
    assert [form.action for response in shown.values() for form in forms(response.text) if "csrf_token" in form.values or form.action != "/achats"] == []
    assert "Venir voir" in shown[f"/achats/listes/{entry.shortlist_id}"].text
    assert "Votre accès est en lecture" in shown[f"/achats/recherches/{other.id}"].text


def test_pages_with_nothing_yet_say_what_to_do(client: Client, buyer) -> None:
    assert "Rien d’ouvert pour l’instant" in words(client.get("/achats/recherches").text)
    assert "Voir les recherches ouvertes" in words(client.get("/achats/reponses").text)
    assert db.session.scalars(select(SupplierSearch)).all() == []
