"""What is tried against the site: one test a line of the list of attacks, named by its number.

Those of accounts, sessions, keys and hosts (8 to 13 and 15) stand in tests/web/test_attacks_*.py and test_password_resets.py.
"""

import ast
import csv
import email
import email.policy
import inspect
import io
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask, render_template_string
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from config import ROOT, Config, TestConfig
from matchmaker.app import create_app
from matchmaker.extensions import db
from matchmaker.models import (
    AuditEntry,
    Base,
    CriteriaWeights,
    Invitation,
    InvitationAnswer,
    JobDating,
    MailObjection,
    MailStatus,
    Need,
    Offer,
    Organisation,
    OutboxMail,
    Role,
    Shortlist,
    ShortlistEntry,
    Topic,
    User,
    Venue,
)
from matchmaker.models.base import now, today
from matchmaker.services import addresses, invitations, job_dating_moves, job_datings, organisation_import, personal_data_erasing, personal_data_export
from matchmaker.services.organisation_csv import ImportRefused
from matchmaker.web.feedback import harmless
from matchmaker.web.forms import clean
from matchmaker.web.security import refuse_to_start
from matchmaker.web.settings import mail_settings
from tests.conftest import Client
from tests.factories import (
    JobDatingFactory,
    MailFactory,
    MatchFactory,
    NeedFactory,
    OfferFactory,
    OrganisationFactory,
    RunFactory,
    UserFactory,
    departement,
    mutual_match,
    proposals_of,
    venue,
)
from tests.itip import History
from tests.pages import forms, words
from tests.test_access import OPEN, address, foreign_ids, may, routes
from tests.test_bad_input import make_world

EVIL = "Le Lavoir\r\nBcc: tous@ailleurs.test\r\nATTACH:https://ailleurs.test/x"


def signed_in(client: Client, **traits: object) -> User:
    person: User = UserFactory(**traits)
    db.session.commit()
    client.sign_in(person)
    return person


def published() -> tuple[JobDating, Invitation]:
    dating = JobDatingFactory(venue=venue())
    job_datings.choose(dating, [MatchFactory(mutual=True)])
    invitation = job_datings.publish(dating, settings=mail_settings())[0]
    db.session.commit()
    return dating, invitation


def link(app: Flask, invitation: Invitation) -> str:
    return f"/invitations/{invitations.token(invitation, app.config['SECRET_KEY'])}"


# Whose it is


