"""A small world for tests that walk all routes: one object of each kind, all of one structure, of its territory or of one of its people."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, update

from matchmaker.extensions import db
from matchmaker.models import (
    Absence,
    ActKind,
    Answer,
    CalendarReply,
    Category,
    Cluster,
    DeclineReason,
    MatchingRun,
    Matter,
    Organisation,
    ProposalStatus,
    ReplyStatus,
    RunStatus,
    SavedSearch,
    Series,
    SeriesDate,
    Standing,
    User,
    VenueBlock,
    VenuePhoto,
    WorkAct,
)
from matchmaker.models.base import now, today
from matchmaker.services import check_in_links, job_datings, joining, matching, outcomes, personal_data_export, sessions
from matchmaker.web.settings import mail_settings
from tests.factories import (
    FractionFactory,
    JobDatingFactory,
    MailFactory,
    MatchFactory,
    NeedFactory,
    OfferFactory,
    OrganisationFactory,
    RunFactory,
    UserFactory,
    call_for_help,
    cluster_invitation,
    departement,
    given_story,
    group,
    group_answer,
    kept,
    mutual_match,
    news,
    pair_rule,
    proposals_of,
    search_question,
    supplier_search,
    venue,
    welcome,
)


def person_of(kind: str, ours: Organisation) -> User:
    traits = {"reader": {"reader": True}, "editor": {"editor": True}, "administrator": {}, "host": {"host": True}}
    if kind in traits:
        user: User = UserFactory(organisation=ours, **traits[kind])
        return user
    return UserFactory(**{kind: True})


def own_ids(ours: Organisation, user: User) -> dict[str, object]:
    """One object of each kind that belongs to the structure, to the territory that is looked after, or to the person.

    Of two kinds that addresses call by the same word, the second stands with its concept or its endpoint before it: see ``ids_for``.
    """
    sent = sent_run(ours)
    match = MatchFactory(need=NeedFactory(organisation=ours, published_at=now() - timedelta(days=12)), offer=OfferFactory(organisation=ours))
    proposal, _other = proposals_of(match)
    speaker = user if user.speaks else UserFactory(organisation=ours)
    entry, question, answer = kept(by=speaker), search_question(), group_answer(lead=ours)
    search = supplier_search(NeedFactory(organisation=ours))
    return {
        **sent,
        **places_and_days(ours, user),
        **meetings(ours),
        **of_the_person(user),
        **of_the_team(ours, user),
        "shortlist_id": entry.shortlist_id,
        "entry_id": entry.id,
        "open_id": question.search_id,
        "search_id": search.id,
        "question_id": search_question(search).id,
        "group_id": answer.id,
        "member_id": answer.members[1].id,
        "news_id": news().id,
        "cluster_invitation_id": cluster_invitation(ours).id,
        "cluster_id": db.session.scalars(select(Cluster.id)).first(),
        "story_id": given_story(ours).id,
        "need_id": match.need_id,
        "offer_id": match.offer_id,
        "other_id": RunFactory(territory=departement("61"), status="superseded").id,
        "subject_id": match.need_id,
        "act_id": noted(match.need_id, ours, user).id,
        "proposal_id": proposal.id,
        "run_id": match.run_id,
        "organisation_id": ours.id,
        "other_structure_id": OrganisationFactory(name="Picorees").id,
        "territory_id": departement("61").id,
        "mail_id": MailFactory(organisation=ours, lost=True).id,
        "pool_id": group(FractionFactory(organisation=ours), FractionFactory(), proposed=True).id,
        "rule_id": pair_rule().id,
        "welcome_id": welcome(by=ours).id,
        "key": "needs",
        "code": "2026-T3",
    }


def ids_for(endpoint: str, ids: dict[str, object]) -> dict[str, object]:
    """The objects that this endpoint's addresses name: a word that two concepts use stands with the concept, or the endpoint, before it."""
    found = dict(ids)
    for before in (endpoint.partition(".")[0] + ".", endpoint + "."):
        found |= {name.removeprefix(before): value for name, value in ids.items() if name.startswith(before)}
    return found


