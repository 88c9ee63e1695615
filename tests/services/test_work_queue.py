"""What comes to an animator, and what stands of the acts on it."""

from datetime import timedelta

import pytest

from matchmaker.extensions import db
from matchmaker.models import (
    ActKind,
    Category,
    Channel,
    DeclineReason,
    DoneReason,
    MailCall,
    Matter,
    Outcome,
    Proposal,
    ProposalStatus,
    Result,
    RunStatus,
    Side,
    Status,
)
from matchmaker.models.base import now, today
from matchmaker.services import conversations, mails, work_queue, work_queue_acts
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.proposal_answers import Reply
from matchmaker.services.work_queue import Filters
from matchmaker.services.work_queue_facts import facts
from matchmaker.web.settings import mail_settings
from tests.factories import (
    MailFactory,
    MatchFactory,
    NeedFactory,
    OfferFactory,
    OrganisationFactory,
    RunFactory,
    UserFactory,
    call_for_help,
    departement,
    group,
    proposals_of,
)


def old_need(days: int = 10, **fields):
    return NeedFactory(published_at=now() - timedelta(days=days), **fields)


def sent():
    """A run that was read, sent and replaced since."""
    return RunFactory(status=RunStatus.SUPERSEDED)


def put(need, *, answer: ProposalStatus = ProposalStatus.PENDING, reason: DeclineReason | None = None, match_status: str = "proposed"):
    """A question about this need, and what the offer's side said."""
    match = MatchFactory(run=sent(), need=need, offer=OfferFactory(), status=match_status)
    mine, theirs = proposals_of(match)
    theirs.status, theirs.decline_reason = answer, reason
    if answer is not ProposalStatus.PENDING:
        theirs.answered_at = now()
    db.session.flush()
    return mine, theirs


def refuse_twice(need):
    for reason in (DeclineReason.TOO_FAR, DeclineReason.NO_TIME):
        put(need, answer=ProposalStatus.DECLINED, reason=reason, match_status="ended")


def found(**only):
    return [(fact.matter, fact.subject_id) for fact in facts([departement().id], today=today(), **only)]


def one(subject_id):
    return facts([departement().id], today=today(), only=subject_id)[0]


def shown(user, **filters):
    return work_queue.queue(Filters(frozenset([departement().id]), **filters), user=user, today=today())


def test_a_need_without_a_yes_comes_after_nine_days_and_again_after_twenty_one(app):
    new, old, older = old_need(8), old_need(9), old_need(30)
    for need in (new, old, older):
        put(need)

    assert found() == [(Matter.SILENT, older.id), (Matter.SILENT, old.id)]
    assert one(older.id).since.date() == (older.published_at + timedelta(days=21)).date()
    assert one(old.id).since.date() == (old.published_at + timedelta(days=9)).date()


def test_a_yes_of_the_other_side_is_no_silence(app):
    said_yes, agreed = old_need(), old_need()
    put(said_yes, answer=ProposalStatus.ACCEPTED)
    MatchFactory(run=sent(), need=agreed, mutual=True)

    assert found() == []


def test_what_was_never_put_to_anybody_is_not_silent(app):
    old_need(40)

    assert found() == []


@pytest.mark.parametrize("status", [Status.PAUSED, Status.CLOSED, Status.EXPIRED, Status.DRAFT])
def test_only_open_needs_come(app, status):
    need = old_need(status=status)
    put(need)

    assert found() == []


def test_a_succession_in_confidence_and_what_a_group_holds_stay_away(app):
    secret = old_need(category=Category.SUCCESSION, is_confidential=True)
    shared = old_need(category=Category.POOLED_JOB)
    for need in (secret, shared):
        put(need)
    group(shared, old_need(category=Category.POOLED_JOB), proposed=True)

    assert found() == []


def test_two_refusals_come_before_silence_and_one_does_not(app):
    twice, once = old_need(), NeedFactory()
    refuse_twice(twice)
    put(once, answer=ProposalStatus.DECLINED, reason=DeclineReason.TOO_FAR, match_status="ended")

    assert found() == [(Matter.REFUSED, twice.id)]
    row = work_queue.row(twice.id, [departement().id], today=today())
    assert (row.asked, row.pending, sorted(row.refusals)) == (2, 0, [DeclineReason.NO_TIME, DeclineReason.TOO_FAR])


def test_who_is_being_asked_after_two_refusals_is_left_in_peace(app):
    need = NeedFactory()
    refuse_twice(need)
    put(need)

    assert found() == []


