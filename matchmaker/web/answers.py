"""The page behind the link of a proposition in a mail: it says why, and only its button records. It needs no account and no cookie."""

from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from itsdangerous import Signer
from wtforms import DateField, Field, RadioField, TextAreaField
from wtforms.csrf.core import CSRF
from wtforms.form import BaseForm
from wtforms.validators import StopValidation, ValidationError

from matchmaker.extensions import csrf, db, limiter, nudge
from matchmaker.models import Channel, DeclineReason, Match, Proposal, ProposalStatus
from matchmaker.services import conversation_links, invitation_mails, matching, proposal_answers, proposals, spoken_answers
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.proposal_answers import Reply, Standing
from matchmaker.web import labels, limits, reasons
from matchmaker.web.access import by_token
from matchmaker.web.answer_days import check_day, first_day
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import Form, at_most, required
from matchmaker.web.refusal_fields import BoundsMixin, first_bounds, noted, unit_of
from matchmaker.web.settings import mail_settings, site_keys
from tasks.matching import run_due
from tasks.outbox import drain

bp = Blueprint("answers", __name__)

# What stands in the links of the mail, and what it means.
ANSWERS = {"oui": ProposalStatus.ACCEPTED, "plus-tard": ProposalStatus.PENDING, "non": ProposalStatus.DECLINED}
CHOICES = {"oui": "Oui, les rencontrer", "plus-tard": "Plus tard", "non": "Non merci"}
THANKS = {
    ProposalStatus.ACCEPTED: "Votre oui est noté. Nous vous prévenons dès que l’autre structure répond.",
    ProposalStatus.PENDING: "C’est noté. Revenez par le même lien quand vous êtes prêts.",
}
REPLACED = "Nous vous avons envoyé depuis un courriel plus récent\u00a0: utilisez son lien."
# A page that was asked for, and one that answers a button which came too late.
CODES = {Standing.OPEN: 200, Standing.LATE: 410, Standing.MUTUAL: 200, Standing.KEPT: 200, Standing.UNAVAILABLE: 409, Standing.OVER: 410}
REFUSED = CODES | {Standing.OPEN: 422, Standing.MUTUAL: 409, Standing.KEPT: 409}
# How many lines say why.
LINES = 3


class LinkToken(CSRF):
    """The token of a form whose address is the secret: made from the address alone, so that it needs no cookie."""

    def generate_csrf_token(self, _field: Field) -> str:
        return self.signer().get_signature(request.path).decode()

    def validate_csrf_token(self, _form: BaseForm, field: Field) -> None:
        """A page that was opened before the key was replaced is taken too."""
        if not self.signer().verify_signature(request.path, str(field.data or "").encode(errors="replace")):
            raise ValidationError("another page, or another site")

    def signer(self) -> Signer:
        return Signer(list(reversed(site_keys())), salt="answer form")


def only_with(choice: str, message: str = "") -> Any:
    """This field is not read with another answer, and with this one it is needed if there is a message."""

    def check(form: Form, field: Field) -> None:
        if form.reponse.data == choice and (field.data or not message):
            return
        field.errors = []
        raise StopValidation(message if form.reponse.data == choice else "")

    return check


class AnswerForm(BoundsMixin, Form):
    class Meta(Form.Meta):
        csrf_class = LinkToken

    reponse = RadioField("Votre réponse", [required("Choisissez une réponse.")], choices=CHOICES)
    until = DateField("Quand pourrez-vous répondre\u00a0?", [only_with("plus-tard", "Choisissez une date.")])
    reason = RadioField("Pourquoi non\u00a0?", [only_with("non", "Choisissez ce qui s’en approche le plus.")], choices=labels.choices(DeclineReason))
    comment = TextAreaField("Un mot de plus", [only_with("non"), at_most(500)])

    latest: date | None = None

    def is_refusal(self) -> bool:
        return bool(self.reponse.data == "non")

    def validate_until(self, field: DateField) -> None:
        check_day(field.data, self.latest)

    def reply(self, proposal: Proposal) -> Reply:
        status = ANSWERS[self.reponse.data]
        if status is ProposalStatus.DECLINED:
            return Reply(status, reason=DeclineReason(self.reason.data), comment=self.comment.data or "", bounds=self.bounds(proposal))
        return Reply(status, until=self.until.data if status is ProposalStatus.PENDING else None)


