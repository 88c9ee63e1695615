"""Every route says who may use it, and keeps to it. A route without a mark fails the build."""

import re
import uuid

import pytest
from flask import Flask
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import ContactView, JobDatingStatus, RunStatus, Side, VenueBlock, VenuePhoto
from matchmaker.models.base import now
from matchmaker.services import conversation_links, proposal_links
from tests.conftest import Client
from tests.factories import (
    FractionFactory,
    JobDatingFactory,
    MatchFactory,
    NeedFactory,
    OrganisationFactory,
    RunFactory,
    UserFactory,
    departement,
    group,
    proposals_of,
    venue,
)
from tests.rights import ENDS, MARKS, OPEN, PEOPLE, STAFF, address, may, routes, user_with
from tests.world import ids_for, of_the_person, own_ids

# What is taken away twice is taken away once: of what is not there the page says nothing, and nothing happens.
TAKEN_AWAY = {"venue_bookings.unblock", "venue_photos.remove"}
# A run says first in which state it is; whose pair it is, test_matching_decisions asks.
SAYS_ITS_STATE = {"matching.decide"}
# What one shows to all members, and each may act on.
SHARED = {"job_dating_guests.register", "purchasing_groups.begin", "purchasing_searches.ask"}
# Addresses that bring two things together which need not be of one another: who looks after both may.
TOGETHER = {"duplicates.compare", "duplicates.merge", "duplicates.tell_apart", "matching.compare", "pools_bench.ask_group", "pools_bench.meet"}


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
    """One object of each kind, all of another structure and in the Orne."""
    organisation = OrganisationFactory()
    return own_ids(organisation, UserFactory(organisation=organisation, host=True))


@pytest.mark.parametrize("person", [person for person in PEOPLE if person != "admin"])
def test_objects_of_others_are_not_there(app: Flask, client: Client, person: str) -> None:
    ids, found = foreign_ids(), []
    client.sign_in(user_with(person))

    for endpoint, method, rule in routes(app):
        access = app.view_functions[endpoint].access
        if access in OPEN or endpoint in ENDS | SHARED or not may(person, access, method) or not re.search(r"<(uuid|int):", rule):
            continue
        status = client.open(address(rule, ids_for(endpoint, ids)), method=method).status_code
        if status != 404:
            found.append((endpoint, method, status))

    assert found == [], found


@pytest.mark.parametrize("person", ["animator", "admin"])
def test_what_is_a_persons_alone_is_not_there_for_who_looks_after_everything(app: Flask, client: Client, person: str) -> None:
    theirs = of_the_person(UserFactory())
    names = {name.rpartition(".")[2] for name in theirs}
    client.sign_in(UserFactory(**{person: True}))
    asked = 0

    for endpoint, method, rule in routes(app):
        named = set(re.findall(r"<uuid:(\w+)>", rule))
        if app.view_functions[endpoint].access == "signed-in" and named and named <= names:
            status = client.open(address(rule, ids_for(endpoint, theirs)), method=method).status_code
            assert status == 404, (endpoint, method, status)
            asked += 1

    assert asked >= 4


@pytest.mark.parametrize("person", ["host", "admin"])
def test_a_part_of_something_else_is_not_there_under_ones_own_address(app: Flask, client: Client, person: str) -> None:
    """/structures/OURS/equipe/THEIRS: each id of an address belongs to the one before it, whoever asks."""
    ours = OrganisationFactory()
    user = UserFactory(organisation=ours, host=True) if person == "host" else UserFactory(admin=True)
    mine, theirs = own_ids(ours, user), foreign_ids()
    client.sign_in(user)
    asked, found = 0, []

    for endpoint, method, rule in routes(app):
        access, names = app.view_functions[endpoint].access, re.findall(r"<uuid:(\w+)>", rule)
        if access in OPEN or not may(person, access, method) or endpoint in TOGETHER | SAYS_ITS_STATE:
            continue
        # What stands under a territory's address is of the territory: both worlds are in the Orne.
        for name in names[1:]:
            mixed = ids_for(endpoint, mine) | {name: ids_for(endpoint, theirs)[name]}
            status = client.open(address(rule, mixed), method=method).status_code
            if status != (302 if endpoint in TAKEN_AWAY else 404):
                found.append((endpoint, method, name, status))
            asked += 1

    assert found == [], found
    assert asked >= 10
    db.session.expire_all()
    assert all(db.session.get(kind, theirs[name]) for kind, name in ((VenueBlock, "block_id"), (VenuePhoto, "photo_id")))


def couples(code: str, at: str) -> dict[str, object]:
    """What the addresses of TOGETHER name, all of one département."""
    territory, one, other = departement(code), OrganisationFactory(at=at), OrganisationFactory(at=at)
    return {
        "organisation_id": one.id,
        "other_structure_id": other.id,
        "run_id": RunFactory(territory=territory).id,
        "other_id": RunFactory(territory=territory, status=RunStatus.SUPERSEDED).id,
        "pool_id": group(FractionFactory(organisation=one), FractionFactory(organisation=other), proposed=True).id,
        "job_dating_id": JobDatingFactory(venue=venue(one)).id,
    }


def test_who_looks_after_one_of_two_things_brings_them_not_together(app: Flask, client: Client) -> None:
    theirs, mine = couples("61", "Flers (61)"), couples("76", "Rouen (76)")
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))
    found = []

    for endpoint, method, rule in routes(app):
        for name in re.findall(r"<uuid:(\w+)>", rule) if endpoint in TOGETHER else ():
            status = client.open(address(rule, mine | {name: theirs[name]}), method=method).status_code
            if status != 404:
                found.append((endpoint, method, name, status))

    assert found == [], found


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
