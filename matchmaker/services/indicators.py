"""The 24 indicators: each a small function from a world of facts to a figure and the rows behind it. Their words are web/observatory_words."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from matchmaker.models import Category, DaysBand, EuroBand, FoundAnyway, Side
from matchmaker.services.indicators_facts import Asked, Cooperation, Fact, Posted, World

PROPOSED_WITHIN_DAYS, FRESH_DAYS = 10, 90
# What a band holds at the least: sums of these are « at least ».
LEAST_DAYS = {DaysBand.UP_TO_FIVE: 1, DaysBand.UP_TO_TWENTY: 6, DaysBand.UP_TO_SIXTY: 21, DaysBand.MORE: 61}
LEAST_EUROS = {EuroBand.UP_TO_1K: 0, EuroBand.UP_TO_5K: 1_000, EuroBand.UP_TO_20K: 5_000, EuroBand.UP_TO_100K: 20_000, EuroBand.MORE: 100_000}


class Kind(StrEnum):
    """How a figure is read: a sum, a share of its denominator, a ratio to it, or a measure taken over so many rows."""

    SUM = "sum"
    SHARE = "share"
    RATIO = "ratio"
    MEASURE = "measure"


@dataclass(frozen=True)
class Reading:
    """A figure, what it is a share of, the rows that make the figure and those among which they are."""

    value: float
    denominator: float | None = None
    rows: Sequence[Fact] = ()
    among: Sequence[Fact] = ()


@dataclass(frozen=True)
class Indicator:
    """``is_open``: it counts only what anybody may see already, so that no small number of it tells of anybody.

    ``within``: those whose numerator holds that of this one, over the same denominator: the difference is a count too. ``over``: the share
    whose numerator is the denominator of this one, which therefore must not be read where that share is hidden.
    """

    number: int
    key: str
    kind: Kind
    read: Callable[[World], Reading]
    is_open: bool = False
    parts: Callable[[World], dict[str, World]] | None = None
    within: tuple[str, ...] = ()
    over: str = ""


def count(rows: Sequence[Fact]) -> Reading:
    return Reading(len(rows), rows=rows, among=rows)


def share(rows: Sequence[Fact], among: Sequence[Fact]) -> Reading:
    return Reading(len(rows), len(among), rows, among)


def measure(value: float, among: Sequence[Fact]) -> Reading:
    return Reading(round(value, 4), len(among), among, among)


def posted(world: World, side: Side) -> list[Posted]:
    return [fact for fact in world.posted if fact.side is side]


def needs(world: World) -> Reading:
    return count(posted(world, Side.NEED))


def offers(world: World) -> Reading:
    return count(posted(world, Side.OFFER))


def served(world: World) -> Reading:
    """Needs put to somebody within ten days, of those that were or whose ten days are over."""
    in_time = [fact for fact in posted(world, Side.NEED) if fact.served_after is not None and fact.served_after <= PROPOSED_WITHIN_DAYS]
    known = {fact.id for fact in in_time}
    judged = [fact for fact in posted(world, Side.NEED) if fact.id in known or (world.day - fact.on).days >= PROPOSED_WITHIN_DAYS]
    return share(in_time, judged)


def answered(world: World) -> Reading:
    return share([fact for fact in world.asked if fact.is_answered], world.asked)


def answer_days(world: World) -> Reading:
    told = [fact for fact in world.asked if fact.days is not None]
    return measure(median(fact.days or 0 for fact in told) if told else 0, told)


def answered_within(days: int) -> Callable[[World], Reading]:
    return lambda world: share([fact for fact in world.asked if fact.days is not None and fact.days <= days], world.asked)


def mutual(world: World) -> Reading:
    """Pairs in which both said yes, of the pairs that were put to their sides."""
    pairs: dict[object, Asked] = {}
    for fact in world.asked:
        pairs.setdefault(fact.match_id, fact)
    among = list(pairs.values())
    return share([fact for fact in among if fact.is_mutual], among)


def planned(world: World) -> Reading:
    return count(world.planned)


def held(world: World) -> Reading:
    return share([fact for fact in world.planned if fact.is_held], world.planned)


def no_shows(side: Side) -> Callable[[World], Reading]:
    def read(world: World) -> Reading:
        among = [fact for fact in world.came if side in fact.sides]
        return share([fact for fact in among if fact.is_no_show], among)

    return read


def meetings_each(of: Callable[[list[int]], float]) -> Callable[[World], Reading]:
    def read(world: World) -> Reading:
        return measure(of([fact.meetings for fact in world.came]) if world.came else 0, world.came)

    return read


def gini(values: Iterable[int]) -> float:
    """How unevenly meetings are spread: 0 when everybody has as many, near 1 when one has all.

    >>> gini([3, 3, 3]), gini([0, 0, 0, 4]), gini([])
    (0.0, 0.75, 0.0)
    """
    ordered = sorted(values)
    total, size = sum(ordered), len(ordered)
    if not total:
        return 0.0
    return round(2 * sum(rank * value for rank, value in enumerate(ordered, 1)) / (size * total) - (size + 1) / size, 4)


def newcomers(world: World) -> Reading:
    return share([fact for fact in world.came if fact.is_new], world.came)


def followed(world: World) -> Reading:
    said = [fact for fact in world.followed if fact.has_said]
    return share([fact for fact in said if fact.went_on], said)


def cooperations(world: World) -> Reading:
    return count(world.cooperations)


def shared_fte(world: World) -> Reading:
    return Reading(float(sum(fact.fte for fact in world.shared)), len(world.shared), world.shared, world.shared)


def sponsorship_days(world: World) -> Reading:
    told = [fact for fact in world.cooperations if fact.category is Category.SKILLS_SPONSORSHIP and fact.days is not None]
    return Reading(sum(LEAST_DAYS[fact.days] for fact in told if fact.days), len(told), told, told)


def purchases(world: World) -> list[Cooperation]:
    return [fact for fact in world.cooperations if fact.category is Category.PURCHASE and fact.euros is not None]


def purchase_euros(world: World) -> Reading:
    told = purchases(world)
    return Reading(sum(LEAST_EUROS[fact.euros] for fact in told if fact.euros), len(told), told, told)


def by_band(world: World) -> dict[str, World]:
    told = purchases(world)
    return {band.value: World(world.day, cooperations=[fact for fact in told if fact.euros is band]) for band in EuroBand}


def by_category(world: World) -> dict[str, World]:
    return {category.value: world.of_category(category) for category in Category}


def across(world: World) -> Reading:
    return share([fact for fact in world.paired if fact.is_across], world.paired)


def ratio(world: World) -> Reading:
    return Reading(len(posted(world, Side.NEED)), len(posted(world, Side.OFFER)), world.posted, world.posted)


def idle_epcis(world: World) -> Reading:
    return Reading(len(world.epcis - world.active), len(world.epcis))


def additional(world: World) -> Reading:
    """Cooperations that would not have come about otherwise, of those that were asked and said."""
    said = [fact for fact in world.cooperations if fact.found_anyway is not None]
    return share([fact for fact in said if fact.found_anyway is FoundAnyway.NO], said)


def useful(side: Side) -> Callable[[World], Reading]:
    def read(world: World) -> Reading:
        among = [fact for fact in world.words if fact.side is side]
        return share([fact for fact in among if fact.is_useful], among)

    return read


def fresh(world: World) -> Reading:
    return share([fact for fact in world.cards if (world.day - fact.on).days < FRESH_DAYS], world.cards)


def active_places(world: World) -> Reading:
    first = {fact.venue_id: fact for fact in reversed(world.gatherings)}
    return count(list(first.values()))


def gatherings(world: World) -> Reading:
    return count(world.gatherings)


def filled(world: World) -> Reading:
    return Reading(sum(fact.planned for fact in world.gatherings), sum(fact.places for fact in world.gatherings), world.gatherings, world.gatherings)


def least(values: list[int]) -> float:
    return min(values)


def middle(values: list[int]) -> float:
    return float(median(values))


INDICATORS = (
    Indicator(1, "needs", Kind.SUM, needs, is_open=True, parts=by_category),
    Indicator(2, "offers", Kind.SUM, offers, is_open=True, parts=by_category),
    Indicator(3, "served", Kind.SHARE, served),
    Indicator(4, "answered", Kind.SHARE, answered),
    Indicator(5, "answer_days", Kind.MEASURE, answer_days, over="answered"),
    Indicator(6, "answered_in_3", Kind.SHARE, answered_within(3), within=("answered_in_5", "answered")),
    Indicator(6, "answered_in_5", Kind.SHARE, answered_within(5), within=("answered",)),
    Indicator(7, "mutual", Kind.SHARE, mutual),
    Indicator(8, "planned", Kind.SUM, planned),
    Indicator(9, "held", Kind.SHARE, held),
    Indicator(10, "no_show_needs", Kind.SHARE, no_shows(Side.NEED)),
    Indicator(10, "no_show_offers", Kind.SHARE, no_shows(Side.OFFER)),
    Indicator(11, "meetings_least", Kind.MEASURE, meetings_each(least)),
    Indicator(11, "meetings_middle", Kind.MEASURE, meetings_each(middle)),
    Indicator(11, "meetings_gini", Kind.MEASURE, meetings_each(gini)),
    Indicator(12, "newcomers", Kind.SHARE, newcomers),
    Indicator(13, "followed", Kind.SHARE, followed),
    Indicator(14, "cooperations", Kind.SUM, cooperations, parts=by_category),
    Indicator(15, "shared_fte", Kind.MEASURE, shared_fte),
    Indicator(16, "sponsorship_days", Kind.MEASURE, sponsorship_days),
    Indicator(17, "purchase_euros", Kind.MEASURE, purchase_euros, parts=by_band),
    Indicator(18, "across", Kind.SHARE, across),
    Indicator(19, "ratio", Kind.RATIO, ratio, is_open=True, parts=by_category),
    Indicator(20, "idle_epcis", Kind.SHARE, idle_epcis, is_open=True),
    Indicator(21, "additional", Kind.SHARE, additional),
    Indicator(22, "useful_needs", Kind.SHARE, useful(Side.NEED)),
    Indicator(22, "useful_offers", Kind.SHARE, useful(Side.OFFER)),
    Indicator(23, "fresh", Kind.SHARE, fresh),
    Indicator(24, "active_places", Kind.SUM, active_places, is_open=True),
    Indicator(24, "gatherings", Kind.SUM, gatherings, is_open=True),
    Indicator(24, "filled", Kind.SHARE, filled),
)
BY_KEY = {indicator.key: indicator for indicator in INDICATORS}


def read(world: World) -> dict[tuple[str, str], Reading]:
    """(indicator, part) → what it says of this world; the whole under the empty part."""
    found: dict[tuple[str, str], Reading] = {}
    for indicator in INDICATORS:
        found[indicator.key, ""] = indicator.read(world)
        if indicator.parts is not None:
            for part, piece in indicator.parts(world).items():
                found[indicator.key, part] = indicator.read(piece)
    return found
