"""How many rows each further choice would leave: counted from the few thousand combinations of facets that there are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from matchmaker.models import Category, EntryKind, Family, Theme, Trait
from matchmaker.models.search import CATEGORY_BITS, FAMILY_BITS, THEME_BITS, TRAIT_BITS

if TYPE_CHECKING:
    from matchmaker.services.search import Question

M = TypeVar("M")


def any_of(bits: Mapping[M, int], chosen: Collection[M]) -> int:
    """The mask of these members."""
    return sum(1 << bits[member] for member in chosen)


@dataclass(frozen=True)
class Counts:
    """Member → rows that answer with it: beside all that is asked for of the other facets, and, of traits, of the other traits."""

    families: Mapping[Family, int]
    categories: Mapping[Category, int]
    themes: Mapping[Theme, int]
    traits: Mapping[Trait, int]


class Tally:
    """Rows by kind and combination of facets."""

    def __init__(self, combinations: Mapping[EntryKind, tuple[Sequence[int], Sequence[int]]]) -> None:
        """``combinations``: of each kind, each combination that there is, and how many rows have it."""
        self.combinations = {kind: (np.array(facets, dtype=np.int64), np.array(numbers, dtype=np.int64)) for kind, (facets, numbers) in combinations.items()}

    def __bool__(self) -> bool:
        return bool(self.combinations)

    def total(self, kind: EntryKind, masks: Sequence[int]) -> int:
        """Rows of this kind with one bit at least of each mask."""
        if kind not in self.combinations:
            return 0
        facets, numbers = self.combinations[kind]
        return int(numbers[has_each(facets, masks)].sum())

    def counts(self, question: "Question") -> Counts:
        """What each choice would leave of the question's kind."""
        nothing = np.zeros(0, dtype=np.int64)
        facets, numbers = self.combinations.get(question.kind, (nothing, nothing))
        families, categories, themes = (
            any_of(FAMILY_BITS, question.families),
            any_of(CATEGORY_BITS, question.categories),
            any_of(THEME_BITS, question.themes),
        )
        traits = [1 << TRAIT_BITS[trait] for trait in question.traits]

        def each(bits: Mapping[M, int], *others: int) -> dict[M, int]:
            fits = has_each(facets, [mask for mask in (*others, *traits) if mask])
            left, weights = facets[fits], numbers[fits]
            return {member: int(weights[(left & (1 << bit)) != 0].sum()) for member, bit in bits.items()}

        return Counts(
            each(FAMILY_BITS, categories, themes),
            each(CATEGORY_BITS, families, themes),
            each(THEME_BITS, families, categories),
            each(TRAIT_BITS, families, categories, themes),
        )


def has_each(facets: NDArray[np.int64], masks: Sequence[int]) -> NDArray[np.bool_]:
    fits = np.ones(len(facets), dtype=np.bool_)
    for mask in masks:
        fits &= (facets & mask) != 0
    return fits
