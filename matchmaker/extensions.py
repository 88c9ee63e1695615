"""What Flask is extended with, and the nudge that makes the queue quick without making it needed."""

import logging
import os
from contextlib import nullcontext
from typing import Any

from celery import Celery, Task
from flask import Flask, current_app, has_app_context, session
from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from kombu.exceptions import OperationalError
from sqlalchemy import text

from matchmaker.models import Base

log = logging.getLogger(__name__)

db = SQLAlchemy(metadata=Base.metadata)
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
babel = Babel()


def asker() -> str:
    """Who asks: the account of the session's cookie, which nobody else can sign, or the address. Asks the database nothing."""
    return str(session.get("_user_id") or get_remote_address())


def pages_limit() -> str:
    """How many pages one person, or one address without an account, may ask for where a page says nothing else."""
    return str(current_app.config["LIMIT_SIGNED_IN" if "_user_id" in session else "LIMIT_ANONYMOUS"])


limiter = Limiter(asker, default_limits=[pages_limit])


def compute_at_length() -> None:
    """This transaction holds its row while the engine computes: let it rest between two statements as long as a task may last.

    Any other one that rests for half a minute was forgotten, and the server ends it (config.py).
    """
    db.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '360s'"))


def create_celery(app: Flask) -> Celery[Any]:
    """A Celery application whose tasks run inside this Flask application's context."""

    class ContextTask(Task[Any, Any]):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            with nullcontext() if has_app_context() else app.app_context():
                return self.run(*args, **kwargs)

    celery_app = Celery("matchmaker", task_cls=ContextTask)
    celery_app.config_from_object(app.config["CELERY"])
    celery_app.set_default()
    return celery_app


def crash_point(name: str) -> None:
    """Die here, as by `kill -9`, when a rehearsal of failures asks for it."""
    if has_app_context() and current_app.config["CRASH_AT"] == name:
        os._exit(137)


def nudge(task: Any, *args: Any) -> None:
    """Ask a worker to look now. When the broker is down, say so in the log and go on: beat finds the row later."""
    crash_point("before the nudge")
    try:
        task.apply_async(args, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("queue unreachable, %s waits for the next beat: %s", task.name, error)
