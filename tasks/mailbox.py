"""Reading the mailbox to which calendars and mail servers answer."""

import logging

from celery import shared_task
from flask import current_app

from matchmaker import mailbox
from matchmaker.extensions import db
from matchmaker.services import incoming

log = logging.getLogger(__name__)


@shared_task
def read() -> None:
    """Take what came in, one mail and one commit at a time. Nothing happens without a mailbox in the settings.

    A mail is marked as read after the commit: one that is read twice, by this worker or by another, changes nothing the second time.
    """
    account = mailbox.Account.from_config(current_app.config)
    if account is None:
        return
    try:
        with mailbox.Mailbox(account) as box:
            for uid in box.waiting():
                take(box, uid)
    except mailbox.MailboxDown as error:
        log.warning("mailbox cannot be read: %s", error)


def take(box: mailbox.Mailbox, uid: str) -> None:
    """One mail, which never stops the others."""
    raw = box.fetch(uid)
    try:
        is_ours = raw is not None and incoming.take(raw, trusted=current_app.config["IMAP_AUTHSERV_ID"])
        db.session.commit()
    except Exception:
        log.exception("mail %s in the mailbox cannot be taken", uid)
        db.session.rollback()
        is_ours = False
    if is_ours:
        box.finish(uid)
    else:
        box.leave(uid)
