"""A folder of CSV tables, UTF-8 with a header."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from medshelf.catalogue.dump.tables import tables
from medshelf.model.dataset import Record


def write(records: Sequence[Record], place: Path) -> None:
    """Write one file a table."""
    for table in tables(records):
        with (place / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(table.columns)
            writer.writerows(table.rows)
