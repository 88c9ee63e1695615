"""Twenty people who join, leave or inscribe one structure at the same moment: first with the lock off, then on, on a database that commits."""

import time
from collections.abc import Callable, Iterator
from threading import Barrier
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from matchmaker.extensions import db
from matchmaker.models import JoinRequest, MemberInvitation, Organisation, SignUp, Standing, User
from matchmaker.models.base import now
from matchmaker.services import joining, memberships, sign_up
from matchmaker.services.errors import EmailTaken, LastAdministrator, NotAllowedNow
from matchmaker.services.outbox import MailSettings
from tests.conftest import new_database, redis_url
from tests.factories import OrganisationFactory, UserFactory
from tests.test_bookings_together import TIMES, at_once
from tests.test_faults import running

SETTINGS = MailSettings("bonjour@croisee.test", "http://croisee.test", "only for tests")
SIRET = "73282932000074"


@pytest.fixture
def site(worker_id: str) -> Iterator[Flask]:
    with running(new_database(f"croisee_members_{worker_id}"), redis_url()) as app:
        yield app


@pytest.fixture
def structure(site: Flask) -> UUID:
    organisation = OrganisationFactory(name="Picorée")
    db.session.commit()
    found: UUID = organisation.id
    return found


def administrators(structure: UUID) -> int:
    db.session.rollback()
    query = select(func.count()).select_from(User).where(User.organisation_id == structure, User.is_active, User.standing == Standing.ADMINISTRATOR)
    return db.session.scalar(query) or 0


def leaving(structure: UUID) -> Callable[[int], str]:
    """Twenty administrators, each of whom leaves."""
    organisation = db.session.get_one(Organisation, structure)
    ids = [UserFactory(organisation=organisation).id for _time in range(TIMES)]
    db.session.commit()

    def one(number: int) -> str:
        try:
            memberships.leave(db.session.get_one(User, ids[number]))
            db.session.commit()
        except LastAdministrator:
            return "refused"
        except IntegrityError as error:
            return "stopped by the database" if "last administrator" in str(error) else "something else"
        return "left"

    return one


def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the others, and those of one moment have looked whether somebody stays before one of them is written down as gone."""
    end_all = memberships.sessions.end_all

    def end_all_later(user: User) -> None:
        time.sleep(0.5)
        end_all(user)

    monkeypatch.setattr(memberships, "lock", lambda organisation: None)
    monkeypatch.setattr(memberships.sessions, "end_all", end_all_later)


def test_of_twenty_administrators_who_leave_at_once_one_stays(site: Flask, structure: UUID) -> None:
    assert at_once(site, leaving(structure)) == {"left": TIMES - 1, "refused": 1}
    assert administrators(structure) == 1


def test_without_the_lock_the_trigger_keeps_the_last_one(site: Flask, structure: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_lock(monkeypatch)

    answers = at_once(site, leaving(structure))

    assert answers["stopped by the database"] > 0
    assert answers["something else"] == 0
    assert administrators(structure) >= 1


def test_without_the_lock_and_the_trigger_nobody_would_be_left(site: Flask, structure: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_lock(monkeypatch)
    act = leaving(structure)
    db.session.execute(text("ALTER TABLE user_account DISABLE TRIGGER keep_an_administrator"))
    db.session.commit()

    at_once(site, act)

    left = administrators(structure)
    db.session.execute(text("ALTER TABLE user_account ENABLE TRIGGER keep_an_administrator"))
    db.session.commit()
    assert left == 0, "the race is real: this is what the lock and the trigger are for"


def test_of_twenty_who_join_at_once_all_are_in_and_one_administers(site: Flask, structure: UUID) -> None:
    organisation = db.session.get_one(Organisation, structure)
    ids = [
        joining.invite(organisation, email=f"personne{number}@picoree.test", name="", standing=Standing.EDITOR, by=None, settings=SETTINGS).id
        for number in range(TIMES)
    ]
    db.session.commit()

    def one(number: int) -> str:
        joining.take(db.session.get_one(MemberInvitation, ids[number]), name="Lou", password="une phrase assez longue")
        db.session.commit()
        return "in"

    assert at_once(site, one) == {"in": TIMES}
    assert administrators(structure) == 1


def test_without_the_lock_several_who_join_at_once_would_administer(site: Flask, structure: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each invitation is to read only; whoever finds nobody there administers."""
    organisation = db.session.get_one(Organisation, structure)
    ids = [
        joining.invite(organisation, email=f"personne{number}@picoree.test", name="", standing=Standing.READER, by=None, settings=SETTINGS).id
        for number in range(TIMES)
    ]
    db.session.commit()
    monkeypatch.setattr(memberships, "lock", lambda organisation: None)

    def one(number: int) -> str:
        joining.take(db.session.get_one(MemberInvitation, ids[number]), name="Lou", password="une phrase assez longue")
        db.session.commit()
        return "in"

    assert at_once(site, one) == {"in": TIMES}
    assert administrators(structure) > 1, "the race is real: this is what the lock is for"


