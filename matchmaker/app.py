"""The application factory: everything is wired here and nowhere else."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from config import ROOT, Config
from matchmaker import cli, cli_outbox, cli_personal_data, web
from matchmaker.extensions import babel, create_celery, csrf, db, limiter, login_manager, migrate
from matchmaker.services import sealing


def create_app(config: type[Config] = Config, **settings: object) -> Flask:
    """An application with the settings of ``config``, each of which ``settings`` may replace."""
    app = Flask("matchmaker", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "matchmaker" / "static"))
    app.config.from_object(config)
    app.config.update(settings)
    web.security.refuse_to_start(app.config)

    # Forms of pages that were opened before the key was replaced are taken too: the last of these keys signs, all are read.
    app.config.setdefault("WTF_CSRF_SECRET_KEY", list(reversed(sealing.keys_of(app.config))))

    if app.config["PROXIES"]:
        # The host is never theirs to say: links come from PUBLIC_URL.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=app.config["PROXIES"], x_proto=app.config["PROXIES"], x_host=0)  # type: ignore[method-assign]

    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    login_manager.init_app(app)
    csrf.init_app(app)
    babel.init_app(app)
    limiter.init_app(app)
    app.extensions["celery"] = create_celery(app)
    web.init_app(app)
    cli.init_app(app)
    cli_outbox.init_app(app)
    cli_personal_data.init_app(app)
    return app
