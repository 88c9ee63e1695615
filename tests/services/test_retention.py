"""What is not kept any longer, with the clock moved: each thing stays to its last day, and is gone on the next."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import (
    AccountToken,
    AuditEntry,
    ContactView,
    DataExport,
    ErasureRequest,
    Invitation,
    InvitationAnswer,
    InvitationNotice,
    MailStatus,
    Message,
    Organisation,
    OutboxMail,
    PresenceAct,
    Proposal,
    SpentLink,
    TokenPurpose,
    User,
    UserSession,
)
from matchmaker.models.base import now
from matchmaker.services import (
    account_tokens,
    audit,
    contact_log,
    conversations,
    invitations,
    job_datings,
    mail_resending,
    personal_data_erasing,
    personal_data_export,
    retention,
    sessions,
)
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web.settings import mail_settings
from tasks import retention as tasks
from tests.factories import JobDatingFactory, MailFactory, MatchFactory, NeedFactory, OrganisationFactory, UserFactory, mutual_match, venue


def in_days(days: float) -> datetime:
    return now() + timedelta(days=days)


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_the_bytes_of_mails_are_gone_after_62_days_and_the_fact_stays(session: Session) -> None:
    sent, lost = MailFactory(), MailFactory(lost=True)
    waiting = MailFactory(waiting=True)

    assert retention.forget_mails(at=in_days(61.9)) == 0
    assert retention.forget_mails(at=in_days(62.1)) == 2
    assert retention.forget_mails(at=in_days(62.1)) == 0

    session.expire_all()
    assert [(mail.message, mail.recipient, mail.subject, mail.last_error) for mail in (sent, lost)] == [(b"", "", "", "")] * 2
    assert (sent.kind, sent.status, sent.organisation_id is not None, sent.sent_at is not None) == ("proposals", MailStatus.SENT, True, True)
    assert waiting.message != b""
    with pytest.raises(NotAllowedNow, match="late"):
        mail_resending.resend(lost, by=UserFactory(animator=True), settings=mail_settings())


def test_lines_of_the_audit_log_go_after_twelve_months(session: Session) -> None:
    audit.record("signed_in")
    session.execute(text("SET LOCAL session_replication_role = 'replica'"))
    session.execute(update(AuditEntry).values(at=in_days(-367)))
    session.execute(text("SET LOCAL session_replication_role = 'origin'"))
    audit.record("signed_in")

    assert retention.forget_audit(at=now()) == 1
    assert count(AuditEntry) == 1


def test_who_looked_at_contact_details_is_forgotten_after_twelve_months(session: Session) -> None:
    proposal = mutual_match().proposals[0]
    contact_log.look(proposal, UserFactory(organisation=proposal.organisation))
    session.flush()

    assert retention.forget_contact_views(at=in_days(365)) == 0
    assert retention.forget_contact_views(at=in_days(367)) == 1
    assert count(ContactView) == 0
    contact_log.look(proposal, UserFactory(organisation=proposal.organisation))
    with pytest.raises(IntegrityError, match="is_only_added_to"), session.begin_nested():
        session.execute(delete(ContactView))


def test_links_sessions_and_files_that_are_over_go(session: Session) -> None:
    user = UserFactory()
    account_tokens.issue(user, TokenPurpose.RESET)
    account_tokens.issue(user, TokenPurpose.VERIFY)
    sessions.begin(user)
    session.add(SpentLink(token_hash="x"))
    personal_data_export.ask(user)
    personal_data_export.write_due(settings=mail_settings())

    retention.forget_tokens(at=in_days(0.9))
    assert [count(model) for model in (AccountToken, SpentLink, UserSession)] == [2, 1, 1]
    assert session.scalars(select(DataExport.content)).one() is not None
    retention.forget_tokens(at=in_days(1.1))
    assert session.scalars(select(DataExport.content)).one() is None
    retention.forget_tokens(at=in_days(30.1))
    assert [count(model) for model in (AccountToken, SpentLink, UserSession)] == [1, 0, 0], "that of 48 hours has two days more"
    retention.forget_tokens(at=in_days(32.1))
    assert count(AccountToken) == 0


def test_messages_go_after_six_months(session: Session) -> None:
    match = mutual_match()
    conversations.say(match.proposals[0], "Bonjour", author=None, channel="link", settings=mail_settings())

    assert retention.forget_conversations(at=in_days(182)) == 0
    assert retention.forget_conversations(at=in_days(184)) == 1
    assert count(Message) == 0


def test_a_year_after_a_job_dating_how_many_came_stays_and_who_answered_when_goes(session: Session) -> None:
    dating = JobDatingFactory(venue=venue())
    job_datings.choose(dating, [MatchFactory(mutual=True)])
    invitation = job_datings.publish(dating, settings=mail_settings())[0]
    invitations.answer(invitation, "accepted", channel="link")
    session.add(PresenceAct(participant=dating.participants[0], state="present", by="Salma Benali"))
    session.flush()
    passed = (dating.ends_at - now()).total_seconds() / 86400

    assert retention.forget_answers(at=in_days(passed + 365)) == 0
    assert retention.forget_answers(at=in_days(passed + 367)) > 0
    assert retention.forget_answers(at=in_days(passed + 367)) == 0

    session.expire_all()
    assert [count(model) for model in (InvitationAnswer, InvitationNotice)] == [0, 0]
    assert session.scalars(select(Invitation.email)).all() == ["", ""]
    assert session.scalars(select(PresenceAct.by)).all() == [""]
    assert invitation.answer == "accepted"
    assert len(dating.participants) == 2


@pytest.fixture
def sleeper(app: Flask) -> User:
    """Somebody who signed in once, and never again."""
    person: User = UserFactory(last_login_at=now(), email="dormeur@structure.test")
    UserFactory(admin=True, last_login_at=in_days(699))
    db.session.commit()
    return person


def test_an_account_that_nobody_opens_is_told_at_23_months_and_erased_at_24(session: Session, sleeper: User) -> None:
    settings, sleeper_id = mail_settings(), sleeper.id
    assert retention.warn_idle(at=in_days(699), settings=settings) == 0
    assert retention.warn_idle(at=in_days(701), settings=settings) == 1
    assert retention.warn_idle(at=in_days(702), settings=settings) == 0, "told once"

    mail = session.scalars(select(OutboxMail).where(OutboxMail.kind == "account_idle")).one()
    assert mail.recipient == "dormeur@structure.test"
    assert not personal_data_erasing.erase_due(at=in_days(730), settings=settings)
    assert personal_data_erasing.erase_due(at=in_days(731.1), settings=settings)
    assert session.get(User, sleeper_id) is None


def test_who_comes_back_stays(app: Flask, client, sleeper: User) -> None:
    retention.warn_idle(at=in_days(701), settings=mail_settings())
    db.session.commit()

    client.post("/connexion", data={"email": sleeper.email, "password": "une phrase assez longue"})

    assert count(ErasureRequest) == 0
    assert db.session.scalars(select(OutboxMail.status).where(OutboxMail.kind == "account_idle")).all() == [MailStatus.CANCELLED]


def test_the_last_of_the_administration_is_never_told_to_go(session: Session) -> None:
    UserFactory(admin=True, last_login_at=in_days(-3000))

    assert retention.warn_idle(at=now(), settings=mail_settings()) == 0
    assert count(ErasureRequest) == 0


def test_a_structure_of_a_list_that_never_gave_a_sign_goes_after_three_years(session: Session) -> None:
    silent = OrganisationFactory(name="Ateliers du Bocage", source="liste", created_at=in_days(-1097))
    young = OrganisationFactory(source="liste", created_at=in_days(-1090))
    joined = UserFactory(organisation=OrganisationFactory(created_at=in_days(-1097))).organisation
    declares = NeedFactory(organisation=OrganisationFactory(created_at=in_days(-1097))).organisation
    answered = OrganisationFactory(created_at=in_days(-1097))
    proposal = mutual_match(need=NeedFactory(organisation=answered, updated_at=in_days(-1097))).proposals[0]
    session.execute(update(Proposal).where(Proposal.id == proposal.id).values(answered_at=in_days(-10)))
    MailFactory(organisation=silent)

    assert retention.forget_prospects(at=now(), settings=mail_settings()) == 1
    assert retention.forget_prospects(at=now(), settings=mail_settings()) == 0

    gone = session.scalars(select(Organisation).where(Organisation.erased_at.is_not(None))).all()
    assert gone == [silent]
    assert silent.name == "Structure effacée"
    assert {one.erased_at for one in (young, joined, declares, answered)} == {None}
    assert session.scalars(select(OutboxMail.message)).all() == [b""]


def test_a_rule_that_fails_keeps_none_of_the_others(app: Flask, nudged: list, monkeypatch: pytest.MonkeyPatch) -> None:
    MailFactory(created_at=in_days(-63))
    db.session.commit()

    def fail(*, at: datetime) -> int:
        raise ValueError(at)

    monkeypatch.setattr(retention, "SILENT", (fail, retention.forget_mails))
    with pytest.raises(RuntimeError, match="fail"):
        tasks.nightly()

    assert db.session.scalars(select(OutboxMail.message)).all() == [b""]
    assert ("tasks.outbox.drain",) in nudged


def test_the_night_is_planned(app: Flask) -> None:
    planned = app.config["CELERY"]["beat_schedule"]["retention.nightly"]

    assert planned["task"] in app.extensions["celery"].tasks
    assert (planned["schedule"].hour, planned["schedule"].minute) == ({3}, {17})