# The form checks its token itself: the general check also wants a Referer, which this page forbids so that its link does not leak.
@bp.route("/reponses/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("120 per minute")
@limiter.limit(limits.ONE_LINK, key_func=limits.link)
@by_token
def answer(token: str) -> ResponseReturnValue:
    try:
        proposal = proposal_answers.find_by_token(token, site_keys()) or abort(404)
    except NotAllowedNow:
        return error_page(410, message=REPLACED)
    form = form_of(proposal)
    if not form.validate_on_submit():
        return page(proposal, form)
    return record(proposal, form)


def record(proposal: Proposal, form: AnswerForm) -> ResponseReturnValue:
    """Write the answer down, and come back to the page, which shows what it led to."""
    reply = form.reply(proposal)
    try:
        is_new = proposal_answers.answer(proposal, reply, channel=Channel.LINK, settings=mail_settings())
    except NotAllowedNow:
        db.session.rollback()
        return page(proposal, form)
    if is_new and reply.status is ProposalStatus.DECLINED:
        matching.wish_for_runs_after(proposal)
    told = noted(proposal) if reply.status is ProposalStatus.DECLINED else THANKS[reply.status]
    has_ended = proposal_answers.standing(proposal) in (Standing.MUTUAL, Standing.KEPT)
    db.session.commit()
    nudge(run_due if reply.status is ProposalStatus.DECLINED else drain)
    if not has_ended:
        flash(told, "success")
    return redirect(request.path)


def form_of(proposal: Proposal) -> AnswerForm:
    """The form: what was sent, else the choice of the link that was followed, else the answer given before."""
    form = AnswerForm(data={} if request.method == "POST" else proposed(proposal))
    form.latest = proposals.latest_postponement(proposal)
    return form


def proposed(proposal: Proposal) -> dict[str, Any]:
    followed = request.args.get("reponse")
    return {
        "reponse": followed if followed in ANSWERS else said(proposal),
        "until": first_day(proposal),
        "reason": proposal.decline_reason,
        "comment": proposal.decline_comment,
        **first_bounds(proposal),
    }


def said(proposal: Proposal) -> str | None:
    """The answer that stands, as the links write it."""
    if proposal.can_be_answered():
        return "plus-tard" if proposal.postponed_until else None
    return next((choice for choice, status in ANSWERS.items() if status is proposal.status), None)


def page(proposal: Proposal, form: AnswerForm) -> ResponseReturnValue:
    """The question, or why there is none any more: 400 for a form that is not ours, 422 for one to correct."""
    if "csrf_token" in form.errors:
        return error_page(400, message=LATE_FORM)
    standing = proposal_answers.standing(proposal)
    context = {
        "proposal": proposal,
        "form": form,
        "reasons": reasons,
        "why": why(proposal.match),
        "said": said(proposal),
        "unit": labels.label(unit_of(proposal)),
    }
    code = (REFUSED if form.is_submitted() else CODES)[standing]
    if standing is Standing.OPEN:
        spoken = spoken_answers.spoken([proposal]).get(proposal.id)
        return render_template("answers/answer.html", notes=notes(proposal), spoken=spoken, **context), code
    if standing is Standing.MUTUAL:
        conversation = conversation_links.token(proposal, current_app.config["SECRET_KEY"])
        return render_template("answers/mutual.html", is_refused=code == REFUSED[standing], conversation=conversation, **context), code
    contact_email = invitation_mails.contact_email(proposal.own_declaration.territory)
    return render_template("answers/closed.html", standing=standing.value, contact_email=contact_email, **context), code


def why(match: Match) -> list[tuple[str, str]]:
    """The three lines that say most; one of them is what remains to be checked, if anything does."""
    lines = reasons.reasons(match)
    common, ask = [line for line in lines if line[0] != "ask"], [line for line in lines if line[0] == "ask"]
    kept = common[: LINES - min(1, len(ask))]
    return kept + ask[: LINES - len(kept)]


def notes(proposal: Proposal) -> dict[str, str]:
    """What each answer leads to."""
    has_their_yes = proposal.other.status is ProposalStatus.ACCEPTED
    return {
        "oui": "Elle a déjà dit oui\u00a0: vos coordonnées et les siennes sont échangées tout de suite."
        if has_their_yes
        else "Vos coordonnées ne sont échangées que si elle dit oui aussi.",
        "plus-tard": "La question reste ouverte jusqu’au jour que vous choisissez, sans rappel de notre part.",
        "non": "Nous cherchons la structure suivante. L’autre saura seulement que ce n’est pas le moment.",
    }


@bp.after_request
def set_headers(response: Response) -> Response:
    """The address is a key: it goes to no other site, no search engine and no cache."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response
