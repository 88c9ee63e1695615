"""How Alembic reaches the models: through the Flask application's own connection."""

from alembic import context
from flask import current_app

config = context.config
db = current_app.extensions["migrate"].db


def skip_empty(_context, _revision, directives):
    """No file when nothing changed."""
    if getattr(config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def run() -> None:
    with db.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=db.metadata, process_revision_directives=skip_empty, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    context.configure(url=str(db.engine.url), target_metadata=db.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    run()
