"""What counts more in a territory: the weights of the criteria by category, tried before they are kept."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import IntegerField
from wtforms.widgets import NumberInput

from matchmaker.engine.scoring import CRITERIA
from matchmaker.extensions import db
from matchmaker.models import Category, Level, Territory
from matchmaker.models.base import today
from matchmaker.services import matching_weights
from matchmaker.web.access import animator_required, signed_in, territory_in_my_care
from matchmaker.web.forms import Form, between

bp = Blueprint("matching_weights", __name__)
PREFIX = "poids-"
# A weight is typed in points, of which the usual ones sum to 100; the engine only looks at proportions.
POINTS = 100
# What each criterion looks at, by its name.
LOOKED_AT = {
    "skills": "Les compétences et les mots-clés que les deux annonces ont en commun.",
    "text": "Les mots des deux descriptions.",
    "distance": "Les kilomètres entre les deux.",
    "themes": "Les thèmes que votre territoire met en avant.",
    "availability": "Les demi-journées qui conviennent aux deux.",
    "volume": "La quantité demandée, et celle proposée.",
    "budget": "Les deux fourchettes de prix.",
    "freshness": "L’âge des annonces, en jours.",
    "never_met": "Deux structures qui ne se sont jamais rencontrées passent devant.",
    "occupation": "Les passages d’un métier à l’autre, d’après le répertoire ROME.",
}


class BareForm(Form):
    """The rules that no single field can check."""

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        strangers = [name for name in request.form if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in self]
        if strangers:
            self.form_errors.append("Un critère de ce formulaire n’existe pas. Rechargez la page.")
        elif is_valid and not any(self.weights().values()):
            self.form_errors.append("Tous les critères sont à zéro\u00a0: donnez du poids à l’un d’eux au moins.")
        return is_valid and not self.form_errors

    def weights(self) -> dict[str, float]:
        return {criterion.name: self[criterion.name].data / POINTS if criterion.name in self else 0.0 for criterion in CRITERIA}


def weight_field(name: str, label: str) -> IntegerField:
    check = between(0, POINTS, f"Écrivez un nombre entier de 0 à {POINTS}.")
    return IntegerField(label, [check], widget=NumberInput(min=0, max=POINTS, step=1), description=LOOKED_AT[name])


WeightsForm = type("WeightsForm", (BareForm,), {criterion.name: weight_field(criterion.name, criterion.label_fr) for criterion in CRITERIA})


def departement_in_my_care(territory_id: int) -> Territory:
    """Runs are those of a département, and so are their weights."""
    territory = territory_in_my_care(territory_id)
    return territory if territory.level is Level.DEPARTEMENT else abort(404)


def category_of(code: str) -> Category:
    return Category(code) if code in set(Category) else abort(404)


def points(weights: dict[str, float]) -> dict[str, int]:
    """Weights as they are typed."""
    return {name: round(weight * POINTS) for name, weight in weights.items()}


def in_words(weights: dict[str, float]) -> str:
    """« Distance 40, Compétences et mots-clés 25 »: the heaviest first."""
    if not weights:
        return "les poids habituels"
    kept = sorted((criterion for criterion in CRITERIA if weights.get(criterion.name)), key=lambda criterion: -weights[criterion.name])
    return ", ".join(f"{criterion.label_fr}\u00a0{round(weights[criterion.name] * POINTS)}" for criterion in kept)


@bp.get("/territoires/<int:territory_id>/ponderations")
@animator_required
def overview(territory_id: int) -> ResponseReturnValue:
    territory = departement_in_my_care(territory_id)
    return render_template("matching/weights.html", territory=territory, latest=matching_weights.latest(territory), in_words=in_words, categories=Category)


@bp.route("/territoires/<int:territory_id>/ponderations/<category>", methods=["GET", "POST"])
@animator_required
def edit(territory_id: int, category: str) -> ResponseReturnValue:
    territory, kind = departement_in_my_care(territory_id), category_of(category)
    form = form_of(territory, kind)
    if not form.validate_on_submit():
        return page(territory, kind, form)
    matching_weights.set_weights(territory, kind, form.weights(), by=signed_in())
    db.session.commit()
    return kept(territory, kind)


@bp.post("/territoires/<int:territory_id>/ponderations/<category>/apercu")
@animator_required
def preview(territory_id: int, category: str) -> ResponseReturnValue:
    """What these weights would change; nothing is written. A part of the page for htmx, the whole page else."""
    territory, kind = departement_in_my_care(territory_id), category_of(category)
    form = form_of(territory, kind)
    found = matching_weights.preview(territory, kind, form.weights(), today=today()) if form.validate_on_submit() else None
    if "HX-Request" not in request.headers:
        return page(territory, kind, form, found)
    return render_template("matching/weights_preview.html", form=form, preview=found, category=kind)


@bp.post("/territoires/<int:territory_id>/ponderations/<category>/reprendre")
@animator_required
def restore(territory_id: int, category: str) -> ResponseReturnValue:
    """Back to earlier weights, or with no row named to the usual ones."""
    territory, kind = departement_in_my_care(territory_id), category_of(category)
    named = request.form.get("row", "")
    row = matching_weights.earlier(territory, kind, row_id(named)) if named else None
    if named and row is None:
        abort(404)
    matching_weights.set_weights(territory, kind, row.weights if row else {}, by=signed_in())
    db.session.commit()
    return kept(territory, kind)


def row_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        abort(404)


def form_of(territory: Territory, kind: Category) -> Any:
    form = WeightsForm(prefix=PREFIX, data=points(matching_weights.weights_in_force(territory, kind)))
    if not matching_weights.looks_at_occupations(kind):
        del form.occupation
    return form


def page(territory: Territory, kind: Category, form: Any, found: matching_weights.Preview | None = None) -> ResponseReturnValue:
    """The form with its history: 422 when it came back with something to correct."""
    history = matching_weights.history(territory, kind)
    told = render_template(
        "matching/weights_edit.html",
        territory=territory,
        category=kind,
        form=form,
        preview=found,
        history=history,
        in_words=in_words,
        usual=form_is_usual(history),
    )
    return told, 422 if form.is_submitted() and found is None else 200


def form_is_usual(history: list[Any]) -> bool:
    """The usual weights are in force."""
    return not history or not history[0].weights


def kept(territory: Territory, kind: Category) -> ResponseReturnValue:
    flash(f"C’est enregistré. Les prochains calculs du département ({territory.name}) suivront ces poids.", "success")
    return redirect(url_for("matching_weights.edit", territory_id=territory.id, category=kind.value))
