"""The page behind the link of an invitation: it shows, and only its button records."""

from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import RadioField

from matchmaker.extensions import csrf, db, limiter, nudge
from matchmaker.models import Answer, Channel, Invitation, JobDatingStatus
from matchmaker.services import appointments, invitation_mails, invitations
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web import limits
from matchmaker.web.access import by_token
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import Form, required
from matchmaker.web.settings import site_keys
from tasks.job_datings import settle_due

bp = Blueprint("invitations", __name__)

# What stands in the links of the mail, and what it means.
ANSWERS = {"oui": Answer.ACCEPTED, "peut-etre": Answer.TENTATIVE, "non": Answer.DECLINED}
CHOICES = {"oui": "Oui, je viens", "peut-etre": "Peut-être", "non": "Non, pas cette fois"}
NOTES = {
    "oui": "Votre place est gardée, et vos rencontres aussi.",
    "peut-etre": "Nous vous gardons une place. Dites-nous oui ou non avant la date limite.",
    "non": "Vos mises en relation restent\u00a0: vous pourrez vous joindre autrement.",
}
SAID = {Answer.ACCEPTED: "oui, je viens", Answer.TENTATIVE: "peut-être", Answer.DECLINED: "non, pas cette fois"}
THANKS = {
    Answer.ACCEPTED: "Votre oui est noté. À bientôt.",
    Answer.TENTATIVE: "Votre peut-être est noté. Revenez par le même lien dès que vous savez.",
    Answer.DECLINED: "Votre non est noté. Merci de l’avoir dit.",
}
REPLACED = "Nous vous avons envoyé depuis un courriel plus récent\u00a0: utilisez son lien."


class AnswerForm(Form):
    reponse = RadioField("Votre réponse", [required("Choisissez une réponse.")], choices=CHOICES)


# The form checks its token itself: the general check also wants a Referer, which this page forbids so that its link does not leak.
@bp.route("/invitations/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("120 per minute")
@limiter.limit(limits.ONE_LINK, key_func=limits.link)
@by_token
def answer(token: str) -> ResponseReturnValue:
    try:
        invitation = invitations.find_by_token(token, site_keys()) or abort(404)
    except NotAllowedNow:
        return error_page(410, message=REPLACED)
    if invitation.is_over:
        return gone(invitation)
    form = AnswerForm(data={"reponse": chosen(invitation)})
    if not form.validate_on_submit():
        return question(invitation, form)
    return record(invitation, ANSWERS[form.reponse.data])


def record(invitation: Invitation, given: Answer) -> ResponseReturnValue:
    try:
        invitations.answer(invitation, given, channel=Channel.LINK)
    except NotAllowedNow:
        db.session.rollback()
        return gone(invitation)
    db.session.commit()
    nudge(settle_due)
    flash(THANKS[given], "success")
    return redirect(request.path)


def chosen(invitation: Invitation) -> str | None:
    """The choice of the link that was followed, else the answer given before."""
    given = next((choice for choice, meaning in ANSWERS.items() if meaning is invitation.answer), None)
    followed = request.args.get("reponse")
    return followed if followed in ANSWERS else given


def question(invitation: Invitation, form: AnswerForm) -> ResponseReturnValue:
    """The page with the three choices: 400 for a form that is not ours, 422 for one without an answer."""
    if "csrf_token" in form.errors:
        return error_page(400, message=LATE_FORM)
    expected = appointments.of(invitation.job_dating)[invitation.organisation_id]
    said = SAID.get(invitation.answer) if invitation.answer else None
    comes = invitation.answer is not None and invitation.answer is not Answer.DECLINED and not invitation.job_dating.has_begun
    details_url = f"{request.path}/venue" if comes else ""
    page = render_template("invitations/answer.html", invitation=invitation, expected=expected, form=form, notes=NOTES, said=said, details_url=details_url)
    return page, 422 if form.is_submitted() else 200


def gone(invitation: Invitation) -> ResponseReturnValue:
    """Why there is nothing to answer any more, and whom to tell."""
    said = SAID.get(invitation.answer) if invitation.answer else None
    is_cancelled = invitation.job_dating.status is JobDatingStatus.CANCELLED
    contact_email = invitation_mails.contact_email(invitation.job_dating.venue.territory)
    return render_template("invitations/gone.html", invitation=invitation, is_cancelled=is_cancelled, said=said, contact_email=contact_email), 410


@bp.after_request
def set_headers(response: Response) -> Response:
    """The address is a key: it goes to no other site, no search engine and no cache."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response
