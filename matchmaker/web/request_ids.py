"""What names a request: in the logs, on a page of error, in the audit log and in the answer's headers."""

import secrets

from flask import Flask, Response, g


def request_id() -> str:
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    return str(g.request_id)


def name_the_request(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    return response


def init_app(app: Flask) -> None:
    app.after_request(name_the_request)
