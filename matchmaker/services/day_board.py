"""The screen of the room: what is true at each moment of the day, computed once and shown by the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import JobDating, LostTable, Meeting, Organisation, Side, Table
from matchmaker.services import day_programme, signed_ids, territories
from matchmaker.services.outbox import MailSettings

SALT = "board"
# How long the screen still says who sits where in a round that has begun, before it says where to go next.
FINDING_SEATS = timedelta(minutes=2)
EVER = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Cell:
    """A table in a round. Without a meeting it is free, or its structure has a pause."""

    table: Table
    meeting: Meeting | None


@dataclass(frozen=True)
class Scene:
    """What the screen shows between two instants.

    Attributes
    ----------
    kind : welcome, round, change, break or over.
    round : the round that is under way, or that comes next (from 0); None when all are over.
    shown : the round whose tables are listed, or None.
    counts_to : the instant that the countdown goes to, from ``counts_from``.
    """

    kind: str
    since: datetime
    until: datetime
    round: int | None
    shown: int | None
    counts_from: datetime
    counts_to: datetime


def scenes(job_dating: JobDating) -> list[Scene]:
    """The whole day in order, without a gap."""
    steps, found = day_programme.steps(job_dating), []
    since, kind = job_dating.starts_at - timedelta(days=1), "welcome"
    for place, step in enumerate(steps):
        if step.round is None:
            found.append(
                Scene(
                    "break",
                    since if kind == "change" else step.starts_at,
                    step.ends_at,
                    place_of_next(steps, place),
                    place_of_next(steps, place),
                    step.starts_at,
                    step.ends_at,
                )
            )
            since, kind = step.ends_at, "change"
            continue
        if step.starts_at > since:
            begun = max(since, job_dating.starts_at) if kind == "welcome" else since
            found.append(Scene(kind, since, step.starts_at, step.round, step.round, begun, step.starts_at))
        found += round_scenes(step, step.round, place_of_next(steps, place))
        since, kind = step.ends_at, "change"
    return [*found, Scene("over", since, EVER, None, None, since, since)]


def place_of_next(steps: list[day_programme.Step], place: int) -> int | None:
    """The number of the round that follows this step."""
    return next((step.round for step in steps[place + 1 :] if step.round is not None), None)


def round_scenes(step: day_programme.Step, number: int, following: int | None) -> list[Scene]:
    """First who sits where, for those who still look for their table; then where to go next."""
    turn = step.starts_at + min(FINDING_SEATS, (step.ends_at - step.starts_at) / 3)
    if following is None:
        return [Scene("round", step.starts_at, step.ends_at, number, number, step.starts_at, step.ends_at)]
    first = Scene("round", step.starts_at, turn, number, number, step.starts_at, step.ends_at)
    return [first, Scene("round", turn, step.ends_at, number, following, step.starts_at, step.ends_at)]


def cells(job_dating: JobDating, number: int, lost: Mapping[UUID, int]) -> list[Cell]:
    """The tables of the plan in a round, in the order of the room, without those that are ``lost`` from that round on or before."""
    seats = {meeting.table_id: meeting for meeting in job_dating.meetings if meeting.round == number}
    used = {meeting.table_id for meeting in job_dating.meetings}
    return [Cell(table, seats.get(table.id)) for table in job_dating.venue.tables if table.id in used and lost.get(table.id, number + 1) > number]


def pausing(job_dating: JobDating, number: int) -> list[Organisation]:
    """Structures that have no meeting in this round and one later, by name: who is done, or never came, has no pause."""
    busy = {meeting.organisation_of(side).id for meeting in job_dating.meetings if meeting.round == number for side in Side}
    meets = {
        meeting.organisation_of(side).id: meeting.organisation_of(side) for meeting in job_dating.meetings if (meeting.round or 0) > number for side in Side
    }
    return sorted((one for key, one in meets.items() if key not in busy), key=lambda one: (territories.fold(one.name), one.id))


def hosts(job_dating: JobDating) -> dict[UUID, Organisation]:
    """Table id → the structure that never leaves it, where tables are somebody's."""
    return {one.fixed_table_id: one.organisation for one in job_dating.participants if one.fixed_table_id}


def lost_tables(job_dating: JobDating) -> dict[UUID, int]:
    """Table id → the round from which on it is not used any more."""
    query = select(LostTable.table_id, LostTable.from_round).where(LostTable.job_dating_id == job_dating.id)
    return {row.table_id: row.from_round for row in db.session.execute(query)}


def token_of(job_dating: JobDating, secret: str) -> str:
    return signed_ids.sign(job_dating.id, secret, salt=SALT)


def address(job_dating: JobDating, settings: MailSettings) -> str:
    """What the machine behind the projector opens, without an account."""
    return f"{settings.public_url}/jour/ecran/{token_of(job_dating, settings.secret)}"


def read_token(token: str, keys: tuple[str, ...]) -> UUID | None:
    return signed_ids.read(token, keys, salt=SALT)


def stamp(job_dating_id: UUID) -> tuple[int, datetime] | None:
    """What changes whenever the screen does, in one small query: it is asked for every few seconds."""
    row = db.session.execute(select(JobDating.version, JobDating.updated_at).where(JobDating.id == job_dating_id)).one_or_none()
    return (row.version, row.updated_at) if row else None
