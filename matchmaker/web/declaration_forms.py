"""From a declaration to its form and back, whatever the category."""

from typing import Any

from werkzeug.datastructures import MultiDict

from matchmaker.models import Category, Need, Offer, Organisation, Unit
from matchmaker.services import occupations
from matchmaker.web import labels
from matchmaker.web.declaration_fields import DeclarationForm
from matchmaker.web.declaration_guides import GUIDES, Guide
from matchmaker.web.forms import bits, numbers

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
        "details": {name: form[name].data for name in guide.details if name in form and form[name].data},
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
    category: Category,
    organisation: Organisation,
    *,
    is_need: bool,
    area_choices: dict[str, str],
    declaration: Need | Offer | None = None,
    begun: dict[str, list[str]] | None = None,
) -> DeclarationForm:
    """The category's form: with what was sent; else as it was ``begun``, with what the declaration says already, or the organisation's place as a start."""
    guide = GUIDES[category]
    first = written(declaration) if declaration else {"commune": organisation.commune.label, "capacity": 1}
    form = guide.form(data=first) if begun is None else guide.form(formdata=MultiDict(begun), data=first)
    form.areas.choices = area_choices
    form.flags.choices = form.denied_flags.choices = {flag.value: labels.label(flag) for flag in guide.flags}
    if is_need:
        del form.denied_flags
        if category is Category.POOLED_JOB:
            del form.kind
    if "occupation_code" in form and not occupations.are_imported():
        del form.occupation_code
    form.flags.label.text = "Ce qui est indispensable" if is_need else "Ce que vous pouvez garantir"
    form.title.description = f"Comme à un voisin. Exemple\u00a0: «\u00a0{guide.example_need if is_need else guide.example_offer}\u00a0»."
    form.flags.description = (
        "Cochez peu\u00a0: chaque case écarte des structures." if is_need else "Ce que vous ne cochez pas reste «\u00a0à vérifier ensemble\u00a0»."
    )
    form.areas.description = "Des territoires où vous intervenez aussi, au-delà de ce rayon."
    form.skills.description = f"Des mots séparés par des virgules. Exemple\u00a0: {guide.example_words}."
    return form
