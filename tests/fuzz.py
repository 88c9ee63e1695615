"""Hostile requests to every page, as six kinds of visitors: `python -m tests.fuzz [--n N]`, which `./croisee drill` runs.

What is sent is chosen by a seed, so that a failure is found again. The answers that count as failures: any of the server's own errors, a trace
of the program in the text, or what was sent coming back as code.
"""

import argparse
import itertools
import os
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from config import ROOT, TestConfig
from matchmaker.app import create_app
from matchmaker.embedded import temporary_servers
from matchmaker.extensions import db
from matchmaker.models import Role, User
from tests.conftest import Client, fill_template
from tests.factories import UserFactory
from tests.rights import routes
from tests.test_bad_input import HEADERS, HOSTILE, METHODS, PATHS, PLAUSIBLE, SCRIPT, World, hostile_query, make_world, own_address, shown_values

SEED = 20265
# Visitors: nobody, one of each role, and somebody of another structure, to whom all objects of the others belong to others.
VISITORS = ("anonymous", *Role, "stranger")
TRACE = re.compile(r"Traceback \(most recent|File \"[^\"]+\.py\"|sqlalchemy\.|psycopg\.|werkzeug\.|jinja2\.|SELECT .* FROM |UndefinedError")
ODD_HEADERS = (
    *HEADERS,
    {"Content-Length": "-1"},
    {"Transfer-Encoding": "gzip, chunked"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"Accept-Encoding": "\x7f"},
    {"If-None-Match": '"' * 3000},
    {"Authorization": "Bearer " + "x" * 3000},
    {"Content-Encoding": "gzip"},
)

Names = list[str]
Body = Callable[[Names, dict[str, list[str]], random.Random], dict[str, Any]]


def all_wrong(names: Names, _good: dict[str, list[str]], rng: random.Random) -> dict[str, Any]:
    return {"data": {name: rng.choice(HOSTILE) for name in names}}


def twice(names: Names, _good: dict[str, list[str]], rng: random.Random) -> dict[str, Any]:
    return {"data": {name: [rng.choice(HOSTILE), rng.choice(HOSTILE)] for name in names}}


def one_wrong(_names: Names, good: dict[str, list[str]], rng: random.Random) -> dict[str, Any]:
    return {"data": {**good, rng.choice(sorted(good) or ["x"]): [rng.choice(HOSTILE)]}}


def two_wrong(_names: Names, good: dict[str, list[str]], rng: random.Random) -> dict[str, Any]:
    return {"data": {**good, **{name: [rng.choice(HOSTILE)] for name in rng.sample(sorted(good), min(2, len(good)))}}}


def as_it_is(_names: Names, good: dict[str, list[str]], _rng: random.Random) -> dict[str, Any]:
    return {"data": good}


def nothing(_names: Names, _good: dict[str, list[str]], _rng: random.Random) -> dict[str, Any]:
    return {}


def lists(names: Names, _good: dict[str, list[str]], _rng: random.Random) -> dict[str, Any]:
    return {"data": urlencode({f"{name}[]": "1" for name in names} | {f"{name}-99999999": "1" for name in names} | {"rooms-7-tables": "x"})}


def json(names: Names, _good: dict[str, list[str]], rng: random.Random) -> dict[str, Any]:
    text = rng.choice(("[" * 5000, '{"a":' * 2000, "null", '"x"', "{", '{"title": [{}]}', "1e999", '{"__class__": {}}'))
    return {"data": text, "content_type": rng.choice(("application/json", "text/plain", "application/ld+json", "application/x-www-form-urlencoded"))}


def xml(_names: Names, _good: dict[str, list[str]], _rng: random.Random) -> dict[str, Any]:
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
    return {"data": bomb, "content_type": "application/xml"}


def bytes_of_any_kind(_names: Names, _good: dict[str, list[str]], rng: random.Random) -> dict[str, Any]:
    return {"data": rng.randbytes(300), "content_type": rng.choice(("application/x-www-form-urlencoded", "application/octet-stream", "x", ""))}


def broken_parts(_names: Names, _good: dict[str, list[str]], rng: random.Random) -> dict[str, Any]:
    text = b'--b\r\nContent-Disposition: form-data; name="title"; filename="../../x\0"\r\n\r\nx' + rng.choice((b"", b"\r\n--b", b"\r\n--b--", b"\r\n--c--"))
    return {"data": text, "content_type": rng.choice(("multipart/form-data; boundary=b", "multipart/form-data", "multipart/form-data; boundary="))}


def wrong_escapes(names: Names, _good: dict[str, list[str]], _rng: random.Random) -> dict[str, Any]:
    return {"data": "&".join(f"{name}=%zz%ff%u0041%" for name in names) + "&=&&=x", "content_type": "application/x-www-form-urlencoded; charset=utf-16"}


def rights(_names: Names, good: dict[str, list[str]], rng: random.Random) -> dict[str, Any]:
    forged = ("role", "is_admin", "organisation_id", "status", "score", "user_id", "territory_id", "ess_label", "csrf_token")
    return {"data": {**good, **{name: rng.choice((*HOSTILE, "admin", "1")) for name in forged}}}


BODIES: tuple[Body, ...] = (
    all_wrong, twice, one_wrong, two_wrong, as_it_is, nothing, lists, json, xml, bytes_of_any_kind, broken_parts, wrong_escapes, rights,
)  # fmt: skip


