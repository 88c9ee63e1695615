"""To whom a run gives: small structures, newcomers, how many partners each, by EPCI. Numbers only; the web layer says what they mean."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, cast, or_, select

from matchmaker.extensions import db
from matchmaker.models import Commune, Headcount, Match, MatchingRun, Need, Offer, Organisation, Proposal

# Fewer than ten employees.
SMALL = frozenset({Headcount.NONE, Headcount.VERY_SMALL})
NEWCOMER_DAYS = 90


@dataclass(frozen=True)
class Asked:
    """A need that asked for somebody in a run, and what counts of its organisation.

    Attributes
    ----------
    epci : code of the EPCI of the need, empty outside of any.
    is_small : whether the organisation has fewer than ten employees, None when it does not say.
    is_new : whether it came in the last 90 days, or was never proposed anything before the run.
    """

    need: UUID
    organisation: UUID
    epci: str
    is_small: bool | None
    is_new: bool


def figures(run: MatchingRun) -> dict[str, Any]:
    """The fairness figures of a run that holds its pairs and its unserved needs, by name; see `measured`. Four queries, whatever its size."""
    asked, partners = asked_in(run), partners_in(run)
    by_epci: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        by_epci[one.epci].append(one)
    return measured(asked, partners) | {"by_epci": [{"code": code, **measured(by_epci[code], partners)} for code in sorted(by_epci)]}


def measured(asked: Sequence[Asked], partners: Mapping[UUID, Collection[UUID]]) -> dict[str, Any]:
    """The figures of some needs. ``partners``: need → organisations that it was brought together with.

    ``needs_asked`` and ``needs_served`` count needs. Everything else counts organisations, each once however many needs it has:
    ``organisations_…``, ``small_…`` (fewer than ten employees), ``unsized_…`` (those that do not say how many), ``new_…``, of which
    ``…_asked`` have a need in the run and ``…_served`` a partner. ``partners_least``, ``partners_median`` and ``partners_gini`` are of
    the number of partner organisations of each organisation that asked, those with none included; none of them where nobody asked.
    """
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for one in asked:
        found[one.organisation].update(partners.get(one.need, ()))
    served = {organisation for organisation, others in found.items() if others}

    def count(organisations: Iterable[UUID]) -> tuple[int, int]:
        distinct = set(organisations)
        return len(distinct), len(distinct & served)

    groups = {
        "organisations": count(found),
        "small": count(one.organisation for one in asked if one.is_small),
        "unsized": count(one.organisation for one in asked if one.is_small is None),
        "new": count(one.organisation for one in asked if one.is_new),
    }
    numbers = sorted(len(others) for others in found.values())
    return {
        "needs_asked": len(asked),
        "needs_served": sum(1 for one in asked if partners.get(one.need)),
        **{f"{name}_{side}": value for name, pair in groups.items() for side, value in zip(("asked", "served"), pair, strict=True)},
        "partners_least": numbers[0] if numbers else None,
        "partners_median": median(numbers) if numbers else None,
        "partners_gini": gini(numbers),
    }


def gini(numbers: Sequence[int]) -> float | None:
    """Return 0 when all have as many, near 1 when one has all; None for nobody.

    >>> gini([2, 2, 2]), gini([0, 0, 0, 4]), gini([0, 0]), gini([])
    (0.0, 0.75, 0.0, None)
    """
    if not numbers:
        return None
    total = sum(numbers)
    ranked = sum(rank * number for rank, number in enumerate(sorted(numbers), 1))
    return round(2 * ranked / (len(numbers) * total) - (len(numbers) + 1) / len(numbers), 4) if total else 0.0


def asked_in(run: MatchingRun) -> list[Asked]:
    """The needs that the run served or left without an offer."""
    served = select(Match.need_id).where(Match.run_id == run.id)
    left = cast([UUID(text) for text in run.unserved], ARRAY(Uuid))
    query = select(Need.id, Organisation.id, Commune.epci_code, Organisation.headcount, Organisation.created_at)
    query = query.join(Need.organisation).join(Commune, Need.commune_code == Commune.code).where(or_(Need.id.in_(served), Need.id == any_(left)))
    rows = db.session.execute(query.order_by(Need.id)).all()
    instant = run.started_at or run.created_at
    known = proposed_before(run, {organisation for _need, organisation, *_ in rows})
    recent = instant - timedelta(days=NEWCOMER_DAYS)
    return [
        Asked(need, organisation, epci or "", None if headcount is None else headcount in SMALL, created_at >= recent or organisation not in known)
        for need, organisation, epci, headcount, created_at in rows
    ]


def proposed_before(run: MatchingRun, organisations: Collection[UUID]) -> set[UUID]:
    """Those of the organisations that something was proposed to before the run."""
    among = cast(list(organisations), ARRAY(Uuid))
    query = select(Proposal.organisation_id).where(Proposal.organisation_id == any_(among), Proposal.proposed_at < (run.started_at or run.created_at))
    return set(db.session.scalars(query.distinct()))


def partners_in(run: MatchingRun) -> dict[UUID, set[UUID]]:
    """Need → the organisations whose offers the run gave it."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for need, organisation in db.session.execute(select(Match.need_id, Offer.organisation_id).join(Match.offer).where(Match.run_id == run.id)):
        found[need].add(organisation)
    return found
