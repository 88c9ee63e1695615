"""What can go wrong in a use case. No word for the interface here: the web layer says it in French."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matchmaker.models import JobDating, Meeting, Need, Offer, VenueBlock


class DomainError(Exception):
    """Base of all refusals of the services."""


class NotAllowedNow(DomainError):
    """The row is not in a state in which this can be done."""


class RunUnderWay(DomainError):
    """A run of this territory is queued or running already."""


class ChangedMeanwhile(NotAllowedNow):
    """Somebody changed it since the page was read."""


class NoWeek(DomainError):
    """No week suits the whole group. ``halfdays`` are bits of those that would, none when nothing would."""

    def __init__(self, halfdays: int) -> None:
        super().__init__(f"{halfdays:010b}")
        self.halfdays = halfdays


class AnsweredAlready(NotAllowedNow):
    """Somebody answered: it cannot be undone any more."""


class NotInRun(DomainError):
    """The run does not know this pair."""


class LockedAndRefused(DomainError):
    """The pair is locked: it must be released before it is refused. Or the reverse."""


class NoPlaceToLock(DomainError):
    """All places of a side are locked already. ``side`` is the declaration, ``partners`` those that it is locked with."""

    def __init__(self, side: "Need | Offer", partners: Sequence["Need | Offer"]) -> None:
        super().__init__(f"{side.id}: {len(partners)} locked")
        self.side = side
        self.partners = partners


class EmailTaken(DomainError):
    """An account with this address exists."""


class SiretTaken(DomainError):
    """A structure with this SIRET or RNA number exists."""


class LastAdministrator(NotAllowedNow):
    """The structure would have nobody left who says who belongs to it."""


class TooManyPeople(DomainError):
    """More people than the venue may receive."""

    def __init__(self, people: int, allowed: int) -> None:
        super().__init__(f"{people} people, {allowed} allowed")
        self.people = people
        self.allowed = allowed


class NoAccessibleTable(NotAllowedNow):
    """Somebody needs an accessible table at a venue that has none."""


class PlanUnderWay(NotAllowedNow):
    """A worker computes the plan of this job dating."""


class OutsideTheDay(DomainError):
    """Somebody would come after the end, leave before the start, or leave before it comes."""


class NoReach(DomainError):
    """The commune is in a region whose territories have not been loaded."""


class RoundsDoNotFit(DomainError):
    """The plan needs more rounds than the hours hold."""

    def __init__(self, rounds: int, fitting: int) -> None:
        super().__init__(f"{rounds} rounds, {fitting} fit")
        self.rounds = rounds
        self.fitting = fitting


class MeetingsLost(DomainError):
    """Some of the meetings that were chosen can no longer be: a declaration became confidential, or a side withdrew its yes."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} meetings")
        self.count = count


class MatchesTaken(DomainError):
    """Some of the matches that were chosen are in another published job dating. ``meetings`` are the meetings there."""

    def __init__(self, meetings: Sequence["Meeting"]) -> None:
        super().__init__(f"{len(meetings)} meetings")
        self.meetings = meetings


class VenueTaken(DomainError):
    """``job_dating`` is published at the same venue, at hours that overlap."""

    def __init__(self, job_dating: "JobDating") -> None:
        super().__init__(str(job_dating.id))
        self.job_dating = job_dating


class VenueBlocked(DomainError):
    """The venue is kept for something else at these hours."""

    def __init__(self, block: "VenueBlock") -> None:
        super().__init__(str(block.id))
        self.block = block


class BadPicture(DomainError):
    """What was sent is no picture that we can read, or too large a one."""


class TablesPlanned(NotAllowedNow):
    """A plan stands on these tables. ``is_to_come``: somebody may still sit there; else it is kept for the record."""

    def __init__(self, *, is_to_come: bool) -> None:
        super().__init__("tables are in a plan")
        self.is_to_come = is_to_come


class EditedMeanwhile(DomainError):
    """Somebody else changed the job dating since it was shown."""
