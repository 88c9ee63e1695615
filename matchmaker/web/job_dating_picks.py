"""The pairs that a host may tick, by structure: a line for each is found sooner than a pair among a hundred."""

from collections.abc import Iterable

from matchmaker.models import Match, Organisation
from matchmaker.services.territories import fold

Picks = list[tuple[Organisation, list[Match]]]


def by_structure(matches: Iterable[Match]) -> Picks:
    """Each structure that looks for something, by name, with its pairs in the order they came."""
    picks: dict[Organisation, list[Match]] = {}
    for match in matches:
        picks.setdefault(match.need.organisation, []).append(match)
    return sorted(picks.items(), key=lambda one: (fold(one[0].name), one[0].id))
