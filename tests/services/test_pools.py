"""Shared jobs: composed from open fractions, proposed to their group, mended when somebody leaves, signed."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from matchmaker.engine.pool_problem import Rules
from matchmaker.engine.problem import BadProblem
from matchmaker.models import (
    Category,
    InclusionKind,
    JobDating,
    JobDatingStatus,
    MailStatus,
    Need,
    Occupation,
    Offer,
    Organisation,
    OutboxMail,
    PairRule,
    Pool,
    PoolingRun,
    PoolingStatus,
    PoolStatus,
    ShareStatus,
    Status,
    Territory,
    WelcomeStatus,
)
from matchmaker.models.base import now, today
from matchmaker.services import (
    job_dating_groups,
    job_dating_guests,
    pools,
    pools_days,
    pools_meetings,
    pools_profiles,
    pools_repairs,
    pools_runs,
    pools_turns,
    pools_welcomes,
    pools_what_if,
    venues,
)
from matchmaker.services.errors import ChangedMeanwhile, NotAllowedNow, NoWeek, RunUnderWay, TooManyPeople
from matchmaker.services.outbox import MailSettings
from matchmaker.services.pools_fractions import free_fractions
from matchmaker.services.pools_warnings import Caution, warnings
from tests.factories import FractionFactory, JobDatingFactory, OfferFactory, OrganisationFactory, departement, venue

SETTINGS = MailSettings(sender="bonjour@croisee.test", public_url="http://croisee.test", secret="of the tests")


def three() -> list[Need]:
    """An accountant for the week, at three employers of the Orne: the second may also come on Friday."""
    return [
        FractionFactory(at="Flers (61)", halfdays=0b0000001111, volume=Decimal("0.4"), details={"occupation": "comptable", "vat": "no"}),
        FractionFactory(at="Domfront en Poiraie (61)", halfdays=0b0001110000, details={"occupation": "Gestionnaire de paie et comptable", "vat": "no"}),
        FractionFactory(at="Putanges-le-Lac (61)", halfdays=0b1110000000, details={"occupation": "comptable", "vat": "yes"}),
    ]


@pytest.fixture
def orne(session: Session) -> Territory:
    return departement("61")


def composed(territory: Territory, rules: Rules | None = None) -> list[Pool]:
    pools_runs.recompose(territory, **({"rules": rules} if rules else {}))
    return [pool for pool in pools.pools_of(territory) if pool.status is PoolStatus.COMPOSED]


def proposed(territory: Territory) -> Pool:
    (pool,) = composed(territory)
    pools.propose(pool, today=today(), settings=SETTINGS)
    return pool


def mails(session: Session, kind: str) -> int:
    return session.scalar(select(func.count()).select_from(OutboxMail).where(OutboxMail.kind == kind)) or 0


def test_three_fractions_make_one_job_with_a_week_and_a_proof(orne: Territory) -> None:
    three()

    (pool,) = composed(orne)

    run = pools_runs.latest(orne)
    assert run is not None
    assert run.status is PoolingStatus.READY
    assert run.is_proven
    assert run.misses == {}
    assert pool.fte == Decimal("1.000")
    assert [share.halfdays for share in pool.shares] == [0b0000001111, 0b0001110000, 0b1110000000]
    assert len(pool.plan) == 12
    assert 30 < pool.widest_km < 40


def test_the_cautions_of_a_group_say_who_pays_vat(orne: Territory) -> None:
    three()

    (pool,) = composed(orne)

    told = {one.caution: one for one in warnings(pool)}
    assert set(told) == {Caution.VAT, Caution.LIABILITY}
    assert (told[Caution.VAT].yes, told[Caution.VAT].no) == (("C",), ("A", "B"))


def test_a_need_in_no_group_is_told_which_half_day_would_help(orne: Territory) -> None:
    FractionFactory(halfdays=0b0000001111, volume=Decimal("0.4"))
    other = FractionFactory(halfdays=0b0000011111, volume=Decimal("0.4"))
    alone = FractionFactory(details={"occupation": "jardinier"})
    silent = FractionFactory(volume=None, volume_unit=None)

    assert composed(orne) == []

    run = pools_runs.latest(orne)
    assert run is not None
    assert run.misses[str(other.id)]["kind"] == "halfdays"
    assert len(run.misses[str(other.id)]["halfdays"]) == 3
    assert run.misses[str(alone.id)]["kind"] == "none"
    assert run.misses[str(silent.id)] == {"kind": "volume"}


def test_how_far_one_goes_when_one_begins_and_what_is_done_at_a_distance_are_kept(orne: Territory) -> None:
    near, far = FractionFactory(volume=Decimal("0.5")), FractionFactory(at="Putanges-le-Lac (61)", volume=Decimal("0.5"))
    assert len(composed(orne)) == 1

    near.radius_km = far.radius_km = 10
    assert composed(orne) == []
    far.remote_share = 100
    (pool,) = composed(orne)
    assert pool.widest_km == 0

    near.starts_on, far.starts_on = today() - timedelta(days=700), today() + timedelta(days=300)
    assert composed(orne) == []
    run = pools_runs.latest(orne)
    assert run is not None
    assert run.misses[str(far.id)]["kind"] == "start"
    assert run.misses[str(far.id)]["amount"] == 300


def test_the_official_occupation_brings_together_what_words_do_not(session: Session, orne: Territory) -> None:
    session.add(Occupation(code="M1203", label="Comptabilité", folded="comptabilite"))
    one, other = (FractionFactory(volume=Decimal("0.5"), details={"occupation": words}) for words in ("comptable", "aide aux écritures"))
    assert composed(orne) == []

    one.occupation_code = other.occupation_code = "M1203"
    session.flush()
    session.expire_all()

    (pool,) = composed(orne)
    assert pool.occupation == "Comptabilité"


def test_a_new_composition_takes_the_place_of_the_one_before_and_leaves_the_proposed_alone(orne: Territory) -> None:
    needs = three()
    first = proposed(orne)
    more = three()

    (second,) = composed(orne)
    (third,) = composed(orne)

    assert {share.need_id for share in third.shares} == {need.id for need in more}
    assert second.id != third.id
    assert [pool.id for pool in pools.pools_of(orne)] == [third.id, first.id]
    assert not {need.id for need in needs} & {need.id for need in free_fractions(orne).needs}


def test_one_composition_of_a_territory_is_under_way_at_a_time(orne: Territory) -> None:
    pools_runs.request_composition(orne)

    with pytest.raises(RunUnderWay):
        pools_runs.request_composition(orne)


def test_rules_that_contradict_each_other_are_refused(orne: Territory) -> None:
    with pytest.raises(BadProblem, match="min_fte"):
        pools_runs.request_composition(orne, rules=Rules(min_fte=1.0, max_fte=0.5))


def test_a_composition_whose_worker_dies_each_time_fails(session: Session, orne: Territory) -> None:
    run = pools_runs.request_composition(orne)
    for _time in range(3):
        assert pools_turns.start_due(PoolingRun) == run.id

    assert pools_turns.start_due(PoolingRun) is None
    assert run.status is PoolingStatus.FAILED


def test_all_say_yes_and_the_contract_is_signed(session: Session, orne: Territory) -> None:
    three()
    pool = proposed(orne)
    assert mails(session, "pool_proposed") == 3

    told = [pools.accept(share, settings=SETTINGS) for share in pool.shares]

    assert told == [False, False, True]
    assert pool.status is PoolStatus.AGREED
    assert mails(session, "pool_agreed") == 3
    assert pool.fte == Decimal("1.000")
    pools.sign(pool)
    assert pool.status is PoolStatus.SIGNED


def test_what_is_not_in_its_state_is_refused(orne: Territory) -> None:
    three()
    pool = proposed(orne)
    share = pool.shares[0]
    pools.accept(share, settings=SETTINGS)

    for act in (
        lambda: pools.accept(share, settings=SETTINGS),
        lambda: pools.propose(pool, today=today(), settings=SETTINGS),
        lambda: pools.sign(pool),
        lambda: pools_repairs.mend(pool, "smaller", today=today(), settings=SETTINGS),
    ):
        with pytest.raises(NotAllowedNow):
            act()


def test_who_leaves_is_replaced_and_only_the_newcomer_is_asked(session: Session, orne: Territory) -> None:
    three()
    pool = proposed(orne)
    newcomer = FractionFactory(at="Flers (61)", halfdays=0b0011110000, organisation=OrganisationFactory(name="Nouvelle"))
    for share in pool.shares[::2]:
        pools.accept(share, settings=SETTINGS)
    pools.decline(pool.shares[1])
    assert pool.left_at is not None

    ways = pools_repairs.repairs_of(pool)

    assert [[need.id for need in way.newcomers] for way in ways] == [[newcomer.id], []]
    assert not pools_repairs.mend(pool, ways[0].key, today=today(), settings=SETTINGS)
    assert pool.left_at is None
    assert mails(session, "pool_proposed") == 4
    assert {share.need_id: share.status for share in pool.members}[newcomer.id] is ShareStatus.PENDING
    assert len({share.position for share in pool.shares}) == 4
    (fresh,) = [share for share in pool.members if share.need_id == newcomer.id]
    assert pools.accept(fresh, settings=SETTINGS)


def test_a_smaller_group_of_people_who_all_said_yes_agrees_at_once(orne: Territory) -> None:
    three()
    pool = proposed(orne)
    for share in pool.shares[:2]:
        pools.accept(share, settings=SETTINGS)
    pools.decline(pool.shares[2])

    (way,) = pools_repairs.repairs_of(pool)

    assert way.key == "smaller"
    assert pools_repairs.mend(pool, way.key, today=today(), settings=SETTINGS)
    assert pool.status is PoolStatus.AGREED
    assert pool.fte == Decimal("0.700")
    assert Caution.PART_TIME not in {one.caution for one in warnings(pool)}


def test_silence_until_the_last_day_is_a_no_and_newcomers_have_time_again(session: Session, orne: Territory) -> None:
    three()
    pool = proposed(orne)
    assert pool.answer_by is not None
    for share in pool.shares[:2]:
        pools.accept(share, settings=SETTINGS)
    after = pool.answer_by + timedelta(days=1)

    assert pools.expire_due(today=pool.answer_by, settings=SETTINGS) == 0
    assert pools.expire_due(today=after, settings=SETTINGS) == 1
    assert pools.expire_due(today=after, settings=SETTINGS) == 0

    assert [share.status for share in pool.shares] == [ShareStatus.INTERESTED, ShareStatus.INTERESTED, ShareStatus.SILENT]
    assert pool.left_at is not None
    assert [need.id for need in free_fractions(orne).needs] == [pool.shares[2].need_id]
    FractionFactory(halfdays=0b1110000000)
    (way, _smaller) = pools_repairs.repairs_of(pool)
    pools_repairs.mend(pool, way.key, today=after, settings=SETTINGS)
    assert pool.answer_by == after + timedelta(days=pools.ANSWER_DAYS)


def test_a_group_in_which_nobody_says_anything_is_given_up_without_a_mail(session: Session, orne: Territory) -> None:
    three()
    pool = proposed(orne)
    assert pool.answer_by is not None

    pools.expire_due(today=pool.answer_by + timedelta(days=1), settings=SETTINGS)

    assert pool.status is PoolStatus.DISSOLVED
    assert mails(session, "pool_dissolved") == 0
    assert len(free_fractions(orne).needs) == 3


def test_other_days_that_move_nobody_else_make_the_week_anew(session: Session, orne: Territory) -> None:
    one, other = FractionFactory(volume=Decimal("0.5"), halfdays=0b0000011111), FractionFactory(volume=Decimal("0.4"), halfdays=0b0111100000)
    pool = proposed(orne)
    share = next(share for share in pool.shares if share.need is other)

    assert pools_days.propose_other_days(share, 0b1110100000, today=today(), settings=SETTINGS) == []

    assert (share.status, share.halfdays, other.halfdays) == (ShareStatus.INTERESTED, 0b1110100000, 0b1110100000)
    assert pool.plan["1"][str(one.id)] == [0, 1, 2, 3, 4]
    assert mails(session, "pool_moved") == 0


def test_whose_days_change_because_of_it_is_asked_once_more(session: Session, orne: Territory) -> None:
    one, other = FractionFactory(volume=Decimal("0.5")), FractionFactory(volume=Decimal("0.4"))
    pool = proposed(orne)
    first = next(share for share in pool.shares if share.need is one)
    second = next(share for share in pool.shares if share.need is other)
    pools.accept(first, settings=SETTINGS)

    moved = pools_days.propose_other_days(second, first.halfdays, today=today(), settings=SETTINGS)

    assert moved == [first]
    assert (first.status, first.answered_at, first.asked) == (ShareStatus.PENDING, None, 2)
    assert not first.halfdays & second.halfdays
    assert mails(session, "pool_moved") == 1
    assert pools.accept(first, settings=SETTINGS)


def test_other_days_without_a_week_are_refused_with_those_that_would_do(orne: Territory) -> None:
    FractionFactory(volume=Decimal("0.5"), halfdays=0b0000011111)
    other = FractionFactory(volume=Decimal("0.4"), halfdays=0b0111100000)
    pool = proposed(orne)
    share = next(share for share in pool.shares if share.need is other)

    with pytest.raises(NoWeek) as refused:
        pools_days.propose_other_days(share, 0b0000001111, today=today(), settings=SETTINGS)

    assert refused.value.halfdays.bit_count() == 4
    assert not refused.value.halfdays & 0b0000011111


def test_a_repair_that_is_no_more_possible_is_refused(orne: Territory) -> None:
    three()
    pool = proposed(orne)
    newcomer = FractionFactory(halfdays=0b0011110000)
    pools.decline(pool.shares[1])
    (way, _smaller) = pools_repairs.repairs_of(pool)
    newcomer.status = Status.CLOSED

    with pytest.raises(ChangedMeanwhile):
        pools_repairs.mend(pool, way.key, today=today(), settings=SETTINGS)


def test_who_left_is_free_for_another_group_and_a_dissolved_one_frees_all(session: Session, orne: Territory) -> None:
    three()
    pool = proposed(orne)
    assert free_fractions(orne).needs == []

    pools.decline(pool.shares[1])
    assert len(free_fractions(orne).needs) == 1
    pools.dissolve(pool, settings=SETTINGS)

    assert len(free_fractions(orne).needs) == 3
    assert mails(session, "pool_dissolved") == 2


def test_an_employer_group_nearby_is_asked_once_and_its_yes_comes_first(session: Session, orne: Territory) -> None:
    three()
    near, nearer, far = (
        OrganisationFactory(name=name, at=place, inclusion_kind=InclusionKind.GE, email=f"{name}@ge.test")
        for name, place in (("Loin", "Vire Normandie (14)"), ("Près", "Flers (61)"), ("Ailleurs", "Rouen (76)"))
    )
    (pool,) = composed(orne)
    with pytest.raises(NotAllowedNow):
        pools_welcomes.ask(pool, nearer.id, settings=SETTINGS)
    pools.propose(pool, today=today(), settings=SETTINGS)

    welcome = pools_welcomes.ask(pool, near.id, settings=SETTINGS)

    assert mails(session, "pool_welcome") == 1
    assert pools_welcomes.awaiting(near) == 1
    for organisation in (near, far):
        with pytest.raises(NotAllowedNow):
            pools_welcomes.ask(pool, organisation.id, settings=SETTINGS)
    assert joined(pool) == nearer
    pools_welcomes.answer(welcome, WelcomeStatus.ACCEPTED, settings=SETTINGS)
    assert joined(pool) == near
    assert pools_welcomes.awaiting(near) == 0
    pools_welcomes.answer(pools_welcomes.ask(pool, nearer.id, settings=SETTINGS), WelcomeStatus.DECLINED, settings=SETTINGS)
    pools_welcomes.answer(welcome, WelcomeStatus.DECLINED, settings=SETTINGS)
    assert joined(pool) is None


def test_the_employers_of_a_group_learn_that_an_employer_group_takes_them_in_and_if_it_no_longer_does(session: Session, orne: Territory) -> None:
    three()
    near, other = (OrganisationFactory(name=name, at="Flers (61)", inclusion_kind=InclusionKind.GE, email=f"{name}@ge.test") for name in ("un", "deux"))
    pool = agreed(orne)
    welcome = pools_welcomes.ask(pool, near.id, settings=SETTINGS)

    pools_welcomes.answer(pools_welcomes.ask(pool, other.id, settings=SETTINGS), WelcomeStatus.DECLINED, settings=SETTINGS)
    assert told_of_welcomes(session) == []
    pools_welcomes.answer(welcome, WelcomeStatus.ACCEPTED, settings=SETTINGS)
    yes = [(f"{letter}@groupe.test", "Un groupement peut vous accueillir\u00a0: comptable") for letter in "ABC"]
    assert told_of_welcomes(session) == yes
    # Before the first one has left: the last answer takes its place.
    pools_welcomes.answer(welcome, WelcomeStatus.DECLINED, settings=SETTINGS)
    assert told_of_welcomes(session) == [(recipient, "Le groupement ne peut plus vous accueillir\u00a0: comptable") for recipient, _subject in yes]


def told_of_welcomes(session: Session) -> list[tuple[str, str]]:
    query = select(OutboxMail).where(OutboxMail.kind == "pool_welcomed", OutboxMail.status == MailStatus.QUEUED).order_by(OutboxMail.recipient)
    return [(one.recipient, one.subject) for one in session.scalars(query)]


def agreed(territory: Territory) -> Pool:
    pool = proposed(territory)
    for share in pool.shares:
        share.need.organisation.email = f"{share.letter}@groupe.test"
        pools.accept(share, settings=SETTINGS)
    return pool


def published(**fields: object) -> JobDating:
    return JobDatingFactory(venue=venue(), status=JobDatingStatus.PUBLISHED, published_at=now(), **fields)


def test_a_group_has_its_own_meeting_at_a_job_dating_and_follows_it(session: Session, orne: Territory) -> None:
    three()
    pool = agreed(orne)
    dating = published()

    meeting = pools_meetings.arrange(pool, dating.id, settings=SETTINGS)

    assert mails(session, "pool_meeting") == 3
    assert pools_meetings.follow(settings=SETTINGS) == 0
    with pytest.raises(NotAllowedNow):
        pools_meetings.arrange(pool, dating.id, settings=SETTINGS)
    dating.starts_at += timedelta(hours=1)
    assert pools_meetings.follow(settings=SETTINGS) == 1
    assert meeting.starts_at == dating.starts_at
    assert mails(session, "pool_meeting") == 6
    dating.status = JobDatingStatus.CANCELLED
    assert pools_meetings.follow(settings=SETTINGS) == 1
    assert mails(session, "pool_meeting") == 9
    assert pool.meeting is None
    assert pools_meetings.follow(settings=SETTINGS) == 0


def test_a_meeting_of_a_group_keeps_to_the_headcount_and_to_what_is_to_come(orne: Territory) -> None:
    three()
    pool = agreed(orne)
    full, draft = published(), JobDatingFactory(venue=venue())
    full.venue.authorised_headcount = full.venue.staff_count + 2

    with pytest.raises(TooManyPeople) as refused:
        pools_meetings.arrange(pool, full.id, settings=SETTINGS)
    assert refused.value.people == full.venue.staff_count + 3
    with pytest.raises(NotAllowedNow):
        pools_meetings.arrange(pool, draft.id, settings=SETTINGS)
    assert pool.meeting is None


def test_the_employers_of_a_group_that_meets_fill_the_house_for_those_who_come_later(orne: Territory) -> None:
    three()
    pool, dating = agreed(orne), published()
    first = pool.members[0].need.organisation
    job_dating_guests.add(dating, first)
    dating.venue.authorised_headcount = dating.venue.staff_count + 3
    # The first takes part already: three people in all.
    pools_meetings.arrange(pool, dating.id, settings=SETTINGS)

    assert [one.id for one in job_dating_groups.groups_at(dating)] == [pool.id]
    assert job_dating_groups.people(dating) == 3
    assert venues.most_guests(dating.venue) == 3
    with pytest.raises(TooManyPeople):
        job_dating_guests.add(dating, OrganisationFactory())
    pool.status = PoolStatus.DISSOLVED
    dating.participants.pop()
    assert job_dating_groups.people(dating) == 1


def test_a_profile_fits_a_group_by_occupation_days_and_distance(orne: Territory) -> None:
    three()
    (pool,) = composed(orne)

    def profile(**fields: object) -> Offer:
        usual = {"category": Category.POOLED_JOB, "details": {"kind": "profile", "occupation": "comptable"}, "radius_km": 60, "title": "Un profil"}
        return OfferFactory(**usual | fields)

    fit = profile()
    profile(details={"kind": "profile", "occupation": "jardinier"})
    profile(details={"kind": "group", "occupation": "comptable"})
    profile(halfdays=0b0000001111)
    profile(details={"kind": "profile", "occupation": "comptable", "months": ["6"]})
    profile(radius_km=10)

    assert [offer for offer, _km in pools_profiles.that_fit(pool, pools_profiles.profiles_of(orne))] == [fit]


def test_wages_that_do_not_meet_are_a_caution(orne: Territory) -> None:
    first, second, third = three()
    first.budget_max, second.budget_min, third.budget_min = 28_000, 32_000, 25_000
    (pool,) = composed(orne)

    told = {one.caution: one for one in warnings(pool)}[Caution.WAGE]

    assert (told.yes, told.no, told.amount, told.other_amount) == (("A",), ("B",), 28_000, 32_000)
    second.budget_min = 28_000
    assert Caution.WAGE not in {one.caution for one in warnings(pool)}


def joined(pool: Pool) -> Organisation | None:
    found = pools.nearest_group(pool, pools.employer_groups())
    return found[0] if found else None


def close(need: Need) -> None:
    need.status = Status.CLOSED


@pytest.mark.parametrize("change", [close, lambda need: setattr(need, "title", "Autre chose")])
def test_a_group_whose_need_changed_is_not_proposed(session: Session, orne: Territory, change: Callable[[Need], None]) -> None:
    needs = three()
    (pool,) = composed(orne)
    change(needs[0])
    session.flush()

    with pytest.raises(ChangedMeanwhile):
        pools.propose(pool, today=today(), settings=SETTINGS)


def test_needs_that_are_wanted_apart_or_together_are_kept_so(orne: Territory) -> None:
    needs = three()
    rule = pools_what_if.decide(orne, needs[0].id, needs[1].id, PairRule.APART, by=None)
    assert composed(orne) == []

    again = pools_what_if.decide(orne, needs[1].id, needs[0].id, PairRule.TOGETHER, by=None)
    assert again.id == rule.id
    assert len(composed(orne)) == 1
    assert pools_what_if.take_back(orne, rule.id)
    assert not pools_what_if.take_back(orne, rule.id)


def test_other_rules_tell_what_they_would_change_and_write_nothing(session: Session, orne: Territory) -> None:
    three()

    told = pools_what_if.what_if(orne, Rules(max_km=10.0), Rules(max_km=40.0))

    assert told is not None
    before, after = told
    assert (before.fte, before.pools, after.fte, after.pools, after.needs) == (0, 0, 1.0, 1, 3)
    assert session.scalars(select(Pool)).all() == []


@pytest.mark.parametrize("size", [1, 6])
def test_the_pages_of_many_groups_ask_as_often_as_those_of_one(session: Session, orne: Territory, queries: list[str], size: int) -> None:
    for _group in range(size):
        three()
    composed(orne, Rules(max_km=40.0, max_employers=3))
    session.expire_all()
    queries.clear()

    for pool in pools.pools_of(orne):
        for share in pool.shares:
            assert share.need.organisation.commune.name

    assert len(queries) <= 6
