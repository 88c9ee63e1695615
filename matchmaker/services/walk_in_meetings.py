"""Whom somebody who was not expected could meet: what the announcements of those in the room say, the best first."""

from collections.abc import Sequence

from matchmaker.extensions import db
from matchmaker.models import ABSENT, JobDating, MatchStatus, Meeting, PresenceState, Side
from matchmaker.models.base import now
from matchmaker.services.job_dating_pairs import Candidate, among
from matchmaker.services.job_dating_programmes import ends
from matchmaker.services.presence import Line


def without_meetings(job_dating: JobDating, lines: Sequence[Line]) -> list[Line]:
    """Those who are there and meet nobody: they came without being expected, or all of theirs are absent."""
    busy = {meeting.organisation_of(side).id for meeting in job_dating.meetings if meeting.round is not None for side in Side}
    return [line for line in lines if line.state is PresenceState.PRESENT and line.participant.organisation_id not in busy]


def candidates(job_dating: JobDating, lines: Sequence[Line]) -> list[Candidate]:
    """Pairs of somebody who meets nobody and somebody else who is there or comes, by score; some for each of them."""
    idle = {line.participant.organisation_id for line in without_meetings(job_dating, lines)}
    there = {line.participant.organisation_id for line in lines if line.state not in ABSENT | {PresenceState.LEFT}}
    if not idle:
        return []
    return among(job_dating, idle, there, closed={frozenset(ends(meeting)) for meeting in job_dating.meetings})


def add(job_dating: JobDating, chosen: Sequence[Candidate]) -> list[Meeting]:
    """Their meetings, without a place yet. Both said yes at the desk: their match is mutual."""
    made = []
    for one in chosen:
        match = one.as_match()
        if one.match is None:
            match.status, match.confirmed_at = MatchStatus.CONFIRMED, now()
        made.append(Meeting(match=match))
    job_dating.meetings += made
    db.session.flush()
    return made
