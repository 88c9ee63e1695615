"""Coming in from a provider of identities, where one is configured: there, back, the first time with one's password, and out again.

The way there is a link and not a form: the content policy lets no form of ours end on another site. The way back is a GET that begins
a session, as the protocol wants it; its address is good once, in the browser that left, for ten minutes.
"""

import hmac
import logging
from time import time
from typing import Any

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter.util import get_remote_address

from matchmaker.extensions import db, limiter
from matchmaker.models import AuditAction
from matchmaker.services import accounts, openid
from matchmaker.services.openid import Identity, NotProven, Provider, ProviderAway, Renounced
from matchmaker.web import limits
from matchmaker.web.access import is_signed_in, public, signed_in, signed_in_required
from matchmaker.web.account_forms import TieForm
from matchmaker.web.audit import note, note_refusal
from matchmaker.web.forms import answer
from matchmaker.web.second_factor import Arrival, enter_or_ask
from matchmaker.web.security import own_path
from matchmaker.web.sessions import home_of, recently_confirmed
from matchmaker.web.settings import mail_settings, site_keys

log = logging.getLogger(__name__)
bp = Blueprint("openid", __name__)
# What the browser holds meanwhile, signed: of a visit to the provider, of an identity that opens no account yet, of the way out.
VISIT, UNTIED, LEAVING = "openid_visit", "openid_untied", "openid_leaving"
MINUTES = 10
LONGEST_PATH = 500


def provider() -> Provider:
    """The one that is configured; without one, these pages are not there."""
    return Provider.from_config(current_app.config) or abort(404)


def absolute(endpoint: str) -> str:
    """As the provider knows it: from PUBLIC_URL, never from what a browser claims."""
    return f"{current_app.config['PUBLIC_URL']}{url_for(endpoint)}"


def remembered(name: str) -> dict[str, Any] | None:
    """What the browser holds of the last ten minutes."""
    told = session.get(name)
    return told if isinstance(told, dict) and time() - told["since"] <= MINUTES * 60 else None


def to_login(words: str, category: str = "warn", after: str | None = None) -> ResponseReturnValue:
    """With a password it works still."""
    flash(words, category)
    return redirect(url_for("accounts.login", next=after))


def away() -> ResponseReturnValue:
    label = current_app.config["OPENID_LABEL"]
    return to_login(f"{label} ne répond pas en ce moment. Connectez-vous avec votre mot de passe, ou réessayez dans quelques minutes.")


@bp.get("/connexion/annuaire")
@limiter.limit("30 per 5 minutes", key_func=get_remote_address)
@public
def start() -> ResponseReturnValue:
    chosen, after = provider(), own_path(request.args.get("next"))
    # It waits in a cookie, which holds no more.
    after = after if after and len(after) <= LONGEST_PATH else None
    try:
        where, kept = openid.begin(chosen, redirect_uri=absolute("openid.back"))
    except (ProviderAway, NotProven) as error:
        log.warning("nobody can leave for the provider of identities: %s", error)
        return away()
    session[VISIT] = kept | {"since": int(time()), "next": after}
    return redirect(where)


@bp.get("/connexion/annuaire/retour")
@limiter.limit("30 per 5 minutes", key_func=get_remote_address)
@public
def back() -> ResponseReturnValue:
    chosen, visit = provider(), remembered(VISIT)
    session.pop(VISIT, None)
    if visit is None:
        return to_login("Cette connexion est trop ancienne, ou elle a déjà servi. Recommencez depuis cette page.")
    label, after = current_app.config["OPENID_LABEL"], own_path(visit["next"])
    try:
        identity = openid.finish(chosen, request.args, visit, redirect_uri=absolute("openid.back"))
    except ProviderAway:
        return away()
    except Renounced as error:
        log.info("the provider of identities let nobody in: %s", error)
        return to_login(f"Vous n’êtes pas entré·e par {label}. Vous pouvez recommencer, ou écrire votre mot de passe.", after=after)
    except NotProven as error:
        log.warning("somebody came from the provider of identities without proof: %s", error)
        return to_login(f"Nous n’avons pas pu vérifier ce que dit {label}. Recommencez depuis cette page, ou écrivez votre mot de passe.", after=after)
    return welcome(identity, after)


