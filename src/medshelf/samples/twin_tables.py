"""Write the tables of a twin, with the columns that the layout reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.formats.coco_mask import pack, runs_of
from medshelf.formats.rle import encode_rle
from medshelf.formats.table import write_rows
from medshelf.layout.codec import parse_codec
from medshelf.layout.twin_rows import TwinTable
from medshelf.model.case import Case
from medshelf.model.layout import Layout, TableSlot
from medshelf.samples import phantom


def write_table(layout: Layout, planned: TwinTable, cases: Sequence[Case], stage: Path) -> None:
    """Write one table."""
    slot = layout.tables[planned.table]
    rows = [_row(layout, slot, dict(row), number) for number, row in enumerate(planned.rows)]
    path = stage / planned.name
    path.parent.mkdir(parents=True, exist_ok=True)
    if slot.kind == "list":
        lines = [row.get("line", f"synthetic line {number}") for number, row in enumerate(rows, 1)]
        path.write_text("".join(f"{line}\n" for line in lines), encoding=slot.encoding or "utf-8")
        return
    columns = _columns(layout, planned.table, slot)
    if slot.columns_are:
        rows = [{name: row.get(name, "0") for name in slot.columns_are} for row in rows]
    rows = [row for row in rows if row]
    if isinstance(slot.header, tuple):  # a second row of names that is blank would not be one
        rows = [{**row, "/".join(["synthetic"] * len(slot.header)): "0"} for row in rows]
    if not rows:
        blank = "0" if slot.columns_are else ""
        rows = [dict.fromkeys(columns or ["id"], blank)] if slot.key or columns else [{"note": "synthetic"}]
    write_rows(path, rows, sep=slot.sep, encoding=slot.encoding or "utf-8", **_options(slot))


def _options(slot: TableSlot) -> dict[str, Any]:
    found: dict[str, Any] = {"header": None if slot.columns_are else slot.header, "quote": '"' if slot.quoted else None}
    if slot.sheet is not None:
        found["sheet"] = slot.sheet
    if slot.records is not None:
        found["records"] = slot.records
    return found


def _columns(layout: Layout, name: str, slot: TableSlot) -> list[str]:
    found = [*slot.columns_are, *slot.key]
    for column in slot.columns.values():
        found += [column] if isinstance(column, str) else list(column)
    return list(dict.fromkeys(found))


def _row(layout: Layout, slot: TableSlot, row: dict[str, Any], number: int) -> Mapping[str, Any]:
    """Add what the kind of table needs, where the plan left it open."""
    for meaning, column in slot.columns.items():
        for place, name in enumerate([column] if isinstance(column, str) else column):
            row.setdefault(name, _value(layout, slot, meaning, number, place))
    return row


def _value(layout: Layout, slot: TableSlot, meaning: str, number: int, place: int) -> Any:
    if meaning == "rle":
        return _run_lengths(slot, phantom.one_cell(phantom.PICTURE_SHAPE, number))
    if meaning == "label":
        names = [n for n in layout.labels.get(slot.labels or "", {}) if not n.startswith("~")] or ["1"]
        return names[number % len(names)]
    if meaning in ("centre", "diameter", "x", "y", "z", "x0", "y0", "width", "height"):
        return 5.0 + number + place
    if meaning in ("x1", "y1"):
        return 15.0 + number
    return f"{meaning} {number + 1}"


def _run_lengths(slot: TableSlot, mask: np.ndarray) -> str:
    codec = parse_codec(slot.codec or "rle")
    if codec.kind == "coco":
        return pack(runs_of(mask))
    return encode_rle(mask, start=codec.start, order=codec.order, relative=codec.relative)
