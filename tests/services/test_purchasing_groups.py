"""Open searches and answers given together: equal information for all, and one answer when all said yes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from matchmaker.models import AnswerState, Category, Frame, GroupAnswer, GroupMember, Liability, MemberState, OutboxMail, Status
from matchmaker.models.base import now
from matchmaker.services import purchasing_groups, purchasing_groups_reading, purchasing_searches
from matchmaker.services.errors import ChangedMeanwhile, NotAllowedNow
from matchmaker.services.outbox import MailSettings
from matchmaker.services.purchasing_groups import NotReady, TooManyMembers
from matchmaker.services.purchasing_searches import NotLater, TooManyQuestions
from tests.factories import NeedFactory, OrganisationFactory, group_answer, search_question, supplier_search

SETTINGS = MailSettings(sender="bonjour@croisee.test", public_url="http://croisee.test", secret="x" * 32)


def mails(session, kind: str) -> list[OutboxMail]:
    return list(session.scalars(select(OutboxMail).where(OutboxMail.kind == kind).order_by(OutboxMail.id)))


def recipients(session, kind: str) -> set[str]:
    return {mail.recipient for mail in mails(session, kind)}


def partner_of(group: GroupAnswer) -> GroupMember:
    return next(one for one in group.members if one.organisation_id != group.lead_id)


def ready() -> GroupAnswer:
    group = group_answer()
    purchasing_groups.accept(partner_of(group), terms=group.terms, settings=SETTINGS)
    return group


# Open searches


def test_a_published_need_of_something_that_one_buys_is_opened_once(session) -> None:
    need, closes_at = NeedFactory(), now() + timedelta(days=10)
    search = purchasing_searches.open_search(need, frame=Frame.CLAUSE, closes_at=closes_at)

    assert purchasing_searches.open_searches() == [search]
    with pytest.raises(NotAllowedNow):
        purchasing_searches.open_search(need, frame=Frame.OPEN, closes_at=closes_at)


@pytest.mark.parametrize("fields", [{"draft": True}, {"category": Category.JOB}, {"category": Category.SUCCESSION, "is_confidential": True}])
def test_a_draft_a_job_and_what_is_in_confidence_are_never_opened(session, fields: dict) -> None:
    with pytest.raises(NotAllowedNow):
        purchasing_searches.open_search(NeedFactory(**fields), frame=Frame.OPEN, closes_at=now() + timedelta(days=10))


def test_a_need_that_became_confidential_is_shown_to_nobody(session) -> None:
    search = supplier_search(NeedFactory(category=Category.SUCCESSION))
    group = group_answer(search)
    search.need.is_confidential = True
    session.flush()

    assert purchasing_searches.search(search.id) is None
    assert purchasing_searches.open_searches() == []
    assert purchasing_groups_reading.member_of(group.lead, group.id) is None
    assert purchasing_groups_reading.memberships(group.lead) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda search: setattr(search.need, "status", Status.PAUSED), "need"),
        (lambda search: setattr(search.need, "status", Status.CLOSED), "need"),
        (lambda search: setattr(search, "stopped_at", now()), "stopped"),
        (lambda search: setattr(search, "closes_at", now() - timedelta(minutes=1)), "late"),
    ],
)
def test_a_search_that_is_over_takes_nothing_and_says_why(session, change, why: str) -> None:
    group, stranger = ready(), OrganisationFactory()
    search = group.search
    change(search)
    session.flush()

    acts = [
        lambda: purchasing_searches.ask(search, "Et la vaisselle ?", by=stranger, settings=SETTINGS),
        lambda: purchasing_searches.put_off(search, now() + timedelta(days=30), settings=SETTINGS),
        lambda: purchasing_searches.stop(search, settings=SETTINGS),
        lambda: purchasing_groups.begin(search, stranger),
        lambda: purchasing_groups.invite(group, stranger, part="La salle", share=10, settings=SETTINGS),
        lambda: purchasing_groups.hand_in(group, settings=SETTINGS),
    ]

    for act in acts:
        with pytest.raises(NotAllowedNow, match=why):
            act()
    assert purchasing_searches.open_searches() == []
    assert purchasing_groups_reading.awaiting(partner_of(group).organisation) == 0


def test_a_question_goes_to_the_buyer_and_its_answer_to_all_who_take_part_at_the_same_time(session) -> None:
    group = group_answer()
    search = group.search
    asker = OrganisationFactory()

    question = purchasing_searches.ask(search, "La vaisselle est-elle fournie ?", by=asker, settings=SETTINGS)
    assert recipients(session, "search_question") == {search.need.organisation.email}

    purchasing_searches.reply(question, "Oui.", settings=SETTINGS)

    assert recipients(session, "search_news") == {asker.email, *(one.organisation.email for one in group.members)}
    assert len({mail.subject for mail in mails(session, "search_news")}) == 1


def test_a_second_click_asks_nothing_and_waiting_questions_have_a_limit(session) -> None:
    search, asker = supplier_search(), OrganisationFactory()
    purchasing_searches.ask(search, "Combien ?", by=asker, settings=SETTINGS)
    assert purchasing_searches.ask(search, "Combien ?", by=asker, settings=SETTINGS) is None
    for number in range(purchasing_searches.MOST_QUESTIONS - 1):
        purchasing_searches.ask(search, f"Question {number} ?", by=asker, settings=SETTINGS)

    with pytest.raises(TooManyQuestions):
        purchasing_searches.ask(search, "Une de trop ?", by=asker, settings=SETTINGS)


def test_the_last_day_is_only_ever_put_off_and_everybody_is_told(session) -> None:
    group = group_answer()
    before = group.search.closes_at
    with pytest.raises(NotLater):
        purchasing_searches.put_off(group.search, before - timedelta(days=1), settings=SETTINGS)

    purchasing_searches.put_off(group.search, before + timedelta(days=7), settings=SETTINGS)

    assert (group.search.moved_from, group.search.closes_at) == (before, before + timedelta(days=7))
    assert recipients(session, "search_news") == {one.organisation.email for one in group.members}


def test_a_search_that_was_stopped_opens_again_with_its_questions(session) -> None:
    question = search_question()
    purchasing_searches.stop(question.search, settings=SETTINGS)

    again = purchasing_searches.open_search(question.search.need, frame=Frame.OPEN, closes_at=now() + timedelta(days=20))

    assert (again.id, again.is_open, again.questions) == (question.search_id, True, [question])


# Answers together


def test_the_buyer_reads_one_answer_and_only_when_all_said_yes_and_it_was_handed_in(session) -> None:
    group = group_answer()
    buyer = group.search.need.organisation
    assert purchasing_searches.handed_in(group.search) == []
    with pytest.raises(NotReady, match="waiting"):
        purchasing_groups.hand_in(group, settings=SETTINGS)

    purchasing_groups.accept(partner_of(group), terms=group.terms, comment="Volontiers", settings=SETTINGS)
    assert purchasing_searches.handed_in(group.search) == []
    assert recipients(session, "search_answer") == set()
    purchasing_groups.hand_in(group, settings=SETTINGS)

    assert purchasing_searches.handed_in(group.search) == [group]
    assert recipients(session, "search_answer") == {buyer.email}


def test_a_structure_alone_answers_too_and_one_leads_one_answer_to_a_search(session) -> None:
    search, lead = supplier_search(), OrganisationFactory()
    group = purchasing_groups.begin(search, lead)
    assert purchasing_groups.begin(search, lead).id == group.id
    with pytest.raises(NotReady, match="summary"):
        purchasing_groups.hand_in(group, settings=SETTINGS)

    purchasing_groups.set_terms(group, summary="Nous seuls.", contact="Camille", liability=Liability.JOINT, parts={}, settings=SETTINGS)
    purchasing_groups.hand_in(group, settings=SETTINGS)

    assert (group.state, group.is_together, group.total) == (AnswerState.HANDED_IN, False, 100)


def test_nobody_answers_oneself_nor_invites_the_buyer(session) -> None:
    group = group_answer()
    buyer = group.search.need.organisation

    with pytest.raises(NotAllowedNow, match="own"):
        purchasing_groups.begin(group.search, buyer)
    with pytest.raises(NotAllowedNow, match="own"):
        purchasing_groups.invite(group, buyer, part="Rien", share=10, settings=SETTINGS)


def test_a_yes_is_to_the_terms_that_were_read(session) -> None:
    group = ready()
    partner, read = partner_of(group), group.terms

    asked_again = purchasing_groups.set_terms(
        group, summary="Autre chose.", contact=group.contact, liability=Liability.SEVERAL, parts={partner.id: ("Le service", 30)}, settings=SETTINGS
    )

    assert (asked_again, partner.state) == (True, MemberState.INVITED)
    assert recipients(session, "group_invited") == {partner.organisation.email}
    with pytest.raises(ChangedMeanwhile):
        purchasing_groups.accept(partner, terms=read, settings=SETTINGS)
    purchasing_groups.accept(partner, terms=group.terms, settings=SETTINGS)
    assert partner.state is MemberState.ACCEPTED


def test_the_same_terms_written_again_ask_nobody(session) -> None:
    group = ready()

    same = {"summary": group.summary, "contact": group.contact, "liability": group.liability, "parts": {one.id: (one.part, one.share) for one in group.members}}

    assert purchasing_groups.set_terms(group, **same, settings=SETTINGS) is False
    assert partner_of(group).state is MemberState.ACCEPTED


def test_who_is_invited_takes_its_share_from_the_lead_and_the_others_are_asked_again(session) -> None:
    group = ready()
    newcomer = OrganisationFactory()

    member = purchasing_groups.invite(group, newcomer, part="La salle", share=20, settings=SETTINGS)

    assert [one.share for one in group.present] == [50, 30, 20]
    assert (partner_of(group).state, member.state) == (MemberState.INVITED, MemberState.INVITED)
    assert recipients(session, "group_invited") == {newcomer.email, partner_of(group).organisation.email}
    with pytest.raises(NotAllowedNow, match="member"):
        purchasing_groups.invite(group, newcomer, part="La salle", share=20, settings=SETTINGS)


def test_a_no_gives_the_share_back_is_not_asked_again_and_may_be_taken_back_by_who_said_it(session) -> None:
    group = group_answer()
    partner = partner_of(group)

    purchasing_groups.decline(partner, comment="Pas en juin", settings=SETTINGS)
    assert ([one.share for one in group.present], recipients(session, "group_news")) == ([100], {group.lead.email})
    with pytest.raises(NotAllowedNow, match="declined"):
        purchasing_groups.invite(group, partner.organisation, part="Le service", share=30, settings=SETTINGS)

    purchasing_groups.come_back(partner, settings=SETTINGS)
    purchasing_groups.accept(partner, terms=group.terms, settings=SETTINGS)
    assert group.total == 100


def test_a_yes_that_is_taken_back_in_time_takes_the_answer_from_the_buyer_until_it_is_mended(session) -> None:
    group = ready()
    purchasing_groups.hand_in(group, settings=SETTINGS)

    purchasing_groups.decline(partner_of(group), settings=SETTINGS)

    assert (group.state, purchasing_searches.handed_in(group.search)) == (AnswerState.COMPOSED, [])
    assert len(mails(session, "search_answer")) == 2


def test_a_yes_that_is_taken_back_too_late_to_mend_it_ends_the_answer_and_the_buyer_knows(session) -> None:
    group = ready()
    purchasing_groups.hand_in(group, settings=SETTINGS)
    group.search.closes_at = now() - timedelta(minutes=1)
    session.flush()

    purchasing_groups.decline(partner_of(group), settings=SETTINGS)

    assert group.state is AnswerState.WITHDRAWN
    assert "retirée" in mails(session, "search_answer")[-1].subject


def test_the_lead_takes_it_back_to_change_it_or_for_good(session) -> None:
    group = ready()
    purchasing_groups.hand_in(group, settings=SETTINGS)
    with pytest.raises(NotAllowedNow, match="handed_in"):
        purchasing_groups.set_terms(group, summary="x", contact="y", liability=Liability.JOINT, parts={}, settings=SETTINGS)

    purchasing_groups.reopen(group, settings=SETTINGS)
    assert purchasing_searches.handed_in(group.search) == []
    purchasing_groups.withdraw(group, settings=SETTINGS)

    assert group.state is AnswerState.WITHDRAWN
    with pytest.raises(NotAllowedNow, match="withdrawn"):
        purchasing_groups.withdraw(group, settings=SETTINGS)
    assert purchasing_groups.begin(group.search, group.lead).id != group.id


def test_the_lead_goes_on_without_a_member_who_may_be_asked_once_more(session) -> None:
    group = group_answer()
    partner = partner_of(group)

    purchasing_groups.take_off(partner, settings=SETTINGS)
    assert ([one.share for one in group.present], partner.state) == ([100], MemberState.REMOVED)
    assert purchasing_groups_reading.memberships(partner.organisation) == []

    purchasing_groups.invite(group, partner.organisation, part="Le service", share=40, settings=SETTINGS)
    assert [one.share for one in group.present] == [60, 40]


def test_a_member_that_said_yes_may_speak_for_all_but_leads_one_answer_only(session) -> None:
    group = ready()
    partner, before = partner_of(group), group.lead

    purchasing_groups.pass_lead(partner, settings=SETTINGS)
    assert group.lead_id == partner.organisation_id
    assert purchasing_groups_reading.led_by(before, group.search) is None

    other = group_answer(group.search, lead=OrganisationFactory(), partner=partner.organisation)
    purchasing_groups.accept(partner_of(other), terms=other.terms, settings=SETTINGS)
    with pytest.raises(NotAllowedNow, match="leads another"):
        purchasing_groups.pass_lead(partner_of(other), settings=SETTINGS)


def test_a_lead_cannot_slip_away_from_its_own_answer(session) -> None:
    group = group_answer()

    with pytest.raises(NotAllowedNow, match="lead"):
        purchasing_groups.decline(purchasing_groups.lead_of(group), settings=SETTINGS)


def test_the_parts_make_a_whole_before_it_is_handed_in(session) -> None:
    group = ready()
    purchasing_groups.lead_of(group).share = 60
    session.flush()

    with pytest.raises(NotReady, match="shares"):
        purchasing_groups.hand_in(group, settings=SETTINGS)


def test_groups_and_invitations_have_a_limit(session, monkeypatch) -> None:
    group = group_answer()
    monkeypatch.setattr(purchasing_groups, "MOST_MEMBERS", 2)
    with pytest.raises(TooManyMembers):
        purchasing_groups.invite(group, OrganisationFactory(), part="La salle", share=10, settings=SETTINGS)

    monkeypatch.setattr(purchasing_groups, "MOST_MEMBERS", 8)
    monkeypatch.setattr(purchasing_groups, "MOST_INVITATIONS_A_DAY", 1)
    with pytest.raises(TooManyMembers):
        purchasing_groups.invite(group, OrganisationFactory(), part="La salle", share=10, settings=SETTINGS)


def test_what_waits_for_a_yes_is_counted_and_comes_first(session) -> None:
    group = group_answer()
    partner = partner_of(group).organisation
    group_answer(lead=partner)

    assert purchasing_groups_reading.awaiting(partner) == 1
    assert purchasing_groups_reading.memberships(partner)[0].group_id == group.id
    assert purchasing_groups_reading.awaiting(group.lead) == 0
