"""« Never again » where more than two come together: groups that share a job, and job datings; and two people who answer in the same second."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import (
    Channel,
    DeclineReason,
    JobDating,
    MatchStatus,
    Need,
    NeedPairRule,
    Organisation,
    OutboxMail,
    PairRule,
    Pool,
    PoolStatus,
    Proposal,
    ProposalStatus,
    Side,
    Territory,
)
from matchmaker.models.base import now, today
from matchmaker.models.job_datings import JobDatingStatus
from matchmaker.services import (
    job_dating_matches,
    job_dating_moves,
    job_dating_pairs,
    job_dating_partings,
    job_dating_plans,
    job_datings,
    pools,
    pools_repairs,
    pools_runs,
    proposal_answers,
)
from matchmaker.services.errors import ChangedMeanwhile, NotAllowedNow
from matchmaker.services.job_dating_programmes import Barred
from matchmaker.services.outbox import MailSettings
from matchmaker.services.proposal_answers import Reply
from matchmaker.services.refusal_bounds import Bounds
from tasks.job_datings import part_due
from tests.conftest import committing
from tests.factories import (
    FractionFactory,
    JobDatingFactory,
    MatchFactory,
    NeedFactory,
    OfferFactory,
    OrganisationFactory,
    RunFactory,
    UserFactory,
    departement,
    proposals_of,
)

YES = Reply(ProposalStatus.ACCEPTED)
NEVER = Reply(ProposalStatus.DECLINED, reason=DeclineReason.OTHER, bounds=Bounds(never=True))
SETTINGS = MailSettings(sender="bonjour@croisee.test", public_url="http://croisee.test", secret="of the tests")
HIDDEN = {"is_confidential": True}


def refuses(one: Organisation, other: Organisation, **fields: object) -> Proposal:
    """The first said « never again » to the second, asked about something else than what brings them together here."""
    category = {"category": "succession"} if fields else {}
    match = MatchFactory(need=NeedFactory(organisation=other, **category, **fields), offer=OfferFactory(organisation=one, **category), run=RunFactory())
    proposal = next(side for side in proposals_of(match) if side.organisation_id == one.id)
    proposal_answers.answer(proposal, NEVER, channel=Channel.LINK, settings=SETTINGS)
    db.session.flush()
    return proposal


def in_orne(number: int) -> list[Need]:
    """Accountants for some half-days each, at so many employers of the Orne; together they make a week."""
    days = [0b0000001111, 0b0001110000, 0b1110000000]
    return [FractionFactory(at="Flers (61)", halfdays=days[place], details={"occupation": "comptable"}) for place in range(number)]


@pytest.fixture
def orne(session: Session) -> Territory:
    return departement("61")


def composed(territory: Territory) -> list[Pool]:
    pools_runs.recompose(territory)
    return [pool for pool in pools.pools_of(territory) if pool.status is PoolStatus.COMPOSED]


def employers(found: list[Pool]) -> list[set[Organisation]]:
    return [{share.need.organisation for share in pool.members} for pool in found]


@pytest.mark.parametrize("fields", [{}, HIDDEN], ids=["openly", "in confidence"])
def test_a_group_never_holds_two_of_whom_one_said_never_again(orne: Territory, fields: dict[str, object]) -> None:
    one, other, _third = in_orne(3)
    assert any({one.organisation, other.organisation} <= group for group in employers(composed(orne)))
    FractionFactory(at="Flers (61)", halfdays=one.halfdays, details={"occupation": "comptable"})
    refuses(one.organisation, other.organisation, **fields)

    found = employers(composed(orne))

    assert found
    assert all(not {one.organisation, other.organisation} <= group for group in found)


def test_it_is_stronger_than_an_animator_who_wants_them_together(orne: Territory) -> None:
    one, other, _third = in_orne(3)
    first, second = sorted((one.id, other.id))
    db.session.add(NeedPairRule(first_need_id=first, second_need_id=second, rule=PairRule.TOGETHER))
    refuses(one.organisation, other.organisation)

    assert all(not {one.organisation, other.organisation} <= group for group in employers(composed(orne)))


def test_a_group_that_was_composed_before_is_not_proposed_any_more(orne: Territory) -> None:
    one, other, _third = in_orne(3)
    (pool,) = composed(orne)
    refuses(one.organisation, other.organisation)

    with pytest.raises(ChangedMeanwhile):
        pools.propose(pool, today=today(), settings=SETTINGS)
    assert pool.status is PoolStatus.COMPOSED


def test_a_group_under_way_stays_and_says_so_to_who_asked_and_to_the_animator(orne: Territory, client) -> None:
    one, other, third = in_orne(3)
    (pool,) = composed(orne)
    pools.propose(pool, today=today(), settings=SETTINGS)
    refuses(one.organisation, other.organisation)
    db.session.commit()
    told = {}
    for who in (one, other, third):
        client.sign_in(UserFactory(organisation=who.organisation))
        told[who] = "Vous avez demandé à ne plus être mis en relation" in client.get(f"/emplois-partages/{pool.id}").text
    client.sign_in(UserFactory(animator=True, territories=[orne]))
    page = client.get(f"/territoires/{orne.id}/emplois-partages").text

    assert [told[who] for who in (one, other, third)] == [True, False, False]
    assert "ne sont plus à mettre en relation" in page


def test_what_was_refused_in_confidence_is_told_to_nobody(orne: Territory, client) -> None:
    one, other, _third = in_orne(3)
    (pool,) = composed(orne)
    pools.propose(pool, today=today(), settings=SETTINGS)
    refuses(one.organisation, other.organisation, **HIDDEN)
    db.session.commit()
    client.sign_in(UserFactory(organisation=one.organisation))

    assert "Vous avez demandé à ne plus être mis en relation" not in client.get(f"/emplois-partages/{pool.id}").text
    assert pools.parted([pool]) == {pool.id: []}


def test_who_leaves_because_of_it_is_not_asked_to_mend_the_group(orne: Territory) -> None:
    one, other, _third = in_orne(3)
    (pool,) = composed(orne)
    pools.propose(pool, today=today(), settings=SETTINGS)
    newcomer = FractionFactory(at="Flers (61)", halfdays=one.halfdays, details={"occupation": "comptable"})
    refuses(newcomer.organisation, other.organisation)
    leaving = next(share for share in pool.members if share.need_id == one.id)
    pools.decline(leaving)
    db.session.flush()

    assert all(newcomer not in repair.newcomers for repair in pools_repairs.repairs_of(pool))


def test_two_who_stay_in_a_group_though_one_said_so_can_still_be_joined(orne: Territory) -> None:
    one, other, third = in_orne(3)
    (pool,) = composed(orne)
    pools.propose(pool, today=today(), settings=SETTINGS)
    newcomer = FractionFactory(at="Flers (61)", halfdays=third.halfdays, details={"occupation": "comptable"})
    refuses(one.organisation, other.organisation)
    pools.decline(next(share for share in pool.members if share.need_id == third.id))
    db.session.flush()

    assert any(repair.newcomers == (newcomer,) for repair in pools_repairs.repairs_of(pool))


@pytest.fixture
def planned(session: Session) -> JobDating:
    """A published job dating: one association meets two companies."""
    association = NeedFactory(capacity=3)
    matches = [MatchFactory(mutual=True, need=association, offer=OfferFactory(organisation=OrganisationFactory(company=True))) for _number in range(2)]
    job_dating = JobDatingFactory()
    job_datings.choose(job_dating, matches)
    return job_dating


def of_the_pair(job_dating: JobDating, one: Organisation) -> list[tuple[Organisation, Organisation]]:
    """The meetings of this structure that have a place."""
    pairs = [(meeting.organisation_of(Side.NEED), meeting.organisation_of(Side.OFFER)) for meeting in job_dating.meetings if meeting.round is not None]
    return [pair for pair in pairs if one in pair]


@pytest.mark.parametrize("is_published", [True, False], ids=["published", "draft"])
def test_a_meeting_that_was_planned_is_withdrawn_and_the_host_sees_why(planned: JobDating, is_published: bool) -> None:
    if is_published:
        job_datings.publish(planned, settings=SETTINGS)
    association, company = (planned.meetings[0].organisation_of(side) for side in Side)
    refuses(company, association)

    part_due()

    assert of_the_pair(planned, company) == []
    assert len(of_the_pair(planned, association)) == 1
    assert [one.reason for one in job_dating_plans.set_aside(planned)] == [Barred.NEVER_AGAIN]
    assert job_dating_partings.due() == []
    if is_published:
        told = job_dating_moves.publish_changes(planned, settings=SETTINGS)
        assert association in told.updated


def test_a_match_that_ended_with_it_does_not_hold_up_the_host(planned: JobDating) -> None:
    job_datings.publish(planned, settings=SETTINGS)
    meeting = planned.meetings[0]
    association, company = (meeting.organisation_of(side) for side in Side)
    refuses(company, association)
    meeting.match.status, meeting.match.ended_at = MatchStatus.ENDED, now()
    db.session.flush()
    assert job_dating_matches.count_lost(planned) == 1

    part_due()

    assert job_dating_matches.count_lost(planned) == 0
    assert planned.status is JobDatingStatus.PUBLISHED


def test_the_pair_is_not_proposed_to_the_host_again(planned: JobDating) -> None:
    association, company = (planned.meetings[0].organisation_of(side) for side in Side)
    assert frozenset((association.id, company.id)) in job_dating_pairs.closed_pairs(planned, {association.id, company.id})
    planned.meetings[:] = planned.meetings[1:]
    db.session.flush()
    assert frozenset((association.id, company.id)) not in job_dating_pairs.closed_pairs(planned, {association.id, company.id})

    refuses(company, association)

    assert frozenset((association.id, company.id)) in job_dating_pairs.closed_pairs(planned, {association.id, company.id})


def test_a_job_dating_that_has_begun_is_left_alone(planned: JobDating) -> None:
    job_datings.publish(planned, settings=SETTINGS)
    association, company = (planned.meetings[0].organisation_of(side) for side in Side)
    refuses(company, association)
    length = planned.ends_at - planned.starts_at
    planned.starts_at, planned.ends_at = now(), now() + length
    db.session.flush()

    assert job_dating_partings.due() == []


class Beside:
    """Two structures that are asked about two offers of one of them for the same need."""

    def __init__(self) -> None:
        need, theirs = NeedFactory(capacity=2), OrganisationFactory()
        self.matches = [MatchFactory(need=need, offer=OfferFactory(organisation=theirs), run=RunFactory()) for _number in range(2)]
        sides = [sorted(proposals_of(match), key=lambda side: side.side is Side.OFFER) for match in self.matches]
        self.mine, self.theirs = [pair[0] for pair in sides], [pair[1] for pair in sides]
        db.session.commit()

    def end(self) -> tuple[list[MatchStatus], list[str]]:
        db.session.expire_all()
        return [match.status for match in self.matches], sorted(db.session.scalars(select(OutboxMail.kind)))


def waits_for_a_lock() -> bool:
    """Somebody else waits."""
    return bool(db.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def while_another_answers(app, proposal: Proposal, reply: Reply, then: Callable[[], None]) -> list[BaseException]:
    """The need is locked here, as the first step of every answer; another connection answers meanwhile; then this one does what it had begun."""
    need_id, proposal_id = proposal.match.need_id, proposal.id
    wrong: list[BaseException] = []

    def work() -> None:
        try:
            with app.app_context():
                proposal_answers.answer(db.session.get_one(Proposal, proposal_id), reply, channel=Channel.LINK, settings=MailSettings.from_config(app.config))
                db.session.commit()
        except BaseException as error:
            wrong.append(error)

    db.session.execute(select(Need.id).where(Need.id == need_id).with_for_update(key_share=True))
    other = threading.Thread(target=work)
    other.start()
    while other.is_alive() and not waits_for_a_lock():
        other.join(0.02)
    try:
        then()
        db.session.commit()
    except NotAllowedNow as refused:
        db.session.rollback()
        wrong.append(refused)
    finally:
        other.join()
    return wrong


def test_a_yes_and_a_never_again_in_the_same_second_do_not_wait_for_each_other_in_a_ring(whole_app) -> None:
    with committing(whole_app):
        two, settings = Beside(), MailSettings.from_config(whole_app.config)
        for mine in two.mine:
            proposal_answers.answer(mine, YES, channel=Channel.LINK, settings=settings)
        db.session.commit()

        wrong = while_another_answers(
            whole_app, two.theirs[0], NEVER, lambda: proposal_answers.answer(two.theirs[1], YES, channel=Channel.LINK, settings=settings) and None
        )

        # The yes came first, and both were told; the question that was refused ends, and its own yes hears of it.
        assert wrong == []
        assert two.end() == ([MatchStatus.ENDED, MatchStatus.CONFIRMED], ["mutual_yes", "mutual_yes", "no_follow_up"])


def test_two_never_again_in_the_same_second_end_everything_once(whole_app) -> None:
    with committing(whole_app):
        two, settings = Beside(), MailSettings.from_config(whole_app.config)

        wrong = while_another_answers(
            whole_app, two.theirs[0], NEVER, lambda: proposal_answers.answer(two.mine[1], NEVER, channel=Channel.LINK, settings=settings) and None
        )

        # Whoever comes second finds its question gone, and is told so; nothing is left open.
        assert [type(one) for one in wrong] in ([], [NotAllowedNow])
        assert two.end() == ([MatchStatus.ENDED, MatchStatus.ENDED], [])
