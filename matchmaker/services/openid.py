"""Coming in from a provider of identities (OpenID Connect, code flow with PKCE). Services change the session; the caller commits.

An account is opened by the name that the provider gives the person (issuer and subject), never by an address. The first time, that name
is tied to the account of the same address, when the provider vouches for the address and the password is typed, once: an address alone
is not enough, because a provider may give the address of somebody who left to somebody else, and because few say how they checked it.
"""

import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from matchmaker.extensions import db
from matchmaker.models import OpenidIdentity, User
from matchmaker.models.base import now
from matchmaker.services import openid_provider, openid_tokens, outbox, sealing
from matchmaker.services.errors import DomainError, NotAllowedNow
from matchmaker.services.openid_provider import Description, NotProven, Provider, ProviderAway

__all__ = ["NotProven", "Provider", "ProviderAway", "Renounced"]

PURPOSE = "id token"
# A cookie holds four thousand letters: a longer token is not kept, and the provider's own session is left without it.
LONGEST_TOKEN = 1500


class Renounced(DomainError):
    """The person, or the provider, said no."""


@dataclass(frozen=True)
class Identity:
    """Who somebody is, as far as the provider proves it. ``email`` is empty when the provider does not vouch for one."""

    issuer: str
    subject: str
    email: str
    has_two_factors: bool
    id_token: str


def begin(provider: Provider, *, redirect_uri: str) -> tuple[str, dict[str, str]]:
    """(where to send the browser, what to remember in its session until it comes back). Raises ProviderAway, NotProven."""
    description = openid_provider.described(provider)
    remembered = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    asked = {"code_challenge": create_s256_code_challenge(remembered["verifier"]), "code_challenge_method": "S256", "nonce": remembered["nonce"]}
    if description.takes_claims:
        # Some tell how somebody signed in only when they are asked.
        asked["claims"] = json.dumps({"id_token": {"acr": None, "amr": None}}, separators=(",", ":"))
    where = prepare_grant_uri(
        description.authorization_endpoint,
        client_id=provider.client_id,
        response_type="code",
        redirect_uri=redirect_uri,
        scope=provider.scopes,
        state=remembered["state"],
        **asked,
    )
    return str(where), remembered


def finish(provider: Provider, told: Mapping[str, str], remembered: Mapping[str, str], *, redirect_uri: str) -> Identity:
    """Who came back. ``told`` is what the address of the visit says. Raises Renounced, NotProven, ProviderAway."""
    if not hmac.compare_digest(told.get("state", "").encode(errors="replace"), remembered["state"].encode()):
        raise NotProven("state")
    description = openid_provider.described(provider)
    # Of two providers, one could send us a code of the other.
    if told.get("iss", "" if description.names_itself else description.issuer) != description.issuer:
        raise NotProven("iss")
    if told.get("error"):
        raise Renounced(told["error"][:100])
    if not told.get("code"):
        raise NotProven("no code")
    id_token, access_token = openid_provider.tokens_for(provider, description, code=told["code"], verifier=remembered["verifier"], redirect_uri=redirect_uri)
    claims = claims_of(provider, description, id_token, access_token=access_token, nonce=remembered["nonce"])
    return Identity(
        issuer=description.issuer,
        subject=claims["sub"],
        email=vouched_address(provider, person(provider, description, claims, access_token)),
        has_two_factors=has_two_factors(provider, claims),
        id_token=id_token if len(id_token) <= LONGEST_TOKEN else "",
    )


def claims_of(provider: Provider, description: Description, id_token: str, *, access_token: str, nonce: str) -> dict[str, Any]:
    """The claims of the id token. A key that is unknown is looked for once more: providers change them."""
    asked: dict[str, Any] = {"client_id": provider.client_id, "nonce": nonce, "access_token": access_token}
    try:
        return openid_tokens.read_id_token(id_token, openid_provider.keys_of(description), description, **asked)
    except openid_tokens.UnknownKey:
        return openid_tokens.read_id_token(id_token, openid_provider.keys_of(description, anew=True), description, **asked)


