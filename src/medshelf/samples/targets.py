"""What is to be predicted for a whole case: from a field, a table, a record or an array to a value."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from medshelf.errors import FormatError
from medshelf.model.case import Case
from medshelf.model.layout import Target
from medshelf.samples.image import Image

LIST = "[]"
"""Value of a target's `sep` for cells that are written as a list, ``['a', 'b']``."""
_LONGEST = 100_000
_BLANK = ("", "nan")


def value_of(
    target: Target,
    case: Case,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    records: Mapping[str, Mapping[str, Any]],
    image: Image | None,
) -> Any:
    """Return the value of a target for a case.

    Parameters
    ----------
    target : Target
    case : Case
    rows, records : mapping
        Tables and records of the case.
    image : Image or None
        The array, where the target is a file.

    Returns
    -------
    str, int, float, list, dict or None
        None where nobody says. A list where several rows, or a cell with several values (``sep``), say so; a dict
        for ``table.*``.

    Raises
    ------
    FormatError
        A cell that should be a list and is none.
    """
    head, _, rest = target.of.partition(".")
    if image is not None:
        value: Any = image.array
        return _meaning(target, value.item()) if value.size == 1 else value
    if head in records and rest:
        value = records[head].get(rest)
    elif head in rows and rest == "*":
        hidden = set(target.without)
        return {k: v for row in rows[head][:1] for k, v in row.items() if k not in hidden}
    elif head in rows and rest:
        found = [row.get(rest) for row in rows[head]]
        value = found[0] if len(found) == 1 else found or None
    else:
        value = case.fields.get(target.of)
    if target.sep is not None and value is not None:
        cells = value if isinstance(value, list) else [value]
        value = [one for cell in cells for one in _parts(cell, target.sep, f"{target.of}, {case.id}")]
    if isinstance(value, list):
        return [_meaning(target, v) for v in value]
    return _meaning(target, value)


def _parts(cell: Any, sep: str, where: str) -> list[str]:
    """The values of one cell: trimmed, blank ones left out."""
    text = str(cell).strip()
    if text.lower() in _BLANK:
        return []
    parts = _listed(text, where) if sep == LIST else text.split(sep)
    return [part.strip() for part in parts if part.strip()]


def _listed(text: str, where: str) -> list[str]:
    """Items of a list as Python or JSON writes it; nothing is executed."""
    if len(text) > _LONGEST:
        raise FormatError("a cell is too long for a list", where=where, why=f"{len(text)} characters")
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise FormatError("a cell is no list", where=where, why=repr(text[:80])) from error
    if not isinstance(found, list):
        raise FormatError("a cell is no list", where=where, why=repr(text[:80]))
    return [str(one) for one in found]


def _meaning(target: Target, value: Any) -> Any:
    """Return a value as meant: renamed, and a number where the target is one (None where it is no number)."""
    value = target.map.get(str(value), value)
    if target.kind != "number" or value is None or isinstance(value, int | float):
        return value
    try:
        return float(str(value)) if "." in str(value) or "e" in str(value).lower() else int(str(value))
    except ValueError:
        return None
