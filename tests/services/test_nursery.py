"""The groups of a region, and whom an animator invites."""

from datetime import date, timedelta

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Channel,
    Cluster,
    ClusterAnswer,
    ClusterInvitation,
    ClusterMember,
    Family,
    Function,
    NurserySnapshot,
    ObjectionSource,
    Organisation,
    OutboxMail,
    Result,
    Territory,
    Topic,
)
from matchmaker.models.base import now, today
from matchmaker.services import addresses, nursery, nursery_invitations, outcomes
from matchmaker.services.outcomes import Reply
from matchmaker.web.settings import mail_settings
from tests.factories import NeedFactory, OfferFactory, UserFactory, departement, mutual_match, venue

MONDAY = date(2026, 11, 23)


def village(*, number: int = 4, at: str = "Flers (61)", theme: str = "eau") -> list[Organisation]:
    """Structures of one commune whose needs share a theme."""
    return [NeedFactory(at=at, themes=[theme]).organisation for _ in range(number)]


def region() -> Territory:
    return departement().parent


def taken(day: date = MONDAY) -> NurserySnapshot:
    assert nursery.take(region(), day=day)
    db.session.expire_all()
    snapshot = nursery.newest(departement())
    assert snapshot is not None
    return snapshot


def names(cluster: Cluster) -> set[str]:
    return {member.organisation.name for member in cluster.members}


def test_two_villages_are_two_groups_each_with_its_sector(session):
    flers, alencon = village(number=5), village(at="Alençon (61)", theme="mobilite")
    NeedFactory(at="Caen (14)", themes=["eau"])
    NeedFactory(themes=[])

    snapshot = taken()

    # Ten in the Orne and one in Caen, who is linked to nobody.
    assert snapshot.organisations == 11
    assert [(names(one), one.theme, one.category) for one in snapshot.clusters] == [
        ({one.name for one in flers}, "eau", Category.PURCHASE),
        ({one.name for one in alencon}, "mobilite", Category.PURCHASE),
    ]
    assert [one.stability for one in snapshot.clusters] == [None, None]


def test_a_group_says_which_functions_nobody_holds(session):
    people = village()
    (cluster,) = taken().clusters
    assert cluster.missing == [Function.COMPANY, Function.PUBLIC, Function.TRAINING, Function.THIRD_PLACE, Function.INCLUSION]

    people[0].family, people[1].inclusion_kind = Family.COMPANY, "ESAT"
    OfferFactory(organisation=people[2], category=Category.PEER_TRAINING, themes=["eau"])
    venue(people[3])
    (cluster,) = taken(MONDAY + timedelta(days=7)).clusters
    assert cluster.missing == [Function.PUBLIC]
    assert cluster.stability == 1.0


def test_stability_is_what_two_snapshots_have_in_common(session):
    village(number=4)
    taken()
    village(number=1)

    (cluster,) = taken(MONDAY + timedelta(days=7)).clusters

    assert cluster.stability == 4 / 5
    village(at="Alençon (61)", theme="habitat")
    assert [one.stability for one in taken(MONDAY + timedelta(days=14)).clusters] == [1.0, 0.0]


def test_a_cooperation_that_both_confirm_is_a_strong_link(session):
    people = village(number=5)
    village(number=5, at="Alençon (61)", theme="habitat")
    match = mutual_match(need=NeedFactory(organisation=people[0], themes=["eau"]), offer=OfferFactory(themes=[]), confirmed_at=now() - timedelta(days=31))
    for proposal in match.proposals:
        outcomes.ask(proposal, 30, at=now(), settings=mail_settings())
        outcomes.answer(outcomes.question(proposal), Reply(Result.SIGNED), channel=Channel.LINK)

    cluster, _elsewhere = taken().clusters

    assert names(cluster) == {one.name for one in (*people, match.offer.organisation)}
    together = [(one, other) for one, other, kind in cluster.links if kind == nursery.TOGETHER_KIND]
    places = {member.organisation_id: member.position for member in cluster.members}
    assert together == [tuple(sorted((places[people[0].id], places[match.offer.organisation_id])))]


def test_what_is_told_in_confidence_makes_no_group(session):
    for _ in range(4):
        NeedFactory(category=Category.SUCCESSION, is_confidential=True, themes=["eau"])

    assert taken().clusters == []


def test_a_day_is_taken_once_and_a_week_has_one(session):
    village()
    taken()

    assert not nursery.take(region(), day=MONDAY)
    assert session.query(NurserySnapshot).count() == 1
    at = now() + timedelta(days=7)
    assert nursery.due(at=at) == [region().id]
    assert nursery.take_due(region(), at=at)
    assert nursery.due(at=at) == []