class Fuzzer:
    """One visitor, and what the site answered."""

    def __init__(self, client: Client, app: Flask, world: World, user: User | None, seed: str) -> None:
        self.client, self.app, self.world, self.user = client, app, world, user
        self.rng = random.Random(seed)
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []
        self.visited: set[tuple[str, str]] = set()
        self.forms: dict[str, dict[str, list[str]]] = {}
        self.user_id = user.id if user else None

    def run(self, count: int) -> None:
        """Send so many requests at least, and one to each route at least."""
        every = routes(self.app)
        self.rng.shuffle(every)
        self.enter()
        for turn in itertools.count():
            if turn >= len(every) and self.statuses.total() + len(self.failures) >= count:
                return
            _endpoint, method, rule = every[turn % len(every)]
            self.visited.add((method, rule))
            self.one(method, rule)

    def one(self, method: str, rule: str) -> None:
        rng = self.rng
        path = self.path(rule)
        if rng.random() < 0.1:
            self.send(rng.choice(METHODS), path, headers=rng.choice(ODD_HEADERS))
        elif method == "GET":
            self.send("GET", f"{path}?{hostile_query(rng)}")
        else:
            if rule not in self.forms:
                self.forms[rule] = shown_values(self.send("GET", own_address(rule, self.world, rng)))
            good = {**self.forms[rule], **{name: [value] for name, value in PLAUSIBLE.items() if name in self.forms[rule]}}
            names = [*good, "pairs", "role", "status", "version", "revision"]
            self.send(method, path, **rng.choice(BODIES)(names, good, rng))

    def path(self, rule: str) -> str:
        """The rule with values of ours, or with one that nobody would type."""
        if self.rng.random() < 0.65:
            return own_address(rule, self.world, self.rng)
        return re.sub(r"<(?:\w+:)?\w+>", lambda _found: quote(self.rng.choice(PATHS), safe="%/"), rule)

    def send(self, method: str, path: str, **arguments: Any) -> TestResponse | None:
        told = f"{method} {path[:200]!a} {str(arguments)[:600]!a}"
        try:
            response = self.client.open(path, method=method, **arguments)
        except Exception:
            self.failures.append(f"{told}\n{traceback.format_exc(limit=-5)}")
            db.session.rollback()
            return None
        self.statuses[response.status_code] += 1
        self.judge(told, response)
        if self.user_id and response.status_code == 302 and response.headers.get("Location", "").startswith("/connexion"):
            self.enter()
        return response

    def judge(self, told: str, response: Response) -> None:
        if response.status_code >= 500:
            self.failures.append(f"{told} → {response.status_code}")
        if not response.mimetype.startswith("text/"):
            return
        text = response.get_data(as_text=True)
        if response.mimetype == "text/html" and (SCRIPT in text or "onerror=alert(1)>" in text):
            self.failures.append(f"{told} → comes back as code")
        if response.mimetype == "text/html" and (found := TRACE.search(text)):
            self.failures.append(f"{told} → shows {found[0]!r}")

    def enter(self) -> None:
        """Sign in anew: what was sent may have ended the session, or the account's right to one."""
        if self.user_id is None:
            return
        user = db.session.get(User, self.user_id)
        if user is not None and user.is_active:
            self.client.sign_in(user)


def visitors(world: World) -> dict[str, User | None]:
    stranger = UserFactory(host=True)
    db.session.commit()
    return {"anonymous": None, **{role.value: world.users[role] for role in Role}, "stranger": stranger}


def fuzz(app: Flask, world: World, who: str, user: User | None, count: int, *, seed: object = SEED) -> Fuzzer:
    """Send so many requests as one visitor."""
    fuzzer = Fuzzer(app.test_client(), app, world, user, f"{seed} {who}")
    fuzzer.run(count)
    return fuzzer


def tell(who: str, fuzzer: Fuzzer, seconds: float) -> None:
    statuses = " ".join(f"{status}×{number}" for status, number in sorted(fuzzer.statuses.items()))
    print(f"{who:10} {fuzzer.statuses.total():6} requests  {len(fuzzer.failures)} failures  {seconds:5.0f} s  {statuses}", flush=True)
    for failure in fuzzer.failures[:20]:
        print("   ", failure, flush=True)


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./croisee drill fuzz", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--n", type=int, default=20_000, help="requests of all visitors together")
    parser.add_argument("--seed", default=SEED, help="another choice of what is sent")
    given = parser.parse_args(None if arguments is None else list(arguments))
    failures = 0
    with temporary_servers(ROOT / "var") as (postgres, valkey):
        url = postgres.create_database("croisee_fuzz")
        os.environ["CROISEE_TEST_REDIS"] = valkey.url
        fill_template(url)
        celery = {**TestConfig.CELERY, "broker_url": valkey.url}
        app = create_app(TestConfig, SQLALCHEMY_DATABASE_URI=url, REDIS_URL=valkey.url, CELERY=celery)
        app.test_client_class = Client
        with app.app_context():
            world = make_world(app)
            for who, user in visitors(world).items():
                began = time.monotonic()
                fuzzer = fuzz(app, world, who, user, -(-given.n // len(VISITORS)), seed=given.seed)
                tell(who, fuzzer, time.monotonic() - began)
                failures += len(fuzzer.failures)
            db.session.remove()
            db.engine.dispose()
    print("Nothing broke, nothing was told, nothing came back as code." if not failures else f"{failures} failures", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
