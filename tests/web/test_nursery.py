"""The nursery's pages: who sees them, what they show, and that only a ticked structure is invited."""

from datetime import date, timedelta

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import ClusterAnswer, ClusterInvitation, OutboxMail
from matchmaker.services import nursery
from tests.factories import NeedFactory, UserFactory, departement
from tests.pages import words

MONDAY = date(2026, 11, 23)


def group():
    """Four structures around Flers that share a theme, found on a Monday."""
    people = [NeedFactory(themes=["eau"]).organisation for _ in range(4)]
    nursery.take(departement(), day=MONDAY)
    db.session.commit()
    (cluster,) = nursery.newest(departement()).clusters
    return cluster, people


def test_before_the_first_monday_the_page_says_so(client):
    client.sign_in(UserFactory(animator=True))

    assert "Pas encore de relevé" in client.get("/pepiniere").text
    assert client.get("/pepiniere?territoire=departement-76").status_code == 404
    assert client.get("/pepiniere?territoire=" + "x" * 3000).status_code == 404


def test_a_territory_without_links_has_no_group(client):
    NeedFactory()
    nursery.take(departement(), day=MONDAY)
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
    assert page.count('<circle class="ess" cx=') == 5
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
    nursery.take(departement(), day=MONDAY + timedelta(days=7))
    db.session.commit()
    (later,) = nursery.newest(departement()).clusters
    assert "intéressée" in client.get(f"/pepiniere/{later.id}").text
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))
    assert client.post(path, data={"reponse": "not_now"}).status_code == 404
