"""Whatever is sent to any page by anybody: an answer in plain words, nothing broken, nothing of it run as code."""

import email
import email.policy
import json
import random
import re
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Cluster,
    ClusterInvitation,
    JobDating,
    JobDatingStatus,
    Need,
    Offer,
    Organisation,
    OutboxMail,
    Proposal,
    Role,
    SavedSearch,
    Shortlist,
    Topic,
    User,
    Venue,
)
from matchmaker.models.base import now
from matchmaker.services import (
    addresses,
    calendar_feeds,
    check_in_links,
    conversation_links,
    day_board,
    invitations,
    job_datings,
    nursery_invitations,
    outcome_links,
    outcomes,
    participant_links,
    proposal_links,
    saved_searches,
    signed_ids,
)
from matchmaker.web.settings import mail_settings
from tests.conftest import Client
from tests.factories import (
    FractionFactory,
    JobDatingFactory,
    MailFactory,
    MatchFactory,
    NeedFactory,
    OfferFactory,
    OrganisationFactory,
    RunFactory,
    UserFactory,
    call_for_help,
    cluster_invitation,
    departement,
    given_story,
    group,
    group_answer,
    kept,
    mutual_match,
    news,
    pair_rule,
    proposals_of,
    search_question,
    supplier_search,
    venue,
    welcome,
)
from tests.pages import forms, words
from tests.rights import address, routes

SEED = 20261
REQUESTS_PER_ROLE = 320
FALSE_HOST = "evil.example"
SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}{% for x in ().__class__.__mro__ %}",
    "' OR 1=1; DROP TABLE need; --",
    "%' ESCAPE '_",
    "a\x00b",
    "\x00",
    "a\r\nBcc: tous@ailleurs.test\r\n\r\nbonjour",
    "é" * 5000,
    "\U0001f600\u202e\u0301\u200b\ufffe",
    "\u0661\u0662\u0663",
    "²",
    "   \t ",
    str(2**31),
    str(2**63),
    "9" * 400,
    "9" * 5000,
    "-1",
    "0",
    "1e400",
    "1E-999999",
    "NaN",
    "sNaN",
    "-Infinity",
    "2027-02-30",
    "0001-01-01",
    "9999-12-31",
    "24:00",
    "25:61",
    "00:00",
    "02:30",
    "../../etc/passwd",
    "__class__",
    "null",
    "true",
    "constructor[prototype]",
    "https://ailleurs.test/",
    "javascript:alert(1)",
)
PATHS = (
    *(value for value in HOSTILE if len(value) < 1000),
    "a" * 3000,
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "..%2f..%2fwsgi.py",
    "%",
    "%ff%fe",
    "%c0%af",
    ".eml",
    "\x00.eml",
)
METHODS = ("TRACE", "PUT", "PATCH", "DELETE", "FOO", "HEAD", "OPTIONS", "GET", "POST")
HEADERS = (
    {"Accept": "application/json"},
    {"Accept-Language": "x" * 5000},
    {"X-Forwarded-For": "' OR 1=1", "X-Forwarded-Host": "ailleurs.test"},
    {"Cookie": "croisee=" + "x" * 5000},
    {"Cookie": "croisee=eyJhIjoxfQ.aaaa.bbbb"},
    {"Range": "bytes=99999999999999999999-"},
    {"If-Modified-Since": "hier"},
    {"Referer": SCRIPT},
    {"HX-Request": "true"},
)
ANSWERS = {200, 302, 304, 308, 400, 403, 404, 405, 409, 410, 413, 415, 416, 422}
# What a person would answer: so that a hostile value in one field is the only thing that is wrong.
PLAUSIBLE = {
    "title": "Buffet pour douze",
    "commune": "Flers (61)",
    "occupation": "Comptable",
    "kind": "salaried",
    "held_on": f"{now().year + 1}-06-12",
    "starts": "09:00",
    "ends": "12:00",
    "name": "Le Lavoir",
    "organisation": "Le Lavoir",
    "email": "contact@lavoir.test",
    "authorised_headcount": "40",
    "rooms-0-name": "Grande salle",
    "rooms-0-tables": "4",
    "reason": "found",
    "reponse": "oui",
    "family": "association",
    "password": "une phrase assez longue",
    "again": "une phrase assez longue",
    "terms": "y",
    "closes_on": f"{now() + timedelta(days=20):%Y-%m-%d}",
    "question": "La vaisselle est-elle fournie ?",
    "summary": "Quatre-vingts repas froids",
}


