"""Tables: one dict a row, from CSV and its relatives, Excel, JSON, JSON lines, XML and Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medshelf.errors import FormatError, Unsupported, need
from medshelf.formats import head_of
from medshelf.formats.table import csv as table_csv
from medshelf.formats.table import json as table_json
from medshelf.formats.table import xlsx as table_xlsx
from medshelf.formats.table import xml as table_xml
from medshelf.formats.table.grid import Header, header_lines, to_rows
from medshelf.formats.text import LIMIT_BYTES, bytes_of, decode
from medshelf.model.blob import Blob

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_JSON = (".json", ".geojson")
_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a table and how they were read."""

    columns: tuple[str, ...]
    """Names in order; for JSON those of all rows, in the order of their first appearance."""
    rows: list[dict[str, Any]]
    """One dict a row. Cells of delimited text are strings as written; other formats keep their types."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """How: ``kind``, and where they apply ``encoding``, ``sep``, ``sheet``, ``sheets``, ``short_lines``."""


def read_rows(blob: Blob, **how: Any) -> list[dict[str, Any]]:
    """Return the rows of a table; parameters and errors as in `read_table`."""
    return read_table(blob, **how).rows


def read_table(
    blob: Blob,
    *,
    sep: str | None = None,
    encoding: str | None = None,
    sheet: str | int | None = None,
    header: Header = 0,
    columns: Sequence[str] = (),
    records: str | None = None,
    quote: str | None = '"',
    limit_bytes: int = LIMIT_BYTES,
) -> Table:
    """Read a table, whatever its format: the first bytes decide, then the name.

    Parameters
    ----------
    blob : Blob
        A file or archive member; delimited text and JSON may be gzipped.
    sep : str, optional
        Separator of delimited text; by default found by `medshelf.formats.table.csv.separator_of`.
    encoding : str, optional
        Encoding of text; by default found by `medshelf.formats.text.decode` and told in ``meta``.
    sheet : str or int, optional
        Sheet of a workbook, the first by default; ``meta["sheets"]`` names all.
    header : int, tuple of int or None
        Lines that name the columns, see `medshelf.formats.table.grid.to_rows`.
    columns : sequence of str
        Names of the columns of delimited text or a workbook that has no line of names.
    records : str, optional
        Path to the rows in JSON or XML, see `medshelf.formats.table.json` and `medshelf.formats.table.xml`.
    quote : str or None
        Quote character of delimited text; None reads quotes as text.
    limit_bytes : int
        Largest file that is read, after decompression.

    Raises
    ------
    FormatError
        The bytes are not such a table; with a line number where there is one.
    Unsupported
        ``.xls`` and encrypted workbooks, or a table beyond the limits.
    MissingExtra
        Parquet without pyarrow.
    """
    head = head_of(blob)
    name = blob.name.lower().removesuffix(".gz")
    if head.startswith(_OLE):
        raise Unsupported(
            "old Excel files (.xls) and encrypted workbooks are not read",
            where=blob.name,
            hint="Save the sheet as .xlsx or .csv, without a password",
        )
    if head.startswith(b"PK\x03\x04"):
        return _from_workbook(blob, sheet, header, columns, limit_bytes)
    if head.startswith(b"PAR1"):
        return _from_parquet(blob, limit_bytes)
    if name.endswith((".xlsx", ".xlsm", ".parquet")):
        raise FormatError(
            "the file is not what its name says", where=blob.name, why=f"first bytes {head[:8]!r}"
        )
    data = bytes_of(blob, limit_bytes=limit_bytes)
    if name.endswith(".xml"):
        return _from_xml(data, records, blob)
    text, found = decode(data, blob.name, encoding)
    if name.endswith(_JSON + _LINES):
        return _from_json(text, records, name.endswith(_LINES), blob, found)
    used = table_csv.separator_of(text, name, quote, blob.name) if sep is None else sep
    lines = table_csv.lines_of(text, used, quote, blob.name)
    names, rows, short = to_rows(lines, header, blob.name, columns)
    table_csv.check_end(text, short, blob.name)
    return Table(names, rows, {"kind": "text", "encoding": found, "sep": used, "short_lines": short})


def _from_xml(data: bytes, records: str | None, blob: Blob) -> Table:
    rows = table_xml.rows_of(data, records, blob.name)
    return Table(tuple(dict.fromkeys(name for row in rows for name in row)), rows, {"kind": "xml"})


def _from_json(text: str, records: str | None, lines: bool, blob: Blob, encoding: str) -> Table:
    lines = lines or (records is None and table_json.is_json_lines(text))
    if lines and records not in (None, "$[*]"):
        raise FormatError(f"JSON lines have no path {records!r}: each line is a record", where=blob.name)
    if lines:
        rows = table_json.json_lines(text, blob.name)
    else:
        rows = table_json.rows_at(table_json.load_json(text, blob.name), records, blob.name)
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return Table(columns, rows, {"kind": "json lines" if lines else "json", "encoding": encoding})


def _from_workbook(
    blob: Blob, sheet: str | int | None, header: Header, given: Sequence[str], limit_bytes: int
) -> Table:
    if blob.size_bytes > limit_bytes:
        raise Unsupported("the workbook is too large", where=blob.name, why=f"{blob.size_bytes} bytes")
    lines, used, sheets = table_xlsx.read_sheet(blob, sheet)
    columns, rows, _ = to_rows(lines, header, blob.name, given)
    return Table(columns, rows, {"kind": "xlsx", "sheet": used, "sheets": sheets})


def _from_parquet(blob: Blob, limit_bytes: int) -> Table:
    parquet: Any = need("pyarrow.parquet", "parquet")
    try:
        with blob.open() as stream:
            file = parquet.ParquetFile(stream)
            groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
            unfolded = sum(group.total_byte_size for group in groups)
            if unfolded > limit_bytes:
                raise Unsupported("the table is too large", where=blob.name, why=f"{unfolded} bytes unfolded")
            table = file.read()
            rows = table.to_pylist()
    except FormatError:
        raise
    except Exception as error:  # Arrow's errors share no base class
        raise FormatError("the Parquet file can't be read", where=blob.name, why=str(error)) from error
    return Table(tuple(table.column_names), rows, {"kind": "parquet"})


def write_rows(
    path: Path | str,
    rows: Iterable[Mapping[str, Any]],
    *,
    sep: str | None = None,
    encoding: str = "utf-8",
    sheet: str = "Sheet1",
    header: Header = 0,
    quote: str | None = '"',
    records: str | None = None,
) -> None:
    """Write a table in the format that the name asks for; `read_table` reads it back.

    Parameters
    ----------
    path : Path or str
        Ends in ``.csv``, ``.tsv``, ``.txt``, ``.tab``, ``.xlsx``, ``.json``, ``.jsonl``, ``.ndjson`` or ``.xml``.
    rows : iterable of mapping
        Columns are the names of all rows, in the order of their first appearance.
    sep, encoding : str
        Of delimited text; the separator is by default a comma, or a tab for ``.tsv`` and ``.tab``.
    sheet : str
        Name of the sheet of a workbook.
    header, quote
        As in `read_table`; where names are split over several lines, ``/`` parts them.
    records : str, optional
        Where in a JSON or XML document the rows go.

    Raises
    ------
    Unsupported
        Another ending.
    """
    listed = [dict(row) for row in rows]
    columns = list(dict.fromkeys(name for row in listed for name in row))
    ending = Path(path).suffix.lower()
    if ending in (".csv", ".tsv", ".tab", ".txt"):
        used = sep or ("\t" if ending in (".tsv", ".tab") else ",")
        heads = header_lines(columns, header)
        table_csv.write(path, columns, listed, used, encoding, heads=heads, quote=quote)
    elif ending == ".xlsx":
        table_xlsx.write(path, columns, listed, sheet, heads=header_lines(columns, header))
    elif ending == ".xml":
        table_xml.write(path, listed, records)
    elif ending in _LINES:
        table_json.write_lines(path, listed)
    elif ending in _JSON:
        table_json.write(path, listed, records or "$[*]")
    else:
        raise Unsupported(
            f"tables are not written as {ending or 'a name without an ending'}",
            where=path,
            hint="Use .csv .tsv .txt .xlsx .json .jsonl or .xml",
        )
