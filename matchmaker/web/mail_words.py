"""What became of a mail, in words for who will call: the server's code and words, said plainly."""

import re
from collections.abc import Iterable
from datetime import date
from itertools import groupby

from matchmaker.models import MailStatus, Obstacle, OutboxMail
from matchmaker.services import addresses, outbox
from matchmaker.web.formats import PARIS

# By the name of the templates.
KINDS = {
    "invitation": "Invitation à un job dating",
    "invitation_cancelled": "Annulation d’un job dating",
    "invitation_moved": "Changement d’un job dating",
    "invitation_withdrawn": "Retrait d’un job dating",
    "invitation_reminder": "Rappel d’un job dating",
    "proposals": "Propositions à lire",
    "proposals_reminder": "Rappel de propositions",
    "proposals_withdrawn": "Propositions retirées",
    "silent_need": "Besoin sans réponse",
    "mutual_yes": "Coordonnées après deux oui",
    "conversation": "Message après deux oui",
    "help_asked": "Demande d’aide après deux oui",
    "outcome": "Où en est une rencontre",
    "no_follow_up": "Pas de suite cette fois",
    "thanks": "Merci, et ce que les entretiens ont donné",
    "pool_proposed": "Emploi partagé à lire",
    "pool_moved": "Semaine changée d’un emploi partagé",
    "pool_welcome": "Groupe à accueillir dans un groupement",
    "pool_welcomed": "Réponse d’un groupement qui accueille",
    "pool_meeting": "Réunion d’un groupe d’employeurs",
    "pool_agreed": "Coordonnées d’un groupe d’employeurs",
    "pool_dissolved": "Emploi partagé sans suite",
    "search_question": "Question sur une recherche de fournisseurs",
    "search_news": "Nouvelle d’une recherche de fournisseurs",
    "search_answer": "Réponse à une recherche de fournisseurs",
    "group_invited": "Réponse commune à rejoindre",
    "group_news": "Nouvelle d’une réponse commune",
    "digest": "La semaine de vos annonces",
    "digest_animator": "La semaine de l’animation",
    "quarter_report": "Le bilan d’un trimestre",
    "cluster_invitation": "Invitation à un groupe de coopération",
    "territory_news": "Les nouvelles d’un territoire",
    "password_reset": "Lien pour un nouveau mot de passe",
    "password_changed": "Mot de passe changé",
    "second_factor": "Code de connexion, mis ou retiré",
    "openid_tied": "Connexion par un autre service, mise ou retirée",
    "verify_email": "Adresse à vérifier",
    "data_export": "Fichier de ses données",
    "erasure_asked": "Compte bientôt effacé",
    "account_idle": "Compte que personne n’ouvre",
    "sign_up": "Inscription à terminer",
    "sign_up_known": "Inscription d’une adresse qui a un compte",
    "member_invitation": "Invitation dans l’équipe d’une structure",
    "join_request": "Demande pour rejoindre une structure",
    "saved_search": "Nouveautés d’une recherche",
    "campaign": "Message à toutes les structures",
}
OURS = {
    outbox.TOO_LATE: "Il n’a pas pu partir à temps.",
    "the worker died while sending": "L’envoi a été interrompu\u00a0: il est reparti, et peut arriver deux fois.",
    addresses.WITHHELD[Obstacle.BLOCKED]: "Il n’est pas parti\u00a0: les courriels vers cette adresse nous reviennent.",
    addresses.WITHHELD[Obstacle.OBJECTED]: "Il n’est pas parti\u00a0: la structure ne veut plus de ces courriels.",
}
# The first that fits, on the enhanced code (RFC 3463) or the plain one.
MEANINGS = (
    (r"[45]\.2\.2|552|452", "La boîte de cette adresse est pleine."),
    (r"5\.2\.1", "Cette boîte est fermée."),
    (r"[45]\.2\.3|5\.3\.4", "Ce serveur trouve le courriel trop lourd."),
    (r"5\.(0|1|2)\.\d+|5\.4\.1|550|551|553", "Cette adresse n’existe pas, ou plus."),
    (r"5\.4\.\d+|[45]\.1\.2", "Le nom après @ ne mène à aucun serveur."),
    (r"4\.4\.\d+", "Le serveur de cette adresse ne répond pas."),
    (r"[45]\.7\.\d+|554", "Le serveur de cette adresse ne veut pas de nos courriels."),
    (r"4.*", "Le serveur de cette adresse demande d’attendre."),
    (r"5.*", "Le serveur de cette adresse a refusé ce courriel."),
)


def grouped(mails: Iterable[OutboxMail]) -> list[tuple[date, str, list[OutboxMail]]]:
    """Mails in their order, those of one day and one kind that follow each other together."""
    return [(day, kind, list(these)) for (day, kind), these in groupby(mails, lambda mail: (mail.created_at.astimezone(PARIS).date(), mail.kind))]


def kind_words(kind: str) -> str:
    return KINDS.get(kind, "Courriel")


def explained(mail: OutboxMail) -> str:
    """Why the mail is where it is, in one sentence; nothing when there is nothing to say."""
    if mail.last_error in OURS:
        return OURS[mail.last_error]
    code = addresses.status_code(mail.last_code, mail.last_error)
    if code and mail.status is not MailStatus.SENT:
        return next(words for pattern, words in MEANINGS if re.fullmatch(pattern, code))
    return "Le serveur ne répond pas." if mail.last_error else ""


def servers_words(mail: OutboxMail) -> str:
    """What a server said, to the letter; nothing when we said it."""
    return "" if mail.last_error in OURS else mail.last_error


# Why a mail cannot leave once more, by what services.mail_resending says.
REFUSALS = {
    "status": "Rien n’est reparti. Ce courriel est déjà parti, ou il attend son tour.",
    "late": "Rien n’est reparti. Il est trop tard pour que ce courriel serve.",
    "newer": "Rien n’est reparti. Un courriel plus récent dit la même chose, ou l’invitation a changé depuis.",
    Obstacle.BLOCKED: "Rien n’est reparti. Les courriels vers cette adresse nous reviennent\u00a0: corrigez-la d’abord, ou dites qu’elle marche.",
    Obstacle.OBJECTED: "Rien n’est reparti. La structure ne veut plus de ces courriels.",
    Obstacle.BAD_ADDRESS: "Rien n’est reparti. L’adresse est mal écrite.",
}