@pytest.mark.parametrize("traits", [{}, {"host": True}, {"animator": True, "territories": "76"}], ids=["member", "host", "animator"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_attack_1_an_announcement_of_others_is_not_there(client: Client, traits: dict[str, object], method: str) -> None:
    need, offer = NeedFactory(), OfferFactory()
    signed_in(client, **({**traits, "territories": [departement("76")]} if "territories" in traits else traits))

    for path in (f"/besoins/{need.id}", f"/offres/{offer.id}", f"/besoins/{need.id}/modifier", f"/offres/{offer.id}/modifier"):
        allowed = {404, 403} if traits.get("animator") and path.endswith("modifier") else {404}
        status = client.open(path, method=method).status_code
        # Pages that are only read take nothing, whoever asks.
        assert status in (allowed if method == "GET" else allowed | {405}), (path, method, status)
    assert db.session.get(Need, need.id) is not None


def test_attack_2_an_animator_has_no_hand_in_another_territory(app: Flask, client: Client) -> None:
    ids = foreign_ids()
    signed_in(client, animator=True, territories=[departement("76")])

    tried = 0
    for endpoint, method, rule in routes(app):
        access = app.view_functions[endpoint].access
        if access not in OPEN and may("animator", access, method) and re.search(r"<(uuid|int):", rule):
            assert client.open(address(rule, ids), method=method).status_code == 404, (endpoint, method)
            tried += 1
    assert tried > 60


def test_attack_3_contacts_and_scores_of_who_is_no_partner_stay_hidden(client: Client) -> None:
    strangers = OrganisationFactory(email="secret@inconnue.test", phone="02 99 99 99 99")
    match = MatchFactory(need=NeedFactory(organisation=strangers))
    theirs, _other = proposals_of(match)
    signed_in(client)

    page = client.get(f"/structures/{strangers.id}")
    assert page.status_code == 200
    assert "secret@inconnue.test" not in page.text
    assert "02 99 99 99 99" not in page.text
    for path in (f"/rencontres/{theirs.id}/coordonnees", f"/propositions/{theirs.id}/oui", f"/propositions/{theirs.id}/non"):
        answer = client.post(path, headers={"Accept": "application/json"})
        assert answer.status_code == 404
        assert not answer.is_json
    assert client.get(f"/calculs/{match.run_id}").status_code == 403
    assert client.get(f"/calculs/{match.run_id}/probleme.json").status_code == 403


def test_attack_4_a_host_has_no_hand_in_another_house(client: Client) -> None:
    place = venue(headcount=49)
    dating = JobDatingFactory(venue=place)
    signed_in(client, host=True)

    typed = {"name": "À moi", "authorised_headcount": "5000"}
    for path in (f"/lieux/{place.id}", f"/lieux/{place.id}/modifier", f"/mes-job-datings/{dating.id}", f"/mes-job-datings/{dating.id}/bilan.csv"):
        assert {client.get(path).status_code, client.post(path, data=typed).status_code} <= {404, 405}, path
    db.session.expire_all()
    assert db.session.get_one(Venue, place.id).authorised_headcount == 49


FORGED = {
    "role": "admin",
    "is_admin": "1",
    "organisation_id": "00000000-0000-4000-8000-000000000001",
    "territory_id": "1",
    "validated": "1",
    "score": "1000000",
}


def test_attack_5_fields_that_a_form_does_not_have_change_nothing_and_leave_a_line(client: Client) -> None:
    person = signed_in(client)
    organisation, before = person.organisation, person.organisation_id
    path = f"/structures/{organisation.id}/modifier"
    shown = forms(client.get(path).text)[-1].values

    response = client.post(path, data={**shown, **FORGED, "ess_label": "verified", "name": ["Le Nouveau Nom"]})

    assert response.status_code == 302
    db.session.expire_all()
    assert (person.role, person.organisation_id, person.organisation.ess_label, person.organisation.name) == (Role.MEMBER, before, "declared", "Le Nouveau Nom")
    line = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "forged_form")).one()
    assert (line.actor_id, line.object_id) == (person.id, "organisations.edit")
    assert set(line.changes) == {"ess_label", "is_admin", "organisation_id", "role", "territory_id", "validated"}


def test_attack_6_nobody_makes_themselves_an_administrator_or_shuts_the_last_door(client: Client) -> None:
    member = signed_in(client)
    for path in (f"/comptes/{member.id}", "/comptes/nouveau", f"/comptes/{member.id}/rouvrir"):
        assert client.post(path, data={"role": "admin", "name": "x", "email": "x@structure.test"}).status_code == 403
    admin = signed_in(client, admin=True)
    for path in (f"/comptes/{admin.id}", f"/comptes/{admin.id}/fermer"):
        assert client.post(path, data={"role": "member"}).status_code == 409
    assert client.post("/compte/donnees/effacer").status_code == 302
    db.session.expire_all()
    assert (admin.role, admin.is_active, personal_data_erasing.request_of(admin), member.role) == (Role.ADMIN, True, None, Role.MEMBER)


# Forms from elsewhere


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"title": "x"}},
        {"data": {"csrf_token": "of somebody else"}},
        {"data": {"title": "x"}, "headers": {"Origin": "https://evil.example", "Referer": "https://evil.example/"}},
        {"data": '{"title": "x"}', "content_type": "text/plain"},
    ],
)
def test_attack_7_a_form_that_is_not_ours_is_refused(app: Flask, client: Client, sent: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    need = NeedFactory()
    signed_in(client, organisation=need.organisation)
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)

    assert client.post(f"/besoins/{need.id}/modifier", **sent).status_code == 400
    db.session.expire_all()
    assert need.title == "Traiteur zéro déchet pour un séminaire"


