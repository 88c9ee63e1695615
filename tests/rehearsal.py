"""A rehearsal of failures with real processes: `python -m tests.rehearsal [--n N] [MODE…]`, which `./croisee drill` runs.

PostgreSQL, Valkey, Celery workers and beat of its own under var/drill, and an SMTP server that misbehaves. Invitations leave while
processes are killed; at the end every mail is looked for in what the SMTP server received. Developers' data are not touched.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.rehearsal_processes import ROOT, rehearsal
from tests.rehearsal_report import write
from tests.rehearsal_verdict import Verdict, judge
from tests.smtp_server import CUT

# Each reached by one mail in twenty. All but the cut leave no doubt.
STORM = {
    ("mail", "451 4.3.0 later"): 0.05,
    ("rcpt", "450 4.2.0 greylisted"): 0.05,
    ("data", "452 4.3.1 full"): 0.05,
    ("content", CUT): 0.05,
    ("end", "what is this"): 0.05,
    ("connect", "421 4.3.2 busy"): 0.05,
}
SETTLED = 120.0

# Deeds of the mode full.
FULL = ["kill_worker", "kill_pool_process"] * 10
FULL[3:3], FULL[10:10], FULL[17:17] = ["kill_broker", "restart_postgres"], ["flush_broker", "restart_postgres"], ["kill_broker", "restart_postgres"]


@dataclass(frozen=True)
class Mode:
    """What is done while mails leave, spread evenly over them, by how many, and how the relay behaves."""

    deeds: Sequence[str] = ()
    workers: int = 1
    processes: int = 2
    beats: int = 1
    # Mails, before a release.
    mails: int = 1000
    # Seconds between two mails that are queued; 0: all are due at the start.
    every: float = 0.0
    is_stormy: bool = False
    # Mails in a second that the relay takes before it says « too fast », once in words about the mail and once about itself.
    most_per_second: float = 0.0
    # A relay that takes its time, so that processes die with a mail in their hands.
    latency: float = 0.005
    outage_seconds: float = 30.0


MODES = {
    "full": Mode(FULL, mails=5000, is_stormy=True),
    "storm": Mode(is_stormy=True),
    "outage": Mode(["outage"], latency=0.03),
    "limits": Mode(workers=2, processes=3, mails=150, most_per_second=50.0),
    "quiet": Mode(mails=5000),
    "steady": Mode(mails=1000, every=0.2),
    # A worker that is asked to stop ends its turn of some seconds first: slower still, or all mails would have left before the second one.
    "term": Mode(["end_worker"] * 10, mails=2000, latency=0.05),
    "two_beats": Mode(beats=2),
    "two_workers": Mode(workers=2),
    # For every run of the tests.
    "two_workers_and_beats": Mode(workers=2, beats=2),
    "deployments": Mode(["end_worker"] * 2, latency=0.2),
    "short": Mode(["kill_worker", "kill_broker", "kill_worker", "restart_postgres", "kill_worker"]),
    "short_outage": Mode(["outage"], latency=0.05, outage_seconds=5.0),
}
BEFORE_A_RELEASE = ("full", "storm", "outage", "limits", "quiet", "steady", "term", "two_beats", "two_workers")


def rehearse(name: str, count: int, folder: Path, say: Callable[[str], None] = print) -> Verdict:
    """Send so many mails while the deeds of the mode are done, and look for each of them."""
    mode = MODES[name]
    with rehearsal(folder, say) as one:
        one.flask("drill", "reset")
        one.count, one.processes, one.outage_seconds = count, mode.processes, mode.outage_seconds
        one.server.latency, one.server.most_per_second = mode.latency, mode.most_per_second
        if not mode.every:
            one.count = int(one.flask("drill", "seed", "--n", str(count)).split()[-1])
            say(f"{name}: {one.count} mails queued")
        if mode.is_stormy:
            one.server.fail_at_random(STORM)
        began = time.monotonic()
        one.start(workers=mode.workers, beats=mode.beats)
        if mode.every:
            one.count = int(one.flask("drill", "seed", "--n", str(count), "--every", str(mode.every)).split()[-1])
            say(f"{name}: {one.count} mails queued, one every {mode.every} s")
        for number, deed in enumerate(mode.deeds, 1):
            # The last quarter belongs to nobody: what was put off comes back then.
            one.wait_for_mails(0.75 * one.count * number / (len(mode.deeds) + 1))
            one.do(deed)
        if mode.is_stormy:
            one.wait_for_mails(0.75 * one.count)
        one.server.fail_at_random({})
        if mode.most_per_second:
            # Its limit ends with the last mail only.
            one.wait_for_mails(0.5 * one.count)
            one.server.too_fast = "432 4.3.2 not so many"
            one.wait_for(lambda: one.open() == 0, 1200, pause=0.5)
        calm = time.monotonic()
        is_settled = one.wait_for(lambda: one.open() == 0, SETTLED, pause=0.2)
        settled_after = time.monotonic() - calm if is_settled else None
        still_open, still_due = one.open(), one.open(only_due=True)
        if not is_settled:
            say(f"  {still_open} not sent {SETTLED:.0f} s after the last fault, {still_due} of them due; waiting for the retries")
            one.wait_for(lambda: one.open() == 0, 900, pause=0.2)
        seconds = time.monotonic() - began
        verdict = judge(name, one, began=began, seconds=seconds, settled_after=settled_after, still_open=still_open, still_due=still_due)
        return replace(verdict, every=mode.every)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./croisee drill", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("modes", nargs="*", choices=[*MODES, []], help="what to rehearse; without a name, what is rehearsed before a release")
    parser.add_argument("--n", type=int, help="mails of each mode that is named, or at most so many of each; without it, as before a release")
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "drill")
    parser.add_argument("--save", action="store_true", help="write docs/figures/drill.md")
    arguments = parser.parse_args()
    # Whoever ends it, its processes end with it and its folder goes.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(130))
    verdicts = []
    modes = arguments.modes or BEFORE_A_RELEASE
    for mode in modes:
        usual = MODES[mode].mails
        count = usual if arguments.n is None else arguments.n if arguments.modes else min(arguments.n, usual)
        verdicts.append(rehearse(mode, count, arguments.folder, lambda line: print(line, flush=True)))
        write(verdicts, sys.stdout, short=True)
        if arguments.save:
            path = ROOT / "docs" / "figures" / "drill.md"
            path.parent.mkdir(exist_ok=True)
            with path.open("w") as file:
                write(verdicts, file)
    return 0 if all(verdict.is_good for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
