"""Inviting, calling off, answering."""

import email
import email.policy
import threading
from datetime import timedelta

import icalendar
import pytest
import time_machine
from sqlalchemy import select

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import Answer, Channel, Invitation, InvitationAnswer, JobDatingStatus, MailStatus, OutboxMail, Territory
from matchmaker.models.base import now
from matchmaker.services import invitations, job_datings, outbox
from matchmaker.services.errors import NotAllowedNow
from tests.conftest import committing
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OrganisationFactory, venue
from tests.test_ics import check_lines

SETTINGS = outbox.MailSettings(sender="bonjour@croisee.test", public_url="https://croisee.test", secret="secret")


def chosen_job_dating(*, matches=1, **fields):
    """A job dating at which one need meets the offers of ``matches`` structures."""
    need = NeedFactory()
    job_dating = JobDatingFactory(**fields)
    job_datings.choose(job_dating, [MatchFactory(need=need, mutual=True) for _ in range(matches)])
    return job_dating


def published(**fields):
    job_dating = chosen_job_dating(**fields)
    return job_dating, job_datings.publish(job_dating, settings=SETTINGS)


def mails(status=None) -> list[OutboxMail]:
    query = select(OutboxMail).order_by(OutboxMail.id).execution_options(populate_existing=True)
    return [row for row in db.session.scalars(query) if status in (None, row.status)]


def parts(row: OutboxMail) -> dict[str, str]:
    message = email.message_from_bytes(row.message, policy=email.policy.default)
    return {part.get_content_subtype(): part.get_payload(decode=True).decode() for part in message.iter_parts()}


def send_all() -> None:
    while (claimed := outbox.claim_one(worker=1, now=now())) is not None:
        outbox.record(claimed, mail.Sent(250, "ok"), worker=1, now=now())


def test_each_structure_gets_one_invitation_and_one_mail_with_its_calendar_entry(session):
    job_dating, invited = published(matches=3)

    assert len(invited) == len(mails()) == 4
    by_address = {row.recipient: row for row in mails()}
    for invitation in invited:
        row = by_address[invitation.organisation.email]
        assert row.idempotency_key == f"{invitation.id}:{invitation.organisation_id}:request:0"
        assert row.message_id == f"<{invitation.id}.{invitation.organisation_id}.request.0@croisee.test>"
        assert row.useless_after == job_dating.starts_at
        properties = check_lines(parts(row)["calendar"])
        assert properties["METHOD"] == ["REQUEST"]
        assert properties["UID"] == [f"{invitation.id}@croisee.test"]
        assert properties["SEQUENCE"] == ["0"]
        assert properties["ORGANIZER"] == ["mailto:bonjour@croisee.test"]
        assert properties["ATTENDEE"] == [f"mailto:{invitation.email}"]
        (event,) = icalendar.Calendar.from_ical(parts(row)["calendar"]).walk("VEVENT")
        assert event.decoded("dtstart") == job_dating.starts_at


def test_the_mail_says_whom_one_meets_and_links_to_each_answer(session):
    job_dating, invited = published(matches=2)
    host = next(one for one in invited if one.organisation_id == job_dating.meetings[0].match.need.organisation_id)
    row = next(row for row in mails() if row.recipient == host.email)

    assert row.subject.startswith("Job dating à Flers le ")
    link = f"https://croisee.test/invitations/{invitations.token(host, 'secret')}"
    for kind in ("plain", "html"):
        text = parts(row)[kind]
        assert all(meeting.match.offer.organisation.name in text for meeting in job_dating.meetings)
        assert all(f"{link}?reponse={choice}" in text for choice in ("oui", "peut-etre", "non"))
        assert "Deux structures souhaitent vous rencontrer à Flers" in text
    others = [row for row in mails() if row.recipient != host.email]
    assert all(host.organisation.name in parts(row)["plain"] for row in others)
    assert all("Une structure souhaite vous rencontrer" in parts(row)["plain"] for row in others)


def test_inviting_again_adds_nothing_and_changes_no_byte(session):
    job_dating, invited = published(matches=2)
    before = [(row.id, row.message) for row in mails()]

    again = invitations.invite(job_dating, settings=SETTINGS)

    assert again == invited
    assert [(row.id, row.message) for row in mails()] == before


