"""The demonstration, loaded once into a database of its own, as the command does it."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config import TestConfig
from matchmaker.app import create_app
from matchmaker.extensions import db
from matchmaker.models import (
    Answer,
    Commune,
    Flag,
    JobDating,
    Level,
    MailStatus,
    Match,
    MatchingRun,
    MatchStatus,
    Message,
    Need,
    Offer,
    Organisation,
    OutboxMail,
    Outcome,
    ProposalStatus,
    Result,
    RunStatus,
    Status,
    Territory,
    Venue,
)
from matchmaker.models.base import now
from matchmaker.services import (
    accounts,
    conversations,
    demo,
    demo_cast,
    demo_story,
    job_dating_lists,
    job_dating_matches,
    job_datings,
    outbox,
    outcomes,
    pools,
    pools_warnings,
    proposal_lists,
    territories,
)
from tests.conftest import new_database, redis_url

SAMPLES = {entry["id"]: entry for entry in demo_cast.read("samples")}
# The pairs of the domain's forty samples, then those that the demonstration's accounts rely on.
MEANT_TO_MATCH = [
    *[("9", "10"), ("11", "12"), ("15", "16"), ("17", "18"), ("19", "20"), ("21", "22")],
    *[("24", "25"), ("26", "27"), ("29", "30"), ("31", "32"), ("34", "35"), ("37", "38")],
    *[("A1", "B1"), ("A2", "B2"), ("A3", "B3"), ("A4", "B4"), ("A5", "C3"), ("B5", "C1"), ("B6", "A6"), ("B7", "C2")],
]
WHITE_ZONES = ["13", "14", "23", "39"]
DEMO_ADDRESSES = {f"{name}@demo.croisee.test" for name in ("membre.ess", "membre.entreprise", "hote", "animateur", "admin")}


def filled(name: str) -> Flask:
    """An application whose new database holds the demonstration."""
    app = create_app(TestConfig, SQLALCHEMY_DATABASE_URI=new_database(name), REDIS_URL=redis_url())
    with app.app_context():
        assert demo.is_wanted()
        demo.load(today=now().date(), settings=outbox.MailSettings.from_config(app.config))
        db.session.commit()
    return app


@pytest.fixture(scope="module")
def demo_app(worker_id: str) -> Flask:
    return filled(f"croisee_demo_{worker_id}")


@pytest.fixture
def session(demo_app: Flask) -> Iterator[Session]:
    """A session that keeps nothing of what the test wrote."""
    with demo_app.app_context():
        yield db.session
        db.session.rollback()


def count(model: type[Any], *conditions: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def sample(mark: str) -> Need | Offer:
    entry = SAMPLES[mark]
    model = Need if entry["side"] == "need" else Offer
    return db.session.scalars(select(model).where(model.title == entry["title"]).where(model.organisation.has(name=entry["by"]))).one()


def matches_of(mark: str) -> list[Match]:
    row = sample(mark)
    return list(db.session.scalars(select(Match).where((Match.need_id if isinstance(row, Need) else Match.offer_id) == row.id)))


def demo_inbox(email: str) -> list[Any]:
    user = accounts.account_with(email)
    assert user is not None
    assert user.organisation is not None
    return [proposal for tab in proposal_lists.TABS for proposal in proposal_lists.inbox(user.organisation, tab)]


@pytest.mark.usefixtures("session")
def test_a_filled_database_is_not_filled_again() -> None:
    assert not demo.is_wanted()


@pytest.mark.usefixtures("session")
def test_every_departement_is_alive_and_most_intercommunalities_too() -> None:
    assert count(Organisation) >= 160
    for code in demo.DEPARTEMENTS:
        territory = db.session.scalars(select(Territory).where(Territory.level == Level.DEPARTEMENT, Territory.code == code)).one()
        assert territory.contact_email
        assert count(Need, Need.territory_id == territory.id, Need.status == Status.PUBLISHED) >= 15
        assert count(Offer, Offer.territory_id == territory.id, Offer.status == Status.PUBLISHED) >= 15
        assert count(Venue, Venue.territory_id == territory.id) >= 1
        assert count(MatchingRun, MatchingRun.territory_id == territory.id, MatchingRun.status == RunStatus.PUBLISHED) == 1
    epcis = db.session.scalar(select(func.count(func.distinct(Commune.epci_code))).join(Organisation, Organisation.commune_code == Commune.code))
    assert epcis is not None
    assert epcis >= 55
    for status in (Status.DRAFT, Status.PAUSED, Status.CLOSED):
        assert count(Need, Need.status == status) + count(Offer, Offer.status == status) >= 3


@pytest.mark.usefixtures("session")
def test_no_structure_carries_the_number_the_address_or_the_telephone_of_a_real_one() -> None:
    for organisation in db.session.scalars(select(Organisation)):
        assert organisation.siret is None
        assert organisation.rna is None or organisation.rna.startswith("W000")
        assert organisation.email.endswith(".test")
        assert organisation.website.endswith(".test")
        assert re.fullmatch(r"02 61 91 \d\d \d\d", organisation.phone)


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(("need", "offer"), MEANT_TO_MATCH)
def test_the_pairs_that_are_meant_to_meet_come_out_of_the_matching(need: str, offer: str) -> None:
    assert sample(offer).id in {match.offer_id for match in matches_of(need)}


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("mark", WHITE_ZONES)
def test_white_zones_stay_without_an_answer_and_the_run_says_so(mark: str) -> None:
    need = sample(mark)
    run = db.session.scalars(select(MatchingRun).where(MatchingRun.territory_id == need.territory_id, MatchingRun.status == RunStatus.PUBLISHED)).one()

    assert matches_of(mark) == []
    assert str(need.id) in run.unserved


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(("marks", "code"), [(("1", "2", "3"), "61"), (("4", "5"), "50"), (("6", "7"), "27")])
def test_the_fractions_that_are_meant_to_add_up_are_composed(marks: tuple[str, ...], code: str) -> None:
    composed = pools.pools_of(territories.territory_by_code(code, Level.DEPARTEMENT))

    assert {sample(mark).id for mark in marks} in [{share.need_id for share in pool.shares} for pool in composed]


@pytest.mark.usefixtures("session")
def test_the_first_of_them_warns_of_vat() -> None:
    (pool,) = [pool for pool in pools.pools_of(sample("1").territory) if sample("1").id in {share.need_id for share in pool.shares}]

    vat = next(told for told in pools_warnings.warnings(pool) if told.caution is pools_warnings.Caution.VAT)
    assert {share.letter for share in pool.shares if share.need_id == sample("3").id} == set(vat.yes)


@pytest.mark.usefixtures("session")
def test_what_cannot_be_reached_in_a_wheelchair_is_not_proposed_to_who_must() -> None:
    assert Flag.WHEELCHAIR in sample("25").denied_flags
    assert Flag.WHEELCHAIR in sample("26").flags
    assert sample("25").id not in {match.offer_id for match in matches_of("26")}


@pytest.mark.usefixtures("session")
def test_successions_in_confidence_stay_off_the_tables_of_a_job_dating() -> None:
    for mark in ("37", "38", "40"):
        assert sample(mark).is_confidential
    for job_dating in db.session.scalars(select(JobDating)):
        assert not any(meeting.match.need.is_confidential or meeting.match.offer.is_confidential for meeting in job_dating.meetings)


@pytest.mark.usefixtures("session")
def test_the_five_accounts_open_in_the_demonstration_only() -> None:
    assert {user.email for user in accounts.demo_accounts()} == DEMO_ADDRESSES
    for email in DEMO_ADDRESSES:
        assert accounts.sign_in(email=email, password=demo.PASSWORD, allow_demo=True) is not None
        assert accounts.sign_in(email=email, password=demo.PASSWORD, allow_demo=False) is None


@pytest.mark.usefixtures("session")
def test_both_members_have_something_to_answer_and_somebody_to_call() -> None:
    for email in ("membre.ess@demo.croisee.test", "membre.entreprise@demo.croisee.test"):
        inbox = demo_inbox(email)
        assert sum(proposal.status is ProposalStatus.PENDING for proposal in inbox) >= 2
        assert any(proposal.match.is_mutual for proposal in inbox)
    assert any(proposal.status is ProposalStatus.DECLINED for proposal in demo_inbox("membre.ess@demo.croisee.test"))
    waited_for = [proposal for proposal in demo_inbox("membre.entreprise@demo.croisee.test") if proposal.status is ProposalStatus.PENDING]
    assert any(proposal.other.status is ProposalStatus.ACCEPTED and proposal.other.organisation.name == "Tournebride" for proposal in waited_for)


@pytest.mark.usefixtures("session")
def test_a_job_dating_comes_on_a_thursday_morning_and_the_host_can_prepare_another_one() -> None:
    [coming] = job_dating_lists.coming()
    local = coming.starts_at.astimezone(demo_story.PARIS)

    assert (local.weekday(), local.hour, coming.ends_at.astimezone(demo_story.PARIS).hour) == (3, 9, 12)
    assert timedelta(days=55) < coming.starts_at - now() < timedelta(days=70)
    assert len(coming.participants) >= 12
    assert len(coming.meetings) >= 20
    assert coming.rounds <= coming.rounds_that_fit
    assert {invitation.answer for invitation in job_datings.answers(coming).values()} == {None, *Answer}
    assert len(job_dating_matches.free_matches(coming.venue)) >= 12


@pytest.mark.usefixtures("session")
def test_another_one_is_over_and_everybody_had_answered() -> None:
    [past] = job_dating_lists.past()

    assert past.venue.territory.code == demo_cast.EARLY
    assert len(past.meetings) >= 8
    assert all(invitation.answer for invitation in job_datings.answers(past).values())


@pytest.mark.usefixtures("session")
def test_a_handful_of_mails_leaves_and_each_goes_to_a_reserved_domain() -> None:
    waiting = list(db.session.scalars(select(OutboxMail.recipient).where(OutboxMail.status == MailStatus.QUEUED)))

    assert 8 <= len(waiting) <= 40
    assert all(recipient.endswith(".test") for recipient in waiting)


@pytest.mark.usefixtures("session")
def test_answers_of_every_kind_have_been_given_before_today() -> None:
    answered = [proposal for match in db.session.scalars(select(Match)) for proposal in match.proposals]

    assert {proposal.status for proposal in answered} >= {ProposalStatus.PENDING, ProposalStatus.ACCEPTED, ProposalStatus.DECLINED}
    assert len({proposal.decline_reason for proposal in answered}) >= 4
    for proposal in answered:
        assert proposal.proposed_at < now()
        assert proposal.answered_at is None or proposal.proposed_at < proposal.answered_at < now()
    assert count(Match, Match.status == MatchStatus.CONFIRMED) >= 50


@pytest.mark.usefixtures("session")
def test_after_two_yes_some_talk_one_calls_and_the_first_ones_tell_what_came_of_it() -> None:
    territory_ids = [territory.id for territory in territories.all_departements()]

    assert max(Counter(db.session.scalars(select(Message.match_id))).values()) == 3
    assert len(conversations.open_calls(territory_ids)) == 1
    assert len(outcomes.contradictions(territory_ids)) >= 1
    assert {one.result for one in outcomes.concluded(territory_ids)} == {Result.AGREED, Result.SIGNED}
    assert all(outcome.answered_at is None or outcome.asked_at < outcome.answered_at <= now() for outcome in db.session.scalars(select(Outcome)))


def test_the_same_day_gives_the_same_demonstration(demo_app: Flask, worker_id: str) -> None:
    other = filled(f"croisee_demo_again_{worker_id}")

    assert story(other) == story(demo_app)


def story(app: Flask) -> list[tuple[object, ...]]:
    """Each pair with its score and the answers of both sides."""
    with app.app_context():
        pairs = [
            (match.need_id, match.offer_id, match.score, match.status, *sorted((side.side, side.status) for side in match.proposals))
            for match in db.session.scalars(select(Match))
        ]
        db.session.rollback()
    return sorted(pairs, key=str)
