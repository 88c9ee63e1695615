"""Coming into a structure that exists: asking for it, deciding, inviting a colleague, taking the invitation."""

from uuid import UUID

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField, StringField

from matchmaker.extensions import csrf, db, limiter, nudge
from matchmaker.models import AuditAction, JoinRequest, MemberInvitation, Organisation, Standing
from matchmaker.services import audit, consents, joining, memberships, organisations
from matchmaker.services.errors import EmailTaken, NotAllowedNow
from matchmaker.web import labels
from matchmaker.web.access import (
    animator_required,
    by_token,
    found,
    is_signed_in,
    organisation_in_my_hands,
    people_required,
    public,
    signed_in,
)
from matchmaker.web.audit import note
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import Form, answer, at_most, full_address, required
from matchmaker.web.limits import own_account
from matchmaker.web.security import keep_to_itself
from matchmaker.web.sessions import enter
from matchmaker.web.settings import mail_settings
from matchmaker.web.sign_up_forms import JoinForm, WelcomeForm
from tasks.outbox import drain

bp = Blueprint("joining", __name__)
keep_to_itself(bp, "take")
OVER = (
    "Cette invitation ne vaut plus\u00a0: elle a servi, une plus récente l’a remplacée, ou ses sept jours sont passés. Demandez-en une autre à votre collègue."
)
ELSEWHERE = "Cette adresse a déjà un compte. Il parle pour une structure\u00a0: quittez-la d’abord, puis rouvrez ce lien."
NOT_YOURS = "Cette invitation est pour une autre adresse que la vôtre. Déconnectez-vous, puis rouvrez son lien."


class InvitationForm(Form):
    name = StringField("Son nom", [at_most(120)])
    email = StringField("Son adresse électronique", [required("Écrivez son adresse."), full_address])
    standing = SelectField("Ce que la personne pourra faire", choices=labels.choices(Standing), default=Standing.EDITOR.value)


class DecisionForm(Form):
    standing = SelectField("Droit", choices=labels.choices(Standing, empty="non"))


def was_sent(response: Response) -> bool:
    return response.status_code == 302


def same_structure() -> str:
    return str((request.view_args or {}).get("organisation_id"))


@bp.route("/inscription/rejoindre/<uuid:organisation_id>", methods=["GET", "POST"])
@limiter.limit("5 per hour; 10 per day", methods=["POST"], deduct_when=was_sent)
@public
def ask(organisation_id: UUID) -> ResponseReturnValue:
    """A structure that is inscribed already: its administrator decides, else the animator of its territory."""
    organisation = found(organisations.organisation(organisation_id))
    form = JoinForm()
    if not form.validate_on_submit():
        is_claim = not memberships.administrators(organisation)
        return answer("members/ask.html", form, organisation=organisation, is_claim=is_claim)
    joining.ask(organisation, email=form.email.data, name=form.name.data, message=form.message.data, settings=mail_settings())
    db.session.commit()
    nudge(drain)
    return redirect(url_for(".asked"))


@bp.get("/inscription/demande-envoyee")
@public
def asked() -> ResponseReturnValue:
    return render_template("members/asked.html")


@bp.get("/demandes-d-acces")
@animator_required
def requests() -> ResponseReturnValue:
    """Those for which no administrator could decide."""
    return render_template("members/requests.html", requests=joining.requests_of_nobody(signed_in()))


@bp.route("/structures/<uuid:organisation_id>/equipe/inviter", methods=["GET", "POST"])
@limiter.limit("20 per hour", key_func=own_account, methods=["POST"], deduct_when=was_sent)
@limiter.limit("50 per day", key_func=same_structure, methods=["POST"], deduct_when=was_sent)
@people_required
def invite(organisation_id: UUID) -> ResponseReturnValue:
    organisation = organisation_in_my_hands(organisation_id)
    form = InvitationForm()
    if not form.validate_on_submit():
        return answer("members/invite.html", form, organisation=organisation)
    joining.invite(organisation, email=form.email.data, name=form.name.data, standing=Standing(form.standing.data), by=signed_in(), settings=mail_settings())
    note(AuditAction.MEMBERS_CHANGED, organisation, changes={"invited": [None, form.standing.data]})
    db.session.commit()
    nudge(drain)
    flash("L’invitation part. Elle vaut sept jours, et pour cette adresse seulement.", "success")
    return redirect(url_for("members.team", organisation_id=organisation.id))


