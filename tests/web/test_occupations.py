"""The occupation of an announcement: asked where the official list was imported, suggested, and read again."""

from pathlib import Path

import pytest

from matchmaker.extensions import db
from matchmaker.models import Category, Need
from matchmaker.services import occupations
from tests.factories import NeedFactory, OrganisationFactory, UserFactory
from tests.pages import forms, words
from tests.services.test_occupations import folder_of
from tests.test_cli import flask


@pytest.fixture
def member(app, client):
    user = UserFactory(organisation=OrganisationFactory())
    db.session.commit()
    client.sign_in(user)
    return user


@pytest.fixture
def imported(app, tmp_path: Path) -> Path:
    folder = folder_of(tmp_path)
    occupations.import_rome(folder)
    db.session.commit()
    return folder


@pytest.mark.parametrize("category", [Category.JOB, Category.POOLED_JOB, Category.PEER_TRAINING, Category.SKILLS_SPONSORSHIP])
def test_the_question_is_there_only_where_the_list_is(client, member, category, tmp_path):
    path = f"/besoins/nouveau/{category}"
    assert "occupation_code" not in client.get(path).text
    occupations.import_rome(folder_of(tmp_path))
    db.session.commit()

    page = client.get(path).text

    assert 'name="occupation_code"' in page
    assert 'hx-get="/metiers"' in page
    assert "occupation_code" not in client.get("/besoins/nouveau/purchase").text


def test_an_occupation_is_kept_shown_and_can_be_taken_away(client, member, imported):
    form = next(form for form in forms(client.get("/besoins/nouveau/job").text) if "title" in form.values)
    response = client.post("/besoins/nouveau/job", data=form.filled(title="Trois saisonniers", occupation_code="semeuse à la volée"))
    need = db.session.get(Need, response.location.rsplit("/", 1)[1])
    assert need.occupation_code == "Z1001"
    assert "Métier de référence Semeur / Semeuse de lin" in words(client.get(response.location).text)

    again = next(form for form in forms(client.get(f"{response.location}/modifier").text) if "title" in form.values)
    assert again.values["occupation_code"] == ["Semeur / Semeuse de lin (Z1001)"]
    client.post(f"{response.location}/modifier", data=again.filled(occupation_code=""))

    db.session.expire_all()
    assert need.occupation_code is None


def test_a_name_that_is_none_is_refused_and_kept_in_the_field(client, member, imported):
    form = next(form for form in forms(client.get("/besoins/nouveau/job").text) if "title" in form.values)

    response = client.post("/besoins/nouveau/job", data=form.filled(title="Trois saisonniers", occupation_code="Astronaute"))

    assert response.status_code == 422
    assert "Nous ne reconnaissons pas ce métier." in words(response.text)
    assert 'value="Astronaute"' in response.text


def test_editing_where_the_list_is_gone_leaves_the_rest_as_it_was(client, member):
    need = NeedFactory(organisation=member.organisation, category=Category.JOB)
    db.session.commit()
    form = next(form for form in forms(client.get(f"/besoins/{need.id}/modifier").text) if "title" in form.values)

    assert client.post(f"/besoins/{need.id}/modifier", data=form.filled(title="Autre titre")).status_code == 302


def test_suggestions_are_options_of_a_list(client, member, imported):
    assert client.get("/metiers?occupation_code=rouis").text.strip() == (
        '<option value="Rouisseuse (Z1002)"></option><option value="Ouvrière du rouissage (Z1002)"></option>'
    )
    assert client.get("/metiers?q=r").text.strip() == ""


def test_the_command_says_what_it_wrote_and_refuses_in_words(app, tmp_path):
    done = flask(app, "import", "rome", str(folder_of(tmp_path)))
    assert (done.exit_code, done.output) == (0, "3 occupations, 5 titles, 3 mobilities\n")

    (tmp_path / "rome_mobilites.csv").unlink()
    refused = flask(app, "import", "rome", str(tmp_path))

    assert refused.exit_code == 1
    assert "Nothing imported: rome_mobilites.csv is missing" in refused.output
    assert occupations.are_imported()
