"""« Notre équipe »: who may do what in a structure, coming in, leaving."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from matchmaker.extensions import db
from matchmaker.models import JoinRequest, MemberInvitation, Organisation, OutboxMail, Role, Standing, User, UserSession
from tests.conftest import Client
from tests.factories import PASSWORD, OrganisationFactory, UserFactory, departement
from tests.pages import heading, words

NEW = "une tout autre phrase"


@pytest.fixture
def structure(app: Flask) -> Organisation:
    organisation: Organisation = OrganisationFactory(name="Picorée")
    return organisation


@pytest.fixture
def chief(structure: Organisation) -> User:
    user: User = UserFactory(organisation=structure, name="Camille", email="camille@picoree.test")
    db.session.commit()
    return user


def mails(kind: str) -> list[OutboxMail]:
    return list(db.session.scalars(select(OutboxMail).where(OutboxMail.kind == kind).order_by(OutboxMail.id)))


def link_of(mail: OutboxMail) -> str:
    text = mail.message.decode().replace("=\r\n", "").replace("=3D", "=")
    found = re.search(r"http://croisee\.test(/rejoindre/[\w-]+)", text)
    assert found is not None
    return found[1]


def invite(client: Client, structure: Organisation, email: str = "lou@picoree.test", standing: str = "editor", **more: str):  # type: ignore[no-untyped-def]
    return client.post(f"/structures/{structure.id}/equipe/inviter", data={"email": email, "standing": standing, **more})


def take(client: Client, link: str, **more: str):  # type: ignore[no-untyped-def]
    return client.post(link, data={"name": "Lou", "password": NEW, "terms": "y", **more})


def again(user: User) -> User:
    db.session.expire_all()
    return db.session.get_one(User, user.id)


# Rights


def test_a_reader_reads_all_and_writes_nothing(client: Client, structure: Organisation, chief: User) -> None:
    client.sign_in(UserFactory(organisation=structure, reader=True))

    page = client.get("/annonces").text
    assert "Votre accès est en lecture." in words(page)
    assert "Déclarer un besoin" not in page
    for path in (
        "/besoins/nouveau",
        f"/structures/{structure.id}/modifier",
        f"/structures/{structure.id}/rythme",
        f"/structures/{structure.id}/equipe/inviter",
    ):
        assert client.get(path).status_code == 403
    refused = client.post("/annonces/diagnostic/plus-souvent")
    assert refused.status_code == 403
    assert "Votre accès est en lecture" in refused.text
    team = client.get(f"/structures/{structure.id}/equipe").text
    assert "camille@picoree.test" in team
    assert "Inviter une personne" not in team


def test_an_editor_writes_and_says_not_who_belongs(client: Client, structure: Organisation, chief: User) -> None:
    editor = UserFactory(organisation=structure, editor=True)
    client.sign_in(editor)

    assert client.get("/besoins/nouveau").status_code == 200
    assert client.get(f"/structures/{structure.id}/modifier").status_code == 200
    assert invite(client, structure).status_code == 403
    assert client.post(f"/structures/{structure.id}/equipe/{editor.id}/droit", data={"standing": "administrator"}).status_code == 403
    assert client.post(f"/structures/{structure.id}/equipe/{chief.id}/retirer").status_code == 403
    assert again(editor).standing is Standing.EDITOR


def test_the_administrator_changes_what_a_colleague_may_do_and_their_sessions_end(client: Client, app: Flask, structure: Organisation, chief: User) -> None:
    colleague = UserFactory(organisation=structure, editor=True)
    theirs = app.test_client()
    theirs.sign_in(colleague)
    client.sign_in(chief)

    response = client.post(f"/structures/{structure.id}/equipe/{colleague.id}/droit", data={"standing": "reader"})

    assert response.location == f"/structures/{structure.id}/equipe"
    assert again(colleague).standing is Standing.READER
    assert theirs.get("/compte").status_code == 302
    assert client.get("/compte").status_code == 200


def test_who_steps_back_goes_on_with_a_new_session(client: Client, structure: Organisation, chief: User) -> None:
    UserFactory(organisation=structure)
    client.sign_in(chief)
    before = client.get_cookie("croisee")

    client.post(f"/structures/{structure.id}/equipe/{chief.id}/droit", data={"standing": "editor"})

    assert client.get("/compte").status_code == 200
    assert client.get_cookie("croisee") != before
    assert again(chief).standing is Standing.EDITOR


@pytest.mark.parametrize("typed", ["", "owner", "ADMINISTRATOR", "administrator\x00"])
def test_a_standing_that_is_none_changes_nothing(client: Client, structure: Organisation, chief: User, typed: str) -> None:
    colleague = UserFactory(organisation=structure, editor=True)
    client.sign_in(chief)

    status = client.post(f"/structures/{structure.id}/equipe/{colleague.id}/droit", data={"standing": typed}).status_code

    assert status == 400 or (again(colleague).standing is Standing.ADMINISTRATOR and typed.rstrip("\x00") == "administrator")


def test_members_of_others_are_not_there(client: Client, structure: Organisation, chief: User) -> None:
    stranger, gone = UserFactory(), UserFactory(organisation=structure, is_active=False)
    client.sign_in(chief)

    for person in (stranger, gone):
        assert client.post(f"/structures/{structure.id}/equipe/{person.id}/droit", data={"standing": "reader"}).status_code == 404
        assert client.post(f"/structures/{structure.id}/equipe/{person.id}/retirer").status_code == 404
    assert client.get(f"/structures/{stranger.organisation_id}/equipe").status_code == 404


# Leaving


def test_attack_6_the_last_administrator_can_neither_leave_nor_step_back(client: Client, structure: Organisation, chief: User) -> None:
    UserFactory(organisation=structure, editor=True)
    client.sign_in(chief)

    assert "Vous êtes la seule personne qui administre" in client.get("/compte/quitter").text
    assert client.post("/compte/quitter").status_code == 409
    assert client.post(f"/structures/{structure.id}/equipe/{chief.id}/droit", data={"standing": "reader"}).status_code == 409
    assert (again(chief).is_active, again(chief).standing) == (True, Standing.ADMINISTRATOR)
    assert client.get("/compte").status_code == 200


def test_who_leaves_opens_nothing_any_more_and_what_they_wrote_stays(client: Client, structure: Organisation, chief: User) -> None:
    UserFactory(organisation=structure)
    client.sign_in(chief)
    assert "Quitter Picorée" in heading(client.get("/compte/quitter").text)

    assert client.post("/compte/quitter").location == "/"

    assert (again(chief).is_active, again(chief).left_at is not None) == (False, True)
    assert client.get("/compte").status_code == 302
    assert client.post("/connexion", data={"email": chief.email, "password": PASSWORD}).status_code == 422
    assert db.session.scalars(select(UserSession).where(UserSession.user_id == chief.id)).all() == []


def test_a_colleague_is_removed(client: Client, structure: Organisation, chief: User) -> None:
    colleague = UserFactory(organisation=structure, editor=True, name="Sacha")
    client.sign_in(chief)

    client.post(f"/structures/{structure.id}/equipe/{colleague.id}/retirer")

    assert not again(colleague).is_active
    assert "Sacha" not in re.sub(r'(?s)<div class="lc-flashes">.*?</div>\s*</div>\s*</div>', "", client.get(f"/structures/{structure.id}/equipe").text)


def test_who_speaks_for_no_structure_leaves_none(client: Client) -> None:
    client.sign_in(UserFactory(animator=True))

    assert client.get("/compte/quitter").status_code == client.post("/compte/quitter").status_code == 403


def test_when_the_administration_closes_the_last_administrators_account_somebody_takes_over(client: Client, structure: Organisation, chief: User) -> None:
    reader, editor = UserFactory(organisation=structure, reader=True), UserFactory(organisation=structure, editor=True)
    client.sign_in(UserFactory(admin=True))

    assert client.post(f"/comptes/{chief.id}/fermer").status_code == 302

    assert (again(chief).is_active, again(reader).standing, again(editor).standing) == (False, Standing.READER, Standing.ADMINISTRATOR)


# Inviting


def test_a_colleague_who_is_invited_comes_in_with_their_own_password(client: Client, app: Flask, structure: Organisation, chief: User) -> None:
    client.sign_in(chief)
    assert invite(client, structure, "Lou@Picoree.test", "reader", name="Lou Rivière", role="admin").location == f"/structures/{structure.id}/equipe"
    assert "lou@picoree.test" in client.get(f"/structures/{structure.id}/equipe").text
    mail = mails("member_invitation")[0]
    assert (mail.recipient, mail.subject) == ("lou@picoree.test", "Picorée vous invite sur La Croisée")
    guest = app.test_client()
    page = guest.get(link_of(mail))
    assert heading(page.text) == "Rejoindre Picorée"
    assert 'value="Lou Rivière"' in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"

    response = take(guest, link_of(mail), email="autre@ailleurs.test", standing="administrator", role="admin")

    assert response.location == f"/structures/{structure.id}/equipe"
    user = db.session.scalars(select(User).where(User.email == "lou@picoree.test")).one()
    assert (user.name, user.role, user.standing, user.organisation_id) == ("Lou", Role.MEMBER, Standing.READER, structure.id)
    assert user.email_verified_at is not None
    assert guest.get("/annonces").status_code == 200
    assert user.last_login_at is not None
    assert app.test_client().post("/connexion", data={"email": "lou@picoree.test", "password": NEW}).status_code == 302


def test_the_animator_invites_the_first_person_of_a_structure_that_came_from_a_list(client: Client, app: Flask) -> None:
    imported = OrganisationFactory(source="liste")
    client.sign_in(UserFactory(animator=True))

    assert invite(client, imported, "sacha@structure.test", "reader").status_code == 302
    assert take(app.test_client(), link_of(mails("member_invitation")[0])).status_code == 302

    assert [(user.email, user.role, user.standing) for user in imported.users] == [("sacha@structure.test", Role.MEMBER, Standing.ADMINISTRATOR)]


def test_nobody_invites_into_the_structure_of_others(client: Client, structure: Organisation) -> None:
    for stranger in (UserFactory(), UserFactory(animator=True, territories=[departement("76")])):
        client.sign_in(stranger)
        assert client.get(f"/structures/{structure.id}/equipe/inviter").status_code == 404
        assert invite(client, structure).status_code == 404
        assert "/equipe" not in client.get(f"/structures/{structure.id}").text
    assert mails("member_invitation") == []


def test_attack_6_an_invitation_is_good_once_for_its_address_and_for_seven_days(client: Client, app: Flask, structure: Organisation, chief: User) -> None:
    client.sign_in(chief)
    for email in ("a@picoree.test", "b@picoree.test", "c@picoree.test"):
        invite(client, structure, email)
    used, withdrawn, late = (link_of(mail) for mail in mails("member_invitation"))
    other = app.test_client()
    other.sign_in(UserFactory())
    assert take(other, used).status_code == 410, "somebody else is signed in"

    assert take(app.test_client(), used).status_code == 302
    assert take(app.test_client(), used).status_code == 410
    row = db.session.scalars(select(MemberInvitation).where(MemberInvitation.email == "b@picoree.test")).one()
    client.post(f"/structures/{structure.id}/equipe/invitations/{row.id}/retirer")
    assert take(app.test_client(), withdrawn).status_code == 410
    older = {column: getattr(MemberInvitation, column) - timedelta(days=8) for column in ("created_at", "expires_at")}
    db.session.execute(update(MemberInvitation).values(**older), execution_options={"synchronize_session": False})
    db.session.commit()
    assert take(app.test_client(), late).status_code == 410
    assert take(app.test_client(), "/rejoindre/" + "a" * 43).status_code == 404
    assert db.session.scalar(select(func.count()).select_from(User).where(User.organisation_id == structure.id)) == 2


def test_a_newer_invitation_ends_the_older_one(client: Client, app: Flask, structure: Organisation, chief: User) -> None:
    client.sign_in(chief)
    invite(client, structure)
    invite(client, structure, standing="administrator")
    first, second = (link_of(mail) for mail in mails("member_invitation"))

    assert take(app.test_client(), first).status_code == 410
    assert take(app.test_client(), second).status_code == 302
    assert db.session.scalars(select(User.standing).where(User.email == "lou@picoree.test")).one() is Standing.ADMINISTRATOR


def test_attack_12_inviting_a_known_and_an_unknown_address_looks_the_same(client: Client, app: Flask, structure: Organisation, chief: User) -> None:
    busy = UserFactory(email="occupee@ailleurs.test")
    client.sign_in(chief)

    known, unknown = invite(client, structure, busy.email), invite(client, structure, "personne@ailleurs.test")

    assert (known.status_code, known.location) == (unknown.status_code, unknown.location)
    assert len(mails("member_invitation")) == 2
    refused = take(app.test_client(), link_of(mails("member_invitation")[0]))
    assert refused.status_code == 409
    assert again(busy).organisation_id != structure.id


def test_who_left_another_structure_comes_in_with_the_same_address(client: Client, app: Flask, structure: Organisation, chief: User) -> None:
    former = UserFactory(email="lou@picoree.test", is_active=False, left_at=chief.created_at, name="Lou")
    client.sign_in(chief)
    invite(client, structure)

    assert take(app.test_client(), link_of(mails("member_invitation")[0])).status_code == 302

    user = again(former)
    assert (user.is_active, user.organisation_id, user.standing, user.left_at) == (True, structure.id, Standing.EDITOR, None)


def test_an_account_that_the_administration_closed_is_opened_by_no_invitation(client: Client, app: Flask, structure: Organisation, chief: User) -> None:
    closed = UserFactory(email="lou@picoree.test", is_active=False)
    client.sign_in(chief)
    invite(client, structure)

    assert take(app.test_client(), link_of(mails("member_invitation")[0])).status_code == 409
    assert not again(closed).is_active


@pytest.mark.parametrize(("field", "typed"), [("email", "lou"), ("email", ""), ("standing", "owner"), ("name", "a" * 121)])
def test_an_invitation_that_cannot_be_is_explained(client: Client, structure: Organisation, chief: User, field: str, typed: str) -> None:
    client.sign_in(chief)

    response = client.post(f"/structures/{structure.id}/equipe/inviter", data={"email": "lou@picoree.test", "standing": "editor", field: typed})

    assert (response.status_code, f'id="{field}-error"' in response.text) == (422, True)
    assert mails("member_invitation") == []


# Asking to join, claiming


def test_who_asks_to_join_is_answered_by_the_administrator_and_invited(client: Client, app: Flask, structure: Organisation, chief: User) -> None:
    guest = app.test_client()
    path = f"/inscription/rejoindre/{structure.id}"
    assert "déjà inscrite" in heading(guest.get(path).text)
    assert guest.post(path, data={"name": "Lou", "email": "lou@picoree.test", "message": "Je suis à l’accueil."}).location == "/inscription/demande-envoyee"
    assert [mail.recipient for mail in mails("join_request")] == ["camille@picoree.test"]
    client.sign_in(chief)
    assert "Je suis à l’accueil." in client.get(f"/structures/{structure.id}/equipe").text
    asked = db.session.scalars(select(JoinRequest)).one()

    client.post(f"/structures/{structure.id}/equipe/demandes/{asked.id}", data={"standing": "reader"})

    assert take(guest, link_of(mails("member_invitation")[0])).status_code == 302
    user = db.session.scalars(select(User).where(User.email == "lou@picoree.test")).one()
    assert (user.organisation_id, user.standing) == (structure.id, Standing.READER)
    assert client.post(f"/structures/{structure.id}/equipe/demandes/{asked.id}", data={"standing": ""}).status_code == 409


def test_who_is_refused_gets_nothing_and_may_ask_again(client: Client, app: Flask, structure: Organisation, chief: User) -> None:
    path, told = f"/inscription/rejoindre/{structure.id}", {"name": "Lou", "email": "lou@picoree.test"}
    for _time in range(3):
        app.test_client().post(path, data=told)
    asked = db.session.scalars(select(JoinRequest)).one()
    assert len(mails("join_request")) == 1
    client.sign_in(chief)

    client.post(f"/structures/{structure.id}/equipe/demandes/{asked.id}", data={"standing": ""})
    app.test_client().post(path, data=told)

    db.session.expire_all()
    assert mails("member_invitation") == []
    assert [row.is_accepted for row in db.session.scalars(select(JoinRequest).order_by(JoinRequest.created_at))] == [False, None]


def test_a_structure_of_nobody_is_claimed_and_its_animator_decides(client: Client, app: Flask) -> None:
    imported = OrganisationFactory(name="La Remise", source="liste")
    departement("61").contact_email = "animation@croisee.test"
    db.session.commit()
    guest = app.test_client()
    assert "La Remise vous attend" in heading(guest.get(f"/inscription/rejoindre/{imported.id}").text)
    guest.post(f"/inscription/rejoindre/{imported.id}", data={"name": "Lou", "email": "lou@remise.test"})
    assert [mail.recipient for mail in mails("join_request")] == ["animation@croisee.test"]
    elsewhere = app.test_client()
    elsewhere.sign_in(UserFactory(animator=True, territories=[departement("76")]))
    assert "Personne n’attend" in heading(elsewhere.get("/demandes-d-acces").text)
    client.sign_in(UserFactory(animator=True))
    assert "Lou, pour La Remise" in client.get("/demandes-d-acces").text
    asked = db.session.scalars(select(JoinRequest)).one()

    client.post(f"/structures/{imported.id}/equipe/demandes/{asked.id}", data={"standing": "reader"})
    take(guest, link_of(mails("member_invitation")[0]))

    user = db.session.scalars(select(User).where(User.email == "lou@remise.test")).one()
    assert user.standing is Standing.ADMINISTRATOR, "who comes first administers"
    assert "Personne n’attend" in heading(client.get("/demandes-d-acces").text)


def test_requests_and_invitations_of_others_are_not_there(client: Client, structure: Organisation, chief: User) -> None:
    other = UserFactory()
    client.sign_in(other)
    invite(client, other.organisation)
    client.post(f"/inscription/rejoindre/{other.organisation_id}", data={"name": "Lou", "email": "lou@ailleurs.test"})
    invitation, asked = db.session.scalars(select(MemberInvitation)).one(), db.session.scalars(select(JoinRequest)).one()
    client.sign_in(chief)

    assert client.post(f"/structures/{structure.id}/equipe/invitations/{invitation.id}/retirer").status_code == 404
    assert client.post(f"/structures/{structure.id}/equipe/demandes/{asked.id}", data={"standing": "reader"}).status_code == 404
    assert client.post(f"/structures/{other.organisation_id}/equipe/invitations/{invitation.id}/retirer").status_code == 404


def test_the_team_costs_the_same_for_two_and_for_twenty(client: Client, structure: Organisation, chief: User, queries: list[str]) -> None:
    client.sign_in(chief)

    def cost() -> int:
        queries.clear()
        assert client.get(f"/structures/{structure.id}/equipe").status_code == 200
        return len(queries)

    cost()
    few = cost()
    for number in range(20):
        UserFactory(organisation=structure, editor=True)
        invite(client, structure, f"personne{number}@picoree.test")

    assert cost() == few
