"""The questions of each category, as form fields: what its people ask each other first, and no more."""

import re
from decimal import Decimal

from wtforms import BooleanField, DateField, DecimalField, IntegerField, RadioField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import Optional, StopValidation

from matchmaker.models import Flag, Sector, Theme, Unit
from matchmaker.models.base import today
from matchmaker.models.declarations import HALF_DAYS
from matchmaker.web import formats, labels
from matchmaker.web.forms import BoxesField, CommuneField, Form, at_most, between, idcc_number, next_time, reached, required
from matchmaker.web.occupations import OccupationField
from matchmaker.web.successions import KINDS

RADIUS = {"10": "10 km", "30": "30 km", "60": "60 km", "100": "100 km"}
# An e-mail address or a telephone number.
PERSONAL = re.compile(r"\S@\S+\.\w|(?:\+33|\b0)[ .-]?[1-9](?:[ .-]?\d{2}){4}")
YES_NO_UNKNOWN = {"": "je ne sais pas", "yes": "oui", "no": "non"}


def day(words: str) -> DateField:
    return DateField(words, [Optional(), of_our_time])


def of_our_time(_form: Form, field: DateField) -> None:
    """A day of the calendar, some years from now at most: not the year 1, which is a slip of the keyboard."""
    if field.data is None or abs(field.data.year - today().year) > 20:
        field.errors = []
        raise StopValidation("Cette date n’existe pas." if field.data is None else "C’est trop loin d’aujourd’hui. Vérifiez l’année.")


class DeclarationForm(Form):
    """The questions that all categories share."""

    title = StringField("Dites-le en une phrase", [required("Dites en une phrase ce que vous cherchez ou proposez."), at_most(120)])
    description = TextAreaField("Ce qu’il faut savoir de plus", [at_most(3000)])
    commune = CommuneField("Où cela se passe-t-il\u00a0?", [required("Écrivez une commune ou un code postal."), reached])
    radius_km = RadioField("Jusqu’où\u00a0?", choices=RADIUS, default="30")
    areas = BoxesField("Et aussi, en entier")
    starts_on = day("À partir du")
    ends_on = day("Jusqu’au")
    skills = StringField("Mots qui comptent", [at_most(400)])
    themes = BoxesField("Thèmes", choices=labels.choices(Theme))
    flags = BoxesField("Ce qui est indispensable", choices=labels.choices(Flag))
    denied_flags = BoxesField("Ce que vous ne pouvez pas offrir", choices=labels.choices(Flag))
    capacity = IntegerField("Avec combien de partenaires au plus\u00a0?", [Optional(), between(1, 500, "Écrivez un nombre entre 1 et 500.")], default=1)

    def validate_ends_on(self, field: DateField) -> None:
        if field.data and self.starts_on.data and field.data < self.starts_on.data:
            raise ValidationError("La fin est avant le début.")
        if field.data and field.data < today():
            raise ValidationError(f"Cette date est passée. Vouliez-vous écrire {next_time(field.data):%d/%m/%Y}\u00a0?")

    def validate_denied_flags(self, field: BoxesField) -> None:
        if set(field.data or []) & set(self.flags.data or []):
            raise ValidationError("Une même ligne est cochée comme possible et comme impossible.")

    def validate_skills(self, field: StringField) -> None:
        if any(len(word.strip()) > 60 for word in field.data.split(",")):
            raise ValidationError("Séparez les mots par des virgules\u00a0: chacun tient en 60 lettres.")


class OccupationMixin:
    """Shown where the official list of occupations was imported; words speak for the occupation elsewhere."""

    occupation_code = OccupationField(
        "Métier de référence",
        [at_most(200)],
        description="Tapez les premières lettres et choisissez dans la liste\u00a0: nous rapprochons aussi les métiers voisins.",
    )


class HalfDaysMixin:
    halfdays = BoxesField("Quelles demi-journées\u00a0?", choices={str(bit): formats.HALF_DAYS[bit].capitalize() for bit in range(HALF_DAYS)})


class RemoteMixin:
    remote_share = RadioField("À distance", choices={"0": "sur place", "50": "en partie", "100": "entièrement"}, default="0")


