"""What the page of a run counts: by the database, since a département may have tens of thousands of pairs."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from sqlalchemy import ColumnElement, distinct, func, select, union

from matchmaker.extensions import db
from matchmaker.models import Commune, Match, MatchingRun, MatchStatus, Need, Offer, Organisation
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services.matching import both_sides

BAND = 10


@dataclass(frozen=True)
class Place:
    """Needs of one EPCI in a run: how many are served, and the ids of the others. The code is None outside of all."""

    code: str | None
    served: int
    unserved: list[str]


def matches_count(run: MatchingRun) -> int:
    return db.session.scalar(select(func.count()).select_from(Match).where(Match.run_id == run.id)) or 0


def places(run: MatchingRun) -> list[Place]:
    """The EPCI that have needs in the run."""
    query = select(Commune.epci_code, func.count(distinct(Match.need_id))).select_from(Match).join(Match.need).join(Need.commune)
    served = dict(db.session.execute(query.where(Match.run_id == run.id).group_by(Commune.epci_code)).all())
    unserved: dict[str | None, list[str]] = defaultdict(list)
    for need_id, code in db.session.execute(select(Need.id, Commune.epci_code).join(Need.commune).where(Need.territory_id == run.territory_id)):
        if str(need_id) in run.unserved:
            unserved[code].append(str(need_id))
    return [Place(code, served.get(code, 0), unserved[code]) for code in served.keys() | unserved.keys()]


def score_bands(run: MatchingRun) -> list[int]:
    """How many pairs have 0 to 9 points, 10 to 19, …, 90 to 100."""
    points = (Match.score + 5_000) // 10_000
    band = func.least(points // BAND, 100 // BAND - 1)
    query = select(band, func.count()).where(Match.run_id == run.id).group_by(band)
    found = Counter({int(number): count for number, count in db.session.execute(query)})
    return [found[number] for number in range(100 // BAND)]


def weakest(run: MatchingRun) -> int | None:
    """The lowest score of a pair, in millionths."""
    return db.session.scalar(select(func.min(Match.score)).where(Match.run_id == run.id))


def kept(run: MatchingRun, *, limit: int) -> tuple[int, int, list[Match]]:
    """Matches of the territory's needs from other runs that a run leaves as they are: agreed, awaiting an answer, and the first of them."""
    where: tuple[ColumnElement[bool], ...] = (Need.territory_id == run.territory_id, Match.status.in_(LIVE_MATCH), Match.run_id != run.id)
    agreed = func.count().filter(Match.status == MatchStatus.CONFIRMED)
    counts = db.session.execute(select(agreed, func.count()).select_from(Match).join(Match.need).where(*where)).one()
    first = select(Match).join(Match.need).where(*where).order_by(Match.status, Match.score.desc(), Match.id).limit(limit)
    return counts[0], counts[1] - counts[0], list(db.session.scalars(first.options(*both_sides())))


def asked_organisations(run: MatchingRun) -> list[Organisation]:
    """The organisations that the run would ask."""
    needs = select(Need.organisation_id).join(Match, Match.need_id == Need.id).where(Match.run_id == run.id)
    offers = select(Offer.organisation_id).join(Match, Match.offer_id == Offer.id).where(Match.run_id == run.id)
    return list(db.session.scalars(select(Organisation).where(Organisation.id.in_(union(needs, offers)))))


def earlier(run: MatchingRun) -> MatchingRun | None:
    """The result of the same territory that came before this one."""
    query = select(MatchingRun).where(MatchingRun.territory_id == run.territory_id, MatchingRun.value.is_not(None), MatchingRun.created_at < run.created_at)
    return db.session.scalars(query.order_by(MatchingRun.created_at.desc()).limit(1)).one_or_none()
