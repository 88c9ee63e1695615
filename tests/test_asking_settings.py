"""The table of the policy's settings says what the code does."""

import ast
import importlib
import re
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "docs" / "asking.md"


def rows() -> dict[str, str]:
    return dict(re.findall(r"^\| `([\w.]+)` \| ([^|]+?) \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_setting_of_the_table_has_its_value_in_the_code() -> None:
    for name, written in rows().items():
        module, _, constant = name.rpartition(".")
        assert getattr(importlib.import_module(f"matchmaker.{module}"), constant) == ast.literal_eval(written), name


def test_every_number_of_the_engines_policy_stands_in_the_table() -> None:
    for module in ("solicitation", "cover", "rates"):
        tree = ast.parse((TABLE.parents[1] / "matchmaker" / "engine" / f"{module}.py").read_text(encoding="utf-8"))
        own = [target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)]
        missing = [name for name in own if name.isupper() and name != "BINS" and f"engine.{module}.{name}" not in rows()]
        assert missing == []