@dataclass
class World:
    """One organisation that owns one object of each kind, people of each role around it, and links that mails carried."""

    ids: dict[str, object]
    # Beginning of an address → the signed part of a link that leads there.
    tokens: dict[str, str]
    users: dict[Role | None, User | None]


@pytest.fixture
def world(app: Flask) -> World:
    return make_world(app)


def make_world(app: Flask) -> World:
    buyer = OrganisationFactory(name="Picorée", siret="73282932000074")
    match = MatchFactory(need=NeedFactory(organisation=buyer), offer=OfferFactory(organisation=buyer))
    proposal, _other = proposals_of(match)
    late = NeedFactory(organisation=buyer, published_at=now() - timedelta(days=12))
    proposals_of(MatchFactory(need=late))
    place = venue(buyer)
    met = MatchFactory(mutual=True, need=NeedFactory(organisation=buyer), offer=OfferFactory())
    dating = JobDatingFactory(venue=place)
    job_datings.choose(dating, [met])
    sent = JobDatingFactory(venue=venue(buyer))
    later = MatchFactory(mutual=True, need=NeedFactory(organisation=buyer), offer=OfferFactory())
    job_datings.choose(sent, [later])
    invitation = job_datings.publish(sent, settings=mail_settings())[0]
    today = JobDatingFactory(venue=venue(buyer), status=JobDatingStatus.PUBLISHED, published_at=now(), starts_at=now())
    users = {
        None: None,
        Role.MEMBER: UserFactory(organisation=buyer),
        Role.HOST: UserFactory(host=True, organisation=buyer),
        Role.ANIMATOR: UserFactory(animator=True),
        Role.ADMIN: UserFactory(admin=True),
    }
    entry, question = kept(by=users[Role.MEMBER]), search_question(supplier_search(NeedFactory(organisation=buyer)))
    answer = group_answer(lead=buyer)
    ids = {
        "shortlist_id": entry.shortlist_id,
        "entry_id": entry.id,
        "search_id": question.search_id,
        "open_id": answer.search_id,
        "question_id": question.id,
        "group_id": answer.id,
        "member_id": answer.members[1].id,
        "need_id": match.need_id,
        "offer_id": match.offer_id,
        "subject_id": late.id,
        "proposal_id": proposal.id,
        "run_id": RunFactory().id,
        "venue_id": place.id,
        "job_dating_id": dating.id,
        "organisation_id": buyer.id,
        "territory_id": departement("61").id,
        "user_id": UserFactory().id,
        "mail_id": MailFactory(organisation=buyer, lost=True).id,
        "pool_id": group(FractionFactory(organisation=buyer), FractionFactory(), proposed=True).id,
        "rule_id": pair_rule().id,
        "help_id": call_for_help().id,
        "welcome_id": welcome(by=buyer).id,
        "news_id": news().id,
        "cluster_invitation_id": cluster_invitation().id,
        "cluster_id": db.session.scalars(select(Cluster.id)).first(),
        "story_id": given_story(buyer).id,
    }
    mutual = min(mutual_match(need=NeedFactory(organisation=buyer)).proposals, key=lambda one: one.side)
    outcomes.ask_due(at=now() + timedelta(days=31), settings=mail_settings())
    phone = check_in_links.make(today, name="Salma", by=users[Role.HOST])
    saved = SavedSearch(user=users[Role.MEMBER], label="traiteur à Flers", address="/annuaire?q=traiteur", asked={})
    db.session.add(saved)
    db.session.commit()
    secret = app.config["SECRET_KEY"]
    tokens = {
        "/invitations/": invitations.token(invitation, secret),
        "/reponses/": proposal_links.token(proposal, secret),
        "/echanges/": conversation_links.token(mutual, secret),
        "/suites/": outcome_links.token(mutual, secret),
        "/pepiniere/reponses/": nursery_invitations.token(db.session.scalars(select(ClusterInvitation)).first(), secret),
        "/courriels/refuser/": addresses.token(addresses.digest(buyer.email), Topic.PROPOSALS, secret),
        "/recherches/arreter/": signed_ids.sign(saved.id, secret, salt=saved_searches.SALT),
        "/agenda/": calendar_feeds.token(place, secret),
        "/jour/accueil/": check_in_links.token_of(phone, secret),
        "/jour/ecran/": day_board.token_of(sent, secret),
        "/jour/": participant_links.token_of(sent.participants[0], secret),
    }
    return World(ids, tokens, users)


