"""Excel workbooks (``.xlsx``), values only, through openpyxl."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from medshelf.errors import FormatError, MedshelfError, Unsupported
from medshelf.model.blob import Blob

LIMIT_UNFOLDED_BYTES = 2**29
"""Largest sum of the unpacked parts of a workbook (512 MiB)."""
LIMIT_CELLS = 20_000_000
"""Largest number of cells that a sheet may have, empty ones inside rows counted."""

Line = tuple[int, list[Any]]


def read_sheet(blob: Blob, sheet: str | int | None) -> tuple[list[Line], str, tuple[str, ...]]:
    """Read the cells of one sheet.

    Parameters
    ----------
    blob : Blob
        A workbook.
    sheet : str, int or None
        Its name, its place from 0, or None for the first.

    Returns
    -------
    lines : list of (int, list)
        Row number from 1, and cells, all rows of one width. Values have Excel's types; an empty cell is
        an empty string. Blank rows are left out. A formula has the value last computed by Excel, and is
        empty where none was stored.
    sheet : str
        Name of the sheet that was read.
    sheets : tuple of str
        Names of all sheets.

    Raises
    ------
    FormatError
        Not a workbook, damaged, or without such a sheet.
    Unsupported
        It unfolds beyond the limits, or declares XML entities.
    """
    try:
        with blob.open() as stream:
            _check_archive(stream, blob)
            stream.seek(0)
            return _cells(stream, sheet, blob)
    except MedshelfError:
        raise
    except Exception as error:  # openpyxl lets many kinds of error through
        raise FormatError(
            "the workbook can't be read", where=blob.name, why=f"{type(error).__name__}: {error}"
        ) from error


def _check_archive(stream: BinaryIO, blob: Blob) -> None:
    """Refuse what is no workbook, and what would unfold without limit."""
    with zipfile.ZipFile(stream) as archive:
        parts = archive.infolist()
        if not any(part.filename.lower() == "xl/workbook.xml" for part in parts):
            raise Unsupported(
                "this zip archive is no Excel workbook", where=blob.name, why="it has no xl/workbook.xml"
            )
        total = sum(part.file_size for part in parts)
        if total > LIMIT_UNFOLDED_BYTES:
            raise Unsupported(
                "the workbook is too large",
                where=blob.name,
                why=f"its parts unfold to {total} bytes, limit {LIMIT_UNFOLDED_BYTES}",
                hint="Save the sheet as CSV",
            )
        for part in parts:
            with archive.open(part) as opened:
                head = opened.read(1 << 16).replace(b"\0", b"")
            if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                raise Unsupported("the workbook declares XML entities", where=blob.name, why=part.filename)


def _cells(stream: BinaryIO, sheet: str | int | None, blob: Blob) -> tuple[list[Line], str, tuple[str, ...]]:
    from openpyxl import load_workbook

    book = load_workbook(stream, read_only=True, data_only=True)
    names = tuple(worksheet.title for worksheet in book.worksheets)
    place = _place_of(sheet, names, blob)
    worksheet = book.worksheets[place]
    worksheet.reset_dimensions()
    lines: list[Line] = []
    width = cells = 0
    for number, row in enumerate(worksheet.iter_rows(values_only=True), start=1):
        values = ["" if value is None else value for value in row]
        while values and values[-1] == "":
            values.pop()
        cells += len(row)
        if cells > LIMIT_CELLS:
            raise Unsupported("the sheet has too many cells", where=blob.name, why=f"over {LIMIT_CELLS}")
        if values:
            lines.append((number, values))
            width = max(width, len(values))
    if width * len(lines) > LIMIT_CELLS:
        raise Unsupported("the sheet has too many cells", where=blob.name, why=f"{len(lines)} x {width}")
    return [(n, row + [""] * (width - len(row))) for n, row in lines], names[place], names


def _place_of(sheet: str | int | None, names: Sequence[str], blob: Blob) -> int:
    wanted = 0 if sheet is None else sheet
    place = wanted if isinstance(wanted, int) else names.index(wanted) if wanted in names else -1
    if not 0 <= place < len(names):
        raise FormatError(
            f"the workbook has no sheet {sheet!r}",
            where=blob.name,
            why="it has " + ", ".join(map(repr, names)),
        )
    return place


def write(
    path: Path | str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    sheet: str,
    *,
    heads: Sequence[Sequence[str]],
) -> None:
    """Write a workbook of one sheet below its header lines; text that begins with ``=`` stays text."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    worksheet = book.create_sheet(sheet)

    def cell(value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith("="):
            return value
        made = WriteOnlyCell(worksheet, value)
        made.data_type = "s"
        return made

    for head in heads:
        worksheet.append([cell(name) for name in head])
    for row in rows:
        worksheet.append([cell(row.get(name)) for name in columns])
    book.save(path)
