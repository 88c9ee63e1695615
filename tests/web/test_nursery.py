"""The nursery's pages: who sees them, what they show, and that only a ticked structure is invited."""

import re
from datetime import date, timedelta
from email import message_from_bytes, policy

import pytest
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Channel, ClusterAnswer, ClusterInvitation, OutboxMail
from matchmaker.models.base import now
from matchmaker.services import nursery
from tests.factories import NeedFactory, UserFactory, departement
from tests.pages import forms, words

MONDAY = date(2026, 11, 23)


def group():
    """Four structures around Flers that share a theme, found on a Monday."""
    people = [NeedFactory(themes=["eau"]).organisation for _ in range(4)]
    nursery.take(departement().parent, day=MONDAY)
    db.session.commit()
    (cluster,) = nursery.newest(departement()).clusters
    return cluster, people


def border():
    """Two structures of Flers in the Orne and two of Condé, in the Calvados, share a theme; those of Condé worked together."""
    flers = [NeedFactory(themes=["eau"]).organisation for _ in range(2)]
    conde = [NeedFactory(themes=["eau"], at="Condé-en-Normandie (14)").organisation for _ in range(2)]
    for _ in range(4):
        NeedFactory(themes=["habitat"], at="Alençon (61)")
    nursery.take(departement().parent, day=MONDAY)
    db.session.commit()
    (cluster,) = nursery.touching(nursery.newest(departement()), departement("14"))
    places = {member.organisation_id: member.position for member in cluster.members}
    pair = sorted(places[one.id] for one in conde)
    cluster.links = [[*pair, "together"], *[link for link in cluster.links if link[:2] != pair]]
    db.session.commit()
    return cluster, flers, conde


def test_before_the_first_monday_the_page_says_so(client):
    client.sign_in(UserFactory(animator=True))

    assert "Pas encore de relevé" in client.get("/pepiniere").text
    assert client.get("/pepiniere?territoire=departement-76").status_code == 404
    assert client.get("/pepiniere?territoire=" + "x" * 3000).status_code == 404


def test_a_territory_without_links_has_no_group(client):
    NeedFactory()
    nursery.take(departement().parent, day=MONDAY)
    db.session.commit()
    client.sign_in(UserFactory(animator=True))

    assert "Aucun groupe cette semaine" in client.get("/pepiniere").text


def test_a_group_is_drawn_with_a_table_beside_and_told_to_nobody_else(client):
    cluster, people = group()
    path = f"/pepiniere/{cluster.id}"
    client.sign_in(UserFactory(organisation=people[0]))
    assert client.get(path).status_code == 403
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))
    assert client.get(path).status_code == 404

    client.sign_in(UserFactory(animator=True))
    assert "Une groupe" not in client.get("/pepiniere").text
    page = client.get(path).text
    # Four in each of the two drawings, and one in the legend.
    assert page.count('<circle class="ess" cx=') == 9
    assert all(f'class="lc-graph {css}"' in page for css in ("lc-graph-wide", "lc-graph-tall"))
    assert "Pour un pôle de coopération, il manque une entreprise" in words(page)
    for one in people:
        assert one.name in page
        assert one.email not in page


def test_only_who_was_ticked_is_invited(client, nudged):
    cluster, people = group()
    path = f"/pepiniere/{cluster.id}"
    client.sign_in(UserFactory(animator=True))
    assert client.post(path, data={"message": "Bonjour"}).status_code == 422
    assert client.post(path, data={"members": ["x"], "message": "é" * 5000}).status_code == 422

    client.post(path, data={"members": [str(people[0].id)], "message": "On en parle\u00a0?"})

    (mail,) = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "cluster_invitation"))
    assert mail.organisation_id == people[0].id
    assert nudged == [("tasks.outbox.drain",)]
    page = client.get(path).text
    assert "invitée le" in page
    assert f'value="{people[0].id}"' not in page
    assert client.post(path, data={"members": [str(people[0].id)]}).status_code == 422


