"""Which candidate pairs speak of the same thing.

A caterer and a gardener are both purchases within thirty kilometres of each other: no distance makes them a match. In the
categories where the words say what is wanted, a pair must share a skill or enough of its text.
"""

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.scoring import CRITERIA, Scored

# Cosine of the two texts from which two declarations are taken to be about the same subject.
SAME_SUBJECT = 0.18
SKILLS, TEXT = (next(column for column, criterion in enumerate(CRITERIA) if criterion.name == name) for name in ("skills", "text"))


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
    Two declarations that give neither skills nor text cannot be told apart: they stay, marked unknown.
    """
    shares_skill = ~scored.unknown[:, SKILLS] & (scored.parts[:, SKILLS] > 0)
    shares_text = ~scored.unknown[:, TEXT] & (scored.parts[:, TEXT] >= SAME_SUBJECT)
    says_nothing = scored.unknown[:, SKILLS] & scored.unknown[:, TEXT]
    return np.asarray(~by_words | shares_skill | shares_text | says_nothing, dtype=np.bool_)