class Walker:
    """Sends requests, and notes those whose answer is none of ours."""

    def __init__(self, client: Client, user: User | None) -> None:
        self.client, self.user = client, user
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []

    def send(self, method: str, path: str, **arguments: Any) -> TestResponse | None:
        with self.client.session_transaction() as session:
            session.clear()
        if self.user:
            self.client.sign_in(self.user)
            keep_cookie_at(self.client, FALSE_HOST)
        told = f"{method} {path[:200]!a} {str(arguments)[:600]!a}"
        try:
            response = self.client.open(path, method=method, **arguments)
        except Exception:
            self.failures.append(f"{told}\n{traceback.format_exc(limit=-4)}")
            return None
        self.statuses[response.status_code] += 1
        if response.status_code not in ANSWERS:
            self.failures.append(f"{told} → {response.status_code}")
        if response.mimetype == "text/html" and (SCRIPT in response.text or "onerror=alert(1)>" in response.text):
            self.failures.append(f"{told} → echoed")
        return response


def keep_cookie_at(client: Client, host: str) -> None:
    """Send the session's cookie to this host too, as a browser does whose way to us was bent."""
    cookie = client.get_cookie("croisee")
    assert cookie is not None
    client.set_cookie("croisee", cookie.value, domain=host)


def hostile_address(rule: str, world: World, rng: random.Random) -> str:
    """The rule with values of ours, or now and then with one that nobody would type."""
    if rng.random() < 0.6:
        return own_address(rule, world, rng)
    return re.sub(r"<(?:\w+:)?\w+>", lambda _found: quote(rng.choice(PATHS), safe="%/"), rule)


def own_address(rule: str, world: World, rng: random.Random) -> str:
    token = next((token for beginning, token in world.tokens.items() if rule.startswith(beginning)), "")
    filled = rule.replace("<category>", rng.choice(list(Category)).value).replace("<token>", token)
    return address(filled, world.ids)


def hostile_query(rng: random.Random) -> str:
    names = ("page", "q", "departement", "onglet", "tout", "lieu", "next", "reponse", "commune", "secteur", "cadre", "categorie", "territoire", "rayon")
    chosen = rng.sample(names, 2)
    values = (*HOSTILE, "1000000000", "-5", "1")
    return urlencode([(name, rng.choice(values)) for name in chosen for _twice in range(rng.randint(1, 2))])


def hostile_body(shown: dict[str, list[str]], rng: random.Random) -> dict[str, Any]:
    """Arguments of a request whose body is wrong in one of many ways. ``shown``: what the page's form would have sent."""
    names = [*shown, "pairs", "role", "is_admin", "organisation_id", "status", "score"]
    way = rng.randrange(8)
    if way == 0:
        return {"data": {name: rng.choice(HOSTILE) for name in names}}
    if way == 1:
        return {"data": {name: [rng.choice(HOSTILE), rng.choice(HOSTILE)] for name in names}}
    if way == 2:
        return {"data": json.dumps({name: [{}] for name in names}), "content_type": rng.choice(("application/json", "text/plain", "multipart/form-data"))}
    if way == 3:
        return {"data": urlencode({f"{name}[]": "1" for name in names} | {f"{name}-99999999": "1" for name in names} | {"rooms-7-tables": "x"})}
    good = {**shown, **{name: [value] for name, value in PLAUSIBLE.items() if name in shown}}
    for name in rng.sample(sorted(good), min(len(good), rng.randint(1, 2))):
        good[name] = [rng.choice(HOSTILE)]
    return {"data": good}


