"""A search that somebody keeps tells what is new, when there is something new, until it is stopped."""

import email
import email.policy
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Category, EntryKind, Family, ObjectionSource, OutboxMail, Rhythm, SavedSearch, Status, Theme, Topic, Trait, User
from matchmaker.models.base import now
from matchmaker.services import addresses, saved_searches
from matchmaker.services.search import Question
from matchmaker.web.settings import mail_settings
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, UserFactory

# A Tuesday morning in Paris, in term.
MORNING = datetime(2027, 3, 9, 9, 30, tzinfo=UTC)


def kept(question: Question = Question(), *, user: User | None = None, rhythm: Rhythm = Rhythm.WEEKLY, label: str = "Structures") -> SavedSearch:  # noqa: B008
    saved = saved_searches.keep(user or UserFactory(), question, label=label, address="q=" + question.text, rhythm=rhythm)
    saved.told_until = saved.looked_at = MORNING - timedelta(days=8)
    db.session.flush()
    return saved


def send(at: datetime = MORNING) -> int:
    return saved_searches.send_due(at=at, settings=mail_settings())


def mails() -> list[OutboxMail]:
    return list(db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "saved_search").order_by(OutboxMail.id)))


def text_of(mail: OutboxMail) -> str:
    part = email.message_from_bytes(mail.message, policy=email.policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def fresh(**fields) -> None:
    NeedFactory(published_at=MORNING - timedelta(hours=3), **fields)


def test_what_is_new_is_told_once_with_a_way_out(app):
    saved = kept(Question(kind=EntryKind.NEED, text="camion"), label="Besoins, « camion »")
    NeedFactory(title="Un camion depuis longtemps", published_at=MORNING - timedelta(days=30))
    fresh(title="Un camion pour un déménagement", organisation=OrganisationFactory(name="Tournebride"))
    fresh(title="Autre chose")

    assert (send(), send(), send(MORNING + timedelta(minutes=30))) == (1, 0, 0)

    mail = mails()[0]
    assert mail.recipient == saved.user.email
    assert mail.subject == "1\u00a0nouveauté\u00a0: Besoins, « camion »"
    told = text_of(mail)
    assert "Un camion pour un déménagement, Tournebride, Flers (61)" in told
    assert "depuis longtemps" not in told
    assert "Autre chose" not in told
    assert "/annuaire?q=camion" in told
    assert saved_searches.stop_link(saved, mail_settings()) in told
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in mail.message


def test_without_news_nothing_is_sent(app):
    kept(Question(kind=EntryKind.NEED, text="camion"))

    assert send() == 0
    assert mails() == []


def test_many_news_are_counted_and_the_first_named(app):
    kept(Question(kind=EntryKind.NEED))
    for number in range(12):
        fresh(title=f"Besoin {number}")

    send()

    told = text_of(mails()[0])
    assert mails()[0].subject.startswith("12\u00a0nouveautés")
    assert told.count("/structures/") == saved_searches.SHOWN
    assert "Et 4\u00a0autres." in told


@pytest.mark.parametrize(("rhythm", "days", "again"), [(Rhythm.DAILY, 1, 1), (Rhythm.WEEKLY, 1, 0), (Rhythm.WEEKLY, 7, 1)])
def test_each_rhythm_keeps_its_days(app, rhythm, days, again):
    kept(Question(kind=EntryKind.NEED), rhythm=rhythm)
    fresh()
    assert send() == 1
    later = MORNING + timedelta(days=days, hours=-1)
    NeedFactory(published_at=later - timedelta(hours=1))

    assert send(later) == again


@pytest.mark.parametrize("at", [datetime(2027, 3, 7, 10, tzinfo=UTC), datetime(2027, 3, 9, 3, tzinfo=UTC)], ids=["sunday", "night"])
def test_no_mail_leaves_at_night_or_on_a_sunday(app, at):
    kept(Question(kind=EntryKind.NEED))
    fresh(title="Trop tôt")

    assert send(at) == 0
    assert send(MORNING + timedelta(days=1)) == 1


def test_nobody_who_stopped_refused_or_left_is_written_to(app):
    stopped, refusing, gone = kept(Question(kind=EntryKind.NEED)), kept(Question(kind=EntryKind.NEED)), kept(Question(kind=EntryKind.NEED))
    saved_searches.stop(stopped)
    addresses.object_to(addresses.digest(refusing.user.email), [Topic.SEARCHES], source=ObjectionSource.ONE_CLICK)
    gone.user.is_active = False
    fresh()

    assert send() == 0
    assert mails() == []


def test_after_a_stop_only_what_comes_later_is_news(app):
    saved = kept(Question(kind=EntryKind.NEED))
    saved.told_until = now() - timedelta(days=90)
    saved_searches.stop(saved)
    saved_searches.resume(saved, Rhythm.DAILY)

    assert saved.stopped_at is None
    assert saved.told_until > now() - timedelta(minutes=1)


def test_what_was_withdrawn_or_is_in_confidence_is_told_to_nobody(app):
    kept(Question(kind=EntryKind.NEED))
    fresh(status=Status.CLOSED)
    fresh(category=Category.SUCCESSION, is_confidential=True, title="Fraxinelle")

    assert send() == 0


def test_structures_and_offers_are_told_too(app):
    kept(Question())
    kept(Question(kind=EntryKind.OFFER))
    house = OrganisationFactory(name="La Nouvelle", created_at=MORNING - timedelta(days=1))
    OfferFactory(organisation=house, title="Une salle", published_at=MORNING - timedelta(days=1))

    assert send() == 2
    told = sorted(text_of(mail) for mail in mails())
    assert any("La Nouvelle, Flers (61)" in one for one in told)
    assert any("Une salle, La Nouvelle" in one for one in told)


def test_a_question_comes_back_as_it_was_kept(session):
    question = Question(
        kind=EntryKind.OFFER,
        text="réemploi",
        around="61169",
        radius_km=10,
        departement="61",
        epci="200068468",
        families=frozenset({Family.ASSOCIATION, Family.PUBLIC}),
        categories=frozenset({Category.JOB}),
        themes=frozenset({Theme.FOOD}),
        traits=frozenset({Trait.CLAUSE, Trait.ACCESSIBLE}),
    )
    saved = kept(question)
    session.commit()
    session.expire_all()

    assert saved_searches.question_of(saved) == question
    saved.asked = saved.asked | {"themes": ["gone"], "families": ["gone"]}
    assert saved_searches.question_of(saved).themes == frozenset()


def test_the_same_search_kept_again_only_changes_its_rhythm_and_nobody_keeps_too_many(session):
    user = UserFactory()
    first = saved_searches.keep(user, Question(), label="Tout", address="", rhythm=Rhythm.WEEKLY)
    again = saved_searches.keep(user, Question(), label="Tout", address="", rhythm=Rhythm.DAILY)
    for number in range(saved_searches.MOST - 1):
        saved_searches.keep(user, Question(text=str(number)), label="Autre", address=f"q={number}", rhythm=Rhythm.WEEKLY)

    assert again is first
    assert first.rhythm is Rhythm.DAILY
    with pytest.raises(saved_searches.TooMany):
        saved_searches.keep(user, Question(text="de trop"), label="Autre", address="q=de+trop", rhythm=Rhythm.WEEKLY)
    assert saved_searches.of(user)[-1].told_until <= now()
