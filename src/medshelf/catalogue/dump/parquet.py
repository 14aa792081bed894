"""A folder of Parquet tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medshelf.catalogue.dump.tables import tables
from medshelf.errors import need
from medshelf.model.dataset import Record

_NUMBERS = {"cases", "patients", "year", "size_bytes", "n_cases", "entry"}


def write(records: Sequence[Record], place: Path) -> None:
    """Write one file a table; numbers are numbers, everything else is text."""
    arrow: Any = need("pyarrow", "parquet")
    parquet: Any = need("pyarrow.parquet", "parquet")
    for table in tables(records):
        schema = arrow.schema(
            [(name, arrow.float64() if name in _NUMBERS else arrow.string()) for name in table.columns]
        )
        columns = {name: [row[n] for row in table.rows] for n, name in enumerate(table.columns)}
        parquet.write_table(arrow.table(columns, schema=schema), place / f"{table.name}.parquet")
