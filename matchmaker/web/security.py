"""Headers of every answer."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, current_app, request, session
from werkzeug.sansio.utils import host_is_trusted

from matchmaker.services.openid_provider import WELL_KNOWN, is_safe

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def set_headers(response: Response) -> Response:
    """No script or style but our own files; nothing kept by caches of what only one person may see."""
    response.headers.setdefault("Content-Security-Policy", CSP)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    # The cookie says whether somebody is signed in; the account would need the database, which may be what is down.
    if response.mimetype == "text/html" and "_user_id" in session:
        response.headers["Cache-Control"] = "no-store"
    return response


def refuse_foreign_forms() -> None:
    """A form that a page of another site sent: browsers say which one, and the token is not the only lock.

    Pages whose address is a key forbid that it is told: their forms come from « null », with a token of their own.
    """
    origin = request.headers.get("Origin", "null")
    if request.method in UNSAFE and origin != "null" and not is_ours(origin):
        abort(400)


def is_ours(origin: str) -> bool:
    try:
        name = urlsplit(origin).hostname
    except ValueError:
        return False
    return host_is_trusted(name, current_app.config["TRUSTED_HOSTS"])


def keep_to_itself(blueprint: Blueprint, *views: str) -> None:
    """The addresses of these views are keys: they go to no other site, no cache and no search engine."""
    endpoints = {f"{blueprint.name}.{view}" for view in views}

    @blueprint.after_request
    def set_key_headers(response: Response) -> Response:
        if request.endpoint in endpoints:
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["X-Robots-Tag"] = "noindex"
            response.headers["Cache-Control"] = "no-store"
        return response


def own_path(target: str | None) -> str | None:
    """A path of this site, or nothing: never a way to somebody else's."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target or any(ord(letter) < 32 for letter in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def refuse_to_start(config: Mapping[str, Any]) -> None:
    """Raise RuntimeError where people's data would be open to whoever tries."""
    key = config["SECRET_KEY"]
    if not key:
        raise RuntimeError("SECRET_KEY is not set. `./croisee run` makes one; a server needs its own, at least 32 random bytes.")
    if config["OPENID_DISCOVERY_URL"]:
        refuse_half_a_provider(config)
    if not config["PRODUCTION"]:
        return
    weak = [one for one in (key, *config["SECRET_KEY_FALLBACKS"]) if len(one) < 32 or len(set(one)) < 10]
    if weak:
        raise RuntimeError("SECRET_KEY is weak: it needs 32 random characters. Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'")
    if config["DEBUG"]:
        raise RuntimeError("DEBUG is on in production: a page of an error would run what a visitor types.")
    if config["DEMO"]:
        raise RuntimeError("DEMO is on in production: its accounts have a password that everybody knows. For a public demonstration, set PRODUCTION=0.")
    if not config["SESSION_COOKIE_SECURE"]:
        raise RuntimeError("PUBLIC_URL is not https in production: passwords and sessions would be read on the way.")


def refuse_half_a_provider(config: Mapping[str, Any]) -> None:
    """Raise RuntimeError where a provider of identities is named and could not be asked, or could be imitated on the way."""
    url = config["OPENID_DISCOVERY_URL"]
    if not config["OPENID_CLIENT_ID"] or not config["OPENID_CLIENT_SECRET"]:
        raise RuntimeError("OPENID_DISCOVERY_URL is set without OPENID_CLIENT_ID and OPENID_CLIENT_SECRET.")
    if not is_safe(url, url) or not url.endswith(WELL_KNOWN):
        raise RuntimeError(f"OPENID_DISCOVERY_URL must begin with https:// and end in {WELL_KNOWN}")


def init_app(app: Flask) -> None:
    app.before_request(refuse_foreign_forms)
    app.after_request(set_headers)
    if app.config["PREFERRED_URL_SCHEME"] == "https":
        app.after_request(set_transport_security)


def set_transport_security(response: Response) -> Response:
    response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response
