"""The few rules of Table Schema that the open files use, checked without the code that writes them."""

import re
from typing import Any

TYPES = {
    "string": lambda text: True,
    "integer": lambda text: re.fullmatch(r"-?\d+", text),
    "number": lambda text: re.fullmatch(r"-?\d+(\.\d+)?", text),
    "boolean": lambda text: text in {"true", "false"},
    "yearmonth": lambda text: re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text),
}


def mistakes(schema: dict[str, Any], header: list[str], rows: list[list[str]]) -> list[str]:
    """What is wrong with a file, in words; nothing when it keeps to its schema."""
    fields = schema["fields"]
    found = [] if header == [field["name"] for field in fields] else [f"columns {header}"]
    for number, row in enumerate(rows, 2):
        if len(row) != len(fields):
            found.append(f"line {number}: {len(row)} cells")
            continue
        found.extend(f"line {number}, {field['name']}: {text!r} {why}" for field, text in zip(fields, row, strict=True) for why in wrong(field, text))
    for field, column in zip(fields, zip(*rows, strict=True) if rows else [()] * len(fields), strict=True):
        if field["constraints"].get("unique") and len(set(column)) != len(column):
            found.append(f"{field['name']} is not unique")
    places = [header.index(name) for name in schema["primaryKey"] if name in header]
    keys = [tuple(row[place] for place in places) for row in rows]
    return found if len(set(keys)) == len(keys) else [*found, "the primary key is not unique"]


def wrong(field: dict[str, Any], text: str) -> list[str]:
    rules = field["constraints"]
    if text == "":
        return ["is required"] if rules.get("required") else []
    found = [] if TYPES[field["type"]](text) else [f"is no {field['type']}"]
    if "pattern" in rules and not re.fullmatch(rules["pattern"], text):
        found.append("does not match")
    if "enum" in rules and text not in rules["enum"]:
        found.append("is none of the values")
    if not found and field["type"] in {"integer", "number"} and not rules.get("minimum", float("-inf")) <= float(text) <= rules.get("maximum", float("inf")):
        found.append("is out of bounds")
    return found
