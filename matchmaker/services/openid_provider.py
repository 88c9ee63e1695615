"""What a provider of identities says of itself and hands over: its only requests leave from here, to the addresses that it publishes.

Nothing is asked of anybody where no provider is configured. A redirect is not followed, a long or slow answer is not waited for, and
no database transaction is open meanwhile: the pages that come here have not asked the database anything.
"""

import json
import logging
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from matchmaker.services.errors import DomainError

log = logging.getLogger(__name__)

WELL_KNOWN = "/.well-known/openid-configuration"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Seconds for one step of a request, and for a whole one; bytes of an answer.
STEP, WHOLE, LARGEST = 3.0, 5.0, 256 * 1024
# Seconds for which a provider's words are believed; and before its keys are asked for again because one is unknown.
FRESH, AGAIN = 3600.0, 60.0
# Signed with a key of which the provider alone has the secret half. What is signed with a shared secret, or not at all, proves nothing.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
known: dict[str, tuple[float, Any]] = {}


class ProviderAway(DomainError):
    """The provider does not answer, or nothing that can be read."""


class NotProven(DomainError):
    """What came does not prove who somebody is. The words are for the log."""


@dataclass(frozen=True)
class Provider:
    """The provider as the site's settings name it."""

    discovery_url: str
    client_id: str
    client_secret: str
    scopes: str
    # Levels (acr) at which it asks for two factors.
    strong_levels: frozenset[str]
    # It knows whose its addresses are, and does not say so of each.
    vouches: bool

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self | None:
        """Nothing where none is configured."""
        if not config["OPENID_DISCOVERY_URL"]:
            return None
        return cls(
            discovery_url=config["OPENID_DISCOVERY_URL"],
            client_id=config["OPENID_CLIENT_ID"],
            client_secret=config["OPENID_CLIENT_SECRET"],
            scopes=config["OPENID_SCOPES"],
            strong_levels=frozenset(config["OPENID_STRONG_LEVELS"]),
            vouches=config["OPENID_VOUCHES"],
        )


@dataclass(frozen=True)
class Description:
    """The provider as it describes itself (OpenID Connect Discovery)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    algorithms: tuple[str, ...]
    takes_secret_in_form: bool
    names_itself: bool
    takes_claims: bool


class NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


def is_safe(url: str, like: str) -> bool:
    """Over TLS; or on this very machine, where the provider itself is."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK and urlsplit(like).hostname in LOOPBACK)


def described(provider: Provider) -> Description:
    """What the provider says of itself, asked for once an hour. Raises ProviderAway, NotProven when it speaks for another one."""
    url = provider.discovery_url
    asked_at, description = known.get(url, (0.0, None))
    if description is None or time.monotonic() - asked_at > FRESH:
        description = read_description(as_object(fetch(url)[1]), url)
        known[url] = time.monotonic(), description
    told: Description = description
    return told


def read_description(told: dict[str, Any], url: str) -> Description:
    """Raises NotProven when the description is of another provider than the one that was asked, or leads elsewhere than over TLS."""
    issuer = text(told, "issuer")
    if issuer.rstrip("/") + WELL_KNOWN != url:
        raise NotProven(f"{url} describes another issuer: {issuer[:200]}")
    needed = {name: text(told, name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    optional = {name: text(told, name) for name in ("userinfo_endpoint", "end_session_endpoint")}
    unsafe = [name for name, address in (needed | optional).items() if not is_safe(address, url) and (address or name in needed)]
    if unsafe:
        raise NotProven(f"{url} gives no safe address: {', '.join(unsafe)}")
    supported = told.get("id_token_signing_alg_values_supported")
    allowed = tuple(one for one in ALGORITHMS if one in supported) if isinstance(supported, list) else ()
    methods = told.get("token_endpoint_auth_methods_supported")
    return Description(
        issuer=issuer,
        **needed,
        **optional,
        algorithms=allowed or ("RS256",),
        takes_secret_in_form=isinstance(methods, list) and "client_secret_post" in methods,
        names_itself=told.get("authorization_response_iss_parameter_supported") is True,
        takes_claims=told.get("claims_parameter_supported") is True,
    )


def keys_of(description: Description, *, anew: bool = False) -> list[dict[str, Any]]:
    """The keys with which the provider signs. ``anew``: it may have changed them; asked again once a minute at most. Raises ProviderAway."""
    asked_at, keys = known.get(description.jwks_uri, (0.0, None))
    age = time.monotonic() - asked_at
    if keys is None or age > (AGAIN if anew else FRESH):
        told = as_object(fetch(description.jwks_uri)[1]).get("keys")
        keys = [key for key in told if isinstance(key, dict)] if isinstance(told, list) else []
        known[description.jwks_uri] = time.monotonic(), keys
    read: list[dict[str, Any]] = keys
    return read


def tokens_for(provider: Provider, description: Description, *, code: str, verifier: str, redirect_uri: str) -> tuple[str, str]:
    """(id token, access token) for a code, which is good once. Raises ProviderAway, NotProven when it is refused."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier, "client_id": provider.client_id}
    headers = {}
    if description.takes_secret_in_form:
        form["client_secret"] = provider.client_secret
    else:
        pair = f"{quote(provider.client_id, safe='')}:{quote(provider.client_secret, safe='')}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    told = as_object(fetch(description.token_endpoint, form=form, headers=headers)[1])
    return text(told, "id_token"), text(told, "access_token")


def person_at(description: Description, access_token: str) -> tuple[bool, bytes]:
    """What the provider tells of the person: (is it a signed token?, its bytes). Raises ProviderAway, NotProven."""
    kind, body = fetch(description.userinfo_endpoint, headers={"Authorization": f"Bearer {access_token}"})
    return kind == "application/jwt", body


def fetch(url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> tuple[str, bytes]:
    """(media type, bytes) of the answer of one request. Raises ProviderAway, NotProven when it is a refusal."""
    body = urlencode(form).encode() if form is not None else None
    # An address of the settings, or one that is_safe let through.
    request = Request(url, data=body, headers={"Accept": "application/json, application/jwt", "User-Agent": "La Croisee"} | dict(headers or {}))  # noqa: S310
    until = time.monotonic() + WHOLE
    try:
        with build_opener(NoRedirect).open(request, timeout=STEP) as answer:
            taken = b""
            while piece := answer.read1(64 * 1024):
                taken += piece
                if len(taken) > LARGEST or time.monotonic() > until:
                    raise ProviderAway(f"{url}: too long an answer")
            return answer.headers.get_content_type(), taken
    except HTTPError as error:
        with error:
            log.warning("the provider of identities answered %s for %s", error.code, url)
        raise (ProviderAway if error.code >= 500 or error.code == 429 else NotProven)(f"{url}: {error.code}") from None
    except (OSError, ValueError) as error:
        log.warning("the provider of identities is away: %s: %s", url, error)
        raise ProviderAway(url) from error


def as_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises ProviderAway when it is none."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise ProviderAway("no JSON object")
    return told


def text(told: Mapping[str, Any], name: str) -> str:
    found = told.get(name)
    return found if isinstance(found, str) else ""
