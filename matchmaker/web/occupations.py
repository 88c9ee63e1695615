"""Occupations as people type them: a field of the forms, and suggestions for it."""

from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import StringField, ValidationError

from matchmaker.models import Occupation
from matchmaker.services import occupations
from matchmaker.web.access import signed_in_required
from matchmaker.web.forms import clean

bp = Blueprint("occupations", __name__)


@bp.get("/metiers")
@signed_in_required
def suggest() -> ResponseReturnValue:
    """Options of a list, for what stands in the field so far."""
    text = clean(request.args.get("q") or request.args.get("occupation_code"))[:80]
    return render_template("occupations/suggestions.html", names=occupations.search(text) if len(text) >= 2 else [])


class OccupationField(StringField):
    """An occupation, typed under any of its names. Its ``occupation`` is set when the text names exactly one."""

    occupation: Occupation | None = None

    def pre_validate(self, _form: Any) -> None:
        if not self.data:
            return
        self.occupation = occupations.find(self.data)
        if self.occupation is None:
            raise ValidationError("Nous ne reconnaissons pas ce métier. Choisissez-en un dans la liste, ou laissez vide.")
        self.data = self.occupation.name
