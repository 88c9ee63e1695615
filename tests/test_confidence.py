"""A succession in confidence stays one: whoever looks, wherever, before both said yes, finds neither its words nor its name."""

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from config import ROOT
from matchmaker.extensions import db
from matchmaker.models import Category, Headcount, Match, MatchStatus, Need, OutboxMail, Proposal, ProposalStatus, Role, RunStatus, User
from matchmaker.models.base import now, today
from matchmaker.services import calendar_feeds, conversation_links, matching, outcome_links, proposal_answers, proposal_ends, proposal_links, proposals
from matchmaker.services.proposal_answers import Reply
from matchmaker.web import work_queue_words
from matchmaker.web.settings import mail_settings
from tests.conftest import Client
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, RunFactory, UserFactory, departement, venue
from tests.pages import words
from tests.rights import address, routes

# In its name and its address; in what it writes of its succession.
NAME, SECRET = "zorglubine", "fraxinelle"
# That a structure exists is no secret: what it looks for is.
ABOUT_STRUCTURES = {"organisations.directory", "organisations.show", "search_reports.report", "joining.ask"}


@dataclass
class Confidence:
    need: Need
    asked: Proposal
    people: dict[str, User | None]
    ids: dict[str, object]
    tokens: dict[str, str]


def succession_of(name: str) -> Need:
    organisation = OrganisationFactory(
        name=f"{name.title()} Formation",
        email=f"direction@{NAME}.test",
        phone="02 99 98 97 96",
        website=f"https://{NAME}.test",
        address=f"3 rue {NAME.title()}",
        headcount=Headcount.SMALL,
        monthly_budget=30,
        weekly_budget=15,
    )
    return NeedFactory(
        organisation=organisation,
        category=Category.SUCCESSION,
        is_confidential=True,
        title=f"Succession à {NAME.title()}, qui transmet {SECRET}",
        description=f"Depuis vingt ans, {SECRET} et {NAME}.",
        skills=[SECRET, "direction"],
        details={"kind": "salaried", "horizon_months": 9},
    )


def put(need: Need, *, run) -> tuple[Proposal, Proposal]:
    """The need and somebody who would take over, asked by mail."""
    match = MatchFactory(run=run, need=need, offer=OfferFactory(category=Category.SUCCESSION, skills=["direction"]), status=MatchStatus.PREVIEW)
    asked = sorted(proposals.propose([match], today=today(), settings=mail_settings()), key=lambda proposal: proposal.side)
    db.session.flush()
    return asked[0], asked[1]


@pytest.fixture
def confidence(app: Flask) -> Confidence:
    need, run = succession_of(NAME), RunFactory(status=RunStatus.PUBLISHED, published_at=now())
    _own, asked = put(need, run=run)
    # the other side said yes and waits; was told no; was asked and then not
    _own, waits = put(need, run=run)
    proposals.accept(waits, settings=mail_settings())
    own, told_no = put(need, run=run)
    proposals.accept(told_no, settings=mail_settings())
    proposal_answers.answer(own, Reply(ProposalStatus.DECLINED, reason="no_time"), channel="link", settings=mail_settings())
    own, late = put(need, run=run)
    proposals.accept(own, settings=mail_settings())
    late.answer_by = own.answer_by = today() - timedelta(days=1)
    db.session.flush()
    proposal_ends.expire_due(today=today(), settings=mail_settings())
    _own, taken_back = put(need, run=RunFactory())
    db.session.execute(OutboxMail.__table__.update().where(OutboxMail.organisation_id == taken_back.organisation_id).values(is_maybe_twice=True))
    proposals.unannounce(taken_back.organisation, [taken_back], settings=mail_settings())
    place = venue()
    dating = JobDatingFactory(venue=place)
    people: dict[str, User | None] = {
        "anybody": None,
        "host": UserFactory(host=True, organisation=place.organisation),
        "animator of elsewhere": UserFactory(animator=True, territories=[departement("76")]),
        "somebody else": UserFactory(),
    }
    people |= {f"other side {number}": UserFactory(organisation=one.organisation) for number, one in enumerate((asked, waits, told_no, late, taken_back))}
    db.session.commit()
    secret = app.config["SECRET_KEY"]
    ids = {
        "need_id": need.id,
        "offer_id": asked.match.offer_id,
        "proposal_id": asked.id,
        "run_id": run.id,
        "organisation_id": need.organisation_id,
        "territory_id": need.territory_id,
        "venue_id": place.id,
        "job_dating_id": dating.id,
    }
    tokens = {
        "/reponses/": proposal_links.token(asked, secret),
        "/echanges/": conversation_links.token(asked, secret),
        "/suites/": outcome_links.token(asked, secret),
        "/agenda/": calendar_feeds.token(place, secret),
    }
    return Confidence(need, asked, people, ids, tokens)


def leaks(client: Client, confidence: Confidence, app: Flask) -> list[tuple[str, str, str]]:
    """(who, endpoint, canary) of every page and file that tells it."""
    found = []
    for who, user in confidence.people.items():
        with client.session_transaction() as session:
            session.clear()
        if user is not None:
            client.sign_in(user)
        for endpoint, method, rule in routes(app):
            if method != "GET":
                continue
            token = next((token for beginning, token in confidence.tokens.items() if rule.startswith(beginning)), "")
            path = address(rule.replace("<token>", token).replace("<category>", "succession"), confidence.ids)
            for query in ("", "?onglet=waiting", "?onglet=done") if endpoint == "proposals.inbox" else ("",):
                told = client.get(path + query).get_data().decode(errors="replace").lower()
                found += [(who, endpoint, canary) for canary in (NAME, SECRET) if canary in told and not (canary == NAME and endpoint in ABOUT_STRUCTURES)]
    return found


