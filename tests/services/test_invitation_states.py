"""Whatever happens in whatever order, calendars end up right: a machine draws moves, answers, refusals, dead workers and retries."""

import email
from collections import Counter
from datetime import timedelta
from typing import Any

import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import Answer, Channel, Invitation, JobDatingStatus, MailStatus, OutboxMail
from matchmaker.models.base import now
from matchmaker.services import invitations, job_dating_moves, job_datings, outbox
from matchmaker.services.errors import NotAllowedNow
from tests.brief_stories import brief
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OrganisationFactory
from tests.itip import History
from tests.services.test_invitations import SETTINGS

WORKER = 7
# What a guest cannot be spared when nobody knows whether an earlier mail arrived.
AFTER_DOUBT = {"a cancellation of what was never asked", "a cancellation of other hours"}


class Guests(RuleBasedStateMachine):
    """One job dating with four pairs, its outbox, and the mails that arrived."""

    @initialize()
    def publish(self) -> None:
        self.savepoint = db.session.begin_nested()
        self.clock = time_machine.travel(now(), tick=False)
        self.time = self.clock.start()
        buyer = OrganisationFactory()
        self.matches = [MatchFactory(mutual=True, need=NeedFactory(organisation=buyer)) for _ in range(4)]
        start = now() + timedelta(days=60)
        self.job_dating = JobDatingFactory(starts_at=start, ends_at=start + timedelta(hours=3))
        job_datings.choose(self.job_dating, self.matches[:3])
        job_datings.publish(self.job_dating, settings=SETTINGS)
        self.arrived: list[bytes] = []
        self.doubtful: set[str] = set()
        self.problems: list[str] = []
        self.history = History()
        self.answers: dict[Any, Answer | None] = {}

    def teardown(self) -> None:
        if not hasattr(self, "savepoint"):
            return
        try:
            self.end_well()
        finally:
            self.clock.stop()
            self.savepoint.rollback()
            db.session.expire_all()

    # What people do

    def is_published(self) -> bool:
        return hasattr(self, "job_dating") and self.job_dating.status is JobDatingStatus.PUBLISHED

    def change(self, **changed: Any) -> None:
        job_dating_moves.move(self.job_dating, version=self.job_dating.version, settings=SETTINGS, **changed)

    @precondition(is_published)
    @rule(days=st.sampled_from([-1, 0, 1, 7]))
    def move(self, days: int) -> None:
        by = timedelta(days=days)
        self.change(starts_at=self.job_dating.starts_at + by, ends_at=self.job_dating.ends_at + by)

    @precondition(is_published)
    @rule(title=st.sampled_from(["Un titre", "Un autre"]))
    def say_otherwise(self, title: str) -> None:
        self.change(title=title)

    @precondition(is_published)
    @rule(chosen=st.sets(st.integers(0, 3), min_size=1))
    def change_guests(self, chosen: set[int]) -> None:
        """Those who are left may all have declined: then nobody would have a table, and nothing changes."""
        undo = db.session.begin_nested()
        try:
            self.change(matches=[self.matches[number] for number in sorted(chosen)])
        except NotAllowedNow:
            undo.rollback()
            told = select(Invitation).where(Invitation.job_dating_id == self.job_dating.id, Invitation.answer == Answer.DECLINED)
            said_no = {guest.organisation_id for guest in db.session.scalars(told)}
            assert all({self.matches[number].need.organisation_id, self.matches[number].offer.organisation_id} & said_no for number in chosen)

    @precondition(is_published)
    @rule()
    def cancel(self) -> None:
        job_datings.cancel(self.job_dating, settings=SETTINGS)

    @precondition(is_published)
    @rule(place=st.integers(0, 4), answer=st.sampled_from(Answer))
    def say(self, place: int, answer: Answer) -> None:
        expected = [one for one in self.invitations() if not one.is_over]
        invitation = expected[place % len(expected)]
        invitations.answer(invitation, answer, channel=Channel.LINK)
        self.answers[invitation.id] = answer

    # What becomes of mails

    def take(self) -> outbox.Claimed | None:
        claimed = outbox.claim_one(worker=WORKER, now=now())
        if claimed is not None:
            self.doubtful.add(thread(claimed.idempotency_key))
        return claimed

    def deliver(self, claimed: outbox.Claimed) -> None:
        self.arrived.append(claimed.message)
        found = self.history.take(claimed.message)
        self.problems += [problem for problem in found if problem not in AFTER_DOUBT or thread(claimed.idempotency_key) not in self.doubtful]

    @rule(count=st.integers(1, 5))
    def send(self, count: int) -> None:
        for _ in range(count):
            was_doubtful = set(self.doubtful)
            if claimed := self.take():
                self.doubtful = was_doubtful
                self.deliver(claimed)
                assert outbox.record(claimed, mail.Sent(250, "ok"), worker=WORKER, now=now())

    @rule(outcome=st.sampled_from([mail.Temporary(451, "later"), mail.Unreachable(421, "away"), mail.Permanent(550, "no")]))
    def be_refused(self, outcome: mail.Outcome) -> None:
        if claimed := self.take():
            outbox.record(claimed, outcome, worker=WORKER, now=now())

    @rule(has_arrived=st.booleans())
    def be_cut(self, has_arrived: bool) -> None:
        if claimed := self.take():
            if has_arrived:
                self.deliver(claimed)
            outbox.record(claimed, mail.Temporary(None, "cut", is_ambiguous=True), worker=WORKER, now=now())

    @rule(has_arrived=st.booleans())
    def die(self, has_arrived: bool) -> None:
        if (claimed := self.take()) and has_arrived:
            self.deliver(claimed)

    @rule()
    def reclaim(self) -> None:
        outbox.reclaim_dead(now=now())

    @rule(minutes=st.sampled_from([1, 5, 11, 60]))
    def wait(self, minutes: int) -> None:
        self.time.shift(timedelta(minutes=minutes))

    # What always holds

    def invitations(self) -> list[Invitation]:
        return invitations.invitations_of(self.job_dating)

    def mails(self, *statuses: MailStatus) -> list[OutboxMail]:
        query = select(OutboxMail).where(OutboxMail.status.in_(statuses)).order_by(OutboxMail.id).execution_options(populate_existing=True)
        return list(db.session.scalars(query))

    @invariant()
    def no_calendar_was_confused(self) -> None:
        if hasattr(self, "problems"):
            assert self.problems == []

    @invariant()
    def one_mail_at_most_waits_for_each_guest(self) -> None:
        if hasattr(self, "job_dating"):
            waiting = Counter(thread(row.idempotency_key) for row in self.mails(MailStatus.QUEUED))
            assert all(count == 1 for count in waiting.values()), waiting

    @invariant()
    def nobody_is_asked_to_come_who_is_not_expected(self) -> None:
        if hasattr(self, "job_dating"):
            is_off = self.job_dating.status is JobDatingStatus.CANCELLED
            gone = {str(one.id) for one in self.invitations() if is_off or one.withdrawn_at}
            assert not [row for row in self.mails(MailStatus.QUEUED) if ":request:" in row.idempotency_key and thread(row.idempotency_key) in gone]

    @invariant()
    def a_second_copy_is_flagged(self) -> None:
        if hasattr(self, "arrived"):
            copies = Counter(email.message_from_bytes(raw)["Message-ID"] for raw in self.arrived)
            flagged = {row.message_id for row in self.mails(*MailStatus) if row.is_maybe_twice}
            assert {message_id for message_id, count in copies.items() if count > 1} <= flagged

    @invariant()
    def an_answer_stays_until_another_is_given(self) -> None:
        if hasattr(self, "answers"):
            assert {one.id: one.answer for one in self.invitations() if one.answer} == self.answers

    def end_well(self) -> None:
        """Once everything could be sent, each calendar shows what holds; who could not be written to is known."""
        for _ in range(40):
            outbox.reclaim_dead(now=now())
            self.send(20)
            if not self.mails(MailStatus.QUEUED, MailStatus.SENDING):
                break
            self.time.shift(timedelta(hours=6))
        assert self.mails(MailStatus.QUEUED, MailStatus.SENDING) == []
        assert self.problems == []
        failed = {thread(row.idempotency_key) for row in self.mails(MailStatus.FAILED)}
        for invitation in self.invitations():
            known = self.history.entries.get(invitation.uid, [])
            is_expected = self.job_dating.status is JobDatingStatus.PUBLISHED and invitation.withdrawn_at is None
            if str(invitation.id) in failed:
                continue
            if is_expected:
                assert (known[-1].method, known[-1].starts) == ("REQUEST", f"{self.job_dating.starts_at:%Y%m%dT%H%M%SZ}")
            else:
                assert not known or known[-1].method == "CANCEL"


def thread(key: str) -> str:
    return key.partition(":")[0]


def test_calendars_end_up_right(session):
    run_state_machine_as_test(Guests, settings=brief(stories=8, steps=25))
