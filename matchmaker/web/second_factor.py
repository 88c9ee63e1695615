"""The second factor: asked for after the password, set up by its owner, taken away by the administration when all is lost."""

from dataclasses import asdict, dataclass
from time import time
from uuid import UUID

import segno
from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, limiter
from matchmaker.models import AuditAction, User
from matchmaker.services import openid, second_factor, sessions
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web.access import admin_required, found, is_signed_in, public, signed_in, signed_in_required
from matchmaker.web.account_forms import CodeForm
from matchmaker.web.audit import note
from matchmaker.web.forms import answer
from matchmaker.web.limits import is_refused, know_device, own_account
from matchmaker.web.security import own_path
from matchmaker.web.sessions import enter, home_of, own_session, recently_confirmed
from matchmaker.web.settings import mail_settings, site_keys

bp = Blueprint("second_factor", __name__)
AWAITED, MINUTES = "awaited", 10
OPEN_MARKS = {"public", "token", "demo", None}
# What who must still set it up can do: that, prove who they are, and leave.
FREE = {"accounts.logout", "sessions.confirm", "second_factor.show", "second_factor.prepare", "second_factor.turn_on"}
WRONG = "Ce code n’est pas le bon, ou il a déjà servi. Attendez le suivant."


@dataclass(frozen=True)
class Arrival:
    """How somebody came to the door: by the password, or from a provider of identities, whose session they may leave later."""

    by_password: bool = True
    # The provider says that it asked for two factors.
    has_two_factors: bool = False
    id_token: str = ""
    # Whom the provider calls so, to be tied to the account once its owner is known: (issuer, subject).
    identity: tuple[str, str] | None = None


def enter_or_ask(user: User, after: str | None, arrival: Arrival | None = None) -> ResponseReturnValue:
    """After the right password, or from a provider that the account is tied to: in, or to the page that asks for the code. Commits."""
    arrival = arrival or Arrival()
    # To tie an identity to an account takes all that the account asks for.
    if second_factor.is_on(user) and (arrival.identity or not arrival.has_two_factors):
        db.session.commit()
        session.clear()
        # Signed by us, and of no use for anything but this page; another password or another ten minutes end it.
        session[AWAITED] = {"user": str(user.id), "since": int(time()), "mark": sessions.digest(user.password_hash), "arrival": asdict(arrival)}
        return redirect(url_for("second_factor.ask", next=after))
    return come_in(user, after, arrival)


def come_in(user: User, after: str | None, arrival: Arrival) -> ResponseReturnValue:
    """All that is asked for was shown. Commits."""
    if arrival.identity and not tie(user, *arrival.identity):
        flash("Cette identité ouvre déjà un autre compte. Recommencez depuis cette page.", "warn")
        return redirect(url_for("accounts.login", next=after))
    note(AuditAction.SIGNED_IN, user, by=user)
    enter(user, is_confirmed=arrival.by_password, has_two_factors=arrival.has_two_factors, id_token=arrival.id_token)
    return know_device(current_app.make_response(redirect(after or home_of(user))), user)


def tie(user: User, issuer: str, subject: str) -> bool:
    """Tie what a provider calls the person to the account. False when it opens another one by now."""
    before = user.openid_identity.issuer if user.openid_identity else None
    try:
        openid.tie(user, issuer, subject, label=current_app.config["OPENID_LABEL"], settings=mail_settings())
    except NotAllowedNow:
        db.session.rollback()
        session.clear()
        return False
    # What the provider calls the person is not for the log.
    note(AuditAction.IDENTITY_LINKED, user, by=user, changes={"identity": [before, issuer]})
    return True


def awaited() -> User | None:
    """Whose password was typed here a moment ago."""
    told = session.get(AWAITED)
    if not isinstance(told, dict) or time() - told["since"] > MINUTES * 60:
        return None
    user = db.session.get(User, UUID(told["user"]))
    is_same = user is not None and user.is_active and sessions.digest(user.password_hash) == told["mark"]
    return user if is_same else None


def awaited_account() -> str:
    told = session.get(AWAITED)
    return str(told["user"]) if isinstance(told, dict) else own_account()


@bp.route("/connexion/code", methods=["GET", "POST"])
@limiter.limit("5 per 15 minutes; 20 per day", key_func=awaited_account, deduct_when=is_refused, methods=["POST"])
@public
def ask() -> ResponseReturnValue:
    user = awaited()
    if user is None:
        flash("Connectez-vous pour continuer.", "message")
        return redirect(url_for("accounts.login", next=own_path(request.args.get("next"))))
    form = CodeForm()
    if not form.validate_on_submit():
        return answer("accounts/second_factor_ask.html", form)
    if not second_factor.takes(user, form.code.data, keys=site_keys()):
        note(AuditAction.CODE_REFUSED, user)
        db.session.commit()
        form.code.errors = [WRONG]
        return answer("accounts/second_factor_ask.html", form)
    return come_in(user, own_path(request.args.get("next")), Arrival(**session[AWAITED].get("arrival", {})))


