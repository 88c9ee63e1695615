"""Forms about shared jobs: rules of a composition, and a fraction that nobody has declared yet."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from wtforms import IntegerField, RadioField, StringField, ValidationError

from matchmaker.engine.pool_problem import ALL_HALFDAYS, ALL_MONTHS, Rules
from matchmaker.models.declarations import HALF_DAYS
from matchmaker.web import formats
from matchmaker.web.declaration_fields import AmountField
from matchmaker.web.forms import BoxesField, CommuneField, Form, at_most, between, bits, reached, required

PART = "Écrivez une part d’un temps plein, de 0,1 à 1."


class RulesForm(Form):
    """Read from the address too: what is tried there is not written."""

    class Meta(Form.Meta):
        # The application itself checks the token of each POST.
        csrf = False

    max_km = IntegerField("Entre deux sites, au plus", [between(1, 200, "Écrivez un nombre de kilomètres, de 1 à 200.")])
    max_employers = RadioField("Employeurs, au plus", choices={"2": "2", "3": "3", "4": "4"})
    min_fte = AmountField("Le poste fait au moins", [between(Decimal("0.1"), 1, PART)])
    max_fte = AmountField("Et au plus", [between(Decimal("0.1"), 1, PART)])

    def validate_max_fte(self, field: AmountField) -> None:
        if not self.min_fte.errors and self.min_fte.data > field.data:
            raise ValidationError("C’est moins que le minimum.")

    def rules(self, present: Rules) -> Rules:
        """The present rules with what the form says."""
        return replace(
            present,
            max_km=float(self.max_km.data),
            max_employers=int(self.max_employers.data),
            min_fte=float(self.min_fte.data),
            max_fte=float(self.max_fte.data),
        )


def first_values(rules: Rules) -> dict[str, Any]:
    """Rules as the form shows them."""
    part = {name: Decimal(str(getattr(rules, name))) for name in ("min_fte", "max_fte")}
    return {"max_km": round(rules.max_km), "max_employers": str(rules.max_employers), **part}


class OtherDaysForm(Form):
    """All the half-days that an employer could do, when those of the week do not suit."""

    halfdays = BoxesField("Toutes les demi-journées possibles chez vous", choices={str(bit): formats.HALF_DAYS[bit].capitalize() for bit in range(HALF_DAYS)})
    needed = 1

    def validate_halfdays(self, field: BoxesField) -> None:
        if len(set(field.data or [])) < self.needed:
            raise ValidationError(f"Cochez-en au moins {self.needed}\u00a0: c’est ce que demande votre besoin.")


class SimulatorForm(Form):
    occupation = StringField("Quel métier\u00a0?", [required("Écrivez le nom du métier."), at_most(80)], description="Exemple\u00a0: comptable.")
    commune = CommuneField("Où travaillerait la personne\u00a0?", [required("Écrivez une commune ou un code postal."), reached])
    wanted = IntegerField(
        "Combien de demi-journées par semaine\u00a0?", [between(1, HALF_DAYS, "Écrivez un nombre de 1 à 10.")], description="Un jour fait deux demi-journées."
    )
    halfdays = BoxesField("Lesquelles sont possibles\u00a0?", choices={str(bit): formats.HALF_DAYS[bit].capitalize() for bit in range(HALF_DAYS)})
    months = BoxesField("Quels mois\u00a0?", choices={str(number): month.capitalize() for number, month in enumerate(formats.MONTHS, 1)})

    def validate_halfdays(self, field: BoxesField) -> None:
        if field.data and not self.wanted.errors and len(set(field.data)) < self.wanted.data:
            raise ValidationError("Cochez au moins autant de demi-journées que vous en voulez, ou aucune si toutes conviennent.")

    @property
    def allowed_bits(self) -> int:
        return bits(self.halfdays.data or []) or ALL_HALFDAYS

    @property
    def month_bits(self) -> int:
        return bits(self.months.data or []) >> 1 or ALL_MONTHS