def shown_values(response: TestResponse | None) -> dict[str, list[str]]:
    """What the last form of a page would send, all controls named."""
    if response is None or response.mimetype != "text/html" or response.status_code != 200:
        return {}
    found = forms(response.text)
    return {**{name: [] for name in found[-1].choices}, **found[-1].values} if found else {}


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role or "anonymous")
def test_nothing_that_is_sent_breaks_a_page_or_comes_back_as_code(app: Flask, client: Client, world: World, role: Role | None) -> None:
    rng = random.Random(f"{SEED} {role}")
    walker = Walker(client, world.users[role])
    every = routes(app)
    rng.shuffle(every)
    shown: dict[str, dict[str, list[str]]] = {}

    while walker.statuses.total() + len(walker.failures) < REQUESTS_PER_ROLE:
        _endpoint, method, rule = every[walker.statuses.total() % len(every)]
        if rng.random() < 0.12:
            walker.send(rng.choice(METHODS), hostile_address(rule, world, rng), headers=rng.choice(HEADERS))
        elif method == "GET":
            walker.send("GET", f"{hostile_address(rule, world, rng)}?{hostile_query(rng)}")
        else:
            path = hostile_address(rule, world, rng)
            if rule not in shown:
                shown[rule] = shown_values(walker.send("GET", own_address(rule, world, rng)))
            walker.send("POST", path, **hostile_body(shown[rule], rng))

    assert walker.failures == []
    assert {200, 404, 422} <= set(walker.statuses), walker.statuses


FORMS = {
    "/connexion": None,
    "/inscription": None,
    "/besoins/nouveau/purchase": Role.MEMBER,
    "/offres/nouvelle/succession": Role.MEMBER,
    "/lieux/nouveau": Role.HOST,
    "/mes-job-datings/nouveau": Role.HOST,
    "/structures/nouvelle": Role.ANIMATOR,
    "/emplois-partages/simulateur": None,
}


@pytest.mark.parametrize("path", FORMS)
def test_each_field_of_each_form_withstands_each_value(client: Client, world: World, path: str) -> None:
    walker = Walker(client, world.users[FORMS[path]])
    good = shown_values(walker.send("GET", path))
    good |= {name: [value] for name, value in PLAUSIBLE.items() if name in good}
    rng = random.Random(f"{SEED} {path}")
    values = [value for value in HOSTILE if len(value) < 5000]
    pairs = [(name, value) for name in good for value in values]

    for name, value in rng.sample(pairs, min(len(pairs), 25 if path in {"/connexion", "/inscription"} else 120)):
        walker.send("POST", path, data={**good, name: [value]})

    assert walker.failures == []
    assert set(walker.statuses) <= {200, 302, 422}


@contextmanager
def everything_but(model: type[Any]) -> Iterator[None]:
    """Fails when rows of the model were written meanwhile."""
    before = db.session.scalar(select(func.count()).select_from(model))
    yield
    assert db.session.scalar(select(func.count()).select_from(model)) == before