def bodies(mail: OutboxMail) -> str:
    message = email.message_from_bytes(mail.message, policy=email.policy.default)
    return "\n".join(str(part.get_content()) for part in message.walk() if not part.is_multipart()).lower()


# Whoever looks at all pages: a walk for each, and none of them long.
EVERYBODY = ("anybody", "host", "animator of elsewhere", "somebody else", *(f"other side {number}" for number in range(5)))


@pytest.mark.parametrize("who", EVERYBODY)
def test_no_page_feed_or_file_tells_a_succession_in_confidence(app: Flask, client: Client, confidence: Confidence, who: str) -> None:
    assert set(confidence.people) == set(EVERYBODY)
    confidence.people = {who: confidence.people[who]}

    assert leaks(client, confidence, app) == []


def test_its_own_animator_learns_that_the_structure_exists_and_nothing_of_what_it_looks_for(app: Flask, client: Client, confidence: Confidence) -> None:
    confidence.people = {"animator of here": UserFactory(animator=True, territories=[departement("61")])}
    db.session.commit()

    found = leaks(client, confidence, app)

    assert [leak for leak in found if leak[2] == SECRET] == []
    in_their_care = {"asking_rhythms.show", "joining.invite", "mails.all_mails", "members.team", "organisations.add_account", "organisations.edit"}
    assert {endpoint for _who, endpoint, _name in found} <= in_their_care


def test_no_mail_to_others_tells_it_and_no_subject_at_all(confidence: Confidence) -> None:
    mails = db.session.scalars(select(OutboxMail)).all()
    assert {mail.kind for mail in mails} >= {"proposals", "no_follow_up", "proposals_withdrawn"}

    to_others = [mail for mail in mails if mail.organisation_id != confidence.need.organisation_id]
    assert [(mail.kind, canary) for mail in to_others for canary in (NAME, SECRET) if canary in bodies(mail)] == []
    assert [mail.subject for mail in mails if NAME in mail.subject.lower() or SECRET in mail.subject.lower()] == []


def test_mails_before_two_yes_never_write_the_title_of_the_other_side_itself() -> None:
    """Whatever mail is added: while names are not told, the title goes through ``told_title``."""
    told_both = {"conversation", "mutual_yes", "outcome"}
    bare = re.compile(r"(their_declaration|their)\.(title|description)")
    wrong = [
        path for path in (ROOT / "templates" / "email").rglob("*.*") if path.parent.name not in told_both and bare.search(path.read_text(encoding="utf-8"))
    ]

    assert wrong == []


def test_what_an_animator_says_on_the_telephone_keeps_it(confidence: Confidence) -> None:
    told = work_queue_words.about(confidence.asked).lower()

    assert "transmission en confiance" in told
    assert SECRET not in told
    assert confidence.need.commune.name.lower() not in told


def test_the_card_says_kind_size_area_and_horizon(app: Flask, client: Client, confidence: Confidence) -> None:
    client.sign_in(confidence.people["other side 0"])

    page = words(client.get("/propositions").text)

    for told in ("Transmission en confiance : direction salariée", "10 à 49 salariés", "Orne", "dans l’année", "association"):
        assert told in page


def test_two_yes_tell_both_names_and_the_subject_still_does_not(app: Flask, client: Client, confidence: Confidence) -> None:
    for proposal in confidence.asked.match.proposals:
        proposals.accept(proposal, settings=mail_settings())
    db.session.commit()
    client.sign_in(confidence.people["other side 0"])

    assert SECRET in client.get(f"/rencontres/{confidence.asked.id}").text
    mail = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "mutual_yes", OutboxMail.organisation_id == confidence.asked.organisation_id)).one()
    assert NAME in bodies(mail)
    assert NAME not in mail.subject.lower()
    confidence.people = {who: confidence.people[who] for who in ("host", "other side 1")}
    assert [leak for leak in leaks(client, confidence, app) if leak[1] not in {"conversations.by_link", "answers.answer"}] == []


def test_files_that_an_animator_downloads_tell_nothing_of_it(app: Flask, client: Client) -> None:
    need = succession_of(NAME)
    OfferFactory(category=Category.SUCCESSION, skills=["direction"])
    db.session.flush()
    run = matching.rematch(departement("61"), today=today())
    db.session.commit()
    match = db.session.scalars(select(Match).where(Match.run_id == run.id)).one()
    client.sign_in(UserFactory(role=Role.ADMIN, organisation=None))
    ids = {"run_id": run.id, "need_id": need.id, "offer_id": match.offer_id, "territory_id": need.territory_id}

    files = 0
    for _endpoint, method, rule in routes(app):
        response = client.get(address(rule, ids)) if method == "GET" and "<token>" not in rule else None
        if response is not None and response.status_code == 200 and response.mimetype != "text/html":
            files += 1
            told = response.get_data().decode(errors="replace").lower()
            assert SECRET not in told, rule
            assert NAME not in told, rule
    assert files >= 2
