"""Every setting of the application. The only module that reads the environment."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery.schedules import crontab
from kombu import Queue

ROOT = Path(__file__).resolve().parent


def _flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name, "").strip().lower()
    return default if not value else value in {"1", "true", "yes", "on"}


def _engine_options(*, statement_timeout_seconds: int, idle_seconds: int = 30) -> dict[str, Any]:
    timeouts = f"-c statement_timeout={statement_timeout_seconds}s -c lock_timeout=5s -c idle_in_transaction_session_timeout={idle_seconds}s -c timezone=UTC"
    # Either end finds out within half a minute that the machine of the other vanished; the server then frees its locks.
    alive = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    timeouts += " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
    # What people typed stands in no message of an error, and so in no log.
    quiet = {"hide_parameters": True}
    return {"pool_pre_ping": True, "pool_size": 5, "max_overflow": 5, **quiet, "connect_args": {"options": timeouts, **alive}}


class Config:
    """Settings of a running installation. Secrets have no default: `./croisee run` makes one for its own machine."""

    SECRET_KEY = os.environ.get("SECRET_KEY", "")
    # Keys that were replaced, the latest first, with commas between them: what they signed stays good until they are taken away.
    SECRET_KEY_FALLBACKS = [key for key in os.environ.get("SECRET_KEY_FALLBACKS", "").split(",") if key]
    SQLALCHEMY_DATABASE_URI = os.environ.get("DATABASE_URL", "postgresql+psycopg:///croisee")
    SQLALCHEMY_ENGINE_OPTIONS = _engine_options(statement_timeout_seconds=int(os.environ.get("STATEMENT_TIMEOUT", "60")))
    REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
    # The address that people type: links in mails are built from it, never from what a browser claims.
    PUBLIC_URL = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
    PREFERRED_URL_SCHEME = PUBLIC_URL.partition(":")[0]
    DEMO = _flag("DEMO")
    # Real people's data: a weak key, debugging or the demonstration's accounts keep the site from starting.
    PRODUCTION = _flag("PRODUCTION", default=PREFERRED_URL_SCHEME == "https")
    # The names under which the site answers; whoever asks for another one is refused. Probes of this machine use the last two.
    TRUSTED_HOSTS = [urlsplit(PUBLIC_URL).hostname or "localhost", *os.environ.get("TRUSTED_HOSTS", "").split(), "127.0.0.1", "localhost"]
    # Who looks after territories or the site types a code of their telephone too. Off only where a directory in front asks for one itself.
    SECOND_FACTOR = _flag("SECOND_FACTOR", default=True)
    # A provider of identities (OpenID Connect) with which people may come in too: docs/operations.md. Without an address nothing is asked of anybody.
    OPENID_DISCOVERY_URL = os.environ.get("OPENID_DISCOVERY_URL", "")
    OPENID_CLIENT_ID = os.environ.get("OPENID_CLIENT_ID", "")
    OPENID_CLIENT_SECRET = os.environ.get("OPENID_CLIENT_SECRET", "")
    OPENID_LABEL = os.environ.get("OPENID_LABEL", "ProConnect")
    OPENID_SCOPES = os.environ.get("OPENID_SCOPES", "openid email")
    # Levels (acr) at which it asks for two factors: who comes so types no code of ours.
    OPENID_STRONG_LEVELS = os.environ.get("OPENID_STRONG_LEVELS", "").split()
    # It knows whose its addresses are, and does not say so of each (email_verified).
    OPENID_VOUCHES = _flag("OPENID_VOUCHES")
    # How many proxies stand in front, each of which adds the address that it saw. With none, X-Forwarded-For is only what a browser claims.
    PROXIES = int(os.environ.get("PROXIES", "0"))

    # Who answers for this installation, for the legal pages: only its operator knows. What is not said is missing there, in plain words.
    PUBLISHER_NAME = os.environ.get("PUBLISHER_NAME", "")
    PUBLISHER_ADDRESS = os.environ.get("PUBLISHER_ADDRESS", "")
    PUBLISHER_EMAIL = os.environ.get("PUBLISHER_EMAIL", "")
    PUBLISHER_PHONE = os.environ.get("PUBLISHER_PHONE", "")
    PUBLICATION_DIRECTOR = os.environ.get("PUBLICATION_DIRECTOR", "")
    HOSTING_COMPANY = os.environ.get("HOSTING_COMPANY", "")
    # Whom people write to about their data; without it, the publisher.
    DATA_PROTECTION_EMAIL = os.environ.get("DATA_PROTECTION_EMAIL", "")

    SMTP_HOST = os.environ.get("SMTP_HOST", "localhost")
    SMTP_PORT = int(os.environ.get("SMTP_PORT", "25"))
    SMTP_USERNAME = os.environ.get("SMTP_USERNAME", "")
    SMTP_PASSWORD = os.environ.get("SMTP_PASSWORD", "")
    SMTP_STARTTLS = _flag("SMTP_STARTTLS")
    SMTP_TIMEOUT = float(os.environ.get("SMTP_TIMEOUT", "30"))
    # What the relay's certificate must lead to, when that is not an authority that this machine knows already.
    SMTP_CA_FILE = os.environ.get("SMTP_CA_FILE", "")
    MAIL_SENDER = os.environ.get("MAIL_SENDER", "bonjour@croisee.test")
    # Nothing leaves but what `flask outbox release` let go: for the hour after a backup was restored.
    OUTBOX_HOLD = _flag("OUTBOX_HOLD")
    # Connections to the relay at once, over all workers; and mails in a second to one domain (0: as many as there are).
    OUTBOX_CONNECTIONS = int(os.environ.get("OUTBOX_CONNECTIONS", "3"))
    OUTBOX_DOMAIN_RATE = float(os.environ.get("OUTBOX_DOMAIN_RATE", "10"))
    # A rehearsal of failures, in which a process may be told to die at a certain point.
    DRILL = _flag("DRILL")
    CRASH_AT = os.environ.get("CRASH_AT", "") if DRILL else ""
    # Who was erased, by day and id, outside of the database: after a restore they are erased again. Keep a copy of it where the backups are.
    ERASURES_FILE = os.environ.get("ERASURES_FILE", str(ROOT / "var" / "erasures.txt"))
    # Who sends « Authorization: Bearer … » with it reads /metrics; without one, only this machine itself does.
    METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")
    # The mailbox of MAIL_SENDER, where calendars and mail servers answer. Without a host it is not read: the page behind the link is the answer.
    IMAP_HOST = os.environ.get("IMAP_HOST", "")
    IMAP_PORT = int(os.environ.get("IMAP_PORT", "993"))
    IMAP_USERNAME = os.environ.get("IMAP_USERNAME", "")
    IMAP_PASSWORD = os.environ.get("IMAP_PASSWORD", "")
    IMAP_TLS = _flag("IMAP_TLS", default=True)
    IMAP_FOLDER = os.environ.get("IMAP_FOLDER", "INBOX")
    # Where answers that were understood are put away; empty: they stay, marked as read.
    IMAP_DONE_FOLDER = os.environ.get("IMAP_DONE_FOLDER", "")
    # The name in which that server writes Authentication-Results. Without it no sender is vouched for, and each answer waits for a person.
    IMAP_AUTHSERV_ID = os.environ.get("IMAP_AUTHSERV_ID", "")
    # Where the demonstration's mail catcher keeps what it received.
    MAIL_FOLDER = os.environ.get("MAIL_FOLDER", str(ROOT / "var" / "mails"))

    # The public directory of companies, which fills in a sign-up. Empty: it is asked nothing, and people write themselves.
    COMPANY_SEARCH_URL = os.environ.get("COMPANY_SEARCH_URL", "https://recherche-entreprises.api.gouv.fr" if PRODUCTION else "").rstrip("/")

    BABEL_DEFAULT_LOCALE = "fr"
    BABEL_DEFAULT_TIMEZONE = "Europe/Paris"

    MAX_CONTENT_LENGTH = 2 * 1024 * 1024
    MAX_FORM_MEMORY_SIZE = 500 * 1024
    MAX_FORM_PARTS = 200
    # A browser takes a name that begins so only over HTTPS, for this host alone and for all of its paths.
    SESSION_COOKIE_NAME = "__Host-session" if PREFERRED_URL_SCHEME == "https" else "croisee"
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    SESSION_COOKIE_SECURE = PREFERRED_URL_SCHEME == "https"
    # The cookie only; the session itself ends sooner for who sees much: services/sessions.py.
    PERMANENT_SESSION_LIFETIME = timedelta(days=7)
    SEND_FILE_MAX_AGE_DEFAULT = timedelta(hours=1)
    WTF_CSRF_TIME_LIMIT = None

    # Pages of one kind that one person, or one address without an account, may ask for. Keys and passwords have tighter limits of their own.
    LIMIT_ANONYMOUS = os.environ.get("LIMIT_ANONYMOUS", "60 per minute; 20 per second")
    LIMIT_SIGNED_IN = os.environ.get("LIMIT_SIGNED_IN", "120 per minute; 20 per second")
    RATELIMIT_STRATEGY = "moving-window"
    RATELIMIT_STORAGE_URI = REDIS_URL.replace("redis+socket://", "redis+unix://").replace("virtual_host=", "db=")
    RATELIMIT_STORAGE_OPTIONS = {"socket_connect_timeout": 1, "socket_timeout": 1}
    RATELIMIT_IN_MEMORY_FALLBACK_ENABLED = True
    RATELIMIT_SWALLOW_ERRORS = True
    RATELIMIT_HEADERS_ENABLED = False

    CELERY: dict[str, Any] = {
        "broker_url": REDIS_URL,
        # No result is kept: what a task did is in the database.
        "task_ignore_result": True,
        # A worker that is told no queue takes from all; told `-Q mail`, it only sends.
        "task_queues": [Queue(name) for name in ("celery", "mail", "matching", "maintenance")],
        # A long computation keeps no mail waiting, and the housekeeping keeps neither.
        "task_routes": {
            "tasks.outbox.*": {"queue": "mail"},
            "tasks.matching.*": {"queue": "matching"},
            "tasks.pools.*": {"queue": "matching"},
            "tasks.job_datings.plan_due": {"queue": "matching"},
            "tasks.asking.*": {"queue": "matching"},
            "tasks.*.expire": {"queue": "maintenance"},
            "tasks.feedback.*": {"queue": "maintenance"},
            "tasks.observatory.*": {"queue": "maintenance"},
            "tasks.saved_searches.*": {"queue": "maintenance"},
            "tasks.search.*": {"queue": "maintenance"},
            "tasks.personal_data.*": {"queue": "maintenance"},
            "tasks.retention.*": {"queue": "maintenance"},
            "tasks.white_zones.*": {"queue": "maintenance"},
            "tasks.nursery.*": {"queue": "maintenance"},
            "tasks.proposals.tell_silent": {"queue": "maintenance"},
        },
        "include": [
            "tasks.asking",
            "tasks.declarations",
            "tasks.digests",
            "tasks.feedback",
            "tasks.health",
            "tasks.job_datings",
            "tasks.mailbox",
            "tasks.matching",
            "tasks.news",
            "tasks.nursery",
            "tasks.observatory",
            "tasks.outbox",
            "tasks.outcomes",
            "tasks.personal_data",
            "tasks.pools",
            "tasks.presence",
            "tasks.proposals",
            "tasks.retention",
            "tasks.saved_searches",
            "tasks.search",
            "tasks.white_zones",
        ],
        "accept_content": ["json"],
        "task_acks_late": True,
        "worker_prefetch_multiplier": 1,
        "task_time_limit": 330,
        "task_soft_time_limit": 300,
        "worker_max_tasks_per_child": 1000,
        "worker_hijack_root_logger": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_timeout": 2,
        # A request must never wait for a broker that is down: see extensions.nudge.
        "broker_transport_options": {
            "visibility_timeout": 3600,
            "socket_connect_timeout": 2,
            "socket_timeout": 10,
            "max_retries": 1,
            "interval_start": 0,
        },
        "timezone": "Europe/Paris",
        "beat_schedule": {
            # Everything due is a row; these find it within seconds even when a nudge was lost.
            "matching.run_due": {"task": "tasks.matching.run_due", "schedule": 5.0, "options": {"expires": 5}},
            "pools.compose_due": {"task": "tasks.pools.compose_due", "schedule": 5.0, "options": {"expires": 5}},
            "job_datings.plan_due": {"task": "tasks.job_datings.plan_due", "schedule": 5.0, "options": {"expires": 5}},
            "job_datings.settle_due": {"task": "tasks.job_datings.settle_due", "schedule": 30.0, "options": {"expires": 30}},
            "job_datings.part_due": {"task": "tasks.job_datings.part_due", "schedule": 60.0, "options": {"expires": 60}},
            "job_datings.remind_silent": {"task": "tasks.job_datings.remind_silent", "schedule": 3600.0, "options": {"expires": 3600}},
            "job_datings.forget_needs": {"task": "tasks.job_datings.forget_needs", "schedule": 3600.0, "options": {"expires": 3600}},
            "outbox.drain": {"task": "tasks.outbox.drain", "schedule": 5.0, "options": {"expires": 5}},
            "asking.ask_due": {"task": "tasks.asking.ask_due", "schedule": 300.0, "options": {"expires": 300}},
            "health.beat": {"task": "tasks.health.beat", "schedule": 30.0, "options": {"expires": 30}},
            "mailbox.read": {"task": "tasks.mailbox.read", "schedule": 60.0, "options": {"expires": 60}},
            "feedback.thank": {"task": "tasks.feedback.thank", "schedule": 1800.0, "options": {"expires": 1800}},
            "presence.close_days": {"task": "tasks.presence.close_days", "schedule": 900.0, "options": {"expires": 900}},
            "proposals.expire": {"task": "tasks.proposals.expire", "schedule": 3600.0, "options": {"expires": 3600}},
            "outcomes.ask": {"task": "tasks.outcomes.ask", "schedule": 3600.0, "options": {"expires": 3600}},
            "pools.try_due": {"task": "tasks.pools.try_due", "schedule": 5.0, "options": {"expires": 5}},
            "pools.follow_meetings": {"task": "tasks.pools.follow_meetings", "schedule": 60.0, "options": {"expires": 60}},
            "pools.expire": {"task": "tasks.pools.expire", "schedule": 3600.0, "options": {"expires": 3600}},
            "proposals.tell_silent": {"task": "tasks.proposals.tell_silent", "schedule": 3600.0, "options": {"expires": 3600}},
            "observatory.snapshot": {"task": "tasks.observatory.snapshot", "schedule": 120.0, "options": {"expires": 120}},
            # A site that was just installed or upgraded is not left without them for hours.
            "nursery.take": {"task": "tasks.nursery.take", "schedule": 300.0, "options": {"expires": 300}},
            "white_zones.take": {"task": "tasks.white_zones.take", "schedule": 300.0, "options": {"expires": 300}},
            "observatory.report": {"task": "tasks.observatory.report", "schedule": 3600.0, "options": {"expires": 3600}},
            "news.send": {"task": "tasks.news.send", "schedule": 900.0, "options": {"expires": 900}},
            "saved_searches.send": {"task": "tasks.saved_searches.send", "schedule": 900.0, "options": {"expires": 900}},
            "digests.send": {"task": "tasks.digests.send", "schedule": 900.0, "options": {"expires": 900}},
            "personal_data.export_due": {"task": "tasks.personal_data.export_due", "schedule": 15.0, "options": {"expires": 15}},
            "personal_data.erase_due": {"task": "tasks.personal_data.erase_due", "schedule": 300.0, "options": {"expires": 300}},
            # At night, when nobody waits for the tables that it goes through.
            "retention.nightly": {"task": "tasks.retention.nightly", "schedule": crontab(hour="3", minute="17"), "options": {"expires": 3600}},
            "search.gather_words": {"task": "tasks.search.gather_words", "schedule": crontab(hour="3", minute="47"), "options": {"expires": 3600}},
            "declarations.expire": {"task": "tasks.declarations.expire", "schedule": 3600.0, "options": {"expires": 3600}},
            "matching.request_weekly": {"task": "tasks.matching.request_weekly", "schedule": 3600.0, "options": {"expires": 3600}},
        },
    }


class TestConfig(Config):
    """Settings of the tests: fixed, whatever the machine's environment says."""

    TESTING = True
    # A test is one transaction, and computes within it on a machine that others use.
    SQLALCHEMY_ENGINE_OPTIONS = _engine_options(statement_timeout_seconds=60, idle_seconds=360)
    SECRET_KEY = "only for tests, and long enough to be taken"  # noqa: S105
    PUBLIC_URL = "http://croisee.test"
    PREFERRED_URL_SCHEME = "http"
    PRODUCTION = False
    TRUSTED_HOSTS = ["croisee.test", "localhost", "127.0.0.1"]
    SESSION_COOKIE_NAME = "croisee"
    SESSION_COOKIE_SECURE = False
    MAIL_SENDER = "bonjour@croisee.test"
    METRICS_TOKEN = ""
    ERASURES_FILE = ""
    IMAP_HOST = ""
    IMAP_AUTHSERV_ID = ""
    WTF_CSRF_ENABLED = False
    RATELIMIT_ENABLED = False
    OUTBOX_DOMAIN_RATE = 0.0
    COMPANY_SEARCH_URL = ""
    DEMO = True
    # Tests of what those roles do sign in without a telephone; those of the second factor turn it on.
    SECOND_FACTOR = False
    OPENID_DISCOVERY_URL = ""