@pytest.mark.parametrize(
    ("path", "role", "model", "typed", "message"),
    [
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"volume": "NaN"}, "Écrivez un nombre plus grand que zéro."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"volume": "sNaN"}, "Écrivez un nombre plus grand que zéro."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"volume": "-3"}, "Écrivez un nombre plus grand que zéro."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"budget_min": "9" * 400}, "Écrivez un montant en euros."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"budget_min": "douze"}, "Écrivez un montant en euros."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"budget_min": "500", "budget_max": "40"}, "Le plus petit montant va dans la première case."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"capacity": str(2**63)}, "Écrivez un nombre entre 1 et 500."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"starts_on": "2027-02-30"}, "Cette date n’existe pas."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"starts_on": "0001-01-01"}, "Vérifiez l’année."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"ends_on": "9999-12-31"}, "Vérifiez l’année."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"radius_km": "5000"}, "N'est pas un choix valide."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"volume_unit": "litres"}, "N'est pas un choix valide."),
        ("/besoins/nouveau/purchase", Role.MEMBER, Need, {"areas": ["61", "999"]}, "« 999 »"),
        ("/offres/nouvelle/succession", Role.MEMBER, Offer, {"title": "t" * 5000}, "120 caractères au plus"),
        ("/offres/nouvelle/succession", Role.MEMBER, Offer, {"commune": "' OR 1=1 --"}, "Nous ne connaissons pas cette commune."),
        ("/lieux/nouveau", Role.HOST, Venue, {"authorised_headcount": str(2**63)}, "Écrivez un nombre de personnes"),
        ("/lieux/nouveau", Role.HOST, Venue, {"rooms-0-tables": "NaN"}, "Écrivez combien il y a de tables"),
        ("/mes-job-datings/nouveau", Role.HOST, JobDating, {"held_on": "0001-01-01", "starts": "00:00"}, "Cette date est passée."),
        ("/mes-job-datings/nouveau", Role.HOST, JobDating, {"held_on": "9999-12-31", "ends": "23:59"}, "plus de trois ans"),
        ("/mes-job-datings/nouveau", Role.HOST, JobDating, {"held_on": "2027-02-30"}, "Choisissez une date."),
        ("/achats/listes", Role.MEMBER, Shortlist, {"name": "n" * 5000}, "80 caractères au plus"),
        ("/achats/listes", Role.MEMBER, Shortlist, {"name": "traiteurs"}, "Vous avez déjà une liste de ce nom."),
        ("/mes-job-datings/nouveau", Role.HOST, JobDating, {"starts": "25:61"}, "Écrivez l’heure du début."),
        ("/structures/nouvelle", Role.ANIMATOR, Organisation, {"idcc": "abcd"}, "Un numéro IDCC s’écrit en chiffres"),
        ("/structures/nouvelle", Role.ANIMATOR, Organisation, {"monthly_budget": "9" * 400}, "Écrivez un nombre entre 0 et 60."),
        ("/structures/nouvelle", Role.ANIMATOR, Organisation, {"number": "123"}, "Il manque 11 chiffres au SIRET"),
    ],
)
def test_a_refused_form_says_why_in_french_keeps_what_was_typed_and_writes_nothing(
    client: Client, world: World, path: str, role: Role, model: type[Any], typed: dict[str, Any], message: str
) -> None:
    client.sign_in(world.users[role])
    good = shown_values(client.get(path))
    good |= {name: [value] for name, value in PLAUSIBLE.items() if name in good}
    sent = {**good, **{name: value if isinstance(value, list) else [value] for name, value in typed.items()}}

    with everything_but(model):
        response = client.post(path, data=sent)

    assert response.status_code == 422
    assert message in words(response.text)
    kept = shown_values(SimpleNamespace(mimetype="text/html", status_code=200, text=response.text))
    chosen = forms(response.text)[-1].choices
    for name, values in sent.items():
        if name not in chosen:
            assert kept[name] == values, name
    english = re.search(r"Not a valid|Invalid|must be|This field|cannot|could not", words(response.text))
    assert english is None, english