def test_an_answer_is_noted(client):
    cluster, people = group()
    client.sign_in(UserFactory(animator=True))
    client.post(f"/pepiniere/{cluster.id}", data={"members": [str(people[0].id)]})
    one = db.session.query(ClusterInvitation).one()
    path = f"/pepiniere/invitations/{one.id}"
    assert client.post(path, data={"reponse": "peut-être"}).status_code == 422

    client.post(path, data={"reponse": "interested"})

    db.session.expire_all()
    assert db.session.get(ClusterInvitation, one.id).answer is ClusterAnswer.INTERESTED
    assert "intéressée" in client.get(f"/pepiniere/{cluster.id}").text
    nursery.take(departement().parent, day=MONDAY + timedelta(days=7))
    db.session.commit()
    (later,) = nursery.newest(departement()).clusters
    assert "intéressée" in client.get(f"/pepiniere/{later.id}").text
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))
    assert client.post(path, data={"reponse": "not_now"}).status_code == 404


def test_across_a_border_each_animator_invites_their_own(client):
    cluster, flers, conde = border()
    path = f"/pepiniere/{cluster.id}"
    client.sign_in(UserFactory(animator=True, territories=[departement("14")]))
    assert "Calvados et Orne" in words(client.get("/pepiniere").text)
    page = client.get(path).text
    assert "à inviter par l’animation de : Orne" in words(page)
    assert [f'value="{one.id}"' in page for one in (*flers, *conde)] == [False, False, True, True]
    assert 'class="together" d="M' in page.replace('d="M0 8H28"', "")
    assert client.post(path, data={"members": [str(flers[0].id)]}).status_code == 422
    client.post(path, data={"members": [str(conde[0].id)]})

    client.sign_in(UserFactory(animator=True))
    page = client.get(path).text
    assert "par l’animation de : Calvados" in words(page)
    # What two structures of the Calvados concluded is for who looks after them.
    assert 'class="together" d="M' not in page.replace('d="M0 8H28"', "")
    assert client.post(f"/pepiniere/invitations/{db.session.query(ClusterInvitation).one().id}", data={"reponse": "interested"}).status_code == 404


@pytest.fixture
def link(client):
    """The link of a mail of the nursery, and who was invited."""
    cluster, people = group()
    client.sign_in(UserFactory(animator=True, name="Odile Marin"))
    client.post(f"/pepiniere/{cluster.id}", data={"members": [str(people[0].id)], "message": "On en parle\u00a0?"})
    client.get("/deconnexion")
    mail = db.session.scalars(select(OutboxMail)).one()
    return re.search(r"http://[^/]+(/pepiniere/reponses/[^?\s]+)\?reponse=oui", body(mail))[1]


def body(mail: OutboxMail) -> str:
    told = message_from_bytes(mail.message, policy=policy.default).get_body(("plain",))
    return told.get_content()


def invited() -> ClusterInvitation:
    db.session.expire_all()
    return db.session.query(ClusterInvitation).one()


def test_an_invited_structure_answers_by_the_link_of_its_mail(client, app, link):
    fresh = app.test_client()
    page = fresh.get(f"{link}?reponse=oui")
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "On en parle" in page.text
    assert page.text.count("Flers") == 3
    assert invited().answer is None
    form = forms(page.text)[-1]
    assert form.values["reponse"] == ["oui"]

    assert [fresh.post(link, data=wrong).status_code for wrong in ({}, {"reponse": "peut-être"})] == [422, 422]
    answer = fresh.post(link, data=form.values, follow_redirects=True)

    assert "Votre réponse est notée : intéressée" in words(answer.text)
    assert (invited().answer, invited().channel) == (ClusterAnswer.INTERESTED, Channel.LINK)
    client.sign_in(UserFactory(animator=True))
    assert "par son lien" in client.get(f"/pepiniere/{invited().cluster_id}").text
    assert "1 invitée, dont 1 intéressée" in words(client.get("/pepiniere").text)


def test_a_link_that_is_not_ours_is_not_there_and_an_old_one_says_that_it_is_over(client, link):
    token = link.rpartition("/")[2]
    for wrong in ("x", token[:-1], token + "x", "é" * 3000, token.swapcase()):
        assert client.get(f"/pepiniere/reponses/{wrong}").status_code == 404
    form = forms(client.get(link).text)[-1]
    invited().invited_at -= timedelta(days=91)
    db.session.commit()

    assert client.get(link).status_code == 410
    assert client.post(link, data=form.values | {"reponse": "oui"}).status_code == 410
    assert invited().answer is None


def test_the_link_of_a_structure_that_was_erased_is_over(client, link):
    invited().organisation.erased_at = now()
    db.session.commit()

    assert client.get(link).status_code == 410
