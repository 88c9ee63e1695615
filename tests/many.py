"""Many rows where a test wrote a few: copies of them, each with ids of its own and with the links among themselves."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, insert, select, text

from matchmaker.extensions import db
from matchmaker.models import Base


def multiply(names: Sequence[str], times: int) -> None:
    """So many copies of all rows of these tables, which are given in the order of their links. Unique texts get a number; other unique ones go."""
    tables = [Base.metadata.tables[name] for name in names]
    kept = {table.name: [dict(row) for row in db.session.execute(select(table)).mappings()] for table in tables}
    for number in range(times):
        ids: dict[str, dict[Any, Any]] = defaultdict(dict)
        for table in tables:
            rows = [copied(table, row, number, ids) for row in kept[table.name]]
            if rows:
                db.session.execute(insert(table), rows)
    # As the server does within a minute: plans made for ten rows would take a minute for a thousand.
    db.session.execute(text(f"ANALYZE {', '.join(names)}"))
    db.session.commit()


def copied(table: Table, row: dict[str, Any], number: int, ids: dict[str, dict[Any, Any]]) -> dict[str, Any]:
    found = {}
    for column in table.columns:
        if column.computed is not None or column.identity is not None:
            continue
        value = row[column.name]
        for key in column.foreign_keys:
            value = ids[key.column.table.name].get(value, value)
        if column.primary_key and not column.foreign_keys:
            value = ids[table.name][row[column.name]] = uuid4()
        elif column.unique and value is not None:
            value = f"{number}-{value}" if column.type.python_type is str else None
        found[column.name] = value
    return found
