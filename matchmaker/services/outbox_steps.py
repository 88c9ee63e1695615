"""One step of a worker: what became of the mail that left, and the claim on the next one, in one statement and one commit.

The statement is written by hand and always the same, so that PostgreSQL plans it once: states are literals, by which the partial
indexes are found, and what an installation leaves out is switched off by a parameter.
"""

from datetime import datetime, timedelta

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from matchmaker.services.outbox_recording import Claimed

# With an offset of nothing the questions about threads stay questions about one mail, answered by the index of threads: as a join,
# PostgreSQL would read every mail ever sent for each claim. The claim does not see what this very statement records: the next mail of
# that thread waits for the step after. The relay and the domains are looked at each time: both are a few rows in memory, and a worker
# that looked once a second would send on for a second while the relay is closed. A domain is never left in peace for more than some paces: what
# says so was written before the clock was moved back.
STEP = """
WITH recorded AS (
    UPDATE outbox_mail
    SET status = 'sent', claimed_by = NULL, sent_at = %(now)s, changed_at = %(now)s, attempts = attempts + 1, last_code = %(code)s, last_error = ''
    WHERE id = %(mail)s::integer AND status = 'sending' AND claimed_by = %(worker)s
    RETURNING id
), claimed AS (
    UPDATE outbox_mail
    SET status = 'sending', claimed_by = %(worker)s, changed_at = %(now)s
    WHERE id = (
        SELECT due.id
        FROM outbox_mail AS due
        WHERE due.status = 'queued' AND due.not_before <= %(now)s AND (due.released_at IS NOT NULL OR NOT %(only_released)s::boolean)
            AND NOT EXISTS (SELECT FROM relay_state WHERE failures > 0 AND probed_by IS DISTINCT FROM %(worker)s)
            AND NOT EXISTS (SELECT FROM outbox_mail AS other WHERE other.thread = due.thread AND other.status = 'sending' OFFSET 0)
            AND NOT EXISTS (
                SELECT FROM outbox_mail AS newer
                WHERE newer.thread = due.thread AND newer.id > due.id AND newer.status IN ('sending', 'sent', 'bounced') OFFSET 0
            )
            AND due.domain NOT IN (
                SELECT domain FROM domain_pace
                WHERE next_at > %(now)s AND next_at <= %(now)s + 10 * %(pace)s::interval AND %(pace)s::interval > interval '0'
            )
        ORDER BY due.not_before, due.id
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id, idempotency_key, thread, recipient, message, attempts, created_at, useless_after, domain
), paced AS (
    INSERT INTO domain_pace AS known (domain, next_at)
    SELECT domain, %(now)s + %(pace)s::interval FROM claimed WHERE %(pace)s::interval > interval '0'
    ON CONFLICT (domain) DO UPDATE SET next_at = least(greatest(known.next_at, %(now)s), %(now)s + 9 * %(pace)s::interval) + %(pace)s::interval
)
SELECT
    EXISTS (SELECT FROM recorded),
    claimed.id, claimed.idempotency_key, claimed.thread, claimed.recipient, claimed.message, claimed.attempts, claimed.created_at, claimed.useless_after
FROM (VALUES (1)) AS always LEFT JOIN claimed ON true
"""


def step(
    connection: Connection,
    *,
    worker: int,
    now: datetime,
    pace: timedelta,
    only_released: bool,
    left: Claimed | None = None,
    code: int | None = None,
) -> tuple[bool, Claimed | None]:
    """Record that ``left`` was taken with ``code``, and claim the mail that is due first.

    Returns whether ``left`` was still this worker's, and the claim; the caller commits both together. Raises IntegrityError when another
    worker claimed a mail of the same thread in the same instant: nothing is written then.
    """
    values = {"worker": worker, "now": now, "pace": pace, "only_released": only_released, "mail": left.id if left else None, "code": code}
    is_recorded, *claim = connection.exec_driver_sql(STEP, values).one()
    return is_recorded, Claimed(*claim) if claim[0] is not None else None


class NotKept(Exception):
    """The database went away before it said that the last step is kept."""


class Steps:
    """The steps of one worker, on the connection that keeps it alive.

    A disk takes its time to keep a commit. It is on its way while the relay hears the envelope of the mail that was claimed; the content,
    without which nothing is sent, waits for ``kept``.
    """

    def __init__(self, connection: Connection, worker: int, *, pace: timedelta, only_released: bool) -> None:
        self.connection, self.worker, self.pace, self.only_released = connection, worker, pace, only_released
        self.line: psycopg.pq.abc.PGconn = connection.connection.driver_connection.pgconn  # type: ignore[union-attr]
        self.is_on_its_way = False
        connection.exec_driver_sql("BEGIN")

    def take(self, left: Claimed | None = None, code: int | None = None, *, now: datetime) -> tuple[bool, Claimed | None]:
        """``step``, with its commit on its way when something is claimed, and kept when nothing is. Raises IntegrityError, NotKept, DBAPIError."""
        try:
            is_ours, claimed = step(self.connection, worker=self.worker, now=now, pace=self.pace, only_released=self.only_released, left=left, code=code)
        except IntegrityError:
            self.connection.exec_driver_sql("ROLLBACK AND CHAIN")
            raise
        try:
            self.line.send_query(b"COMMIT AND CHAIN")
        except psycopg.OperationalError as error:
            raise NotKept from error
        self.is_on_its_way = True
        if claimed is None:
            self.kept()
        return is_ours, claimed

    def kept(self) -> None:
        """Wait until the last step is on disk. Raises NotKept."""
        if not self.is_on_its_way:
            return
        self.is_on_its_way = False
        said: bytes | None = None
        while (result := self.line.get_result()) is not None:
            said = result.command_status
        if said != b"COMMIT":
            raise NotKept
