"""The house keeps its shape: a concept has the same file name in every layer, and no grab-bags."""

import ast
import re
from pathlib import Path

import pytest

from config import Config

ROOT = Path(__file__).resolve().parents[1]
CONCEPTS = {
    "addresses",
    "health",
    "accounts",
    "audit",
    "personal_data",
    "account_tokens",
    "sessions",
    "second_factor",
    "openid",
    "territories",
    "communities",
    "white_zones",
    "nursery",
    "organisations",
    "memberships",
    "company_search",
    "duplicates",
    "declarations",
    "drafts",
    "occupations",
    "matching",
    "proposals",
    "conversations",
    "outcomes",
    "solicitations",
    "pools",
    "venues",
    "work_queue",
    "feedback",
    "series",
    "search",
    "job_datings",
    "presence",
    "invitations",
    "outbox",
    "observatory",
    "purchasing",
}
LAYERS = ("matchmaker/models", "matchmaker/services", "matchmaker/web", "tasks")
FORBIDDEN = {"utils", "helpers", "common", "misc", "tools"}


def modules(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if path.stem != "__init__")


def test_every_concept_has_its_model() -> None:
    assert {path.stem for path in modules("matchmaker/models")} - {"base"} == CONCEPTS


def test_no_module_is_a_grab_bag() -> None:
    named = [path for folder in ("matchmaker", "tasks", "tests") for path in modules(folder) if FORBIDDEN & set(path.parts) or path.stem in FORBIDDEN]

    assert named == []


@pytest.mark.parametrize("path", modules("matchmaker/services"), ids=lambda path: path.stem)
def test_services_never_commit(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute) and node.attr == "commit"]

    assert calls == []


def test_only_the_settings_read_the_environment() -> None:
    # The processes that `./croisee run` starts hand their addresses over through the environment: they write and read it too, and so do copies.
    allowed = {"embedded", "embedded_places", "supervisor", "processes", "watching", "mailcatcher", "backups"}
    readers = [path for path in modules("matchmaker") + modules("tasks") if "os.environ" in path.read_text(encoding="utf-8") and path.stem not in allowed]

    assert readers == []


def test_templates_hold_no_script_or_style() -> None:
    wrong = []
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        is_mail = "email" in path.parts or path.name == "email.html"
        if not is_mail and (" style=" in text or "<style" in text or " onclick=" in text or "<script>" in text):
            wrong.append(path)

    assert wrong == []


def test_french_punctuation_keeps_its_space() -> None:
    """A no-break space stands before « : ; ? ! » », so that none of them begins a line."""
    loose = re.compile(r"(?<=\S) (?=(?:[:;?](?=[\s<\"”’)»]|$)|!(?=[\s<\"”]|$)|»))")
    wrong = []
    for path in sorted((ROOT / "templates").rglob("*.*")):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        wrong += [(path.name, text[found.start() - 20 : found.end() + 5]) for found in loose.finditer(text)]

    assert wrong == []


def test_every_module_of_tasks_is_read_by_the_worker() -> None:
    """A worker refuses a task of a module that the list of the configuration forgets."""
    modules = {f"tasks.{path.stem}" for path in (ROOT / "tasks").glob("[!_]*.py")}

    assert modules == set(Config.CELERY["include"])
    assert all(".".join(entry["task"].split(".")[:2]) in modules for entry in Config.CELERY["beat_schedule"].values())
