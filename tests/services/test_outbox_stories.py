"""Any story of moves, cancellations, deaths and retries: what a guest's letter box holds in the end makes one calendar entry."""

from collections import defaultdict
from datetime import timedelta

import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete, select

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import MailStatus, OutboxMail
from matchmaker.models.base import now
from matchmaker.services import outbox, outbox_sending
from tests.brief_stories import brief
from tests.services.test_outbox import put

GUESTS, WORKERS = ("anne", "basile"), (1, 2)
OPEN = (MailStatus.QUEUED, MailStatus.SENDING)
LATER, AWAY = mail.Temporary(451, "later"), mail.Unreachable(421, "busy")


class Story(RuleBasedStateMachine):
    """Guests of one job dating, two workers, a clock of our own. ``boxes`` is what arrived, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel("2027-01-04T09:00:00+00:00", tick=False)
        self.time = self.clock.start()
        db.session.execute(delete(OutboxMail))
        self.sequence = dict.fromkeys(GUESTS, 0)
        self.is_cancelled = dict.fromkeys(GUESTS, False)
        self.boxes: dict[str, list[str]] = defaultdict(list)
        self.hands: dict[int, outbox.Claimed] = {}
        for guest in GUESTS:
            put(f"{guest}:request:0")

    def teardown(self) -> None:
        self.everything_leaves()
        self.clock.stop()

    @rule(guest=st.sampled_from(GUESTS))
    def move(self, guest: str) -> None:
        if not self.is_cancelled[guest]:
            self.sequence[guest] += 1
            put(f"{guest}:request:{self.sequence[guest]}", coalesce=outbox.COALESCE)

    @rule(guest=st.sampled_from(GUESTS))
    def queue_the_same_again(self, guest: str) -> None:
        if not self.is_cancelled[guest]:
            assert not put(f"{guest}:request:{self.sequence[guest]}", coalesce=outbox.COALESCE)

    @rule(guest=st.sampled_from(GUESTS))
    def cancel(self, guest: str) -> None:
        if self.is_cancelled[guest]:
            return
        self.is_cancelled[guest] = True
        self.sequence[guest] += 1
        outbox.withdraw(guest)
        if outbox.may_have_left(guest):
            put(f"{guest}:cancel:{self.sequence[guest]}", coalesce=outbox.COALESCE)

    @rule(worker=st.sampled_from(WORKERS))
    def claim(self, worker: int) -> None:
        if worker not in self.hands and (claimed := outbox.claim_one(worker=worker, now=now())) is not None:
            self.hands[worker] = claimed

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), outcome=st.sampled_from([mail.Sent(250, "ok"), mail.Sent(250, "ok"), LATER, AWAY, "arrived", "broken"]))
    def finish(self, data: st.DataObject, outcome: mail.Outcome | str) -> None:
        worker = data.draw(st.sampled_from(sorted(self.hands)))
        claimed = self.hands.pop(worker)
        if isinstance(outcome, mail.Sent) or outcome == "arrived":
            self.boxes[claimed.thread].append(claimed.idempotency_key)
        if isinstance(outcome, str):
            outcome = mail.Temporary(None, "the line broke", is_ambiguous=True)
        assert outbox.record(claimed, outcome, worker=worker, now=now())

    @precondition(lambda self: self.hands)
    @rule(data=st.data())
    def power_cut(self, data: st.DataObject) -> None:
        """All workers die; each mail in their hands had arrived, or not."""
        for claimed in self.hands.values():
            if data.draw(st.booleans()):
                self.boxes[claimed.thread].append(claimed.idempotency_key)
        dead, self.hands = self.hands, {}
        assert outbox.reclaim_dead(now=now()) == len(dead)
        for worker, claimed in dead.items():
            assert not outbox.record(claimed, mail.Sent(250, "ok"), worker=worker, now=now())

    @rule(seconds=st.sampled_from([1, 40, 700]))
    def time_passes(self, seconds: int) -> None:
        self.time.shift(timedelta(seconds=seconds))

    @invariant()
    def the_sequence_never_goes_back(self) -> None:
        for box in self.boxes.values():
            numbers = [int(key.rpartition(":")[2]) for key in box]
            assert numbers == sorted(numbers)

    @invariant()
    def nothing_follows_a_cancellation(self) -> None:
        for box in self.boxes.values():
            first = next((place for place, key in enumerate(box) if ":cancel:" in key), len(box))
            assert all(":cancel:" in key for key in box[first:])

    @invariant()
    def what_came_twice_is_flagged(self) -> None:
        flagged = set(db.session.scalars(select(OutboxMail.idempotency_key).where(OutboxMail.is_maybe_twice)))
        assert {key for box in self.boxes.values() for key in box if box.count(key) > 1} <= flagged

    @invariant()
    def one_mail_of_a_guest_is_under_way(self) -> None:
        threads = list(db.session.scalars(select(OutboxMail.thread).where(OutboxMail.status == MailStatus.SENDING)))
        assert len(threads) == len(set(threads))

    def everything_leaves(self) -> None:
        """At last nothing goes wrong any more: each box ends with how things stand."""
        self.hands.clear()
        outbox.reclaim_dead(now=now())
        for _ in range(200):
            self.time.shift(timedelta(hours=1))
            outbox_sending.supersede_overtaken()
            if (claimed := outbox.claim_one(worker=1, now=now())) is not None:
                self.boxes[claimed.thread].append(claimed.idempotency_key)
                outbox.record(claimed, mail.Sent(250, "ok"), worker=1, now=now())
            elif db.session.scalar(select(OutboxMail.id).where(OutboxMail.status.in_(OPEN)).limit(1)) is None:
                break
        self.the_sequence_never_goes_back()
        self.nothing_follows_a_cancellation()
        self.what_came_twice_is_flagged()
        assert db.session.scalars(select(OutboxMail.status).where(OutboxMail.status.in_(OPEN))).all() == []
        for guest in GUESTS:
            last = self.boxes[guest][-1] if self.boxes[guest] else None
            if not self.is_cancelled[guest]:
                assert last == f"{guest}:request:{self.sequence[guest]}"
            elif last is not None:
                assert last == f"{guest}:cancel:{self.sequence[guest]}"


def test_any_story_ends_well(app):
    run_state_machine_as_test(Story, settings=brief(stories=25, steps=30))
