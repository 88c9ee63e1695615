"""A person whose name, address and telephone stand wherever somebody can write, and what is left of them."""

import io
import json
import re
import zipfile
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select

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
    JoinRequest,
    MemberInvitation,
    MergedOrganisation,
    News,
    OpenidIdentity,
    PlanChange,
    PresenceAct,
    ReportReason,
    SavedSearch,
    Series,
    SignUp,
    Standing,
    Story,
    TokenPurpose,
    User,
    VenueBlock,
    VenuePhoto,
    WorkAct,
)
from matchmaker.models.base import now
from matchmaker.services import (
    account_tokens,
    audit,
    consents,
    conversations,
    job_datings,
    joining,
    password_resets,
    personal_data_export,
    search_reports,
    second_factor,
    sessions,
    verification,
)
from matchmaker.services.personal_data_scrubbing import texts_of
from matchmaker.web.settings import mail_settings
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


def make_canary() -> User:
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
            CompanyRecord(number="73282932000074", told={"name": PLACE}),
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
    db.session.add_all(
        [
            SavedSearch(user=person, label=f"Autour de {NAME}", asked={"text": NAME}, address=f"q={NAME}"),
            Series(venue=place, title=f"Les mardis de {NAME}"),
            VenuePhoto(venue=place, position=1, alt=f"{NAME} à l’accueil", width=1, height=1, content=b"x"),
        ]
    )
    joining.ask(structure, email="lou@ailleurs.test", name="Lou", message=f"Pour {NAME}", settings=settings)
    joining.invite(structure, email="sam@ailleurs.test", name="Sam", standing=Standing.EDITOR, by=person, settings=settings)
    password_resets.ask(MAIL, allow_demo=False, settings=settings)
    verification.ask(person, settings=settings)
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
