"""What animators see of the mails of their territories, whom they call, and what leaves once more."""

import email
import email.policy
from datetime import timedelta

import icalendar
import pytest
from sqlalchemy import select

from matchmaker import mail as composing
from matchmaker.extensions import db
from matchmaker.models import Invitation, MailStatus, ObjectionSource, Obstacle, OutboxMail, Topic
from matchmaker.models.base import now, today
from matchmaker.services import addresses, asking_budgets, job_datings, mail_resending, mails, outbox
from matchmaker.services.errors import NotAllowedNow
from tests.factories import JobDatingFactory, MailFactory, MatchFactory, NeedFactory, OrganisationFactory, UserFactory, departement

SETTINGS = outbox.MailSettings(sender="bonjour@croisee.test", public_url="https://croisee.test", secret="secret")
ALL = mails.Filters(None)


def shown(**filters):
    return [mail.id for mail in mails.search(mails.Filters(None, **filters)).items]


def of_orne(**filters) -> mails.Filters:
    return mails.Filters(frozenset([departement("61").id]), **filters)


def test_each_filter_keeps_what_it_names(session):
    flers = MailFactory(organisation=OrganisationFactory(name="Picorée", email="accueil@picoree.test"), kind="invitation")
    caen = MailFactory(organisation=OrganisationFactory(name="Le Lavoir", at="Caen (14)"), lost=True)
    twice = MailFactory(organisation=None, waiting=True, is_maybe_twice=True)

    assert shown() == [twice.id, caen.id, flers.id]
    assert shown(status=MailStatus.FAILED) == [caen.id]
    assert shown(only_maybe_twice=True) == [twice.id]
    assert shown(kind="invitation") == [flers.id]
    assert shown(epci=flers.organisation.commune.epci_code) == [flers.id]
    assert shown(text="picoree") == shown(text="ACCUEIL@picoree.test") == [flers.id]
    assert shown(text="%") == shown()
    assert [mail.id for mail in mails.search(of_orne()).items] == [flers.id]
    assert mails.counts(ALL) == ({MailStatus.SENT: 1, MailStatus.FAILED: 1, MailStatus.QUEUED: 1}, 1)


def test_a_list_of_any_length_takes_as_many_queries(session, queries):
    def cost(count: int) -> int:
        for _mail in range(count):
            MailFactory(lost=True)
        db.session.expire_all()
        queries.clear()
        for line in mails.search(ALL, per_page=100).items + mails.to_call(ALL, per_page=100).items:
            assert line.organisation.commune.label
        return len(queries)

    assert cost(2) == cost(30)


def test_who_did_not_get_a_mail_that_matters_is_to_call_until_somebody_did(session):
    bounced, lost = MailFactory(bounced=True), MailFactory(lost=True, useless_after=now() + timedelta(days=1))
    MailFactory(lost=True, useless_after=now() - timedelta(minutes=1))
    MailFactory()
    unwelcome = {"status": MailStatus.CANCELLED, "sent_at": None, "last_error": addresses.WITHHELD[Obstacle.OBJECTED]}
    invited = MailFactory(kind="invitation", **unwelcome)
    MailFactory(kind="proposals", **unwelcome)

    assert [mail.id for mail in mails.to_call(ALL).items] == [lost.id, bounced.id, invited.id]
    assert mails.to_call_count(ALL) == 3

    animator = UserFactory(animator=True)
    for _time in range(2):
        mails.finish_call(lost, by=animator)

    assert [mail.id for mail in mails.to_call(ALL).items] == [bounced.id, invited.id]
    assert mails.call_of(lost).done_by_id == animator.id


def test_a_failed_mail_leaves_again_as_it_was(session):
    lost = MailFactory(lost=True, last_code=451, last_error="later", attempts=15)
    before = (lost.message, lost.message_id, lost.idempotency_key)
    animator = UserFactory(animator=True)
    mails.finish_call(lost, by=animator)

    leaving = mail_resending.resend(lost, by=animator, settings=SETTINGS)

    assert leaving.id == lost.id
    assert (leaving.status, leaving.attempts) == (MailStatus.QUEUED, 0)
    assert (leaving.message, leaving.message_id, leaving.idempotency_key) == before
    assert mails.call_of(leaving) is None
    assert outbox.claim_one(worker=1, now=now()).id == lost.id


