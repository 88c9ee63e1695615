"""What two yes came to: as their sides tell it, where they did; else as it looks."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import Outcome, Result, Side
from matchmaker.models.base import now, today
from matchmaker.services import asking_rates
from tests.factories import MatchFactory


def talks() -> list[bool]:
    return [came for _score, came in db.session.execute(asking_rates.newest_talks(day=today()))]


def confirmed(days: int, **told: Result) -> None:
    """Two yes so many days ago, and what the need's side said of it."""
    match = MatchFactory(mutual=True, confirmed_at=now() - timedelta(days=days))
    for wave, result in told.items():
        number = int(wave.removeprefix("at_"))
        db.session.add(Outcome(match=match, organisation=match.need.organisation, side=Side.NEED, wave=number, result=result, answered_at=now()))
    db.session.flush()


@pytest.mark.parametrize(
    ("days", "told", "known"),
    [
        (31, {}, []),
        (61, {}, [True]),
        (31, {"at_30": Result.SIGNED}, [True]),
        (31, {"at_30": Result.MET}, []),
        (91, {"at_30": Result.MET, "at_90": Result.NOTHING}, [False]),
        (91, {"at_30": Result.AGREED, "at_90": Result.NOTHING}, [True]),
    ],
)
def test_what_is_told_goes_before_what_it_looks_like(session: Session, days: int, told: dict[str, Result], known: list[bool]) -> None:
    confirmed(days, **told)

    assert talks() == known