def test_a_structure_without_an_address_is_invited_but_not_written_to(session):
    job_dating = chosen_job_dating()
    job_dating.meetings[0].match.offer.organisation.email = ""

    invited = job_datings.publish(job_dating, settings=SETTINGS)

    assert sorted(bool(invitation.email) for invitation in invited) == [False, True]
    assert len(mails()) == 1


def test_answers_go_to_who_looks_after_the_territory(session):
    departement = session.scalars(select(Territory).where(Territory.code == "61", Territory.level == "departement")).one()
    departement.contact_email = "orne@animation.test"

    published()

    assert {email.message_from_bytes(row.message)["Reply-To"] for row in mails()} == {"orne@animation.test"}


@pytest.mark.parametrize(("days", "expected"), [(30, timedelta(days=3)), (5, timedelta(days=3)), (3.5, timedelta()), (1, timedelta())])
def test_one_may_answer_until_three_days_before_or_until_the_start_when_it_is_soon(session, days, expected):
    start = now() + timedelta(days=days)
    job_dating = JobDatingFactory(starts_at=start, ends_at=start + timedelta(hours=3))

    assert invitations.deadline(job_dating, at=now()) == start - expected


def test_the_deadline_is_never_in_the_past(session):
    start = now() - timedelta(hours=1)
    job_dating = JobDatingFactory(starts_at=start, ends_at=start + timedelta(hours=3))

    assert invitations.deadline(job_dating, at=now()) > now()


def test_who_got_the_request_gets_one_cancellation_with_the_next_sequence(session):
    job_dating, invited = published(matches=2)
    send_all()

    job_datings.cancel(job_dating, settings=SETTINGS)

    told = mails(MailStatus.QUEUED)
    assert {row.recipient for row in told} == {invitation.email for invitation in invited}
    asked = {row.recipient: check_lines(parts(row)["calendar"]) for row in mails(MailStatus.SENT)}
    for row in told:
        properties = check_lines(parts(row)["calendar"])
        assert (properties["METHOD"], properties["STATUS"], properties["SEQUENCE"]) == (["CANCEL"], ["CANCELLED"], ["1"])
        same = ("UID", "ORGANIZER", "ATTENDEE", "DTSTART", "DTEND")
        assert [properties[name] for name in same] == [asked[row.recipient][name] for name in same]
        assert properties["DTSTAMP"] >= asked[row.recipient]["DTSTAMP"]
        assert row.subject.startswith("Annulé")
        assert "Ne vous déplacez pas" in parts(row)["plain"]


def test_an_invitation_that_never_left_is_withdrawn_in_silence(session):
    job_dating, invited = published(matches=2)

    job_datings.cancel(job_dating, settings=SETTINGS)

    assert [row.status for row in mails()] == [MailStatus.CANCELLED] * 3
    assert [invitation.sequence for invitation in invited] == [0] * 3


def test_one_that_may_have_left_is_called_off_and_does_not_go_again(session):
    job_dating, _ = published()
    doubtful = outbox.claim_one(worker=1, now=now())
    outbox.record(doubtful, mail.Temporary(None, "cut", is_ambiguous=True), worker=1, now=now())

    job_datings.cancel(job_dating, settings=SETTINGS)

    assert [row.status for row in mails()] == [MailStatus.SUPERSEDED, MailStatus.CANCELLED, MailStatus.QUEUED]
    assert mails()[-1].recipient == doubtful.recipient


def test_names_that_attack_stay_names(session):
    evil = 'Évil", Ltd; \\ fin\r\nATTENDEE:mailto:eve@evil.test\u202e'
    place = venue(OrganisationFactory(name="Tiers-lieu"))
    place.name = evil
    job_dating = chosen_job_dating(venue=place, title=evil * 100)
    job_dating.meetings[0].match.offer.organisation.name = evil

    job_datings.publish(job_dating, settings=SETTINGS)

    for row in mails():
        check_lines(parts(row)["calendar"])
        message = email.message_from_bytes(row.message, policy=email.policy.default)
        assert [address.addr_spec for address in message["To"].addresses] == [row.recipient]
        assert "\n" not in row.subject
        assert "\u202e" not in "".join(parts(row).values())


def test_the_token_of_the_mail_finds_its_invitation(session):
    _, (invitation, other) = published()

    assert invitations.find_by_token(invitations.token(invitation, "secret"), ("secret",)) is invitation
    assert invitations.find_by_token(invitations.token(other, "secret"), ("secret",)) is other


