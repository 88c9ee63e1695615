"""Inscribing a structure in three steps and a mail."""

import re
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from matchmaker.extensions import db
from matchmaker.models import EssLabel, Family, InclusionKind, JoinRequest, Organisation, OutboxMail, Role, SignUp, Standing, User
from matchmaker.models.base import today
from tests.company_directory import SEAT, SIRET, Directory, directory, unit
from tests.conftest import Client
from tests.factories import OrganisationFactory, UserFactory
from tests.pages import forms, heading, words

STRUCTURE = {"organisation": "Les Ateliers du Bocage", "family": "association", "commune": "Flers", "inclusion_kind": ""}
PERSON = {
    "name": "Camille Durand",
    "email": "Camille@Ateliers.test",
    "password": "une phrase assez longue",
    "monthly_budget": "4",
    "terms": "y",
}


@pytest.fixture
def register(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    with directory() as running:
        monkeypatch.setitem(app.config, "COMPANY_SEARCH_URL", running.url)
        yield running


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def mails(kind: str) -> list[OutboxMail]:
    return list(db.session.scalars(select(OutboxMail).where(OutboxMail.kind == kind).order_by(OutboxMail.id)))


def link_of(mail: OutboxMail, place: str = "inscription/fin") -> str:
    text = mail.message.decode().replace("=\r\n", "").replace("=3D", "=")
    found = re.search(rf"http://croisee\.test(/{place}/[\w-]+)", text)
    assert found is not None
    return found[1]


def tell(client: Client, number: str = SIRET, structure: dict[str, str] = STRUCTURE, person: dict[str, str] = PERSON):  # type: ignore[no-untyped-def]
    """The three steps, one after the other."""
    first = client.post("/inscription", data={"number": number} if number else {"action": "none"})
    assert first.location == "/inscription/structure", first.text
    second = client.post("/inscription/structure", data=structure)
    assert second.location == "/inscription/vous", second.text
    return client.post("/inscription/vous", data=person)


def test_three_steps_and_the_link_of_a_mail_make_a_structure_and_who_administers_it(client: Client) -> None:
    response = tell(client)

    assert response.location == "/inscription/envoye"
    assert (count(Organisation), count(User)) == (0, 0), "nothing is before the mail was read"
    link = link_of(mails("sign_up")[0])
    assert heading(client.get(link).text) == "Inscrire Les Ateliers du Bocage ?"
    assert count(Organisation) == 0, "programs that read mails open links too"

    done = client.post(link)

    assert done.location == "/annonces"
    user = db.session.scalars(select(User)).one()
    assert (user.email, user.name, user.role, user.standing) == ("camille@ateliers.test", "Camille Durand", Role.MEMBER, Standing.ADMINISTRATOR)
    assert user.email_verified_at is not None
    assert user.last_login_at is not None, "the link let them in"
    structure = user.organisation
    assert structure is not None
    assert (structure.name, structure.siret, structure.family, structure.monthly_budget) == ("Les Ateliers du Bocage", SIRET, Family.ASSOCIATION, 4)
    assert (structure.commune.label, structure.territory.code, structure.email) == ("Flers (61)", "61", "camille@ateliers.test")
    assert "Les Ateliers du Bocage" in client.get("/compte").text


def test_the_directory_fills_the_second_step_and_vouches_for_what_nobody_typed(client: Client, register: Directory) -> None:
    client.post("/inscription", data={"number": "732 829 320 00074"})
    page = client.get("/inscription/structure").text

    assert "L’annuaire public a rempli cette page." in words(page)
    shown = forms(page)[-1]
    assert shown.values["organisation"] == ["LES ATELIERS DU BOCAGE"]
    assert (shown.values["family"], shown.values["inclusion_kind"], shown.values["commune"]) == (["association"], ["ACI"], ["Flers (61)"])
    client.post("/inscription/structure", data=shown.filled(organisation="Les Ateliers du Bocage"))
    client.post("/inscription/vous", data=PERSON)
    client.post(link_of(mails("sign_up")[0]))

    structure = db.session.scalars(select(Organisation)).one()
    assert (structure.name, structure.inclusion_kind, structure.ess_label) == ("Les Ateliers du Bocage", InclusionKind.ACI, EssLabel.LISTED)
    assert (structure.naf, structure.idcc) == ("88.10C", "1518")
    assert register.asked == [f"/search {SIRET}"]


def test_a_label_cannot_be_typed(client: Client) -> None:
    tell(client, structure=STRUCTURE | {"ess_label": "verified", "is_third_place": "y"}, person=PERSON | {"standing": "reader", "role": "admin"})
    client.post(link_of(mails("sign_up")[0]), data={"role": "admin"})

    assert db.session.scalars(select(Organisation.ess_label)).one() is EssLabel.DECLARED
    assert db.session.scalars(select(User.role)).one() is Role.MEMBER


def test_a_closed_establishment_is_named_and_the_seats_number_is_one_press_away(client: Client, register: Directory) -> None:
    register.results = [unit({"etat_administratif": "F", "date_fermeture": "2024-05-31"})]
    client.post("/inscription", data={"number": SIRET})

    page = client.get("/inscription/structure").text

    assert "Cet établissement de LES ATELIERS DU BOCAGE est fermé depuis le vendredi 31 mai 2024." in words(page)
    assert forms(page)[0].values["number"] == [SEAT]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"status": 429}, "L’annuaire public ne répond pas en ce moment."),
        ({"body": b"?"}, "L’annuaire public ne répond pas en ce moment."),
        ({"results": []}, f"L’annuaire public ne connaît pas le {SIRET}."),
    ],
)
def test_without_the_directory_people_fill_in_themselves(client: Client, register: Directory, fault: dict[str, object], told: str) -> None:
    for name, value in fault.items():
        setattr(register, name, value)
    client.post("/inscription", data={"number": SIRET})

    assert told in words(client.get("/inscription/structure").text)
    assert client.post("/inscription/structure", data=STRUCTURE).location == "/inscription/vous"


