"""The inbox: proposals that await an answer, those that await the other side's, those that are over."""

from datetime import date
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, RadioField, TextAreaField

from matchmaker.extensions import db, nudge
from matchmaker.models import Channel, DeclineReason, MatchStatus, Proposal, ProposalStatus
from matchmaker.models.base import today
from matchmaker.services import asking_budgets, contact_log, matching, proposal_answers, proposal_ends, proposal_lists, proposals, spoken_answers
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.proposal_answers import Reply
from matchmaker.web import formats, labels, reasons
from matchmaker.web.access import editor_required, member_required, my_organisation, my_proposal, signed_in
from matchmaker.web.answer_days import check_day, first_day
from matchmaker.web.forms import Form, answer, at_most, required
from matchmaker.web.refusal_fields import BoundsMixin, noted, unit_of
from matchmaker.web.settings import mail_settings
from tasks.matching import run_due
from tasks.outbox import drain

bp = Blueprint("proposals", __name__)

YES_KEPT = "Votre oui est gardé. Entre-temps, la place a été prise\u00a0: si elle se libère, cette rencontre peut revenir vers vous."
NOT_THIS_TIME = "Votre oui est gardé. Cette rencontre ne peut pas se faire cette fois\u00a0: votre annonce continue de chercher."
TABS = {"todo": "À faire", "waiting": "Chez l’autre", "done": "Terminées"}


class DeclineForm(BoundsMixin, Form):
    reason = RadioField("Pourquoi non\u00a0?", [required("Choisissez ce qui s’en approche le plus.")], choices=labels.choices(DeclineReason))
    comment = TextAreaField("Un mot de plus", [at_most(500)])


class LaterForm(Form):
    until = DateField("Quand pourrez-vous répondre\u00a0?", [required("Choisissez une date.")])

    latest: date | None = None

    def validate_until(self, field: DateField) -> None:
        check_day(field.data, self.latest)


@bp.get("/propositions")
@member_required
def inbox() -> ResponseReturnValue:
    organisation, tab = my_organisation(), request.args.get("onglet", "todo")
    if tab not in TABS:
        abort(404)
    counts = proposal_lists.counts(organisation)
    items = [{"url": url_for(".inbox", onglet=name), "label": f"{words} ({counts[name]})", "is_current": name == tab} for name, words in TABS.items()]
    shown = proposal_lists.inbox(organisation, tab)
    left = asking_budgets.left(organisation, day=today()).month
    return render_template(
        "proposals/inbox.html",
        left=left,
        organisation=organisation,
        proposals=shown,
        opened=contact_log.looked_at(signed_in(), {proposal.match_id for proposal in shown if proposal.match.is_mutual}),
        counts=counts,
        tab=tab,
        tabs=items,
        reasons=reasons,
        spoken=spoken_answers.spoken(shown),
    )


@bp.post("/propositions/<uuid:proposal_id>/oui")
@member_required
def accept(proposal_id: UUID) -> ResponseReturnValue:
    proposal = my_proposal(proposal_id)
    try:
        proposals.accept(proposal, settings=mail_settings())
    except NotAllowedNow:
        return already_answered(proposal)
    if proposal.match.is_mutual:
        contact_log.look(proposal, signed_in())
    mutual, kept = proposal.match.is_mutual, proposal.match.status is MatchStatus.ENDED
    db.session.commit()
    nudge(drain)
    if kept:
        flash(NOT_THIS_TIME if proposal.other.status is ProposalStatus.ACCEPTED else YES_KEPT, "message")
        return redirect(url_for("proposals.inbox", onglet="done"))
    if mutual:
        flash("Vous vous êtes dit oui. Voici comment vous joindre.", "yes")
        return redirect(url_for("conversations.show", proposal_id=proposal_id))
    flash("Votre oui est noté. Nous vous prévenons dès que l’autre structure répond.", "success")
    return redirect(url_for("proposals.inbox"))


@bp.route("/propositions/<uuid:proposal_id>/non", methods=["GET", "POST"])
@editor_required
def decline(proposal_id: UUID) -> ResponseReturnValue:
    proposal, form = my_proposal(proposal_id), DeclineForm()
    if not form.validate_on_submit():
        return answer("proposals/decline.html", form, proposal=proposal, unit=labels.label(unit_of(proposal)))
    words, reason = form.comment.data or "", DeclineReason(form.reason.data)
    try:
        proposals.decline(proposal, reason=reason, comment=words, bounds=form.bounds(proposal), settings=mail_settings())
    except NotAllowedNow:
        return already_answered(proposal)
    matching.wish_for_runs_after(proposal)
    told = noted(proposal)
    db.session.commit()
    nudge(run_due)
    flash(told, "success")
    return redirect(url_for("proposals.inbox"))


@bp.route("/propositions/<uuid:proposal_id>/plus-tard", methods=["GET", "POST"])
@editor_required
def postpone(proposal_id: UUID) -> ResponseReturnValue:
    proposal = my_proposal(proposal_id)
    form = LaterForm(data={"until": first_day(proposal)})
    form.latest = proposals.latest_postponement(proposal)
    if not proposal.can_be_answered():
        return already_answered(proposal)
    if not form.validate_on_submit():
        return answer("proposals/later.html", form, proposal=proposal)
    try:
        proposal_answers.answer(proposal, Reply(ProposalStatus.PENDING, until=form.until.data), channel=Channel.ACCOUNT, settings=mail_settings())
    except NotAllowedNow:
        return already_answered(proposal)
    db.session.commit()
    flash(f"C’est noté. La question vous attend jusqu’au {formats.long_date(form.until.data)}, sans rappel de notre part.", "success")
    return redirect(url_for("proposals.inbox"))


@bp.post("/propositions/<uuid:proposal_id>/sans-suite")
@member_required
def part(proposal_id: UUID) -> ResponseReturnValue:
    """Two yes that led nowhere: both announcements look again."""
    proposal = my_proposal(proposal_id)
    try:
        proposal_ends.part(proposal)
    except NotAllowedNow:
        return already_answered(proposal)
    matching.wish_for_a_run(proposal.match.need.territory)
    db.session.commit()
    nudge(run_due)
    flash("C’est noté. Votre annonce cherche de nouveau.", "success")
    return redirect(url_for("proposals.inbox"))


@bp.post("/propositions/<uuid:proposal_id>/reponse-notee/annuler")
@member_required
def take_back(proposal_id: UUID) -> ResponseReturnValue:
    """What the animator wrote down is not what this structure meant."""
    try:
        spoken_answers.take_back(my_proposal(proposal_id))
    except NotAllowedNow:
        db.session.rollback()
        flash("Cette réponse ne peut plus être retirée\u00a0: l’autre structure est prévenue, ou la place est prise. Votre contact peut vous aider.", "warn")
        return redirect(url_for("proposals.inbox", onglet="done"))
    db.session.commit()
    flash("La réponse notée est retirée. À vous de répondre.", "success")
    return redirect(url_for("proposals.inbox"))


def already_answered(proposal: Proposal) -> ResponseReturnValue:
    """A second click, or a question that was withdrawn meanwhile: say which, change nothing."""
    db.session.rollback()
    told = proposal.status in (ProposalStatus.ACCEPTED, ProposalStatus.DECLINED)
    flash("C’était déjà noté. Rien n’a changé." if told else "Cette proposition a été retirée entre-temps. Rien n’a été envoyé.", "message")
    return redirect(url_for("proposals.inbox"))
