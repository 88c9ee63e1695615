"""Rows for tests. A value stands in a test only if the test is about it."""

from datetime import timedelta
from decimal import Decimal

import factory
from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Cluster,
    ClusterInvitation,
    ClusterMember,
    Commune,
    Family,
    GroupAnswer,
    GroupMember,
    HelpRequest,
    InclusionKind,
    JobDating,
    MailStatus,
    Match,
    MatchingRun,
    MatchStatus,
    Need,
    NeedPairRule,
    News,
    NurserySnapshot,
    Offer,
    Organisation,
    OutboxMail,
    PairRule,
    Participant,
    Pool,
    PoolShare,
    PoolStatus,
    PoolWelcome,
    Proposal,
    ProposalStatus,
    Role,
    RunStatus,
    SearchQuestion,
    ShortlistEntry,
    Side,
    Standing,
    Status,
    Story,
    StoryStatus,
    SupplierSearch,
    Territory,
    Unit,
    User,
    Venue,
)
from matchmaker.models.base import now, today
from matchmaker.services import accounts, purchasing_groups, purchasing_shortlists, venues

PASSWORD = "une phrase assez longue"
# Hashing is slow by design: once is enough for all tests.
PASSWORD_HASH = accounts.hasher.hash(PASSWORD)


def commune(name: str = "Flers (61)") -> Commune:
    """A real commune, by its label."""
    label, _, code = name.rstrip(")").partition(" (")
    return db.session.scalars(select(Commune).where(Commune.name == label, Commune.departement_code == code)).one()


def departement(code: str = "61") -> Territory:
    return db.session.scalars(select(Territory).where(Territory.code == code, Territory.level == "departement")).one()


