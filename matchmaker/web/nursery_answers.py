"""The page behind the link of an invitation to a pole of cooperation: it shows, and only its button records. It needs no account and no cookie."""

from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import RadioField

from matchmaker.extensions import csrf, db, limiter
from matchmaker.models import Channel, ClusterAnswer, ClusterInvitation
from matchmaker.services import invitation_mails, nursery_invitations
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web import limits
from matchmaker.web.access import by_token
from matchmaker.web.answers import LinkToken
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import Form, required
from matchmaker.web.settings import site_keys

bp = Blueprint("nursery_answers", __name__)

# What stands in the links of the mail, and what it means.
ANSWERS = {"oui": ClusterAnswer.INTERESTED, "non": ClusterAnswer.NOT_NOW}
CHOICES = {"oui": "Oui, en parler m’intéresse", "non": "Non, pas maintenant"}
NOTES = {
    "oui": "La personne qui anime votre territoire vous rappelle. Vous ne vous engagez à rien d’autre.",
    "non": "Personne ne vous relance à ce sujet avant trois mois.",
}
THANKS = {
    ClusterAnswer.INTERESTED: "Votre oui est noté. La personne qui anime votre territoire le lit.",
    ClusterAnswer.NOT_NOW: "Votre non est noté. Merci de l’avoir dit.",
}
OVER = "Cette invitation n’attend plus de réponse\u00a0: elle date de plus de trois mois. Écrivez à qui anime votre territoire si le sujet vous intéresse."


class AnswerForm(Form):
    reponse = RadioField("Votre réponse", [required("Choisissez une réponse.")], choices=CHOICES)

    class Meta(Form.Meta):
        csrf_class = LinkToken


# The form checks its token itself: the general check also wants a Referer, which this page forbids so that its link does not leak.
@bp.route("/pepiniere/reponses/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("120 per minute")
@limiter.limit(limits.ONE_LINK, key_func=limits.link)
@by_token
def answer(token: str) -> ResponseReturnValue:
    try:
        invitation = nursery_invitations.find_by_token(token, site_keys()) or abort(404)
    except NotAllowedNow:
        return error_page(410, message=OVER)
    form = AnswerForm(data={"reponse": chosen(invitation)})
    if not form.validate_on_submit():
        return question(invitation, form)
    given = ANSWERS[form.reponse.data]
    nursery_invitations.answer(invitation, given, channel=Channel.LINK)
    db.session.commit()
    flash(THANKS[given], "success")
    return redirect(request.path)


def chosen(invitation: ClusterInvitation) -> str | None:
    """The choice of the link that was followed, else the answer given before."""
    followed = request.args.get("reponse")
    given = next((choice for choice, meaning in ANSWERS.items() if meaning is invitation.answer), None)
    return followed if followed in ANSWERS else given


def question(invitation: ClusterInvitation, form: AnswerForm) -> ResponseReturnValue:
    """The page with the two choices: 400 for a form that is not ours, 422 for one without an answer."""
    if "csrf_token" in form.errors:
        return error_page(400, message=LATE_FORM)
    others = nursery_invitations.others_of(invitation.cluster, invitation.organisation_id) if invitation.cluster else []
    contact_email = invitation_mails.contact_email(invitation.territory)
    page = render_template("nursery/answer.html", invitation=invitation, others=others, form=form, notes=NOTES, contact_email=contact_email)
    return page, 422 if form.is_submitted() else 200


@bp.after_request
def set_headers(response: Response) -> Response:
    """The address is a key: it goes to no other site, no search engine and no cache."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response
