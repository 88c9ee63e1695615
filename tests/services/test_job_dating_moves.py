"""Changing what is published: exactly one mail to each guest for whom something is new, and none to the others."""

import email
import email.policy
import re
from datetime import timedelta

import icalendar
import pytest
import time_machine
from sqlalchemy import select

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import Answer, Channel, Invitation, JobDatingStatus, MailStatus, OutboxMail, Side
from matchmaker.models.base import now
from matchmaker.services import invitations, job_dating_grid, job_dating_moves, job_datings, outbox
from matchmaker.services.errors import EditedMeanwhile, NoAccessibleTable, NotAllowedNow, RoundsDoNotFit, TooManyPeople, VenueTaken
from matchmaker.web import formats
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, venue
from tests.itip import History
from tests.services.test_invitations import SETTINGS, mails, parts, published, send_all
from tests.test_ics import check_lines

WEEK, HOUR = timedelta(days=7), timedelta(hours=1)


def move(job_dating, *, version=None, **changed):
    return job_dating_moves.move(job_dating, version=version or job_dating.version, settings=SETTINGS, **changed)


def to(job_dating, by: timedelta = WEEK) -> dict:
    return {"starts_at": job_dating.starts_at + by, "ends_at": job_dating.ends_at + by}


def sent(**fields):
    """A published job dating whose invitations have left, an hour ago."""
    with time_machine.travel(now() - HOUR, tick=False):
        job_dating, invited = published(**fields)
        send_all()
    return job_dating, invited


def queued() -> list[OutboxMail]:
    return mails(MailStatus.QUEUED)


def said(row: OutboxMail) -> dict[str, list[str]]:
    return check_lines(parts(row)["calendar"])


def words(row: OutboxMail) -> str:
    return " ".join(parts(row)["plain"].replace("\u00a0", " ").split())


def subject(row: OutboxMail) -> str:
    return row.subject.replace("\u00a0", " ")


def test_everybody_gets_one_update_with_the_next_sequence_and_the_same_uid(session):
    job_dating, invited = sent(matches=2)
    before = {row.recipient: said(row) for row in mails(MailStatus.SENT)}

    moved = move(job_dating, **to(job_dating))

    assert sorted(one.name for one in moved.told.updated) == sorted(invitation.organisation.name for invitation in invited)
    assert moved.differences == ["starts_at", "ends_at", "first_round_at"]
    assert [row.recipient for row in queued()] == [invitation.email for invitation in invited]
    for row in queued():
        now_said, then = said(row), before[row.recipient]
        assert (now_said["METHOD"], now_said["SEQUENCE"], then["SEQUENCE"]) == (["REQUEST"], ["1"], ["0"])
        assert all(now_said[name] == then[name] for name in ("UID", "ORGANIZER", "ATTENDEE"))
        assert now_said["DTSTAMP"] >= then["DTSTAMP"]
        assert now_said["DTSTART"] > then["DTSTART"]
        assert row.useless_after == job_dating.starts_at


def test_the_mail_says_what_changed_in_words(session):
    job_dating, _invited = sent()
    job_dating.meetings[0].match.offer.organisation.name = "Picorée"
    old = job_dating.starts_at

    move(job_dating, **to(job_dating))

    row = queued()[0]
    assert subject(row).startswith("Nouvelle date : job dating à Flers le")
    text, html = words(row), parts(row)["html"]
    assert "change de date" in text
    assert f"{old:%Y}" in text
    assert text.index("AVANT") < text.index("MAINTENANT")
    assert "<s>" in html


@pytest.mark.parametrize(
    ("changed", "start"), [({"by": HOUR}, "Nouvel horaire"), ({"venue": True}, "Nouveau lieu"), ({"title": "Autrement dit"}, "Du nouveau")]
)
def test_the_subject_names_the_change(session, changed, start):
    job_dating, _invited = sent()
    elsewhere = venue(at_caen(), tables=3)

    move(job_dating, **(to(job_dating, changed["by"]) if "by" in changed else {"venue": elsewhere} if "venue" in changed else changed))

    assert queued()[0].subject.startswith(start)


def at_caen():
    return OrganisationFactory(at="Caen (14)")


def test_words_alone_ask_nothing_again_and_say_that_the_answer_stays(session):
    job_dating, (invitation, _other) = sent()
    invitations.answer(invitation, Answer.ACCEPTED, channel=Channel.LINK)

    move(job_dating, title="Job dating du printemps")

    assert not invitation.asks_again
    assert "Votre réponse reste notée : oui, nous venons." in words(next(row for row in queued() if row.recipient == invitation.email))