def test_what_is_written_once_is_shown_everywhere_as_text(app: Flask, client: Client, world: World) -> None:
    evil = f"{SCRIPT}\"'>{{{{7*7}}}}"
    organisation = OrganisationFactory(name=evil, description=evil, address=evil, phone=evil, website=f"https://ailleurs.test/{evil}")
    need = NeedFactory(organisation=organisation, title=evil, description=evil, skills=[evil], details={"lead_time": evil})
    match = MatchFactory(need=need, offer=OfferFactory(title=evil), mutual=True)
    proposals_of(match)
    place = venue(organisation)
    place.name = place.address = place.access_text = place.description = evil
    dating = JobDatingFactory(venue=place, title=evil)
    job_datings.choose(dating, [match])
    job_datings.publish(dating, settings=mail_settings())
    db.session.commit()
    lost = MailFactory(organisation=organisation, lost=True, subject=evil, last_error=evil, message=f"Subject: x\r\n\r\n{evil}\r\n".encode())
    ids = world.ids | {
        "mail_id": lost.id,
        "need_id": need.id,
        "venue_id": place.id,
        "job_dating_id": dating.id,
        "organisation_id": organisation.id,
        "run_id": match.run_id,
    }
    shown = 0
    readers = [None, UserFactory(organisation=organisation, name=evil), UserFactory(host=True, organisation=organisation), UserFactory(admin=True)]
    for user in readers:
        walker = Walker(client, user)
        for _endpoint, method, rule in routes(app):
            if method == "GET" and (response := walker.send("GET", address(rule, ids))) is not None and response.mimetype.startswith("text/"):
                shown += "&lt;script&gt;alert(1)" in response.text
                assert "49" not in re.findall(r"alert\(1\)\S{0,40}?(49)", response.text)
        assert walker.failures == []
    assert shown >= 10
    for message in db.session.scalars(select(OutboxMail.message).where(OutboxMail.kind.startswith("invitation"))):
        page = email.message_from_bytes(message, policy=email.policy.default).get_body(("html",))
        assert page is not None
        assert SCRIPT not in page.get_content()


def test_an_absent_and_a_foreign_object_are_the_same_404_for_everyone(app: Flask, client: Client, world: World) -> None:
    absent = {name: 2**31 - 1 if name == "territory_id" else uuid4() for name in world.ids}
    for user in world.users.values():
        walker = Walker(client, user)
        for _endpoint, method, rule in routes(app):
            if re.search("<(uuid|int):", rule):
                response = walker.send(method, address(rule, absent))
                assert response is not None
                assert response.status_code in {302, 403, 404}
        assert walker.failures == []


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30])
def test_a_number_too_big_for_the_database_is_not_there(client: Client, world: World, number: int) -> None:
    client.sign_in(world.users[Role.ADMIN])

    assert client.post(f"/territoires/{number}/calculs").status_code == 404


# Forged forms


def test_no_form_is_taken_without_its_token_or_with_a_forged_one(app: Flask, client: Client, world: World, monkeypatch: pytest.MonkeyPatch, queries) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    other = app.test_client().get("/connexion").text
    foreign = forms(other)[-1].values["csrf_token"][0]
    posts = [(endpoint, rule) for endpoint, method, rule in routes(app) if method == "POST"]
    assert {"accounts.login", "matching.publish", "proposals.accept", "answers.answer", "invitations.answer", "job_datings.publish"} <= {
        endpoint for endpoint, _rule in posts
    }
    rng = random.Random(SEED)

    for endpoint, rule in posts:
        path = own_address(rule, world, rng)
        for user in (None, rng.choice([user for user in world.users.values() if user])):
            walker = Walker(client, user)
            queries.clear()
            for token in ({}, {"csrf_token": ""}, {"csrf_token": "x.y.z"}, {"csrf_token": foreign}):
                response = walker.send("POST", path, data=PLAUSIBLE | token)
                assert response is not None
                if rule.startswith(("/mot-de-passe/<", "/compte/adresse/<", "/rejoindre/<", "/inscription/fin/<")):
                    # Nobody in this world was mailed such a link: the page is not there, with a token or without.
                    assert response.status_code in {400, 404}, (endpoint, token)
                    continue
                assert response.status_code == 400, (endpoint, token)
                assert "Rien n’a été enregistré" in response.text
            written = [statement for statement in queries if re.match(r"\s*(INSERT|UPDATE|DELETE)", statement)]
            # Signing in keeps a session: that is not the form's doing.
            assert not [statement for statement in written if "user_session" not in statement]


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.api+json"])
def test_a_form_takes_no_json(client: Client, world: World, kind: str) -> None:
    client.sign_in(world.users[Role.MEMBER])
    path = f"/besoins/{world.ids['need_id']}/modifier"

    for body in ({"title": [{}]}, {"title": "Autre"}, [1], "x", None):
        assert client.post(path, data=json.dumps(body), content_type=kind).status_code == 415

    db.session.expire_all()
    assert db.session.get_one(Need, world.ids["need_id"]).title != "Autre"


