"""A real provider of identities for tests (OpenID Connect): it signs with RSA, and lies, fails or stalls at will."""

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "la-croisee", "a secret of the site & the provider"
STALL = "stall"


@cache
def key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


def encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


@dataclass
class Visit:
    """What was asked for with a code."""

    query: Mapping[str, str]
    is_used: bool = False


class Conversation(BaseHTTPRequestHandler):
    server: "OpenidServer"
    protocol_version = "HTTP/1.0"

    def log_message(self, *_args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.obey({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.obey({name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()})

    def obey(self, form: dict[str, str]) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append(path)
        fault = self.server.faults.get(path)
        if fault == STALL:
            self.server.released.wait(20)
        elif isinstance(fault, int):
            self.say(fault, b"<html>no</html>", "text/html")
        elif isinstance(fault, bytes):
            self.say(200, fault)
        else:
            answers: dict[str, Callable[[dict[str, str]], None]] = {
                "/.well-known/openid-configuration": self.describe,
                "/keys": self.keys,
                "/authorize": self.authorize,
                "/token": self.token,
                "/userinfo": self.userinfo,
                "/end": self.end,
            }
            answers.get(path, lambda _form: self.say(404, b""))(form)

    def say(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}

    def describe(self, _form: dict[str, str]) -> None:
        self.say(200, json.dumps(self.server.description).encode())

    def keys(self, _form: dict[str, str]) -> None:
        self.say(200, json.dumps({"keys": [key(name).as_dict(private=False) for name in self.server.published]}).encode())

    def authorize(self, _form: dict[str, str]) -> None:
        """Whoever comes is known already, and sent back at once."""
        code = f"code-{len(self.server.visits)}"
        self.server.visits[code] = Visit(self.query)
        answer = {"code": code, "state": self.query["state"]} | self.server.answer
        self.say(302, b"", Location=f"{self.query['redirect_uri']}?{urlencode(answer)}")

    def token(self, form: dict[str, str]) -> None:
        visit = self.server.visits.get(form.get("code", ""))
        secret = form.get("client_secret") == CLIENT_SECRET and form.get("client_id") == CLIENT_ID
        if visit is None or visit.is_used or not secret or form.get("redirect_uri") != visit.query["redirect_uri"]:
            self.say(400, b'{"error": "invalid_grant"}')
            return
        if encoded(sha256(form.get("code_verifier", "").encode()).digest()) != visit.query["code_challenge"]:
            self.say(400, b'{"error": "invalid_grant", "error_description": "PKCE"}')
            return
        visit.is_used = True
        told = {"access_token": "an access token", "token_type": "Bearer", "expires_in": 60, "id_token": self.server.id_token(visit.query["nonce"])}
        self.say(200, json.dumps(told).encode())

    def userinfo(self, _form: dict[str, str]) -> None:
        if self.headers["Authorization"] != "Bearer an access token":
            self.say(401, b"")
            return
        person = {"sub": self.server.claims.get("sub", "marie-7"), **self.server.person}
        if self.server.signs_person:
            person = {"iss": self.server.url, "aud": CLIENT_ID, **person}
            self.say(200, self.server.sign(person).encode(), "application/jwt")
        else:
            self.say(200, json.dumps(person).encode())

    def end(self, _form: dict[str, str]) -> None:
        self.server.left.append(self.query)
        self.say(303, b"", Location=f"{self.query['post_logout_redirect_uri']}?{urlencode({'state': self.query['state']})}")


@dataclass(eq=False)
class OpenidServer(ThreadingHTTPServer):
    """With ``claims`` the id token says something else (None: nothing), with ``person`` what is told of the person, with ``faults`` a path fails."""

    claims: dict[str, Any] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=lambda: {"email": "Marie.Lebon@structure.test", "email_verified": True})
    answer: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, int | str | bytes] = field(default_factory=dict)
    published: list[str] = field(default_factory=lambda: ["first"])
    signs_with: str = "first"
    signs_person: bool = False
    # Makes the token from its header and claims, in place of the right way.
    forge: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    visits: dict[str, Visit] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)

    daemon_threads = True

    def __post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/end",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "claims_parameter_supported": True,
        } | self.more

    def id_token(self, nonce: str) -> str:
        at = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "sub": "marie-7", "nonce": nonce, "iat": at, "exp": at + 60, "acr": "eidas1"} | self.claims
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def sign(self, claims: dict[str, Any]) -> str:
        header = {"alg": "RS256", "kid": self.signs_with}
        return self.forge(header, claims) if self.forge else jwt.encode(header, claims, key(self.signs_with))

    def __enter__(self) -> "OpenidServer":
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.released.set()
        self.shutdown()
        self.thread.join()
        self.server_close()
