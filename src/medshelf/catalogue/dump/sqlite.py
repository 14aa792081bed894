"""One SQLite file with keys between its tables and a full-text index, which Datasette opens as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from medshelf.catalogue.dump.tables import Table, tables
from medshelf.model.dataset import Record

_NUMBERS = {"cases", "patients", "year", "size_bytes", "n_cases", "entry"}
_REFERENCES = {"dataset": "datasets(id)", "licence": "licence_terms(licence)"}


def write(records: Sequence[Record], place: Path) -> None:
    """Write the database."""
    with closing(sqlite3.connect(place)) as connection, connection:
        for table in sorted(tables(records), key=lambda one: one.key is None):
            connection.execute(_create(table))
            marks = ", ".join("?" * len(table.columns))
            connection.executemany(f'insert into "{table.name}" values ({marks})', table.rows)
        connection.execute(
            "create virtual table datasets_fts using fts5 (name, summary, aliases, content = 'datasets')"
        )
        connection.execute("insert into datasets_fts (datasets_fts) values ('rebuild')")


def _create(table: Table) -> str:
    columns = [f'"{name}" {_kind(table, name)}' for name in table.columns]
    return f'create table "{table.name}" ({", ".join(columns)})'


def _kind(table: Table, name: str) -> str:
    kind = "integer" if name in _NUMBERS else "text"
    if name == table.key:
        return f"{kind} primary key"
    return f"{kind} references {_REFERENCES[name]}" if name in _REFERENCES else kind
