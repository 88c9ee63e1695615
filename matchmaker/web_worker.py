"""The web server's own refusal of an address without an end, as a page of ours: `gunicorn --worker-class matchmaker.web_worker.Worker`."""

import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.http.errors import LimitRequestLine
from gunicorn.workers.gthread import ThreadWorker

from matchmaker.web.errors import error_page

# What still comes is read and thrown away before the answer, or the browser would show that the connection was lost; and nobody holds a thread for long.
QUIET_SECONDS, MOST_SECONDS = 0.2, 2.0


class Worker(ThreadWorker):  # type: ignore[misc]
    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        if not isinstance(exc, LimitRequestLine):
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("Address too long from ip=%s", addr[0])
        with suppress(OSError):
            end = time.monotonic() + MOST_SECONDS
            client.settimeout(QUIET_SECONDS)
            with suppress(TimeoutError):
                while time.monotonic() < end and client.recv(65536):
                    pass
            client.settimeout(MOST_SECONDS)
            client.sendall(too_long(self.wsgi))


def too_long(app: Any) -> bytes:
    """The page, with the headers of every page."""
    with app.test_request_context("/", base_url=app.config["PUBLIC_URL"]):
        response = app.process_response(app.make_response(error_page(414)))
    head = "".join(f"{name}: {value}\r\n" for name, value in response.headers if name != "Set-Cookie")
    return f"HTTP/1.1 {response.status}\r\n{head}Connection: close\r\n\r\n".encode() + response.get_data()
