"""What the planner says of a job dating: the answer as its title, the proof, what to change, the grid, and whether it is fair."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_low
from uuid import UUID

from matchmaker import mail
from matchmaker.models import Answer, Invitation, JobDating, JobDatingStatus, MailStatus, Meeting, Organisation, ParticipantState, Side, Table
from matchmaker.services import job_dating_groups
from matchmaker.services.errors import (
    DomainError,
    MatchesTaken,
    MeetingsLost,
    NoAccessibleTable,
    PlanUnderWay,
    RoundsDoNotFit,
    TooManyPeople,
    VenueBlocked,
    VenueTaken,
)
from matchmaker.web import formats

NOON = (12, 0)
NO_ACCESSIBLE_TABLE = "Aucune table de ce lieu n’est accessible. Ajoutez une salle à la description du lieu."
NO_TABLE = "Tous les entretiens n’ont pas une table. Choisissez-les de nouveau avant de publier."


@dataclass(frozen=True)
class Round:
    """A row of the grid: one meeting or none for each table, and the break that comes before it."""

    number: int
    starts_at: datetime
    cells: list[Meeting | None]
    break_at: datetime | None


@dataclass(frozen=True)
class Fairness:
    least: int
    median: int
    most: int
    participants: int
    people: int


@dataclass(frozen=True)
class Delivery:
    """How many invitations have left, wait, could not leave, and have no address to go to."""

    sent: int
    waiting: int
    failed: int
    without_address: int

    @property
    def is_complete(self) -> bool:
        return bool(self.sent) and not self.waiting and not self.failed


def title(job_dating: JobDating, answers: Mapping[UUID, Invitation]) -> str:
    """The answer to « where are we? », as a heading."""
    if job_dating.status is JobDatingStatus.CANCELLED:
        return "Ce job dating est annulé"
    if job_dating.status is JobDatingStatus.PUBLISHED:
        return attendance(job_dating, answers)
    if not job_dating.meetings:
        return "Choisissez qui se rencontre"
    if job_dating.plan_due_at is not None:
        return "Le plan se calcule"
    rounds, fitting = job_dating.rounds, job_dating.rounds_that_fit
    if not job_dating.planned:
        return "Aucun entretien n’a de place"
    if len(job_dating.planned) < len(job_dating.meetings):
        return f"{formats.plural(len(job_dating.planned), 'entretien tient', 'entretiens tiennent')}, sur {len(job_dating.meetings)}"
    if rounds <= fitting:
        return f"Tout le monde se rencontre en {formats.plural(rounds, 'tour', 'tours')}"
    held = {0: "aucun ne tient", 1: "un seul tient"}.get(fitting, f"{fitting} tiennent")
    return f"Il faut {formats.plural(rounds, 'tour', 'tours')}, {held} avant {end(job_dating.ends_at)}"


def attendance(job_dating: JobDating, answers: Mapping[UUID, Invitation]) -> str:
    invited = sum(one.state not in (ParticipantState.REQUESTED, ParticipantState.WAITING) for one in job_dating.participants)
    coming = sum(invitation.answer is Answer.ACCEPTED for invitation in answers.values())
    if job_dating.is_past:
        return f"{formats.plural(coming, 'structure avait dit oui', 'structures avaient dit oui')}, sur {invited}"
    if not any(invitation.answer for invitation in answers.values()):
        return f"{formats.plural(invited, 'structure est invitée', 'structures sont invitées')}"
    return f"{formats.plural(coming, 'structure vient', 'structures viennent')}, sur {invited}"


def standing(job_dating: JobDating) -> str:
    """Why what was asked for is not done: where the job dating stands."""
    if job_dating.status is JobDatingStatus.CANCELLED:
        return "Ce job dating est annulé. Rien n’a changé."
    if job_dating.is_past:
        return "Ce job dating est passé. Rien n’a changé."
    if job_dating.status is JobDatingStatus.PUBLISHED and job_dating.has_begun:
        return "Ce job dating a commencé. Rien n’a changé."
    if job_dating.status is JobDatingStatus.PUBLISHED:
        return "Ce job dating est déjà publié. Rien de plus n’est parti."
    return NO_TABLE


def refusal(error: DomainError) -> str:
    """Why a draft cannot be published, and the way out."""
    match error:
        case MeetingsLost():
            lost = formats.plural(error.count, "entretien est retiré", "entretiens sont retirés")
            return f"{lost} : une annonce est devenue confidentielle, ou une structure a renoncé. Choisissez de nouveau qui se rencontre."
        case RoundsDoNotFit():
            return "Tous les tours ne tiennent pas dans l’horaire."
        case TooManyPeople():
            return too_many(error)
        case PlanUnderWay():
            return "Le plan se calcule encore. Attendez quelques secondes."
        case NoAccessibleTable():
            return NO_ACCESSIBLE_TABLE
        case MatchesTaken():
            return taken(error.meetings)
        case VenueTaken():
            other = error.job_dating
            hours = f"le {formats.long_date(other.starts_at)}, de {formats.hour(other.starts_at)} à {formats.hour(other.ends_at)}"
            return f"Ce lieu accueille déjà « {other.title} » {hours}. Changez les horaires."
        case VenueBlocked():
            why = f" ({error.block.reason})" if error.block.reason else ""
            return f"Ce lieu est gardé pour autre chose à ces heures{why}. Changez les horaires, ou libérez-les dans le calendrier du lieu."
    return NO_TABLE


def too_many(error: TooManyPeople) -> str:
    excess = formats.plural(error.people - error.allowed, "personne", "personnes")
    allowed = formats.plural(error.allowed, "autorisée", "autorisées")
    return f"{formats.plural(error.people, 'personne', 'personnes')}, {allowed}, équipe comprise. Retirez {excess}."


def taken(meetings: Sequence[Meeting]) -> str:
    """Who meets already at another job dating."""
    pairs = [f"{meeting.organisation_of(Side.NEED).name} et {meeting.organisation_of(Side.OFFER).name}" for meeting in meetings]
    where = [f"« {meeting.job_dating.title} », {formats.short_date(meeting.job_dating.starts_at)}" for meeting in meetings]
    if len(meetings) == 1:
        return f"{pairs[0]} se rencontrent déjà à un autre job dating ({where[0]}). Retirez cet entretien."
    named = " ; ".join(f"{pair} ({place})" for pair, place in zip(pairs, where, strict=True))
    return f"{formats.number(len(meetings))} entretiens sont déjà prévus à un autre job dating : {named}. Retirez-les."


def clashes(elsewhere: Sequence[Invitation]) -> list[str]:
    """Who is invited to another job dating at the same hours."""
    said = []
    for invitation in elsewhere:
        other = invitation.job_dating
        hours = f"le {formats.short_date(other.starts_at)} de {formats.hour(other.starts_at)} à {formats.hour(other.ends_at)}"
        said.append(f"{invitation.organisation.name} est aussi attendue à «\u00a0{other.title}\u00a0», {hours}.")
    return said


def delivery(answers: Mapping[UUID, Invitation], statuses: Mapping[str, MailStatus]) -> Delivery:
    """What became of the invitations of a published job dating. ``statuses`` is by invitation id."""
    found = Counter(statuses.get(str(invitation.id)) for invitation in answers.values())
    return Delivery(
        found[MailStatus.SENT], found[MailStatus.QUEUED] + found[MailStatus.SENDING], found[MailStatus.FAILED] + found[MailStatus.BOUNCED], found[None]
    )


def can_be_written_to(organisation: Organisation) -> bool:
    """Would an invitation leave, or is the telephone the only way?"""
    return mail.address(organisation.email) is not None


def written_to(job_dating: JobDating) -> int:
    """How many mails leave when it is published."""
    return sum(can_be_written_to(participant.organisation) for participant in job_dating.participants)


def end(at: datetime) -> str:
    local = at.astimezone(formats.PARIS)
    return "midi" if (local.hour, local.minute) == NOON else formats.hour(at)


def proof(job_dating: JobDating) -> str:
    """Why no plan could have fewer rounds."""
    bound, reason = job_dating.rounds_bound, job_dating.rounds_bound_reason
    if not bound:
        return ""
    meetings, tables = len(job_dating.planned), job_dating.tables
    if reason.startswith("degree"):
        who = "la personne" if any(participant.delegates > 1 for participant in job_dating.participants) else "la structure"
        because = f"{who} la plus demandée a {formats.plural(bound, 'entretien', 'entretiens')}"
    elif reason.startswith("accessible"):
        asking = sum(needs_accessible_table(job_dating, meeting) for meeting in job_dating.planned)
        reachable = sum(table.is_accessible for table in tables)
        there = formats.plural(reachable, "table accessible", "tables accessibles")
        because = f"il y a {there} pour {formats.plural(asking, 'entretien qui en a besoin', 'entretiens qui en ont besoin')}"
    else:
        because = f"il y a {formats.plural(len(tables), 'table', 'tables')} pour {formats.plural(meetings, 'entretien', 'entretiens')}"
    return f"On ne peut pas faire moins de {formats.plural(bound, 'tour', 'tours')}\u00a0: {because}."


def needs_accessible_table(job_dating: JobDating, meeting: Meeting) -> bool:
    asking = {participant.organisation_id for participant in job_dating.participants if participant.needs_accessible}
    return not asking.isdisjoint({meeting.organisation_of(Side.NEED).id, meeting.organisation_of(Side.OFFER).id})


def smallest_fix(job_dating: JobDating) -> str:
    """What to change so that all rounds fit: the hour of the end, or the length of a meeting."""
    last = job_dating.round_starts_at(job_dating.rounds - 1) + timedelta(minutes=job_dating.round_minutes)
    late = last + timedelta(minutes=-last.minute % 5)
    later = f"Finissez à {formats.hour(late)}"
    minutes = shorter_meetings(job_dating)
    if minutes is None:
        return f"{later}, ou retirez des entretiens."
    return f"{later}, ou passez de {job_dating.round_minutes} à {minutes}\u00a0minutes par entretien."


def shorter_meetings(job_dating: JobDating, *, least: int = 7) -> int | None:
    """The longest meetings with which all rounds fit, when they are long enough to talk."""
    late = job_dating.round_starts_at(job_dating.rounds - 1) + timedelta(minutes=job_dating.round_minutes) - job_dating.ends_at
    too_many = -(-int(late.total_seconds() // 60) // job_dating.rounds)
    minutes = job_dating.round_minutes - too_many
    return minutes if minutes >= least else None


def grid(job_dating: JobDating) -> list[Round]:
    """Rounds in order, each with its meetings by table."""
    tables = used_tables(job_dating)
    seats = {(meeting.round, meeting.table_id): meeting for meeting in job_dating.planned}
    return [
        Round(
            number=number + 1,
            starts_at=job_dating.round_starts_at(number),
            cells=[seats.get((number, table.id)) for table in tables],
            break_at=break_before(job_dating, number),
        )
        for number in range(job_dating.rounds)
    ]


def used_tables(job_dating: JobDating) -> list[Table]:
    """The tables where somebody sits in some round: an empty column says nothing."""
    used = {meeting.table_id for meeting in job_dating.planned}
    return [table for table in job_dating.venue.tables if table.id in used]


def free_tables(job_dating: JobDating) -> list[Table]:
    used = used_tables(job_dating)
    return [table for table in job_dating.tables if table not in used]


def break_before(job_dating: JobDating, number: int) -> datetime | None:
    if number != job_dating.break_after_round or not job_dating.break_minutes:
        return None
    return job_dating.round_starts_at(number) - timedelta(minutes=job_dating.break_minutes)


def fairness(job_dating: JobDating) -> Fairness:
    """How many meetings each structure has, and how many people are in the room, the venue's team included."""
    counts = meetings_by_organisation(job_dating)
    numbers = [counts[participant.organisation_id] for participant in job_dating.expected] or [0]
    people = job_dating_groups.people(job_dating) + job_dating.venue.staff_count
    return Fairness(min(numbers), median_low(numbers), max(numbers), len(job_dating.expected), people)


def meetings_by_organisation(job_dating: JobDating) -> Counter[UUID]:
    return Counter(meeting.organisation_of(side).id for meeting in job_dating.planned for side in Side)


def meetings_of(job_dating: JobDating, organisation: Organisation) -> list[tuple[Meeting, Organisation]]:
    """This structure's meetings in the order of the rounds, each with whom it meets."""
    found = []
    for meeting in sorted(job_dating.planned, key=lambda meeting: meeting.round or 0):
        need, offer = meeting.organisation_of(Side.NEED), meeting.organisation_of(Side.OFFER)
        # What a change on the day took out of the plan is no appointment any more.
        if meeting.round is not None and organisation.id in (need.id, offer.id):
            found.append((meeting, offer if organisation.id == need.id else need))
    return found
