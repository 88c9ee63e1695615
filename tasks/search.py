"""The words of the directory, read anew at night."""

from celery import shared_task

from matchmaker.extensions import db
from matchmaker.services import search_text


@shared_task
def gather_words() -> None:
    search_text.gather_words()
    db.session.commit()