def test_neighbours_on_both_sides_of_a_border_are_one_group(session):
    """Condé-en-Normandie is in the Calvados, ten kilometres from Flers in the Orne."""
    flers, conde = village(number=3), village(number=2, at="Condé-en-Normandie (14)")
    alone = village(number=4, at="Alençon (61)", theme="habitat")

    snapshot = taken()

    across, home = nursery.touching(snapshot, departement("61"))
    assert names(across) == {one.name for one in (*flers, *conde)}
    assert names(home) == {one.name for one in alone}
    assert nursery.touching(snapshot, departement("14")) == [across]
    assert nursery.touching(snapshot, departement("76")) == []


def test_the_first_week_of_a_region_is_compared_with_the_groups_of_its_departements(session):
    people = village(number=5)
    members = [ClusterMember(organisation=one, position=place, x=0, y=0) for place, one in enumerate(people[:4])]
    session.add(NurserySnapshot(territory=departement(), day=MONDAY - timedelta(days=7), organisations=4, clusters=[Cluster(position=0, members=members)]))
    session.flush()

    (cluster,) = taken().clusters

    assert cluster.stability == 4 / 5


def test_the_same_world_gives_the_same_groups_and_the_same_drawing(session):
    village(number=9)
    village(number=6, at="Argentan (61)", theme="habitat")
    first = [(names(one), one.links, [(member.x, member.y) for member in one.members]) for one in taken().clusters]

    assert [(names(one), one.links, [(member.x, member.y) for member in one.members]) for one in taken(MONDAY + timedelta(days=7)).clusters] == first


def test_reading_takes_as_many_queries_for_many_groups_as_for_few(session, queries):
    village()
    taken()
    few = read(session, queries)[1]
    village(at="Alençon (61)", number=7)
    village(at="Argentan (61)", number=5, theme="habitat")
    taken(MONDAY + timedelta(days=7))
    people, many = read(session, queries)

    assert (people, many) == (16, few)


def read(session, queries) -> tuple[int, int]:
    """How many members the groups of the Orne have, and how many queries it took to name them and their places."""
    orne = departement()
    session.expire_all()
    queries.clear()
    snapshot = nursery.newest(orne)
    assert snapshot is not None
    found = [(member.organisation.commune.name, member.organisation.territory.name) for one in nursery.touching(snapshot, orne) for member in one.members]
    return len(found), len(queries)


def mails() -> list[OutboxMail]:
    return list(db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "cluster_invitation").order_by(OutboxMail.id)))


def test_nobody_is_invited_but_by_an_animator_and_once_in_ninety_days(session):
    people = village()
    (cluster,) = taken().clusters
    assert mails() == []
    animator = UserFactory(animator=True)

    sent = nursery_invitations.invite(cluster, people[:2], by=animator, message="On en parle\u00a0?", today=today(), settings=mail_settings())
    again = nursery_invitations.invite(cluster, people[:3], by=animator, message="", today=today(), settings=mail_settings())

    assert {one.organisation_id for one in sent} == {one.id for one in people[:2]}
    assert [one.organisation_id for one in again] == [people[2].id]
    assert len(mails()) == 3
    assert f"Reply-To: {animator.email}" in mails()[0].message.decode()
    assert people[3].email not in "".join(mail.message.decode() for mail in mails())


def test_who_refuses_pauses_or_was_asked_enough_is_left_in_peace(session):
    refuses, pauses, spent, free = village()
    addresses.object_to(addresses.digest(refuses.email), [Topic.PROPOSALS], source=ObjectionSource.LINK)
    pauses.paused_until = today() + timedelta(days=9)
    spent.monthly_budget = spent.weekly_budget = 0
    session.flush()
    (cluster,) = taken().clusters

    sent = nursery_invitations.invite(
        cluster, [refuses, pauses, spent, free], by=UserFactory(animator=True), message="", today=today(), settings=mail_settings()
    )

    assert [one.organisation_id for one in sent] == [free.id]
    assert set(nursery_invitations.why_not([refuses, pauses, spent, free], today=today())) == {refuses.id, pauses.id, spent.id}


def test_the_last_word_of_a_structure_counts(session):
    people = village()
    (cluster,) = taken().clusters
    (sent,) = nursery_invitations.invite(cluster, people[:1], by=UserFactory(animator=True), message="", today=today(), settings=mail_settings())

    said = [(ClusterAnswer.NOT_NOW, Channel.ANIMATOR), (ClusterAnswer.INTERESTED, Channel.LINK), (ClusterAnswer.INTERESTED, Channel.ANIMATOR)]
    assert [nursery_invitations.answer(sent, answer, channel=channel) for answer, channel in said] == [True, True, False]
    session.flush()

    kept = session.query(ClusterInvitation).one()
    assert (kept.answer, kept.channel, kept.cluster_id) == (ClusterAnswer.INTERESTED, Channel.LINK, cluster.id)
    assert nursery_invitations.invited_lately([people[0].id])[people[0].id] == sent