def test_a_mail_that_came_back_leaves_again_as_a_copy_to_the_letter(session):
    came_back = MailFactory(bounced=True, idempotency_key="fact:org:x:0", last_error="4.4.1 timed out")

    leaving = mail_resending.resend(came_back, by=UserFactory(animator=True), settings=SETTINGS)

    assert leaving.id != came_back.id
    assert (leaving.message, leaving.message_id, leaving.organisation_id) == (came_back.message, came_back.message_id, came_back.organisation_id)
    assert mails.call_of(came_back) is not None
    with pytest.raises(NotAllowedNow, match="newer"):
        mail_resending.resend(came_back, by=UserFactory(animator=True), settings=SETTINGS)


@pytest.mark.parametrize(
    "state", [{}, {"waiting": True}, {"status": MailStatus.SUPERSEDED, "sent_at": None}, {"status": MailStatus.CANCELLED, "sent_at": None}]
)
def test_only_what_did_not_arrive_leaves_again(session, state):
    mail = MailFactory(**state)

    with pytest.raises(NotAllowedNow, match="status"):
        mail_resending.resend(mail, by=UserFactory(animator=True), settings=SETTINGS)


def test_what_would_come_too_late_or_to_a_closed_address_stays(session):
    animator, late, blocked = UserFactory(animator=True), MailFactory(lost=True, useless_after=now()), MailFactory(lost=True)
    addresses.note_bounce(blocked.recipient, key="1:1", status="5.1.1")

    with pytest.raises(NotAllowedNow, match="late"):
        mail_resending.resend(late, by=animator, settings=SETTINGS)
    with pytest.raises(NotAllowedNow, match="blocked"):
        mail_resending.resend(blocked, by=animator, settings=SETTINGS)

    addresses.reopen(blocked.recipient, by=animator)
    assert mail_resending.resend(blocked, by=animator, settings=SETTINGS).status is MailStatus.QUEUED


@pytest.fixture
def invited(session) -> OutboxMail:
    """The mail of a real invitation, which its server refused."""
    dating = JobDatingFactory()
    guest = OrganisationFactory(name="L’Épicerie, « à côté » ; 🎉 " + "é" * 80, email="ancienne@picoree.test")
    job_datings.choose(dating, [MatchFactory(mutual=True, need=NeedFactory(organisation=guest))])
    job_datings.publish(dating, settings=SETTINGS)
    row = session.scalars(select(OutboxMail).where(OutboxMail.organisation_id == guest.id)).one()
    row.status, row.last_code, row.last_error = MailStatus.FAILED, 550, "5.1.1 no such user"
    session.flush()
    return row


def calendar_of(content: bytes):
    message = email.message_from_bytes(content, policy=email.policy.default)
    text = next(part for part in message.walk() if part.get_content_type() == "text/calendar").get_content()
    return text, icalendar.Calendar.from_ical(text).events[0]


def test_with_a_corrected_address_the_same_invitation_goes_there_and_stays_one_event(invited):
    invited.organisation.email = "nouvelle@picoree.test"
    addresses.note_bounce(invited.recipient, key="1:1", status="5.1.1")

    leaving = mail_resending.resend(invited, by=UserFactory(animator=True), settings=SETTINGS)

    old, new = (email.message_from_bytes(mail.message, policy=email.policy.default) for mail in (invited, leaving))
    assert (leaving.recipient, new["To"]) == ("nouvelle@picoree.test", "nouvelle@picoree.test")
    assert leaving.message_id == new["Message-ID"] != old["Message-ID"]
    assert [new[name] for name in ("From", "Date", "Subject", "Reply-To")] == [old[name] for name in ("From", "Date", "Subject", "Reply-To")]
    (_, event_before), (text, event) = calendar_of(invited.message), calendar_of(leaving.message)
    assert event["ATTENDEE"] == "mailto:nouvelle@picoree.test"
    assert event["ATTENDEE"].params["CN"] == event_before["ATTENDEE"].params["CN"]
    for name in ("UID", "SEQUENCE", "DTSTAMP", "DTSTART", "ORGANIZER"):
        assert event[name] == event_before[name]
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert b"ancienne@" not in leaving.message
    assert leaving.message.count(b"\n") == leaving.message.count(b"\r\n")
    assert [part.get_content() for part in new.iter_parts()][:2] == [part.get_content() for part in old.iter_parts()][:2]
    assert db.session.get(Invitation, mail_resending.invitation_of(invited).id).email == "nouvelle@picoree.test"


