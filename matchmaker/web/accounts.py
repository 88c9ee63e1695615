"""Signing in and out, one's own account; the accounts that the administration opens, changes and closes."""

from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter.util import get_remote_address

from matchmaker.extensions import db, limiter
from matchmaker.models import AuditAction, User
from matchmaker.services import accounts, audit, password_resets, personal_data_erasing
from matchmaker.services.errors import EmailTaken
from matchmaker.web import limits
from matchmaker.web.access import admin_required, found, is_signed_in, public, signed_in, signed_in_required
from matchmaker.web.account_forms import DutiesForm, LoginForm, NewAccountForm, PasswordForm
from matchmaker.web.audit import note, note_refusal
from matchmaker.web.forms import answer, clean
from matchmaker.web.openid import leave_provider
from matchmaker.web.second_factor import enter_or_ask
from matchmaker.web.security import own_path
from matchmaker.web.sessions import enter, home_of, leave, own_session, recently_confirmed
from matchmaker.web.settings import mail_settings

bp = Blueprint("accounts", __name__)
PER_PAGE = 50


@bp.route("/connexion", methods=["GET", "POST"])
@limiter.limit("5 per 15 minutes", key_func=limits.account_from_here, deduct_when=limits.is_refused, methods=["POST"])
@limiter.limit("10 per 15 minutes; 20 per day", key_func=limits.account_from_anywhere, deduct_when=limits.is_refused, methods=["POST"])
@limiter.limit("50 per hour", key_func=get_remote_address, deduct_when=limits.is_refused, methods=["POST"])
@public
def login() -> ResponseReturnValue:
    if request.method != "POST" and is_signed_in():
        return redirect(home_of(signed_in()))
    form = LoginForm()
    if not form.validate_on_submit():
        return answer("accounts/login.html", form)
    user = accounts.sign_in(email=form.email.data, password=form.password.data, allow_demo=current_app.config["DEMO"])
    if user is None:
        note_refusal(form.email.data, accounts.account_with(form.email.data))
        db.session.commit()
        form.password.errors = ["L’adresse ou le mot de passe n’est pas le bon."]
        return answer("accounts/login.html", form)
    return enter_or_ask(user, own_path(request.args.get("next")))


@bp.post("/deconnexion")
@signed_in_required
def logout() -> ResponseReturnValue:
    sealed = own_session().id_token
    note(AuditAction.SIGNED_OUT)
    db.session.commit()
    leave()
    if sealed:
        return leave_provider(sealed)
    flash("Vous voilà hors connexion. À bientôt.", "message")
    return redirect(url_for("pages.home"))


@bp.route("/compte", methods=["GET", "POST"])
@limiter.limit("20 per 15 minutes", methods=["POST"])
@signed_in_required
def mine() -> ResponseReturnValue:
    """One's own account, and another password for it."""
    user = signed_in()
    form = PasswordForm(user)
    context = {"user": user, "in_care": accounts.territories_in_care(user), "erasure": personal_data_erasing.request_of(user)}
    if not form.validate_on_submit():
        return answer("accounts/mine.html", form, **context)
    if not accounts.opens(user.password_hash, form.current.data):
        form.current.errors = ["Ce n’est pas votre mot de passe actuel."]
        return answer("accounts/mine.html", form, **context)
    password_resets.change(user, form.password.data, settings=mail_settings())
    note(AuditAction.PASSWORD_CHANGED, user)
    enter(user)
    flash("Votre mot de passe est changé. Les autres appareils vous le demanderont.", "success")
    return redirect(url_for("accounts.mine"))


@bp.get("/comptes")
@admin_required
def all_accounts() -> ResponseReturnValue:
    text = clean(request.args.get("q"))[:100]
    page = request.args.get("page", 1, type=int)
    return render_template("accounts/all.html", results=accounts.search_accounts(text, page=page, per_page=PER_PAGE), text=text)


@bp.route("/comptes/nouveau", methods=["GET", "POST"])
@admin_required
@recently_confirmed("accounts.new")
def new() -> ResponseReturnValue:
    form = NewAccountForm()
    if not form.validate_on_submit():
        return answer("accounts/new.html", form)
    passphrase = accounts.new_passphrase()
    try:
        user = accounts.create_account(email=form.email.data, name=form.name.data, password=passphrase, **form.columns())
    except EmailTaken:
        form.email.errors = ["Cette adresse a déjà un compte."]
        return answer("accounts/new.html", form)
    note(AuditAction.ACCOUNT_OPENED, user, changes=audit.compared({}, audit.rights_of(user)))
    db.session.commit()
    return show_once(user, passphrase, back=url_for("accounts.all_accounts"))


def show_once(user: User, passphrase: str, *, back: str) -> ResponseReturnValue:
    """The only page that shows a passphrase that we made: no address leads to it, and nothing keeps it."""
    return render_template("accounts/passphrase.html", account=user, passphrase=passphrase, back=back)


@bp.route("/comptes/<uuid:user_id>", methods=["GET", "POST"])
@admin_required
@recently_confirmed("accounts.show")
def show(user_id: UUID) -> ResponseReturnValue:
    """An account, and another role for it."""
    account: User = found(db.session.get(User, user_id))
    if request.method == "POST":
        not_oneself(account)
    form = DutiesForm(account)
    if not form.validate_on_submit():
        return answer("accounts/show.html", form, account=account)
    before = audit.rights_of(account)
    accounts.change_duties(account, **form.columns())
    note(AuditAction.RIGHTS_CHANGED, account, changes=audit.compared(before, audit.rights_of(account)))
    db.session.commit()
    flash("C’est enregistré. La personne se reconnecte, et le nouveau rôle vaut dès lors.", "success")
    return redirect(url_for("accounts.show", user_id=account.id))


def not_oneself(user: User) -> User:
    """Nobody shuts the door behind the last administrator."""
    return abort(409) if user.id == signed_in().id else user


@bp.post("/comptes/<uuid:user_id>/fermer")
@admin_required
@recently_confirmed("accounts.show")
def close(user_id: UUID) -> ResponseReturnValue:
    user = not_oneself(found(db.session.get(User, user_id)))
    accounts.close(user)
    note(AuditAction.ACCOUNT_CLOSED, user)
    db.session.commit()
    flash(f"Le compte {user.email} est fermé. Il n’ouvre plus rien, et vous pouvez le rouvrir.", "success")
    return redirect(url_for("accounts.show", user_id=user.id))


@bp.post("/comptes/<uuid:user_id>/rouvrir")
@admin_required
@recently_confirmed("accounts.show")
def reopen(user_id: UUID) -> ResponseReturnValue:
    user = not_oneself(found(db.session.get(User, user_id)))
    user.is_active = True
    note(AuditAction.ACCOUNT_REOPENED, user)
    db.session.commit()
    flash(f"Le compte {user.email} est rouvert. Son mot de passe n’a pas changé.", "success")
    return redirect(url_for("accounts.show", user_id=user.id))


@bp.post("/comptes/<uuid:user_id>/mot-de-passe")
@admin_required
@recently_confirmed("accounts.show")
def renew_password(user_id: UUID) -> ResponseReturnValue:
    user, passphrase = not_oneself(found(db.session.get(User, user_id))), accounts.new_passphrase()
    accounts.set_password(user, passphrase)
    note(AuditAction.PASSWORD_CHANGED, user)
    db.session.commit()
    return show_once(user, passphrase, back=url_for("accounts.show", user_id=user.id))
