"""Reading JSON strictly: what is not expected is refused, with the place where it stands."""

import json
import math
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

_REQUIRED = object()


class BadFile(ValueError):
    """The input is refused; the message is one line that names the field and the reason."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")


def load(path: Path) -> object:
    """Read a JSON file.

    Raises
    ------
    BadFile
        No such file, not UTF-8, not JSON, a key twice in an object, or NaN and infinity.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_distinct_keys, parse_constant=_no_constant)
    except OSError as error:
        raise BadFile(str(path), error.strerror or "cannot be read") from error
    except UnicodeDecodeError as error:
        raise BadFile(str(path), f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise BadFile(str(path), f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise BadFile(str(path), "nested too deeply") from error


def store(path: Path, answer: object) -> None:
    """Write a JSON file whole or not at all."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps(answer, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, path)


class Fields:
    """The fields of one JSON object. Every access names the field; keys outside `known` are refused at once.

    Examples
    --------
    >>> Fields({"id": "N1", "size": 2}, "needs[0]", ("id", "capacity"))
    Traceback (most recent call last):
    ...
    matchmaker.engine.files.BadFile: needs[0].size: unknown key
    """

    def __init__(self, value: object, where: str, known: Collection[str]) -> None:
        self.where = where
        if not isinstance(value, dict):
            raise BadFile(where or "file", "must be an object")
        self.values: dict[str, Any] = value
        for key in value:
            if key not in known:
                raise BadFile(self.at(str(key)), "unknown key")

    def at(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def get(self, key: str, default: object = _REQUIRED) -> Any:
        if key not in self.values:
            if default is _REQUIRED:
                raise BadFile(self.at(key), "missing")
            return default
        return self.values[key]

    def text(self, key: str) -> str:
        return text(self.get(key), self.at(key))

    def whole(self, key: str, low: int, high: int, default: object = _REQUIRED) -> int:
        return whole(self.get(key, default), self.at(key), low, high)

    def whole_or_none(self, key: str, low: int, high: int) -> int | None:
        value = self.get(key, None)
        return None if value is None else whole(value, self.at(key), low, high)

    def truth(self, key: str, default: bool) -> bool:
        value = self.get(key, default)
        if not isinstance(value, bool):
            raise BadFile(self.at(key), "must be true or false")
        return value

    def items(self, key: str, default: object = _REQUIRED) -> list[Any]:
        return listing(self.get(key, default), self.at(key))


def text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise BadFile(where, "must be a non-empty string")
    return value


def whole(value: object, where: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadFile(where, f"must be an integer from {low} to {high}")
    return value


def number(value: object, where: str, above: float, high: float) -> float:
    """A finite number in ]above, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not above < value <= high:
        raise BadFile(where, f"must be a number above {above:g} and at most {high:g}")
    return float(value)


def listing(value: object, where: str, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise BadFile(where, "must be a list" if length is None else f"must be a list of {length}")
    return value


def index_of(names: Sequence[str], where: str) -> dict[str, int]:
    """Position of each name; a name given twice is refused."""
    index: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in index:
            raise BadFile(f"{where}[{position}].id", f"{name} is given twice")
        index[name] = position
    return index


def row(value: object, where: str, index: dict[str, int]) -> int:
    """Row of the thing that has this id."""
    name = text(value, where)
    if name not in index:
        raise BadFile(where, f"{name} is not declared")
    return index[name]


def _distinct_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, value in pairs:
        if key in values:
            raise BadFile(key, "key given twice")
        values[key] = value
    return values


def _no_constant(name: str) -> object:
    raise BadFile(name, "is not a number")
