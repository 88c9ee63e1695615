"""After two yes: the page of the two sides, with an account or from a mail's link, and that of the animator whom one of them called."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField

from matchmaker.extensions import csrf, db, limiter, nudge
from matchmaker.models import Channel, HelpRequest, Proposal, User
from matchmaker.models.conversations import LONGEST_MESSAGE
from matchmaker.services import contact_log, conversations, mails, next_steps, outcomes
from matchmaker.services.conversations import TooManyMessages
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web import reasons
from matchmaker.web.access import animator_required, by_token, found, member_required, my_organisation, my_proposal, signed_in
from matchmaker.web.answers import REPLACED, LinkToken
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import Form, at_most, required
from matchmaker.web.settings import mail_settings, site_keys
from tasks.outbox import drain

bp = Blueprint("conversations", __name__)

# What the buttons of the page do.
ACTS = {"message", "aide", "fin"}
SENT = "Votre message est parti\u00a0: l’autre structure le reçoit par courriel."
KEPT = "Votre message est là. L’autre structure n’a pas d’adresse électronique\u00a0: appelez-la, elle ne le lira qu’avec son compte."
TOO_MANY = "Rien n’est parti\u00a0: cela fait beaucoup de messages en peu de temps. Appelez-les, ou réessayez plus tard."
OVER = "Rien n’est parti\u00a0: vous n’êtes plus en relation. Ce qui a été écrit reste ici."
CALLED = "L’animation de votre territoire est prévenue. Elle peut lire cet échange, jusqu’à ce que vous disiez que c’est réglé."
ENDED = "C’est noté. L’animation ne lit plus cet échange."


class MessageForm(Form):
    text = TextAreaField("Votre message", [required("Écrivez votre message."), at_most(LONGEST_MESSAGE)])


class LinkMessageForm(MessageForm):
    class Meta(MessageForm.Meta):
        csrf_class = LinkToken


@bp.route("/rencontres/<uuid:proposal_id>", methods=["GET", "POST"])
@limiter.limit("60 per minute", methods=["POST"])
@member_required
def show(proposal_id: UUID) -> ResponseReturnValue:
    proposal, form = in_conversation(my_proposal(proposal_id)), MessageForm()
    return act(proposal, form, author=signed_in(), channel=Channel.ACCOUNT) or page("conversations/show.html", proposal, form)


@bp.post("/rencontres/<uuid:proposal_id>/coordonnees")
@member_required
def look(proposal_id: UUID) -> ResponseReturnValue:
    """Opens the contact details of the other side, and writes down who did."""
    proposal = in_conversation(my_proposal(proposal_id))
    if not proposal.match.is_mutual:
        abort(409)
    contact_log.look(proposal, signed_in())
    db.session.commit()
    return redirect(url_for("conversations.show", proposal_id=proposal_id) + "#coordonnees")


# The form checks its token itself: the general check also wants a Referer, which this page forbids so that its link does not leak.
@bp.route("/echanges/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("120 per minute")
@by_token
def by_link(token: str) -> ResponseReturnValue:
    try:
        proposal = conversations.find_by_token(token, site_keys()) or abort(404)
    except NotAllowedNow:
        return error_page(410, message=REPLACED)
    form = LinkMessageForm()
    return act(proposal, form, author=None, channel=Channel.LINK) or page("conversations/link.html", proposal, form)


def in_conversation(proposal: Proposal) -> Proposal:
    """There is nothing to talk about before both said yes."""
    return proposal if conversations.has_begun(proposal.match) else abort(404)


def act(proposal: Proposal, form: MessageForm, *, author: User | None, channel: Channel) -> ResponseReturnValue | None:
    """What a button of the page does: write, call for help, or end the call. Nothing while there is none, or something to correct."""
    if not form.is_submitted():
        return None
    wanted, is_whole = request.form.get("acte", "message"), form.validate()
    if "csrf_token" in form.errors:
        return error_page(400, message=LATE_FORM)
    if wanted not in ACTS:
        abort(400)
    if wanted == "message" and not is_whole:
        return None
    try:
        words = done(proposal, wanted, form, author=author, channel=channel)
    except (NotAllowedNow, TooManyMessages) as refusal:
        db.session.rollback()
        flash(TOO_MANY if isinstance(refusal, TooManyMessages) else OVER, "warn")
        return redirect(request.path)
    db.session.commit()
    nudge(drain)
    flash(words, "success")
    return redirect(request.path)


def done(proposal: Proposal, wanted: str, form: MessageForm, *, author: User | None, channel: Channel) -> str:
    """Do it, and say so."""
    if wanted == "aide":
        conversations.call_for_help(proposal, settings=mail_settings())
        return CALLED
    if wanted == "fin":
        conversations.end_call(proposal.match)
        return ENDED
    conversations.say(proposal, form.text.data, author=author, channel=channel, settings=mail_settings())
    return SENT if proposal.other.organisation.can_be_written_to() else KEPT


def page(template: str, proposal: Proposal, form: MessageForm) -> ResponseReturnValue:
    """The two sides and what they wrote: 422 for a message to correct."""
    match = proposal.match
    context: dict[str, Any] = {"proposal": proposal, "match": match, "messages": conversations.messages(match), "call": conversations.open_call(match)}
    context |= {"meeting": next_steps.meeting_of(match), "near": next_steps.near_job_datings(match) if match.is_mutual else []}
    context["outcome"] = outcomes.question(proposal)
    is_open = template.endswith("show.html") and match.is_mutual and bool(contact_log.looked_at(signed_in(), [match.id]))
    return render_template(template, form=form, reasons=reasons, is_open=is_open, **context), 422 if form.is_submitted() else 200


@bp.get("/coordonnees-vues")
@member_required
def views() -> ResponseReturnValue:
    """Who saw the contact details of one's structure."""
    results = contact_log.views_of(my_organisation(), page=request.args.get("page", 1, type=int))
    return render_template("conversations/views.html", results=results)