def taking(structure: UUID) -> Callable[[int], str]:
    """One invitation, which twenty take."""
    organisation = db.session.get_one(Organisation, structure)
    invited = joining.invite(organisation, email="lou@picoree.test", name="", standing=Standing.EDITOR, by=None, settings=SETTINGS).id
    db.session.commit()

    def one(_number: int) -> str:
        try:
            joining.take(db.session.get_one(MemberInvitation, invited), name="Lou", password="une phrase assez longue")
            db.session.commit()
        except NotAllowedNow:
            return "refused"
        except EmailTaken:
            return "stopped by the database"
        return "in"

    return one


def all_find_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """All twenty looked before the first wrote: the invitation is open, and its address has no account yet. Nobody waits for the others."""
    monkeypatch.setattr(joining, "spend", lambda invitation: invitation.ended_at is None)
    monkeypatch.setattr(joining, "account_of", lambda invitation: None)
    monkeypatch.setattr(memberships, "lock", lambda organisation: None)


def test_one_invitation_taken_twenty_times_at_once_opens_one_account(site: Flask, structure: UUID) -> None:
    assert at_once(site, taking(structure)) == {"in": 1, "refused": TIMES - 1}


def test_without_the_lock_the_index_opens_one_account_for_an_invitation(site: Flask, structure: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    all_find_it_open(monkeypatch)

    assert at_once(site, taking(structure)) == {"in": 1, "stopped by the database": TIMES - 1}


def test_without_the_lock_and_the_index_one_invitation_would_open_twenty_accounts(site: Flask, structure: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    all_find_it_open(monkeypatch)
    act = taking(structure)
    db.session.execute(text("DROP INDEX uq_user_account_email"))
    db.session.commit()

    assert at_once(site, act) == {"in": TIMES}, "the race is real: this is what the lock and the index are for"


def test_asked_twenty_times_at_once_it_is_one_request(site: Flask, structure: UUID) -> None:
    def one(_number: int) -> str:
        organisation = db.session.get_one(Organisation, structure)
        joining.ask(organisation, email="lou@picoree.test", name="Lou", message="", settings=SETTINGS)
        db.session.commit()
        return "asked"

    assert at_once(site, one) == {"asked": TIMES}
    assert db.session.scalar(select(func.count()).select_from(JoinRequest)) == 1


def asking_without_the_lock(structure: UUID) -> Callable[[int], str]:
    """Twenty equal requests of a program that looks whether there is one, and then adds it. All look before the first adds."""
    together = Barrier(TIMES)

    def one(_number: int) -> str:
        known = db.session.scalars(select(JoinRequest).where(JoinRequest.organisation_id == structure)).all()
        # Nobody holds a connection while waiting: there are fewer of them than people.
        db.session.rollback()
        together.wait(60)
        if known:
            return "known"
        db.session.add(JoinRequest(organisation_id=structure, email="lou@picoree.test", name="Lou", message="", created_at=now()))
        try:
            db.session.commit()
        except IntegrityError as error:
            return "stopped by the database" if "uq_join_request_open" in str(error) else "something else"
        return "asked"

    return one


def test_without_the_lock_the_index_keeps_one_request(site: Flask, structure: UUID) -> None:
    assert at_once(site, asking_without_the_lock(structure)) == {"asked": 1, "stopped by the database": TIMES - 1}


def test_without_the_lock_and_the_index_there_would_be_twenty_requests(site: Flask, structure: UUID) -> None:
    db.session.execute(text("DROP INDEX uq_join_request_open"))
    db.session.commit()

    assert at_once(site, asking_without_the_lock(structure)) == {"asked": TIMES}, "the race is real: this is what the index is for"


def inscribing() -> Callable[[int], str]:
    """Twenty people who each inscribe the same structure, and open their links at once."""
    told = {"name": "Picorée", "family": "association", "inclusion_kind": "", "esus_until": "", "commune_code": "61169", "rna": None}
    rows = [
        sign_up.begin(
            email=f"personne{number}@picoree.test",
            name="Lou",
            password="une phrase assez longue",
            structure={**told, "siret": SIRET, "monthly_budget": 6},
            settings=SETTINGS,
        ).id
        for number in range(TIMES)
    ]
    db.session.commit()

    def one(number: int) -> str:
        made = sign_up.finish(db.session.get_one(SignUp, rows[number]), settings=SETTINGS)
        db.session.commit()
        return "inscribed" if isinstance(made, User) else "asks to join"

    return one


def test_of_twenty_who_inscribe_one_siret_at_once_one_does_and_the_others_ask_to_join(site: Flask) -> None:
    assert at_once(site, inscribing()) == {"inscribed": 1, "asks to join": TIMES - 1}
    assert db.session.scalar(select(func.count()).select_from(Organisation)) == 1


def test_without_the_unique_index_the_siret_would_be_there_twice(site: Flask) -> None:
    act = inscribing()
    db.session.execute(text("DROP INDEX uq_organisation_siret"))
    db.session.commit()

    at_once(site, act)

    assert (db.session.scalar(select(func.count()).select_from(Organisation)) or 0) > 1
