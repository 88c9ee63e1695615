import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine import scoring
from matchmaker.services.matching_breakdowns import breakdowns
from matchmaker.services.matching_tables import CATEGORIES

K = len(scoring.CRITERIA)
values = st.lists(st.lists(st.floats(0, 1), min_size=K, max_size=K), min_size=1, max_size=6)


@pytest.mark.parametrize("weights", [{}, {CATEGORIES[0].value: {"skills": 3.0, "text": 0.0}}], ids=["default weights", "own weights"])
@settings(max_examples=60, deadline=None)
@given(rows=values)
def test_many_pairs_are_broken_down_as_one_is(weights: dict[str, dict[str, float]], rows: list[list[float]]) -> None:
    parts = np.array(rows)
    category = np.arange(len(rows)) % 2
    score = np.concatenate([scoring.totals(parts[[row]], weights.get(CATEGORIES[category[row]].value)) for row in range(len(rows))])

    found = breakdowns(score, parts, np.zeros(parts.shape, dtype=bool), category, weights, np.zeros_like(score))

    for row, lines in enumerate(found):
        one = scoring.points(parts[row], weights.get(CATEGORIES[category[row]].value))
        assert [(line["criterion"], line["earned"], line["possible"]) for line in lines] == [(crit.name, got, most) for crit, got, most in one if most]
