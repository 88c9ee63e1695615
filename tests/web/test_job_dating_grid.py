"""Moving meetings by hand: what stands in the way is told, two hosts do not overwrite each other, and only who is concerned is written to."""

from uuid import uuid4

import pytest
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import JobDating, Meeting, OutboxMail, ParticipantState, Side
from matchmaker.services import invitations, job_dating_guests
from tests.factories import JobDatingFactory, OrganisationFactory, venue
from tests.pages import forms, heading, words
from tests.services.test_invitations import SETTINGS, send_all
from tests.web.test_job_datings import PLAN, host, place, planned, published

__all__ = ["host", "place"]
GRID, LOCK, CHANGES, REPLAN = (f"/mes-job-datings/{{}}/{name}" for name in ("grille", "grille/verrou", "changements", "recalcul"))


@pytest.fixture(autouse=True)
def _application(app):
    """Rows are made in the transaction of the test."""


def at(job_dating: JobDating, number: int) -> Meeting:
    return next(meeting for meeting in job_dating.meetings if meeting.round == number)


def move(client, job_dating: JobDating, meeting: Meeting, number: object, table: object, version: object = None):
    data = {"meeting": str(meeting.id), "round": str(number), "table": str(table), "version": str(version or job_dating.version)}
    return client.post(GRID.format(job_dating.id), data=data)


def test_a_meeting_goes_to_a_free_seat_and_is_fixed_there(client, host, place):
    job_dating = planned(place, 2)
    meeting = at(job_dating, 0)

    response = move(client, job_dating, meeting, 6, place.tables[2].id)

    assert response.status_code == 302
    db.session.expire_all()
    assert (meeting.round, meeting.table, meeting.is_locked) == (6, place.tables[2], True)
    assert "fixé" in client.get(GRID.format(job_dating.id)).text

    client.post(REPLAN.format(job_dating.id), data={"version": str(job_dating.version)})

    db.session.expire_all()
    assert (meeting.round, meeting.table, meeting.is_locked) == (6, place.tables[2], True)


def test_two_meetings_swap_their_seats(client, host, place):
    job_dating = planned(place, 2)
    one, other = at(job_dating, 0), at(job_dating, 1)
    seats = (one.round, one.table_id), (other.round, other.table_id)

    move(client, job_dating, one, other.round, other.table_id)

    db.session.expire_all()
    assert ((other.round, other.table_id), (one.round, one.table_id)) == seats
    assert (one.is_locked, other.is_locked) == (True, False)


def test_a_structure_is_not_at_two_tables_at_once(client, host, place):
    job_dating = planned(place, 2)
    one, other = at(job_dating, 0), at(job_dating, 1)
    free = next(table for table in place.tables if table.id != other.table_id)

    response = move(client, job_dating, one, 1, free.id)

    assert response.status_code == 422
    assert f"Picorée a déjà un entretien à ce tour, table {other.table.number}." in words(response.text)
    db.session.expire_all()
    assert one.round == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("away", "Picorée n’est pas là à ce tour."),
        ("accessible", "Cette table n’est pas accessible, et Picorée en a besoin."),
        ("gone", "Picorée ne vient pas."),
        ("owner", "Cette table est celle de Atelier 2."),
        ("late", "Ce tour n’existe pas."),
    ],
)
def test_what_stands_in_the_way_is_told_in_words(client, host, place, change, sentence):
    job_dating = planned(place, 2)
    meeting, table, number = at(job_dating, 0), place.tables[2], 5
    buyer, other = (next(one for one in job_dating.participants if one.organisation.name == name) for name in ("Picorée", "Atelier 2"))
    if meeting.match.offer.organisation is other.organisation:
        meeting = at(job_dating, 1)
    match change:
        case "away":
            buyer.leaves_at = job_dating.round_ends_at(4)
        case "accessible":
            buyer.needs_accessible = True
        case "gone":
            buyer.state = ParticipantState.DECLINED
        case "owner":
            other.fixed_table = table
        case "late":
            number = 40
    db.session.commit()

    response = move(client, job_dating, meeting, number, table.id)

    assert response.status_code == 422
    assert sentence in words(response.text)


def test_the_script_is_told_what_stands_in_the_way_of_each_seat(client, host, place):
    job_dating = planned(place, 2)
    meeting = at(job_dating, 0)

    told = client.get(f"{GRID.format(job_dating.id)}/{meeting.id}").json

    assert told["version"] == job_dating.version
    assert len(told["seats"]) == 9 * 3
    assert told["seats"][f"5:{place.tables[0].id}"] == ""
    busy = next(table for table in place.tables if table.id != at(job_dating, 1).table_id)
    assert "a déjà un entretien" in told["seats"][f"1:{busy.id}"]


def test_the_second_of_two_hosts_sees_both_versions_and_may_take_the_own_one(client, host, place):
    job_dating = planned(place, 2)
    meeting, old = at(job_dating, 0), job_dating.version
    move(client, job_dating, meeting, 6, place.tables[2].id)

    response = move(client, job_dating, meeting, 4, place.tables[1].id, version=old)

    assert response.status_code == 409
    assert "tour 5, table 2 tour 7, table 3" in words(response.text)
    again = next(form for form in forms(response.text) if "round" in form.values)
    assert client.post(GRID.format(job_dating.id), data=again.values).status_code == 302
    db.session.expire_all()
    assert (meeting.round, meeting.table) == (4, place.tables[1])