def test_attack_7_the_token_of_another_session_and_a_foreign_origin_are_refused_where_ones_own_is_taken(
    app: Flask, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    need = NeedFactory()
    signed_in(client, organisation=need.organisation)
    attacker = app.test_client()
    signed_in(attacker)
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    path = f"/besoins/{need.id}/modifier"
    mine = forms(client.get(path).text)[-1].values
    theirs = forms(attacker.get("/compte").text)[-1].values["csrf_token"]

    stolen = client.post(path, data={**mine, "title": ["Le titre d’un autre"], "csrf_token": theirs})
    origins = ("https://evil.example", "http://croisee.test.evil.example", "http://evil.example:80", "http://croisee.test@evil.example", "http://[", "file://")
    foreign = {client.post(path, data=mine | {"title": ["Le titre d’un autre"]}, headers={"Origin": origin}).status_code for origin in origins}

    assert (stolen.status_code, foreign) == (400, {400})
    db.session.expire_all()
    assert need.title == "Traiteur zéro déchet pour un séminaire"
    own = client.post(
        path, data=mine | {"title": ["Un traiteur à nous"]}, headers={"Origin": "http://croisee.test", "Host": "croisee.test"}, base_url="http://croisee.test"
    )
    assert own.status_code in {302, 400}, "the session's cookie is of another name there"
    assert client.post(path, data=mine | {"title": ["Un traiteur à nous"]}, headers={"Origin": "http://localhost"}).status_code == 302
    db.session.expire_all()
    assert need.title == "Un traiteur à nous"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example/", "javascript:alert(1)", "/%0d%0aLocation: https://evil.example",
     "\\\\evil.example", "/\t/evil.example", "///evil.example", "http:///evil.example", " //evil.example", "/\r\nSet-Cookie: a=b", "data:text/html,x"],
)  # fmt: skip
def test_attack_14_after_signing_in_one_stays_here(client: Client, target: str) -> None:
    person = UserFactory()
    db.session.commit()

    response = client.post("/connexion", query_string={"next": target}, data={"email": person.email, "password": "une phrase assez longue"})

    assert response.status_code == 302
    assert response.location.startswith("/")
    assert not response.location.startswith(("//", "/\\"))
    assert "a=b" not in str(response.headers.getlist("Set-Cookie"))


# Links of mails


def test_attack_16_an_invitations_link_is_one_guests_and_only_its_button_counts(app: Flask, client: Client) -> None:
    dating, invitation = published()
    path = link(app, invitation)
    token = path.rpartition("/")[2]

    for method in ("GET", "HEAD", "OPTIONS"):
        assert client.open(path, method=method).status_code == 200
        assert client.open(f"{path}?reponse=oui", method=method).status_code == 200
    altered = [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in range(len(token))]
    assert len(altered) >= 40
    assert {client.post(f"/invitations/{one}", data={"reponse": "oui"}).status_code for one in altered} == {404}
    assert {client.get(f"/invitations/{one}").status_code for one in altered} == {404}
    assert db.session.scalar(select(func.count()).select_from(InvitationAnswer)) == 0

    statuses = {client.post(path, data={"reponse": "oui"}).status_code for _time in range(3)}
    assert statuses <= {200, 302}
    assert db.session.scalar(select(func.count()).select_from(InvitationAnswer)) == 1
    others = [one for one in db.session.scalars(select(Invitation)) if one.id != invitation.id]
    assert {one.answer for one in others} == {None}
    assert others[0].organisation.email not in client.get(path).text

    job_datings.cancel(dating, settings=mail_settings())
    db.session.commit()
    assert client.get(path).status_code == client.post(path, data={"reponse": "oui"}).status_code == 410


def test_attack_16_after_the_deadline_the_page_says_so(app: Flask, client: Client) -> None:
    _dating, invitation = published()
    invitation.answer_by = now() - timedelta(minutes=1)
    db.session.commit()

    answer = client.post(link(app, invitation), data={"reponse": "oui"})

    assert answer.status_code == 410
    assert invitation.answer is None
    assert len(words(answer.text)) > 100


def test_attack_17_one_click_ends_mails_at_once_and_nothing_else_does(app: Flask, client: Client) -> None:
    key = addresses.digest("contact@picoree.test")
    path = f"/courriels/refuser/{addresses.token(key, Topic.DIGEST, app.config['SECRET_KEY'])}"

    for method in ("GET", "HEAD"):
        assert client.open(path, method=method).status_code == 200
    assert client.post(path[:-2] + ("AA" if not path.endswith("AA") else "BB"), data={"List-Unsubscribe": "One-Click"}).status_code == 404
    assert db.session.scalars(select(MailObjection)).all() == []
    done = client.post(path, data={"List-Unsubscribe": "One-Click"})

    assert (done.status_code, done.headers.get("Location"), done.headers.getlist("Set-Cookie")) == (200, None, [])
    assert addresses.objections(key) == {Topic.DIGEST}


# What is written goes out as text


