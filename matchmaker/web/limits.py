"""How much one person, one account or one address may ask for. Over it: 429, with the moment to come back.

Nobody is locked out by somebody else's tries: a browser in which the account was opened before, or from which its password was set by a
mail, is counted for itself.
"""

from datetime import timedelta
from hashlib import sha256

from flask import Response, current_app, request
from flask_limiter.util import get_remote_address
from itsdangerous import BadData, URLSafeTimedSerializer

from matchmaker.extensions import asker
from matchmaker.models import User
from matchmaker.services import addresses

own_account = asker
# Files that hold much, and computations: what people do with them takes longer than asking for the next one.
HEAVY = "5 per 10 minutes"
ONE_LINK = "30 per minute"
KNOWN_FOR = timedelta(days=180)


def typed_account() -> str:
    """The account that somebody tries to open, known or not."""
    return addresses.digest(request.form.get("email", "")[:254])


def account_from_here() -> str:
    """For the tight limit: the account from this address, or in this known browser."""
    account = typed_account()
    return f"{account} {known_browser(account) or get_remote_address()}"


def account_from_anywhere() -> str:
    """For the limit over all addresses together, in which a known browser does not count."""
    account = typed_account()
    return f"{account} {known_browser(account)}"


def link() -> str:
    """For what is asked with one link, from wherever. A link is a key: the store of counts holds its hash."""
    return sha256(str((request.view_args or {}).get("token")).encode()).hexdigest()


def own_territory() -> str:
    """For what somebody asks of one territory."""
    return f"{asker()} {(request.view_args or {}).get('territory_id')}"


def is_refused(response: Response) -> bool:
    """Only what failed counts: who types the right password is never slowed down."""
    return response.status_code == 422


def device_cookie() -> str:
    return "__Host-device" if current_app.config["SESSION_COOKIE_SECURE"] else "croisee_device"


def signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer([*(current_app.config["SECRET_KEY_FALLBACKS"] or []), current_app.config["SECRET_KEY"]], salt="device")


def know_device(response: Response, user: User) -> Response:
    """Remember in the browser that this account was opened there. It opens nothing."""
    value = signer().dumps(addresses.digest(user.email))
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(device_cookie(), value, max_age=KNOWN_FOR, path="/", secure=secure, httponly=True, samesite="Lax")
    return response


def known_browser(account: str) -> str:
    """What names this browser when this account was opened in it; else nothing."""
    value = request.cookies.get(device_cookie(), "")
    try:
        return value if signer().loads(value, max_age=int(KNOWN_FOR.total_seconds())) == account else ""
    except BadData:
        return ""
