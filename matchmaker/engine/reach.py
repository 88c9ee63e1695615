"""Maximum coverage: from which places most points are reached, one place after the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.sides import Bools


@dataclass(frozen=True)
class Choice:
    """A place that was chosen.

    Attributes
    ----------
    row : its row.
    gain : how many points it reaches that nothing before it does.
    new : (gain,) their columns.
    """

    row: int
    gain: int
    new: NDArray[np.int64]


def most_reached(within: Bools, *, already: Bools | None = None, most: int = 5) -> list[Choice]:
    """Choose places one by one, each the one that reaches most of the points that nothing reaches yet; of equals, the first.

    Parameters
    ----------
    within : (V, N) whether place v reaches point n.
    already : (N,) points that are reached without any of them.
    most : how many places at most.

    Returns
    -------
    The places in the order of choice. It ends early when no place reaches anything new.

    Notes
    -----
    The first place is the best that there is. Together the first k reach at least 1 - 1/e of what the best k places could:
    Nemhauser, Wolsey, Fisher (1978), "An analysis of approximations for maximizing submodular set functions".

    Examples
    --------
    >>> within = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 1, 1]], dtype=bool)
    >>> [(one.row, one.gain) for one in most_reached(within)]
    [(1, 3), (0, 1)]
    """
    left = np.ones(within.shape[1], dtype=np.bool_) if already is None else ~already
    found: list[Choice] = []
    while len(found) < min(most, within.shape[0]):
        gains = (within & left).sum(axis=1)
        row = int(gains.argmax())
        if gains[row] == 0:
            break
        new = np.flatnonzero(within[row] & left)
        found.append(Choice(row, len(new), new))
        left = left & ~within[row]
    return found