@bp.get("/rencontres/aide")
@animator_required
def calls() -> ResponseReturnValue:
    """The conversations in which somebody called for help."""
    return render_template("conversations/calls.html", calls=conversations.open_calls([one.id for one in mails.departements_of(signed_in())]))


@bp.route("/rencontres/aide/<uuid:help_id>", methods=["GET", "POST"])
@animator_required
def call(help_id: UUID) -> ResponseReturnValue:
    asked, form = call_in_my_care(help_id), MessageForm()
    if form.validate_on_submit():
        conversations.answer_call(asked, form.text.data, author=signed_in(), settings=mail_settings())
        db.session.commit()
        nudge(drain)
        flash("Votre message est parti aux deux structures.", "success")
        return redirect(url_for("conversations.call", help_id=help_id))
    is_open = bool(contact_log.looked_at(signed_in(), [asked.match_id]))
    context = {"call": asked, "match": asked.match, "messages": conversations.messages(asked.match), "is_open": is_open}
    return render_template("conversations/call.html", form=form, **context), 422 if form.is_submitted() else 200


@bp.post("/rencontres/aide/<uuid:help_id>/coordonnees")
@animator_required
def look_to_help(help_id: UUID) -> ResponseReturnValue:
    contact_log.look_to_help(call_in_my_care(help_id), signed_in())
    db.session.commit()
    return redirect(url_for("conversations.call", help_id=help_id))


@bp.post("/rencontres/aide/<uuid:help_id>/fin")
@animator_required
def end_call(help_id: UUID) -> ResponseReturnValue:
    conversations.end_call(call_in_my_care(help_id).match)
    db.session.commit()
    flash("C’est noté. Merci de les avoir aidées.", "success")
    return redirect(url_for("conversations.calls"))


def call_in_my_care(help_id: UUID) -> HelpRequest:
    """An open call of a territory that one looks after: without a call, a conversation is nobody else's."""
    asked: HelpRequest = found(conversations.call(help_id))
    return asked if signed_in().looks_after(asked.match.need.territory) else abort(404)


@bp.after_request
def set_headers(response: Response) -> Response:
    """What two people wrote goes to no search engine and no cache, and its address to no other site."""
    response.headers["Referrer-Policy"] = "no-referrer" if request.endpoint == "conversations.by_link" else "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response
