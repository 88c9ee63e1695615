"""Known vulnerabilities of what the lists pin, in one line: `./croisee check` runs this. PyPI is asked, then OSV; without network nothing fails.

Exit code 1 when a pinned version is known to be vulnerable, or when the audit fails although there is a network.
"""

import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LISTS = ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt")
# The second is asked where the first does not answer, or knows nothing of what is pinned: a mirror of PyPI is often without its advisories.
SERVICES = (("--vulnerability-service", "pypi"), ("--vulnerability-service", "osv"))
PROBE = "https://pypi.org/pypi/pip/json"
TITLE = "Known vulnerabilities (pip-audit) …"
ELSEWHERE = "  This says nothing of them. Run it before a release where https://pypi.org or https://api.osv.dev can be reached: python scripts/audit.py"


def main(services: Sequence[Sequence[str]] = SERVICES) -> int:
    told, complaints = [], []
    for service in services:
        report, complaint = ask(service)
        complaints.append(complaint)
        if report is not None:
            told.append(report)
        if report is not None and any("skip_reason" not in package for package in report["dependencies"]):
            break
    if not told and not is_online():
        print(TITLE, f"NOT CHECKED: no network.\n{ELSEWHERE}")
        return 0
    if not told:
        print(TITLE, "FAILED", *complaints, sep="\n")
        return 1
    words, code = verdict(told[-1])
    print(TITLE, words)
    return code


def ask(service: Sequence[str]) -> tuple[dict[str, Any] | None, str]:
    """The report of pip-audit with this service; nothing, and why, when there is none."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        lists = [argument for name in LISTS for argument in ("-r", name)]
        options = ["--disable-pip", "--no-deps", "--timeout", "10", "--progress-spinner", "off", "--format", "json", "--output", str(report)]
        done = subprocess.run([sys.executable, "-m", "pip_audit", *service, *options, *lists], cwd=ROOT, capture_output=True, text=True)
        return json.loads(report.read_text()) if report.exists() else None, done.stderr.strip()[-2000:]


def is_online() -> bool:
    try:
        # An opener of its own: the shared one keeps the proxies of its first use.
        urllib.request.build_opener().open(PROBE, timeout=5).close()
    except OSError:
        return False
    return True


def verdict(told: dict[str, Any]) -> tuple[str, int]:
    """What a report of pip-audit comes to, and the exit code. What PyPI does not know was not audited, and is said to be."""
    skipped = sum("skip_reason" in package for package in told["dependencies"])
    audited = len(told["dependencies"]) - skipped
    found = [(package, one) for package in told["dependencies"] for one in package.get("vulns", [])]
    lines = [f"  {package['name']} {package['version']}: {one['id']}, mended in {', '.join(one['fix_versions']) or 'nothing yet'}" for package, one in found]
    if lines:
        return "\n".join(["FAILED", *lines]), 1
    if not audited:
        return f"NOT CHECKED: whoever answers for PyPI and OSV here knows none of the {skipped} pinned versions (a mirror?).\n{ELSEWHERE}", 0
    return f"none in {audited} packages" + (f", {skipped} not known to PyPI" if skipped else ""), 0


if __name__ == "__main__":
    sys.exit(main())