def test_a_fixed_meeting_is_not_pushed_away_until_it_is_released(client, host, place):
    job_dating = planned(place, 2)
    one, other = at(job_dating, 0), at(job_dating, 1)
    client.post(LOCK.format(job_dating.id), data={"meeting": str(other.id), "is_locked": "oui", "version": str(job_dating.version)})
    db.session.expire_all()

    refused = move(client, job_dating, one, 1, other.table_id)
    client.post(LOCK.format(job_dating.id), data={"meeting": str(other.id), "version": str(job_dating.version)})
    db.session.expire_all()

    assert "L’entretien qui est là est fixé." in words(refused.text)
    assert not other.is_locked
    assert move(client, job_dating, one, 1, other.table_id).status_code == 302


@pytest.mark.parametrize("data", [{}, {"round": "deux"}, {"meeting": "x", "round": "1", "table": "y"}, {"round": "-1"}])
def test_a_move_that_cannot_be_read_changes_nothing(client, host, place, data):
    job_dating = planned(place, 2)
    before = job_dating.version

    assert client.post(GRID.format(job_dating.id), data=data).status_code == 422
    db.session.expire_all()
    assert job_dating.version == before


def test_a_lost_meeting_is_told_to_both_and_to_nobody_else(client, host, place):
    job_dating = published(place, 3)
    send_all()
    db.session.commit()
    before = db.session.scalar(select(func.count()).select_from(OutboxMail))

    gone = next(one for one in job_dating.participants if one.organisation.name == "Atelier 1")
    gone.state = ParticipantState.DECLINED
    job_dating_guests.settle(job_dating, settings=SETTINGS)
    db.session.commit()
    page = words(client.get(PLAN.format(job_dating.id)).text)
    client.post(CHANGES.format(job_dating.id))

    assert "1 structure ne sait pas encore ce qui a changé." in page
    db.session.expire_all()
    assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == before + 1
    assert invitations.untold(job_dating) == []


def test_another_table_is_told_to_the_two_who_sit_there_once_and_to_nobody_else(client, host, place):
    job_dating = published(place, 3)
    send_all()
    db.session.commit()
    known = set(db.session.scalars(select(OutboxMail.id)))
    moved = at(job_dating, 1)
    number, free = moved.round, next(table for table in place.tables if table is not moved.table)
    two = {moved.organisation_of(side).email for side in Side}

    move(client, job_dating, moved, number, free.id)
    page = words(client.get(PLAN.format(job_dating.id)).text)
    client.post(CHANGES.format(job_dating.id))
    client.post(CHANGES.format(job_dating.id))

    assert "2 structures ne savent pas encore ce qui a changé." in page
    mails = db.session.scalars(select(OutboxMail).where(OutboxMail.id.not_in(known))).all()
    assert {mail.recipient for mail in mails} == two
    assert len(mails) == 2
    assert all(mail.subject.startswith("Vos entretiens changent") for mail in mails)


def test_the_grid_of_somebody_else_or_of_nothing_is_absent(client, host, place):
    other, mine = JobDatingFactory(venue=venue(OrganisationFactory())), planned(place, 1)
    db.session.commit()

    assert client.get(GRID.format(other.id)).status_code == 404
    assert client.post(REPLAN.format(other.id)).status_code == 404
    assert client.get(f"{GRID.format(mine.id)}/{uuid4()}").status_code == 404
    assert heading(client.get(GRID.format(mine.id)).text) == "Déplacer des entretiens à la main"


def seats(job_dating: JobDating) -> dict[object, tuple[int | None, object]]:
    return {one.id: (one.round, one.table_id) for one in job_dating.meetings}


def loosened(job_dating: JobDating) -> Meeting:
    """The meeting of the first round loses its place, and the others sit where no new plan would put them."""
    meeting = at(job_dating, 0)
    meeting.round, meeting.table, meeting.is_locked = None, None, False
    db.session.commit()
    return meeting


def test_a_published_plan_is_recalculated_only_when_the_host_saw_who_would_be_told_anew(client, host, place):
    job_dating = published(place, 3)
    send_all()
    loose, before = loosened(job_dating), seats(job_dating)

    shown = client.post(REPLAN.format(job_dating.id), data={"version": str(job_dating.version)})

    assert heading(shown.text) == "Recalculer le plan ?"
    db.session.expire_all()
    assert seats(job_dating) == before
    client.post(REPLAN.format(job_dating.id), data=forms(shown.text)[-2].filled())
    db.session.expire_all()
    after = seats(job_dating)
    assert after.pop(loose.id)[0] is not None
    assert after == {key: seat for key, seat in before.items() if key != loose.id}
    assert "1 entretien trouve une place" in words(shown.text)
    assert "aucun entretien ne bouge" in words(shown.text)


def test_a_published_plan_that_is_the_best_stays_and_says_so(client, host, place):
    job_dating = published(place, 3)
    before, version = seats(job_dating), job_dating.version

    shown = client.post(REPLAN.format(job_dating.id), data={"version": str(version)}, follow_redirects=True)

    assert "rien ne change" in words(shown.text)
    db.session.expire_all()
    assert (seats(job_dating), job_dating.version) == (before, version)


def test_two_hosts_recalculate_a_published_plan_and_the_second_reads_it_again(client, host, place):
    job_dating = published(place, 2)
    loosened(job_dating)

    response = client.post(REPLAN.format(job_dating.id), data={"version": str(job_dating.version + 7), "how": "anew"}, follow_redirects=True)

    assert "Quelqu’un d’autre vient de changer ce plan." in words(response.text)
    db.session.expire_all()
    assert len(job_dating.planned) == 1