def hostile_invitation() -> list[OutboxMail]:
    place = venue(OrganisationFactory(name=EVIL))
    place.name, place.address, place.access_text = EVIL, 'rue "du" Lavoir; 3, \\ <b>\r\nATTACH:x', "a\r\nBEGIN:VALARM"
    dating = JobDatingFactory(venue=place, title='Job; dating, \\ "<script>alert(1)</script>\r\nATTACH:https://ailleurs.test/x' + "é\u202e😀" * 200)
    need = NeedFactory(organisation=OrganisationFactory(name=EVIL, email="guest@structure.test"), title=EVIL, description="{{7*7}}{% raise %}")
    job_datings.choose(dating, [mutual_match(need=need)])
    job_datings.publish(dating, settings=mail_settings())
    return list(db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "invitation")))


def test_attack_18_no_name_starts_a_header_of_a_mail(app: Flask) -> None:
    mails = hostile_invitation()
    assert len(mails) == 2

    for mail in mails:
        message = email.message_from_bytes(mail.message, policy=email.policy.default)
        names = [name.lower() for name in message]
        assert len(names) == len(set(names)), "each header once"
        assert "bcc" not in names
        assert "cc" not in names
        assert [one.addr_spec for one in message["To"].addresses] == [mail.recipient]
        assert len(str(message["Subject"])) <= 150
        assert not re.search(r"[\r\n\u202e]", str(message["Subject"]))
        assert b"\r\nBcc:" not in mail.message


def test_attack_19_no_title_adds_a_line_to_a_calendar(app: Flask) -> None:
    history = History()

    for mail in hostile_invitation():
        assert history.take(mail.message) == []
        message = email.message_from_bytes(mail.message, policy=email.policy.default)
        calendar = next(part for part in message.walk() if part.get_content_type() == "text/calendar").get_content()
        assert not re.search(r"^(ATTACH|BEGIN:VALARM)", calendar, re.MULTILINE)
        assert calendar.count("BEGIN:VEVENT") == 1


@pytest.mark.parametrize("cell", ["=1+1", "+33", "-2", "@SUM(A1)", "\t=1", "\r=1", "\0=1"])
def test_attack_20_no_cell_of_a_file_is_a_formula(cell: str) -> None:
    assert harmless(cell).startswith("'")
    assert personal_data_export.cell(cell).startswith("'")


@pytest.mark.parametrize(
    "content",
    [
        b"siret,nom,commune\n" + b"1,a,b\n" * 100_001,
        "siret,nom,commune\n".encode("utf-16"),
        b"siret,nom,commune\n1,a\0,b\n",
        b"siret,nom,commune\n1," + b"a" * 1_000_000 + b",b\n",
        b",".join([b"siret,nom,commune", *(b"c%d" % number for number in range(5000))]) + b"\n",
        b"PK\x03\x04" + bytes(range(256)) * 100,
    ],
    ids=["more rows than are taken", "utf-16", "nul", "a cell of a megabyte", "5,000 columns", "a zip"],
)
def test_attack_20_a_hostile_list_is_refused_whole(app: Flask, content: bytes) -> None:
    with pytest.raises(ImportRefused):
        organisation_import.import_organisations(io.BytesIO(content), source="liste")

    assert db.session.scalar(select(func.count()).select_from(Organisation)) == 0


def test_attack_20_no_name_is_a_formula_in_any_file_of_the_site(app: Flask, client: Client) -> None:
    world = make_world(app)
    evil = "=HYPERLINK(1)"
    for row in (*db.session.scalars(select(Organisation)), *db.session.scalars(select(Venue)), *db.session.scalars(select(Shortlist))):
        row.name = f"{evil}{row.id}"[:80]
    for row in (*db.session.scalars(select(Need)), *db.session.scalars(select(JobDating)), *db.session.scalars(select(Offer))):
        row.title = evil
    for row in db.session.scalars(select(ShortlistEntry)):
        row.note = evil
    db.session.commit()
    seen = 0
    for user in world.users.values():
        if user is not None:
            client.sign_in(user)
        for _endpoint, method, rule in routes(app):
            if method != "GET" or not rule.endswith((".csv", ".csv>")):
                continue
            response = client.get(address(rule, world.ids))
            if response.status_code == 200:
                cells = [cell for line in csv.reader(io.StringIO(response.text.lstrip("\ufeff")), delimiter=";") for cell in line]
                # A number may be less than nothing.
                assert [cell for cell in cells if re.match(r"[=+@\t\r\0]|-(?![\d,]+$)", cell)] == [], rule
                seen += any(evil in cell for cell in cells)
    assert seen >= 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("photo.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'),
        ("photo.jpg", b"<html><script>alert(1)</script></html>"),
        ("photo.jpg", b"\xff\xd8\xff\xe0<script>alert(1)</script>"),
        ("photo.php.png", b"\x89PNG\r\n\x1a\n<?php system($_GET[0]);"),
        ("../../x.jpg", b""),
    ],
)
def test_attack_21_what_is_no_picture_is_no_picture_whatever_its_name(client: Client, name: str, content: bytes) -> None:
    host = signed_in(client, host=True)
    place = venue(host.organisation)
    db.session.commit()

    response = client.post(f"/lieux/{place.id}/photos", data={"picture": (io.BytesIO(content), name), "alt": "La salle"}, content_type="multipart/form-data")

    assert response.status_code == 422
    assert place.photos == []
    assert "<script>alert(1)" not in response.text