def test_a_moved_date_keeps_the_answer_and_asks_again(session):
    job_dating, (invitation, _other) = sent()
    invitations.answer(invitation, Answer.ACCEPTED, channel=Channel.LINK)

    move(job_dating, **to(job_dating))

    assert (invitation.answer, invitation.asks_again) == (Answer.ACCEPTED, True)
    assert invitation.answer_by == invitations.deadline(job_dating, at=now())
    assert "Vous aviez répondu : oui, nous venons. Est-ce toujours d’accord ?" in words(next(row for row in queued() if row.recipient == invitation.email))
    assert invitations.answer(invitation, Answer.ACCEPTED, channel=Channel.LINK)
    assert not invitation.asks_again
    assert [one.answer for one in invitation.history] == [Answer.ACCEPTED] * 2


def test_moved_twice_before_the_first_left_only_the_last_state_leaves(session):
    job_dating, invited = sent()
    first = job_dating.starts_at

    move(job_dating, **to(job_dating))
    move(job_dating, **to(job_dating))

    assert len(queued()) == len(invited)
    assert all(said(row)["DTSTART"] == [f"{first + 2 * WEEK:%Y%m%dT%H%M%SZ}"] for row in queued())
    # What it says has changed is what the guest knows, not what was thought of in between.
    assert f"AVANT {first:%-d}" not in words(queued()[0])
    assert all(row.status is MailStatus.CANCELLED for row in mails() if said(row)["SEQUENCE"] == ["1"])


def test_changes_within_ten_minutes_wait_for_each_other(session):
    job_dating, invited = published()
    send_all()

    move(job_dating, **to(job_dating))

    assert all(row.not_before > now() + timedelta(minutes=9) for row in queued())
    assert outbox.claim_one(worker=1, now=now()) is None
    assert len(queued()) == len(invited)


def test_moved_before_the_invitation_left_it_is_one_plain_invitation(session):
    job_dating, invited = published()

    move(job_dating, **to(job_dating))

    assert len(queued()) == len(invited)
    assert all("vous venez" in row.subject for row in queued())
    assert [row.status for row in mails()].count(MailStatus.CANCELLED) == len(invited)


def test_moved_and_moved_back_tells_nobody(session):
    job_dating, _invited = sent()

    move(job_dating, **to(job_dating))
    moved = move(job_dating, **to(job_dating, -WEEK))

    assert queued() == []
    assert moved.told.updated == []
    # And away again: they are told then.
    move(job_dating, **to(job_dating))
    assert [said(row)["SEQUENCE"] for row in queued()] == [["2"]] * 2


def test_a_mail_that_is_being_sent_is_not_believed_to_have_arrived(session):
    job_dating, invited = published()
    under_way = outbox.claim_one(worker=1, now=now())

    move(job_dating, **to(job_dating))
    move(job_dating, **to(job_dating, -WEEK))
    outbox.record(under_way, mail.Temporary(451, "later"), worker=1, now=now())

    assert {row.recipient for row in queued()} == {invitation.email for invitation in invited}


def test_nothing_new_sends_nothing_and_is_no_version(session):
    job_dating, _invited = sent()

    moved = move(job_dating, title=job_dating.title)

    assert moved.is_nothing
    assert (queued(), job_dating.version) == ([], 2)


def three_pairs():
    """A published job dating with three pairs, and a fourth that is free. Returns it and the matches."""
    buyer = OrganisationFactory(name="Acheteuse")
    matches = [MatchFactory(mutual=True, need=NeedFactory(organisation=buyer), offer=OfferFactory(organisation__name=f"Atelier {n}")) for n in range(4)]
    with time_machine.travel(now() - HOUR, tick=False):
        job_dating = JobDatingFactory()
        job_datings.choose(job_dating, matches[:3])
        job_datings.publish(job_dating, settings=SETTINGS)
        send_all()
    return job_dating, matches


