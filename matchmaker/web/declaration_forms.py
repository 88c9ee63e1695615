"""One guided form per category: the questions that its people ask each other first, and no more."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from wtforms import BooleanField, DateField, DecimalField, IntegerField, RadioField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import Optional, StopValidation

from matchmaker.models import Category, Flag, Need, Offer, Organisation, Theme, Unit
from matchmaker.models.base import today
from matchmaker.models.declarations import HALF_DAYS
from matchmaker.services import occupations
from matchmaker.web import labels
from matchmaker.web.forms import BoxesField, CommuneField, Form, at_most, between, bits, idcc_number, next_time, numbers, reached, required
from matchmaker.web.occupations import OccupationField

RADIUS = {"10": "10 km", "30": "30 km", "60": "60 km", "100": "100 km"}
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
    areas = BoxesField("Et aussi, en entier", [Optional()])
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
    halfdays = BoxesField("Quelles demi-journées\u00a0?", choices={str(bit): labels.HALF_DAYS[bit].capitalize() for bit in range(HALF_DAYS)})


class RemoteMixin:
    remote_share = RadioField("À distance", choices={"0": "sur place", "50": "en partie", "100": "entièrement"}, default="0")


class AmountField(DecimalField):
    """A number as people write it: « 0,4 » or « 2 000 »."""

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata([value.replace(",", ".").replace(" ", "").replace(labels.NBSP, "") for value in valuelist])


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


class PooledJobForm(OccupationMixin, HalfDaysMixin, RemoteMixin, DeclarationForm):
    volume = amount("Quelle part d’un temps plein\u00a0?", most=1)
    occupation = StringField("Métier", [required("Écrivez le nom du métier."), at_most(80)])
    months = BoxesField("Quels mois\u00a0?", choices={str(number): month.capitalize() for number, month in enumerate(labels.MONTHS, 1)})
    idcc = StringField("Convention collective (numéro IDCC)", [at_most(4), idcc_number])
    vat = RadioField("Êtes-vous assujetti à la TVA\u00a0?", choices=YES_NO_UNKNOWN, default="")

    def validate_volume(self, field: DecimalField) -> None:
        """Half a day a week is a tenth of a full time: the part that is wanted fits in the half-days that suit."""
        possible = len(set(self.halfdays.data or []))
        if field.data is not None and 0 < possible < 10 * field.data:
            raise ValidationError(f"C’est plus que les demi-journées cochées\u00a0: {possible} par semaine font {labels.number(possible / 10, 1)} ETP au plus.")


class PurchaseForm(BudgetMixin, DeclarationForm):
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
        choices={"salaried": "direction salariée", "voluntary": "présidence ou trésorerie bénévole", "takeover": "reprise en SCOP ou en SCIC"},
    )
    horizon_months = IntegerField("Dans combien de mois\u00a0?", [Optional(), between(0, 120, "Écrivez un nombre de mois, de 0 à 120.")])
    handover_months = IntegerField("Durée du tuilage, en mois", [Optional(), between(0, 60, "Écrivez un nombre de mois, de 0 à 60.")])
    is_confidential = BooleanField("Publier sans notre nom", default=True)


class MaterialForm(BudgetMixin, DeclarationForm):
    volume = amount("Combien\u00a0?")
    condition = SelectField("État", choices={"": "peu importe", "new": "neuf", "good": "bon état", "repair": "à réparer"})
    pickup = StringField("Enlèvement ou livraison", [at_most(80)])


@dataclass(frozen=True)
class Guide:
    """How a category is asked about: its form, its own fields, the unit of its volume, the flags that make sense, and words of help."""

    form: type[DeclarationForm]
    details: tuple[str, ...]
    unit: Unit
    flags: tuple[Flag, ...]
    example_need: str
    example_offer: str
    is_not: str


GUIDES: dict[Category, Guide] = {
    Category.JOB: Guide(
        JobForm,
        ("contract", "hours"),
        Unit.FTE,
        (Flag.DRIVING_LICENCE, Flag.PUBLIC_TRANSPORT, Flag.WHEELCHAIR, Flag.CERTIFICATE),
        "Trois postes d’agents de tri, horaires décalés",
        "Un parcours passerelle vers nos entrepôts, six places",
        "Ni un site d’annonces ni une collecte de CV\u00a0: deux structures se parlent d’un parcours ou d’un poste.",
    ),
    Category.POOLED_JOB: Guide(
        PooledJobForm,
        ("occupation", "months", "idcc", "vat"),
        Unit.FTE,
        (Flag.DRIVING_LICENCE, Flag.CERTIFICATE, Flag.VAT),
        "Comptable associatif, deux jours par semaine",
        "Notre groupement d’employeurs cherche des adhérents",
        "Ni de l’intérim ni une prestation\u00a0: plusieurs employeurs partagent un même contrat.",
    ),
    Category.PURCHASE: Guide(
        PurchaseForm,
        ("rhythm", "lead_time"),
        Unit.PEOPLE,
        (Flag.RESERVED_MARKET, Flag.CERTIFICATE, Flag.DELIVERY, Flag.WHEELCHAIR),
        "Entretien de 4 hectares d’espaces verts sans pesticides",
        "Buffets de saison, vaisselle réutilisable",
        "Ni un appel d’offres, ni une commande\u00a0: une prise de contact. Vous restez libre jusqu’au bout.",
    ),
    Category.PREMISES: Guide(
        PremisesForm,
        ("use", "lease"),
        Unit.SQUARE_METRES,
        (Flag.WHEELCHAIR, Flag.VEHICLE_ACCESS, Flag.PUBLIC_TRANSPORT, Flag.CONFIDENTIALITY),
        "Local de stockage de 80 m² de plain-pied",
        "Trois bureaux et une salle, à la demi-journée",
        "Ni un bail ni une agence\u00a0: deux structures voient si un lieu peut se partager.",
    ),
    Category.SKILLS_SPONSORSHIP: Guide(
        SponsorshipForm,
        ("format", "rhythm"),
        Unit.DAYS,
        (Flag.GENERAL_INTEREST, Flag.CONFIDENTIALITY),
        "Refonte de notre site et de son accessibilité, 15 jours",
        "Deux développeuses, un jour par mois chacune",
        "Ni du bénévolat le soir ni de la sous-traitance\u00a0: du temps de travail offert à une cause d’intérêt général.",
    ),
    Category.PEER_TRAINING: Guide(
        TrainingForm,
        ("format",),
        Unit.PEOPLE,
        (Flag.WHEELCHAIR, Flag.PUBLIC_TRANSPORT),
        "Apprendre à répondre à un marché avec clause sociale",
        "Retour d’expérience\u00a0: nos trois premiers marchés réservés",
        "Ni un organisme de formation ni un diplôme\u00a0: des pairs qui se montrent ce qu’ils savent faire.",
    ),
    Category.SUCCESSION: Guide(
        SuccessionForm,
        ("kind", "horizon_months", "handover_months"),
        Unit.PEOPLE,
        (Flag.CONFIDENTIALITY, Flag.CERTIFICATE),
        "Départ en retraite de la directrice dans 14 mois",
        "Cadre de PME souhaitant diriger une structure de l’ESS",
        "Ni une annonce publique ni une mise en vente\u00a0: votre nom n’est montré qu’à qui vous dit oui, quand vous avez dit oui.",
    ),
    Category.MATERIAL: Guide(
        MaterialForm,
        ("condition", "pickup"),
        Unit.ITEMS,
        (Flag.DELIVERY, Flag.CERTIFICATE, Flag.VEHICLE_ACCESS),
        "Vingt chaises et six tables pour une salle commune",
        "Vingt ordinateurs de bureau, révisés",
        "Ni une brocante ni un dépôt\u00a0: du matériel qui change de mains entre structures.",
    ),
}

# Columns of Declaration that a form writes as they are.
PLAIN = ("title", "description", "starts_on", "ends_on", "budget_min", "budget_max", "is_confidential", "themes", "flags", "denied_flags")


def columns(form: DeclarationForm, guide: Guide, areas: dict[str, Any]) -> dict[str, Any]:
    """What the form says, as keyword arguments of the services."""
    fields: dict[str, Any] = {name: form[name].data for name in PLAIN if name in form}
    # Boxes that nobody ticked come back as nothing.
    fields |= {name: fields[name] or [] for name in ("themes", "flags", "denied_flags") if name in fields}
    volume = form["volume"].data if "volume" in form else None
    if "occupation_code" in form:
        fields["occupation"] = form["occupation_code"].occupation
    return fields | {
        "commune": form.commune.commune,
        "radius_km": int(form.radius_km.data),
        "remote_share": int(form["remote_share"].data) if "remote_share" in form else 0,
        "halfdays": bits(form["halfdays"].data or []) if "halfdays" in form else 0,
        "volume": volume,
        "volume_unit": unit_of(form, guide) if volume is not None else None,
        "skills": form.skills.data.split(","),
        "capacity": form.capacity.data or 1,
        "areas": [areas[code] for code in form.areas.data or []],
        "details": {name: form[name].data for name in guide.details if form[name].data},
    }


def unit_of(form: DeclarationForm, guide: Guide) -> Unit:
    """The unit that was chosen, in the category that lets one choose; else the category's own."""
    return Unit(form["volume_unit"].data) if "volume_unit" in form else guide.unit


