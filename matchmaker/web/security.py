"""Headers of every answer."""

from urllib.parse import urlsplit

from flask import Flask, Response, session

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


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


def own_path(target: str | None) -> str | None:
    """A path of this site, or nothing: never a way to somebody else's."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target or any(ord(letter) < 32 for letter in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def init_app(app: Flask) -> None:
    app.after_request(set_headers)
    if app.config["PREFERRED_URL_SCHEME"] == "https":
        app.after_request(set_transport_security)


def set_transport_security(response: Response) -> Response:
    response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response
