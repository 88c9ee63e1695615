"""Beginning and ending sessions; the devices on which one is signed in; the password asked again before what is sensitive."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user

from matchmaker.extensions import db, limiter, login_manager
from matchmaker.models import Role, User, UserSession
from matchmaker.services import accounts, openid, personal_data_erasing, sessions
from matchmaker.web.access import View, found, signed_in, signed_in_required
from matchmaker.web.account_forms import ConfirmForm
from matchmaker.web.forms import answer
from matchmaker.web.limits import own_account
from matchmaker.web.security import own_path
from matchmaker.web.settings import site_keys

bp = Blueprint("sessions", __name__)
KEY = "key"
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))


def enter(user: User, *, is_confirmed: bool = True, has_two_factors: bool = False, id_token: str = "") -> None:
    """Begin a session of this account, and nothing of one before it: a new key, a new CSRF token. Commits. See services/sessions.py."""
    if KEY in session:
        sessions.end_key(str(session[KEY]))
    session.clear()
    personal_data_erasing.come_back(user)
    device, sealed = device_words(request.user_agent.string), openid.seal_token(id_token, site_keys())
    session[KEY] = sessions.begin(user, device=device, is_confirmed=is_confirmed, has_two_factors=has_two_factors, id_token=sealed)
    db.session.commit()
    login_user(user)
    session.permanent = True


def home_of(user: User) -> str:
    """Where each role starts."""
    places = {Role.MEMBER: "proposals.inbox", Role.HOST: "job_datings.mine", Role.ANIMATOR: "matching.runs", Role.ADMIN: "accounts.all_accounts"}
    return url_for(places[user.role])


def leave() -> None:
    """End the session of this request. Commits."""
    if KEY in session:
        sessions.end_key(str(session[KEY]))
        db.session.commit()
    logout_user()
    session.clear()


def device_words(agent: str) -> str:
    """What its owner calls it. The rest of what a browser says of itself is kept nowhere."""
    browser = next((words for sign, words in BROWSERS if re.search(rf"\b{sign}\w*/", agent)), "Un navigateur")
    system = next((words for sign, words in SYSTEMS if sign in agent), "")
    return f"{browser} sur {system}" if system else browser


@login_manager.user_loader
def load_user(user_id: str) -> User | None:
    row = g.user_session = look_up()
    if row is None or str(row.user_id) != user_id:
        return None
    # A demo account opens nowhere but in the demonstration, even with a cookie from it.
    return None if row.user.is_demo and not current_app.config["DEMO"] else row.user


def look_up() -> UserSession | None:
    """The session whose key the browser holds. In use, it writes so once a minute, before the request does anything."""
    key = str(session.get(KEY, ""))
    # A request that looks late has written something that is not ours to commit.
    is_first = not db.session().in_transaction()
    row = sessions.opened(key) if key else None
    if row is None or not is_first or not sessions.is_seen_late(row):
        return row
    sessions.see(key)
    db.session.commit()
    return sessions.opened(key)


def own_session() -> UserSession:
    """The session of who is signed in."""
    row: UserSession = g.user_session
    return row


def recently_confirmed(back: str) -> Callable[[View], View]:
    """For what is sensitive: the password typed in the last minutes, or the page that asks for it, then ``back``. Stands under the mark of access."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            # Asks who it is first: the session is known from then on.
            if signed_in() and sessions.is_confirmed(own_session()):
                return view(*args, **kwargs)
            return redirect(url_for("sessions.confirm", next=url_for(back, **kwargs)))

        return guarded  # type: ignore[return-value]

    return decorate


@bp.route("/compte/confirmer", methods=["GET", "POST"])
@limiter.limit("10 per 15 minutes", key_func=own_account, methods=["POST"])
@signed_in_required
def confirm() -> ResponseReturnValue:
    """The password once more, then on to what was wanted."""
    form = ConfirmForm()
    if not form.validate_on_submit():
        return answer("accounts/sessions_confirm.html", form)
    if not accounts.opens(signed_in().password_hash, form.password.data):
        form.password.errors = ["Ce n’est pas votre mot de passe."]
        return answer("accounts/sessions_confirm.html", form)
    sessions.confirm(own_session())
    db.session.commit()
    return redirect(own_path(request.args.get("next")) or url_for("accounts.mine"))


@bp.get("/compte/appareils")
@signed_in_required
def devices() -> ResponseReturnValue:
    rows = sessions.sessions_of(signed_in())
    return render_template("accounts/sessions.html", rows=rows, own=own_session())


@bp.post("/compte/appareils/<uuid:session_id>/fermer")
@signed_in_required
def end(session_id: UUID) -> ResponseReturnValue:
    row = found(sessions.session_of(signed_in(), session_id))
    if row.id == own_session().id:
        leave()
        flash("Vous voilà hors connexion. À bientôt.", "message")
        return redirect(url_for("pages.home"))
    sessions.end(row)
    db.session.commit()
    flash("C’est fermé. Cet appareil devra se reconnecter.", "success")
    return redirect(url_for("sessions.devices"))


@bp.post("/compte/appareils/fermer")
@signed_in_required
def end_others() -> ResponseReturnValue:
    sessions.end_all(signed_in(), but=own_session())
    db.session.commit()
    flash("Tous les autres appareils sont déconnectés.", "success")
    return redirect(url_for("sessions.devices"))
