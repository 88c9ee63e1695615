"""Tokens of a provider of identities: who signed them, for whom, for which visit. Reads no network and no database."""

from collections.abc import Sequence
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from matchmaker.services.openid_provider import Description, NotProven

# Seconds by which two clocks may differ.
LEEWAY = 60
LONGEST_SUBJECT = 255


class UnknownKey(NotProven):
    """Signed with a key that the provider does not publish, or did not when it was asked."""


def signed(token: str | bytes, keys: Sequence[dict[str, Any]], algorithms: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(claims, header) of a token that one of these keys signed with one of these algorithms. Raises NotProven, UnknownKey."""
    # A public key is no shared secret: whoever has it could sign with it, if keys of both kinds were taken.
    public = [key for key in keys if key.get("kty") in {"RSA", "EC"} and key.get("use", "sig") == "sig"]
    if not public:
        raise UnknownKey("no key")
    try:
        registry = JWSRegistry(algorithms=list(algorithms), strict_check_header=False)
        read = jwt.decode(token, KeySet.import_key_set({"keys": public}), registry=registry)
    except InvalidKeyIdError as error:
        raise UnknownKey(str(error)) from error
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotProven(f"token: {error}") from error
    return read.claims, read.header


def read_id_token(token: str, keys: Sequence[dict[str, Any]], description: Description, *, client_id: str, nonce: str, access_token: str) -> dict[str, Any]:
    """The claims of an id token that this provider made for this site, for this visit, and not long ago. Raises NotProven, UnknownKey."""
    claims, header = signed(token, keys, description.algorithms)
    wanted: dict[str, Any] = {"iss": description.issuer, "aud": client_id, "nonce": nonce}
    options: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in wanted.items()}
    options |= {name: {"essential": True} for name in ("sub", "exp", "iat")}
    try:
        CodeIDToken(claims, header, options, {"nonce": nonce, "client_id": client_id, "access_token": access_token}).validate(leeway=LEEWAY)
    except (JoseError, ValueError, TypeError) as error:
        raise NotProven(f"id token: {error}") from error
    subject = claims["sub"]
    # What the database could not keep, or only as another's name, is nobody's.
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isascii() or not subject.isprintable():
        raise NotProven("id token: sub")
    return claims


def check_person(claims: dict[str, Any], description: Description, *, client_id: str, subject: str, is_signed: bool) -> None:
    """Is it about the person of the id token, and for us? Raises NotProven."""
    audience = claims.get("aud", client_id) if is_signed else client_id
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("sub") != subject or client_id not in audiences or (is_signed and claims.get("iss", description.issuer) != description.issuer):
        raise NotProven("userinfo of somebody else")
