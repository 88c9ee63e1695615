"""Every route says who may use it, and keeps to it. A route without a mark fails the build."""

import re
import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Cluster, ContactView, JobDatingStatus, Side, User
from matchmaker.models.base import now
from matchmaker.services import conversation_links, proposal_links
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
    call_for_help,
    cluster_invitation,
    departement,
    given_story,
    group,
    group_answer,
    kept,
    news,
    pair_rule,
    proposals_of,
    search_question,
    venue,
    welcome,
)

PEOPLE = ("reader", "editor", "administrator", "host", "animator", "admin")
ALL = frozenset(PEOPLE)
STAFF = frozenset({"animator", "admin"})
# Who may read what carries a mark, and who may write there. The host of these tests administers their structure.
READS = {
    "signed-in": ALL,
    "member": ALL - STAFF,
    "editor": ALL - STAFF - {"reader"},
    "structure": ALL - {"reader"},
    "people": ALL - {"reader", "editor"},
    "host": STAFF | {"host"},
    "animator": STAFF,
    "admin": frozenset({"admin"}),
}
WRITES = READS | {"member": READS["editor"]}
# What ends the session of who does it.
ENDS = {"accounts.logout", "members.go"}
OPEN = {"public", "token", "demo"}
MARKS = OPEN | set(READS)


def user_with(person: str) -> User:
    """An account of this role or standing that owns none of the objects of these tests."""
    makers: dict[str, Callable[[], User]] = {
        "reader": lambda: UserFactory(reader=True),
        "editor": lambda: UserFactory(editor=True),
        "administrator": lambda: UserFactory(),
        "member": lambda: UserFactory(),
        "host": lambda: UserFactory(host=True),
        "animator": lambda: UserFactory(animator=True, territories=[departement("76")]),
        "admin": lambda: UserFactory(admin=True),
    }
    return makers[person]()


def may(person: str, access: str, method: str) -> bool:
    return person in (READS if method == "GET" else WRITES)[access]


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """(endpoint, method, rule) of every route but the static files."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            found += [(rule.endpoint, method, rule.rule) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def address(rule: str, ids: dict[str, object] | None = None) -> str:
    """The rule with identifiers in it: those given, else ones that exist nowhere."""
    known = ids or {}

    def fill(match: re.Match[str]) -> str:
        converter, name = match.group(1), match.group(2)
        if name in known:
            return str(known[name])
        return {"uuid:": str(uuid.uuid4()), "int:": "987654321"}.get(converter or "", "purchase" if name == "category" else "inconnu.eml")

    return re.sub(r"<(\w+:)?(\w+)>", fill, rule)


def test_every_route_carries_one_mark(app: Flask) -> None:
    bare = [endpoint for endpoint, _method, _rule in routes(app) if getattr(app.view_functions[endpoint], "access", None) not in MARKS]

    assert bare == []


def test_a_route_without_a_mark_would_be_found(app: Flask) -> None:
    assert getattr(lambda: "", "access", None) not in MARKS


def test_who_is_not_signed_in_is_led_to_the_login_page(app: Flask, client: Client) -> None:
    for endpoint, method, rule in routes(app):
        if app.view_functions[endpoint].access not in OPEN:
            response = client.open(address(rule), method=method)
            assert (response.status_code, response.headers.get("Location", "").partition("?")[0]) == (302, "/connexion"), (endpoint, method)


@pytest.mark.parametrize("person", PEOPLE)
def test_who_has_no_right_is_refused_and_who_has_it_finds_nothing_that_is_not_there(app: Flask, client: Client, person: str) -> None:
    client.sign_in(user_with(person))
    unowned = {403} if person in STAFF else set()

    for endpoint, method, rule in routes(app):
        access = app.view_functions[endpoint].access
        if access in OPEN or endpoint in ENDS:
            continue
        status = client.open(address(rule), method=method).status_code
        if not may(person, access, method):
            assert status == 403, (endpoint, method, status)
        elif "<uuid:" in rule or "<int:" in rule:
            # Who looks after territories speaks for no structure: pages of one's own structure are not for them.
            assert status in {404} | unowned, (endpoint, method, status)
        else:
            # 409: what nobody has set up cannot be renewed, and who is alone cannot leave.
            assert status in {200, 302, 409, 422} | unowned, (endpoint, method, status)


def foreign_ids() -> dict[str, object]:
    """One existing object of each kind, none of them the tested account's, all in the Orne."""
    match = MatchFactory(need=NeedFactory(), offer=OfferFactory(), mutual=True)
    proposal, _other = proposals_of(match)
    place = venue()
    dating = JobDatingFactory(venue=place)
    entry, question, answer = kept(by=UserFactory()), search_question(), group_answer()
    return {
        "shortlist_id": entry.shortlist_id,
        "entry_id": entry.id,
        "search_id": question.search_id,
        "question_id": question.id,
        "group_id": answer.id,
        "member_id": answer.members[1].id,
        "need_id": match.need_id,
        "offer_id": match.offer_id,
        "subject_id": match.need_id,
        "proposal_id": proposal.id,
        "run_id": RunFactory().id,
        "venue_id": place.id,
        "job_dating_id": dating.id,
        "organisation_id": match.need.organisation_id,
        "territory_id": departement("61").id,
        "user_id": UserFactory().id,
        "mail_id": MailFactory(lost=True).id,
        "pool_id": group(proposed=True).id,
        "rule_id": pair_rule().id,
        "help_id": call_for_help(match).id,
        "welcome_id": welcome().id,
        "news_id": news().id,
        "cluster_invitation_id": cluster_invitation().id,
        "cluster_id": db.session.scalars(select(Cluster.id)).first(),
        "story_id": given_story().id,
        "other_structure_id": OrganisationFactory().id,
    }


