"""Boxes that stand in the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medshelf.formats.boxes import Box, Boxes, Frame
from medshelf.formats.markup import as_number
from medshelf.model.layout import TableSlot

CORNERS = ("x0", "y0", "x1", "y1")
"""Two corners: left, top, right, bottom."""
SIZES = ("x", "y", "width", "height")
"""The left upper corner, and a size."""
_BLANK = ("", "nan", "none")


def boxes_of_rows(rows: Sequence[Mapping[str, Any]], slot: TableSlot, where: str) -> Boxes:
    """Return the boxes of a case.

    Parameters
    ----------
    rows : sequence of mapping
        Its rows, with the meanings that the layout gives to columns: ``label``, and the names of `CORNERS` or of
        `SIZES`.
    slot : TableSlot
        Its ``frame`` is one of `medshelf.formats.boxes.Frame`; ``pixel`` means ``"edges"``.

    Returns
    -------
    Boxes
        A row whose numbers are all blank has no box: it says that there is nothing. The other columns are in
        ``extra``.

    Raises
    ------
    FormatError
        A row with some of the four numbers, or with one that is none.
    """
    names = CORNERS if "x0" in slot.columns else SIZES
    frame: Frame = slot.frame if slot.frame in ("inclusive-0", "inclusive-1") else "edges"  # type: ignore[assignment]
    boxes: list[Box] = []
    for row in rows:
        numbers = ["" if row.get(name) is None else str(row[name]).strip() for name in names]
        if all(text.lower() in _BLANK for text in numbers):
            continue
        x, y, right, bottom = (as_number(t, n, where) for t, n in zip(numbers, names, strict=True))
        if names is SIZES:
            last = 0 if frame == "edges" else 1  # whole pixels that belong to the box
            right, bottom = x + right - last, y + bottom - last
        extra = {key: value for key, value in row.items() if key not in names and key != "label"}
        boxes.append(Box(str(row.get("label", "")), x, y, right, bottom, extra))
    return Boxes(None, tuple(boxes), frame)
