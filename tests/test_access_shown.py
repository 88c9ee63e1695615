"""What a page shows, its reader may use: no button and no link leads to « you may not »."""

import re
from html.parser import HTMLParser

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from matchmaker.extensions import db
from matchmaker.models import Organisation
from tests.conftest import Client
from tests.factories import OrganisationFactory
from tests.rights import ENDS, OPEN, PEOPLE, address, may, routes
from tests.world import ids_for, own_ids, person_of


class Doors(HTMLParser):
    """Where the links and the forms of a page lead: (method, path)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.found: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "form":
            self.add(given.get("method", "get").upper(), given.get("action") or self.page)
        elif tag == "a" and "href" in given:
            self.add("GET", given["href"])
        for name in ("formaction", "hx-get", "hx-post", "data-seats"):
            if name in given:
                self.add("POST" if name in {"formaction", "hx-post"} else "GET", given[name])

    def add(self, method: str, path: str) -> None:
        if path.startswith("/") and not path.startswith("//"):
            self.found.add((method, re.split("[?#]", path)[0]))


def endpoint_of(app: Flask, method: str, path: str) -> str:
    try:
        endpoint: str = app.url_map.bind("croisee.test").match(path, method=method)[0]
    except HTTPException:
        return ""
    return endpoint


@pytest.mark.parametrize("kind", PEOPLE)
def test_no_page_shows_a_button_or_a_link_that_is_refused(app: Flask, client: Client, kind: str) -> None:
    ours: Organisation = OrganisationFactory(name="Picorée", siret="73282932000074")
    user = person_of(kind, ours)
    ids = own_ids(ours, user)
    db.session.commit()
    client.sign_in(user)
    refused, lost, pages = set(), set(), 0

    for endpoint, method, rule in routes(app):
        mark = app.view_functions[endpoint].access
        if method != "GET" or endpoint in ENDS or mark in {"token", "demo"} or (mark not in OPEN and not may(kind, mark, method)):
            continue
        page = address(rule, ids_for(endpoint, ids))
        response = client.get(page)
        if response.status_code != 200 or response.mimetype != "text/html":
            continue
        pages += 1
        doors = Doors(page)
        doors.feed(response.text)
        for way, path in doors.found:
            where = endpoint_of(app, way, path)
            if where == "static":
                continue
            if not where:
                lost.add((endpoint, way, path))
            elif (access := app.view_functions[where].access) not in OPEN and not may(kind, access, way):
                refused.add((endpoint, way, where))

    assert sorted(refused) == []
    assert sorted(lost) == []
    assert pages >= 40
