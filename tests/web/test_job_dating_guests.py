"""Who comes: each says how by its link, asks to come, waits for a place; the host sees it, and nothing of it outlives the day."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import Answer, Channel, Match, MatchStatus, OutboxMail, Participant, ParticipantState, Wish, WishKind
from matchmaker.models.base import PARIS, now
from matchmaker.services import invitation_reminders, invitations, job_dating_guests
from matchmaker.web.settings import mail_settings
from tasks.job_datings import forget_needs, settle_due
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, venue
from tests.pages import words
from tests.services.test_invitations import send_all
from tests.web.test_job_datings import host, place, planned, published

__all__ = ["host", "place"]
GUESTS, ASK = "/mes-job-datings/{}/invites", "/job-datings/{}/inscription"


@pytest.fixture(autouse=True)
def _application(app):
    """Rows are made in the transaction of the test."""


def invitation_of(job_dating, name: str):
    return next(one for one in invitations.invitations_of(job_dating) if one.organisation.name == name)


def details_of(app, invitation) -> str:
    return f"/invitations/{invitations.token(invitation, app.config['SECRET_KEY'])}/venue"


def participant(job_dating, name: str) -> Participant:
    return next(one for one in job_dating.participants if one.organisation.name == name)


def say(job_dating, name: str, answer: Answer) -> None:
    invitations.answer(invitation_of(job_dating, name), answer, channel=Channel.LINK)
    db.session.commit()


def planned_with(job_dating, name: str) -> int:
    return sum(name in {one.match.need.organisation.name, one.match.offer.organisation.name} for one in job_dating.planned)


def test_a_structure_says_by_its_link_how_it_comes_and_the_plan_follows(app, client, place):
    job_dating = published(place, 3)
    path = details_of(app, invitation_of(job_dating, "Picorée"))
    other = participant(job_dating, "Atelier 2")
    late = job_dating.round_starts_at(2)

    page = client.get(path)
    typed = {"delegates": "1", "arrives": f"{late.astimezone(PARIS):%H:%M}", f"souhait-{other.organisation_id}": "not_now"}
    response = client.post(path, data=typed | {"access_note": " Une boucle magnétique "})

    assert "Comment venez-vous" in words(page.text)
    assert response.status_code == 302
    db.session.expire_all()
    buyer = participant(job_dating, "Picorée")
    assert (buyer.access_note, buyer.said_at is not None, [wish.kind for wish in buyer.wishes]) == ("Une boucle magnétique", True, [WishKind.NOT_NOW])
    assert all(job_dating.round_starts_at(one.round) >= buyer.arrives_at for one in job_dating.planned)
    assert planned_with(job_dating, "Atelier 2") == 0
    assert planned_with(job_dating, "Picorée") == 2


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"delegates": "0"}, "Écrivez un nombre de 1 à 9."),
        ({"delegates": "9"}, "Le lieu est plein"),
        ({"arrives": "11:00", "leaves": "10:00"}, "dites quand vous y serez"),
        ({"leaves": "07:00"}, "dites quand vous y serez"),
        ({"arrives": "23:00"}, "dites quand vous y serez"),
        ({"needs_accessible": "y"}, "Ce lieu n’a pas de table accessible."),
        ({"access_note": "x" * 600}, "C’est trop long"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_changes(app, client, typed, sentence):
    job_dating = published(venue(accessible=0, headcount=12), 2)

    response = client.post(details_of(app, invitation_of(job_dating, "Picorée")), data={"delegates": "1"} | typed)

    assert response.status_code == 422
    assert sentence in words(response.text)
    db.session.expire_all()
    assert participant(job_dating, "Picorée").said_at is None


def test_the_link_shows_to_nobody_what_another_wishes(app, client, place):
    job_dating = published(place, 1)
    participant(job_dating, "Atelier 1").wishes.append(Wish(organisation=participant(job_dating, "Picorée").organisation, kind=WishKind.NOT_NOW))
    db.session.commit()

    page = client.get(details_of(app, invitation_of(job_dating, "Picorée"))).text

    assert '<option value="" selected>' in page


def test_who_declined_or_comes_too_late_cannot_say_how_it_comes(app, client, place):
    job_dating = published(place, 2)
    path = details_of(app, invitation_of(job_dating, "Picorée"))
    say(job_dating, "Picorée", Answer.DECLINED)
    assert client.get(path).status_code == 410

    say(job_dating, "Picorée", Answer.ACCEPTED)
    with time_machine.travel(job_dating.starts_at + timedelta(minutes=5), tick=False):
        assert client.get(path).status_code == 410
    assert client.get(f"{path[:-12]}xx/venue").status_code == 404


def test_the_first_that_waits_takes_the_place_of_who_leaves_and_is_told(client, place):
    job_dating = published(place, 2)
    waiting = OrganisationFactory(name="Épicerie")
    MatchFactory(mutual=True, need=NeedFactory(organisation=participant(job_dating, "Picorée").organisation), offer=OfferFactory(organisation=waiting))
    job_dating.participants.append(Participant(organisation=waiting, state=ParticipantState.WAITING, waiting_since=now()))
    place.authorised_headcount = 5
    send_all()
    db.session.commit()
    before = db.session.scalar(select(func.count()).select_from(OutboxMail))

    settle_due()
    assert participant(job_dating, "Épicerie").state == "waiting"
    say(job_dating, "Atelier 1", Answer.DECLINED)
    settle_due()
    settle_due()

    db.session.expire_all()
    assert participant(job_dating, "Épicerie").state == "invited"
    assert (planned_with(job_dating, "Atelier 1"), planned_with(job_dating, "Épicerie"), planned_with(job_dating, "Atelier 2")) == (0, 1, 1)
    mails = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).all()
    assert len(mails) == before + 1
    assert (mails[0].kind, mails[0].organisation_id) == ("invitation", waiting.id)


def test_who_changes_its_mind_gets_its_meetings_back(client, place):
    job_dating = published(place, 2)
    say(job_dating, "Atelier 1", Answer.DECLINED)
    settle_due()
    assert planned_with(job_dating, "Atelier 1") == 0

    say(job_dating, "Atelier 1", Answer.ACCEPTED)
    settle_due()

    db.session.expire_all()
    assert planned_with(job_dating, "Atelier 1") == 1


def test_a_structure_asks_to_come_and_the_host_lets_it_meet_whom_the_calculation_proposes(client, place):
    job_dating = published(place, 1)
    owner, asking = UserFactory(host=True, organisation=place.organisation), UserFactory(organisation=OrganisationFactory(name="Épicerie"))
    buyer = participant(job_dating, "Picorée")
    match = MatchFactory(status=MatchStatus.PROPOSED, need=NeedFactory(organisation=buyer.organisation), offer=OfferFactory(organisation=asking.organisation))
    say(job_dating, "Picorée", Answer.ACCEPTED)
    client.sign_in(asking)
    client.post(ASK.format(job_dating.id))
    assert [one.organisation.name for one in job_dating.participants if one.state == "requested"] == []

    client.sign_in(owner)
    client.post(GUESTS.format(job_dating.id), data={"action": "open"})
    client.sign_in(asking)
    assert "Demander à venir" in client.get(f"/job-datings/{job_dating.id}").text
    client.post(ASK.format(job_dating.id))
    client.post(ASK.format(job_dating.id))
    assert "demande à venir" in words(client.get(f"/job-datings/{job_dating.id}").text)
    client.sign_in(owner)
    client.post(GUESTS.format(job_dating.id), data={"action": "accept", "structure": str(asking.organisation.id)})

    db.session.expire_all()
    assert participant(job_dating, "Épicerie").state == "confirmed"
    assert match.id in {one.match_id for one in job_dating.planned}


def test_a_full_house_puts_who_asks_on_the_waiting_list(client, host, place):
    job_dating = published(place, 1)
    place.authorised_headcount = 4
    job_dating.is_registration_open = True
    asking = OrganisationFactory(name="Épicerie")
    job_dating_guests.register(job_dating, asking)
    db.session.commit()

    client.post(GUESTS.format(job_dating.id), data={"action": "accept", "structure": str(asking.id)})
    page = words(client.get(GUESTS.format(job_dating.id)).text)

    assert "en liste d’attente, au rang 1" in page
    refused = client.post(GUESTS.format(job_dating.id), data={"action": "add", "structure": str(OrganisationFactory().id)}, follow_redirects=True)
    assert "5 personnes, 4 autorisées, équipe comprise." in words(refused.text)


def test_the_host_finds_a_structure_and_adds_it_with_its_meetings(client, host, place):
    job_dating = planned(place, 1)
    wanted = OrganisationFactory(name="Menuiserie Talvande")
    MatchFactory(mutual=True, need=NeedFactory(organisation=participant(job_dating, "Picorée").organisation), offer=OfferFactory(organisation=wanted))
    db.session.commit()

    page = client.get(GUESTS.format(job_dating.id) + "?q=talvande").text
    client.post(GUESTS.format(job_dating.id), data={"action": "add", "structure": str(wanted.id)})

    assert "Menuiserie Talvande" in page
    db.session.expire_all()
    assert planned_with(job_dating, "Menuiserie Talvande") == 1
    client.post(GUESTS.format(job_dating.id), data={"action": "remove", "structure": str(wanted.id)})
    db.session.expire_all()
    assert [one.organisation.name for one in job_dating.participants if one.organisation_id == wanted.id] == []


def test_two_hosts_change_the_list_and_the_second_reads_what_is_so(client, host, place):
    job_dating, wanted = planned(place, 1), OrganisationFactory(name="Menuiserie Talvande")
    db.session.commit()
    acts = [{"action": action, "structure": str(wanted.id)} for action in ("add", "add", "remove", "remove", "accept")]

    told = [words(client.post(GUESTS.format(job_dating.id), data=act, follow_redirects=True).text) for act in acts]

    assert ["Quelqu’un d’autre vient de changer cette liste" in text for text in told] == [False, True, False, True, True]
    db.session.expire_all()
    assert len(job_dating.participants) == 2


@pytest.mark.parametrize(
    ("data", "status"), [({}, 302), ({"action": "vendre"}, 302), ({"action": "add", "structure": "x"}, 404), ({"action": "accept", "structure": ""}, 404)]
)
def test_acts_that_cannot_be_read_change_nothing(client, host, place, data, status):
    job_dating = planned(place, 1)

    assert client.post(GUESTS.format(job_dating.id), data=data).status_code == status
    db.session.expire_all()
    assert len(job_dating.participants) == 2


def test_nobody_asks_to_come_to_a_draft_or_manages_another_house(client, host, place):
    draft, foreign = planned(place, 1, is_registration_open=True), JobDatingFactory(venue=venue())
    db.session.commit()

    assert client.post(ASK.format(draft.id)).status_code == 404
    assert client.get(GUESTS.format(foreign.id)).status_code == 404
    assert client.post(GUESTS.format(foreign.id), data={"action": "open"}).status_code == 404


def test_the_silent_are_asked_once_more_and_only_once(session, app, place):
    job_dating = published(place, 2)
    say(job_dating, "Picorée", Answer.ACCEPTED)
    send_all()

    assert invitation_reminders.remind(settings=mail_settings()) == 0
    with time_machine.travel(invitation_of(job_dating, "Atelier 1").answer_by - timedelta(days=2), tick=False):
        assert invitation_reminders.remind(settings=mail_settings()) == 2
        assert invitation_reminders.remind(settings=mail_settings()) == 0

    mails = session.scalars(select(OutboxMail).where(OutboxMail.kind == "invitation_reminder")).all()
    assert len(mails) == 2
    assert all("nous attendons votre réponse" in mail.subject.replace("\u00a0", " ") for mail in mails)


def test_what_people_need_is_forgotten_the_day_after(session, place):
    job_dating = published(place, 1)
    buyer = participant(job_dating, "Picorée")
    buyer.needs_accessible, buyer.access_note = True, "Une boucle magnétique"
    buyer.wishes.append(Wish(organisation=participant(job_dating, "Atelier 1").organisation, kind=WishKind.MEET))
    session.commit()

    forget_needs()
    session.expire_all()
    assert buyer.access_note
    with time_machine.travel(job_dating.ends_at + timedelta(days=1), tick=False):
        forget_needs()

    session.expire_all()
    assert (buyer.needs_accessible, buyer.access_note, buyer.wishes) == (False, "", [])
    assert session.scalar(select(func.count()).select_from(Match)) == 1


def test_who_says_no_is_shown_as_such_with_who_can_be_invited_instead(client, host, place):
    job_dating = published(place, 2)
    other = OrganisationFactory(name="Verger des Monts")
    MatchFactory(mutual=True, need=NeedFactory(organisation=participant(job_dating, "Picorée").organisation), offer=OfferFactory(organisation=other))
    say(job_dating, "Atelier 1", Answer.DECLINED)
    settle_due()

    assert f"{GUESTS.format(job_dating.id)}#ne-viennent-pas" in client.get(f"/mes-job-datings/{job_dating.id}").text
    page = client.get(GUESTS.format(job_dating.id)).text

    assert "1 structure ne vient pas Atelier 1. Les tables sont libérées." in words(page)
    assert "Verger des Monts , Flers (61), rencontrerait Picorée" in words(page)
    client.post(GUESTS.format(job_dating.id), data={"action": "add", "structure": str(other.id)})
    db.session.expire_all()
    assert planned_with(job_dating, "Verger des Monts") == 1
    after = words(client.get(GUESTS.format(job_dating.id)).text)
    assert "ne s’est dit oui avec celles qui viennent" in after


def test_who_only_asks_to_come_is_not_counted_among_the_invited(client, host, place):
    job_dating = published(place, 2, is_registration_open=True)
    job_dating_guests.register(job_dating, OrganisationFactory())
    db.session.commit()

    page = client.get(f"/mes-job-datings/{job_dating.id}").text

    assert "3 structures sont invitées" in words(page)


@pytest.mark.parametrize("page", ["", "/invites", "/grille", "/rencontres", "/jour-j", "/replanification", "/papier", "/deplacer"])
def test_the_menu_says_on_every_page_of_a_job_dating_where_one_is(client, host, place, page):
    job_dating = published(place, 2)

    assert '<a href="/mes-job-datings" aria-current="page">' in client.get(f"/mes-job-datings/{job_dating.id}{page}").text
