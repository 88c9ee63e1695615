"""Where gunicorn, celery and flask start: `app` and `celery_app`."""

from matchmaker.app import create_app

app = create_app()
celery_app = app.extensions["celery"]
