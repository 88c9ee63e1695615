"""« Pourquoi je n’ai rien reçu ? »: what is in the way, and beside each cause the act that changes it."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, nudge
from matchmaker.models import Need, Offer
from matchmaker.models.base import today
from matchmaker.services import diagnosis, matching, refusals
from matchmaker.services.diagnosis import Cause, Finding
from matchmaker.web import explanation_words, formats
from matchmaker.web.access import member_required, my_need, my_offer, my_organisation
from tasks.matching import run_due

bp = Blueprint("diagnosis", __name__)


@dataclass(frozen=True)
class Line:
    """A cause in words, and the button beside it: a link, or a form when it changes something at once."""

    finding: Finding
    title: str
    text: str
    act: str = ""
    url: str = ""
    posts: bool = False


# Where nothing is in the way: said, but not counted as a cause.
FINE = (Cause.ASKED, Cause.AGREED, Cause.NOT_READ_YET, Cause.ENDED)


@bp.get("/annonces/diagnostic")
@member_required
def show() -> ResponseReturnValue:
    lines = [line_of(finding) for finding in diagnosis.diagnose(my_organisation(), today=today())]
    causes = [line for line in lines if line.finding.cause not in FINE]
    return render_template("diagnosis/show.html", causes=causes, fine=[line for line in lines if line not in causes])


@bp.post("/annonces/diagnostic/plus-souvent")
@member_required
def accept_more() -> ResponseReturnValue:
    budget = diagnosis.accept_more(my_organisation())
    db.session.commit()
    flash(f"C’est noté. Nous pouvons vous solliciter {formats.number(budget)} fois par mois.", "success")
    return redirect(url_for(".show"))


@bp.post("/annonces/diagnostic/reprendre")
@member_required
def end_pause() -> ResponseReturnValue:
    diagnosis.end_pause(my_organisation())
    db.session.commit()
    flash("La pause est finie. Votre structure reçoit de nouveau des propositions.", "success")
    return redirect(url_for(".show"))


@bp.post("/besoins/<uuid:need_id>/reprendre")
@member_required
def end_rest_of_need(need_id: UUID) -> ResponseReturnValue:
    return end_rest(my_need(need_id))


@bp.post("/offres/<uuid:offer_id>/reprendre")
@member_required
def end_rest_of_offer(offer_id: UUID) -> ResponseReturnValue:
    return end_rest(my_offer(offer_id))


def end_rest(declaration: Need | Offer) -> ResponseReturnValue:
    """Its structure wanted nothing for it before a day: it does from today on."""
    refusals.end_rest(declaration)
    matching.wish_for_a_run(declaration.territory)
    db.session.commit()
    nudge(run_due)
    flash("C’est noté. Cette annonce cherche de nouveau, dès le prochain calcul.", "success")
    return redirect(url_for(".show"))


def line_of(finding: Finding) -> Line:
    return of_structure(finding) if finding.declaration is None else of_declaration(finding, finding.declaration)


def of_structure(finding: Finding) -> Line:
    organisation, edit = my_organisation(), url_for("organisations.edit", organisation_id=my_organisation().id)
    rhythm = url_for("asking_rhythms.show", organisation_id=organisation.id)
    match finding.cause:
        case Cause.PAUSED:
            until = formats.long_date(organisation.paused_until) if organisation.paused_until else ""
            text = f"Jusqu’au {until}, rien ne vous est envoyé."
            return Line(finding, "Votre structure est en pause", text, "Finir la pause maintenant", url_for(".end_pause"), posts=True)
        case Cause.BUDGET:
            limit = formats.plural(organisation.monthly_budget, "sollicitation", "sollicitations")
            text = f"Vous en acceptez {limit} par mois, et vous en avez reçu {formats.number(finding.asked)}. La suite vient le mois prochain."
            return Line(finding, "Le nombre du mois est atteint", text, f"En accepter {diagnosis.MORE} de plus par mois", url_for(".accept_more"), posts=True)
        case Cause.AWAY:
            text = f"Jusqu’au {formats.long_date(finding.until)}, rien ne vous est envoyé, comme vous l’avez demandé." if finding.until else ""
            return Line(finding, "Vous êtes en congé", text, "Voir mes absences", f"{rhythm}#absences")
        case Cause.WEEK:
            limit = formats.plural(organisation.weekly_budget, "sollicitation", "sollicitations")
            text = f"Vous en acceptez {limit} par semaine au plus. La suite vient lundi."
            return Line(finding, "Le nombre de la semaine est atteint", text, "Changer mon rythme", rhythm)
        case Cause.BLOCKED:
            text = f"Les courriels envoyés à {organisation.email} nous reviennent. Corrigez l’adresse, ou répondez depuis le site."
            return Line(finding, "Vos courriels nous reviennent", text, "Corriger l’adresse", f"{edit}#email")
        case Cause.OBJECTED:
            text = "Les propositions vous attendent sur le site, sans courriel."
            return Line(finding, "Vous avez refusé ces courriels", text, "Choisir mes courriels", url_for("mails.mine"))
        case Cause.NO_ADDRESS:
            text = "Sans adresse électronique complète, les propositions ne se lisent que sur le site."
            return Line(finding, "Nous ne pouvons pas vous écrire", text, "Écrire l’adresse", f"{edit}#email")
    text = "Dites ce que vous cherchez ou ce que vous offrez\u00a0: nous cherchons avec qui le croiser."
    return Line(finding, "Vous n’avez pas encore d’annonce", text, "Déclarer un besoin", url_for("declarations.choose_need"))


def of_declaration(finding: Finding, one: Need | Offer) -> Line:
    side, key = ("need", "need_id") if isinstance(one, Need) else ("offer", "offer_id")
    edit, publish = url_for(f"declarations.edit_{side}", **{key: one.id}), url_for(f"declarations.publish_{side}", **{key: one.id})
    match finding.cause:
        case Cause.DRAFT:
            text = "Ce brouillon ne cherche pas encore. Relisez-le, puis publiez-le."
            return Line(finding, one.title, text, "Relire et publier", url_for(f"declarations.show_{side}", **{key: one.id}))
        case Cause.STOPPED:
            return Line(finding, one.title, "Cette annonce est en pause.", "Publier de nouveau", publish, posts=True)
        case Cause.RESTING:
            day = formats.long_date(finding.until) if finding.until else ""
            text = f"Rien n’est proposé pour elle avant le {day}, comme vous l’avez demandé en disant non."
            return Line(finding, one.title, text, "Chercher dès maintenant", url_for(f".end_rest_of_{side}", **{key: one.id}), posts=True)
        case Cause.EXPIRED:
            text = "Cette annonce est expirée\u00a0: elle ne cherche plus. Si elle est toujours vraie, un clic suffit."
            return Line(finding, one.title, text, "Publier de nouveau", publish, posts=True)
        case Cause.NO_CANDIDATE:
            return no_candidate(finding, one, edit)
        case Cause.OUTBID:
            text = "Elle convient, mais les places sont allées à d’autres annonces, plus proches de ce qui était demandé."
            if finding.lack is not None and not one.is_confidential:
                text += f" Au plus près, {explanation_words.lack(finding.lack)}."
            return Line(finding, one.title, text, "Préciser l’annonce", edit)
        case Cause.ASKED:
            return Line(
                finding,
                one.title,
                "Une proposition est en cours\u00a0: votre réponse est attendue, ou celle de l’autre structure.",
                "Voir mes propositions",
                inbox(),
            )
        case Cause.AGREED:
            return Line(finding, one.title, "Vous vous êtes dit oui avec une autre structure.", "Voir comment la joindre", inbox())
        case Cause.ENDED:
            text = "Elle a été proposée, sans suite. Elle cherche de nouveau à chaque calcul."
            return Line(finding, one.title, text, "Revoir les réponses", url_for("proposals.inbox", onglet="done"))
    text = (
        "Aucun envoi ne l’a encore lue dans sa forme d’aujourd’hui. Rien à faire\u00a0: le prochain calcul en tiendra compte, après relecture par l’animation."
    )
    return Line(finding, one.title, text, "Joindre l’animation", url_for("pages.help"))


def inbox() -> str:
    return url_for("proposals.inbox")


def no_candidate(finding: Finding, one: Need | Offer, edit: str) -> Line:
    """Nobody may answer: how far the nearest one is, and what one could change."""
    if isinstance(one, Need) and finding.told:
        text = explanation_words.reason(finding.told, one)
        return Line(finding, one.title, text, "Chercher ce qui aiderait", url_for("declarations_waiting.show", need_id=one.id))
    text = f"Aucun besoin à moins de {formats.number(one.radius_km)}\u00a0km n’y correspond pour l’instant."
    return Line(finding, one.title, text, "Élargir le rayon", f"{edit}#radius_km")
