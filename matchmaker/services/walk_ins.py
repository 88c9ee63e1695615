"""Who comes without having been expected: a known structure, or a new one in three answers."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import ABSENT, Category, Family, JobDating, Organisation, Participant, ParticipantState, PresenceState, Side
from matchmaker.models.base import today
from matchmaker.services import declarations, job_dating_groups, job_datings, presence
from matchmaker.services.errors import NotAllowedNow, TooManyPeople

SOURCE = "accueil d’un job dating"
# Names the gesture that comes with an arrival after the arrival.
DESK = UUID("5f0b6c1e-3f52-4d0e-9d3c-9c5c2f6f6a11")


@dataclass(frozen=True)
class WalkIn:
    """Somebody at the desk as a phone tells it: the id of the future participant, the structure's name, and what it looks for or brings."""

    id: UUID
    name: str
    acted_at: datetime
    delegates: int = 1
    side: Side | None = None
    category: Category | None = None
    title: str = ""


def arrive(job_dating: JobDating, walk_in: WalkIn, *, by: str = "") -> Participant:
    """Add them to the participants, present. Told twice, or by two phones, it is one arrival.

    Raises TooManyPeople when the venue may not hold them, and NotAllowedNow when the desk is closed.
    """
    if not presence.is_open(job_dating):
        raise NotAllowedNow("the desk is closed")
    job_datings.lock(job_dating)
    participant = db.session.get(Participant, walk_in.id)
    if participant is not None and participant.job_dating_id != job_dating.id:
        raise NotAllowedNow("of another job dating")
    if participant is None:
        participant = welcome(job_dating, walk_in)
    act = presence.Act(uuid5(DESK, str(walk_in.id)), participant.id, PresenceState.PRESENT, walk_in.acted_at, walk_in.delegates)
    presence.record(job_dating, [act], by=by)
    return participant


def welcome(job_dating: JobDating, walk_in: WalkIn) -> Participant:
    """Their row among the participants: the one that they have if they are on a list already, else a new one."""
    organisation = structure_named(job_dating, walk_in.name)
    participant = next((one for one in job_dating.participants if organisation and one.organisation_id == organisation.id), None)
    if participant is not None and participant.is_expected:
        return participant
    check_room(job_dating, walk_in.delegates)
    if participant is None:
        participant = Participant(id=walk_in.id, organisation=organisation or new_structure(job_dating, walk_in))
        job_dating.participants.append(participant)
    participant.state, participant.waiting_since, participant.delegates = ParticipantState.CONFIRMED, None, walk_in.delegates
    job_dating.version += 1
    db.session.flush()
    return participant


def check_room(job_dating: JobDating, more: int) -> None:
    """The authorised headcount is a hard limit, whoever stands at the door. Who does not come leaves room; a group that meets counts."""
    lines = presence.roster(job_dating)
    gone = ABSENT | {PresenceState.LEFT}
    groups = job_dating_groups.employers_at([job_dating.id])[job_dating.id] - {line.participant.organisation_id for line in lines}
    people = sum(line.delegates for line in lines if line.state not in gone) + len(groups) + more
    if people > job_dating.venue.seats_for_guests:
        raise TooManyPeople(people + job_dating.venue.staff_count, job_dating.venue.authorised_headcount)


def structure_named(job_dating: JobDating, name: str) -> Organisation | None:
    """The structure of the venue's département that bears this name, however it is written; nothing when there are none or several."""
    wanted = func.lower(func.btrim(Organisation.name)) == name.strip().lower()
    found = db.session.scalars(select(Organisation).where(wanted, Organisation.territory_id == job_dating.venue.territory_id).limit(2)).all()
    return found[0] if len(found) == 1 else None


def new_structure(job_dating: JobDating, walk_in: WalkIn) -> Organisation:
    """What was said at the desk; its territory's animator completes it afterwards."""
    venue = job_dating.venue
    organisation = Organisation(name=walk_in.name, family=Family.COLLECTIVE, commune=venue.commune, territory_id=venue.territory_id, source=SOURCE)
    db.session.add(organisation)
    db.session.flush()
    if walk_in.side and walk_in.category and walk_in.title:
        declare = declarations.declare_need if walk_in.side is Side.NEED else declarations.declare_offer
        declaration = declare(organisation, category=walk_in.category, title=walk_in.title, commune=venue.commune, skills=words_of(walk_in.title))
        declarations.publish(declaration, today=today())
    db.session.flush()
    return organisation


def words_of(title: str) -> list[str]:
    """The words that count of a sentence said at the desk: announcements are compared by them.

    >>> words_of("Un traiteur de saison, pour douze")
    ['traiteur', 'saison', 'pour', 'douze']
    """
    return [word for word in re.split(r"[^\w-]+", title.lower()) if len(word) > 3]


def names_around(job_dating: JobDating, *, limit: int = 800) -> list[str]:
    """Names of the structures of the département that are not expected, to choose from at the desk."""
    expected = select(Participant.organisation_id).where(Participant.job_dating_id == job_dating.id)
    query = select(Organisation.name).where(Organisation.territory_id == job_dating.venue.territory_id, Organisation.id.not_in(expected))
    return list(db.session.scalars(query.order_by(Organisation.name).limit(limit)))
