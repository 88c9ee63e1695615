"""Does it fit? What the engine says of a job dating as it stands, and the smallest changes that would make all of it fit."""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

import numpy as np

from matchmaker.engine.planning import rounds_needed
from matchmaker.models import JobDating, Table
from matchmaker.services import job_dating_groups
from matchmaker.services.job_dating_plans import MOST_AT_ONCE, quick, seat_hosts, solve
from matchmaker.services.job_dating_programmes import Barred, More, Planned, programme_of

MOST_MORE = 12
"""More tables or rounds than these are another job dating, and no small change."""


class Kind(StrEnum):
    TABLES = "tables"
    ACCESSIBLE_TABLES = "accessible_tables"
    ROUNDS = "rounds"


@dataclass(frozen=True)
class Fix:
    """So many more of something, and everything fits: proven by a plan of the engine."""

    kind: Kind
    amount: int


@dataclass(frozen=True)
class Feasibility:
    """How much of what was chosen can be held.

    Attributes
    ----------
    chosen, held : meetings that may be, and those that the plan holds.
    tables, fitting : tables of the venue, and rounds before the end.
    rounds : rounds that the plan takes.
    reason : what makes it so many: « degree », « tables », « accessible tables », « no meeting ».
    people, allowed : in the room, the venue's team included.
    alone : structures that would have no meeting.
    fixes : the smallest changes with which everything fits, when it does not.
    """

    chosen: int
    held: int
    tables: int
    fitting: int
    rounds: int
    reason: str
    people: int
    allowed: int
    alone: int
    fixes: tuple[Fix, ...]

    @property
    def fits(self) -> bool:
        return self.held == self.chosen and self.rounds <= self.fitting and self.people <= self.allowed

    @property
    def spare(self) -> int:
        """Rounds that stay free."""
        return self.fitting - self.rounds


def check(job_dating: JobDating) -> Feasibility:
    """What the engine makes of the rows as they stand in the session. Writes who stays seated, and no plan."""
    seat_hosts(job_dating)
    asked = programme_of(job_dating)
    found = solve(asked, effort=quick(asked) / 4) if len(asked.meetings) <= MOST_AT_ONCE else None
    count, fitting = len(asked.meetings), asked.programme.rounds
    if found is not None:
        held, rounds, reason = found.round >= 0, found.rounds, found.bound_reason
    else:
        # Too many for a glance: the bound says what any plan needs.
        held = asked.programme.seatable if len(asked.programme.tables) else np.zeros(count, dtype=np.bool_)
        rounds, reason, _busiest = rounds_needed(asked.programme, held)
    kept = int(held.sum())
    busy = np.union1d(asked.programme.left[held], asked.programme.right[held])
    return Feasibility(
        chosen=count,
        held=kept,
        tables=len(asked.tables),
        fitting=fitting,
        rounds=rounds,
        reason=reason,
        people=job_dating_groups.people(job_dating) + job_dating.venue.staff_count,
        allowed=job_dating.venue.authorised_headcount,
        alone=len(asked.participants) - len(busy),
        fixes=() if kept == count and rounds <= fitting else fixes(job_dating, asked.barred),
    )


def fixes(job_dating: JobDating, barred: dict[UUID, Barred], *, tables: list[Table] | None = None) -> tuple[Fix, ...]:
    """For each thing of which more may help, the smallest number that does. ``tables``: others than those that serve."""
    found = [Fix(kind, amount) for kind in Kind if (amount := smallest(job_dating, barred, kind, tables)) is not None]
    plain = next((fix.amount for fix in found if fix.kind is Kind.TABLES), None)
    # An accessible table is a table too: only worth saying where another one would not do.
    return tuple(fix for fix in found if fix.kind is not Kind.ACCESSIBLE_TABLES or plain is None or fix.amount < plain)


def smallest(job_dating: JobDating, barred: dict[UUID, Barred], kind: Kind, tables: list[Table] | None) -> int | None:
    """The smallest number of more tables or rounds that makes everything fit; None when even many do not."""
    most = programme_of(job_dating, more=More(**{kind.value: MOST_MORE}), barred=barred, tables=tables)
    if not can_hold(most):
        return None
    for amount in range(1, MOST_MORE + 1):
        asked = programme_of(job_dating, more=More(**{kind.value: amount}), barred=barred, tables=tables)
        if can_hold(asked) and holds_all(asked):
            return amount
    return None


def can_hold(asked: Planned) -> bool:
    """Whether the bound lets all meetings fit: quick, and never wrong when it says no."""
    made = asked.programme
    return bool(made.seatable.all()) and rounds_needed(made, made.seatable)[0] <= made.rounds


def holds_all(asked: Planned) -> bool:
    """Whether the engine finds a plan of all meetings in these rounds."""
    if len(asked.meetings) > MOST_AT_ONCE:
        return True
    found = solve(replace(asked, limited=True), effort=quick(asked) / 4)
    return found is not None and bool((found.round >= 0).all())
