"""Is what a layout says of tables, and of what is drawn, well formed?"""

from __future__ import annotations

from collections.abc import Iterator

from medshelf.errors import LayoutError
from medshelf.layout.codec import parse_codec
from medshelf.model.layout import Layout, TableSlot, Target

Complaint = tuple[tuple[str | int, ...], str]

_CORNERS = ({"x0", "y0", "x1", "y1"}, {"x", "y", "width", "height"})


def table_complaints(layout: Layout) -> Iterator[Complaint]:
    """Yield what is wrong with tables, and with fields, targets and readers that need them: path, message."""
    for name, table in layout.tables.items():
        for key, message in (*_names(table), *_kind(layout, table)):
            yield ("tables", name, key), message
    for name, target in layout.targets.items():
        yield from (((("targets", name, "sep"), message)) for message in _sep(target))
    for name, rule in layout.fields.items():
        if rule.map_from is not None and rule.map_from.table not in layout.tables:
            yield ("fields", name, "map_from"), f"there is no table [tables.{rule.map_from.table}]"
    for name, slot in layout.files.items():
        names = slot.columns.get("names")
        if isinstance(names, str) and names not in layout.files:
            yield ("files", name, "columns"), f"names = {names!r}: there is no slot [files.{names}]; list them instead"


def _names(table: TableSlot) -> Iterator[tuple[str, str]]:
    """Check where the names of columns stand."""
    lines = (table.header,) if isinstance(table.header, int) else table.header
    if not lines or min(lines) < 0 or list(lines) != sorted(set(lines)):
        yield "header", "header is the number of a row from 0, or several in rising order, such as [0, 1]"
    if table.columns_are and table.header != 0:
        yield "columns_are", "a table has either a header or columns_are: leave one out"
    if table.columns_are and table.kind == "list":
        yield "columns_are", 'a list has the one column line: leave out kind = "list", or columns_are'
    if len(set(table.columns_are)) != len(table.columns_are):
        yield "columns_are", "a name comes twice: every column needs a name of its own"
    unknown = [column for column in table.key if table.columns_are and column not in table.columns_are]
    if unknown:
        yield "key", f"columns_are does not name {', '.join(unknown)}"
    if table.sep is not None and len(table.sep) != 1:
        yield "sep", "sep is one character, such as \"|\" or \"\\t\""


def _kind(layout: Layout, table: TableSlot) -> Iterator[tuple[str, str]]:
    """Check that the columns of a kind are named."""
    columns = set(table.columns)
    if table.kind == "qa" and "question" not in columns and not table.columns_are:
        yield "columns", 'a table of questions needs columns = { question = "…" }'
    if table.kind == "boxes" and not any(corners <= columns for corners in _CORNERS):
        yield "columns", "boxes need the columns x0, y0, x1, y1, or x, y, width, height"
    if table.kind == "mask":
        if "rle" not in columns:
            yield "columns", 'a mask needs columns = { rle = "…" }: the column of the run lengths'
        if not layout.labels.get(table.labels or ""):
            yield "labels", "a mask needs labels: the structures that its rows stand for"
    elif table.codec is not None:
        yield "codec", 'only kind = "mask" has a codec'
    try:
        parse_codec(table.codec or "rle")
    except LayoutError as error:
        yield "codec", str(error)


def _sep(target: Target) -> Iterator[str]:
    if target.sep is None:
        return
    if not target.sep:
        yield 'sep is what parts the values of a cell, such as "|", or "[]" for cells written as a list'
    if target.kind != "multilabel":
        yield 'several values in one cell are kind = "multilabel"'
    if target.of.endswith(".*"):
        yield "table.* takes a value from each column: name one column, or leave out sep"