def sent_run(ours: Organisation) -> dict[str, object]:
    """A run that was really solved, with a need of ours that an offer was found for and one that is too far from it; its propositions have left."""
    far = NeedFactory(organisation=ours, category=Category.PREMISES, radius_km=10)
    OfferFactory(category=Category.PREMISES, at="Argentan (61)", radius_km=100)
    offer = OfferFactory(organisation=ours)
    NeedFactory()
    run = matching.rematch(departement("61"), today=today())
    db.session.execute(update(MatchingRun).where(MatchingRun.status == RunStatus.PUBLISHED).values(status=RunStatus.SUPERSEDED))
    run.status, run.published_at = RunStatus.PUBLISHED, now()
    db.session.flush()
    files = {f"matching.{name}.run_id": run.id for name in ("instance_file", "proof_file")}
    return files | {
        "matching_explanations.run_id": run.id,
        "matching_explanations.need_id": far.id,
        "matching_explanations.offer_id": offer.id,
        "declarations_waiting.need_id": far.id,
    }


def places_and_days(ours: Organisation, user: User) -> dict[str, object]:
    """A venue, and a job dating there whose invitations have left."""
    place = venue(ours)
    dating = JobDatingFactory(venue=place)
    job_datings.choose(dating, [MatchFactory(mutual=True, need=NeedFactory(organisation=ours), offer=OfferFactory())])
    invitation = job_datings.publish(dating, settings=mail_settings())[0]
    block = VenueBlock(venue_id=place.id, starts_at=now() + timedelta(days=3), ends_at=now() + timedelta(days=4))
    photo = VenuePhoto(venue_id=place.id, position=1, alt="La salle", width=4, height=3, content=b"jpeg")
    series = Series(venue_id=place.id, title="Le tour du bocage", dates=[SeriesDate(job_dating_id=JobDatingFactory(venue=place).id)])
    reply = CalendarReply(
        digest=uuid4().hex, invitation_id=invitation.id, sender=ours.email, answer=Answer.ACCEPTED, sequence=0, stamped_at=now(), status=ReplyStatus.UNVERIFIED
    )
    absence = Absence(organisation_id=ours.id, starts_on=today(), ends_on=today())
    db.session.add_all([absence, block, photo, series, reply])
    db.session.flush()
    return {
        "venue_id": place.id,
        "job_dating_id": dating.id,
        "link_id": check_in_links.make(dating, name="Salma", by=user).id,
        "meeting_id": dating.meetings[0].id,
        "absence_id": absence.id,
        "block_id": block.id,
        "photo_id": photo.id,
        "series_id": series.id,
        "reply_id": reply.id,
        "file": "tout",
    }


def meetings(ours: Organisation) -> dict[str, object]:
    """A yes of both sides, of which we were asked what became of it; a call for help about it; and a no."""
    mutual = mutual_match(need=NeedFactory(organisation=ours))
    mine = next(proposal for proposal in mutual.proposals if proposal.organisation is ours)
    outcomes.ask_due(at=now() + timedelta(days=31), settings=mail_settings())
    said_no, _other = proposals_of(MatchFactory(need=NeedFactory(organisation=ours), offer=OfferFactory()))
    said_no.status, said_no.answered_at, said_no.decline_reason = ProposalStatus.DECLINED, now(), DeclineReason.TOO_FAR
    db.session.flush()
    return {"conversations.proposal_id": mine.id, "outcomes.proposal_id": mine.id, "refusals.proposal_id": said_no.id, "help_id": call_for_help(mutual).id}


def of_the_person(user: User) -> dict[str, object]:
    """What is nobody else's, whatever their role: a session, a search that is kept, a file of one's own data."""
    sessions.begin(user)
    saved = SavedSearch(user_id=user.id, label="traiteur à Flers", address="/annuaire?q=traiteur", asked={})
    db.session.add(saved)
    export = personal_data_export.ask(user)
    personal_data_export.write_due(settings=mail_settings())
    db.session.flush()
    return {"session_id": sessions.sessions_of(user)[0].id, "saved_searches.search_id": saved.id, "export_id": export.id}


def of_the_team(ours: Organisation, user: User) -> dict[str, object]:
    settings = mail_settings()
    return {
        "user_id": UserFactory(organisation=ours, editor=True).id,
        "invitation_id": joining.invite(ours, email="lea@structure.test", name="", standing=Standing.READER, by=user, settings=settings).id,
        "request_id": joining.ask(ours, email="noe@structure.test", name="Noé", message="", settings=settings).id,
    }


def noted(subject_id: UUID, ours: Organisation, user: User) -> WorkAct:
    act = WorkAct(matter=Matter.SILENT, subject_id=subject_id, organisation_id=ours.id, kind=ActKind.ASSIGNED, by_id=user.id, assigned_to_id=user.id)
    db.session.add(act)
    db.session.flush()
    return act