def test_who_is_removed_gets_one_cancellation_who_is_new_one_request_and_who_meets_the_same_nothing(session):
    job_dating, matches = three_pairs()

    moved = move(job_dating, matches=[matches[0], matches[1], matches[3]])

    by_name = {row.recipient: row for row in queued()}
    removed, new, buyer = (matches[2].offer.organisation, matches[3].offer.organisation, matches[0].need.organisation)
    assert set(by_name) == {removed.email, new.email, buyer.email}
    assert (said(by_name[removed.email])["METHOD"], said(by_name[removed.email])["SEQUENCE"]) == (["CANCEL"], ["1"])
    assert said(by_name[new.email])["METHOD"] == ["REQUEST"]
    assert said(by_name[new.email])["SEQUENCE"] == ["0"]
    assert "vos entretiens n’auront pas lieu" in by_name[removed.email].subject
    assert "Atelier 3 : Traiteur de saison, vaisselle réutilisable (nouveau)" in words(by_name[buyer.email])
    assert "Ne sera pas là : Atelier 2" in words(by_name[buyer.email])
    told = moved.told
    assert ([one.name for one in told.updated], told.invited, told.called_off) == (["Acheteuse"], [new], [removed])
    assert len(job_dating.meetings) == 3
    assert sorted(meeting.round for meeting in job_dating.meetings) == [0, 1, 2]


def test_a_change_of_hour_alone_is_one_update_of_the_same_entry_for_those_whom_it_concerns(session):
    job_dating, _matches = three_pairs()
    before = {row.recipient: said(row) for row in mails(MailStatus.SENT)}
    moved = next(meeting for meeting in job_dating.meetings if meeting.round == 2)
    was, table = formats.hour(job_dating.round_starts_at(2)).replace("\u00a0", " "), moved.table.number
    concerned = {moved.organisation_of(side).email for side in Side}

    job_dating_grid.place(job_dating, moved.id, 4, moved.table_id, version=job_dating.version)
    told = job_dating_moves.publish_changes(job_dating, settings=SETTINGS)

    assert {row.recipient for row in queued()} == {one.email for one in told.updated} == concerned
    becomes = formats.hour(job_dating.round_starts_at(4)).replace("\u00a0", " ")
    for row in queued():
        after, then = said(row), before[row.recipient]
        assert (after["SEQUENCE"], after["UID"], after["DTSTART"]) == (["1"], then["UID"], then["DTSTART"])
        assert f"{becomes}, table {table} · " in words(row)
        assert f"(au lieu de {was}, table {table})" in words(row)
        assert "Le jour, l’heure et le lieu restent les mêmes." in words(row)
        assert subject(row).startswith("Vos entretiens changent")
        assert becomes in " ".join(icalendar.Calendar.from_ical(parts(row)["calendar"]).events[0]["DESCRIPTION"].replace("\u00a0", " ").split())
    assert invitations.untold(job_dating) == []


def test_moved_by_hand_and_back_before_it_is_published_tells_nobody(session):
    job_dating, _matches = three_pairs()
    meeting = job_dating.meetings[0]
    seat = meeting.round, meeting.table_id

    for number, table in ((5, meeting.table_id), seat):
        job_dating_grid.place(job_dating, meeting.id, number, table, version=job_dating.version)
    told = job_dating_moves.publish_changes(job_dating, settings=SETTINGS)

    assert (queued(), told.updated) == ([], [])


def test_who_comes_later_begins_at_the_sequence_of_the_others(session):
    job_dating, matches = three_pairs()
    move(job_dating, **to(job_dating))

    move(job_dating, matches=matches)

    newcomer = next(row for row in queued() if row.recipient == matches[3].offer.organisation.email)
    assert said(newcomer)["SEQUENCE"] == ["1"]


def test_a_removed_guest_whose_invitation_never_left_hears_nothing(session):
    matches = [MatchFactory(mutual=True) for _ in range(2)]
    job_dating = JobDatingFactory()
    job_datings.choose(job_dating, matches)
    job_datings.publish(job_dating, settings=SETTINGS)

    move(job_dating, matches=matches[:1])

    assert {row.recipient for row in queued()} == {matches[0].need.organisation.email, matches[0].offer.organisation.email}
    assert all(said(row)["METHOD"] == ["REQUEST"] for row in queued())


def test_who_was_removed_and_comes_back_is_invited_anew_and_asked_again_by_the_same_entry(session):
    job_dating, matches = three_pairs()
    guest = matches[2].offer.organisation
    invitation = invitations.invitation_to(job_dating, guest)
    move(job_dating, matches=matches[:2])
    assert invitations.invitation_to(job_dating, guest) is None
    assert invitation.is_over
    later(send_all)

    moved = move(job_dating, matches=matches[:3])

    assert moved.told.invited == [guest]
    assert not invitation.is_over
    history = [said(row) for row in mails() if row.recipient == guest.email]
    assert [(one["METHOD"][0], one["SEQUENCE"][0]) for one in history] == [("REQUEST", "0"), ("CANCEL", "1"), ("REQUEST", "2")]
    assert len({one["UID"][0] for one in history}) == 1


