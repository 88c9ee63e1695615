"""The site as its routes stand: who may use which, and the address of each. Tests that walk all routes share it."""

import re
import uuid
from collections.abc import Callable

from flask import Flask

from matchmaker.models import User
from tests.factories import UserFactory, departement

PEOPLE = ("reader", "editor", "administrator", "host", "animator", "admin")
ALL = frozenset(PEOPLE)
STAFF = frozenset({"animator", "admin"})
# Who may read what carries a mark, and who may write there. The host of these tests administers their structure.
READS = {
    "signed-in": ALL,
    "ours": ALL,
    "member": ALL - STAFF,
    "editor": ALL - STAFF - {"reader"},
    "structure": ALL - {"reader"},
    "people": ALL - {"reader", "editor"},
    "host": STAFF | {"host"},
    "animator": STAFF,
    "admin": frozenset({"admin"}),
}
WRITES = READS | {"ours": ALL - {"reader"}, "member": READS["editor"]}
# What ends the session of who does it.
ENDS = {"accounts.logout", "members.go"}
OPEN = {"public", "token", "demo"}
MARKS = OPEN | set(READS)


def user_with(person: str) -> User:
    """An account of this role or standing that owns none of the objects of these tests."""
    makers: dict[str, Callable[[], User]] = {
        "reader": lambda: UserFactory(reader=True),
        "editor": lambda: UserFactory(editor=True),
        "administrator": lambda: UserFactory(),
        "member": lambda: UserFactory(),
        "host": lambda: UserFactory(host=True),
        "animator": lambda: UserFactory(animator=True, territories=[departement("76")]),
        "admin": lambda: UserFactory(admin=True),
    }
    return makers[person]()


def may(person: str, access: str, method: str) -> bool:
    return person in (READS if method == "GET" else WRITES)[access]


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """(endpoint, method, rule) of every route but the static files."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            found += [(rule.endpoint, method, rule.rule) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def address(rule: str, ids: dict[str, object] | None = None) -> str:
    """The rule with identifiers in it: those given, else ones that exist nowhere."""
    known = ids or {}

    def fill(match: re.Match[str]) -> str:
        converter, name = match.group(1), match.group(2)
        if name in known:
            return str(known[name])
        return {"uuid:": str(uuid.uuid4()), "int:": "987654321"}.get(converter or "", "purchase" if name == "category" else "inconnu.eml")

    return re.sub(r"<(\w+:)?(\w+)>", fill, rule)