def test_a_token_of_another_key_or_with_another_letter_finds_nothing(session):
    _, (invitation, _) = published()
    token = invitations.token(invitation, "secret")

    altered = [token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :] for place, letter in enumerate(token)]

    assert all(invitations.find_by_token(text, ("secret",)) is None for text in altered)
    assert invitations.find_by_token(token, ("other secret",)) is None
    assert invitations.find_by_token("", ("secret",)) is None


def test_an_older_token_is_told_apart_from_a_wrong_one(session):
    _, (invitation, _) = published()
    token = invitations.token(invitation, "secret")
    invitation.token_version = 2

    with pytest.raises(NotAllowedNow):
        invitations.find_by_token(token, ("secret",))


def test_the_newest_mail_of_each_invitation_says_where_it_stands(session):
    job_dating, invited = published(matches=2)
    ids = [str(invitation.id) for invitation in invited]
    assert outbox.latest_statuses(ids) == dict.fromkeys(ids, MailStatus.QUEUED)
    send_all()
    assert outbox.latest_statuses(ids[:1]) == {ids[0]: MailStatus.SENT}

    job_datings.cancel(job_dating, settings=SETTINGS)

    assert outbox.latest_statuses([*ids, "unknown"]) == dict.fromkeys(ids, MailStatus.QUEUED)


def test_who_is_invited_elsewhere_at_the_same_hours_is_found_unless_it_declined(session):
    first, invited = published()
    guest = first.meetings[0].match.need.organisation
    second = JobDatingFactory(starts_at=first.starts_at + timedelta(hours=2))
    job_datings.choose(second, [MatchFactory(mutual=True, need=NeedFactory(organisation=guest))])
    there = next(invitation for invitation in invited if invitation.organisation is guest)

    assert invitations.expected_elsewhere(second) == [there]
    assert invitations.invitation_to(first, guest) is there
    assert invitations.invitation_to(second, guest) is None

    invitations.answer(there, Answer.DECLINED, channel=Channel.LINK)
    assert invitations.expected_elsewhere(second) == []
    invitations.answer(there, Answer.ACCEPTED, channel=Channel.LINK)
    job_datings.reschedule(second, starts_at=first.ends_at, ends_at=first.ends_at + timedelta(hours=3))
    assert invitations.expected_elsewhere(second) == []


def test_each_change_of_mind_leaves_a_trace_and_the_last_one_counts(session):
    _, (invitation, _) = published()

    given = [Answer.ACCEPTED, Answer.ACCEPTED, Answer.DECLINED, Answer.TENTATIVE, Answer.TENTATIVE]
    news = [invitations.answer(invitation, answer, channel=Channel.LINK) for answer in given]

    assert news == [True, False, True, True, False]
    assert invitation.answer is Answer.TENTATIVE
    session.expire(invitation)
    assert [one.answer for one in invitation.history] == [Answer.ACCEPTED, Answer.DECLINED, Answer.TENTATIVE]


def test_after_the_deadline_or_a_cancellation_no_answer_is_taken(session):
    job_dating, (invitation, other) = published()

    with time_machine.travel(invitation.answer_by + timedelta(seconds=1), tick=False), pytest.raises(NotAllowedNow):
        invitations.answer(invitation, Answer.ACCEPTED, channel=Channel.LINK)
    job_dating.status = JobDatingStatus.CANCELLED
    session.flush()
    with pytest.raises(NotAllowedNow):
        invitations.answer(other, Answer.ACCEPTED, channel=Channel.LINK)

    assert session.scalars(select(InvitationAnswer)).all() == []


def test_twenty_same_answers_at_once_leave_one_trace(whole_app):
    with committing(whole_app):
        _, (invitation, _) = published()
        invitation_id = invitation.id
        db.session.commit()
        together = threading.Barrier(5)

        def work() -> None:
            with whole_app.app_context():
                together.wait()
                for _ in range(4):
                    invitations.answer(db.session.get(Invitation, invitation_id), Answer.ACCEPTED, channel=Channel.LINK)
                    db.session.commit()

        threads = [threading.Thread(target=work) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(db.session.scalars(select(InvitationAnswer)).all()) == 1