def written(declaration: Need | Offer) -> dict[str, Any]:
    """What a declaration says, as the form's first values."""
    return {
        **{name: getattr(declaration, name) for name in PLAIN},
        **declaration.details,
        "commune": declaration.commune.label,
        "radius_km": str(declaration.radius_km),
        "remote_share": str(declaration.remote_share),
        "halfdays": numbers(declaration.halfdays),
        "volume": declaration.volume,
        "volume_unit": declaration.volume_unit.value if declaration.volume_unit else None,
        "skills": ", ".join(declaration.skills),
        "capacity": declaration.capacity,
        "areas": [area.code for area in declaration.areas],
        "occupation_code": declaration.occupation.name if declaration.occupation else "",
    }


def form_for(
    category: Category, organisation: Organisation, *, is_need: bool, area_choices: dict[str, str], declaration: Need | Offer | None = None
) -> DeclarationForm:
    """The category's form, with the organisation's place as a start, or with what the declaration says already."""
    guide = GUIDES[category]
    first = written(declaration) if declaration else {"commune": organisation.commune.label, "capacity": 1}
    form = guide.form(data=first)
    form.areas.choices = area_choices
    form.flags.choices = form.denied_flags.choices = {flag.value: labels.label(flag) for flag in guide.flags}
    if is_need:
        del form.denied_flags
    if "occupation_code" in form and not occupations.are_imported():
        del form.occupation_code
    form.flags.label.text = "Ce qui est indispensable" if is_need else "Ce que vous pouvez garantir"
    form.title.description = f"Comme à un voisin. Exemple\u00a0: «\u00a0{guide.example_need if is_need else guide.example_offer}\u00a0»."
    form.flags.description = (
        "Cochez peu\u00a0: chaque case écarte des structures." if is_need else "Ce que vous ne cochez pas reste «\u00a0à vérifier ensemble\u00a0»."
    )
    form.areas.description = "Des territoires où vous intervenez aussi, au-delà de ce rayon."
    form.skills.description = "Des mots séparés par des virgules\u00a0: métiers, techniques, outils. Exemple\u00a0: paie, comptabilité."
    return form