@pytest.mark.parametrize("path", ["/mes-job-datings/nouveau/faisabilite", "/mes-job-datings/nouveau", "/lieux/nouveau", "/connexion"])
def test_attack_21_a_file_in_the_place_of_a_text_is_no_text(client: Client, path: str) -> None:
    signed_in(client, host=True)
    names = ("title", "name", "email", "password", "held_on", "venue_id", "commune", "rooms-0-name")
    sent = {name: (io.BytesIO(b"x"), "x.txt") for name in names}

    assert client.post(path, data=sent, content_type="multipart/form-data").status_code in {200, 302, 422}


def test_attack_22_braces_in_a_name_stay_braces(app: Flask, client: Client) -> None:
    need = NeedFactory(title="{{7*7}} {{config}} {% for x in y %}", organisation=OrganisationFactory(name="{{7*7}}{{''.__class__}}"))
    dating = JobDatingFactory(venue=venue(), title="{{7*7}}")
    job_datings.choose(dating, [mutual_match(need=need)])
    job_datings.publish(dating, settings=mail_settings())
    db.session.commit()

    parsed = [email.message_from_bytes(mail.message, policy=email.policy.default) for mail in db.session.scalars(select(OutboxMail))]
    texts = [str(message.get_body(("plain",)).get_content()) for message in parsed]
    assert any("{{7*7}}" in text for text in texts)
    assert not any("49" in re.sub(r"https?://\S+", "", text) or "SECRET_KEY" in text for text in texts)
    page = client.get(f"/structures/{need.organisation_id}").text
    assert "{{7*7}}" in page


SEARCHES = ("' OR 1=1 --", "'; DROP TABLE need; --", "%_%", "_" * 100, "(a+)+" * 20 + "!", "9" * 400, str(2**63), "a\x00b", "\\", "$1", "\u202e", "*:*&!|(")


@pytest.mark.parametrize("text", SEARCHES)
def test_attack_23_what_is_searched_is_words_only(client: Client, text: str) -> None:
    OrganisationFactory(name="Picorée")
    admin = signed_in(client, admin=True)
    assert admin.role is Role.ADMIN

    for path in ("/annuaire", "/comptes", "/courriels", "/journal", "/job-datings", "/a-faire", "/observatoire", "/communes"):
        for name in ("q", "qui", "tri", "departement", "epci", "acte", "page", "territoire"):
            response = client.get(path, query_string={name: text})
            assert response.status_code in {200, 302, 400, 404, 422}, (path, name, response.status_code)
    assert "Picorée" not in words(client.get("/annuaire", query_string={"q": text}).text) or not clean(text)
    assert db.session.scalar(select(func.count()).select_from(Need)) == 0


# Dates, numbers, sizes, methods


@pytest.mark.parametrize(
    "typed",
    [
        {"held_on": "2027-02-30"},
        {"starts": "25:61"},
        {"held_on": "0001-01-01"},
        {"held_on": "9999-12-31"},
        {"starts": "14:00", "ends": "13:00"},
        {"starts": "09:00", "ends": "09:00"},
        # 02:30 does not exist that night.
        {"held_on": "2027-03-28", "starts": "02:30", "ends": "05:00"},
    ],
)
def test_attack_24_a_day_or_an_hour_that_is_none_is_refused_in_words(client: Client, typed: dict[str, str]) -> None:
    response = set_up(client, typed)

    assert response.status_code == 422
    assert db.session.scalars(select(JobDating)).all() == []