@bp.get("/compte/second-facteur")
@signed_in_required
@recently_confirmed("second_factor.show")
def show() -> ResponseReturnValue:
    return page(CodeForm())


def page(form: CodeForm) -> ResponseReturnValue:
    """Where it stands: off, being set up, or on."""
    user, factor = signed_in(), signed_in().second_factor
    if second_factor.is_on(user):
        return render_template("accounts/second_factor.html", left=second_factor.codes_left(user), is_required=must_have(user))
    secret = (factor and second_factor.secret_of(factor, keys=site_keys())) or ""
    # Drawn by us: a secret goes to no other site.
    picture = segno.make(second_factor.address(secret, user.email), error="m", micro=False).svg_data_uri(scale=5, border=4, light="white") if secret else ""
    spoken = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return answer("accounts/second_factor_set_up.html", form, picture=picture, secret=spoken, is_required=must_have(user))


@bp.post("/compte/second-facteur/preparer")
@signed_in_required
@recently_confirmed("second_factor.show")
def prepare() -> ResponseReturnValue:
    try:
        second_factor.prepare(signed_in(), keys=site_keys())
    except NotAllowedNow:
        abort(409)
    db.session.commit()
    return redirect(url_for("second_factor.show"))


@bp.post("/compte/second-facteur")
@limiter.limit("10 per 15 minutes", key_func=own_account, deduct_when=is_refused)
@signed_in_required
@recently_confirmed("second_factor.show")
def turn_on() -> ResponseReturnValue:
    form, user = CodeForm(), signed_in()
    if not form.validate_on_submit():
        return page(form)
    try:
        codes = second_factor.turn_on(user, form.code.data, keys=site_keys(), settings=mail_settings())
    except NotAllowedNow:
        abort(409)
    if codes is None:
        form.code.errors = [WRONG]
        return page(form)
    sessions.end_all(user)
    note(AuditAction.SECOND_FACTOR_ON, user)
    enter(user)
    return show_once(codes)


def show_once(codes: list[str]) -> ResponseReturnValue:
    """The only page that shows the codes: no address leads to it, and nothing keeps them."""
    return render_template("accounts/second_factor_codes.html", codes=codes)


@bp.post("/compte/second-facteur/codes")
@signed_in_required
@recently_confirmed("second_factor.show")
def renew_codes() -> ResponseReturnValue:
    if not second_factor.is_on(signed_in()):
        abort(409)
    codes = second_factor.new_codes(signed_in())
    db.session.commit()
    return show_once(codes)


@bp.post("/compte/second-facteur/arreter")
@signed_in_required
@recently_confirmed("second_factor.show")
def turn_off() -> ResponseReturnValue:
    """Without it; who must have one sets it up anew, on another telephone."""
    user = signed_in()
    second_factor.turn_off(user, settings=mail_settings())
    note(AuditAction.SECOND_FACTOR_OFF, user)
    enter(user)
    if must_have(user):
        return redirect(url_for("second_factor.show"))
    flash("C’est enregistré. Votre mot de passe suffit de nouveau.", "success")
    return redirect(url_for("accounts.mine"))


@bp.post("/comptes/<uuid:user_id>/second-facteur/arreter")
@admin_required
@recently_confirmed("accounts.show")
def turn_off_for(user_id: UUID) -> ResponseReturnValue:
    """The telephone and the paper are lost: somebody of the administration, who knows the person, opens the door."""
    user: User = found(db.session.get(User, user_id))
    if user.id == signed_in().id:
        abort(409)
    second_factor.turn_off(user, settings=mail_settings())
    note(AuditAction.SECOND_FACTOR_OFF, user)
    db.session.commit()
    flash("C’est enregistré. La personne entre avec son mot de passe, et choisit un nouveau téléphone.", "success")
    return redirect(url_for("accounts.show", user_id=user.id))


def must_have(user: User) -> bool:
    return bool(current_app.config["SECOND_FACTOR"]) and second_factor.is_required(user, is_demonstration=current_app.config["DEMO"])


@bp.before_app_request
def lead_to_it() -> Response | None:
    """Who must have one and has none does that first. Pages for everybody stay open, and ask the database nothing here."""
    view = current_app.view_functions.get(request.endpoint or "")
    if "_user_id" not in session or request.endpoint in FREE or getattr(view, "access", None) in OPEN_MARKS:
        return None
    if not is_signed_in() or not must_have(signed_in()) or second_factor.is_on(signed_in()) or own_session().has_two_factors:
        return None
    return current_app.make_response(redirect(url_for("second_factor.show")))
