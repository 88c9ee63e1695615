"""The French words of the audit log."""

from matchmaker.models import AuditAction, AuditEntry, Role, Standing
from matchmaker.web import formats, labels

ACTIONS = {
    AuditAction.SIGNED_IN: "connexion",
    AuditAction.SIGN_IN_REFUSED: "mot de passe refusé",
    AuditAction.CODE_REFUSED: "code refusé",
    AuditAction.SIGNED_OUT: "déconnexion",
    AuditAction.PASSWORD_CHANGED: "mot de passe changé",
    AuditAction.SECOND_FACTOR_ON: "second facteur ajouté",
    AuditAction.SECOND_FACTOR_OFF: "second facteur retiré",
    AuditAction.IDENTITY_LINKED: "identité liée ou retirée",
    AuditAction.ACCOUNT_OPENED: "compte ouvert",
    AuditAction.RIGHTS_CHANGED: "droits changés",
    AuditAction.ACCOUNT_CLOSED: "compte fermé",
    AuditAction.ACCOUNT_REOPENED: "compte rouvert",
    AuditAction.MEMBERS_CHANGED: "équipe changée",
    AuditAction.ORGANISATIONS_MERGED: "structures réunies",
    AuditAction.FORGED_FORM: "formulaire falsifié",
    AuditAction.FILE_TAKEN: "fichier téléchargé",
    AuditAction.DATA_EXPORTED: "données exportées",
    AuditAction.ERASURE_ASKED: "effacement demandé",
    AuditAction.ERASURE_CALLED_OFF: "effacement annulé",
    AuditAction.ERASED: "effacement fait",
    AuditAction.RUN_PUBLISHED: "calcul envoyé",
    AuditAction.RUN_TAKEN_BACK: "envoi repris",
    AuditAction.MAIL_RESENT: "courriel renvoyé",
    AuditAction.ADDRESS_REOPENED: "adresse rouverte",
}
KINDS = {
    "user_account": "compte",
    "organisation": "structure",
    "matching_run": "calcul",
    "outbox_mail": "courriel",
    "address": "adresse sans compte",
    "file": "fichier",
    "page": "page",
}
FIELDS = {
    "role": "rôle",
    "organisation": "structure",
    "territories": "territoires",
    "active": "ouvert",
    "mails": "courriels",
    "standing": "droits dans la structure",
    "invited": "invitation",
    "request": "demande",
    "merged": "réunies",
    "identity": "identité",
}


def who(entry: AuditEntry) -> str:
    if entry.actor is not None:
        return entry.actor.email
    if entry.actor_id is not None:
        return "compte effacé"
    return "sans être connecté" if entry.request_id else "une commande du serveur"


def role(entry: AuditEntry) -> str:
    return labels.label(entry.role)


def kind(entry: AuditEntry) -> str:
    return KINDS.get(entry.object_kind, entry.object_kind)


def changes(entry: AuditEntry) -> list[str]:
    """« rôle : membre → hôte », one for each field."""
    return [f"{FIELDS.get(name, name)}{formats.NBSP}: {value(name, old)} → {value(name, new)}" for name, (old, new) in sorted(entry.changes.items())]


def value(name: str, code: object) -> str:
    if name == "role" and code in set(Role):
        return labels.label(Role(str(code)))
    if isinstance(code, str) and code in set(Standing):
        return labels.label(Standing(str(code)))
    if isinstance(code, list):
        return ", ".join(map(str, code)) or "aucun"
    if code is None or code == "":
        return "rien"
    return {True: "oui", False: "non"}.get(code, str(code)) if isinstance(code, bool) else str(code)
