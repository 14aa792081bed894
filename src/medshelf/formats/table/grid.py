"""From a grid of cells to named rows: header lines, their odd cases, and ragged lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from medshelf.errors import FormatError

Header = int | tuple[int, ...] | None
"""Which line names the columns, counted from 0; several are joined; None when no line does."""


def to_rows(
    lines: Iterable[tuple[int, list[Any]]], header: Header, where: object, given: Sequence[str] = ()
) -> tuple[tuple[str, ...], list[dict[str, Any]], tuple[int, ...]]:
    """Name the cells of a grid.

    Parameters
    ----------
    lines : iterable of (int, list)
        Number of each line in its file, and its cells; blank lines are left out already.
    header : int, tuple of int or None
        The lines that name the columns, counted among `lines`. Lines above them are skipped. With
        several, names are joined by ``/`` and a blank cell takes the name to its left, as in merged
        cells. With None the columns are ``column_1``, ``column_2`` ...
    where : object
        What to name in an error.
    given : sequence of str
        Names of the columns of a table that has none of its own (then `header` is not looked at); columns
        beyond them are ``column_N``.

    Returns
    -------
    columns : tuple of str
        Names as written; a blank one becomes ``column_N``, a repeated one gets ``.1``, ``.2`` ...
    rows : list of dict
        One a line. Cells that a line lacks at its end are empty strings.
    short_lines : tuple of int
        Numbers of the lines that had fewer cells than there are columns.

    Raises
    ------
    FormatError
        There is no header, or a line has more cells than there are columns.
    """
    source = iter(lines)
    header = None if given else header
    first, heads = _take_header(source, header, where)
    if header is None:
        width = max(len(given), len(first[0][1]) if first else 0)
        names = _unique([*given, *[""] * (width - len(given))])
        source = _chained(first, source)
    else:
        names = _unique(_joined(heads))
    rows: list[dict[str, Any]] = []
    short: list[int] = []
    width = len(names)
    for number, cells in source:
        if len(cells) != width:
            cells = _fitted(cells, width, number, where)
            if len(cells) < width:
                short.append(number)
                cells = cells + [""] * (width - len(cells))
        rows.append(dict(zip(names, cells, strict=True)))
    return names, rows, tuple(short)


def _take_header(
    source: Iterator[tuple[int, list[Any]]], header: Header, where: object
) -> tuple[list[tuple[int, list[Any]]], list[list[Any]]]:
    """Take the lines up to the last header line."""
    wanted = () if header is None else (header,) if isinstance(header, int) else tuple(header)
    if any(n < 0 for n in wanted) or (header is not None and not wanted):
        raise ValueError(f"header={header!r} does not name lines counted from 0")
    taken: list[tuple[int, list[Any]]] = []
    for line in source:
        taken.append(line)
        if len(taken) > max(wanted, default=0):
            break
    if wanted and len(taken) <= max(wanted):
        raise FormatError(
            "the table has no header line",
            where=where,
            why=f"line {max(wanted)} of {len(taken)} was to name the columns (counted from 0)",
        )
    return taken, [taken[n][1] for n in wanted]


def _chained(
    first: list[tuple[int, list[Any]]], rest: Iterator[tuple[int, list[Any]]]
) -> Iterator[tuple[int, list[Any]]]:
    yield from first
    yield from rest


def _joined(heads: Sequence[Sequence[Any]]) -> list[str]:
    """One name a column from one or more header lines."""
    width = max(len(head) for head in heads)
    rows = [[_name(head[n]) if n < len(head) else "" for n in range(width)] for head in heads]
    for row in rows[:-1]:
        for n in range(1, width):
            row[n] = row[n] if row[n].strip() else row[n - 1]
    return ["/".join(part for part in column if part.strip()) for column in zip(*rows, strict=True)]


def _name(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    taken = set(names)
    for position, name in enumerate(names, start=1):
        name = name if name.strip() else f"column_{position}"
        if name in found:
            copy = 1
            while f"{name}.{copy}" in taken or f"{name}.{copy}" in found:
                copy += 1
            name = f"{name}.{copy}"
        found[name] = None
    return tuple(found)


def _fitted(cells: list[Any], width: int, number: int, where: object) -> list[Any]:
    """Drop empty cells beyond the last column; refuse others."""
    if any(_name(cell).strip() for cell in cells[width:]):
        raise FormatError(
            f"line {number} has more cells than there are columns",
            where=where,
            why=f"{len(cells)} cells, {width} columns",
            hint="Name the separator (sep), the header line (header), or quote=None if quotes are text",
        )
    return cells[:width]


def header_lines(columns: Sequence[str], header: Header) -> list[list[str]]:
    """Return the lines from which `to_rows` reads these columns, and what stands above them."""
    if header is None:
        return []
    places = (header,) if isinstance(header, int) else header
    lines = [["synthetic", *[""] * (len(columns) - 1)] for _ in range(max(places) + 1)]
    parts = [name.split("/", len(places) - 1) for name in columns]
    for level, place in enumerate(places):
        lines[place] = [part[level] if level < len(part) else "" for part in parts]
    return lines