def test_a_need_that_the_run_sent_last_left_out_comes_with_its_reason(app):
    need, served = NeedFactory(), NeedFactory()
    told = {"reason": "no_candidate", "removed": {"distance": 1}, "nearest_km": 42}
    MatchFactory(run=sent(), need=served)
    RunFactory(status=RunStatus.PUBLISHED, published_at=now(), unserved={str(need.id): told, str(served.id): {"reason": "outbid"}})

    assert found() == [(Matter.UNSERVED, need.id)]
    assert work_queue.row(need.id, [departement().id], today=today()).told == told


def test_a_run_waits_for_its_reader_until_it_is_sent(app):
    RunFactory(created_at=now() - timedelta(days=2))
    newest = RunFactory()

    assert found() == [(Matter.TO_REVIEW, newest.id)]
    newest.status, newest.published_at = RunStatus.PUBLISHED, now()
    db.session.flush()
    assert found() == []


def test_a_structure_that_no_mail_reaches_comes_once_whatever_the_mails(app):
    organisation = OrganisationFactory()
    for _mail in range(3):
        MailFactory(organisation=organisation, bounced=True)
    MailFactory(organisation=OrganisationFactory(at="Caen (14)"), lost=True)

    assert found() == [(Matter.UNREACHABLE, organisation.id)]
    assert len(work_queue.row(organisation.id, [departement().id], today=today()).lost) == 3


def test_done_leaves_the_queue_and_news_bring_it_back(app):
    user, need = UserFactory(animator=True), NeedFactory()
    refuse_twice(need)
    work_queue_acts.finish(one(need.id), reason=DoneReason.CALLED, by=user)

    assert shown(user).total == 0
    _mine, theirs = put(need, answer=ProposalStatus.DECLINED, reason=DeclineReason.OTHER, match_status="ended")
    theirs.answered_at = now() + timedelta(seconds=1)
    db.session.flush()
    assert [row.fact.subject_id for row in shown(user).rows] == [need.id]


def test_a_need_done_and_left_out_again_is_quiet_for_three_weeks(app):
    user, need = UserFactory(animator=True), NeedFactory()
    run = RunFactory(status=RunStatus.PUBLISHED, published_at=now(), unserved={str(need.id): {"reason": "outbid"}})
    done = work_queue_acts.finish(one(need.id), reason=DoneReason.OTHER, by=user)

    for days, total in ((7, 0), (22, 1)):
        run.published_at = done.created_at + timedelta(days=days)
        db.session.flush()
        assert shown(user).total == total


def test_what_is_done_about_mails_counts_as_a_call_and_undoing_takes_that_back(app):
    user, lost = UserFactory(animator=True), MailFactory(lost=True)
    filters = mails.Filters(frozenset([departement().id]))

    done = work_queue_acts.finish(one(lost.organisation_id), reason=DoneReason.CORRECTED, by=user)
    assert db.session.get(MailCall, lost.id).done_by_id == user.id
    assert (mails.to_call_count(filters), found()) == (0, [])

    work_queue_acts.undo(done)
    assert mails.to_call_count(filters) == 1
    assert shown(user).total == 1
    with pytest.raises(NotAllowedNow):
        work_queue_acts.undo(done)


def test_what_is_put_off_waits_apart_until_its_day(app):
    user, need = UserFactory(animator=True), NeedFactory()
    refuse_twice(need)
    day = today() + timedelta(days=3)
    act = work_queue_acts.snooze(one(need.id), until=day, by=user, today=today())

    assert (shown(user).total, shown(user).later, shown(user, later=True).total) == (0, 1, 1)
    assert work_queue.queue(Filters(frozenset([departement().id])), user=user, today=day).total == 1
    work_queue_acts.undo(act)
    assert shown(user).total == 1


@pytest.mark.parametrize("days", [0, -1, 91])
def test_a_day_that_is_past_or_too_far_is_refused(app, days):
    need = NeedFactory()
    refuse_twice(need)

    with pytest.raises(NotAllowedNow):
        work_queue_acts.snooze(one(need.id), until=today() + timedelta(days=days), by=UserFactory(animator=True), today=today())