class AmountField(DecimalField):
    """A number as people write it: « 0,4 » or « 2 000 »; shown as they write it too."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else format(Decimal(self.data).normalize(), "f").replace(".", ",")

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata([value.replace(",", ".").replace(" ", "").replace(formats.NBSP, "") for value in valuelist])


def amount(words: str, *, most: int = 1_000_000) -> DecimalField:
    check = between(Decimal("0.01"), most, "Écrivez un nombre plus grand que zéro.")
    return AmountField(words, [Optional(), check])


def euros(words: str) -> IntegerField:
    return IntegerField(words, [Optional(), between(0, 100_000_000, "Écrivez un montant en euros.")])


class BudgetMixin:
    budget_min = euros("Budget, au moins")
    budget_max = euros("Budget, au plus")

    def validate_budget_max(self, field: IntegerField) -> None:
        if field.data is not None and self.budget_min.data is not None and field.data < self.budget_min.data:
            raise ValidationError("Le plus petit montant va dans la première case.")


class JobForm(OccupationMixin, HalfDaysMixin, DeclarationForm):
    volume = amount("Combien de postes, en équivalents temps plein\u00a0?", most=500)
    contract = SelectField(
        "Contrat",
        choices={"": "pas encore décidé", "cdi": "CDI", "cdd": "CDD", "insertion": "contrat d’insertion", "interim": "intérim", "apprentissage": "alternance"},
    )
    hours = StringField("Horaires", [at_most(80)])


class PooledJobForm(OccupationMixin, HalfDaysMixin, RemoteMixin, BudgetMixin, DeclarationForm):
    kind = RadioField(
        "Que proposez-vous\u00a0?",
        [required("Choisissez l’un des deux.")],
        choices={"group": "une place dans un groupement d’employeurs", "profile": "un profil qui cherche un emploi partagé, sans nom ni CV"},
        default="group",
    )
    volume = amount("Quelle part d’un temps plein\u00a0?", most=1)
    occupation = StringField("Métier", [required("Écrivez le nom du métier."), at_most(80)])
    months = BoxesField("Quels mois\u00a0?", choices={str(number): month.capitalize() for number, month in enumerate(formats.MONTHS, 1)})
    idcc = StringField("Convention collective (numéro IDCC)", [at_most(4), idcc_number])
    vat = RadioField("Êtes-vous assujetti à la TVA\u00a0?", choices=YES_NO_UNKNOWN, default="")
    budget_min = euros("Salaire annuel brut à temps plein, au moins")
    budget_max = euros("Salaire annuel brut à temps plein, au plus")

    def validate_description(self, field: TextAreaField) -> None:
        """A profile is nobody in particular: no address and no number by which somebody could be reached."""
        if "kind" in self and self.kind.data == "profile" and PERSONAL.search(f"{self.title.data} {field.data}"):
            raise ValidationError("Ni adresse, ni téléphone\u00a0: c’est votre structure qui répond pour cette personne.")

    def validate_volume(self, field: DecimalField) -> None:
        """Half a day a week is a tenth of a full time: the part that is wanted fits in the half-days that suit."""
        possible = len(set(self.halfdays.data or []))
        if field.data is not None and 0 < possible < 10 * field.data:
            raise ValidationError(
                f"C’est plus que les demi-journées cochées\u00a0: {possible} par semaine font {formats.number(possible / 10, 1)} ETP au plus."
            )


class PurchaseForm(BudgetMixin, DeclarationForm):
    sector = SelectField("Secteur", choices=labels.choices(Sector, empty="je ne sais pas"), default="")
    volume = amount("Quelle quantité\u00a0?")
    volume_unit = SelectField("De quoi\u00a0?", choices={unit.value: labels.label(unit) for unit in (Unit.PEOPLE, Unit.ITEMS, Unit.DAYS, Unit.SQUARE_METRES)})
    rhythm = RadioField("Pour quand\u00a0?", choices={"date": "À une date précise", "before": "Avant une date", "regular": "Régulièrement"}, default="before")
    lead_time = StringField("Délai à prévoir", [at_most(80)])


class PremisesForm(HalfDaysMixin, BudgetMixin, DeclarationForm):
    volume = amount("Surface")
    use = SelectField(
        "Sorte de lieu", choices={"office": "bureau", "meeting": "salle", "storage": "stockage", "workshop": "atelier", "land": "terrain", "other": "autre"}
    )
    lease = StringField("Durée et forme (bail, prêt, à la demi-journée)", [at_most(80)])


class SponsorshipForm(OccupationMixin, RemoteMixin, DeclarationForm):
    volume = amount("Combien de jours\u00a0?", most=2000)
    format = RadioField(
        "Sous quelle forme\u00a0?", choices={"": "à voir ensemble", "service": "une prestation", "secondment": "une mise à disposition"}, default=""
    )
    rhythm = StringField("À quel rythme\u00a0?", [at_most(80)])


class TrainingForm(OccupationMixin, HalfDaysMixin, RemoteMixin, DeclarationForm):
    volume = amount("Combien de personnes\u00a0?", most=500)
    format = StringField("Sous quelle forme\u00a0?", [at_most(80)])


class SuccessionForm(DeclarationForm):
    kind = RadioField(
        "De quelle transmission s’agit-il\u00a0?",
        [required("Choisissez-en une.")],
        choices=KINDS,
    )
    horizon_months = IntegerField("Dans combien de mois\u00a0?", [Optional(), between(0, 120, "Écrivez un nombre de mois, de 0 à 120.")])
    handover_months = IntegerField("Durée du tuilage, en mois", [Optional(), between(0, 60, "Écrivez un nombre de mois, de 0 à 60.")])
    is_confidential = BooleanField("Publier sans notre nom", default=True)


class MaterialForm(BudgetMixin, DeclarationForm):
    volume = amount("Combien\u00a0?")
    condition = SelectField("État", choices={"": "peu importe", "new": "neuf", "good": "bon état", "repair": "à réparer"})
    pickup = StringField("Enlèvement ou livraison", [at_most(80)])
