"""Settings of this application that services take as arguments."""

from flask import current_app

from matchmaker.services import sealing
from matchmaker.services.outbox import MailSettings


def mail_settings() -> MailSettings:
    return MailSettings.from_config(current_app.config)


def site_keys() -> tuple[str, ...]:
    return sealing.keys_of(current_app.config)