def test_a_row_is_given_to_who_looks_after_it_only(app):
    user, need = UserFactory(animator=True), NeedFactory()
    refuse_twice(need)
    fact = one(need.id)

    work_queue_acts.assign(fact, user, by=user)
    assert shown(user, who=work_queue.MINE).total == 1
    assert shown(user, who=work_queue.NOBODY).total == 0
    for other in (UserFactory(animator=True, territories=[departement("14")]), UserFactory(), UserFactory(animator=True, is_active=False)):
        with pytest.raises(NotAllowedNow):
            work_queue_acts.assign(fact, other, by=user)
    assert [row.standing.assigned_to for row in shown(user).rows] == [user]


def test_filters_by_matter_category_and_epci(app):
    user, here, there = UserFactory(animator=True), NeedFactory(), NeedFactory(at="Alençon (61)", category=Category.MATERIAL)
    refuse_twice(here)
    refuse_twice(there)
    MailFactory(lost=True)

    assert shown(user).counts == {Matter.UNREACHABLE: 1, Matter.REFUSED: 2}
    assert shown(user, matter=Matter.REFUSED).total == 2
    assert [row.need for row in shown(user, category=Category.MATERIAL).rows] == [there]
    assert [row.need for row in shown(user, epci=here.commune.epci_code, matter=Matter.REFUSED).rows] == [here]


def test_an_answer_given_for_somebody_keeps_who_heard_it_and_the_words(app):
    user, need = UserFactory(animator=True), old_need()
    _mine, theirs = put(need)
    row = work_queue.row(need.id, [departement().id], today=today())
    assert theirs in work_queue.questions(row)

    act = work_queue_acts.answer_for(
        row.fact, theirs, Reply(ProposalStatus.DECLINED, DeclineReason.NO_TIME), by=user, note=" Mme Lenoir : pas ce mois-ci ", settings=mail_settings()
    )

    answered = db.session.get(Proposal, theirs.id)
    assert (answered.status, answered.history[-1].channel) == (ProposalStatus.DECLINED, Channel.ANIMATOR)
    assert (act.kind, act.note, act.by, act.organisation_id, act.proposal_id) == (
        ActKind.ANSWERED,
        "Mme Lenoir : pas ce mois-ci",
        user,
        theirs.organisation_id,
        theirs.id,
    )
    with pytest.raises(NotAllowedNow):
        work_queue_acts.undo(act)


def test_questions_of_a_succession_in_confidence_are_nobodys_to_answer(app):
    need = old_need(category=Category.SUCCESSION)
    match = MatchFactory(run=sent(), need=need, offer=OfferFactory(category=Category.SUCCESSION, is_confidential=True))
    mine, theirs = proposals_of(match)

    row = work_queue.row(need.id, [departement().id], today=today())

    assert work_queue.questions(row) == []
    assert {mine.side, theirs.side} == set(Side)


def contradiction(**fields):
    """Two yes of which one side says that it is signed, and the other that there was nothing."""
    match = MatchFactory(run=sent(), mutual=True, need=NeedFactory(**fields))
    for side, result in ((Side.NEED, Result.SIGNED), (Side.OFFER, Result.NOTHING)):
        organisation = match.need.organisation if side is Side.NEED else match.offer.organisation
        db.session.add(Outcome(match=match, organisation=organisation, side=side, wave=30, asked_at=now(), result=result, answered_at=now()))
    db.session.flush()
    return match


def test_two_stories_of_the_same_match_come_with_both_sides(app):
    match = contradiction()
    contradiction(category=Category.SUCCESSION, is_confidential=True)

    assert found() == [(Matter.CONTRADICTORY, match.id)]
    row = work_queue.row(match.id, [departement().id], today=today())
    assert (row.need, row.organisation) == (match.need, match.need.organisation)
    assert {side: outcome.result for side, outcome in row.sides.items()} == {Side.NEED: Result.SIGNED, Side.OFFER: Result.NOTHING}
    assert work_queue.questions(row) == []


def test_who_calls_for_help_comes_first_until_the_call_is_over(app):
    asked = call_for_help()
    refuse_twice(need := old_need())

    assert found() == [(Matter.CALLED_FOR, asked.id), (Matter.REFUSED, need.id)]
    row = work_queue.row(asked.id, [departement().id], today=today())
    assert (row.organisation, row.fact.category) == (asked.match.need.organisation, asked.match.need.category)
    act = work_queue_acts.assign(row.fact, UserFactory(animator=True), by=UserFactory(animator=True))
    assert act.matter is Matter.CALLED_FOR

    conversations.end_call(asked.match)
    assert found() == [(Matter.REFUSED, need.id)]