@pytest.mark.parametrize("person", [person for person in PEOPLE if person != "admin"])
def test_objects_of_others_are_not_there(app: Flask, client: Client, person: str) -> None:
    ids = foreign_ids()
    client.sign_in(user_with(person))

    for endpoint, method, rule in routes(app):
        access = app.view_functions[endpoint].access
        if access not in OPEN and may(person, access, method) and endpoint not in ENDS and re.search(r"<(uuid|int):", rule):
            status = client.open(address(rule, ids), method=method).status_code
            assert status == 404, (endpoint, method, status)


def test_an_absent_and_a_foreign_object_answer_the_same(client: Client) -> None:
    need = NeedFactory()
    client.sign_in(UserFactory())

    foreign = client.get(f"/besoins/{need.id}")
    absent = client.get(f"/besoins/{uuid.uuid4()}")

    assert foreign.status_code == absent.status_code == 404
    assert foreign.data == absent.data


def test_an_animator_of_the_territory_reaches_its_runs_and_venues(client: Client) -> None:
    run, place = RunFactory(), venue()
    client.sign_in(UserFactory(animator=True))

    assert client.get(f"/calculs/{run.id}").status_code == 200
    assert client.get(f"/lieux/{place.id}").status_code == 200


def test_a_get_never_writes(app: Flask, client: Client, queries: list[str]) -> None:
    organisation = OrganisationFactory()
    match = MatchFactory(need=NeedFactory(organisation=organisation))
    proposal, _other = proposals_of(match)
    place = venue(organisation)
    dating = JobDatingFactory(venue=place, status=JobDatingStatus.PUBLISHED, published_at=now())
    ids = foreign_ids() | {"need_id": match.need_id, "proposal_id": proposal.id, "venue_id": place.id, "job_dating_id": dating.id, "run_id": match.run_id}
    for user in (UserFactory(organisation=organisation, host=True), UserFactory(animator=True), UserFactory(admin=True)):
        client.sign_in(user)
        queries.clear()
        for _endpoint, method, rule in routes(app):
            if method == "GET":
                client.get(address(rule, ids))
        # That a file was taken is written down: it changes nothing of what the file is about.
        written = [statement for statement in queries if re.match(r"\s*(INSERT|UPDATE|DELETE)(?! INTO audit_entry)", statement)]
        assert written == []


@pytest.mark.parametrize("side", list(Side))
def test_contact_details_appear_on_mutual_acceptance_only_and_who_opens_them_is_noted(client: Client, side: Side) -> None:
    match = MatchFactory()
    mine, other = proposals_of(match)
    if side is Side.OFFER:
        mine, other = other, mine
    client.sign_in(UserFactory(organisation=mine.organisation))
    theirs = other.organisation

    before = client.get("/propositions").get_data(as_text=True)
    assert theirs.email not in before
    assert theirs.phone not in before

    match.status, match.confirmed_at = "confirmed", now()
    mine.status = other.status = "accepted"
    mine.answered_at = other.answered_at = now()
    db.session.commit()

    assert theirs.email not in client.get("/propositions").get_data(as_text=True)
    client.post(f"/rencontres/{mine.id}/coordonnees")
    assert theirs.email in client.get("/propositions").get_data(as_text=True)
    assert [view.organisation_id for view in db.session.scalars(select(ContactView))] == [theirs.id]


@pytest.mark.parametrize("side", list(Side))
def test_the_page_of_a_mails_link_never_shows_contact_details(app: Flask, client: Client, side: Side) -> None:
    match = MatchFactory()
    both = dict(zip(Side, proposals_of(match), strict=True))
    mine, theirs = both[side], both[side].other.organisation
    secret = app.config["SECRET_KEY"]
    path, conversation = f"/reponses/{proposal_links.token(mine, secret)}", f"/echanges/{conversation_links.token(mine, secret)}"
    pages = [client.get(path).get_data(as_text=True)]

    match.status, match.confirmed_at = "confirmed", now()
    for proposal in both.values():
        proposal.status, proposal.answered_at = "accepted", now()
    db.session.commit()

    pages += [client.get(path).get_data(as_text=True), client.get(conversation).get_data(as_text=True)]
    assert not [page for page in pages if theirs.email in page or theirs.phone in page]
