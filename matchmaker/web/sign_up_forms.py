"""What is asked of who inscribes a structure, in three short steps, and of who joins one."""

from datetime import date
from typing import Any

from wtforms import BooleanField, DateField, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional, ValidationError

from matchmaker.models import Family, InclusionKind
from matchmaker.models.base import today
from matchmaker.services.company_search import Company
from matchmaker.web import labels
from matchmaker.web.account_forms import NewPassword, strong
from matchmaker.web.forms import CommuneField, Form, NumberField, at_most, full_address, required

TERMS = "J’accepte les conditions d’utilisation, et que ma structure et ses annonces soient montrées aux autres structures"
# An agreement lasts five years at most.
LONGEST_ESUS = 5


class NumberForm(Form):
    number = NumberField("SIRET ou numéro RNA", [required("Écrivez le numéro. Pas encore de numéro\u00a0? C’est le second bouton.")])


class StructureForm(Form):
    organisation = StringField("Nom de votre structure", [required("Dites-nous comment s’appelle votre structure."), at_most(200)])
    family = RadioField("Votre structure est…", [required("Choisissez ce qui s’en approche le plus.")], choices=labels.choices(Family))
    inclusion_kind = SelectField("Insertion, handicap ou emploi partagé", choices=labels.choices(InclusionKind, empty="aucun de ceux-ci"))
    esus_until = DateField("Agrément ESUS, jusqu’au", [Optional()])
    commune = CommuneField("Votre commune", [required("Où êtes-vous\u00a0? Le nom ou le code postal.")])
    another = BooleanField("Non, c’est une autre structure")

    def validate_esus_until(self, field: DateField) -> None:
        if field.data and field.data < today():
            raise ValidationError("Cet agrément est terminé. Laissez vide, ou écrivez la date du nouveau.")
        if field.data and field.data > date(today().year + LONGEST_ESUS + 1, 1, 1):
            raise ValidationError("Un agrément dure cinq ans au plus. Regardez la date.")

    def told(self, number: dict[str, str | None]) -> dict[str, Any]:
        """What the next step carries on: plain values, which a cookie can hold."""
        return {
            "name": self.organisation.data,
            "family": self.family.data,
            "inclusion_kind": self.inclusion_kind.data or "",
            "esus_until": self.esus_until.data.isoformat() if self.esus_until.data else "",
            "commune_code": self.commune.commune.code,
            **number,
        }


class PersonForm(NewPassword):
    name = StringField("Votre nom", [required("Écrivez votre nom."), at_most(120)])
    email = StringField("Votre adresse électronique", [required("Écrivez votre adresse."), full_address])
    password = PasswordField("Choisissez un mot de passe", [required("Choisissez un mot de passe."), strong])
    monthly_budget = RadioField(
        "Combien de fois par mois peut-on vous solliciter\u00a0?",
        choices={"2": "2 fois", "4": "4 fois", "6": "6 fois", "10": "10 fois"},
        default="6",
    )
    terms = BooleanField(TERMS, [required("Cochez pour continuer.")])

    def __init__(self, organisation: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.organisation = organisation

    def names(self) -> tuple[str, ...]:
        return (self.name.data, self.email.data, self.organisation)


class JoinForm(Form):
    """Somebody who says that they work there."""

    name = StringField("Votre nom", [required("Écrivez votre nom."), at_most(120)])
    email = StringField("Votre adresse électronique", [required("Écrivez votre adresse."), full_address])
    message = TextAreaField("Un mot pour qui vous lira", [at_most(500)])


class WelcomeForm(NewPassword):
    """Somebody who was invited."""

    name = StringField("Votre nom", [required("Écrivez votre nom."), at_most(120)])
    password = PasswordField("Choisissez un mot de passe", [required("Choisissez un mot de passe."), strong])
    terms = BooleanField("J’accepte les conditions d’utilisation", [required("Cochez pour continuer.")])

    def __init__(self, organisation: str, email: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.organisation, self.email = organisation, email

    def names(self) -> tuple[str, ...]:
        return (self.name.data, self.email, self.organisation)


def first_values(company: Company | None, commune: str) -> dict[str, Any]:
    """What the directory fills in. Everything can be changed."""
    if company is None:
        return {}
    kind = company.inclusion_kind.value if company.inclusion_kind else ""
    return {"organisation": company.name, "family": company.family.value, "inclusion_kind": kind, "commune": commune}
