"""« Plus tard »: until which day a side may put its answer off, and which day is proposed."""

from datetime import date, timedelta

from wtforms.validators import StopValidation

from matchmaker.models import Proposal
from matchmaker.models.base import today
from matchmaker.services import proposals
from matchmaker.web import formats

# How many days away « later » is unless somebody says otherwise.
SOON = 14


def first_day(proposal: Proposal) -> date:
    """The day that was chosen before, else one that is near."""
    return proposal.postponed_until or min(today() + timedelta(days=SOON), proposals.latest_postponement(proposal))


def check_day(day: date, latest: date | None) -> None:
    """Raises StopValidation for a day that is past, or too far for the other side."""
    if day <= today():
        raise StopValidation("Choisissez un jour à venir.")
    if latest is not None and day > latest:
        raise StopValidation(f"C’est trop loin\u00a0: le {formats.short_date(latest)} au plus tard.")
