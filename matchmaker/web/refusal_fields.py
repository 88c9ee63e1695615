"""What is asked of who says no, in the page of a mail, in the inbox and on the telephone: why, and what later computations should know."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from wtforms import BooleanField, DateField, Field
from wtforms.validators import Optional, StopValidation

from matchmaker.models import DeclineReason, Proposal, Unit
from matchmaker.models.base import today
from matchmaker.services import never_again
from matchmaker.services.refusal_bounds import Bounds
from matchmaker.web import formats
from matchmaker.web.declaration_fields import AmountField
from matchmaker.web.declaration_guides import GUIDES
from matchmaker.web.forms import Form, between

# Who wants nothing for longer than this pauses the announcement.
LONGEST_REST_DAYS = 365


def only_for(reason: DeclineReason) -> Callable[[Form, Field], None]:
    """This field is read with this reason only."""

    def check(form: Form, field: Field) -> None:
        if not form.is_refusal() or form.reason.data != reason.value:
            field.errors, field.data = [], None
            raise StopValidation

    return check


def volume(words: str) -> AmountField:
    check = between(Decimal("0.01"), 1_000_000, "Écrivez un nombre plus grand que zéro.")
    return AmountField(words, [only_for(DeclineReason.WRONG_VOLUME), Optional(), check])


class BoundsMixin:
    """Beside the field ``reason`` of a form: from which day, in which volume, and whether ever with that structure."""

    not_before = DateField("Ne rien nous proposer pour cette annonce avant le", [only_for(DeclineReason.NO_TIME), Optional()])
    least_volume = volume("Ce qui nous irait, au moins")
    most_volume = volume("Ce qui nous irait, au plus")
    never_again = BooleanField("Ne plus nous mettre en relation avec cette structure")

    def is_refusal(self) -> bool:
        return True

    def validate_not_before(self, field: DateField) -> None:
        latest = today() + timedelta(days=LONGEST_REST_DAYS)
        if field.data is None or not today() < field.data <= latest:
            field.errors = []
            raise StopValidation(f"Choisissez un jour à venir, le {formats.long_date(latest)} au plus tard.")

    def validate_most_volume(self, field: AmountField) -> None:
        least = self.least_volume.data
        if field.data is not None and least is not None and field.data < least:
            raise StopValidation("Le plus petit nombre va dans la première case.")

    def bounds(self, proposal: Proposal) -> Bounds:
        least, most = self.least_volume.data, self.most_volume.data
        unit = unit_of(proposal) if least is not None or most is not None else None
        return Bounds(self.never_again.data, self.not_before.data, least, most, unit)


def noted(proposal: Proposal) -> str:
    """What its structure reads when its no is written down."""
    ended = never_again.ended_by(proposal)
    if not ended:
        return "Votre non est noté. Nous cherchons la structure suivante."
    if ended == 1:
        also = "L’autre proposition qui vous liait à cette structure est retirée aussi"
    else:
        also = f"Les {formats.numeral(ended).lower()} autres propositions qui vous liaient à cette structure sont retirées aussi"
    return f"Votre non est noté. {also}, et nous cherchons ailleurs."


def unit_of(proposal: Proposal) -> Unit:
    """In what the two announcements count; what the category counts in where they say nothing."""
    return proposal.their_declaration.volume_unit or proposal.own_declaration.volume_unit or GUIDES[proposal.match.need.category].unit


def first_bounds(proposal: Proposal) -> dict[str, object]:
    """What was asked with the refusal that stands."""
    names = ("not_before", "least_volume", "most_volume", "never_again")
    return {name: getattr(proposal, name) for name in names}
