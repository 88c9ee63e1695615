"""What became of the mails of a rehearsal: what was received, held against what the database says."""

import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.itip import History
from tests.rehearsal_processes import LONGEST_RECOVERY, Deed, Rehearsal
from tests.smtp_server import CUT, STALL

# What the server does with a mail that it has taken, so that the client cannot know.
AMBIGUOUS = {("end", CUT), ("end", STALL)}
# Seconds: of a burst until its last mail, and of nineteen mails in twenty when they come one by one.
LONGEST_BURST, LONGEST_WAIT = 120.0, 10.0
# Seconds in which a worker ends that is asked to.
LONGEST_END = 30.0
# Connections to the relay at once, as the settings have it.
LINES = 3


@dataclass
class Verdict:
    """What became of the mails."""

    mode: str
    mails: int
    lost: int
    given_up: int
    duplicates: int
    unflagged: int
    strange: int
    flagged: int
    bound: int
    still_open: int
    still_due: int
    seconds: float
    settled_after: float | None
    deeds: list[Deed] = field(default_factory=list)
    faults: Mapping[tuple[str, str], int] = field(default_factory=dict)
    # Mails that needed more than one try, none of which was in doubt.
    retried: int = 0
    # Connections at once; how often in a row the relay was found away; is it still closed?
    lines: int = 0
    most_failures: int = 0
    is_relay_closed: bool = False
    # Seconds from the moment at which each mail was queued, or a worker was asked for, to its arrival; sorted.
    waits: list[float] = field(default_factory=list)
    # What a strict reading of each mail and its calendar part finds, once each.
    itip_faults: list[str] = field(default_factory=list)
    longest_end: float = 0.0
    # Seconds between two mails that were queued; 0: all at once.
    every: float = 0.0

    def waited(self, share: float) -> float:
        """So long did this share of the mails wait at most."""
        return self.waits[math.ceil(share * len(self.waits)) - 1] if self.waits else 0.0

    @property
    def slowest_recovery(self) -> float:
        return max((deed.recovered_after if deed.recovered_after is not None else float("inf") for deed in self.deeds), default=0.0)

    @property
    def is_good(self) -> bool:
        bad = self.lost or self.given_up or self.unflagged or self.strange or self.still_due or self.duplicates > self.bound
        bad = bad or self.itip_faults or self.is_relay_closed or self.lines > LINES
        return not bad and self.slowest_recovery <= LONGEST_RECOVERY and self.longest_end <= LONGEST_END and self.keeps_its_promise

    @property
    def keeps_its_promise(self) -> bool:
        """What this mode alone is about."""
        match self.mode:
            case "outage":
                return self.most_failures > 0 and self.retried == 0
            case "quiet":
                return self.waited(1) <= LONGEST_BURST
            case "steady":
                return self.waited(0.95) <= LONGEST_WAIT
        return True


def judge(mode: str, one: Rehearsal, *, began: float, seconds: float, settled_after: float | None, still_open: int, still_due: int) -> Verdict:
    """Hold what was received against what the database says. ``began``: when the workers were started, in seconds of time.monotonic."""
    rows = one.rows()
    got = Counter(received.content for received in one.server.received)
    flagged = {row.message for row in rows if row.is_maybe_twice}
    known = {row.message for row in rows}
    arrivals: dict[bytes, float] = {}
    for received in one.server.received:
        arrivals.setdefault(received.content, received.at)
    history = History()
    offset = time.time() - time.monotonic()
    faults = one.server.done
    return Verdict(
        mode=mode,
        mails=len(rows),
        lost=sum(row.message not in got if row.status == "sent" else row.status in ("queued", "sending") for row in rows),
        given_up=sum(row.status == "failed" for row in rows),
        duplicates=sum(times - 1 for times in got.values()),
        unflagged=sum(times > 1 and message not in flagged for message, times in got.items()),
        strange=len(set(got) - known),
        flagged=len(flagged),
        bound=sum(deed.senders for deed in one.deeds) + sum(times for fault, times in faults.items() if fault in AMBIGUOUS),
        still_open=still_open,
        still_due=still_due,
        seconds=seconds,
        settled_after=settled_after,
        deeds=one.deeds,
        faults=dict(faults),
        retried=sum(row.attempts > 1 and not row.is_maybe_twice for row in rows),
        lines=one.server.most_at_once,
        most_failures=one.most_failures,
        is_relay_closed=one.relay_failures() > 0,
        itip_faults=sorted({fault for received in one.server.received for fault in history.take(received.content)}),
        longest_end=one.longest_end,
        waits=sorted(arrivals[row.message] - max(row.created_at - offset, began) for row in rows if row.message in arrivals),
    )