def person(provider: Provider, description: Description, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
    """What is told of the person: in the id token, else where the provider tells it, as JSON or as a signed token."""
    if "email" in claims or not description.userinfo_endpoint or not access_token:
        return claims
    is_signed, body = openid_provider.person_at(description, access_token)
    if is_signed:
        told, _header = openid_tokens.signed(body, openid_provider.keys_of(description), description.algorithms)
    else:
        told = openid_provider.as_object(body)
    openid_tokens.check_person(told, description, client_id=provider.client_id, subject=claims["sub"], is_signed=is_signed)
    return told


def vouched_address(provider: Provider, told: Mapping[str, Any]) -> str:
    """The address, in lower case, when the provider says that it is the person's; else nothing."""
    email = told.get("email")
    is_verified = told.get("email_verified", provider.vouches) in (True, "true")
    is_address = isinstance(email, str) and len(email) <= 254 and email.isprintable() and "@" in email[1:]
    return email.strip().lower() if is_verified and is_address and isinstance(email, str) else ""


def has_two_factors(provider: Provider, claims: Mapping[str, Any]) -> bool:
    """Did the provider ask for two factors: by the level that it names (acr), or in the list of what it asked for (amr, RFC 8176)?"""
    methods, level = claims.get("amr"), claims.get("acr")
    return (isinstance(level, str) and level in provider.strong_levels) or (isinstance(methods, list) and "mfa" in methods)


def account_of(identity: Identity, *, allow_demo: bool) -> User | None:
    """The account that is tied to this identity, when it may open."""
    where = (OpenidIdentity.issuer == identity.issuer, OpenidIdentity.subject == identity.subject)
    user = db.session.scalars(select(User).join(User.openid_identity).where(*where)).one_or_none()
    if user is None or not user.is_active or (user.is_demo and not allow_demo):
        return None
    user.last_login_at = now()
    return user


def tie(user: User, issuer: str, subject: str, *, label: str, settings: outbox.MailSettings) -> None:
    """From now on this identity opens the account, in place of the one before it; a mail tells its owner. Raises NotAllowedNow when it opens another."""
    try:
        with db.session.begin_nested():
            if user.openid_identity is None:
                user.openid_identity = OpenidIdentity(issuer=issuer, subject=subject)
            else:
                user.openid_identity.issuer, user.openid_identity.subject, user.openid_identity.tied_at = issuer, subject, now()
    except IntegrityError:
        raise NotAllowedNow("another account's") from None
    tell(user, is_tied=True, label=label, settings=settings)


def untie(user: User, *, label: str, settings: outbox.MailSettings) -> str | None:
    """The identity opens the account no more. Returns whose word it was; nothing when there was none."""
    if user.openid_identity is None:
        return None
    issuer = user.openid_identity.issuer
    db.session.delete(user.openid_identity)
    db.session.flush()
    db.session.expire(user, ["openid_identity"])
    tell(user, is_tied=False, label=label, settings=settings)
    return issuer


def tell(user: User, *, is_tied: bool, label: str, settings: outbox.MailSettings) -> None:
    """Whoever did not do it learns of it."""
    outbox.queue("openid_tied", uid=f"openid-tied-{uuid4()}", recipient=user.email, settings=settings, is_tied=is_tied, label=label)


def seal_token(id_token: str, keys: Sequence[str]) -> str:
    """As a session keeps it: it names a person, and the database is copied."""
    return sealing.seal(id_token, keys, purpose=PURPOSE) if id_token else ""


def way_out(provider: Provider, sealed: str, *, keys: Sequence[str], back: str) -> tuple[str, str] | None:
    """(where the browser leaves the provider's own session too, the state with which it comes back); nothing when there is no such page.
    Raises ProviderAway, NotProven.
    """
    description = openid_provider.described(provider)
    if not description.end_session_endpoint:
        return None
    state = secrets.token_urlsafe(32)
    asked = {"client_id": provider.client_id, "post_logout_redirect_uri": back, "state": state}
    hint = sealing.unseal(sealed, keys, purpose=PURPOSE)
    # The token names the site already, and some providers take nothing beside it.
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": back, "state": state} if hint else asked
    return str(add_params_to_uri(description.end_session_endpoint, asked)), state
