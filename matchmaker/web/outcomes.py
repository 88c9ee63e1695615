"""Where things stand after two yes: one click from the mail, without an account; or from the conversation with one."""

from uuid import UUID

from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import RadioField, SelectField

from matchmaker.extensions import csrf, db, limiter
from matchmaker.models import Channel, DaysBand, EuroBand, FoundAnyway, FteBand, Outcome, Proposal, Result
from matchmaker.models.outcomes import CONCLUDED
from matchmaker.services import outcomes
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.outcomes import Reply
from matchmaker.web import labels
from matchmaker.web.access import by_token, editor_required, found, my_proposal
from matchmaker.web.answers import REPLACED, LinkToken
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import Form, required
from matchmaker.web.settings import site_keys

bp = Blueprint("outcomes", __name__)

# What stands in the links of the mail, and what it means.
ANSWERS = {"rien": Result.NOTHING, "rencontre": Result.MET, "accord": Result.AGREED, "signe": Result.SIGNED}
CHOICES = {answer: labels.label(result).capitalize() for answer, result in ANSWERS.items()}
NOTES = {
    "rien": "Ni appel ni rencontre, ou cela n’a mené à rien.",
    "rencontre": "Un appel, une visite, un entretien.",
    "accord": "Vous êtes d’accord, et cela commence sans papier.",
    "signe": "Contrat, convention, devis, bail\u00a0: c’est écrit.",
}
SIZES = {"fte": FteBand, "days": DaysBand, "euros": EuroBand}
THANKS = {
    Result.NOTHING: "C’est noté, merci de l’avoir dit. Votre annonce peut chercher de nouveau\u00a0: dites-le sur sa page.",
    Result.MET: "C’est noté. Nous vous redemanderons plus tard où cela en est.",
    Result.AGREED: "C’est noté. Bravo à vous deux.",
    Result.SIGNED: "C’est noté. Bravo à vous deux. Nous ne vous demanderons plus rien à ce sujet.",
}


class OutcomeForm(Form):
    reponse = RadioField("Où en êtes-vous\u00a0?", [required("Choisissez ce qui s’en approche le plus.")], choices=CHOICES)
    fte = SelectField("En emploi, par an", choices=labels.choices(FteBand, empty="sans objet, ou je ne sais pas"), default="")
    days = SelectField("En jours, par an", choices=labels.choices(DaysBand, empty="sans objet, ou je ne sais pas"), default="")
    euros = SelectField("En euros, par an", choices=labels.choices(EuroBand, empty="sans objet, ou je ne sais pas"), default="")
    found_anyway = RadioField("L’auriez-vous trouvé sans la plateforme\u00a0?", choices={"": "Je ne sais pas"} | labels.choices(FoundAnyway), default="")

    def reply(self) -> Reply:
        result = ANSWERS[self.reponse.data]
        if result not in CONCLUDED:
            return Reply(result)
        fte, days, euros = (kind(self[name].data) if self[name].data else None for name, kind in SIZES.items())
        return Reply(result, fte, days, euros, FoundAnyway(self.found_anyway.data) if self.found_anyway.data else None)


class LinkOutcomeForm(OutcomeForm):
    class Meta(OutcomeForm.Meta):
        csrf_class = LinkToken


# The form checks its token itself: the general check also wants a Referer, which this page forbids so that its link does not leak.
@bp.route("/suites/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("120 per minute")
@by_token
def by_link(token: str) -> ResponseReturnValue:
    try:
        proposal = outcomes.find_by_token(token, site_keys()) or abort(404)
    except NotAllowedNow:
        return error_page(410, message=REPLACED)
    return page(proposal, LinkOutcomeForm, channel=Channel.LINK)


@bp.route("/rencontres/<uuid:proposal_id>/suite", methods=["GET", "POST"])
@editor_required
def mine(proposal_id: UUID) -> ResponseReturnValue:
    return page(my_proposal(proposal_id), OutcomeForm, channel=Channel.ACCOUNT)


def page(proposal: Proposal, kind: type[OutcomeForm], *, channel: Channel) -> ResponseReturnValue:
    """The last question that this side was asked, and its answer; a button records it: 422 for one to correct."""
    outcome: Outcome = found(outcomes.question(proposal))
    form = kind(data=None if request.method == "POST" else shown(outcome))
    if form.validate_on_submit():
        reply = form.reply()
        outcomes.answer(outcome, reply, channel=channel)
        db.session.commit()
        flash(THANKS[reply.result], "success")
        return redirect(request.path)
    if "csrf_token" in form.errors:
        return error_page(400, message=LATE_FORM)
    layout = "layouts/answer.html" if channel is Channel.LINK else "layouts/narrow.html"
    code = 422 if form.is_submitted() else 200
    return render_template("outcomes/answer.html", layout=layout, proposal=proposal, outcome=outcome, form=form, notes=NOTES), code


def shown(outcome: Outcome) -> dict[str, str | None]:
    """The choice of the link that was followed, else what was said before."""
    followed = request.args.get("reponse")
    said = next((answer for answer, result in ANSWERS.items() if result is outcome.result), None)
    return {name: getattr(outcome, name) for name in (*SIZES, "found_anyway")} | {"reponse": followed if followed in ANSWERS else said}


@bp.after_request
def set_headers(response: Response) -> Response:
    """The address is a key: it goes to no other site, no search engine and no cache."""
    response.headers["Referrer-Policy"] = "no-referrer" if request.endpoint == "outcomes.by_link" else "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response
