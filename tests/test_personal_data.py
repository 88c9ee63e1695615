"""What is personal is known by name, has somebody who erases it, and leaves nothing behind: a canary is looked for in every byte of the database."""

import io
import json
import logging
import re
import zipfile
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import JSON, Enum, LargeBinary, String, select, text, update

from config import TestConfig
from matchmaker.extensions import db
from matchmaker.models import (
    Base,
    CalendarReply,
    CheckInLink,
    ClusterInvitation,
    CompanyRecord,
    DeclarationDraft,
    DirectoryReport,
    Invitation,
    JobDating,
    JobDatingStatus,
    JoinRequest,
    MailStatus,
    MemberInvitation,
    MergedOrganisation,
    Message,
    News,
    OpenidIdentity,
    Organisation,
    OutboxMail,
    PlanChange,
    PresenceAct,
    Proposal,
    ReportReason,
    SignUp,
    Status,
    Story,
    TokenPurpose,
    User,
    Venue,
    VenueBlock,
    WorkAct,
)
from matchmaker.models.base import now
from matchmaker.models.personal_data import IMPERSONAL, PERSONAL
from matchmaker.services import (
    account_tokens,
    audit,
    calendar_feeds,
    consents,
    conversations,
    invitations,
    job_datings,
    personal_data,
    personal_data_erasing,
    personal_data_export,
    proposal_links,
    search_reports,
    second_factor,
    sessions,
)
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.personal_data_scrubbing import Words, texts_of
from matchmaker.services.personal_data_tables import ERASERS
from matchmaker.web.settings import mail_settings
from tests.conftest import Client
from tests.factories import (
    FractionFactory,
    JobDatingFactory,
    MailFactory,
    MatchFactory,
    NeedFactory,
    OfferFactory,
    OrganisationFactory,
    UserFactory,
    departement,
    group,
    group_answer,
    kept,
    mutual_match,
    search_question,
    supplier_search,
    venue,
)

NAME, PLACE = "Zoé Canarivore", "Canarivorium de Flers"
MAIL, PHONE = "zoe.canarivore@serin-jaune.test", "06 98 76 54 32"
# Any trace of the person or of the structure.
TRACES = re.compile(r"canarivor|serin-jaune|06 98 76 54 32|CANARIVOR", re.IGNORECASE)
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


def everything() -> dict[str, str]:
    """Table → all that is in it, bytes as the text that they hold."""
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name in {"commune", "occupation", "occupation_title"}:
            continue
        found[table.name] = "\n".join(readable(value) for row in db.session.execute(select(table)).all() for value in row)
    return found


def readable(value: object) -> str:
    if isinstance(value, bytes):
        if value.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(value)) as file:
                return "\n".join(file.read(name).decode() for name in file.namelist())
        return "\n".join([value.decode("latin-1"), *texts_of(value)])
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def traces() -> dict[str, list[str]]:
    return {name: TRACES.findall(content) for name, content in everything().items() if TRACES.search(content)}


