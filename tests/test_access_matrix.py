"""Every route for every kind of person, on objects that are theirs: what it answers stands in access_matrix.txt, line by line.

A route without a line fails. To write lines for new routes, run this test: it says what they should be; read them before you copy them.
Objects of others and objects that are nowhere have one rule for all routes, in test_access.py.
"""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Connection, select

from matchmaker.extensions import db
from matchmaker.models import (
    Absence,
    ActKind,
    Answer,
    CalendarReply,
    Cluster,
    Matter,
    Organisation,
    ReplyStatus,
    SavedSearch,
    Series,
    SeriesDate,
    Standing,
    User,
    VenueBlock,
    VenuePhoto,
    WorkAct,
)
from matchmaker.models.base import now, today
from matchmaker.services import check_in_links, job_datings, joining, personal_data_export, sessions
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
from tests.test_access import OPEN, PEOPLE, address, may, routes

MATRIX = Path(__file__).with_name("access_matrix.txt")


def declared() -> dict[str, tuple[str, dict[str, str]]]:
    """« endpoint METHOD » → its mark, and the answer to each kind of person."""
    lines = [line.split() for line in MATRIX.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {f"{endpoint} {method}": (mark, dict(zip(PEOPLE, answers, strict=True))) for endpoint, method, mark, *answers in lines}


def test_the_matrix_names_each_route_once_with_its_mark(app: Flask) -> None:
    marks = {f"{endpoint} {method}": app.view_functions[endpoint].access for endpoint, method, _rule in routes(app)}
    closed = {name: mark for name, mark in marks.items() if mark not in OPEN}

    assert {name: mark for name, (mark, _answers) in declared().items()} == closed


@pytest.fixture
def ours(app: Flask) -> Organisation:
    structure: Organisation = OrganisationFactory(name="Picorée", siret="73282932000074")
    return structure


def person_of(kind: str, ours: Organisation) -> User:
    traits = {"reader": {"reader": True}, "editor": {"editor": True}, "administrator": {}, "host": {"host": True}}
    if kind in traits:
        user: User = UserFactory(organisation=ours, **traits[kind])
        return user
    return UserFactory(**{kind: True})


def own_ids(ours: Organisation, user: User) -> dict[str, object]:
    """One object of each kind that belongs to the structure, to the territory that is looked after, or to the person."""
    match = MatchFactory(need=NeedFactory(organisation=ours, published_at=now() - timedelta(days=12)), offer=OfferFactory(organisation=ours))
    proposal, _other = proposals_of(match)
    place = venue(ours)
    dating = JobDatingFactory(venue=place)
    job_datings.choose(dating, [MatchFactory(mutual=True, need=NeedFactory(organisation=ours), offer=OfferFactory())])
    invitation = job_datings.publish(dating, settings=mail_settings())[0]
    absence = Absence(organisation_id=ours.id, starts_on=today(), ends_on=today())
    block = VenueBlock(venue_id=place.id, starts_at=now() + timedelta(days=3), ends_at=now() + timedelta(days=4))
    photo = VenuePhoto(venue_id=place.id, position=1, alt="La salle", width=4, height=3, content=b"jpeg")
    series = Series(venue_id=place.id, title="Le tour du bocage", dates=[SeriesDate(job_dating_id=JobDatingFactory(venue=place).id)])
    act = WorkAct(matter=Matter.SILENT, subject_id=match.need_id, organisation_id=ours.id, kind=ActKind.ASSIGNED, by_id=user.id, assigned_to_id=user.id)
    reply = CalendarReply(
        digest="d", invitation_id=invitation.id, sender=ours.email, answer=Answer.ACCEPTED, sequence=0, stamped_at=now(), status=ReplyStatus.UNVERIFIED
    )
    link = check_in_links.make(dating, name="Salma", by=user)
    sessions.begin(user)
    saved = SavedSearch(user_id=user.id, label="traiteur à Flers", address="/annuaire?q=traiteur", asked={})
    db.session.add_all([absence, block, photo, series, act, reply, saved])
    db.session.flush()
    pool = group(FractionFactory(organisation=ours), FractionFactory(), proposed=True)
    entry, question, answer = kept(by=user if user.speaks else UserFactory(organisation=ours)), search_question(), group_answer(lead=ours)
    search = supplier_search(NeedFactory(organisation=ours))
    return {
        "shortlist_id": entry.shortlist_id,
        "entry_id": entry.id,
        "open_id": question.search_id,
        "search_id": search.id,
        "saved_searches.search_id": saved.id,
        "question_id": search_question(search).id,
        "group_id": answer.id,
        "member_id": answer.members[1].id,
        "news_id": news().id,
        "cluster_invitation_id": cluster_invitation(ours).id,
        "cluster_id": db.session.scalars(select(Cluster.id)).first(),
        "story_id": given_story(ours).id,
        "need_id": match.need_id,
        "offer_id": match.offer_id,
        "other_id": RunFactory(territory=departement("61"), status="superseded").id,
        "subject_id": match.need_id,
        "proposal_id": proposal.id,
        "run_id": match.run_id,
        "venue_id": place.id,
        "job_dating_id": dating.id,
        "organisation_id": ours.id,
        "territory_id": departement("61").id,
        "user_id": UserFactory(organisation=ours, editor=True).id,
        "mail_id": MailFactory(organisation=ours, lost=True).id,
        "pool_id": pool.id,
        "rule_id": pair_rule().id,
        "help_id": call_for_help(mutual_match(need=NeedFactory(organisation=ours))).id,
        "welcome_id": welcome(by=ours).id,
        "absence_id": absence.id,
        "block_id": block.id,
        "photo_id": photo.id,
        "series_id": series.id,
        "act_id": act.id,
        "reply_id": reply.id,
        "link_id": link.id,
        "meeting_id": dating.meetings[0].id,
        "session_id": sessions.sessions_of(user)[0].id,
        "invitation_id": joining.invite(ours, email="lea@structure.test", name="", standing=Standing.READER, by=user, settings=mail_settings()).id,
        "request_id": joining.ask(ours, email="noe@structure.test", name="Noé", message="", settings=mail_settings()).id,
        "other_structure_id": OrganisationFactory(name="Picorees").id,
        "export_id": personal_data_export.ask(user).id,
        "key": "needs",
        "code": "2026-T3",
        "file": "plan",
    }


def ids_for(endpoint: str, ids: dict[str, object]) -> dict[str, object]:
    """The objects that this endpoint's addresses name: a word that two concepts use stands with the concept before it."""
    concept = endpoint.partition(".")[0] + "."
    return ids | {name.removeprefix(concept): value for name, value in ids.items() if name.startswith(concept)}


@pytest.mark.parametrize("kind", PEOPLE)
def test_each_route_answers_as_the_matrix_says(app: Flask, client: Client, ours: Organisation, kind: str) -> None:
    user = person_of(kind, ours)
    ids = own_ids(ours, user)
    db.session.commit()
    connection: Connection = db._app_engines[app][None]  # type: ignore[assignment]
    expected, wrong = declared(), []

    for endpoint, method, rule in routes(app):
        name, mark = f"{endpoint} {method}", app.view_functions[endpoint].access
        if mark in OPEN:
            continue
        # What one request writes is undone before the next: each finds the same world.
        undo = connection.begin_nested()
        client.sign_in(user)
        status = str(client.open(address(rule, ids_for(endpoint, ids)), method=method).status_code)
        db.session.remove()
        undo.rollback()
        if not may(kind, mark, method):
            assert status == "403", (name, status)
        if name not in expected or expected[name][1][kind] != status:
            wrong.append(f"{name} {mark}: {status}")

    assert wrong == []


def test_each_object_of_an_address_is_made_for_the_matrix(app: Flask, ours: Organisation) -> None:
    named = {name for _endpoint, _method, rule in routes(app) for name in re.findall(r"<(?:uuid|int):(\w+)>", rule)}

    assert named <= set(own_ids(ours, UserFactory(organisation=ours)))
