"""A whole site of real processes: gunicorn, a Celery worker with its beat, an SMTP server; and Chromium in front of it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from tests.conftest import new_database, redis_url
from tests.openid_server import CLIENT_ID, CLIENT_SECRET, OpenidServer

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
]
# A page that is being left says so: a touch that leads elsewhere is then waited for, however slow the machine is.
LEAVING = "addEventListener('beforeunload', () => document.documentElement.setAttribute('data-leaving', ''))"
NEXT_TURN = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def browser_path() -> str | None:
    return os.environ.get("CROISEE_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Site:
    url: str
    env: dict[str, str]
    mails: Path
    provider: OpenidServer

    def flask(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.env, check=True, stdout=subprocess.PIPE, text=True).stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Site]:
    """One for each worker of the tests: nothing is shared with the others, neither a database nor a queue."""
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id != "master" else 1
    folder, port, smtp = tmp_path_factory.mktemp("site"), free_port(), free_port()
    url, provider = f"http://127.0.0.1:{port}", OpenidServer()
    env = os.environ | {
        "DATABASE_URL": new_database(f"croisee_browser_{worker_id}"),
        "REDIS_URL": redis_url().replace("virtual_host=0", f"virtual_host={number}"),
        "SECRET_KEY": "of the site of the browser tests, thirty-two bytes at least",
        "PUBLIC_URL": url,
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(smtp),
        "MAIL_FOLDER": str(folder / "mails"),
        "DEMO": "1",
        "OPENID_DISCOVERY_URL": f"{provider.url}/.well-known/openid-configuration",
        "OPENID_CLIENT_ID": CLIENT_ID,
        "OPENID_CLIENT_SECRET": CLIENT_SECRET,
        # All persons of these tests have the same address; the limits have tests of their own.
        "LIMIT_ANONYMOUS": "6000 per minute",
        "LIMIT_SIGNED_IN": "6000 per minute",
    }
    site = Site(url, env, folder / "mails", provider)
    with ExitStack() as stack:
        stack.enter_context(provider)

        def start(name: str, *arguments: str) -> None:
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen([sys.executable, "-m", *arguments], cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
            stack.callback(stop, process)

        start("mailcatcher", "matchmaker.mailcatcher", "--port", str(smtp), "--folder", str(folder / "mails"))
        site.flask("demo", "load")
        never_closed(env["DATABASE_URL"])
        start(
            "web", "gunicorn", "wsgi:app", "--worker-class", "matchmaker.web_worker.Worker", "--workers", "2", "--threads", "4", "--bind", f"127.0.0.1:{port}"
        )
        start("worker", "celery", "-A", "wsgi:celery_app", "worker", "--loglevel=INFO", "--concurrency=1")
        start("beat", "celery", "-A", "wsgi:celery_app", "beat", "--loglevel=WARNING", "--schedule", str(folder / "beat"))
        wait_for(url, folder)
        yield site


def never_closed(database: str) -> None:
    """The structures of the demonstration may be written to at once, whatever the hour of the tests: mails wait for no morning."""
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE organisation SET opens_at = 0, closes_at = 24")
        connection.execute("UPDATE outbox_mail SET not_before = now() WHERE status = 'queued' AND not_before > now()")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(url: str, folder: Path) -> None:
    for _try in range(240):
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=2).close()
        except OSError:
            time.sleep(0.25)
        else:
            return
    pytest.fail((folder / "web.log").read_text())


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = browser_path()
    if path is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Person:
    """Somebody in front of a browser of their own. Every page that they see is checked for accessibility."""

    site: Site
    context: BrowserContext
    page: Page

    def go(self, path: str) -> None:
        self.page.goto(f"{self.site.url}{path}")
        self.look()

    def click(self, name: str, role: str = "button") -> None:
        """Press a button or follow a link by its name, and look at what comes."""
        # A download said that the page would be left, and it was not.
        self.page.evaluate("document.documentElement.removeAttribute('data-leaving')")
        self.page.get_by_role(role, name=name, exact=False).first.click()  # type: ignore[arg-type]
        self.settle()
        self.look()

    def settle(self) -> None:
        """Wait for the page that the last touch leads to, if it leads to one: a form is sent a moment after its button was pressed."""
        with suppress(Error):  # the page was left meanwhile
            self.page.evaluate(NEXT_TURN)
        self.page.wait_for_selector("html:not([data-leaving])", state="attached")
        self.page.wait_for_load_state("load")

    def sign_in(self, email: str, password: str = "demo-croisee-2026") -> None:
        self.go("/connexion")
        self.page.get_by_label("Adresse électronique").fill(email)
        self.page.get_by_role("textbox", name="Mot de passe").fill(password)
        self.click("Me connecter")

    def look(self) -> None:
        """No accessibility error, nothing wider than the screen, nothing that the content policy refused."""
        violations = Axe().run(self.page, options=AXE).response["violations"]
        told = [(violation["id"], [node["target"] for node in violation["nodes"]][:3]) for violation in violations]
        assert told == [], (self.page.url, told)
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, (self.page.url, wide)

    @property
    def text(self) -> str:
        return self.page.locator("main").inner_text()


@pytest.fixture
def person(site: Site, chromium: Browser):  # type: ignore[no-untyped-def]
    """A maker of persons, each with a screen of a width of their own."""
    contexts: list[BrowserContext] = []

    def come(width: int = 1280) -> Person:
        context = chromium.new_context(viewport={"width": width, "height": 900}, locale="fr-FR", timezone_id="Europe/Paris", reduced_motion="reduce")
        contexts.append(context)
        context.add_init_script(LEAVING)
        page = context.new_page()
        page.set_default_timeout(30_000)
        return Person(site, context, page)

    yield come
    for context in contexts:
        context.close()
