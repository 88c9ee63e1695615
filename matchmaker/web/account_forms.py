"""What is asked of a person who signs in or changes a password, and of who opens accounts for others."""

from typing import Any

from wtforms import PasswordField, RadioField, StringField, ValidationError
from wtforms.validators import EqualTo

from matchmaker.models import Level, Organisation, Role, Territory, User
from matchmaker.services import accounts, passwords
from matchmaker.services.passwords import Weakness
from matchmaker.web import labels
from matchmaker.web.forms import BoxesField, Form, at_most, full_address, required

WEAK = {
    Weakness.LENGTH: "Douze caractères au moins, 128 au plus. Une phrase fait un bon mot de passe.",
    Weakness.DIGITS: "Douze chiffres se devinent. Ajoutez des lettres, ou écrivez une phrase.",
    Weakness.COMMON: "Beaucoup de gens ont ce mot de passe\u00a0: il est essayé en premier. Écrivez plutôt une phrase.",
    Weakness.REPEATED: "La même suite revient\u00a0: elle se devine. Écrivez plutôt une phrase.",
    Weakness.NAME: "C’est presque votre nom, votre adresse ou celui de votre structure\u00a0: c’est essayé en premier.",
}
SAME = EqualTo("password", "Les deux ne sont pas pareils.")


def strong(form: Form, field: PasswordField) -> None:
    """A password that is not among the first that are tried. The form says whose it is, with ``names``."""
    found = passwords.weakness(field.data, names=form.names())
    if found:
        raise ValidationError(WEAK[found])


class NewPassword(Form):
    """What forms in which a password is chosen share."""

    def names(self) -> tuple[str, ...]:
        """What somebody who knows the person would try."""
        return ()


class LoginForm(Form):
    email = StringField("Adresse électronique", [required("Écrivez votre adresse électronique.")])
    password = PasswordField("Mot de passe", [required("Écrivez votre mot de passe.")])


class PasswordForm(NewPassword):
    current = PasswordField("Votre mot de passe actuel", [required("Écrivez votre mot de passe actuel.")])
    password = PasswordField("Le nouveau", [required("Choisissez un mot de passe."), strong])
    again = PasswordField("Le nouveau, encore une fois", [SAME])

    def __init__(self, user: User, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.user = user

    def names(self) -> tuple[str, ...]:
        return passwords.names_of(self.user)


class CodeForm(Form):
    code = StringField("Votre code", [required("Écrivez le code.")])


class AskResetForm(Form):
    email = StringField("Votre adresse électronique", [required("Écrivez votre adresse."), full_address])


class NewPasswordForm(NewPassword):
    """Another password for an account whose owner proved who they are."""

    password = PasswordField("Le nouveau mot de passe", [required("Choisissez un mot de passe."), strong])
    again = PasswordField("Le nouveau, encore une fois", [SAME])

    def __init__(self, user: User, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.user = user

    def names(self) -> tuple[str, ...]:
        return passwords.names_of(self.user)


class ConfirmForm(Form):
    password = PasswordField("Votre mot de passe", [required("Écrivez votre mot de passe.")])


class TieForm(Form):
    """The address is the provider's word, and stands here for the counts of tries and for programs that keep passwords."""

    email = StringField("Adresse électronique", [required("Écrivez votre adresse électronique.")])
    password = PasswordField("Votre mot de passe de La Croisée", [required("Écrivez votre mot de passe.")])


class DutiesForm(Form):
    """A role, and what it is about. ``organisation`` is set when the structure's field names exactly one."""

    role = RadioField("Rôle", [required("Choisissez un rôle.")], choices=labels.choices(Role))
    territories = BoxesField("Territoires suivis")
    structure = StringField("Structure", [at_most(200)])
    organisation: Organisation | None = None

    def __init__(self, user: User | None = None, **kwargs: Any) -> None:
        """With an account: as it stands now."""
        super().__init__(data=duties_of(user) if user else None, **kwargs)
        self.user = user
        self.given = {str(territory.id): territory for territory in accounts.territories_to_give()}
        self.territories.choices = [(number, territory_words(territory)) for number, territory in self.given.items()]

    def validate_territories(self, field: BoxesField) -> None:
        if self.role.data == Role.ANIMATOR and not field.data:
            raise ValidationError("Cochez au moins un territoire à suivre.")

    def validate_structure(self, field: StringField) -> None:
        if not field.data:
            if self.role.data in accounts.SPEAKERS:
                raise ValidationError("Ce rôle parle pour une structure. Écrivez laquelle.")
            return
        meant = accounts.structures_meant(field.data)
        # Its own structure may share its name with others.
        if self.user and self.user.organisation in meant:
            meant = [self.user.organisation]
        if not meant:
            raise ValidationError("Aucune structure ne porte ce nom ou ce numéro. L’annuaire donne son nom exact.")
        if len(meant) > 1:
            raise ValidationError("Plusieurs structures portent ce nom. Écrivez plutôt son SIRET.")
        self.organisation = meant[0]

    def columns(self) -> dict[str, Any]:
        role = Role(self.role.data)
        ticked = [self.given[number] for number in self.territories.data or []] if role is Role.ANIMATOR else []
        return {"role": role, "organisation": self.organisation, "territories": ticked}


class NewAccountForm(DutiesForm):
    """An account that the administration opens."""

    name = StringField("Son nom", [required("Écrivez son nom."), at_most(120)])
    email = StringField("Son adresse électronique", [required("Écrivez son adresse."), full_address])


def duties_of(user: User) -> dict[str, object]:
    organisation = user.organisation
    return {
        "role": user.role.value,
        "territories": [str(territory.id) for territory in user.territories],
        "structure": (organisation.siret or organisation.rna or organisation.name) if organisation else "",
    }


def territory_words(territory: Territory) -> str:
    return f"{territory.name}, toute la région" if territory.level is Level.REGION else f"{territory.name} ({territory.code})"
