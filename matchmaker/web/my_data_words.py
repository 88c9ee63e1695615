"""What « Mes données » calls the things that are kept, and one line for each of them."""

from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from matchmaker.models import Answer, AuditAction, LegalText, MailStatus, ProposalStatus, Result, Role, Status, TokenPurpose, Topic
from matchmaker.services.personal_data import Row
from matchmaker.web import audit_words, formats, labels, mail_words

TEXTS = {LegalText.TERMS: "les conditions d’utilisation", LegalText.PRIVACY: "la page sur vos données"}
# Section → its title, and how long it is kept.
SECTIONS = {
    "account": ("Votre compte", "tant que vous l’ouvrez au moins une fois en deux ans"),
    "territories": ("Les territoires que vous suivez", "tant que vous les suivez"),
    "sessions": ("Vos appareils connectés", "sept jours au plus"),
    "second_factor": ("Le code de votre téléphone", "tant que vous l’utilisez"),
    "openid": ("Le nom que vous donne le service avec lequel vous entrez", "tant qu’il ouvre votre compte"),
    "recovery_codes": ("Vos codes de secours, brouillés", "tant que vous utilisez un code"),
    "reports": ("Ce que vous avez signalé dans l’annuaire", "autant que la structure signalée"),
    "news": ("Les nouvelles que vous avez écrites", "autant que la page du territoire"),
    "links": ("Les liens que nous vous avons envoyés, brouillés", "trente jours après leur fin"),
    "consents": ("Les textes que vous avez acceptés", "autant que votre compte"),
    "exports": ("Vos demandes de fichier", "le fichier un jour, la demande autant que votre compte"),
    "erasure": ("Votre demande d’effacement", "jusqu’à ce jour-là"),
    "acts": ("Vos actes dans le journal de sécurité", "douze mois"),
    "messages": ("Les messages que vous avez écrits", "six mois"),
    "contact_views": ("Les coordonnées que vous avez ouvertes", "douze mois"),
    "notes": ("Ce que vous avez noté ou pris en charge", "tant que la structure est inscrite"),
    "runs": ("Les calculs que vous avez demandés", "avec le calcul"),
    "decisions": ("Vos décisions sur des paires", "avec les annonces"),
    "weights": ("Les poids que vous avez réglés", "avec le territoire"),
    "prices": ("Les prix de sollicitation que vous avez réglés", "avec le territoire"),
    "pair_rules": ("Vos règles pour les emplois partagés", "avec les annonces"),
    "check_in_links": ("Les liens d’accueil que vous avez donnés", "avec le job dating"),
    "mails": ("Les courriels que nous vous avons écrits", "deux mois, puis leur date seule"),
    "objections": ("Les courriels que vous refusez", "toujours, sous forme d’empreinte"),
    "structure": ("Votre structure", "tant qu’une personne parle pour elle"),
    "needs": ("Ses besoins", "autant que la structure"),
    "offers": ("Ses offres", "autant que la structure"),
    "drafts": ("Ses brouillons", "trente jours"),
    "questions": ("Les propositions qu’elle a reçues", "autant que la structure"),
    "answers": ("Ses réponses aux propositions", "autant que la structure"),
    "invitations": ("Ses invitations", "l’adresse un an après le job dating"),
    "invitation_answers": ("Ses réponses aux invitations", "un an après le job dating"),
    "participations": ("Ses participations", "les besoins d’accès, jusqu’au lendemain"),
    "shortlists": ("Ses listes de fournisseurs", "autant que la structure, ou jusqu’à ce qu’on les supprime"),
    "shortlist_entries": ("Qui est dans ces listes, et ses notes", "comme les listes"),
    "supplier_searches": ("Ses recherches de fournisseurs ouvertes à tous", "autant que la structure"),
    "search_questions": ("Ses questions aux acheteurs", "autant que la structure"),
    "group_answers": ("Les réponses communes qu’elle mène", "autant que la structure"),
    "group_parts": ("Ses parts dans des réponses communes", "autant que la structure"),
    "wishes": ("Ses souhaits de rencontre", "jusqu’au lendemain du job dating"),
    "presence": ("Ses arrivées aux job datings", "autant que la structure"),
    "feedback": ("Ses avis sur les entretiens", "autant que la structure"),
    "outcomes": ("Ce que ses rencontres ont donné", "autant que la structure"),
    "outcome_answers": ("Ses réponses sur les suites", "autant que la structure"),
    "solicitations": ("Combien de fois nous l’avons sollicitée", "autant que la structure"),
    "absences": ("Ses absences", "autant que la structure"),
    "communities": ("Les territoires qu’elle suit", "autant que la structure"),
    "stories": ("Ce qu’elle raconte de ses rencontres", "jusqu’à ce que vous le repreniez"),
    "poles": ("Les pôles où elle est invitée", "autant que la structure"),
    "shares": ("Ses parts d’emplois partagés", "autant que la structure"),
    "welcomes": ("Les groupes qu’elle est invitée à accueillir", "autant que la structure"),
    "venues": ("Ses lieux", "autant que la structure"),
    "venue_blocks": ("Les heures où ses lieux sont pris", "autant que la structure"),
    "venue_photos": ("Les photos de ses lieux", "autant que la structure"),
    "structure_notes": ("Ce que l’animation a noté pour elle", "autant que la structure"),
    "seen_by": ("Qui a vu ses coordonnées", "douze mois"),
    "structure_mails": ("Les courriels écrits à votre structure", "deux mois, puis leur date seule"),
}
# The fields that a line begins with, the first that holds something; the rest is in the file.
SAID: dict[str, Callable[[Row], str]] = {
    "account": lambda row: f"{row['name']}, {row['email']}, {labels.label(Role(row['role']))}",
    "sessions": lambda row: row["device"] or "Un navigateur",
    "second_factor": lambda row: "En service" if row["confirmed_at"] else "En préparation",
    "openid": lambda row: f"{row['subject']}, chez {row['issuer']}",
    "recovery_codes": lambda row: "Un code qui a servi" if row["used_at"] else "Un code qui n’a pas servi",
    "links": lambda row: {TokenPurpose.RESET: "Mot de passe oublié", TokenPurpose.VERIFY: "Vérification de l’adresse"}[TokenPurpose(row["purpose"])],
    "consents": lambda row: f"{TEXTS[LegalText(row['legal_text'])]}, version du {formats.long_date(date.fromisoformat(row['version']))}",
    "exports": lambda row: "Un fichier, prêt" if row["ready_at"] else "Un fichier qui se prépare",
    "erasure": lambda row: "À faire le " + when(row["due_at"]),
    "acts": lambda row: audit_words.ACTIONS[AuditAction(row["action"])] + (f", réseau {row['address']}" if row["address"] else ""),
    "mails": lambda row: f"{row['subject'] or mail_words.kind_words(row['kind'])} ({labels.label(MailStatus(row['status']))})",
    "structure_mails": lambda row: f"{row['subject'] or mail_words.kind_words(row['kind'])} ({labels.label(MailStatus(row['status']))})",
    "objections": lambda row: labels.label(Topic(row["topic"])),
    "structure": lambda row: ", ".join(row[name] for name in ("name", "siret", "rna", "address", "email", "phone", "website") if row[name]),
    "needs": lambda row: f"{row['title']} ({labels.label(Status(row['status']))})",
    "offers": lambda row: f"{row['title']} ({labels.label(Status(row['status']))})",
    "questions": lambda row: " ".join([labels.label(ProposalStatus(row["status"])), row["decline_comment"]]).strip(),
    "answers": lambda row: labels.label(ProposalStatus(row["status"])),
    "invitations": lambda row: f"{row['email'] or 'Adresse oubliée'}, {coded(Answer, row['answer']) or 'sans réponse'}",
    "invitation_answers": lambda row: coded(Answer, row["answer"]),
    "search_questions": lambda row: row["question"],
    "group_answers": lambda row: row["summary"] or "Une réponse en préparation",
    "group_parts": lambda row: row["part"] or "Une part à préciser",
    "outcomes": lambda row: coded(Result, row["result"]) or "Sans réponse",
    "outcome_answers": lambda row: coded(Result, row["result"]),
}
TEXT_FIELDS = ("text", "message", "note", "title", "name", "alt", "reason", "access_note", "device")
MOMENTS = (
    "created_at", "sent_at", "asked_at", "at", "acted_at", "viewed_at", "decided_at", "set_at", "made_at", "tied_at", "joined_at", "consented_at", "said_at",
    "added_at", "invited_at", "proposed_at", "accepted_at", "starts_at", "starts_on", "day",
)  # fmt: skip


def coded(enum: type[StrEnum], value: Any) -> str:
    return labels.label(enum(value)) if value else ""


def title(key: str) -> str:
    return SECTIONS[key][0]


def kept(key: str) -> str:
    return SECTIONS[key][1]


def line(key: str, row: Row) -> str:
    """One thing that is kept, as a person recognises it."""
    if key in SAID:
        return SAID[key](row)
    return next((str(row[name]) for name in TEXT_FIELDS if row.get(name)), "Une ligne de codes, à lire dans le fichier")


def moment(row: Row) -> str:
    """When it was written, if it says so."""
    return next((when(row[name]) for name in MOMENTS if row.get(name)), "")


def when(text: str) -> str:
    return formats.day_and_hour(datetime.fromisoformat(text)) if "T" in text else formats.long_date(date.fromisoformat(text))