def test_attack_24_an_hour_that_comes_twice_is_the_first_of_them(client: Client) -> None:
    assert set_up(client, {"held_on": "2027-10-31", "starts": "02:30", "ends": "05:00"}).status_code == 302

    made = db.session.scalars(select(JobDating)).one()
    assert (made.starts_at, made.ends_at) == (datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 4, tzinfo=UTC))


def set_up(client: Client, typed: dict[str, str]) -> TestResponse:
    """A host's job dating of next year, but for what is typed."""
    host = signed_in(client, host=True)
    place = venue(host.organisation)
    db.session.commit()
    good = {"venue_id": str(place.id), "title": "Job dating", "held_on": f"{today().year + 1}-06-12", "starts": "09:00", "ends": "12:00"}
    shown = forms(client.get("/mes-job-datings/nouveau").text)[-1].values

    return client.post("/mes-job-datings/nouveau", data={**shown, **good, **typed})


@pytest.mark.parametrize("number", ["-1", "0", str(10**20), "NaN", "Infinity", "1e400", "trois", ""])
def test_attack_25_a_number_of_people_is_one(client: Client, number: str) -> None:
    host = signed_in(client, host=True)
    shown = forms(client.get("/lieux/nouveau").text)[-1].values
    good = {"name": "Le Lavoir", "commune": "Flers (61)", "rooms-0-name": "Salle", "rooms-0-tables": "4", "authorised_headcount": "40", "staff_count": "2"}

    for name in ("authorised_headcount", "rooms-0-tables"):
        assert client.post("/lieux/nouveau", data={**shown, **good, name: number}).status_code == 422, name
    assert db.session.scalars(select(Venue).where(Venue.organisation_id == host.organisation_id)).all() == []


@pytest.mark.parametrize("points", ["-5", "0", "NaN", "1e9", "101"])
def test_attack_25_weights_that_weigh_nothing_are_refused(client: Client, points: str) -> None:
    run = RunFactory()
    signed_in(client, animator=True)
    page = f"/territoires/{run.territory_id}/ponderations/purchase"
    shown = next(form for form in forms(client.get(page).text) if "poids-skills" in form.values)
    names = [name for name in shown.values if name.startswith("poids-")]

    assert client.post(page, data={**shown.values, **dict.fromkeys(names, points)}).status_code == 422
    assert db.session.scalars(select(CriteriaWeights)).all() == []


def test_attack_26_far_pages_and_large_bodies_have_an_end(client: Client) -> None:
    person = signed_in(client, admin=True)
    assert person.is_active
    for path in ("/annuaire", "/comptes", "/courriels", "/journal"):
        for page in ("1000000000", "-1", "x" * 1000):
            assert client.get(path, query_string={"page": page, "limit": "1000000000"}).status_code in {200, 404}
    assert client.post("/compte", data="[" * 20_000, content_type="application/json").status_code == 415
    assert client.post("/compte", data={f"k{number}": "" for number in range(5000)}).status_code in {413, 422}
    assert client.post("/compte", data=b"x" * 20_000_000, content_type="application/x-www-form-urlencoded").status_code == 413
    assert client.get("/", headers={"X-Long": "x" * 100_000}).status_code == 200, "the server in front says 431 before: test_front_server.py"


@pytest.mark.parametrize("method", ["TRACE", "PUT", "FOO", "PATCH", "CONNECT"])
def test_attack_27_other_methods_are_refused_and_say_which_there_are(client: Client, method: str) -> None:
    response = client.open("/connexion", method=method, headers={"X-Secret": "hush"})

    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]
    assert "hush" not in response.text
    assert client.head("/annuaire").data == b""
    assert client.options("/connexion").status_code == 200


