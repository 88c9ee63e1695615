"""Keeping a search, one's own list, and the link of a mail."""

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Rhythm, SavedSearch
from matchmaker.services import saved_searches
from matchmaker.services.search import Question
from matchmaker.web.settings import mail_settings
from tests.factories import OrganisationFactory, UserFactory
from tests.pages import forms, words


def kept(user) -> SavedSearch:
    saved = saved_searches.keep(user, Question(text="réemploi"), label="Structures, «\u00a0réemploi\u00a0»", address="q=r%C3%A9emploi", rhythm=Rhythm.WEEKLY)
    db.session.commit()
    return saved


def test_a_search_is_kept_from_its_page_and_found_again(client):
    OrganisationFactory(name="Tournebride")
    client.sign_in(UserFactory())
    query = {"q": "réemploi", "ou": "Flers (61)", "rayon": "20", "famille": ["association"], "page": "3"}
    form = next(form for form in forms(client.get("/annuaire", query_string=query).text) if form.action.startswith("/recherches"))

    response = client.post(form.action, data=form.filled(rhythm="daily"))

    assert response.location == "/annuaire?q=r%C3%A9emploi&ou=Flers+(61)&rayon=20&famille=association"
    saved = db.session.scalars(select(SavedSearch)).one()
    assert (saved.rhythm, saved.label) == (Rhythm.DAILY, "Structures, «\u00a0réemploi\u00a0», à moins de 20\u00a0km de Flers, association")
    page = client.get("/recherches").text
    assert "à moins de 20\u00a0km de Flers" in page
    assert client.get(f"/annuaire?{saved.address}").status_code == 200
    assert "Mes recherches" in client.get("/compte").text


def test_who_is_not_signed_in_is_led_to_sign_in_and_back(client):
    page = client.get("/annuaire", query_string={"q": "réemploi"}).text

    assert "/connexion?next=/annuaire?q%3D" in page or "/connexion?next=%2Fannuaire%3Fq%3D" in page
    assert client.post("/recherches?q=x", data={"rhythm": "daily"}).status_code == 302
    assert db.session.scalars(select(SavedSearch)).all() == []


def test_a_rhythm_is_changed_stopped_and_a_search_forgotten(client):
    user = UserFactory()
    client.sign_in(user)
    saved = kept(user)

    client.post(f"/recherches/{saved.id}/rythme", data={"rhythm": "daily"})
    db.session.refresh(saved)
    assert saved.rhythm is Rhythm.DAILY
    client.post(f"/recherches/{saved.id}/rythme", data={"rhythm": "hourly"})
    db.session.refresh(saved)
    assert saved.rhythm is Rhythm.DAILY
    client.post(f"/recherches/{saved.id}/rythme", data={"rhythm": "never"})
    db.session.refresh(saved)
    assert saved.stopped_at is not None
    client.post(f"/recherches/{saved.id}/oublier")
    assert db.session.scalars(select(SavedSearch)).all() == []
    assert "Vous ne gardez aucune recherche" in client.get("/recherches").text


def test_nobody_touches_the_searches_of_another(client):
    saved = kept(UserFactory())
    client.sign_in(UserFactory())

    assert client.post(f"/recherches/{saved.id}/rythme", data={"rhythm": "daily"}).status_code == 404
    assert client.post(f"/recherches/{saved.id}/oublier").status_code == 404
    assert "réemploi" not in client.get("/recherches").text


def test_the_link_of_a_mail_shows_and_only_its_button_stops(client):
    saved = kept(UserFactory())
    path = saved_searches.stop_link(saved, mail_settings()).removeprefix(mail_settings().public_url)

    shown = words(client.get(path).text)
    assert "Ne plus rien recevoir de cette recherche ?" in shown
    assert db.session.get_one(SavedSearch, saved.id).stopped_at is None
    done = client.post(path, follow_redirects=True)

    assert "C’est arrêté" in done.text
    db.session.expire_all()
    assert db.session.get_one(SavedSearch, saved.id).stopped_at is not None
    assert client.post(path).status_code == 302
    for wrong in (path[:-1], path + "x", "/recherches/arreter/x"):
        assert client.get(wrong).status_code == 404


def test_too_many_searches_are_refused_in_words(client):
    user = UserFactory()
    client.sign_in(user)
    for number in range(saved_searches.MOST):
        saved_searches.keep(user, Question(text=str(number)), label="Une", address=f"q={number}", rhythm=Rhythm.WEEKLY)
    db.session.commit()

    page = client.post("/recherches?q=encore", data={"rhythm": "weekly"}, follow_redirects=True).text

    assert "Vous gardez déjà 20 recherches" in page
