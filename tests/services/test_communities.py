"""Following a territory, its news on Monday, what structures say of it and take back."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from matchmaker.extensions import db
from matchmaker.models import JobDatingStatus, ObjectionSource, OutboxMail, Story, StoryStatus, Topic
from matchmaker.models.base import PARIS
from matchmaker.services import addresses, communities, news, stories
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.personal_data_subject import Erased
from matchmaker.services.personal_data_tables import ERASERS
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, OrganisationFactory, UserFactory, departement, given_story, venue
from tests.factories import news as news_of

MONDAY = datetime(2026, 11, 23, 10, tzinfo=PARIS)


def mails() -> list[OutboxMail]:
    return list(db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "territory_news").order_by(OutboxMail.id)))


def test_a_structure_joins_once_and_leaves(session):
    orne, one = departement(), OrganisationFactory()

    assert communities.join(orne, one)
    assert not communities.join(orne, one)
    assert communities.counts([orne.id]) == {orne.id: 1}
    assert communities.followed_by(one.id) == [orne]
    assert communities.leave(orne, one)
    assert not communities.leave(orne, one)
    assert not communities.is_member(orne, one)


def test_members_are_read_by_name_in_a_fixed_number_of_queries(session, queries):
    orne = departement()
    for name in ("Zeste", "Écluse", "Abri"):
        communities.join(orne, OrganisationFactory(name=name))
    session.expire_all()
    queries.clear()

    assert [one.name for one in communities.members(orne).items] == ["Abri", "Écluse", "Zeste"]
    few = len(queries)
    for _ in range(8):
        communities.join(orne, OrganisationFactory())
    session.expire_all()
    queries.clear()
    assert [one.commune.name for one in communities.members(orne).items] == ["Flers"] * 11
    assert len(queries) == few


def test_on_monday_who_follows_reads_the_news_of_last_week_once(session):
    orne, calvados = departement(), departement("14")
    reader, elsewhere = OrganisationFactory(), OrganisationFactory()
    communities.join(orne, reader)
    communities.join(calvados, elsewhere)
    told = news_of(orne)
    told.created_at = MONDAY - timedelta(days=3)
    too_new = news_of(orne, title="De ce matin")
    too_new.created_at = MONDAY - timedelta(hours=1)
    session.flush()

    assert news.send_due(at=MONDAY, settings=mail_settings()) == 1
    assert news.send_due(at=MONDAY + timedelta(hours=2), settings=mail_settings()) == 0

    (mail,) = mails()
    assert mail.organisation_id == reader.id
    words = mail.message.decode()
    assert "List-Unsubscribe" in words
    assert mail.subject == "Les nouvelles de la semaine\u00a0: Orne"
    assert news.send_due(at=MONDAY + timedelta(days=7), settings=mail_settings()) == 1


def test_a_job_dating_that_was_announced_is_told_to_the_epci_the_departement_and_the_region(session):
    orne = departement()
    dating = JobDatingFactory(venue=venue(), status=JobDatingStatus.PUBLISHED, published_at=MONDAY - timedelta(days=2), starts_at=MONDAY + timedelta(days=30))

    found = news.last_week(MONDAY.date())

    assert {one.territory.level for one in found.values()} == {"epci", "departement", "region"}
    assert found[orne.id].job_datings == [dating]


def test_no_mail_when_nothing_is_new_on_another_day_or_to_who_refuses_them(session):
    orne, reader = departement(), OrganisationFactory()
    communities.join(orne, reader)
    assert news.send_due(at=MONDAY, settings=mail_settings()) == 0
    one = news_of(orne)
    one.created_at = MONDAY - timedelta(days=3)
    session.flush()
    assert news.send_due(at=MONDAY + timedelta(days=4), settings=mail_settings()) == 0

    addresses.object_to(addresses.digest(reader.email), [Topic.DIGEST], source=ObjectionSource.LINK)
    assert news.send_due(at=MONDAY, settings=mail_settings()) == 0
    assert mails() == []


def test_words_that_are_taken_back_are_erased(session):
    one = given_story(status=StoryStatus.PUBLISHED)

    stories.withdraw(one)
    stories.withdraw(one)
    session.flush()

    assert (one.status, one.text, one.signature) == (StoryStatus.WITHDRAWN, "", "")
    assert one.withdrawn_at is not None
    assert stories.story(one.id) is None
    with pytest.raises(NotAllowedNow):
        stories.decide(one, is_shown=True)


def test_a_new_story_takes_the_place_of_the_one_that_stands(session):
    orne, organisation = departement(), OrganisationFactory()
    first = stories.give(organisation, orne, text="Un premier mot.", signature="")
    stories.decide(first, is_shown=True)

    second = stories.give(organisation, orne, text="Un second mot.", signature="Camille")

    assert first.text == ""
    assert [one.id for one in stories.told(orne, StoryStatus.WAITING)] == [second.id]
    assert stories.told(orne, StoryStatus.PUBLISHED) == []
    assert stories.standing_of(organisation, orne) == second


def test_a_declined_one_does_not_come_back_beside_another(session):
    orne, organisation = departement(), OrganisationFactory()
    first = stories.give(organisation, orne, text="Un premier mot.", signature="")
    stories.decide(first, is_shown=False)
    stories.give(organisation, orne, text="Un second mot.", signature="")

    with pytest.raises(NotAllowedNow):
        stories.decide(first, is_shown=True)


def test_the_database_keeps_no_words_without_consent(session):
    given_story()
    taken_back = update(Story).values(status=StoryStatus.WITHDRAWN)

    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(taken_back)

    assert session.scalars(select(Story.text)).all() == ["Un atelier trouvé en deux semaines."]


def test_a_structure_that_goes_takes_its_words_back_and_follows_nobody(session):
    one = given_story(status=StoryStatus.PUBLISHED)
    communities.join(departement(), one.organisation)

    erased = Erased.of_structure(one.organisation)
    for eraser in (ERASERS["story"], ERASERS["news"], ERASERS["cluster_invitation"]):
        eraser(erased)
    session.expire_all()

    assert (one.status, one.text) == (StoryStatus.WITHDRAWN, "")
    assert communities.counts([departement().id]) == {}


def test_news_have_an_author_and_a_place(session):
    user = UserFactory(animator=True)
    one = news.post(departement(), user, title="Ouverture", text="Demain.")

    assert news.one(one.id) == one
    assert [row.title for row in news.newest(departement()).items] == ["Ouverture"]
