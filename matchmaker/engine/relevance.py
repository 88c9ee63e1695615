"""Which candidate pairs speak of the same thing.

A caterer and a gardener are both purchases within thirty kilometres of each other: no distance makes them a match. In the
categories where the words say what is wanted, a pair must share a skill, enough of its text, or near occupations.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.scoring import CRITERIA, Context, Scored, scored_and_kept, scored_in_parts
from matchmaker.engine.sides import Bools, Candidates, Ints, Side

# Cosine of the two texts from which two declarations are taken to be about the same subject.
SAME_SUBJECT = 0.18
# Values of skills, text and occupation of which one is enough: for the first and the last, whatever is above 0.
_LEAST = np.array([1e-45, SAME_SUBJECT, 1e-45], dtype=np.float32)
SKILLS, TEXT, OCCUPATION = ([criterion.name for criterion in CRITERIA].index(name) for name in ("skills", "text", "occupation"))


def judged(
    candidates: Candidates, needs: Side, offers: Side, context: Context, by_words: Bools, weights: Mapping[str, float] | None = None
) -> tuple[Ints, Bools]:
    """Score the pairs and tell which to keep, part by part: the values of the criteria are never held for all pairs.

    Parameters
    ----------
    candidates, needs, offers, context, weights : what `scoring.score` is given.
    by_words : (C,) whether words must agree, by number of category.

    Returns
    -------
    (E,) totals in millionths and (E,) which pairs to keep: what `score` and `relevant` say, in 9 bytes a pair. For the
    values behind some of them, score `part_of` these.
    """
    if (at_once := scored_and_kept(candidates, needs, offers, context, weights, by_words[needs.category], _LEAST)) is not None:
        return at_once
    total, keep = np.empty(len(candidates.need), dtype=np.int64), np.empty(len(candidates.need), dtype=np.bool_)
    for rows, scored in scored_in_parts(candidates, needs, offers, context, weights):
        total[rows] = scored.total
        keep[rows] = relevant(scored, by_words[needs.category[candidates.need[rows]]])
    return total, keep


def relevant(scored: Scored, by_words: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which pairs to keep.

    Parameters
    ----------
    scored : the E scored pairs.
    by_words : (E,) whether the pair's category is one where words must agree.

    Returns
    -------
    (E,) bool

    Notes
    -----
    Two declarations that give neither skills nor text nor occupations cannot be told apart: they stay, marked unknown.
    """
    shares_skill = ~scored.unknown[:, SKILLS] & (scored.parts[:, SKILLS] > 0)
    shares_text = ~scored.unknown[:, TEXT] & (scored.parts[:, TEXT] >= SAME_SUBJECT)
    shares_occupation = ~scored.unknown[:, OCCUPATION] & (scored.parts[:, OCCUPATION] > 0)
    says_nothing = scored.unknown[:, SKILLS] & scored.unknown[:, TEXT] & scored.unknown[:, OCCUPATION]
    return np.asarray(~by_words | shares_skill | shares_text | shares_occupation | says_nothing, dtype=np.bool_)