def later(act) -> None:
    """When everything that waits is due."""
    with time_machine.travel(now() + timedelta(minutes=11), tick=False):
        act()


def test_cancelled_after_a_move_that_did_not_leave_the_cancellation_speaks_of_what_they_know(session):
    job_dating, invited = sent()
    known = job_dating.starts_at
    move(job_dating, **to(job_dating))

    job_datings.cancel(job_dating, settings=SETTINGS)

    assert len(queued()) == len(invited)
    assert all((said(row)["METHOD"], said(row)["DTSTART"]) == (["CANCEL"], [f"{known:%Y%m%dT%H%M%SZ}"]) for row in queued())


def test_removed_then_cancelled_is_one_cancellation(session):
    job_dating, matches = three_pairs()
    removed = matches[2].offer.organisation
    move(job_dating, matches=matches[:2])
    later(send_all)

    job_datings.cancel(job_dating, settings=SETTINGS)

    assert len([row for row in mails() if row.recipient == removed.email and said(row)["METHOD"] == ["CANCEL"]]) == 1


def test_another_venue_plans_the_tables_anew_and_asks_again(session):
    job_dating, (invitation, *_others) = sent(matches=3)
    invitations.answer(invitation, Answer.ACCEPTED, channel=Channel.LINK)
    elsewhere = venue(OrganisationFactory(), tables=1)
    elsewhere.name = "La Filature"

    moved = move(job_dating, venue=elsewhere)

    assert {meeting.table.venue_id for meeting in job_dating.meetings} == {elsewhere.id}
    assert moved.after.venue == "La Filature, Flers"
    assert invitation.asks_again
    assert "La Filature" in words(queued()[0])


def test_what_stands_in_the_way_stands_there_as_at_publication(session):
    job_dating, _invited = sent(matches=2)
    other, _ = published(venue=job_dating.venue, starts_at=job_dating.starts_at + WEEK, ends_at=job_dating.ends_at + WEEK)
    full, steep = venue(OrganisationFactory(), headcount=4), venue(OrganisationFactory(), accessible=0)
    db.session.commit()

    def refused(error, **changed):
        with pytest.raises(error):
            move(job_dating, **changed)
        db.session.rollback()

    refused(VenueTaken, **to(job_dating))
    refused(RoundsDoNotFit, ends_at=job_dating.starts_at + timedelta(minutes=40))
    refused(TooManyPeople, venue=full)
    job_dating.participants[0].needs_accessible = True
    db.session.commit()
    refused(NoAccessibleTable, venue=steep)
    assert len(queued()) == len(job_datings.answers(other))


def test_two_editors_the_second_is_told(session):
    job_dating, _invited = sent()
    seen = job_dating.version
    move(job_dating, version=seen, title="Le mien")

    with pytest.raises(EditedMeanwhile):
        move(job_dating, version=seen, title="Le tien")


def test_neither_a_draft_nor_one_that_has_begun_nor_a_cancelled_one_is_moved(session):
    job_dating, _invited = sent()
    with time_machine.travel(job_dating.starts_at, tick=False), pytest.raises(NotAllowedNow):
        move(job_dating, title="Trop tard")
    with pytest.raises(NotAllowedNow):
        move(job_dating, starts_at=now() - HOUR)
    session.refresh(job_dating)
    with pytest.raises(NotAllowedNow):
        move(JobDatingFactory(), title="Brouillon")
    job_dating.status = JobDatingStatus.CANCELLED
    session.flush()
    with pytest.raises(NotAllowedNow):
        move(job_dating, title="Annulé")


def test_who_has_no_address_is_to_be_called(session):
    job_dating, invited = sent()
    nobody = invited[0]
    nobody.email = nobody.organisation.email = ""

    # As if it never had one.
    for row in mails():
        if str(nobody.id) in row.idempotency_key:
            db.session.delete(row)
    moved = move(job_dating, **to(job_dating))

    assert moved.told.unreachable == [nobody.organisation]
    assert len(queued()) == 1


def test_an_address_that_was_corrected_is_written_to_as_long_as_nothing_left(session):
    job_dating, invited = published()
    invited[0].organisation.email = "bonne@adresse.test"

    move(job_dating, **to(job_dating))

    assert "bonne@adresse.test" in {row.recipient for row in queued()}


