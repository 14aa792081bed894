"""Where a layout says that something stands: a field, a column of a table, or a key of a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def told(
    of: str,
    fields: Mapping[str, Any],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    records: Mapping[str, Mapping[str, Any]],
) -> Any:
    """Return what stands there for one case, or None; an empty cell tells nothing.

    Parameters
    ----------
    of : str
        ``"field"``, ``"table.column"`` (the first row of the case that has it) or ``"record.key"``.
    fields, rows, records : mapping
        Those of the case; rows by table.
    """
    head, _, rest = of.partition(".")
    if not rest:
        return fields.get(head)
    if head in records:
        return records[head].get(rest)
    return next((row[rest] for row in rows.get(head, ()) if row.get(rest) not in (None, "")), None)