def test_a_form_with_its_own_token_is_taken(app: Flask, client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    proposal = db.session.get_one(Proposal, world.ids["proposal_id"])
    client.sign_in(world.users[Role.MEMBER])
    token = next(form.values["csrf_token"][0] for form in forms(client.get("/propositions").text) if form.action.endswith("/oui"))

    response = client.post(f"/propositions/{proposal.id}/oui", data={"csrf_token": token})

    assert (response.status_code, response.location) == (302, "/propositions")


# Sizes and hosts


@pytest.mark.parametrize("path", ["/connexion", "/inscription", "/deconnexion"])
def test_a_body_that_is_too_big_is_refused_before_it_is_read(client: Client, path: str) -> None:
    client.sign_in(UserFactory())
    with client.session_transaction() as session:
        session.clear()

    response = client.post(path, data={"email": "a" * 3_000_000, "password": "b"})
    parts = client.post(path, data={f"field-{number}": "x" for number in range(500)}, content_type="multipart/form-data")

    assert response.status_code == (302 if path == "/deconnexion" else 413)
    assert parts.status_code == (302 if path == "/deconnexion" else 413)
    assert path == "/deconnexion" or "trop" in words(response.text)


@pytest.mark.parametrize("name", ["Cookie", "User-Agent", "Accept-Language", "Referer", "X-Forwarded-For", "Authorization"])
def test_a_header_of_a_hundred_thousand_letters_changes_nothing(client: Client, name: str) -> None:
    assert client.get("/annuaire", headers={name: "x" * 100_000}).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}, {"Host": "evil.example:99999"}]
)
def test_a_false_host_is_in_no_link_of_a_page_or_a_mail(app: Flask, client: Client, world: World, headers: dict[str, str]) -> None:
    rng = random.Random(SEED)
    for user in world.users.values():
        for _endpoint, method, rule in routes(app):
            if method == "GET":
                response = Walker(client, user).send("GET", own_address(rule, world, rng), headers=headers)
                assert response is not None
                assert b"evil.example" not in response.data
                assert "evil.example" not in response.headers.get("Location", "")

    response = Walker(client, world.users[Role.HOST]).send("POST", f"/mes-job-datings/{world.ids['job_dating_id']}/publication", headers=headers)
    assert response is not None
    db.session.expire_all()
    if "Host" in headers:
        # Nothing is done for who asks another site.
        assert response.status_code == 400
        assert db.session.get_one(JobDating, world.ids["job_dating_id"]).status is not JobDatingStatus.PUBLISHED
        return
    assert response.status_code == 302
    assert db.session.get_one(JobDating, world.ids["job_dating_id"]).status is JobDatingStatus.PUBLISHED
    told = list(db.session.scalars(select(OutboxMail.message).where(OutboxMail.id != world.ids["mail_id"])))
    assert told
    assert not [message for message in told if b"evil.example" in message]
    assert all(b"http://croisee.test/" in message.replace(b"=\r\n", b"") for message in told)


def test_the_tables_are_still_there(client: Client, world: World) -> None:
    client.get("/annuaire", query_string={"q": "'; DROP TABLE organisation CASCADE; --"})

    assert db.session.scalar(text("SELECT count(*) FROM organisation")) > 0