def test_an_association_without_siret_and_a_collective_without_number_come_in(client: Client, app: Flask) -> None:
    tell(client, number="w611000001")
    client.post(link_of(mails("sign_up")[0]))
    other = app.test_client()
    tell(other, number="", structure=STRUCTURE | {"organisation": "Café des possibles", "family": "collectif"}, person=PERSON | {"email": "lou@cafe.test"})
    other.post(link_of(mails("sign_up")[1]))

    found = db.session.execute(select(Organisation.name, Organisation.siret, Organisation.rna, Organisation.family).order_by(Organisation.created_at)).all()
    assert [tuple(row) for row in found] == [
        ("Les Ateliers du Bocage", None, "W611000001", Family.ASSOCIATION),
        ("Café des possibles", None, None, Family.COLLECTIVE),
    ]


def test_the_directory_fills_in_an_association_by_its_rna_and_adds_its_siret(client: Client, register: Directory) -> None:
    client.post("/inscription", data={"number": "w 611 000 001"})
    page = client.get("/inscription/structure").text
    tell(client, number="W611000001")
    client.post(link_of(mails("sign_up")[0]))

    assert register.asked == ["/search W611000001"], "asked once, and kept"
    assert forms(page)[0].values["organisation"] == ["LES ATELIERS DU BOCAGE"]
    assert f"Votre SIRET y est aussi : {SEAT}." in words(page)
    made = db.session.scalars(select(Organisation)).one()
    assert (made.siret, made.rna, made.ess_label, made.idcc) == (SEAT, "W611000001", EssLabel.LISTED, "1518")


@pytest.mark.parametrize(("results", "told"), [([], "il n’a que les associations qui ont un SIRET"), (None, "L’annuaire public ne répond pas")])
def test_an_association_that_the_directory_does_not_know_is_no_less_welcome(client: Client, register: Directory, results: list | None, told: str) -> None:
    register.results = results or []
    register.status = 200 if results is not None else 503
    client.post("/inscription", data={"number": "W611000001"})

    assert told in words(client.get("/inscription/structure").text)
    assert client.post("/inscription/structure", data=STRUCTURE).location == "/inscription/vous"


def test_an_association_that_is_there_by_its_siret_is_joined_by_its_rna(client: Client, register: Directory) -> None:
    there = OrganisationFactory(siret=SEAT)

    assert client.post("/inscription", data={"number": "W611000001"}).location == f"/inscription/rejoindre/{there.id}"


def test_an_association_that_is_there_by_its_rna_is_shown_to_who_gives_its_siret(client: Client, register: Directory) -> None:
    there = OrganisationFactory(name="ADB", rna="W611000001", at="Caen (14)")
    client.post("/inscription", data={"number": SIRET})

    page = client.post("/inscription/structure", data=STRUCTURE)

    assert (page.status_code, f"/inscription/rejoindre/{there.id}" in page.text) == (422, True)


