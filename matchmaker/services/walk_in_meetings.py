"""Whom somebody who was not expected could meet: what the announcements of those in the room say, the best first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from matchmaker.extensions import db
from matchmaker.models import ABSENT, JobDating, Match, MatchingRun, MatchStatus, Meeting, Need, Offer, PresenceState, Side, Status
from matchmaker.models.base import now, today
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services import matching_inputs
from matchmaker.services.job_dating_matches import with_both_sides
from matchmaker.services.matching_breakdowns import breakdowns
from matchmaker.services.matching_inputs import PairIds
from matchmaker.services.presence import Line

# For one structure: more is no choice but a list.
MOST = 8


@dataclass(frozen=True)
class Candidate:
    """A need and an offer of two who are there, with what their match would keep."""

    need: Need
    offer: Offer
    score: int
    distance_km: float | None
    breakdown: list[dict[str, Any]] = field(default_factory=list)
    match: Match | None = None

    @property
    def ids(self) -> PairIds:
        return self.need.id, self.offer.id


def without_meetings(job_dating: JobDating, lines: Sequence[Line]) -> list[Line]:
    """Those who are there and meet nobody: they came without being expected, or all of theirs are absent."""
    busy = {meeting.organisation_of(side).id for meeting in job_dating.meetings if meeting.round is not None for side in Side}
    return [line for line in lines if line.state is PresenceState.PRESENT and line.participant.organisation_id not in busy]


def candidates(job_dating: JobDating, lines: Sequence[Line]) -> list[Candidate]:
    """Pairs of somebody who meets nobody and somebody else who is there or comes, by score; some for each of them."""
    idle = {line.participant.organisation_id for line in without_meetings(job_dating, lines)}
    there = {line.participant.organisation_id for line in lines if line.state not in ABSENT | {PresenceState.LEFT}}
    if not idle or not job_dating.meetings:
        return []
    met = {(meeting.match.need_id, meeting.match.offer_id) for meeting in job_dating.meetings}
    found = [*live_pairs(idle, there), *scored_pairs(job_dating, idle, there)]
    found = sorted((one for one in found if one.ids not in met), key=lambda one: (-one.score, one.ids))
    kept: list[Candidate] = []
    seen: dict[frozenset[UUID], Candidate] = {}
    counts: dict[UUID, int] = dict.fromkeys(idle, 0)
    for one in found:
        # Two structures meet once, about what fits best.
        pair = frozenset((one.need.organisation_id, one.offer.organisation_id))
        mine = pair & idle
        if pair in seen or len(pair) == 1 or all(counts[key] >= MOST for key in mine):
            continue
        seen[pair] = one
        kept.append(one)
        for key in mine:
            counts[key] += 1
    return kept


def live_pairs(idle: Collection[UUID], there: Collection[UUID]) -> list[Candidate]:
    """Pairs that were proposed or that said yes to each other already."""
    query = (
        select(Match)
        .join(Match.need)
        .join(Match.offer)
        .where(Match.status.in_(LIVE_MATCH), Need.organisation_id.in_(there), Offer.organisation_id.in_(there))
        .where(or_(Need.organisation_id.in_(idle), Offer.organisation_id.in_(idle)))
        .where(Need.is_confidential.is_(False), Offer.is_confidential.is_(False))
    )
    return [Candidate(one.need, one.offer, one.score, one.distance_km, one.breakdown, one) for one in db.session.scalars(with_both_sides(query))]


def scored_pairs(job_dating: JobDating, idle: Collection[UUID], there: Collection[UUID]) -> list[Candidate]:
    """Pairs that the matching would propose: neither refused nor answered before."""
    is_open = (Need.status == Status.PUBLISHED, Need.is_confidential.is_(False), Need.organisation_id.in_(there))
    is_offered = (Offer.status == Status.PUBLISHED, Offer.is_confidential.is_(False), Offer.organisation_id.in_(there))
    inputs = matching_inputs.read_where(job_dating.territory or job_dating.venue.territory, is_open, is_offered, today=today())
    if not inputs.needs.ids or not inputs.offers.ids:
        return []
    made = matching_inputs.problem(inputs)
    needs = {row.id: row for row in db.session.scalars(select(Need).where(Need.id.in_(inputs.needs.ids)))}
    offers = {row.id: row for row in db.session.scalars(select(Offer).where(Offer.id.in_(inputs.offers.ids)))}
    category = inputs.needs.side.category[made.problem.need]
    lines = breakdowns(made.problem.score, made.scored.parts[made.keep], made.scored.unknown[made.keep], category, inputs.weights, made.turn)
    found = []
    for place, edge in enumerate(made.keep.tolist()):
        need, offer = needs[inputs.needs.ids[int(made.problem.need[place])]], offers[inputs.offers.ids[int(made.problem.offer[place])]]
        km = float(made.found.distance_km[edge])
        if {need.organisation_id, offer.organisation_id} & set(idle):
            found.append(Candidate(need, offer, int(made.problem.score[place]), None if isnan(km) else round(km, 1), list(lines[place])))
    return found


def add(job_dating: JobDating, chosen: Sequence[Candidate]) -> list[Meeting]:
    """Their meetings, without a place yet. Both said yes at the desk: their match is mutual."""
    run_id = job_dating.meetings[0].match.run_id
    made = []
    for one in chosen:
        match = one.match or kept_match(run_id, one) or Match(run=db.session.get_one(MatchingRun, run_id), need=one.need, offer=one.offer, score=one.score)
        if one.match is None:
            match.status, match.confirmed_at = MatchStatus.CONFIRMED, now()
            match.score, match.distance_km, match.breakdown = one.score, one.distance_km, one.breakdown
            db.session.add(match)
        made.append(Meeting(match=match))
    job_dating.meetings += made
    db.session.flush()
    return made


def kept_match(run_id: UUID, one: Candidate) -> Match | None:
    """The row of this pair in the run, if it was computed there and never sent."""
    query = select(Match).where(Match.run_id == run_id, Match.need_id == one.need.id, Match.offer_id == one.offer.id)
    return db.session.scalars(query).one_or_none()