@bp.post("/structures/<uuid:organisation_id>/equipe/invitations/<uuid:invitation_id>/retirer")
@people_required
def withdraw(organisation_id: UUID, invitation_id: UUID) -> ResponseReturnValue:
    organisation = organisation_in_my_hands(organisation_id)
    invitation: MemberInvitation = found(db.session.get(MemberInvitation, invitation_id))
    joining.withdraw(invitation if invitation.organisation_id == organisation.id else abort(404))
    db.session.commit()
    flash("C’est retiré. Le lien de ce courriel n’ouvre plus rien.", "success")
    return redirect(url_for("members.team", organisation_id=organisation.id))


@bp.post("/structures/<uuid:organisation_id>/equipe/demandes/<uuid:request_id>")
@people_required
def decide(organisation_id: UUID, request_id: UUID) -> ResponseReturnValue:
    asked = request_of(organisation_in_my_hands(organisation_id), request_id)
    form = DecisionForm()
    if not form.validate_on_submit():
        abort(400)
    standing = Standing(form.standing.data) if form.standing.data else None
    try:
        joining.decide(asked, by=signed_in(), standing=standing, settings=mail_settings())
    except NotAllowedNow:
        return error_page(409, message="Quelqu’un a déjà répondu à cette demande.")
    note(AuditAction.MEMBERS_CHANGED, asked.organisation, changes={"request": [None, form.standing.data or "refused"]})
    db.session.commit()
    nudge(drain)
    flash("L’invitation part vers son adresse." if standing else "C’est refusé. Rien ne lui est envoyé.", "success")
    return redirect(url_for("members.team", organisation_id=organisation_id))


def request_of(organisation: Organisation, request_id: UUID) -> JoinRequest:
    asked: JoinRequest = found(db.session.get(JoinRequest, request_id))
    return asked if asked.organisation_id == organisation.id else abort(404)


# The form checks its token itself: the general check also wants a Referer, which this page forbids so that its link does not leak.
@bp.route("/rejoindre/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("60 per hour")
@by_token
def take(token: str) -> ResponseReturnValue:
    """The link of an invitation: a name and a password, and one is in."""
    invitation = joining.find(token) or abort(404)
    if not invitation.is_good(joining.now()):
        return error_page(410, message=OVER)
    if is_signed_in() and signed_in().email != invitation.email:
        return error_page(410, message=NOT_YOURS)
    if not joining.can_be_taken(joining.account_of(invitation)):
        return error_page(409, message=ELSEWHERE)
    form = WelcomeForm(invitation.organisation.name, invitation.email, data={"name": invitation.name})
    if not form.validate_on_submit():
        return error_page(400, message=LATE_FORM) if "csrf_token" in form.errors else answer("members/take.html", form, invitation=invitation)
    return come_in(invitation, form)


def come_in(invitation: MemberInvitation, form: WelcomeForm) -> ResponseReturnValue:
    try:
        user = joining.take(invitation, name=form.name.data, password=form.password.data)
    except (NotAllowedNow, EmailTaken):
        db.session.rollback()
        return error_page(410, message=OVER)
    consents.accept(user)
    note(AuditAction.ACCOUNT_OPENED, user, by=user, changes=audit.compared({}, audit.rights_of(user)))
    db.session.commit()
    enter(user)
    flash(f"Bienvenue dans l’équipe. Vous parlez maintenant pour {user.organisation.name}.", "success")
    return redirect(url_for("members.team", organisation_id=user.organisation_id))
