"""What `./croisee run` decides, and how it watches over its children."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from matchmaker.processes import Child
from matchmaker.supervisor import chosen_port, free_port, kept_secret, only_one, settings
from matchmaker.watching import Interrupted, StartError, Supervisor, pause

ROOT = Path(__file__).resolve().parents[1]


def given(environ, tmp_path):
    return settings(environ, port=8000, secret_key="a key", mail_folder=tmp_path)


@pytest.fixture
def lines():
    return []


@pytest.fixture
def supervisor(lines):
    supervisor = Supervisor(say=lines.append)
    yield supervisor
    supervisor.stop()


def child(tmp_path, script, name="Child"):
    return Child(name, ["/bin/sh", "-c", script], log=tmp_path / f"{name}.log")


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_a_bare_machine_gets_the_demo_a_secret_and_a_mail_catcher(tmp_path):
    told = given({}, tmp_path)

    assert (told["DEMO"], told["SECRET_KEY"], told["PUBLIC_URL"]) == ("1", "a key", "http://127.0.0.1:8000")
    assert (told["SMTP_HOST"], told["MAIL_FOLDER"]) == ("127.0.0.1", str(tmp_path))


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "SMTP_HOST"])
def test_a_real_server_switches_the_demo_off(tmp_path, name):
    assert given({name: "real"}, tmp_path)["DEMO"] == "0"


def test_what_the_person_sets_is_kept(tmp_path):
    told = given({"DEMO": "1", "SMTP_HOST": "mail.example", "SMTP_PORT": "25", "SECRET_KEY": "mine", "PUBLIC_URL": "https://croisee.example"}, tmp_path)

    assert told.keys() == {"PYTHONUNBUFFERED"}


def test_a_taken_port_is_refused_with_a_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartError, match=r"taken.*PORT=8001 ./croisee run"):
        chosen_port({"PORT": str(taken.getsockname()[1])})


@pytest.mark.parametrize("port", ["zero", "0", "65536", "-1", "80a"])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(StartError, match="PORT must be a number"):
        chosen_port({"PORT": port})


def test_a_free_port_is_taken_as_given():
    port = free_port()

    assert chosen_port({"PORT": str(port)}) == port


def test_a_second_run_in_the_same_folder_is_told_who_holds_it(tmp_path):
    script = "import sys; from pathlib import Path; from matchmaker.supervisor import only_one; only_one(Path(sys.argv[1])); print('held', flush=True); input()"
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StartError, match=f"already runs from this folder .process {other.pid}."):
            only_one(tmp_path)
        other.kill()
        other.wait()

    only_one(tmp_path)
    assert (tmp_path / "supervisor.lock").read_text() == str(os.getpid())


def test_the_secret_is_made_once_and_for_us_only(tmp_path):
    path = tmp_path / "secret_key"

    secret = kept_secret(path)

    assert len(secret) >= 43
    assert kept_secret(path) == secret
    assert path.stat().st_mode & 0o077 == 0


def test_the_pause_grows_and_has_a_limit():
    assert [pause(failures) for failures in (0, 1, 2, 3)] == [0.5, 1.0, 2.0, 4.0]
    assert pause(1000) == 30.0


@pytest.mark.processes
def test_a_child_that_dies_is_started_again(supervisor, lines, tmp_path):
    started = tmp_path / "started"
    victim = child(tmp_path, f"echo x >> '{started}'; exec sleep 60", "Worker")
    supervisor.start(victim)
    assert wait_until(started.exists)
    os.kill(victim.process.pid, signal.SIGKILL)

    def enough(line):
        lines.append(line)
        supervisor.signals += line == "Worker started again."

    supervisor.say = enough
    supervisor.watch()

    assert lines[0].startswith("Worker stopped by itself (killed by signal 9): starting it again in 0.5 s.")
    assert wait_until(lambda: started.read_text() == "x\nx\n")


@pytest.mark.processes
def test_children_stop_in_the_opposite_order_and_take_their_own_along(supervisor, tmp_path):
    order = tmp_path / "order"
    for name in ("first", "second"):
        supervisor.start(child(tmp_path, f"trap 'echo {name} >> \"{order}\"; exit' TERM; sleep 61 & echo $! > '{tmp_path}/{name}'; wait", name))
    pids = [tmp_path / "first", tmp_path / "second"]
    assert wait_until(lambda: all(path.exists() and path.read_text().strip() for path in pids))

    supervisor.stop()

    assert order.read_text().split() == ["second", "first"]
    assert wait_until(lambda: not any(Path(f"/proc/{path.read_text().strip()}").exists() for path in pids))


@pytest.mark.processes
def test_a_child_that_will_not_stop_is_killed(tmp_path):
    stubborn = child(tmp_path, "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    stubborn.patience = 0.3
    stubborn.start()
    assert wait_until(lambda: "ready" in stubborn.tail())

    stubborn.stop()

    assert stubborn.collect() == -signal.SIGKILL


@pytest.mark.processes
def test_a_failing_preparation_shows_the_end_of_its_log(supervisor, tmp_path):
    with pytest.raises(StartError, match=r"Preparation failed(?s:.*)no such table"):
        supervisor.run_once(child(tmp_path, "echo no such table; exit 3", "Preparation"))


@pytest.mark.processes
def test_ctrl_c_interrupts_the_start(supervisor, tmp_path):
    slow = child(tmp_path, "exec sleep 60", "Preparation")
    supervisor.signals = 1

    with pytest.raises(Interrupted):
        supervisor.run_once(slow)

    assert slow.exited()


@pytest.mark.processes
def test_a_part_that_ends_while_it_should_come_up_is_named(supervisor, tmp_path):
    supervisor.start(child(tmp_path, "echo bad option; exit 2", "Web server"))

    with pytest.raises(StartError, match=r"Web server did not start(?s:.*)bad option"):
        supervisor.wait_until_up(lambda: False, 30)
