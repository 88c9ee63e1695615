"""The figures of a rehearsal as a page."""

import os
import platform
import statistics
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tests.rehearsal import Verdict

HEAD = """# Rehearsal of failures

What became of invitations while processes were killed. Made by `./croisee drill --save` on {day}, with {cores} cores shared with others, Python {python}.

- **lost**: a mail of the database that never arrived. **given up**: its state is `failed`.
- **duplicates**: arrived once more than needed. Allowed: deaths × processes of the pool + mails that the server took without saying so.
- **unflagged**: a duplicate that the database does not know may be one. **strange**: bytes that are no mail of the database, to the letter.
- **recovery**: the longest time from a deed to the next new mail. **open, due 120 s after**: not sent 120 s after the last fault, and those of
  them that ought to be on their way. The verdict asks for none that is due: a mail that the server itself put off twice waits for its third try by
  the table of retries (30 s, 2 min, 5 min, each ± 20 %), whatever the processes do. The table is the one of real life, not a shorter one.

"""
COLUMNS = "| mode | mails | lost | given up | duplicates | allowed | unflagged | strange | flagged | recovery | open | due | all sent after | verdict |"


def write(verdicts: Sequence["Verdict"], out: TextIO, *, short: bool = False) -> None:
    if not short:
        out.write(HEAD.format(day=f"{datetime.now(UTC):%Y-%m-%d}", cores=os.cpu_count(), python=platform.python_version()))
    out.write(COLUMNS + "\n" + "|---" * 14 + "|\n")
    for one in verdicts:
        figures = [one.mode, one.mails, one.lost, one.given_up, one.duplicates, one.bound, one.unflagged, one.strange, one.flagged]
        figures += [f"{one.slowest_recovery:.1f} s", one.still_open, one.still_due, f"{one.seconds:.0f} s", "good" if one.is_good else "**bad**"]
        out.write("| " + " | ".join(map(str, figures)) + " |\n")
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
        if one.faults:
            out.write(f"\n## {one.mode}: what the SMTP server did\n\n| phase | answer | times |\n|---|---|---|\n")
            for (phase, answer), count in sorted(one.faults.items()):
                out.write(f"| {phase} | {answer} | {count} |\n")