class Factory(SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session_factory = lambda: db.session  # noqa: E731
        sqlalchemy_session_persistence = "flush"


class OrganisationFactory(Factory):
    class Meta:
        model = Organisation

    class Params:
        at = "Flers (61)"
        company = factory.Trait(family=Family.COMPANY)

    name = factory.Sequence(lambda number: f"Structure {number}")
    family = Family.ASSOCIATION
    commune = factory.LazyAttribute(lambda row: commune(row.at))
    territory = factory.LazyAttribute(lambda row: departement(row.commune.departement_code))
    email = factory.Sequence(lambda number: f"contact{number}@structure.test")
    phone = "02 33 00 00 00"


class UserFactory(Factory):
    class Meta:
        model = User

    class Params:
        animator = factory.Trait(role=Role.ANIMATOR, organisation=None, territories=factory.LazyFunction(lambda: [departement()]))
        admin = factory.Trait(role=Role.ADMIN, organisation=None)
        host = factory.Trait(role=Role.HOST)
        editor = factory.Trait(standing=Standing.EDITOR)
        reader = factory.Trait(standing=Standing.READER)

    email = factory.Sequence(lambda number: f"personne{number}@structure.test")
    name = "Claude Martin"
    password_hash = PASSWORD_HASH
    role = Role.MEMBER
    standing = Standing.ADMINISTRATOR
    organisation = factory.SubFactory(OrganisationFactory)


class DeclarationFactory(Factory):
    class Meta:
        abstract = True

    class Params:
        at = "Flers (61)"
        draft = factory.Trait(status=Status.DRAFT, published_at=None, expires_on=None)

    organisation = factory.SubFactory(OrganisationFactory, at=factory.SelfAttribute("..at"))
    category = Category.PURCHASE
    commune = factory.LazyAttribute(lambda row: commune(row.at))
    territory = factory.LazyAttribute(lambda row: departement(row.commune.departement_code))
    status = Status.PUBLISHED
    published_at = factory.LazyFunction(now)
    expires_on = factory.LazyFunction(lambda: today() + timedelta(days=90))
    skills = factory.LazyFunction(lambda: ["traiteur"])


class NeedFactory(DeclarationFactory):
    class Meta:
        model = Need

    title = "Traiteur zéro déchet pour un séminaire"


class FractionFactory(NeedFactory):
    """A part of an accountant's week."""

    category = Category.POOLED_JOB
    title = "Comptable, une partie de la semaine"
    skills = factory.LazyFunction(lambda: ["comptabilité"])
    volume = Decimal("0.3")
    volume_unit = Unit.FTE
    details = factory.LazyFunction(lambda: {"occupation": "comptable"})


def group(*needs: Need, proposed: bool = False) -> Pool:
    """A pool of these fractions, or of two new ones; its week gives each as many half-days as it asks for, from Monday on."""
    needs = needs or (FractionFactory(), FractionFactory())
    pool = Pool(territory=needs[0].territory, occupation="comptable", widest_km=12.0)
    if proposed:
        pool.status, pool.proposed_at, pool.answer_by = PoolStatus.PROPOSED, now(), today() + timedelta(days=90)
    week = {str(need.id): list(range(3 * place, 3 * place + 3)) for place, need in enumerate(needs)}
    pool.plan = {str(month): week for month in range(1, 13)}
    pool.shares = [PoolShare(need=need, position=place, fte=Decimal("0.3"), halfdays=0b111 << 3 * place) for place, need in enumerate(needs)]
    db.session.add(pool)
    db.session.flush()
    return pool


def welcome(*needs: Need, by: Organisation | None = None) -> PoolWelcome:
    """An employer group is asked to take a proposed pool in."""
    welcome = PoolWelcome(organisation=by or OrganisationFactory(inclusion_kind=InclusionKind.GE))
    group(*needs, proposed=True).welcomes.append(welcome)
    db.session.flush()
    return welcome


def pair_rule(one: Need | None = None, other: Need | None = None) -> NeedPairRule:
    """Two fractions that an animator wants together."""
    first, second = sorted((one or FractionFactory(), other or FractionFactory()), key=lambda need: need.id)
    rule = NeedPairRule(first_need=first, second_need=second, rule=PairRule.TOGETHER)
    db.session.add(rule)
    db.session.flush()
    return rule


class OfferFactory(DeclarationFactory):
    class Meta:
        model = Offer

    title = "Traiteur de saison, vaisselle réutilisable"


class RunFactory(Factory):
    class Meta:
        model = MatchingRun

    territory = factory.LazyFunction(departement)
    status = RunStatus.READY
    value = 0
    bound = 0
    gap = 0


class MatchFactory(Factory):
    class Meta:
        model = Match

    class Params:
        mutual = factory.Trait(status=MatchStatus.CONFIRMED, confirmed_at=factory.LazyFunction(now))

    run = factory.SubFactory(RunFactory)
    need = factory.SubFactory(NeedFactory)
    offer = factory.SubFactory(OfferFactory)
    status = MatchStatus.PROPOSED
    score = 800_000
    distance_km = 6.0
    breakdown = factory.LazyFunction(lambda: [{"criterion": "distance", "earned": 18, "possible": 20, "unknown": False}])


class ProposalFactory(Factory):
    class Meta:
        model = Proposal

    class Params:
        late = factory.Trait(answer_by=factory.LazyFunction(lambda: today() - timedelta(days=1)))

    match = factory.SubFactory(MatchFactory)
    side = Side.NEED
    organisation = factory.LazyAttribute(lambda row: row.match.need.organisation if row.side is Side.NEED else row.match.offer.organisation)
    answer_by = factory.LazyFunction(lambda: today() + timedelta(days=14))


def proposals_of(match: Match) -> tuple[Proposal, Proposal]:
    """The questions put to the need's side and to the offer's."""
    return ProposalFactory(match=match, side=Side.NEED), ProposalFactory(match=match, side=Side.OFFER)


def mutual_match(**fields: object) -> Match:
    """Two sides that said yes to each other."""
    match = MatchFactory(mutual=True, **fields)
    for proposal in proposals_of(match):
        proposal.status, proposal.answered_at = ProposalStatus.ACCEPTED, match.confirmed_at
    db.session.flush()
    return match


def call_for_help(match: Match | None = None) -> HelpRequest:
    """The need's side of a mutual match calls the animator."""
    asked = HelpRequest(match=match or mutual_match(), side=Side.NEED)
    db.session.add(asked)
    db.session.flush()
    return asked


def venue(organisation: Organisation | None = None, *, tables: int = 4, accessible: int = 1, headcount: int = 49) -> Venue:
    """A third place's venue with one room."""
    organisation = organisation or OrganisationFactory()
    rooms = [venues.RoomPlan("Grande salle", tables, accessible)]
    return venues.open_venue(organisation, name="Le Palonnier", commune=organisation.commune, rooms=rooms, authorised_headcount=headcount, staff_count=2)


def kept(*, by: User, supplier: Organisation | None = None, name: str = "Traiteurs") -> ShortlistEntry:
    """A supplier in a list of this person's structure."""
    shortlist = purchasing_shortlists.make(by.organisation, name)
    return purchasing_shortlists.keep(shortlist, supplier or OfferFactory().organisation, by=by)


def supplier_search(need: Need | None = None, **fields: object) -> SupplierSearch:
    """A need that is open to all for two weeks."""
    search = SupplierSearch(need=need or NeedFactory(), **({"closes_at": now() + timedelta(days=14)} | fields))
    db.session.add(search)
    db.session.flush()
    return search


def search_question(search: SupplierSearch | None = None, by: Organisation | None = None) -> SearchQuestion:
    question = SearchQuestion(search=search or supplier_search(), organisation=by or OrganisationFactory(), question="La vaisselle est-elle fournie\u00a0?")
    db.session.add(question)
    db.session.flush()
    return question


def group_answer(search: SupplierSearch | None = None, *, lead: Organisation | None = None, partner: Organisation | None = None) -> GroupAnswer:
    """Composed by its lead, with a partner that has not answered yet: nobody was mailed."""
    group = purchasing_groups.begin(search or supplier_search(), lead or OrganisationFactory())
    group.summary, group.contact = "Quatre-vingts repas froids, livrés à midi.", "Camille, 02 33 00 00 00"
    group.members[0].part, group.members[0].share = "La cuisine", 70
    group.members.append(GroupMember(organisation=partner or OrganisationFactory(), part="Le service", share=30))
    db.session.flush()
    return group


class JobDatingFactory(Factory):
    class Meta:
        model = JobDating

    venue = factory.LazyFunction(venue)
    title = "Job dating de l’hiver"
    starts_at = factory.LazyFunction(lambda: (now() + timedelta(days=30)).replace(hour=8, minute=0, second=0, microsecond=0))
    ends_at = factory.LazyAttribute(lambda row: row.starts_at + timedelta(hours=3))


class ParticipantFactory(Factory):
    class Meta:
        model = Participant

    job_dating = factory.SubFactory(JobDatingFactory)
    organisation = factory.SubFactory(OrganisationFactory)


class MailFactory(Factory):
    """A mail as the outbox holds it: sent, unless told otherwise."""

    class Meta:
        model = OutboxMail

    class Params:
        lost = factory.Trait(status=MailStatus.FAILED, sent_at=None, last_code=550, last_error="5.1.1 no such user")
        bounced = factory.Trait(status=MailStatus.BOUNCED, last_code=550, last_error="5.1.1 no such user")
        waiting = factory.Trait(status=MailStatus.QUEUED, sent_at=None)

    idempotency_key = factory.Sequence(lambda number: f"fact-{number}")
    organisation = factory.SubFactory(OrganisationFactory)
    recipient = factory.LazyAttribute(lambda row: row.organisation.email if row.organisation else "personne@ailleurs.test")
    kind = "proposals"
    subject = "Deux propositions attendent votre réponse"
    message_id = factory.LazyAttribute(lambda row: f"<{row.idempotency_key.replace(':', '.')}@croisee.test>")
    message = factory.LazyAttribute(lambda row: f"Subject: {row.kind}\r\nTo: {row.recipient}\r\nMessage-ID: {row.message_id}\r\n\r\nBonjour,\r\n".encode())
    status = MailStatus.SENT
    sent_at = factory.LazyFunction(now)
    attempts = 1


def news(territory: Territory | None = None, *, author: User | None = None, title: str = "La maison des associations ouvre en mars") -> News:
    """What an animator wrote of a territory, the Orne unless told otherwise."""
    one = News(territory=territory or departement(), author=author, title=title, text="Trois salles.\n\nLes clés sont à la mairie.")
    db.session.add(one)
    db.session.flush()
    return one


def given_story(organisation: Organisation | None = None, *, status: StoryStatus = StoryStatus.WAITING) -> Story:
    """What a structure says of the Orne, with its consent."""
    one = Story(organisation=organisation or OrganisationFactory(), territory=departement(), text="Un atelier trouvé en deux semaines.", status=status)
    db.session.add(one)
    db.session.flush()
    return one


def cluster_invitation(organisation: Organisation | None = None) -> ClusterInvitation:
    """A structure that an animator of the Orne invited to speak of a pole, in a group that was found today."""
    invited = organisation or OrganisationFactory()
    found = db.session.scalars(select(NurserySnapshot).where(NurserySnapshot.territory == departement().parent, NurserySnapshot.day == today())).first()
    snapshot = found or NurserySnapshot(territory=departement().parent, day=today(), organisations=4)
    cluster = Cluster(
        position=len(snapshot.clusters),
        theme="eau",
        category="purchase",
        members=[ClusterMember(organisation=invited, position=0, x=0.5, y=0.5)],
    )
    snapshot.clusters.append(cluster)
    one = ClusterInvitation(territory=invited.territory, organisation=invited, cluster=cluster)
    db.session.add_all([snapshot, one])
    db.session.flush()
    return one
