"""One venue and one answer, wanted by twenty at the same moment, on a database that really commits."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from matchmaker.extensions import db
from matchmaker.models import Answer, Channel, Invitation, InvitationAnswer, JobDating, JobDatingStatus
from matchmaker.services import invitations, job_datings, venues
from matchmaker.services.errors import VenueTaken
from matchmaker.services.outbox import MailSettings
from tests.conftest import new_database, redis_url
from tests.factories import JobDatingFactory, MatchFactory
from tests.test_faults import running

SETTINGS = MailSettings("bonjour@croisee.test", "http://croisee.test", "only for tests")
TIMES = 20


@pytest.fixture
def site(worker_id: str) -> Iterator[Flask]:
    with running(new_database(f"croisee_bookings_{worker_id}"), redis_url()) as app:
        yield app


def at_once(app: Flask, act: Callable[[int], str]) -> Counter[str]:
    """What twenty threads answer that all begin in the same moment."""
    barrier = Barrier(TIMES)

    def one(number: int) -> str:
        with app.app_context():
            barrier.wait()
            try:
                return act(number)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(TIMES) as pool:
        return Counter(pool.map(one, range(TIMES)))


def drafts() -> list[object]:
    """Twenty job datings at one venue, at the same hours, each ready to be published."""
    first = JobDatingFactory()
    rows = [first, *(JobDatingFactory(venue=first.venue) for _time in range(TIMES - 1))]
    for row in rows:
        job_datings.choose(row, [MatchFactory(mutual=True)])
    ids = [row.id for row in rows]
    db.session.commit()
    return ids


def publish(ids: list[object]) -> Callable[[int], str]:
    def one(number: int) -> str:
        try:
            job_datings.publish(db.session.get_one(JobDating, ids[number]), settings=SETTINGS)
            db.session.commit()
        except VenueTaken:
            return "refused"
        except IntegrityError:
            return "stopped by the database"
        return "published"

    return one


def published() -> int:
    return db.session.scalar(select(func.count()).select_from(JobDating).where(JobDating.status == JobDatingStatus.PUBLISHED)) or 0


def test_of_twenty_that_want_one_venue_one_has_it(site: Flask) -> None:
    assert at_once(site, publish(drafts())) == {"published": 1, "refused": TIMES - 1}
    assert published() == 1


def test_without_the_lock_only_the_constraint_of_the_database_stops_the_others(site: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venues, "lock", lambda venue: None)

    answers = at_once(site, publish(drafts()))

    assert answers["stopped by the database"] > 0
    assert published() == 1


def test_of_fifty_changes_of_mind_the_last_one_counts_and_all_are_kept(site: Flask) -> None:
    job_dating = JobDatingFactory()
    job_datings.choose(job_dating, [MatchFactory(mutual=True)])
    invitation = job_datings.publish(job_dating, settings=SETTINGS)[0]
    db.session.commit()

    for number in range(50):
        invitations.answer(invitation, (Answer.ACCEPTED, Answer.DECLINED)[number % 2], channel=Channel.LINK)
        db.session.commit()

    assert db.session.scalar(select(Invitation.answer).where(Invitation.id == invitation.id)) is Answer.DECLINED
    kept = db.session.scalars(
        select(InvitationAnswer.answer).where(InvitationAnswer.invitation_id == invitation.id).order_by(InvitationAnswer.created_at)
    ).all()
    assert kept == [Answer.ACCEPTED, Answer.DECLINED] * 25
