"""Delimited text: CSV, TSV and their relatives with ``;`` and ``|``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from medshelf.errors import FormatError, Truncated

SEPARATORS = ",;\t|"
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_PROBED_LINES = 20


def lines_of(text: str, sep: str, quote: str | None, where: object) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each line that is not blank.

    Parameters
    ----------
    text : str
        The table.
    sep : str
        One character.
    quote : str or None
        The character around cells that hold the separator or line ends (doubled inside), or None when
        quotes are ordinary text.
    where : object
        What to name in an error.

    Raises
    ------
    FormatError
        Quotes that do not pair, with the line number (`Truncated` at the end of the text).
    """
    if len(text) > csv.field_size_limit():
        csv.field_size_limit(len(text))  # a process-wide setting; raised only, never lowered
    reader = _reader(io.StringIO(text, newline=""), sep, quote)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            kind = Truncated if "unexpected end" in str(error) else FormatError
            raise kind(
                f"line {start} has quotes that do not pair",
                where=where,
                why=str(error),
                hint="quote=None reads quotes as text",
            ) from error
        if any(cell.strip() for cell in cells):
            yield start, cells


def _reader(lines: Iterable[str], sep: str, quote: str | None) -> Any:
    if quote is None:
        return csv.reader(lines, delimiter=sep, quoting=csv.QUOTE_NONE, strict=True)
    return csv.reader(lines, delimiter=sep, quotechar=quote, strict=True)


def separator_of(text: str, name: str, quote: str | None, where: object) -> str:
    """Find the separator of a table, by a strict rule or not at all.

    A candidate (comma, semicolon, tab, bar) must divide the first line, and the first twenty lines
    must all have as many cells as the first. One such candidate is the answer. Of several, the one that
    the file's ending promises (``.csv`` comma, ``.tsv`` and ``.tab`` tab). Where no candidate divides
    all lines evenly, a sole one in the first line is taken, so that the faulty line is named later.
    Where none is in the first line the table has one column.

    Raises
    ------
    FormatError
        Several are possible.
    """
    promised = "\t" if name.lower().endswith((".tsv", ".tab")) else ","
    present = {sep: _widths(text, sep, quote) for sep in SEPARATORS}
    divides = [sep for sep, widths in present.items() if widths and widths[0] > 1]
    even = [sep for sep in divides if len(set(present[sep])) == 1]
    for found in (even, divides):
        if len(found) == 1:
            return found[0]
        if promised in found:
            return promised
    if not divides:
        return promised
    raise FormatError(
        "the separator of this table is not clear",
        where=where,
        why="possible are " + " and ".join(_NAMES[sep] for sep in even or divides),
        hint="Name it with sep",
    )


def _widths(text: str, sep: str, quote: str | None) -> list[int]:
    """Number of cells of the first lines."""
    widths: list[int] = []
    head = io.StringIO(text[: 1 << 20], newline="")
    try:
        for cells in _reader(head, sep, quote):
            if cells:
                widths.append(len(cells))
            if len(widths) == _PROBED_LINES:
                break
    except csv.Error:
        pass
    return widths


def check_end(text: str, short_lines: Sequence[int], where: object) -> None:
    """Refuse a table whose last line is short and has no line end: it was cut.

    Raises
    ------
    Truncated
        It was.
    """
    if not short_lines or text.endswith(("\n", "\r")):
        return
    if short_lines[-1] == sum(1 for _ in io.StringIO(text, newline="")):
        raise Truncated(
            "the table ends in the middle of its last line",
            where=where,
            why=f"line {short_lines[-1]} has too few cells and no line end",
            hint="Fetch the file again",
        )


def write(
    path: Path | str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    sep: str,
    encoding: str,
    *,
    heads: Sequence[Sequence[str]],
    quote: str | None = '"',
) -> None:
    """Write delimited text below its header lines; None becomes an empty cell.

    Raises
    ------
    ValueError
        Without quotes: a cell that holds the separator or a line end.
    """
    quoting: Any = {"quoting": csv.QUOTE_NONE, "quotechar": None} if quote is None else {"quotechar": quote}
    with open(path, "w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream, delimiter=sep, lineterminator="\n", **quoting)
        try:
            writer.writerows(heads)
            _write_rows(writer, columns, rows)
        except csv.Error as error:
            raise ValueError(str(error)) from error


def _write_rows(writer: Any, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        writer.writerow(["" if row.get(name) is None else row[name] for name in columns])
