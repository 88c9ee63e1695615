"""What all forms share: our words, trimmed texts, a commune that people type as they say it, and 422 when refused."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import abort, current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms import Field, FileField, PasswordField, SelectMultipleField, StringField, ValidationError
from wtforms.validators import DataRequired, Length, StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

from matchmaker.models import Commune
from matchmaker.models.base import today
from matchmaker.services import organisations, territories

# Names of rights, of which a form has none unless it is about them: what else comes under these names is looked at, and never used.
RIGHTS = frozenset(
    {"role", "standing", "is_admin", "is_active", "is_demo", "organisation_id", "territory_id", "user_id", "ess_label", "validated", "email_verified_at"}
)


def clean(value: str | None) -> str:
    """Trimmed, without the characters that no keyboard types and that PostgreSQL or a mail header would refuse."""
    return "".join(letter for letter in value or "" if letter in "\n\t" or letter.isprintable() or letter == "\u00a0").strip()


def as_typed(value: str | None) -> str:
    """A password is nobody's to trim."""
    return value or ""


class Form(FlaskForm):
    """Texts are cleaned before they are checked; one that was not sent is empty, not nothing."""

    class Meta(FlaskForm.Meta):
        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Field:
            filters = unbound_field.kwargs.get("filters", ())
            if issubclass(unbound_field.field_class, StringField):
                filters = (as_typed if issubclass(unbound_field.field_class, PasswordField) else clean, *filters)
            return unbound_field.bind(form=form, filters=filters, **options)

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """Flask-WTF would take JSON too, and with it lists and numbers where fields expect what people type."""
            g.setdefault("form_fields", set()).update(form._fields)
            if request.is_json:
                abort(415)
            sent = super().wrap_formdata(form, formdata)
            if not isinstance(sent, CombinedMultiDict):
                return sent
            # A file is none of a text's values, whatever its part is named.
            files = [(name, file) for name, file in request.files.items(multi=True) if isinstance(form._fields.get(name), FileField)]
            return CombinedMultiDict((MultiDict(files), request.form))


def answer(template: str, form: Form, **context: Any) -> ResponseReturnValue:
    """The page of a form: 422 when it came back with something to correct."""
    return render_template(template, form=form, **context), 422 if form.is_submitted() else 200


def required(message: str) -> DataRequired:
    return DataRequired(message)


def at_most(length: int) -> Length:
    return Length(max=length, message=f"C’est trop long\u00a0: {length} caractères au plus.")


def between(least: int | Decimal, most: int, message: str) -> Callable[[Form, Field], None]:
    """A number from ``least`` to ``most``. One sentence, ours alone, for whatever else was written: letters, NaN, 400 digits."""

    def check(_form: Form, field: Field) -> None:
        is_number = field.data is not None and Decimal(field.data).is_finite()
        if not is_number or not least <= field.data <= most:
            field.errors = []
            raise StopValidation(message)

    return check


def idcc_number(_form: Form, field: StringField) -> None:
    if field.data and not re.fullmatch("[0-9]{1,4}", field.data):
        raise ValidationError("Un numéro IDCC s’écrit en chiffres, comme 1518.")


def full_address(_form: Form, field: StringField) -> None:
    """An address that our mails can be sent to: ASCII before the @. Those of the demonstration end in .test, which is nobody's."""
    try:
        validate_email(field.data, check_deliverability=False, allow_smtputf8=False, test_environment=current_app.config["DEMO"])
    except EmailNotValidError:
        raise ValidationError("Cette adresse ne semble pas complète.") from None


class CommuneField(StringField):
    """A commune, typed by name or postal code. Its ``commune`` is set when the text names exactly one."""

    commune: Commune | None = None

    def pre_validate(self, _form: Any) -> None:
        if not self.data:
            return
        found = territories.search_communes(self.data, limit=20)
        exact = [commune for commune in found if self.data in (commune.label, *commune.postal_codes) or commune.folded_name == territories.fold(self.data)]
        choice = exact or found
        # « Saint-Martin » is many places; people mean the one around here.
        near = [commune for commune in choice if territories.departement_of(commune) is not None]
        choice = near or choice
        if not choice:
            raise ValidationError("Nous ne connaissons pas cette commune. Écrivez son nom ou son code postal.")
        if len(choice) > 1:
            raise ValidationError("Plusieurs communes correspondent\u00a0: " + ", ".join(commune.label for commune in choice[:5]) + ". Choisissez-en une.")
        self.commune = choice[0]
        self.data = self.commune.label


def reached(_form: Form, field: CommuneField) -> None:
    """The commune lies in a département that is loaded: what happens elsewhere has no territory yet."""
    if field.commune is not None and territories.departement_of(field.commune) is None:
        raise ValidationError("La Croisée n’est pas encore ouverte dans ce département. Choisissez une commune de votre région.")


class NumberField(StringField):
    """A SIRET or an RNA number, in whatever form people write it. Empty for who has neither."""

    @property
    def columns(self) -> dict[str, str | None]:
        """The two columns of an organisation."""
        is_rna = bool(self.data) and self.data.upper().startswith("W")
        return {"siret": self.data if self.data and not is_rna else None, "rna": self.data if is_rna else None}

    def pre_validate(self, _form: Any) -> None:
        try:
            if self.columns["rna"]:
                organisations.read_rna(self.data)
            elif self.data:
                organisations.read_siret(self.data)
        except organisations.BadRna:
            raise ValidationError("Un numéro RNA s’écrit W et neuf chiffres.") from None
        except organisations.BadSiret:
            raise ValidationError(explain_siret(self.data)) from None


def explain_siret(text: str) -> str:
    """What is wrong with a SIRET, in one sentence."""
    digits = sum(letter.isdigit() for letter in text)
    if digits < 14:
        return f"Il manque {14 - digits} chiffre{'s' if digits < 13 else ''} au SIRET\u00a0: {digits} sur 14."
    if digits > 14:
        return f"Il y a trop de chiffres\u00a0: {digits} au lieu de 14."
    return "Ce SIRET n’existe pas\u00a0: un de ses chiffres est sans doute faux."


class BoxesField(SelectMultipleField):
    """Several boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def bits(values: Iterable[str]) -> int:
    """A mask with the bit of each number set: the half-days that were ticked."""
    return sum(1 << int(value) for value in set(values))


def numbers(mask: int) -> list[str]:
    """The ticks of a mask, as the form writes them."""
    return [str(bit) for bit in range(mask.bit_length()) if mask >> bit & 1]


def next_time(day: date) -> date:
    """The same day of the year, the next time that it comes: what was probably meant by a date that is past."""
    for year in range(today().year, today().year + 9):
        if (day.month, day.day) != (2, 29) or year % 4 == 0:
            coming = day.replace(year=year)
            if coming >= today():
                return coming
    return today()
