"""Who could meet whom among those who come to a job dating: what their announcements say, the best first. The host ticks, and each may say no."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import JobDating, JobDatingStatus, Match, Meeting, Need, Offer, Organisation, Side, Status, WishKind
from matchmaker.models.base import now, today
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services import feedback_memory, job_dating_guests, job_dating_matches, matching_inputs, refusal_bounds, territories
from matchmaker.services.errors import ChangedMeanwhile, EditedMeanwhile, NotAllowedNow
from matchmaker.services.job_dating_programmes import Pair, ends, wished_pairs
from matchmaker.services.matching_breakdowns import breakdowns
from matchmaker.services.matching_inputs import PairIds

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

    @property
    def pair(self) -> Pair:
        """The two structures."""
        return frozenset((self.need.organisation_id, self.offer.organisation_id))

    def as_match(self) -> Match:
        """Their match: the one that there is, or a new one that no computation chose, in no session yet."""
        fields = {"score": self.score, "distance_km": self.distance_km, "breakdown": self.breakdown}
        return self.match or Match(need=self.need, offer=self.offer, **fields)


def candidates(job_dating: JobDating) -> list[Candidate]:
    """Pairs among those who come or wait for a place and who do not meet yet, the best first.

    Left out: who does not want it this time, who met before unless one of them asks for more, what is planned at another job dating,
    and pairs to whom the question was put and who have not both said yes.
    """
    guests = {one.organisation_id for one in job_dating.participants if one.is_expected or one.waiting_since is not None}
    free = {match.id for match in job_dating_matches.free_matches(job_dating.venue, beside=job_dating)}
    found = among(job_dating, guests, guests, closed=closed_pairs(job_dating, guests))
    elsewhere = planned_elsewhere(job_dating, [one.ids for one in found])
    return [one for one in found if one.ids not in elsewhere and (one.match is None or one.match.id in free)]


def candidates_of(job_dating: JobDating, organisation: Organisation) -> list[Candidate]:
    """Those that this structure could have with those who come, for itself: whom it could meet if it came."""
    there = {one.organisation_id for one in job_dating.expected} | {organisation.id}
    return among(job_dating, {organisation.id}, there, closed=closed_pairs(job_dating, there))


def closed_pairs(job_dating: JobDating, guests: Collection[UUID]) -> set[Pair]:
    """Structures that meet already, that met before, or of which one does not want it this time, or ever."""
    asked_for = wished_pairs(job_dating.participants, WishKind.MEET)
    met = {frozenset(pair) for pair in feedback_memory.already_met(guests)} - asked_for
    parted = refusal_bounds.parted(guests)
    return met | parted | wished_pairs(job_dating.participants, WishKind.NOT_NOW) | {frozenset(ends(meeting)) for meeting in job_dating.meetings}


def planned_elsewhere(job_dating: JobDating, pairs: Iterable[PairIds]) -> set[PairIds]:
    """Those of the pairs that are to meet at another job dating, published or in preparation."""
    needs = {need for need, _offer in pairs}
    query = select(Match.need_id, Match.offer_id).join(Meeting, Meeting.match_id == Match.id).join(Meeting.job_dating)
    query = query.where(Match.need_id.in_(needs), JobDating.id != job_dating.id, JobDating.ends_at >= now(), job_dating_matches.holds())
    return {(need, offer) for need, offer in db.session.execute(query)}


def among(job_dating: JobDating, seekers: Collection[UUID], there: Collection[UUID], *, closed: Collection[Pair] = (), each: int = MOST) -> list[Candidate]:
    """Pairs of one of the seekers and somebody else of those who are there, the best first; at most ``each`` for a seeker."""
    found = sorted([*live_pairs(seekers, there), *scored_pairs(job_dating, seekers, there)], key=lambda one: (-one.score, one.ids))
    kept: dict[Pair, Candidate] = {}
    counts: dict[UUID, int] = dict.fromkeys(seekers, 0)
    for one in found:
        # Two structures meet once, about what fits best.
        mine = one.pair & set(seekers)
        if one.pair in kept or one.pair in closed or len(one.pair) == 1 or all(counts[key] >= each for key in mine):
            continue
        kept[one.pair] = one
        for key in mine:
            counts[key] += 1
    return list(kept.values())


def live_pairs(seekers: Collection[UUID], there: Collection[UUID]) -> list[Candidate]:
    """Pairs that were proposed or that said yes to each other already."""
    query = (
        select(Match)
        .join(Match.need)
        .join(Match.offer)
        .where(Match.status.in_(LIVE_MATCH), Need.organisation_id.in_(there), Offer.organisation_id.in_(there))
        .where(or_(Need.organisation_id.in_(seekers), Offer.organisation_id.in_(seekers)))
        .where(Need.is_confidential.is_(False), Offer.is_confidential.is_(False))
    )
    found = db.session.scalars(job_dating_matches.with_both_sides(query))
    return [Candidate(one.need, one.offer, one.score, one.distance_km, one.breakdown, one) for one in found]


def scored_pairs(job_dating: JobDating, seekers: Collection[UUID], there: Collection[UUID]) -> list[Candidate]:
    """Pairs that the matching would propose: neither refused nor answered before."""
    is_open = (Need.status == Status.PUBLISHED, Need.is_confidential.is_(False), Need.organisation_id.in_(there))
    is_offered = (Offer.status == Status.PUBLISHED, Offer.is_confidential.is_(False), Offer.organisation_id.in_(there))
    inputs = matching_inputs.read_where(job_dating.territory or job_dating.venue.territory, is_open, is_offered, today=today())
    if not inputs.needs.ids or not inputs.offers.ids:
        return []
    made = matching_inputs.problem(inputs)
    needs = {row.id: row for row in db.session.scalars(select(Need).where(Need.id.in_(inputs.needs.ids)).options(*whose(Need)))}
    offers = {row.id: row for row in db.session.scalars(select(Offer).where(Offer.id.in_(inputs.offers.ids)).options(*whose(Offer)))}
    category = inputs.needs.side.category[made.problem.need]
    lines = breakdowns(made.problem.score, made.scored.parts[made.keep], made.scored.unknown[made.keep], category, inputs.weights, made.turn)
    found = []
    for place, edge in enumerate(made.keep.tolist()):
        need, offer = needs[inputs.needs.ids[int(made.problem.need[place])]], offers[inputs.offers.ids[int(made.problem.offer[place])]]
        km = float(made.found.distance_km[edge])
        if {need.organisation_id, offer.organisation_id} & set(seekers):
            found.append(Candidate(need, offer, int(made.problem.score[place]), None if isnan(km) else round(km, 1), list(lines[place])))
    return found


def whose(model: type[Need | Offer]) -> tuple[Any, ...]:
    """Load with an announcement what is said of its structure and its place."""
    return joinedload(model.organisation).joinedload(Organisation.commune), joinedload(model.commune)


def try_on(job_dating: JobDating, chosen: Collection[PairIds]) -> None:
    """Add the meetings of these pairs for a look: whoever calls takes them back."""
    job_dating.meetings += [Meeting(match=one.as_match()) for one in candidates(job_dating) if one.ids in chosen]
    db.session.flush()


def add(job_dating: JobDating, chosen: Collection[PairIds], *, version: int) -> list[Meeting]:
    """Let these pairs meet, and find places for them; in a published job dating nothing else moves, and who waited is let in where there is room.

    Raises EditedMeanwhile, ChangedMeanwhile when one of them can no longer meet, NotAllowedNow once it has begun.
    """
    job_dating_guests.lock_open(job_dating)
    if job_dating.version != version:
        raise EditedMeanwhile(str(job_dating.id))
    if job_dating.has_begun:
        raise NotAllowedNow(job_dating.status)
    known = {one.ids: one for one in candidates(job_dating)}
    if not known.keys() >= set(chosen):
        raise ChangedMeanwhile("a pair can no longer meet")
    made = [Meeting(match=known[ids].as_match()) for ids in sorted(set(chosen))]
    job_dating.meetings += made
    db.session.flush()
    job_dating_guests.replan(job_dating)
    if job_dating.status is JobDatingStatus.PUBLISHED:
        job_dating_guests.promote(job_dating)
    db.session.flush()
    return made


def alone(job_dating: JobDating) -> list[Organisation]:
    """Those who come, or wait to, and whom nobody is to meet, by name."""
    busy = {meeting.organisation_of(side).id for meeting in job_dating.meetings for side in Side}
    idle = [one.organisation for one in job_dating.participants if (one.is_expected or one.waiting_since is not None) and one.organisation_id not in busy]
    return sorted(idle, key=lambda one: (territories.fold(one.name), one.id))


def of_structures(found: Sequence[Candidate], organisations: Collection[Organisation]) -> tuple[list[Candidate], list[Candidate]]:
    """Those that are about one of these structures, and the others."""
    ids = {one.id for one in organisations}
    return [one for one in found if one.pair & ids], [one for one in found if not one.pair & ids]
