"""A forgotten password: asking for the link, and the page behind it. Nothing tells whether an address has an account."""

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import RequestLimit

from matchmaker.extensions import csrf, db, limiter
from matchmaker.models import AccountToken, AuditAction, TokenPurpose
from matchmaker.services import account_tokens, password_resets, personal_data_erasing
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web.access import by_token, public
from matchmaker.web.account_forms import AskResetForm, NewPasswordForm
from matchmaker.web.audit import note
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import answer
from matchmaker.web.limits import know_device
from matchmaker.web.security import keep_to_itself
from matchmaker.web.settings import mail_settings

bp = Blueprint("reset", __name__)
keep_to_itself(bp, "choose")
OVER = "Ce lien ne vaut plus\u00a0: il a servi, un plus récent l’a remplacé, ou son heure est passée. Demandez-en un autre depuis la page de connexion."


def as_if_sent(_limit: RequestLimit) -> Response:
    """Over the limit nothing is sent, and nothing tells."""
    return current_app.make_response(redirect(url_for("reset.asked")))


@bp.route("/mot-de-passe-oublie", methods=["GET", "POST"])
@limiter.limit("10 per hour", methods=["POST"], on_breach=as_if_sent)
@public
def ask() -> ResponseReturnValue:
    form = AskResetForm()
    if not form.validate_on_submit():
        return answer("accounts/reset_ask.html", form)
    password_resets.ask(form.email.data, allow_demo=current_app.config["DEMO"], settings=mail_settings())
    db.session.commit()
    return redirect(url_for("reset.asked"))


@bp.get("/mot-de-passe-oublie/envoye")
@public
def asked() -> ResponseReturnValue:
    return render_template("accounts/reset_asked.html")


# The form checks its token itself: the general check also wants a Referer, which this page forbids so that its link does not leak.
@bp.route("/mot-de-passe/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("60 per hour")
@by_token
def choose(token: str) -> ResponseReturnValue:
    row = account_tokens.find(token, TokenPurpose.RESET)
    if row is None and not personal_data_erasing.is_spent(account_tokens.digest(token)):
        abort(404)
    if row is None or not account_tokens.is_good(row):
        return error_page(410, message=OVER)
    form = NewPasswordForm(row.user)
    if not form.validate_on_submit():
        return error_page(400, message=LATE_FORM) if "csrf_token" in form.errors else answer("accounts/reset.html", form, account=row.user)
    return record(row, form.password.data)


def record(row: AccountToken, password: str) -> ResponseReturnValue:
    try:
        user = password_resets.reset(row, password, settings=mail_settings())
    except NotAllowedNow:
        db.session.rollback()
        return error_page(410, message=OVER)
    note(AuditAction.PASSWORD_CHANGED, user, by=user)
    db.session.commit()
    flash("Votre mot de passe est changé. Connectez-vous avec le nouveau\u00a0: tous vos appareils vous le demanderont.", "success")
    return know_device(current_app.make_response(redirect(url_for("accounts.login"))), user)
