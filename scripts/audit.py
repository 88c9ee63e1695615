"""Known vulnerabilities of what the lists pin, in one line: `./croisee check` runs this. PyPI is asked; without network nothing fails.

Exit code 1 when a pinned version is known to be vulnerable, or when the audit fails although PyPI answers.
"""

import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LISTS = ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt")
PROBE = "https://pypi.org/pypi/pip/json"
TITLE = "Known vulnerabilities (pip-audit) …"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        lists = [argument for name in LISTS for argument in ("-r", name)]
        options = ["--disable-pip", "--no-deps", "--timeout", "10", "--progress-spinner", "off", "--format", "json", "--output", str(report)]
        done = subprocess.run([sys.executable, "-m", "pip_audit", *options, *lists], cwd=ROOT, capture_output=True, text=True)
        told = json.loads(report.read_text()) if report.exists() else None
    if told is None and not is_online():
        print(TITLE, "skipped: no network")
        return 0
    if told is None:
        print(TITLE, "FAILED", done.stderr.strip()[-2000:], sep="\n")
        return 1
    words, code = verdict(told)
    print(TITLE, words)
    return code


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
        return "skipped: the index that answers knows none of the pinned versions", 0
    return f"none in {audited} packages" + (f", {skipped} not known to PyPI" if skipped else ""), 0


if __name__ == "__main__":
    sys.exit(main())