def welcome(identity: Identity, after: str | None) -> ResponseReturnValue:
    """In, when the identity opens an account; else to the page that ties it to one. Commits."""
    user = openid.account_of(identity, allow_demo=current_app.config["DEMO"])
    if user is not None:
        return enter_or_ask(user, after, Arrival(by_password=False, has_two_factors=identity.has_two_factors, id_token=identity.id_token))
    if not identity.email:
        label = current_app.config["OPENID_LABEL"]
        return to_login(f"{label} ne nous a pas confirmé votre adresse. Connectez-vous avec votre mot de passe.", after=after)
    # All of it the provider's word, signed by us: nobody else can have it tied.
    session[UNTIED] = {
        "since": int(time()),
        "next": after,
        "email": identity.email,
        "identity": [identity.issuer, identity.subject],
        "has_two_factors": identity.has_two_factors,
        "id_token": identity.id_token,
    }
    return redirect(url_for("openid.tie"))


@bp.route("/connexion/annuaire/compte", methods=["GET", "POST"])
@limiter.limit("5 per 15 minutes", key_func=limits.account_from_here, deduct_when=limits.is_refused, methods=["POST"])
@limiter.limit("10 per 15 minutes; 20 per day", key_func=limits.account_from_anywhere, deduct_when=limits.is_refused, methods=["POST"])
@limiter.limit("50 per hour", key_func=get_remote_address, deduct_when=limits.is_refused, methods=["POST"])
@public
def tie() -> ResponseReturnValue:
    """The first time: the password of the account, once. The page is the same whether the address has an account or not."""
    provider()
    untied = remembered(UNTIED)
    if untied is None:
        return to_login("Recommencez depuis cette page. Plus de dix minutes ont passé.") if UNTIED in session else redirect(url_for("accounts.login"))
    form = TieForm()
    if not form.validate_on_submit():
        return answer("accounts/openid_tie.html", form, email=untied["email"])
    is_same = form.email.data.lower() == untied["email"]
    user = accounts.sign_in(email=untied["email"], password=form.password.data, allow_demo=current_app.config["DEMO"]) if is_same else None
    if user is None:
        note_refusal(untied["email"], accounts.account_with(untied["email"]))
        db.session.commit()
        form.password.errors = ["Cette adresse n’a pas de compte ici, ou ce n’est pas son mot de passe."]
        return answer("accounts/openid_tie.html", form, email=untied["email"])
    # Out of a cookie, where a pair is a list.
    issuer, subject = untied["identity"]
    arrival = Arrival(has_two_factors=untied["has_two_factors"], id_token=untied["id_token"], identity=(issuer, subject))
    return enter_or_ask(user, own_path(untied["next"]), arrival)


@bp.post("/compte/annuaire/retirer")
@signed_in_required
@recently_confirmed("accounts.mine")
def untie() -> ResponseReturnValue:
    label = current_app.config["OPENID_LABEL"]
    issuer = openid.untie(signed_in(), label=label, settings=mail_settings())
    if issuer:
        note(AuditAction.IDENTITY_LINKED, signed_in(), changes={"identity": [issuer, None]})
        db.session.commit()
        flash(f"C’est enregistré. {label} n’ouvre plus votre compte\u00a0: votre mot de passe l’ouvre toujours.", "success")
    return redirect(url_for("accounts.mine"))


def leave_provider(sealed: str) -> ResponseReturnValue:
    """After leaving ours: the page that goes on to leave the provider's session too. Without a provider that answers, home."""
    home = redirect(url_for("pages.home"))
    chosen = Provider.from_config(current_app.config)
    try:
        way = openid.way_out(chosen, sealed, keys=site_keys(), back=absolute("openid.left")) if chosen else None
    except (ProviderAway, NotProven) as error:
        log.warning("the session of the provider of identities stays open: %s", error)
        way = None
    if way is None:
        flash("Vous voilà hors connexion. À bientôt.", "message")
        return home
    where, state = way
    session[LEAVING] = {"since": int(time()), "state": state}
    # A page in between, because the content policy lets no form of ours end on another site; it needs no click.
    page = current_app.make_response(render_template("accounts/openid_leave.html", where=where))
    page.headers["Refresh"] = f"0; url={where}"
    page.headers["Cache-Control"] = "no-store"
    return page


@bp.get("/connexion/annuaire/fin")
@public
def left() -> ResponseReturnValue:
    """Back from there. Somebody who did not leave is only led home."""
    provider()
    leaving = remembered(LEAVING)
    session.pop(LEAVING, None)
    if leaving and hmac.compare_digest(request.args.get("state", "").encode(errors="replace"), leaving["state"].encode()):
        flash("Vous voilà hors connexion. À bientôt.", "message")
    return redirect(home_of(signed_in()) if is_signed_in() else url_for("pages.home"))


@bp.after_request
def set_headers(response: Response) -> Response:
    """Addresses of these pages hold codes."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response
