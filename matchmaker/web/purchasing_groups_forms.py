"""The forms of an answer to an open search: its terms, each one's part, who is invited, a word for the group."""

from uuid import UUID

from flask import abort
from wtforms import IntegerField, RadioField, StringField, TextAreaField

from matchmaker.models import Liability, Organisation
from matchmaker.models.purchasing import LONGEST_PART, LONGEST_SUMMARY
from matchmaker.services import organisations
from matchmaker.services.territories import fold
from matchmaker.web import formats, labels
from matchmaker.web.access import found
from matchmaker.web.forms import Form, at_most, between, required

SHARE = f"Écrivez un nombre de 0 à 100, sans{formats.NBSP}%."
MOST_SHOWN = 8


class TermsForm(Form):
    summary = TextAreaField("Ce que vous proposez", [at_most(LONGEST_SUMMARY)])
    contact = StringField("Qui l’acheteur peut-il appeler\u00a0?", [at_most(LONGEST_PART)])
    liability = RadioField("Comment êtes-vous engagés\u00a0?", choices=labels.choices(Liability))


class PartForm(Form):
    part = StringField("Ce qu’elle fait", [at_most(LONGEST_PART)])
    share = IntegerField("Sa part", [between(0, 100, SHARE)])


class InviteForm(Form):
    name = StringField("Quelle structure\u00a0?", [required("Écrivez le nom d’une structure de l’annuaire."), at_most(100)])
    structure = RadioField("Laquelle\u00a0?", choices=[], validate_choice=False)
    part = StringField("Ce qu’elle ferait", [required("Dites en quelques mots ce qu’elle ferait."), at_most(LONGEST_PART)])
    share = IntegerField("Sa part", [between(1, 99, f"Écrivez un nombre de 1 à 99, sans{formats.NBSP}%.")])

    def organisation(self) -> Organisation | None:
        """The structure that is meant; nothing, with an error or a choice, when the name is nobody's or several."""
        if self.structure.data:
            return chosen(self.structure.data)
        hits = organisations.search_organisations(self.name.data, per_page=MOST_SHOWN + 1).items
        exact = [one for one in hits if fold(one.name) == fold(self.name.data)]
        if len(exact) == 1 or len(hits) == 1:
            return (exact or hits)[0]
        if not hits:
            self.name.errors = ["Personne sous ce nom dans l’annuaire. Essayez un seul mot."]
        elif len(hits) > MOST_SHOWN:
            self.name.errors = ["Trop de structures portent ce mot. Écrivez le nom entier."]
        else:
            self.name.errors = ["Plusieurs structures portent ce nom. Choisissez ci-dessous."]
            self.structure.choices = [(str(one.id), f"{one.name}, {one.commune.label}") for one in hits]
        return None


class CommentForm(Form):
    comment = StringField("Un mot pour le groupe", [at_most(LONGEST_PART)])


def chosen(text: str) -> Organisation:
    try:
        organisation: Organisation = found(organisations.organisation(UUID(text)))
    except ValueError:
        abort(422)
    return organisation