def test_an_establishment_of_the_same_siren_in_the_same_commune_is_shown_before(client: Client) -> None:
    there = OrganisationFactory(name="Le Palonnier", siret=SEAT, at="Flers (61)")
    OrganisationFactory(name="La Navette", siret="73282932000090", at="Caen (14)")
    client.post("/inscription", data={"number": SIRET})

    page = client.post("/inscription/structure", data=STRUCTURE).text

    assert page.count("C’est la mienne") == 1
    assert f"/inscription/rejoindre/{there.id}" in page


def test_an_agreement_as_esus_is_kept_with_its_last_day(client: Client) -> None:
    last = today() + timedelta(days=400)
    client.post("/inscription", data={"number": SIRET})
    for wrong in (today() - timedelta(days=1), today() + timedelta(days=3000)):
        response = client.post("/inscription/structure", data=STRUCTURE | {"esus_until": wrong.isoformat()})
        assert (response.status_code, 'id="esus_until-error"' in response.text) == (422, True)

    tell(client, structure=STRUCTURE | {"esus_until": last.isoformat(), "inclusion_kind": "EA"})
    client.post(link_of(mails("sign_up")[0]))

    structure = db.session.scalars(select(Organisation)).one()
    assert (structure.esus_until, structure.inclusion_kind) == (last, InclusionKind.EA)
    assert "Agrément ESUS jusqu’au" in client.get(f"/structures/{structure.id}").text


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Écrivez le numéro."),
        ("7328293200007", "Il manque 1 chiffre au SIRET\u00a0: 13 sur 14."),
        ("73282932000075", "Ce SIRET n’existe pas"),
        ("00000000000000", "Ce SIRET n’existe pas"),
        ("W12", "Un numéro RNA s’écrit W et neuf chiffres."),
        ("9" * 10_000, "Il y a trop de chiffres\u00a0: 10000 au lieu de 14."),
    ],
)
def test_a_number_that_cannot_be_right_is_explained(client: Client, typed: str, message: str) -> None:
    response = client.post("/inscription", data={"number": typed})

    assert (response.status_code, message in response.text, 'href="#number"' in response.text) == (422, True, True)


def test_an_establishment_of_la_poste_has_a_key_of_its_own(client: Client) -> None:
    assert client.post("/inscription", data={"number": "35600000049837"}).location == "/inscription/structure"


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("organisation", "", "Dites-nous comment s’appelle votre structure."),
        ("organisation", "a" * 201, "C’est trop long\u00a0: 200 caractères au plus."),
        ("family", "", "Choisissez ce qui s’en approche le plus."),
        ("commune", "", "Où êtes-vous"),
        ("commune", "%' OR 1=1 --", "Nous ne connaissons pas cette commune."),
        ("commune", "Saint-Aubin", "Plusieurs communes correspondent"),
    ],
)
def test_each_answer_of_the_second_step_is_explained_beside_its_field(client: Client, field: str, typed: str, message: str) -> None:
    response = client.post("/inscription/structure", data={name: value for name, value in (STRUCTURE | {field: typed}).items() if value})

    assert response.status_code == 422
    assert message in response.text
    assert f'href="#{field}"' in response.text
    assert f'id="{field}-error"' in response.text


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("email", "camille", "Cette adresse ne semble pas complète."),
        ("email", "hélène@ateliers.test", "Cette adresse ne semble pas complète."),
        ("password", "trop court", "Douze caractères au moins."),
        ("password", "les ateliers du bocage", "C’est presque votre nom"),
        ("terms", "", "Cochez pour continuer."),
    ],
)
def test_each_answer_of_the_third_step_is_explained_and_what_was_typed_is_kept(client: Client, field: str, typed: str, message: str) -> None:
    response = tell(client, person={name: value for name, value in (PERSON | {field: typed}).items() if value})

    assert response.status_code == 422
    assert message in response.text
    assert f'id="{field}-error"' in response.text
    assert 'value="Camille Durand"' in response.text
    assert PERSON["password"] not in response.text
    assert count(SignUp) == 0


def test_the_third_step_needs_the_second(client: Client) -> None:
    assert client.get("/inscription/vous").location == "/inscription"
    assert client.post("/inscription/vous", data=PERSON).location == "/inscription"


def test_a_structure_that_is_inscribed_is_joined_instead(client: Client) -> None:
    structure = OrganisationFactory(siret=SIRET)

    assert client.post("/inscription", data={"number": SIRET}).location == f"/inscription/rejoindre/{structure.id}"


