"""What the web server itself refuses, with the options of `./croisee run`, before a line of ours is run: line 26 of the list of attacks."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from config import ROOT
from matchmaker.processes import Child
from matchmaker.supervisor import WEB, free_port, healthy
from tests.conftest import new_database, redis_url

pytestmark = pytest.mark.processes


@pytest.fixture
def port(worker_id: str, tmp_path: Path) -> Iterator[int]:
    port = free_port()
    told = {"DATABASE_URL": new_database(f"croisee_front_{worker_id}"), "REDIS_URL": redis_url(), "PUBLIC_URL": f"http://127.0.0.1:{port}"}
    command = [sys.executable, "-m", *WEB, f"--bind=127.0.0.1:{port}"]
    env = os.environ | told | {"SECRET_KEY": "of the front server's tests"}
    web = Child("Web server", command, log=tmp_path / "web.log", env=env, cwd=ROOT, death_signal=signal.SIGKILL)
    web.start()
    try:
        deadline = time.monotonic() + 60
        while not healthy(port, told["PUBLIC_URL"]):
            assert time.monotonic() < deadline, web.tail()
            time.sleep(0.2)
        yield port
    finally:
        web.stop()


def status(port: int, request: bytes) -> int:
    """The first line of what is answered to these bytes; 0 when the connection is closed without a word."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as browser:
        try:
            browser.sendall(request)
            line = browser.makefile("rb").readline()
        except (BrokenPipeError, ConnectionResetError):
            return 0
    return int(line.split()[1]) if line else 0


def test_attack_26_headers_and_addresses_have_an_end_before_the_site_reads_them(port: int) -> None:
    host = f"Host: 127.0.0.1:{port}\r\n".encode()

    assert status(port, b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n") == 200
    assert status(port, b"GET /healthz HTTP/1.1\r\n" + host + b"X-Long: " + b"x" * 100_000 + b"\r\n\r\n") in {0, 431}
    assert status(port, b"GET /healthz HTTP/1.1\r\n" + host + b"".join(b"X-%d: x\r\n" % number for number in range(200)) + b"\r\n") in {0, 431}
    assert status(port, b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + host + b"\r\n") == 414
    smuggled = b"POST /connexion HTTP/1.1\r\n" + host + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"
    assert status(port, smuggled) in {0, 400}
    assert status(port, b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n") == 200, "and it answers the next one"


def test_an_address_without_an_end_is_refused_by_a_page_of_ours(port: int) -> None:
    for length in (10_000, 500_000):
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as browser:
            browser.request("GET", f"/annuaire?q={'a' * length}")
            answer = browser.getresponse()
            assert answer.status == 414
            assert "Cette adresse est trop longue" in answer.read().decode()
            assert "default-src" in answer.headers["Content-Security-Policy"]
            assert "Set-Cookie" not in answer.headers
    assert status(port, f"GET /annuaire?q={'a' * 7000} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()) == 200
