"""Three thousand hostile requests, as six kinds of visitors: nothing breaks, nothing is told of the program, nothing comes back as code."""

import pytest
from flask import Flask

from tests.fuzz import BODIES, SEED, VISITORS, Fuzzer, fuzz, visitors
from tests.test_access import routes
from tests.test_bad_input import HOSTILE, PATHS, World, make_world

REQUESTS = 3000
# A body that cannot be read leaves what was read of it to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def world(app: Flask) -> World:
    return make_world(app)


@pytest.mark.parametrize("who", VISITORS)
def test_hostile_requests_break_nothing(app: Flask, world: World, who: str) -> None:
    fuzzer = fuzz(app, world, who, visitors(world)[who], REQUESTS // len(VISITORS))

    assert fuzzer.failures == []
    assert fuzzer.statuses.total() >= REQUESTS // len(VISITORS)
    assert fuzzer.visited == {(method, rule) for _endpoint, method, rule in routes(app)}, "every route, as each of the six"
    assert {200, 302, 404} <= set(fuzzer.statuses), fuzzer.statuses


def test_as_many_values_and_bodies_as_were_promised() -> None:
    assert len(set(PATHS)) >= 35
    assert len(set(HOSTILE)) >= 35
    assert len(BODIES) == 13
    assert len(VISITORS) == 6


def test_a_page_that_breaks_or_echoes_would_be_found(app: Flask, world: World) -> None:
    fuzzer = Fuzzer(app.test_client(), app, world, None, str(SEED))
    texts = (("", 500), ("<script>alert(1)</script>", 200), ("Traceback (most recent call last)", 404))
    answers = [app.response_class(text, status=status, mimetype="text/html") for text, status in texts]

    for response in answers:
        fuzzer.judge("GET /", response)

    assert len(fuzzer.failures) == 3
