"""What people ask about their own data: the file with all of it, and erasing it."""

import logging
from pathlib import Path

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db, nudge
from matchmaker.models.base import now
from matchmaker.services import caught_mails, personal_data_erased, personal_data_erasing, personal_data_export
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.outbox import MailSettings
from tasks.outbox import drain

log = logging.getLogger(__name__)


@shared_task
def export_due() -> None:
    """Write the file that waits longest, then look for the next one."""
    written = personal_data_export.write_due(settings=MailSettings.from_config(current_app.config))
    db.session.commit()
    if written is not None:
        nudge(drain)
        nudge(export_due)


@shared_task
def erase_due() -> None:
    """Erase the account whose day came first, then look for the next one. While a mail to it is on its way, the next turn does it."""
    try:
        erased = personal_data_erasing.erase_due(at=now(), settings=MailSettings.from_config(current_app.config))
    except NotAllowedNow:
        db.session.rollback()
        log.info("an account is erased later: a mail to it is on its way")
        return
    db.session.commit()
    keep_list()
    if erased:
        forget_caught()
        nudge(drain)
        nudge(erase_due)


def forget_caught() -> None:
    """The files of the demonstration's catcher, too. Elsewhere mails leave, and no file is kept."""
    if current_app.config["DEMO"]:
        caught_mails.forget_emptied(Path(current_app.config["MAIL_FOLDER"]))


def keep_list() -> None:
    """The list outside of the database, brought up to what was erased by this task or any other. One that cannot be written stops nothing."""
    path = current_app.config["ERASURES_FILE"]
    if not path:
        return
    try:
        personal_data_erased.keep(Path(path), at=now())
    except (OSError, ValueError) as error:
        log.error("the list of erasures cannot be written, and a backup would bring people back: %s", error)