def test_attack_28_no_address_that_people_type_is_ever_asked() -> None:
    """Only what speaks to fixed servers opens connections: mails, the mailbox, the parts of `./croisee run`, and what an operator configures."""
    # The worker of the web server answers on a connection that is there.
    speakers = {
        "web_worker",
        "mail",
        "mailbox",
        "mailcatcher",
        "supervisor",
        "processes",
        "embedded",
        "embedded_places",
        "watching",
        "company_search",
        "openid_provider",
    }
    libraries = {"socket", "http.client", "urllib.request", "requests", "httpx", "aiohttp", "smtplib", "imaplib", "ftplib"}
    found = {}
    for path in [*(ROOT / "matchmaker").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        if names & libraries and path.stem not in speakers:
            found[path.stem] = names & libraries

    assert found == {}


def test_attack_29_a_hundred_requests_for_a_link_are_three_mails(app: Flask, client: Client) -> None:
    victim = UserFactory()
    db.session.commit()

    answers = [client.post("/mot-de-passe-oublie", data={"email": victim.email}) for _time in range(100)]

    assert {(one.status_code, one.location) for one in answers} == {(302, "/mot-de-passe-oublie/envoye")}
    assert db.session.scalar(select(func.count()).select_from(OutboxMail).where(OutboxMail.recipient == victim.email)) == 3


def test_attack_29_a_plan_that_moves_fifty_times_is_one_mail_a_guest(app: Flask) -> None:
    dating, _invitation = published()
    for number in range(1, 51):
        later = timedelta(minutes=5 * number)
        begins, ends = dating.starts_at, dating.ends_at
        job_dating_moves.move(dating, version=dating.version, starts_at=begins + later, ends_at=ends + later, settings=mail_settings())

    waiting = db.session.execute(select(OutboxMail.recipient, func.count()).where(OutboxMail.status == MailStatus.QUEUED).group_by(OutboxMail.recipient)).all()
    assert {count for _recipient, count in waiting} == {1}


@pytest.mark.parametrize(
    "weak",
    [{"SECRET_KEY": ""}, {"SECRET_KEY": "dev"}, {"SECRET_KEY": "a" * 64}, {"SECRET_KEY": "x" * 31}, {"DEBUG": True}, {"DEMO": True}],
    ids=["empty", "dev", "one letter", "short", "debugging", "public accounts"],
)
def test_attack_30_with_a_weak_key_nothing_starts(weak: dict[str, object]) -> None:
    config = {name: getattr(Config, name) for name in dir(Config) if name.isupper()}
    strong = {"PRODUCTION": True, "SECRET_KEY": "q8J2vN5xT0bR7mW4zY1cL6kH9dF3sG_a", "SECRET_KEY_FALLBACKS": [], "DEBUG": False, "DEMO": False}
    strong["SESSION_COOKIE_SECURE"] = True
    refuse_to_start(config | strong)

    with pytest.raises(RuntimeError):
        refuse_to_start(config | strong | weak)


def test_attack_31_what_breaks_shows_nothing_of_itself_and_is_logged_once(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    site = create_app(TestConfig, TESTING=False, SQLALCHEMY_DATABASE_URI=app.config["SQLALCHEMY_DATABASE_URI"])
    site.add_url_rule("/boum/<token>", "boum", lambda token: {}[f"secret of {token}"])
    site.add_url_rule("/gabarit/<token>", "gabarit", lambda token: render_template_string("{{ secret_of.token }}"))

    for path in ("/boum", "/gabarit"):
        caplog.clear()
        response = site.test_client().get(f"{path}/abcdefghijklmnopqrstuvwxyz")

        assert response.status_code == 500
        name = response.headers["X-Request-Id"]
        assert name in response.text
        assert not re.search(r"Traceback|KeyError|UndefinedError|secret.of|werkzeug|jinja|\.py", response.text)
        lines = [record for record in caplog.records if record.levelname == "ERROR"]
        assert len(lines) == 1
        assert name in lines[0].getMessage()


def test_attack_32_keys_are_compared_in_constant_time_or_by_their_hash() -> None:
    """No « == » between what somebody sent and a secret, but where what is compared is a hash or what an index found."""
    names = re.compile(r"(^|_)(token|key|code|secret|password|signature)$")
    sent = {"token", "typed", "given", "sent", "password", "code"}
    wrong = []
    for path in (ROOT / "matchmaker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                sides = [node.left, *node.comparators]
                plain = [side.id for side in sides if isinstance(side, ast.Name)]
                attributes = [side.attr for side in sides if isinstance(side, ast.Attribute)]
                if set(plain) & sent and any(names.search(name) for name in attributes):
                    wrong.append(f"{path.stem}:{node.lineno}")

    assert [
        one
        for one in wrong
        if one.partition(":")[0]
        not in {"territories", "accounts", "observatory_places", "occupations", "commune_index", "declarations_reach", "territory_pages"}
    ] == []


# At the same time, twice, and after the end


def test_attack_33_a_second_click_makes_no_second_announcement(client: Client) -> None:
    signed_in(client)
    shown = forms(client.get("/besoins/nouveau/purchase").text)[-1].values
    typed = {**shown, "title": ["Un traiteur pour mai"], "commune": ["Flers (61)"]}

    answers = [client.post("/besoins/nouveau/purchase", data=typed) for _time in range(2)]

    assert {answer.status_code for answer in answers} == {302}
    assert db.session.scalar(select(func.count()).select_from(Need)) == 1
    assert answers[0].location == answers[1].location
    client.post("/besoins/nouveau/purchase", data={**typed, "title": ["Un traiteur pour juin"]})
    assert db.session.scalar(select(func.count()).select_from(Need)) == 2


def test_attack_33_two_who_edit_one_job_dating_the_second_is_told(client: Client) -> None:
    host = signed_in(client, host=True)
    dating = JobDatingFactory(venue=venue(host.organisation))
    db.session.commit()
    path = f"/mes-job-datings/{dating.id}/modifier"
    shown = forms(client.get(path).text)[-1].values

    first = client.post(path, data={**shown, "title": ["Le premier"]})
    second = client.post(path, data={**shown, "title": ["Le second"]})

    assert (first.status_code, second.status_code) == (302, 409)
    db.session.expire_all()
    assert dating.title == "Le premier"
    assert "Le premier" in second.text
    assert "Le second" in second.text


def test_attack_34_a_message_of_the_queue_holds_no_data_and_is_harmless_twice(app: Flask) -> None:
    celery = app.extensions["celery"]
    celery.loader.import_default_modules()
    assert celery.conf.accept_content == ["json"]
    ours = {name: task for name, task in celery.tasks.items() if name.startswith("tasks.")}
    assert len(ours) > 20
    wrong = [
        name
        for name, task in ours.items()
        for parameter in inspect.signature(task.run).parameters.values()
        if not (parameter.name.endswith("_id") or parameter.annotation in {UUID, "UUID", int, "int"})
    ]
    assert wrong == [], "ids in, nothing else"


# What they send or read beside the database has tests of its own (tests/tasks, test_faults.py).
ELSEWHERE = {"tasks.outbox.drain", "tasks.mailbox.read"}


def test_attack_34_what_beat_asks_for_twice_is_done_once(app: Flask, nudged: list[tuple[object, ...]]) -> None:
    make_world(app)
    celery = app.extensions["celery"]
    celery.loader.import_default_modules()
    names = {entry["task"] for entry in app.config["CELERY"]["beat_schedule"].values()} - ELSEWHERE
    assert names <= set(celery.tasks)

    def counts() -> dict[str, int]:
        return {table.name: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in Base.metadata.sorted_tables}

    for name in sorted(names):
        # Each task finds the next row that waits: until there is none.
        for _turn in range(12):
            celery.tasks[name].run()
        before = counts()

        celery.tasks[name].run()
        celery.tasks[name].run()

        assert counts() == before, name


def test_attack_35_addresses_of_pages_hold_random_ids(app: Flask) -> None:
    """Counters stand only where who reads them looks after all that they count: territories of the official list, and mails."""
    counters = {re.search(r"<int:(\w+)>", rule.rule)[1] for rule in app.url_map.iter_rules() if "<int:" in rule.rule}  # type: ignore[index]

    assert counters <= {"territory_id", "mail_id", "number", "year", "round", "wave"}
    assert {app.view_functions[rule.endpoint].access for rule in app.url_map.iter_rules() if "<int:mail_id>" in rule.rule} == {"animator"}


def test_attack_36_of_who_was_erased_nothing_opens_and_nothing_leaves(app: Flask, client: Client) -> None:
    person = signed_in(client)
    waiting = MailFactory(organisation=None, recipient=person.email, waiting=True)
    _dating, invitation = published()
    theirs = UserFactory(organisation=invitation.organisation)
    path = link(app, invitation)
    db.session.commit()
    mine_id, theirs_id = person.organisation_id, invitation.organisation_id
    assert client.get("/compte").status_code == client.get(path).status_code == 200

    for one in (person, theirs):
        personal_data_erasing.erase(one, settings=mail_settings())
    db.session.commit()

    assert client.get("/compte").status_code == 302
    assert client.get(path).status_code == 410
    db.session.expire_all()
    assert (waiting.status, waiting.message) == (MailStatus.CANCELLED, b"")
    assert db.session.scalars(select(User).where(User.organisation_id.in_([theirs_id, mine_id]))).all() == []


def test_each_line_of_the_list_has_its_test() -> None:
    numbers = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        numbers |= {int(found) for found in re.findall(r"def test_attack_(\d+)_", path.read_text(encoding="utf-8"))}

    assert numbers == set(range(1, 37))