@pytest.fixture
def canary(app: Flask) -> User:
    """A person who wrote their name, address and telephone wherever a person can write, and whom others named."""
    settings = mail_settings()
    told = f"{NAME}, {MAIL}, {PHONE}"
    structure = OrganisationFactory(
        name=PLACE, email=MAIL, phone=PHONE, website="https://serin-jaune.test/", address=f"3 rue {NAME}", description=told, siret="73282932000074"
    )
    person = UserFactory(email=MAIL, name=NAME, organisation=structure, host=True)
    need = NeedFactory(organisation=structure, title=f"Besoin de {NAME}", description=told, skills=["canarivorie"], details={"lead_time": told})
    offer = OfferFactory(organisation=structure, title=f"Offre de {NAME}", description=told)
    match = mutual_match(need=need, offer=OfferFactory())
    MatchFactory(offer=offer)
    for side in match.proposals:
        side.decline_comment = f"Vu avec {NAME}"
        author = person if side.organisation is structure else None
        conversations.say(side, f"Ici {side.organisation.name}, pour {NAME}, {PHONE}", author=author, channel="account", settings=settings)
    conversations.call_for_help(match.proposals[0], settings=settings)
    place = venue(structure)
    place.name, place.address, place.access_text = PLACE, f"3 rue {NAME}", f"Sonnez chez {NAME}"
    place.description = place.transport_text = told
    place.rooms[0].name = f"Salle {NAME}"
    db.session.add(VenueBlock(venue=place, starts_at=now(), ends_at=now() + timedelta(hours=1), reason=f"Fête de {NAME}"))
    here = JobDatingFactory(venue=place, title=f"Chez {NAME}", theme=NAME)
    job_datings.choose(here, [mutual_match()])
    job_datings.publish(here, settings=settings)
    there = JobDatingFactory(venue=venue())
    job_datings.choose(there, [match])
    invited = job_datings.publish(there, settings=settings)
    mine = next(one for one in invited if one.organisation is structure)
    participant = next(one for one in there.participants if one.organisation is structure)
    participant.access_note = told
    db.session.add_all(
        [
            CalendarReply(digest="d", invitation=mine, sender=f"{NAME} <{MAIL}>", answer="accepted", sequence=0, stamped_at=now(), status="unverified"),
            CheckInLink(job_dating=here, name=NAME, made_by=person),
            PresenceAct(participant=participant, state="present", by=NAME),
            PlanChange(job_dating=here, version=2, by=NAME, moves=[{"who": PLACE}]),
            DeclarationDraft(organisation_id=structure.id, side="need", category="purchase", answers={"title": [NAME], "description": [told]}),
            WorkAct(matter="silent", subject_id=need.id, organisation=structure, kind="called", by=UserFactory(animator=True), note=f"Eu {NAME} au {PHONE}"),
            WorkAct(matter="silent", subject_id=need.id, kind="called", by=person, note=f"Rappeler {MAIL}"),
        ]
    )
    db.session.add_all(
        [
            DirectoryReport(organisation=structure, reason="other", note=f"Appelez {NAME}"),
            News(territory=departement(), author=person, title=f"Nouvelles de {NAME}", text=told),
            Story(territory=departement(), organisation=structure, text=told, signature=NAME),
            ClusterInvitation(territory=departement(), organisation=structure, message=f"Bonjour {NAME}"),
        ]
    )
    ends = {"expires_at": now() + timedelta(days=2)}
    db.session.add_all(
        [
            SignUp(email=MAIL, name=NAME, password_hash="h", structure={"name": PLACE}, token_hash="h", **ends),
            MemberInvitation(organisation_id=OrganisationFactory().id, email=MAIL, name=NAME, standing="editor", token_hash="h", **ends),
            JoinRequest(organisation_id=OrganisationFactory().id, email=MAIL, name=NAME, message=told),
            MergedOrganisation(old_id=uuid4(), kept_id=structure.id, sheet={"name": PLACE}, moved={}),
            CompanyRecord(siret="73282932000074", told={"name": PLACE}),
        ]
    )
    group(FractionFactory(organisation=structure), FractionFactory(), proposed=True).occupation = f"aide de {NAME}"
    line = kept(by=person, name=f"Liste de {NAME}")
    line.note = told
    kept(by=UserFactory(), supplier=structure).note = f"Rappeler {NAME}"
    asked = search_question(supplier_search(), by=structure)
    asked.question = f"{NAME} demande"
    search_question(supplier_search(need))
    led, joined = group_answer(lead=structure), group_answer(partner=structure)
    led.summary, led.contact = told, f"{NAME}, {PHONE}"
    joined.members[1].part, joined.members[1].comment = f"{NAME} sert", f"D’accord, {NAME}"
    joined.summary = f"Avec {PLACE}, et {NAME}"
    territory = departement("50")
    territory.contact_name, territory.contact_email, territory.contact_phone = NAME, MAIL, PHONE
    MailFactory(organisation=structure, recipient=MAIL, waiting=True, subject=f"Bonjour {NAME}")
    MailFactory(organisation=OrganisationFactory(), lost=True, last_error=f"550 5.1.1 <{MAIL}>: no such user")
    sessions.begin(person, device=f"Téléphone de {NAME}")
    second_factor.prepare(person, keys=[TestConfig.SECRET_KEY])
    person.openid_identity = OpenidIdentity(issuer="https://provider.example", subject=f"canary-{NAME}")
    account_tokens.issue(person, TokenPurpose.RESET)
    consents.accept(person)
    audit.record("signed_in", by=person, about=person)
    personal_data_export.ask(person)
    personal_data_export.write_due(settings=settings)
    search_reports.report(structure, reason=ReportReason.WRONG, note=f"Ce n’est plus {NAME}")
    db.session.commit()
    return person


def test_the_canary_is_everywhere_before(canary: User) -> None:
    found = set(traces())

    assert found >= {
        "user_account", "user_session", "openid_identity", "data_export", "territory", "organisation", "need", "offer", "declaration_draft", "venue",
        "room", "venue_block", "job_dating", "participant", "invitation", "invitation_notice", "calendar_reply", "check_in_link", "presence_act", "plan_change",
        "proposal", "conversation_message", "work_act", "pool", "news", "story",
        "cluster_invitation", "outbox_mail", "shortlist", "shortlist_entry", "search_question", "group_answer", "group_member",
        "search_entry", "directory_report",
    }  # fmt: skip
    # Triggers write that one from structures and announcements.
    assert found - {"search_entry"} <= set(PERSONAL), "a table in which people write is not in the registry"


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