def test_organiser_and_uid_outlive_the_settings(session):
    job_dating, _invited = sent()
    other = outbox.MailSettings(sender="nouveau@ailleurs.test", public_url="https://ailleurs.test", secret="secret")

    job_dating_moves.move(job_dating, version=job_dating.version, settings=other, **to(job_dating))

    row = queued()[0]
    assert said(row)["ORGANIZER"] == ["mailto:bonjour@croisee.test"]
    assert said(row)["UID"][0].endswith("@croisee.test")
    assert email.message_from_bytes(row.message, policy=email.policy.default)["From"].addresses[0].addr_spec == "bonjour@croisee.test"


def test_a_clock_that_goes_back_takes_no_stamp_with_it(session):
    job_dating, _invited = published()
    send_all()
    stamps = {row.recipient: said(row)["DTSTAMP"] for row in mails()}

    with time_machine.travel(now() - HOUR, tick=False):
        move(job_dating, **to(job_dating))

    assert all(said(row)["DTSTAMP"] >= stamps[row.recipient] for row in queued())


def test_a_long_story_with_hostile_names_has_no_fault(session):
    evil = 'Évil", Ltd; \\ ^n fin\r\nATTENDEE:mailto:eve@evil.test\u202e🎉' + "é" * 5000
    job_dating, matches = three_pairs()
    history = History()
    job_dating.venue.name = job_dating.venue.address = job_dating.title = evil
    for match in matches:
        match.offer.organisation.name = match.offer.title = evil
    session.flush()
    acts = [
        lambda: move(job_dating, **to(job_dating)),
        lambda: move(job_dating, matches=matches[1:]),
        lambda: move(job_dating, title=evil[::-1], **to(job_dating, HOUR)),
        lambda: move(job_dating, matches=matches),
        lambda: job_datings.cancel(job_dating, settings=SETTINGS),
    ]

    for act in acts:
        act()
        later(send_all)
    problems = [problem for row in mails(MailStatus.SENT) for problem in history.take(row.message)]

    assert problems == []
    assert {arrived[-1].method for arrived in history.entries.values()} == {"CANCEL"}
    assert len(history.entries) == session.query(Invitation).count() == 5


def test_an_answer_that_was_not_confirmed_is_asked_for_again_by_the_next_mail_too(session):
    job_dating, (invitation, _other) = sent()
    invitations.answer(invitation, Answer.ACCEPTED, channel=Channel.LINK)
    move(job_dating, **to(job_dating))
    later(send_all)

    move(job_dating, title="D’autres mots")

    assert "Est-ce toujours d’accord ?" in words(next(row for row in queued() if row.recipient == invitation.email))


def test_every_mail_of_the_story_can_be_read_by_anybody_and_tells_nobody_that_it_was(session):
    job_dating, matches = three_pairs()
    move(job_dating, venue=venue(at_caen()), **to(job_dating))
    later(send_all)
    move(job_dating, matches=matches[1:])
    later(send_all)
    job_datings.cancel(job_dating, settings=SETTINGS)

    assert {row.kind for row in mails()} == {"invitation", "invitation_moved", "invitation_withdrawn", "invitation_cancelled"}
    for row in mails():
        message = email.message_from_bytes(row.message, policy=email.policy.default)
        plain, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
        assert '<html lang="fr">' in html
        assert 'name="viewport"' in html
        assert not [tag for tag in ("<img", "<script", "background:url", "<link", "src=") if tag in html]
        assert {address.split("/")[2] for address in re.findall(r'https?://[^"\s<]+', html + plain)} == {"croisee.test"}
        assert message["Reply-To"].addresses[0].addr_spec
        assert row.subject.strip() == row.subject != ""
        assert len(plain) > 300
        assert all(fact in " ".join(plain.split()) for fact in ("Bonjour,", "À bientôt,", "Vous recevez ce courriel parce que"))


def test_moving_asks_the_database_no_more_for_words_when_many_meet(session, queries):
    job_dating, _invited = sent(matches=2)
    queries.clear()
    move(job_dating, **to(job_dating))
    few = len(queries)
    job_dating, _invited = sent(matches=4, venue=venue(OrganisationFactory()))
    queries.clear()
    move(job_dating, **to(job_dating))

    # Each guest's mail is a row of its own: what grows is what is written for each of the two guests more.
    assert len(queries) - few <= 2 * 12
    assert db.session.scalars(select(OutboxMail.kind).where(OutboxMail.status == MailStatus.QUEUED).distinct()).all() == ["invitation_moved"]
