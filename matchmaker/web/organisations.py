"""Structures: the directory, one's page, describing one's own."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, DateField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional

from matchmaker.extensions import db
from matchmaker.models import Eligibility, Family, Headcount, InclusionKind, Organisation
from matchmaker.models.base import today
from matchmaker.services import declarations, duplicates, organisations, search
from matchmaker.services.errors import SiretTaken
from matchmaker.web import directory as search_pages
from matchmaker.web import labels, organisation_words
from matchmaker.web.access import animator_required, found, is_signed_in, organisation_in_my_hands, public, signed_in, structure_required
from matchmaker.web.forms import CommuneField, Form, NumberField, answer, at_most, between, full_address, idcc_number, required

bp = Blueprint("organisations", __name__)


class OrganisationForm(Form):
    name = StringField("Nom de la structure", [required("Écrivez le nom de la structure."), at_most(200)])
    number = NumberField("SIRET ou numéro RNA")
    family = SelectField("Famille", choices=labels.choices(Family))
    inclusion_kind = SelectField("Insertion, handicap ou emploi partagé", choices=labels.choices(InclusionKind, empty="aucun de ceux-ci"))
    esus_until = DateField("Agrément ESUS, jusqu’au", [Optional()])
    headcount = SelectField("Taille", choices=labels.choices(Headcount, empty="je ne sais pas"))
    description = TextAreaField("Ce que fait la structure", [at_most(2000)])
    commune = CommuneField("Commune", [required("Écrivez une commune ou un code postal.")])
    address = StringField("Adresse", [at_most(200)])
    email = StringField("Adresse électronique de la structure", [Optional(), full_address])
    phone = StringField("Téléphone", [at_most(30)])
    website = StringField("Site", [at_most(200)])
    is_third_place = BooleanField("C’est un tiers-lieu")
    vat = RadioField("Assujettie à la TVA\u00a0?", choices={"": "je ne sais pas", "yes": "oui", "no": "non"}, default="")
    idcc = StringField("Convention collective (numéro IDCC)", [idcc_number])
    eligibility = SelectField("Peut recevoir du mécénat de compétences\u00a0?", choices=labels.choices(Eligibility))
    monthly_budget = IntegerField(
        "Combien de fois par mois peut-on la solliciter\u00a0?",
        [Optional(), between(0, 60, "Écrivez un nombre entre 0 et 60. Il faut un nombre entier.")],
        default=6,
    )

    def validate_website(self, field: StringField) -> None:
        if field.data and not field.data.startswith(("http://", "https://")):
            field.data = f"https://{field.data}"

    def columns(self) -> dict[str, object]:
        plain = ("name", "description", "address", "phone", "website", "is_third_place")
        return {name: self[name].data for name in plain} | {
            "family": Family(self.family.data),
            "inclusion_kind": InclusionKind(self.inclusion_kind.data) if self.inclusion_kind.data else None,
            "esus_until": self.esus_until.data,
            "headcount": Headcount(self.headcount.data) if self.headcount.data else None,
            "eligibility": Eligibility(self.eligibility.data),
            "is_vat_registered": {"yes": True, "no": False}.get(self.vat.data),
            "idcc": self.idcc.data or None,
            "email": (self.email.data or "").lower(),
            "monthly_budget": 6 if self.monthly_budget.data is None else self.monthly_budget.data,
            "commune": self.commune.commune,
            **self.numbers(),
        }

    def numbers(self) -> dict[str, str | None]:
        """An association that has a SIRET keeps its RNA number, which the same field does not show then."""
        typed = self.number.columns
        return {"siret": typed["siret"]} if typed["siret"] else typed


def first_values(organisation: Organisation) -> dict[str, object]:
    """What the form shows of a structure: its columns, and the three fields that are no column as it stands."""
    columns = {column.key: getattr(organisation, column.key) for column in Organisation.__table__.columns}
    vat = {True: "yes", False: "no", None: ""}[organisation.is_vat_registered]
    return columns | {"number": organisation.siret or organisation.rna, "commune": organisation.commune.label, "vat": vat}


@bp.get("/annuaire")
@public
def directory() -> ResponseReturnValue:
    return search_pages.answer()


@bp.get("/structures/<uuid:organisation_id>")
@public
def show(organisation_id: UUID) -> ResponseReturnValue:
    organisation = organisations.organisation(organisation_id)
    if organisation is None and (merged := duplicates.successor(organisation_id)):
        return redirect(url_for(".show", organisation_id=merged.kept_id), 301)
    organisation = found(organisation)
    needs, offers = declarations.public_declarations_of(organisation)
    is_ours = is_signed_in() and (signed_in().organisation_id == organisation.id or signed_in().looks_after(organisation.territory))
    told = {
        "labels": organisation_words.labels_of(organisation, search.traits_of(organisation)),
        "has_esus": organisation.esus_until is not None and organisation.esus_until >= today(),
        "freshness": organisation_words.freshness(organisation, [*needs, *offers], today=today()),
    }
    return render_template("organisations/show.html", organisation=organisation, needs=needs, offers=offers, is_ours=is_ours, **told)


@bp.route("/structures/nouvelle", methods=["GET", "POST"])
@animator_required
def new() -> ResponseReturnValue:
    form = OrganisationForm()
    if not form.validate_on_submit():
        return answer("organisations/edit.html", form, organisation=None)
    try:
        organisation = organisations.create_organisation(**form.columns(), source="animation")
    except SiretTaken:
        form.number.errors = ["Une structure porte déjà ce numéro."]
        return answer("organisations/edit.html", form, organisation=None)
    db.session.commit()
    flash(f"La structure est inscrite. {organisation.name} peut maintenant déclarer ses besoins et ses offres.", "success")
    return redirect(url_for("organisations.show", organisation_id=organisation.id))


@bp.route("/structures/<uuid:organisation_id>/modifier", methods=["GET", "POST"])
@structure_required
def edit(organisation_id: UUID) -> ResponseReturnValue:
    organisation = organisation_in_my_hands(organisation_id)
    form = OrganisationForm(data=first_values(organisation))
    if not form.validate_on_submit():
        return answer("organisations/edit.html", form, organisation=organisation)
    try:
        organisations.update_organisation(organisation, **form.columns())
    except SiretTaken:
        form.number.errors = ["Une autre structure porte déjà ce numéro."]
        return answer("organisations/edit.html", form, organisation=organisation)
    db.session.commit()
    flash("C’est enregistré.", "success")
    return redirect(url_for("organisations.show", organisation_id=organisation.id))


@bp.post("/structures/<uuid:organisation_id>/ess")
@animator_required
def vouch(organisation_id: UUID) -> ResponseReturnValue:
    """« J'ai vérifié »: the label that no structure can give itself."""
    organisation = organisation_in_my_hands(organisation_id)
    organisations.vouch(organisation, is_verified=request.form.get("verified") == "yes")
    db.session.commit()
    flash(f"C’est noté. La fiche dit maintenant\u00a0: {labels.label(organisation.ess_label)}.", "success")
    return redirect(url_for("organisations.show", organisation_id=organisation.id))
