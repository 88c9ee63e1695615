"""The sentences of the work queue: why something is there, and what to say on the telephone."""

from collections import Counter
from datetime import date

from matchmaker.models import Matter, Need, Proposal, ProposalStatus, Side, WorkAct
from matchmaker.models.base import PARIS
from matchmaker.models.work_queue import ActKind
from matchmaker.services.work_queue import Row
from matchmaker.web import explanation_words, formats, labels, mail_words
from matchmaker.web.successions import told_title

OPENING = "Bonjour, je vous appelle de La Croisée, pour l’animation de votre territoire."
TITLES = labels.WORDS[Matter]


def waiting(row: Row, today: date) -> str:
    """« depuis 12 jours »."""
    days = (today - row.fact.since.astimezone(PARIS).date()).days
    return "depuis aujourd’hui" if days < 1 else f"depuis {formats.plural(days, 'jour', 'jours')}"


def title(row: Row) -> str:
    """Who or what it is about."""
    if row.run is not None:
        return row.run.territory.name
    return row.organisation.name if row.organisation is not None else ""


def why(row: Row) -> str:
    """Why the row is there, in a sentence or two."""
    match row.fact.matter:
        case Matter.UNREACHABLE:
            lost = formats.plural(len(row.lost), "courriel n’est pas arrivé", "courriels ne sont pas arrivés")
            return f"{lost}. {mail_words.explained(row.lost[0]) if row.lost else ''}".strip()
        case Matter.REFUSED:
            return f"{formats.plural(len(row.refusals), 'structure a dit non', 'structures ont dit non')}\u00a0: {refusals(row)}."
        case Matter.SILENT:
            asked = formats.plural(row.asked, "structure sollicitée", "structures sollicitées")
            still = f", {formats.plural(row.pending, 'réponse attendue', 'réponses attendues')}" if row.pending else ", plus de réponse attendue"
            return f"Publié le {formats.short_date(row.need.published_on) if row.need else ''}, sans un oui\u00a0: {asked}{still}."
        case Matter.UNSERVED:
            return explanation_words.reason(row.told or None, row.need) if row.need else ""
        case Matter.TO_REVIEW:
            found = row.run.served_count if row.run else 0
            return f"Un calcul a trouvé une offre pour {formats.plural(found, 'besoin', 'besoins')}. Rien n’est envoyé avant votre relecture."
        case Matter.CALLED_FOR:
            return "Elle s’est dit oui avec une autre structure, et vous demande d’entrer dans leur échange."
        case Matter.REPORTED:
            return reported(row)
        case Matter.CONTRADICTORY:
            return f"L’une dit «\u00a0{story(row, Side.NEED)}\u00a0», l’autre «\u00a0{story(row, Side.OFFER)}\u00a0»."


def reported(row: Row) -> str:
    """What somebody says of a structure's page."""
    if row.report is None:
        return ""
    who = "Un visiteur" if row.report.by is None else row.report.by.name or row.report.by.email
    note = f" «\u00a0{row.report.note}\u00a0»" if row.report.note else ""
    return f"{who} signale cette fiche\u00a0: {labels.label(row.report.reason).lower()}.{note}"


def story(row: Row, side: Side) -> str:
    """What one side says came of the two yes."""
    return labels.label(row.sides[side].result)


def side_script(row: Row, side: Side) -> list[str]:
    """Three lines for one of two structures that tell different stories."""
    other = row.sides[side].match.offer if side is Side.NEED else row.sides[side].match.need
    met = f"Vous avez dit oui à {other.organisation.name} pour «\u00a0{other.title}\u00a0», et vous nous avez répondu «\u00a0{story(row, side)}\u00a0»."
    return [OPENING, met, "Où en êtes-vous aujourd’hui\u00a0?"]


def refusals(row: Row) -> str:
    """« trop loin (2), hors budget »."""
    counted = Counter(labels.label(reason).lower() for reason in row.refusals)
    return ", ".join(f"{words} ({count})" if count > 1 else words for words, count in counted.most_common())


def script(row: Row, question: Proposal | None) -> list[str]:
    """Three lines to say: who calls, about what, and the one question."""
    if question is not None:
        return [OPENING, about(question), "Souhaitez-vous les rencontrer\u00a0? Un oui n’engage à rien\u00a0: on échange seulement vos coordonnées."]
    if row.report is not None:
        told = labels.label(row.report.reason).lower()
        return [OPENING, f"On nous signale votre fiche dans l’annuaire\u00a0: {told}.", "Est-ce exact, et que faut-il y changer\u00a0?"]
    if row.fact.matter is Matter.UNREACHABLE:
        subjects = formats.enumeration(sorted({f"«\u00a0{mail.subject}\u00a0»" for mail in row.lost[:3]}))
        return [OPENING, f"Nos courriels ne vous arrivent pas\u00a0: {subjects}.", "À quelle adresse pouvons-nous vous écrire\u00a0?"]
    return [OPENING, f"Votre besoin «\u00a0{row.need.title if row.need else ''}\u00a0» n’a pas encore trouvé. {why(row)}", ask(row)]


def about(question: Proposal) -> str:
    other = question.their_declaration
    where = "" if other.is_confidential else f" à {other.commune.name}"
    words = f"Une structure {'propose' if question.side is Side.NEED else 'cherche'} «\u00a0{told_title(other)}\u00a0»{where}"
    return f"{words}, et cela peut répondre à votre {'besoin' if question.side is Side.NEED else 'offre'} «\u00a0{question.own_declaration.title}\u00a0»."


def ask(row: Row) -> str:
    """The one thing to ask about a need for which nobody was found."""
    if row.fact.matter is Matter.REFUSED:
        return "Ce besoin est-il toujours d’actualité, et que pourriez-vous changer\u00a0: le rayon, les dates, le volume\u00a0?"
    return "Ce besoin est-il toujours d’actualité, et pourriez-vous élargir le rayon ou assouplir une condition\u00a0?"


def side_words(row: Row, question: Proposal) -> str:
    """In what part a structure is called."""
    if row.need is None:
        return "son besoin" if question.side is Side.NEED else "son offre"
    return "le besoin" if question.side is Side.NEED else "l’offre proposée"


def done(act: WorkAct) -> str:
    """What somebody did, as a line of their last acts."""
    match act.kind:
        case ActKind.ASSIGNED:
            return f"confié à {act.assigned_to.name or act.assigned_to.email}" if act.assigned_to else "confié à un compte fermé"
        case ActKind.CALLED:
            return "appel noté"
        case ActKind.ANSWERED:
            return "réponse donnée de vive voix"
        case ActKind.SNOOZED:
            return f"remis au {formats.short_date(act.until)}" if act.until else ""
        case ActKind.DONE:
            return f"fait\u00a0: {labels.label(act.reason).lower()}"


def answer_words(status: ProposalStatus) -> str:
    return {
        ProposalStatus.ACCEPTED: "Leur oui est noté",
        ProposalStatus.DECLINED: "Leur non est noté",
        ProposalStatus.PENDING: "Leur «\u00a0plus tard\u00a0» est noté",
    }[status]


def need_line(need: Need) -> str:
    return f"«\u00a0{need.title}\u00a0», {need.commune.label}"
