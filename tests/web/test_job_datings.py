"""The pages of job datings: what the public sees, what a participant sees, and the whole way from a date to the invitations."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import Answer, Category, Invitation, JobDating, JobDatingStatus, MailStatus, OutboxMail
from matchmaker.models.base import now
from matchmaker.services import job_datings
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, venue

YEAR = now().year + 1
CHOICE, PLAN, PUBLISH = "/mes-job-datings/{}/choix", "/mes-job-datings/{}", "/mes-job-datings/{}/publication"


@pytest.fixture
def place():
    return venue(OrganisationFactory(name="Tiers-lieu du Lavoir"), tables=3)


@pytest.fixture
def host(app, client, place):
    user = UserFactory(host=True, organisation=place.organisation)
    db.session.commit()
    client.sign_in(user)
    return user


@pytest.fixture(autouse=True)
def _application(app):
    """Rows are made in the transaction of the test."""


def typed(place, **changed: str) -> dict[str, str]:
    """The form as a host fills it in."""
    answers = {
        "venue_id": str(place.id),
        "title": "Job dating de printemps",
        "theme": "emploi_insertion",
        "held_on": f"{YEAR}-06-12",
        "starts": "09:00",
        "ends": "12:00",
        "welcome_minutes": "30",
        "round_minutes": "12",
        "changeover_minutes": "3",
        "break_after_round": "4",
        "break_minutes": "15",
    }
    return answers | changed


def planned(place, meetings: int = 2, **fields) -> JobDating:
    """A draft with one structure that meets several others."""
    buyer = OrganisationFactory(name="Picorée")
    partners = [OrganisationFactory(name=f"Atelier {number}") for number in range(1, meetings + 1)]
    matches = [MatchFactory(mutual=True, need=NeedFactory(organisation=buyer), offer=OfferFactory(organisation=partner)) for partner in partners]
    job_dating = JobDatingFactory(venue=place, **fields)
    job_datings.choose(job_dating, matches)
    db.session.commit()
    return job_dating


def published(place, meetings: int = 2, **fields) -> JobDating:
    job_dating = planned(place, meetings, **fields)
    job_datings.publish(job_dating, settings=mail_settings())
    db.session.commit()
    return job_dating


def heading(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    return " ".join(unescape(found.group(1)).replace("\u00a0", " ").split()) if found else ""


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " ").split())


# The public


def test_the_public_list_shows_where_and_when_and_how_many_but_no_draft(client, place):
    published(place, title="Job dating de Flers", theme="lin_bois")
    planned(venue(OrganisationFactory(at="Caen (14)")), title="Encore secret", starts_at=now() + timedelta(days=9))

    page = client.get("/job-datings").text

    assert heading(page) == "Où se rencontrer : 1 job dating à venir"
    assert "Le Palonnier" in page
    assert "Flers, Orne" in page
    assert "Lin et bois" in page
    assert "Caen" not in page


def test_an_empty_public_list_says_why_and_offers_a_gesture(client):
    page = client.get("/job-datings").text

    assert "Aucun job dating pour le moment" in page
    assert "Inscrire votre structure" in page


def test_the_public_page_names_no_structure_that_comes(client, place):
    job_dating = published(place)

    page = client.get(f"/job-datings/{job_dating.id}").text

    assert "Job dating de l’hiver" in page
    assert "Le Palonnier" in page
    assert "Picorée" not in page
    assert "Atelier" not in page


def test_a_participant_sees_its_own_meetings_and_nobody_elses(client, place):
    job_dating = published(place)
    partner = next(participant.organisation for participant in job_dating.participants if participant.organisation.name == "Atelier 1")
    member = UserFactory(organisation=partner)
    db.session.commit()
    client.sign_in(member)

    page = words(client.get(f"/job-datings/{job_dating.id}").text)

    assert "Votre entretien" in page
    assert "Picorée" in page
    assert "Atelier 2" not in page


def test_an_invited_member_finds_its_answer_and_the_way_to_give_it(client, place):
    job_dating = published(place)
    invitation = db.session.scalars(select(Invitation).where(Invitation.job_dating_id == job_dating.id)).first()
    member, stranger = UserFactory(organisation=invitation.organisation), UserFactory()
    db.session.commit()
    address = f"/job-datings/{job_dating.id}"

    assert "Votre réponse" not in client.get(address).text
    client.sign_in(stranger)
    assert "Votre réponse" not in client.get(address).text
    client.sign_in(member)
    before = client.get(address).text
    link = re.search(r'href="(/invitations/[^"]+)">Répondre à l’invitation', before).group(1)
    client.post(link, data={"reponse": "oui"})
    after = client.get(address).text
    with time_machine.travel(invitation.answer_by + timedelta(hours=1), tick=False):
        client.sign_in(member)
        late = client.get(address).text

    assert "Votre réponse : pas encore donnée." in words(before)
    assert "Votre réponse : oui, je viens." in words(after)
    assert "Changer votre réponse" in after
    assert "Votre réponse : oui, je viens." in words(late)
    assert "/invitations/" not in late


def test_one_of_each_is_written_in_the_singular(client, place):
    job_dating = published(place, 1, welcome_minutes=1)

    page = words(client.get(f"/job-datings/{job_dating.id}").text)

    assert "entretien 1 de 12 minutes tour 1 après 1 minute d’accueil" in page


def test_a_draft_is_absent_for_all_but_who_is_in_charge(client, place, app):
    job_dating = planned(place)
    address = f"/job-datings/{job_dating.id}"

    assert client.get(address).status_code == 404
    client.sign_in(host := UserFactory(host=True, organisation=place.organisation))
    db.session.commit()
    assert host.organisation == place.organisation
    assert client.get(address).location.endswith(PLAN.format(job_dating.id))
    assert client.get(f"/job-datings/{uuid4()}").status_code == 404


def test_a_cancelled_one_says_so_to_who_kept_the_address(client, place):
    job_dating = published(place)
    job_datings.cancel(job_dating, settings=mail_settings())
    db.session.commit()

    assert "Ce job dating est annulé." in client.get(f"/job-datings/{job_dating.id}").text


# Preparing


def test_a_host_prepares_a_draft_at_hours_of_paris(client, host, place):
    response = client.post("/mes-job-datings/nouveau", data=typed(place))

    job_dating = db.session.scalars(select(JobDating)).one()
    assert response.location.endswith(CHOICE.format(job_dating.id))
    assert job_dating.starts_at == datetime(YEAR, 6, 12, 7, tzinfo=UTC)
    assert job_dating.ends_at == datetime(YEAR, 6, 12, 10, tzinfo=UTC)
    assert job_dating.status is JobDatingStatus.DRAFT


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"title": ""}, "Donnez-lui un titre."),
        ({"held_on": ""}, "Choisissez une date."),
        ({"held_on": "12/06/2031"}, "Choisissez une date."),
        ({"held_on": "2031-02-30"}, "Choisissez une date."),
        ({"held_on": "2020-06-12"}, "Cette date est passée. Vouliez-vous écrire 12/06/2031\u00a0?"),
        ({"held_on": "2039-06-12"}, "C’est dans plus de trois ans."),
        ({"starts": "neuf heures"}, "Écrivez l’heure du début."),
        ({"ends": "08:00"}, "La fin est avant le début."),
        ({"starts": "07:00", "ends": "19:30"}, "douze heures au plus"),
        ({"round_minutes": "2"}, "Écrivez un nombre de 3 à 60."),
        ({"round_minutes": "douze"}, "Écrivez un nombre de 3 à 60."),
        ({"changeover_minutes": "-1"}, "Écrivez un nombre de 0 à 30."),
        ({"break_after_round": "0"}, "Écrivez un nombre de 1 à 50."),
        ({"theme": "licornes"}, "alid"),
        # Clocks go from 2 to 3 that night.
        ({"held_on": "2031-03-30", "starts": "02:30"}, "Cette heure n’existe pas le 30 mars"),
    ],
)
def test_a_wrong_answer_is_told_and_what_was_typed_is_kept(client, host, place, changed, sentence):
    with time_machine.travel(datetime(2031, 1, 15, 12, tzinfo=UTC), tick=False):
        client.sign_in(host)
        response = client.post("/mes-job-datings/nouveau", data=typed(place, **{"title": "Le titre tapé", "held_on": "2031-06-12"} | changed))

    assert response.status_code == 422
    assert sentence in response.text
    assert "title" in changed or "Le titre tapé" in response.text
    assert db.session.scalar(select(func.count()).select_from(JobDating)) == 0


def test_zero_minutes_of_break_are_an_answer(client, host, place):
    assert client.post("/mes-job-datings/nouveau", data=typed(place, break_minutes="0", welcome_minutes="0")).status_code == 302


def test_only_a_venue_in_ones_hands_can_be_chosen(client, host, place):
    foreign = venue()
    db.session.commit()

    assert str(foreign.id) not in client.get("/mes-job-datings/nouveau").text
    assert client.post("/mes-job-datings/nouveau", data=typed(foreign)).status_code == 422
    assert client.post("/mes-job-datings/nouveau", data=typed(place, venue_id="x")).status_code == 422


def test_without_a_venue_the_first_thing_is_to_describe_one(client):
    host = UserFactory(host=True)
    db.session.commit()
    client.sign_in(host)

    assert "Il faut d’abord un lieu" in client.get("/mes-job-datings/nouveau").text
    assert client.post("/mes-job-datings/nouveau", data={}).status_code == 422


def test_the_hours_of_a_draft_can_be_changed(client, host, place):
    job_dating = planned(place)

    page = client.get(f"/mes-job-datings/{job_dating.id}/modifier").text
    response = client.post(f"/mes-job-datings/{job_dating.id}/modifier", data=typed(place, round_minutes="20"))

    assert f'value="{job_dating.title}"' in unescape(page)
    assert response.location.endswith(PLAN.format(job_dating.id))
    db.session.expire_all()
    assert (job_dating.title, job_dating.round_minutes) == ("Job dating de printemps", 20)


# Choosing


def test_the_choice_lists_the_free_pairs_and_leads_to_the_plan(client, host, place):
    match, _other = MatchFactory(mutual=True), MatchFactory(mutual=True)
    job_dating = JobDatingFactory(venue=place)
    db.session.commit()

    page = client.get(CHOICE.format(job_dating.id)).text
    response = client.post(CHOICE.format(job_dating.id), data={"pairs": [str(match.id)]})

    assert match.need.title in unescape(page)
    assert match.offer.organisation.name in page
    assert "80" in page
    assert response.location.endswith(PLAN.format(job_dating.id))
    db.session.expire_all()
    assert [meeting.match_id for meeting in job_dating.meetings] == [match.id]
    assert len(re.findall(r"\bchecked\b", client.get(CHOICE.format(job_dating.id)).text)) == 1
    assert len(re.findall(r"\bchecked\b", client.get(CHOICE.format(job_dating.id) + "?tout=oui").text)) == 2


def test_too_many_people_are_refused_with_the_numbers_and_the_ticks_are_kept(client, host, place):
    place.authorised_headcount = 5
    matches = [MatchFactory(mutual=True) for _ in range(2)]
    job_dating = JobDatingFactory(venue=place)
    db.session.commit()

    response = client.post(CHOICE.format(job_dating.id), data={"pairs": [str(match.id) for match in matches]})

    assert response.status_code == 422
    assert "6 personnes, 5 autorisées, équipe comprise. Retirez 1 personne." in words(response.text)
    assert len(re.findall(r"\bchecked\b", response.text)) == 2
    db.session.expire_all()
    assert job_dating.meetings == []


@pytest.mark.parametrize("ticks", [[], ["pas un identifiant"]])
def test_a_choice_of_nothing_is_told(client, host, place, ticks):
    MatchFactory(mutual=True)
    job_dating = JobDatingFactory(venue=place)
    db.session.commit()

    assert client.post(CHOICE.format(job_dating.id), data={"pairs": ticks}).status_code == 422


def test_a_pair_that_is_not_free_any_more_is_told_and_nothing_is_planned(client, host, place):
    taken = planned(venue()).meetings[0].match
    free = MatchFactory(mutual=True)
    job_dating = JobDatingFactory(venue=place)
    db.session.commit()

    response = client.post(CHOICE.format(job_dating.id), data={"pairs": [str(free.id), str(taken.id)]})

    assert response.status_code == 422
    assert "n’est plus libre" in response.text
    db.session.expire_all()
    assert job_dating.meetings == []


def test_no_free_pair_says_why(client, host, place):
    job_dating = JobDatingFactory(venue=place)
    db.session.commit()

    assert "Aucune paire libre dans ce département" in client.get(CHOICE.format(job_dating.id)).text


# The plan


def test_the_title_of_the_plan_is_the_answer_with_its_proof(client, host, place):
    job_dating = planned(place, 3)

    page = client.get(PLAN.format(job_dating.id)).text

    assert heading(page) == "Tout le monde se rencontre en 3 tours"
    assert "On ne peut pas faire moins de 3 tours : la structure la plus demandée a 3 entretiens." in words(page)
    assert "Relire et inviter les 4" in page
    assert "4 courriels partiront" in words(page)
    assert "personnes dans la salle 6 49 autorisées" in words(page)


def test_a_plan_held_back_by_its_tables_says_so(client, host):
    place = venue(UserFactory(host=True).organisation, tables=1)
    job_dating = JobDatingFactory(venue=place)
    job_datings.choose(job_dating, [MatchFactory(mutual=True) for _ in range(2)])
    owner = UserFactory(host=True, organisation=place.organisation)
    db.session.commit()
    client.sign_in(owner)

    assert "il y a 1 table pour 2 entretiens" in words(client.get(PLAN.format(job_dating.id)).text)


def test_the_grid_holds_each_meeting_in_its_round_and_table_and_a_pause_elsewhere(client, host, place):
    job_dating = planned(place, 5)

    page = words(client.get(PLAN.format(job_dating.id)).text)

    for number in range(1, 6):
        assert f"offre : Atelier {number}" in page
    assert "Pause café, 15 minutes" in page
    assert page.index("Tour 4") < page.index("Pause café") < page.index("Tour 5")


def test_a_plan_that_does_not_fit_says_the_smallest_change_and_cannot_be_published(client, host, place):
    job_dating = planned(place, 10, starts_at=datetime(2031, 6, 12, 7, tzinfo=UTC))

    page = client.get(PLAN.format(job_dating.id)).text
    response = client.post(PUBLISH.format(job_dating.id), follow_redirects=True)

    assert heading(page) == "Il faut 10 tours, 9 tiennent avant midi"
    assert "Finissez à 12 h 15, ou passez de 12 à 10 minutes par entretien." in words(page)
    assert "Relire et inviter" not in page
    assert "Tous les tours ne tiennent pas" in response.text
    db.session.expire_all()
    assert job_dating.status is JobDatingStatus.DRAFT


def test_a_change_that_the_page_advises_makes_the_plan_fit(client, host, place):
    job_dating = planned(place, 10, starts_at=datetime(2031, 6, 12, 7, tzinfo=UTC))
    advice = words(client.get(PLAN.format(job_dating.id)).text)
    minutes = re.search(r"passez de 12 à (\d+) minutes", advice).group(1)

    for changed in ({"round_minutes": minutes}, {"ends": "12:15"}):
        client.post(f"/mes-job-datings/{job_dating.id}/modifier", data=typed(place, **changed))
        assert heading(client.get(PLAN.format(job_dating.id)).text) == "Tout le monde se rencontre en 10 tours"


def test_what_structures_need_changes_the_plan(client, host, place):
    job_dating = planned(place, 4)
    buyer = next(participant for participant in job_dating.participants if participant.organisation.name == "Picorée")
    data = {f"{participant.id}-delegates": "1" for participant in job_dating.participants} | {f"{buyer.id}-delegates": "2"}

    response = client.post(f"/mes-job-datings/{job_dating.id}/structures", data=data, follow_redirects=True)

    assert heading(response.text) == "Tout le monde se rencontre en 2 tours"
    assert "la personne la plus demandée a 2 entretiens" in words(response.text)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("delegates", "0", "Écrivez un nombre de 1 à 9."),
        ("delegates", "trois", "Écrivez un nombre de 1 à 9."),
        ("delegates", "9", "autorisées, équipe comprise"),
    ],
)
def test_a_wrong_number_of_people_is_told_and_nothing_changes(client, host, place, field, value, sentence):
    place.authorised_headcount = 8
    job_dating = planned(place, 2)
    data = {f"{participant.id}-delegates": "1" for participant in job_dating.participants} | {f"{job_dating.participants[0].id}-{field}": value}

    response = client.post(f"/mes-job-datings/{job_dating.id}/structures", data=data)

    assert response.status_code == 422
    assert sentence in response.text
    assert f'value="{value}"' in response.text
    db.session.expire_all()
    assert {participant.delegates for participant in job_dating.participants} == {1}


def test_an_accessible_table_that_the_venue_does_not_have_is_told(client):
    bare = venue(accessible=0)
    host = UserFactory(host=True, organisation=bare.organisation)
    job_dating = planned(bare)
    client.sign_in(host)
    data = {f"{participant.id}-delegates": "1" for participant in job_dating.participants}

    response = client.post(f"/mes-job-datings/{job_dating.id}/structures", data=data | {f"{job_dating.participants[0].id}-needs_accessible": "y"})

    assert response.status_code == 422
    assert "Aucune table de ce lieu n’est accessible." in response.text


# Publishing and cancelling


def test_publishing_invites_everyone_once_and_nudges_the_queue(client, host, place, nudged):
    job_dating = planned(place, 3)

    page = client.get(PUBLISH.format(job_dating.id)).text
    assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == 0
    first = client.post(PUBLISH.format(job_dating.id), follow_redirects=True)
    second = client.post(PUBLISH.format(job_dating.id), follow_redirects=True)

    assert "Publier et inviter les 4" in page
    assert "4\u00a0structures sont invitées" in first.text
    assert "Ce job dating est déjà publié." in second.text
    assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == 4
    assert nudged == [("tasks.outbox.drain",)]


def test_the_last_page_before_publishing_says_what_leaves_and_whom_to_call(client, host, place):
    job_dating = planned(place, 2, starts_at=datetime(2031, 6, 12, 7, tzinfo=UTC))
    silent = next(participant.organisation for participant in job_dating.participants if participant.organisation.name == "Atelier 2")
    silent.email, silent.phone = "", "02 33 11 22 33"
    db.session.commit()

    page = words(client.get(PUBLISH.format(job_dating.id)).text)

    assert "Inviter 3 structures le jeudi 12 juin 2031 ?" in page
    assert "2 courriels partiront" in page
    assert "On pourra répondre jusqu’au lundi 9 juin 2031, 9 h." in page
    assert "1 structure n’en reçoit pas" in page
    assert "pas d’adresse : appelez-les au 02 33 11 22 33" in page
    assert all(participant.organisation.email in page for participant in job_dating.participants)


def test_the_plan_says_what_became_of_each_mail(client, host, place):
    job_dating = planned(place, 3)
    silent = next(participant.organisation for participant in job_dating.participants if participant.organisation.name == "Atelier 3")
    silent.email = ""
    job_datings.publish(job_dating, settings=mail_settings())
    db.session.commit()
    mails = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()

    waiting = words(client.get(PLAN.format(job_dating.id)).text)
    for mail in mails:
        mail.status, mail.claimed_by = MailStatus.SENDING, mail.id
    db.session.flush()
    for mail in mails:
        mail.status, mail.claimed_by, mail.sent_at = MailStatus.SENT, None, now()
    db.session.commit()
    sent = words(client.get(PLAN.format(job_dating.id)).text)
    mails[0].status = MailStatus.BOUNCED
    db.session.commit()
    failed = words(client.get(PLAN.format(job_dating.id)).text)

    assert "3 invitations attendent de partir" in waiting
    assert "Les invitations sont parties" not in waiting
    assert "pas d’adresse : appelez-les au 02 33 00 00 00" in waiting
    assert "Les invitations sont parties" in sent
    assert "1 structure n’a pas d’adresse" in sent
    assert "1 invitation n’est pas arrivée" in failed
    assert "retourné : appelez-les au 02 33 00 00 00" in failed
    assert "Les invitations sont parties" not in failed


def test_a_venue_that_has_become_too_small_stops_the_publication_with_numbers(client, host, place):
    job_dating = planned(place, 3)
    place.authorised_headcount = 5
    db.session.commit()

    planner = words(client.get(PLAN.format(job_dating.id)).text)
    review = client.get(PUBLISH.format(job_dating.id))
    refused = words(client.post(PUBLISH.format(job_dating.id), follow_redirects=True).text)

    assert "6 personnes, 5 autorisées, équipe comprise. Retirez 1 personne." in planner
    assert "Relire et inviter" not in planner
    assert review.location.endswith(PLAN.format(job_dating.id))
    assert "Rien n’est parti. 6 personnes, 5 autorisées" in refused
    db.session.expire_all()
    assert job_dating.status is JobDatingStatus.DRAFT


def test_a_pair_that_meets_elsewhere_is_named_with_the_way_out(client, host, place):
    job_dating = planned(place, 1)
    other = JobDatingFactory(title="Matinée du bocage", starts_at=now() + timedelta(days=9))
    job_datings.choose(other, [job_dating.meetings[0].match])
    job_datings.publish(other, settings=mail_settings())
    db.session.commit()

    planner = words(client.get(PLAN.format(job_dating.id)).text)
    refused = words(client.post(PUBLISH.format(job_dating.id), follow_redirects=True).text)

    assert "Picorée et Atelier 1 se rencontrent déjà à un autre job dating (« Matinée du bocage »" in planner
    assert "Rien n’est parti. Picorée et Atelier 1 se rencontrent déjà" in refused


def test_hours_that_the_venue_has_given_already_are_told(client, host, place):
    published(place, 1, title="Le premier")
    second = planned(place, 1, title="Le second")

    planner = words(client.get(PLAN.format(second.id)).text)
    refused = words(client.post(PUBLISH.format(second.id), follow_redirects=True).text)

    assert "Ce lieu accueille déjà « Le premier » le" in planner
    assert "Rien n’est parti. Ce lieu accueille déjà « Le premier »" in refused


def test_a_structure_expected_elsewhere_at_the_same_hours_is_named_and_may_be_invited(client, host, place):
    job_dating = planned(place, 1)
    buyer = next(participant.organisation for participant in job_dating.participants if participant.organisation.name == "Picorée")
    other = JobDatingFactory(title="Matinée du bocage")
    job_datings.choose(other, [MatchFactory(mutual=True, need=NeedFactory(organisation=buyer))])
    job_datings.publish(other, settings=mail_settings())
    db.session.commit()

    for address in (PLAN, PUBLISH):
        assert "Picorée est aussi attendue à « Matinée du bocage »" in words(client.get(address.format(job_dating.id)).text)
    assert "structures sont invitées" in client.post(PUBLISH.format(job_dating.id), follow_redirects=True).text


def test_a_succession_that_became_confidential_is_in_no_plan_and_no_invitation(client, host, place):
    job_dating = planned(place, 2)
    need = job_dating.meetings[0].match.need
    need.category, need.is_confidential = Category.SUCCESSION, True
    db.session.commit()

    planner = client.get(PLAN.format(job_dating.id)).text
    choice = client.get(CHOICE.format(job_dating.id)).text
    refused = client.post(PUBLISH.format(job_dating.id), follow_redirects=True).text

    assert "1 entretien est retiré" in words(planner)
    assert heading(planner) == "Choisissez de nouveau qui se rencontre"
    assert "Rien n’est parti. 1 entretien est retiré" in words(refused)
    gone = job_dating.meetings[0].match.offer.organisation.name
    assert all(name not in page for name in (gone, need.title) for page in (planner, refused))
    assert gone not in choice
    assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == 0


def test_the_printed_plan_of_a_published_one_hides_who_became_confidential(client, host, place):
    job_dating = published(place, 1)
    need = job_dating.meetings[0].match.need
    need.category, need.is_confidential = Category.SUCCESSION, True
    db.session.commit()

    page = words(client.get(PLAN.format(job_dating.id)).text)

    assert "Entretien confidentiel" in page
    assert "besoin : Picorée" not in page


def test_the_plan_of_a_published_one_shows_the_answers(client, host, place):
    job_dating = published(place, 2)
    invitation = db.session.scalars(select(Invitation).where(Invitation.job_dating_id == job_dating.id)).first()
    invitation.answer, invitation.answered_at = Answer.ACCEPTED, now()
    db.session.commit()

    page = client.get(PLAN.format(job_dating.id)).text

    assert heading(page) == "1 structure vient, sur 3"
    assert words(page).count("pas encore de réponse") == 2
    assert "Enregistrer et recalculer" not in page


@pytest.mark.parametrize("action", ["choix", "modifier"])
def test_a_published_one_is_no_longer_changed(client, host, place, action):
    job_dating = published(place)

    response = client.post(f"/mes-job-datings/{job_dating.id}/{action}", data=typed(place), follow_redirects=True)

    assert "Ce job dating est déjà publié." in response.text
    assert len(job_dating.meetings) == 2


def test_cancelling_asks_first_then_tells_everyone_once(client, host, place, nudged):
    job_dating = published(place, 2)
    mails = db.session.scalar(select(func.count()).select_from(OutboxMail))

    question = client.get(f"/mes-job-datings/{job_dating.id}/annulation")
    assert "3 structures seront prévenues" in words(question.text)
    assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == mails

    response = client.post(f"/mes-job-datings/{job_dating.id}/annulation", follow_redirects=True)
    again = client.post(f"/mes-job-datings/{job_dating.id}/annulation", follow_redirects=True)

    assert heading(response.text) == "Ce job dating est annulé"
    assert "Rien n’a changé." in again.text
    assert nudged == [("tasks.outbox.drain",)]


def test_a_past_draft_says_so_and_can_be_moved(client, host, place):
    job_dating = planned(place, 1, starts_at=now() + timedelta(hours=1), ends_at=now() + timedelta(hours=3))

    with time_machine.travel(now() + timedelta(days=1), tick=False):
        client.sign_in(host)
        page = client.get(PLAN.format(job_dating.id)).text
        refused = client.post(PUBLISH.format(job_dating.id), follow_redirects=True).text

    assert "Sa date est passée" in page
    assert "Ce job dating est passé." in refused


# Rights


def addresses(job_dating: JobDating) -> list[tuple[str, str]]:
    base = PLAN.format(job_dating.id)
    gets = [("GET", base + path) for path in ("", "/choix", "/modifier", "/publication", "/annulation")]
    return gets + [("POST", base + path) for path in ("/choix", "/modifier", "/structures", "/publication", "/annulation")]


def test_somebody_elses_job_dating_is_as_absent_as_none(client, host):
    foreign = planned(venue())

    for method, address in addresses(foreign):
        assert client.open(address, method=method).status_code == 404
        assert client.open(address.replace(str(foreign.id), str(uuid4())), method=method).status_code == 404


def test_a_participant_may_not_run_it_and_a_stranger_signs_in_first(client, place):
    job_dating = planned(place)
    member = UserFactory(organisation=job_dating.participants[0].organisation)
    db.session.commit()

    assert all(client.open(address, method=method).status_code == 302 for method, address in addresses(job_dating))
    client.sign_in(member)
    assert all(client.open(address, method=method).status_code == 403 for method, address in addresses(job_dating))


def test_the_list_of_who_is_in_charge_shows_each_with_its_state(client, host, place):
    published(place, 1, title="Déjà publié")
    planned(place, 1, title="Encore en chantier")

    page = words(client.get("/mes-job-datings").text)

    assert "1 job dating à venir, 1 en préparation" in page
    assert "Déjà publié" in page
    assert "en préparation" in page
    assert "Préparer un job dating" in page


def test_the_next_is_first_what_is_over_is_below_and_an_open_desk_is_one_touch_away(client, host, place):
    later, called_off = (planned(place, 1, title=title) for title in ("Dans un mois", "N’aura pas lieu"))
    sooner = published(place, 1, title="Aujourd’hui")
    later.starts_at, later.ends_at = later.starts_at + timedelta(days=30), later.ends_at + timedelta(days=30)
    called_off.status = JobDatingStatus.CANCELLED
    sooner.starts_at, sooner.ends_at = now() + timedelta(hours=1), now() + timedelta(hours=4)
    db.session.commit()

    page = client.get("/mes-job-datings").text

    assert f"/mes-job-datings/{sooner.id}/jour-j" in page
    assert f"/mes-job-datings/{later.id}/jour-j" not in page
    order = [page.rindex(words) for words in ("Aujourd’hui", "Dans un mois", "Passés ou annulés", "N’aura pas lieu")]
    assert order == sorted(order)


def test_pages_take_as_many_queries_for_twelve_meetings_as_for_two(client, host, place, queries):
    counts = []
    for meetings in (2, 12):
        place.authorised_headcount = 49
        job_dating_id = planned(place, meetings).id
        for address in (PLAN, CHOICE):
            queries.clear()
            assert client.get(address.format(job_dating_id)).status_code == 200
            counts.append(len(queries))

    assert counts[:2] == counts[2:]
