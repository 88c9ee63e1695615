"""The figures of a rehearsal as a page."""

import os
import platform
import statistics
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

from tests.rehearsal_verdict import LONGEST_BURST, LONGEST_END, LONGEST_WAIT, Verdict

HEAD = """# Rehearsal of failures

What became of invitations while processes were killed. Made by `./croisee drill --save` on {day}, with {cores} cores shared with others, Python {python}.

- **lost**: a mail of the database that never arrived. **given up**: its state is `failed`.
- **duplicates**: arrived once more than needed. Allowed: deaths × processes of the pool + mails that the server took without saying so.
- **unflagged**: a duplicate that the database does not know may be one. **strange**: bytes that are no mail of the database, to the letter.
- **iTIP**: faults that a strict reading of each mail and its calendar part finds: two parsers and one written by hand (`tests/itip.py`).
- **recovery**: the longest time from a deed to the next new mail. **open, due 120 s after**: not sent 120 s after the last fault, and those of
  them that ought to be on their way. The verdict asks for none that is due: a mail that the server itself put off twice waits for its third try by
  the table of retries (30 s, 2 min, 5 min, each ± 20 %), whatever the processes do. The table is the one of real life, not a shorter one.
- **storm**: the server misbehaves with one mail in twenty in each phase. **outage**: it is stopped for 30 s. **limits**: it takes 50 mails in a second and
  says « 451 too fast » to the others, later « 432 not so many ».

"""
SPEED = """
## How long a mail waits

From the moment at which it is queued to the one at which the relay has it. In the mode quiet all are due before the workers are started, and the
wait begins with their start.

"""
COLUMNS = "| mode | mails | lost | given up | duplicates | allowed | unflagged | strange | iTIP | flagged | recovery | open | due | all sent after | verdict |"


def write(verdicts: Sequence[Verdict], out: TextIO, *, short: bool = False) -> None:
    if not short:
        out.write(HEAD.format(day=f"{datetime.now(UTC):%Y-%m-%d}", cores=os.cpu_count(), python=platform.python_version()))
    out.write(COLUMNS + "\n" + "|---" * 15 + "|\n")
    for one in verdicts:
        figures = [one.mode, one.mails, one.lost, one.given_up, one.duplicates, one.bound, one.unflagged, one.strange, len(one.itip_faults), one.flagged]
        figures += [f"{one.slowest_recovery:.1f} s", one.still_open, one.still_due, f"{one.seconds:.0f} s", "good" if one.is_good else "**bad**"]
        out.write("| " + " | ".join(map(str, figures)) + " |\n")
    timely = [one for one in verdicts if one.mode in ("quiet", "steady")]
    if timely:
        out.write("\n" if short else SPEED)
        out.write("| mode | mails | one every | half arrive within | 95 % | all | goal |\n|---|---|---|---|---|---|---|\n")
    for one in timely:
        every, goal = (f"{one.every:g} s", f"95 % ≤ {LONGEST_WAIT:.0f} s") if one.every else ("all at once", f"all ≤ {LONGEST_BURST:.0f} s")
        out.write(f"| {one.mode} | {one.mails} | {every} | {one.waited(0.5):.2f} s | {one.waited(0.95):.2f} s | {one.waited(1):.2f} s | {goal} |\n")
    if short:
        return
    for one in verdicts:
        if one.deeds:
            out.write(f"\n## {one.mode}: what was done\n\n| deed | times | mails that left meanwhile | median recovery | longest |\n|---|---|---|---|---|\n")
            times, meanwhile = defaultdict(list), defaultdict(list)
            for deed in one.deeds:
                meanwhile[deed.what].append(deed.meanwhile)
                times[deed.what].append(deed.recovered_after if deed.recovered_after is not None else float("inf"))
            for what, seconds in times.items():
                fewest, most = min(meanwhile[what]), max(meanwhile[what])
                out.write(f"| {what.replace('_', ' ')} | {len(seconds)} | {fewest} to {most} | {statistics.median(seconds):.1f} s | {max(seconds):.1f} s |\n")
        if one.longest_end:
            out.write(f"\nThe slowest worker ended {one.longest_end:.1f} s after SIGTERM (goal: {LONGEST_END:.0f} s).\n")
        if one.mode in ("outage", "limits"):
            open_again = "closed" if one.is_relay_closed else "open"
            out.write(f"\n## {one.mode}: the relay\n\n| failures in a row | at the end | connections at once | mails that used up a try |\n|---|---|---|---|\n")
            out.write(f"| {one.most_failures or '–'} | {open_again} | {one.lines} | {one.retried} |\n")
        if one.faults:
            out.write(f"\n## {one.mode}: what the SMTP server did\n\n| phase | answer | times |\n|---|---|---|\n")
            for (phase, answer), count in sorted(one.faults.items()):
                out.write(f"| {phase} | {answer} | {count} |\n")