def test_a_structure_of_nearly_the_same_name_in_the_same_commune_is_shown_before(client: Client) -> None:
    twin = OrganisationFactory(name="Ateliers du bocage", at="Flers (61)")
    OrganisationFactory(name="Ateliers du bocage", at="Caen (14)")
    client.post("/inscription", data={"number": SIRET})

    asked = client.post("/inscription/structure", data=STRUCTURE)
    sure = client.post("/inscription/structure", data=STRUCTURE | {"another": "y"})

    assert asked.status_code == 422
    assert "Est-ce l’une de celles-ci" in asked.text
    assert asked.text.count("C’est la mienne") == 1
    assert f"/inscription/rejoindre/{twin.id}" in asked.text
    assert sure.location == "/inscription/vous"


def test_attack_12_an_address_that_has_an_account_is_told_so_by_its_mail_alone(client: Client, app: Flask) -> None:
    UserFactory(email="camille@ateliers.test")
    db.session.commit()

    known = tell(client)
    unknown = tell(app.test_client(), person=PERSON | {"email": "nouvelle@ateliers.test"})

    assert (known.status_code, known.location, known.data) == (unknown.status_code, unknown.location, unknown.data)
    assert [mail.recipient for mail in mails("sign_up_known")] == ["camille@ateliers.test"]
    assert [mail.recipient for mail in mails("sign_up")] == ["nouvelle@ateliers.test"]
    assert "/inscription/fin/" not in mails("sign_up_known")[0].message.decode()


def test_attack_12_a_known_and_an_unknown_address_take_the_same_time(client: Client, app: Flask) -> None:
    UserFactory(email="camille@ateliers.test")
    db.session.commit()
    taken: dict[str, list[float]] = {"camille@ateliers.test": [], "nouvelle@ateliers.test": []}

    for _time in range(5):
        for email, times in taken.items():
            client.post("/inscription", data={"action": "none"})
            client.post("/inscription/structure", data=STRUCTURE)
            before = time.perf_counter()
            client.post("/inscription/vous", data=PERSON | {"email": email})
            times.append(time.perf_counter() - before)

    known, unknown = (statistics.median(times) for times in taken.values())
    assert abs(known - unknown) <= max(0.05, 0.25 * max(known, unknown))


def test_the_link_of_a_sign_up_serves_once_and_for_two_days(client: Client, app: Flask) -> None:
    tell(client)
    link = link_of(mails("sign_up")[0])
    assert client.get("/inscription/fin/" + "a" * 43).status_code == 404
    assert client.post(link).status_code == 302
    assert app.test_client().post(link).status_code == 410
    assert count(User) == 1

    tell(client, number="", structure=STRUCTURE | {"organisation": "Autre chose"}, person=PERSON | {"email": "lou@cafe.test"})
    late = {column: getattr(SignUp, column) - timedelta(hours=49) for column in ("created_at", "expires_at")}
    db.session.execute(update(SignUp).values(**late), execution_options={"synchronize_session": False})
    db.session.commit()

    answer = client.get(link_of(mails("sign_up")[1]))
    assert answer.status_code == 410
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert count(User) == 1


def test_two_who_inscribe_one_structure_have_one_and_the_second_asks_to_join(client: Client, app: Flask) -> None:
    tell(client)
    tell(app.test_client(), person=PERSON | {"name": "Lou", "email": "lou@ateliers.test"})
    first, second = (link_of(mail) for mail in mails("sign_up"))

    assert client.post(first).location == "/annonces"
    assert app.test_client().post(second).location == "/inscription/demande-envoyee"

    assert (count(Organisation), count(User)) == (1, 1)
    assert db.session.scalars(select(JoinRequest.email)).one() == "lou@ateliers.test"
    assert [mail.recipient for mail in mails("join_request")] == ["camille@ateliers.test"]


def test_an_address_that_no_mail_reaches_is_taken_in_the_demonstration_only(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client.application.config, "DEMO", False)

    refused = tell(client)

    assert "email-error" in refused.text
    assert "email-error" not in client.post("/inscription/vous", data=PERSON | {"email": "camille@ateliers.fr"}).text


def test_a_commune_is_suggested_as_one_types_and_can_be_typed_without_it(client: Client) -> None:
    page = client.get("/inscription/structure").text

    assert 'hx-get="/communes"' in page
    assert 'list="communes"' in page
    assert '<option value="Flers (61)">' in client.get("/communes", query_string={"commune": "fler"}).text
