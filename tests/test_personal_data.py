"""What is personal is known by name, has somebody who erases it, and leaves nothing behind: a canary is looked for in every byte of the database."""

import io
import json
import logging
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from flask import Flask
from sqlalchemy import JSON, Enum, LargeBinary, String, select, text, update

from config import ROOT
from matchmaker.extensions import db
from matchmaker.mailcatcher import keep
from matchmaker.models import (
    Base,
    Invitation,
    JobDating,
    JobDatingStatus,
    MailStatus,
    Message,
    Organisation,
    OutboxMail,
    Proposal,
    Status,
    TokenPurpose,
    User,
    Venue,
)
from matchmaker.models.base import now
from matchmaker.models.personal_data import IMPERSONAL, PERSONAL
from matchmaker.services import (
    account_tokens,
    accounts,
    audit,
    calendar_feeds,
    conversations,
    invitations,
    personal_data,
    personal_data_erasing,
    personal_data_export,
    proposal_links,
    sessions,
)
from matchmaker.services.errors import EmailTaken, NotAllowedNow
from matchmaker.services.personal_data_scrubbing import Words
from matchmaker.services.personal_data_tables import ERASERS
from matchmaker.web.settings import mail_settings
from tasks import personal_data as tasks
from tests.canary import MAIL, NAME, PLACE, TRACES, make_canary, readable, traces
from tests.conftest import Client, new_database, redis_url
from tests.factories import (
    MailFactory,
    NeedFactory,
    OrganisationFactory,
    UserFactory,
    mutual_match,
)
from tests.test_faults import running

LOOKS_PERSONAL = re.compile(
    r"name|mail|phone|address|comment|text|note|title|description|reason|subject|message|sender|recipient|secret|password|contact|answers|details|"
    r"device|content|signature|website|siret|rna|words|error|moves|meetings|alt$|^by$|hash$|skills|breakdown|occupation$|source|place|town|theme$|failure|arrays|part$|equipment"
)


def textual(column) -> bool:
    return isinstance(column.type, String | LargeBinary | JSON) or "ARRAY" in str(column.type)


def test_every_column_that_looks_personal_is_declared_with_what_becomes_of_it() -> None:
    unknown = []
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Enum) or not textual(column) or not LOOKS_PERSONAL.search(column.name):
                continue
            if column.name not in PERSONAL.get(table.name, {}) and f"{table.name}.{column.name}" not in IMPERSONAL and column.name not in HARMLESS:
                unknown.append(f"{table.name}.{column.name}")

    assert unknown == [], "declare them in models/personal_data.py, as personal or with the reason why they are not"


# Of whatever table: made by us, never typed.
HARMLESS = {"inputs_hash", "failure", "occupation_code"}


def test_what_is_declared_exists_and_has_its_eraser() -> None:
    columns = {(table.name, column.name) for table in Base.metadata.sorted_tables for column in table.columns}

    assert {(table, name) for table, names in PERSONAL.items() for name in names} <= columns
    assert {tuple(key.split(".")) for key in IMPERSONAL} <= columns
    assert set(ERASERS) == set(PERSONAL)


def test_a_column_that_nobody_declared_would_be_found() -> None:
    assert LOOKS_PERSONAL.search("home_address")
    assert LOOKS_PERSONAL.search("comment")
    assert not LOOKS_PERSONAL.search("token_version")


@pytest.fixture
def canary(app: Flask) -> User:
    return make_canary()


def test_the_canary_is_everywhere_before(canary: User) -> None:
    found = set(traces())

    # A run tells codes and numbers of its pairs, and what a telephone shares with the site is sealed.
    assert found == set(PERSONAL) - {"match", "second_factor"}, "a table in which people write is not in the registry, or not in the canary"


