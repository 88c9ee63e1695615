"""The mail catcher keeps what it receives, byte for byte, behind its envelope."""

import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.processes


@pytest.fixture
def catcher(tmp_path):
    command = [sys.executable, "-m", "matchmaker.mailcatcher", "--folder", str(tmp_path / "mails")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        yield int(process.stdout.readline()), tmp_path / "mails"
        process.terminate()
        assert process.wait(10) == 0


def test_a_mail_is_kept_with_its_envelope(catcher):
    port, folder = catcher
    content = "Subject: Été\r\n\r\nBonjour à tous\r\n.une ligne qui commence par un point\r\n".encode()
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("a@croisee.test", ["b@croisee.test", "c@croisee.test"], content, mail_options=["BODY=8BITMIME"])

    (path,) = folder.iterdir()

    assert path.suffix == ".eml"
    assert path.read_bytes() == b"X-Envelope-From: a@croisee.test\r\nX-Envelope-To: b@croisee.test, c@croisee.test\r\n" + content


def test_long_lines_and_many_mails_on_one_connection_are_kept_in_order(catcher):
    port, folder = catcher
    with smtplib.SMTP("127.0.0.1", port) as client:
        for number in range(3):
            client.sendmail("a@croisee.test", "b@croisee.test", f"Subject: {number}\r\n\r\n{'x' * 100_000}\r\n")

    kept = [path.read_text() for path in sorted(folder.iterdir())]

    assert [text.split("Subject: ")[1][0] for text in kept] == ["0", "1", "2"]
    assert all("x" * 100_000 in text for text in kept)
