"""The page behind the link at the foot of a mail: what its address receives. One click of a mail program is enough (RFC 8058)."""

from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker.extensions import csrf, db, limiter
from matchmaker.models import ObjectionSource, Topic
from matchmaker.services import addresses
from matchmaker.web import labels
from matchmaker.web.access import by_token
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import BoxesField, Form
from matchmaker.web.settings import site_keys

bp = Blueprint("unsubscribe", __name__)


class TopicsForm(Form):
    topics = BoxesField("Ce que vous recevez", choices=labels.choices(Topic))

    def wanted(self) -> list[Topic]:
        return [Topic(value) for value in self.topics.data or []]


def topics_form(address_hash: str) -> TopicsForm:
    """The form as this address stands: ticked is received."""
    refused = addresses.objections(address_hash)
    return TopicsForm(data={"topics": [topic.value for topic in Topic if topic not in refused]})


# The form checks its token itself, as the answer page does. A mail program has no cookie and no token: its one click is let in.
@bp.route("/courriels/refuser/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("120 per minute")
@by_token
def choose(token: str) -> ResponseReturnValue:
    address_hash, topic = addresses.read_token(token, site_keys()) or abort(404)
    if request.method == "POST" and request.form.get("List-Unsubscribe") == "One-Click":
        addresses.object_to(address_hash, [topic], source=ObjectionSource.ONE_CLICK)
        db.session.commit()
        return Response("C’est noté\u00a0: vous ne recevrez plus ces courriels.\n", mimetype="text/plain")
    form = topics_form(address_hash)
    if not form.validate_on_submit():
        return page(form, topic)
    return record(form, address_hash, topic)


def record(form: TopicsForm, address_hash: str, topic: Topic) -> ResponseReturnValue:
    if "arreter" in request.form:
        addresses.object_to(address_hash, [topic], source=ObjectionSource.LINK)
    else:
        addresses.choose_topics(address_hash, form.wanted(), source=ObjectionSource.LINK)
    db.session.commit()
    flash("C’est noté. Cela vaut dès maintenant, et vous pouvez revenir ici changer d’avis.", "success")
    return redirect(request.path)


def page(form: TopicsForm, topic: Topic) -> ResponseReturnValue:
    """The switches: 400 for a form that is not ours, 422 for a topic that does not exist."""
    if "csrf_token" in form.errors:
        return error_page(400, message=LATE_FORM)
    is_received = topic.value in (form.topics.data or [])
    return render_template("unsubscribe/choose.html", form=form, topic=topic, is_received=is_received), 422 if form.is_submitted() else 200


@bp.after_request
def set_headers(response: Response) -> Response:
    """The address is a key: it goes to no other site, no search engine and no cache."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response
