"""The audit log: nothing of it is changed or removed within twelve months, whoever asks."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import AuditAction, AuditEntry
from matchmaker.models.base import now, today
from matchmaker.services import audit
from tests.factories import UserFactory, departement


def aged(days: int) -> AuditEntry:
    entry = audit.record(AuditAction.SIGNED_IN)
    db.session.execute(text("SET LOCAL session_replication_role = 'replica'"))
    entry.at = now() - timedelta(days=days)
    db.session.flush()
    db.session.execute(text("SET LOCAL session_replication_role = 'origin'"))
    return entry


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET action = 'signed_out'",
        "UPDATE audit_entry SET actor_id = NULL",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "SET LOCAL croisee.erasing = 'on'; DELETE FROM audit_entry",
        "SET LOCAL croisee.erasing = 'on'; UPDATE audit_entry SET changes = '{}'",
        "SET LOCAL croisee.erasing = 'on'; TRUNCATE audit_entry",
    ],
)
def test_no_line_is_changed_or_removed(session: Session, statement: str) -> None:
    audit.record(AuditAction.SIGNED_IN, by=UserFactory())

    for part in statement.split("; ")[:-1]:
        session.execute(text(part))
    with pytest.raises(IntegrityError, match="only added to"), session.begin_nested():
        session.execute(text(statement.split("; ")[-1]))

    assert session.scalars(select(AuditEntry.action)).all() == [AuditAction.SIGNED_IN]


def test_lines_older_than_twelve_months_are_forgotten_and_no_others(session: Session) -> None:
    kept, _gone = aged(364), aged(368)

    assert audit.forget(at=now()) == 1

    assert session.scalars(select(AuditEntry.id)).all() == [kept.id]
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(text("DELETE FROM audit_entry"))


def test_a_clock_that_is_wrong_removes_nothing_that_is_young(session: Session) -> None:
    audit.record(AuditAction.SIGNED_IN)

    with pytest.raises(IntegrityError, match="only added to"), session.begin_nested():
        audit.forget(at=now() + timedelta(days=4000))


def test_a_line_says_who_what_and_from_which_network(session: Session) -> None:
    admin, member = UserFactory(admin=True), UserFactory()
    before = audit.rights_of(member)
    member.role, member.organisation, member.territories = "animator", None, [departement()]

    audit.record(
        AuditAction.RIGHTS_CHANGED, by=admin, about=member, changes=audit.compared(before, audit.rights_of(member)), trace=audit.Trace("abc", "203.0.113.77")
    )

    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.actor_id, entry.role, entry.object_kind, entry.object_id) == (admin.id, "admin", "user_account", str(member.id))
    assert entry.changes == {
        "role": ["member", "animator"],
        "organisation": [before["organisation"], None],
        "standing": [before["standing"], None],
        "territories": [[], ["departement-61"]],
    }
    assert (entry.request_id, entry.address) == ("abc", "203.0.113.0/24")


def test_lines_are_found_by_period_person_and_act_in_as_many_queries_whatever_their_number(session: Session, queries: list[str]) -> None:
    camille = UserFactory(name="Camille Léger")
    aged(40)
    for _time in range(3):
        audit.record(AuditAction.SIGNED_IN, by=camille)
    audit.record(AuditAction.RUN_PUBLISHED, by=UserFactory())

    def count(**filters: object) -> int:
        return audit.search(audit.Filters(**filters)).total

    assert count() == 5
    assert count(since=today()) == 4
    assert count(until=today() - timedelta(days=10)) == 1
    assert count(who="leger camille") == count(who=camille.email) == 3
    assert count(who="%") == 5
    assert count(action=AuditAction.RUN_PUBLISHED) == 1
    queries.clear()
    found = audit.search(audit.Filters(who="camille")).items
    assert len(audit.names_of(found)) == 0
    assert len(queries) <= 2
