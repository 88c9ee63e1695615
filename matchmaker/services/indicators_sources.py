"""The rows behind a figure, named: for who looks after the territory and must be able to defend the number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from matchmaker.extensions import db
from matchmaker.models import Feedback, JobDating, Match, Meeting, Need, Offer, Organisation, Participant, Pool, Proposal, Span, Territory
from matchmaker.services import indicators_loading
from matchmaker.services.indicators import Indicator
from matchmaker.services.indicators_facts import Asked, Came, Card, Cooperation, Fact, Followed, Gathering, Paired, Planned, Posted, Shared, Word
from matchmaker.services.observatory_snapshots import epcis_inside, start_of

CONFIDENTIAL = ""
# A page of more is read by nobody; the count stands above it.
SHOWN = 200


@dataclass(frozen=True)
class Source:
    """One row: its day, whom it is about, and whether it is in the figure or only among those that it is a share of. An empty name is confidential."""

    id: UUID
    on: date
    names: tuple[str, ...]
    counts: bool
    match_id: UUID | None = None


@dataclass(frozen=True)
class Sources:
    rows: list[Source]
    value: float
    denominator: float | None
    total: int


def sources(indicator: Indicator, territory: Territory, *, span: Span, day: date) -> Sources:
    """What the figure of this stretch would be made of if it were counted now. The queries do not grow with the rows."""
    world = indicators_loading.world(start_of(Span.YEAR, day), day).by_territory(epcis_inside())[territory.id]
    reading = indicator.read(world.since(start_of(span, day)))
    inside = {fact.id for fact in reading.rows}
    facts = sorted(reading.among, key=lambda fact: (fact.id not in inside, fact.on, fact.id))
    named = names(facts[:SHOWN])
    rows = [Source(fact.id, fact.on, named.get(fact.id, ()), fact.id in inside, match_of(fact)) for fact in facts[:SHOWN]]
    return Sources(rows, reading.value, reading.denominator, len(facts))


def match_of(fact: Fact) -> UUID | None:
    return fact.id if isinstance(fact, (Cooperation, Followed, Paired)) else None


def names(facts: Sequence[Fact]) -> dict[UUID, tuple[str, ...]]:
    """Row id → the structures that it is about."""
    found: dict[UUID, tuple[str, ...]] = {}
    for kind, query in QUERIES.items():
        ids = [fact.id for fact in facts if isinstance(fact, kind)]
        if ids:
            found.update(told(query(ids)))
    return found


def told(rows: Iterable[Sequence[object]]) -> Iterable[tuple[UUID, tuple[str, ...]]]:
    """(id, is it confidential, names…) → (id, names), without those that are in confidence."""
    for row_id, is_secret, *words in rows:
        if isinstance(row_id, UUID):
            yield row_id, (CONFIDENTIAL,) if is_secret else tuple(str(word) for word in words if word)


def of_declarations(ids: list[UUID]) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = []
    for model in (Need, Offer):
        query = select(model.id, model.is_confidential, Organisation.name, model.title).join(model.organisation).where(model.id.in_(ids))
        rows.extend(db.session.execute(query).all())
    return rows


def of_proposals(ids: list[UUID]) -> Sequence[Sequence[object]]:
    query = select(Proposal.id, Need.is_confidential | Offer.is_confidential, Organisation.name, Need.title).join(Proposal.organisation)
    return db.session.execute(query.join(Proposal.match).join(Match.need).join(Match.offer).where(Proposal.id.in_(ids))).all()


def of_matches(ids: list[UUID]) -> Sequence[Sequence[object]]:
    one, other = aliased(Organisation), aliased(Organisation)
    query = select(Match.id, Need.is_confidential | Offer.is_confidential, one.name, other.name).join(Match.need).join(Match.offer)
    return db.session.execute(query.join(one, Need.organisation_id == one.id).join(other, Offer.organisation_id == other.id).where(Match.id.in_(ids))).all()


def of_meetings(ids: list[UUID]) -> Sequence[Sequence[object]]:
    one, other = aliased(Organisation), aliased(Organisation)
    query = select(Meeting.id, Need.is_confidential | Offer.is_confidential, one.name, other.name).join(Meeting.match).join(Match.need).join(Match.offer)
    return db.session.execute(query.join(one, Need.organisation_id == one.id).join(other, Offer.organisation_id == other.id).where(Meeting.id.in_(ids))).all()


def of_participants(ids: list[UUID]) -> Sequence[Sequence[object]]:
    query = select(Participant.id, Participant.id.is_(None), Organisation.name, JobDating.title).join(Participant.organisation).join(Participant.job_dating)
    return db.session.execute(query.where(Participant.id.in_(ids))).all()


def of_words(ids: list[UUID]) -> Sequence[Sequence[object]]:
    query = select(Feedback.id, Need.is_confidential | Offer.is_confidential, Organisation.name).join(Feedback.organisation).join(Feedback.meeting)
    return db.session.execute(query.join(Meeting.match).join(Match.need).join(Match.offer).where(Feedback.id.in_(ids))).all()


def of_pools(ids: list[UUID]) -> Sequence[Sequence[object]]:
    return db.session.execute(select(Pool.id, Pool.id.is_(None), Pool.occupation).where(Pool.id.in_(ids))).all()


def of_cards(ids: list[UUID]) -> Sequence[Sequence[object]]:
    return db.session.execute(select(Organisation.id, Organisation.id.is_(None), Organisation.name).where(Organisation.id.in_(ids))).all()


def of_gatherings(ids: list[UUID]) -> Sequence[Sequence[object]]:
    return db.session.execute(select(JobDating.id, JobDating.id.is_(None), JobDating.title).where(JobDating.id.in_(ids))).all()


QUERIES = {
    Posted: of_declarations,
    Asked: of_proposals,
    Paired: of_matches,
    Followed: of_matches,
    Cooperation: of_matches,
    Planned: of_meetings,
    Came: of_participants,
    Word: of_words,
    Shared: of_pools,
    Card: of_cards,
    Gathering: of_gatherings,
}
