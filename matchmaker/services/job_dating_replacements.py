"""Who could come in place of those who said no: structures that said yes to some of those who come, first to those who lose a meeting."""

from dataclasses import dataclass
from uuid import UUID

from matchmaker.models import JobDating, Organisation, Participant, ParticipantState
from matchmaker.models.base import today
from matchmaker.services import invitation_budgets, job_dating_matches, job_dating_pairs, territories
from matchmaker.services.job_dating_programmes import Pair, ends

# More are no suggestion but a list.
MOST = 6


@dataclass(frozen=True)
class Replacement:
    """A structure that is not invited, and whom it would meet, those who lose a meeting first."""

    organisation: Organisation
    meets: list[Organisation]


def declined(job_dating: JobDating) -> list[Participant]:
    """Those who said that they do not come, by name."""
    found = [one for one in job_dating.participants if one.state is ParticipantState.DECLINED]
    return sorted(found, key=lambda one: (territories.fold(one.organisation.name), one.id))


def replacements(job_dating: JobDating) -> list[Replacement]:
    """Whom the host can invite instead, who fills most gaps first; nobody who was asked as often as it accepts, no pair that is not to be."""
    gone = {one.organisation_id for one in declined(job_dating)}
    if not gone:
        return []
    expected = {one.organisation_id for one in job_dating.expected}
    there = {one.organisation_id for one in job_dating.participants}
    left_alone = {key for meeting in job_dating.meetings if gone.intersection(ends(meeting)) for key in ends(meeting)} & expected
    pairs: dict[Pair, tuple[Organisation, Organisation]] = {}
    for match in job_dating_matches.free_matches(job_dating.venue, beside=job_dating):
        one, other = match.need.organisation, match.offer.organisation
        comes, new = (one, other) if one.id in expected else (other, one)
        if comes.id in expected and new.id not in there:
            pairs[frozenset((comes.id, new.id))] = comes, new
    new_ids = {new.id for _comes, new in pairs.values()}
    closed = job_dating_pairs.closed_pairs(job_dating, expected | new_ids) if pairs else set()
    meets: dict[Organisation, list[Organisation]] = {}
    for pair, (comes, new) in pairs.items():
        if pair not in closed:
            meets.setdefault(new, []).append(comes)
    full = invitation_budgets.without_room(list(meets), day=today())
    found = [Replacement(new, in_order(comes, left_alone)) for new, comes in meets.items() if new.id not in full]
    return sorted(found, key=lambda one: (-sum(comes.id in left_alone for comes in one.meets), -len(one.meets), one.organisation.name, one.organisation.id))[
        :MOST
    ]


def in_order(organisations: list[Organisation], first: set[UUID]) -> list[Organisation]:
    return sorted(organisations, key=lambda one: (one.id not in first, territories.fold(one.name), one.id))