def test_after_erasing_the_last_person_of_a_structure_no_trace_is_left_anywhere(app: Flask, canary: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    others = db.session.scalars(select(OutboxMail.id).where(OutboxMail.organisation_id != canary.organisation_id)).all()
    structure_id, canary_id = canary.organisation_id, canary.id

    personal_data_erasing.erase(canary, settings=mail_settings())
    db.session.commit()

    assert traces() == {}
    assert not TRACES.search(caplog.text)
    assert db.session.get(User, canary_id) is None
    left = db.session.get_one(Organisation, structure_id)
    assert (left.name, left.email, left.siret) == ("Structure effacée", "", None)
    assert left.erased_at is not None
    assert {declaration.status for declaration in [*left.needs, *left.offers]} == {Status.CLOSED}
    # What is others' stays theirs.
    assert len(others) > 2
    assert db.session.scalars(select(OutboxMail.id).where(OutboxMail.id.in_(others))).all() == others


def test_the_files_of_the_demonstrations_catcher_keep_no_trace_either(app: Flask, canary: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mails of the canary and of others left before: they are files that everybody reads."""
    others = MailFactory().message
    for mail in db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)):
        keep(tmp_path, "bonjour@croisee.test", [mail.recipient], mail.message)
    stranger = keep(tmp_path, "x@elsewhere.test", ["y@elsewhere.test"], b"Message-ID: <not-of-this-outbox@elsewhere.test>\r\n\r\nBonjour")
    assert any(TRACES.search(readable(file.read_bytes())) for file in tmp_path.iterdir())
    personal_data_erasing.ask(canary, settings=mail_settings(), at=now() - timedelta(days=8))
    db.session.commit()
    monkeypatch.setitem(app.config, "MAIL_FOLDER", str(tmp_path))

    tasks.erase_due()

    files = sorted(tmp_path.glob("*.eml"))
    assert [file.name for file in files if TRACES.search(readable(file.read_bytes()))] == []
    assert stranger in files
    assert [file for file in files if file.read_bytes().endswith(others)], "what is others' stays theirs"


def test_what_was_begun_with_others_ends_and_they_are_told_without_a_name(app: Flask, canary: User) -> None:
    structure = canary.organisation
    guests = [invitation.email for invitation in db.session.scalars(select(Invitation)) if invitation.job_dating.venue.organisation is structure]
    sent = (OutboxMail.kind == "invitation", OutboxMail.status == MailStatus.QUEUED)
    db.session.execute(update(OutboxMail).where(*sent).values(status=MailStatus.SENDING, claimed_by=1))
    sending = OutboxMail.status == MailStatus.SENDING
    db.session.execute(update(OutboxMail).where(sending).values(status=MailStatus.SENT, claimed_by=None, sent_at=now()))
    db.session.commit()

    personal_data_erasing.erase(canary, settings=mail_settings())
    db.session.commit()

    mails = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "invitation_cancelled")).all()
    assert {mail.recipient for mail in mails} == set(guests)
    assert {mail.status for mail in mails} == {MailStatus.QUEUED}
    held = db.session.scalars(select(JobDating).join(JobDating.venue).where(Venue.organisation_id == structure.id))
    assert {one.status for one in held} == {JobDatingStatus.CANCELLED}


def test_of_two_who_speak_for_a_structure_one_goes_and_the_structure_stays(app: Flask) -> None:
    structure = OrganisationFactory(name="Picorée", email=MAIL)
    leaving = UserFactory(email=MAIL, name=NAME, organisation=structure)
    staying = UserFactory(organisation=structure, email="ali@picoree.test")
    need = NeedFactory(organisation=structure, description=f"Demandez {NAME}, {MAIL}")
    match = mutual_match(need=need)
    conversations.say(match.proposals[0], "Bonjour, je suis là.", author=leaving, channel="account", settings=mail_settings())
    MailFactory(organisation=structure, recipient=MAIL, waiting=True)
    db.session.commit()

    personal_data_erasing.erase(leaving, settings=mail_settings())
    db.session.commit()

    assert traces() == {}
    assert (structure.name, structure.email, structure.erased_at) == ("Picorée", staying.email, None)
    assert (need.status, need.description) == (Status.PUBLISHED, "Demandez …, …")
    assert db.session.scalars(select(Message.text)).all() == ["Message effacé avec le compte de qui l’a écrit."]


def test_a_common_first_name_is_left_in_what_others_wrote() -> None:
    words = Words.of(keys=["", "a@b.test"], person="Camille", structure="Le")

    pattern = words.pattern()
    assert pattern is not None
    assert pattern.sub("…", "Camille, Le Havre, A@B.test, xa@b.test") == "Camille, Le Havre, …, xa@b.test"
    assert Words.of(keys=[], person="Jo").pattern() is None


def test_a_mail_in_a_workers_hands_puts_the_erasure_off(app: Flask, canary: User) -> None:
    MailFactory(recipient=MAIL, status=MailStatus.SENDING, sent_at=None, claimed_by=1)
    db.session.commit()

    with pytest.raises(NotAllowedNow):
        personal_data_erasing.erase(canary, settings=mail_settings())


def test_old_links_of_who_was_erased_are_over(app: Flask, client: Client, canary: User) -> None:
    secret = app.config["SECRET_KEY"]
    structure = canary.organisation
    issued = account_tokens.issue(canary, TokenPurpose.RESET)
    assert issued is not None
    proposal = db.session.scalars(select(Proposal).where(Proposal.organisation_id == structure.id)).first()
    invitation = db.session.scalars(select(Invitation).where(Invitation.organisation_id == structure.id)).first()
    assert proposal is not None
    assert invitation is not None
    links = {
        f"/mot-de-passe/{issued[0]}": 410,
        f"/reponses/{proposal_links.token(proposal, secret)}": 410,
        f"/invitations/{invitations.token(invitation, secret)}": 410,
        f"/agenda/{calendar_feeds.token(canary, secret)}.ics": 410,
    }
    client.sign_in(canary)
    assert client.get("/compte").status_code == 200

    personal_data_erasing.erase(canary, settings=mail_settings())
    db.session.commit()

    assert {path: client.get(path).status_code for path in links} == links
    assert client.get("/compte").status_code == 302
    assert client.get(f"/structures/{structure.id}").status_code == 404
    assert PLACE not in client.get("/annuaire?q=canarivorium").text
    assert "Structure effacée" not in client.get("/annuaire").text


def test_the_file_holds_all_that_the_registry_calls_personal_and_no_secret(app: Flask, canary: User) -> None:
    export = personal_data_export.latest(canary)
    assert export is not None
    with zipfile.ZipFile(io.BytesIO(export.content or b"")) as file:
        names, data = file.namelist(), json.loads(file.read("donnees.json"))
        readme = file.read("LISEZ-MOI.txt").decode()
        account = file.read("account.csv").decode()

    assert {"account", "sessions", "structure", "needs", "offers", "messages", "questions", "invitations", "mails", "venues", "notes", "consents"} <= set(data)
    assert {f"{key}.csv" for key in data} == set(names) - {"donnees.json", "LISEZ-MOI.txt"}
    assert data["account"][0]["email"] == MAIL
    assert MAIL in account
    assert "account.csv" in readme
    told = json.dumps(data)
    for secret in (canary.password_hash, *(row.key_hash for row in sessions.sessions_of(canary)), canary.second_factor.secret):
        assert secret not in told


def test_sections_cost_as_many_queries_with_ten_rows_as_with_one(app: Flask, queries: list[str]) -> None:
    person = UserFactory()
    counts = []
    for _time in range(2):
        for _row in range(5):
            audit.record("signed_in", by=person)
            NeedFactory(organisation=person.organisation)
        db.session.commit()
        queries.clear()
        list(personal_data.sections(person, most=3))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_no_function_of_the_database_keeps_the_canary_in_a_sequence_or_a_comment(app: Flask, canary: User) -> None:
    personal_data_erasing.erase(canary, settings=mail_settings())
    db.session.commit()
    tables = set(db.session.scalars(text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'")))

    assert tables - {table.name for table in Base.metadata.sorted_tables} == {"alembic_version"}, "every table of the database was looked at"


def content(store: "redis.Redis", key: bytes) -> str:
    """What the broker keeps under a key, whatever its kind."""
    kind = store.type(key).decode()
    read = {"string": store.get, "hash": store.hgetall, "set": store.smembers}
    several = {"list": store.lrange, "zset": store.zrange}
    return str(several[kind](key, 0, -1) if kind in several else read[kind](key))


def test_neither_the_broker_nor_the_logs_hold_a_trace_of_who_came_by(worker_id: str, caplog: pytest.LogCaptureFixture) -> None:
    """What the database keeps is erased; so the rest keeps nothing: counts of tries, messages of the queue, logs of the site and of its servers."""
    caplog.set_level(logging.DEBUG)
    broker = redis_url().replace("redis+socket://", "unix://").partition("?")[0]
    counts = redis_url().replace("redis+socket://", "redis+unix://").replace("virtual_host=", "db=")
    with (
        running(new_database(f"croisee_traces_{worker_id}"), redis_url(), RATELIMIT_ENABLED=True, RATELIMIT_STORAGE_URI=counts) as site,
        redis.Redis.from_url(broker) as store,
    ):
        person = make_canary()
        client = site.test_client()
        for _time in range(7):
            client.post("/connexion", data={"email": MAIL, "password": f"{NAME} au hasard"})
        client.post("/mot-de-passe-oublie", data={"email": MAIL})
        client.get("/annuaire", query_string={"q": NAME})
        client.get(f"/{NAME}/{MAIL}")
        client.get(f"/invitations/{MAIL}")
        client.sign_in(person)
        client.post(f"/structures/{person.organisation_id}/equipe/inviter", data={"email": MAIL, "name": NAME, "standing": "editor"})
        with pytest.raises(EmailTaken):
            accounts.create_account(email=MAIL, password="une phrase assez longue", organisation=person.organisation)
        db.session.rollback()

        personal_data_erasing.erase(db.session.get_one(User, person.id), settings=mail_settings())
        db.session.commit()

        assert traces() == {}
        kept = {key: content(store, key) for key in store.scan_iter()}
        assert len(kept) > 3, "counts and the queue are there"
        assert [(key, value) for key, value in kept.items() if TRACES.search(f"{key} {value}")] == []
    assert not TRACES.search(caplog.text)
    logs = list((ROOT / "var").glob("test-*/log/*.log"))
    assert [path.name for path in logs if TRACES.search(path.read_text(errors="replace"))] == []
    assert any("duplicate key" in path.read_text(errors="replace") for path in logs), "the server did write down that it refused"
