"""What of the plan's grid the reader looks at: on a phone one round at a time, and anywhere the meetings of one structure."""

from dataclasses import dataclass
from uuid import UUID

from flask import request

from matchmaker.models import JobDating, Meeting, Organisation, Side
from matchmaker.models.base import now
from matchmaker.services import day_programme, territories


@dataclass(frozen=True)
class View:
    """``round`` counts from 1; nothing is all of them, as when one structure's are looked for."""

    round: int | None
    rounds: int
    structure: Organisation | None
    structures: list[Organisation]

    @property
    def before(self) -> int | None:
        return self.round - 1 if self.round and self.round > 1 else None

    @property
    def after(self) -> int | None:
        return self.round + 1 if self.round and self.round < self.rounds else None

    def is_shown(self, number: int) -> bool:
        return self.round in (None, number)

    def is_about(self, meeting: Meeting | None) -> bool:
        """Is it one of those that were looked for? Of a meeting in confidence, nothing says whose it is."""
        if self.structure is None or meeting is None or meeting.match.need.is_confidential or meeting.match.offer.is_confidential:
            return False
        return self.structure.id in {meeting.organisation_of(side).id for side in Side}


def view(job_dating: JobDating, *, rounds: int | None = None) -> View:
    """As the address asks for it: ?tour= a number or « tous », ?structure= an id. On the day it begins at the round to come, else at the first.

    ``rounds`` are those of the grid, where it has more than the plan.
    """
    count = job_dating.rounds if rounds is None else rounds
    structures = sorted((one.organisation for one in job_dating.participants), key=lambda one: (territories.fold(one.name), one.id))
    wanted = request.args.get("structure", type=UUID)
    structure = next((one for one in structures if one.id == wanted), None)
    asked = request.args.get("tour", "")
    if structure is not None or asked == "tous" or not count:
        number = None
    elif asked.isascii() and asked.isdigit():
        number = min(max(int(asked[:4]), 1), count)
    else:
        number = min(day_programme.present_round(job_dating, now()) + 1, count)
    return View(number, count, structure, structures)