def test_an_invitation_that_was_called_off_does_not_leave_again(invited):
    job_datings.cancel(mail_resending.invitation_of(invited).job_dating, settings=SETTINGS)

    with pytest.raises(NotAllowedNow, match="newer"):
        mail_resending.resend(invited, by=UserFactory(animator=True), settings=SETTINGS)


def test_an_invitation_to_who_no_longer_takes_part_does_not_leave_again(invited):
    mail_resending.invitation_of(invited).withdrawn_at = now()

    with pytest.raises(NotAllowedNow, match="newer"):
        mail_resending.resend(invited, by=UserFactory(animator=True), settings=SETTINGS)


@pytest.mark.parametrize("has_left", [True, False])
def test_who_was_reached_at_the_other_address_is_told_there_when_it_is_called_off(invited, has_left):
    invited.organisation.email = "nouvelle@picoree.test"
    leaving = mail_resending.resend(invited, by=UserFactory(animator=True), settings=SETTINGS)
    if has_left:
        claimed = next(claimed for claimed in iter(lambda: outbox.claim_one(worker=1, now=now()), None) if claimed.id == leaving.id)
        outbox.record(claimed, composing.Sent(250, "ok"), worker=1, now=now())

    job_datings.cancel(mail_resending.invitation_of(invited).job_dating, settings=SETTINGS)

    queued = select(OutboxMail.recipient).where(OutboxMail.organisation_id == invited.organisation_id, OutboxMail.kind == "invitation_cancelled")
    assert db.session.scalars(queued).all() == (["nouvelle@picoree.test"] if has_left else [])


def test_the_text_is_the_one_that_leaves_without_the_keys_of_its_recipient(invited):
    text = mails.text_of(invited)

    assert "AVEC QUI" in text
    assert "https://croisee.test/invitations/…?reponse=oui" in text
    body = email.message_from_bytes(invited.message, policy=email.policy.default).get_body(("plain",)).get_content()
    assert text.splitlines()[0] == body.splitlines()[0]
    assert mails.text_of(MailFactory(message=b"")) == ""


def test_a_preview_says_who_receives_a_mail_and_why_the_others_do_not(session):
    names = {name: OrganisationFactory(name=name) for name in ("reçoit", "sans adresse", "mal écrite", "bloquée", "refuse", "en pause", "assez")}
    names["sans adresse"].email, names["mal écrite"].email = "", "personne"
    names["en pause"].paused_until, names["assez"].monthly_budget = today(), 1
    addresses.note_bounce(names["bloquée"].email, key="1:1", status="5.1.1")
    addresses.object_to(addresses.digest(names["refuse"].email), [Topic.PROPOSALS], source=ObjectionSource.LINK)
    asking_budgets.take({names["assez"].id: 1}, day=today())
    session.flush()

    told = mails.preview(names.values(), "proposals", today=today())

    assert [organisation.name for organisation in told.receives] == ["reçoit"]
    assert {organisation.name: reason for organisation, reason in told.withheld} == {
        "sans adresse": Obstacle.NO_ADDRESS,
        "mal écrite": Obstacle.BAD_ADDRESS,
        "bloquée": Obstacle.BLOCKED,
        "refuse": Obstacle.OBJECTED,
        "en pause": Obstacle.PAUSED,
        "assez": Obstacle.BUDGET,
    }
    invited = mails.preview(names.values(), "invitation", today=today())
    assert {organisation.name for organisation in invited.receives} == {"reçoit", "refuse", "en pause", "assez"}


def test_a_preview_costs_as_many_queries_for_many_as_for_one(session, queries):
    def cost(count: int) -> int:
        asked = [OrganisationFactory() for _number in range(count)]
        queries.clear()
        mails.preview(asked, "proposals", today=today())
        return len(queries)

    assert cost(1) == cost(40)
