"""Legacy VTK polydata (``.vtk``), ASCII and binary, of all versions.

Layout: VTK User's Guide, "Simple Legacy Formats".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats.mesh import Mesh
from medshelf.formats.mesh.cells import Cells, PolyData, to_mesh
from medshelf.formats.text import numbers, write_text

_TYPES = {
    "unsigned_char": "u1", "char": "i1", "unsigned_short": "u2", "short": "i2", "unsigned_int": "u4",
    "int": "i4", "unsigned_long": "u8", "long": "i8", "float": "f4", "double": "f8",
    "vtktypeint64": "i8", "vtktypeuint64": "u8", "vtktypeint32": "i4", "vtkidtype": "i4",
}  # fmt: skip
_CELLS = {"VERTICES": "Verts", "LINES": "Lines", "POLYGONS": "Polys", "TRIANGLE_STRIPS": "Strips"}
_WIDTHS = {"VECTORS": 3, "NORMALS": 3, "TENSORS": 9}


class _Cursor:
    """A place in the file, from which lines and numbers are taken."""

    def __init__(self, data: bytes, where: object) -> None:
        self.data, self.where, self.place = data, where, 0
        self.binary = False

    def line(self) -> list[str] | None:
        """Words of the next line that is not blank; None at the end."""
        while self.place < len(self.data):
            end = self.data.find(b"\n", self.place)
            end = len(self.data) if end < 0 else end
            words = self.data[self.place : end].decode("latin-1").split()
            self.place = end + 1
            if words:
                return words
        return None

    def values(self, count: int, kind: str) -> np.ndarray:
        """The next numbers, in the machine's byte order."""
        if count < 0 or kind.lower() not in _TYPES:
            raise Unsupported(f"VTK data of the type {kind!r} are not read", where=self.where)
        dtype = np.dtype(_TYPES[kind.lower()])
        if self.binary:
            self._need(count * dtype.itemsize)
            found = np.frombuffer(self.data, dtype.newbyteorder(">"), count, self.place)
            self.place += count * dtype.itemsize
            return found.astype(dtype)
        self._need(2 * count - 1)
        words = self.data[self.place :].split(None, count)
        if len(words) < count:
            raise self._early(count, len(words))
        rest = words[count] if len(words) > count else b""
        self.place = len(self.data) - len(rest)
        try:
            return numbers(words[:count], dtype.name)
        except ValueError as error:
            raise FormatError("a value is no number", where=self.where, why=str(error)) from error

    def _need(self, size: int) -> None:
        if self.place + size > len(self.data):
            raise self._early(size, len(self.data) - self.place)

    def _early(self, needed: int, found: int) -> Truncated:
        return Truncated("the VTK file ends early", where=self.where, why=f"{needed} needed, {found} found")


def parse(data: bytes, where: object) -> Mesh:
    """Parse a legacy VTK file; see `medshelf.formats.mesh.read_mesh`.

    ``meta["title"]`` has its second line. Lookup tables and texture coordinates are left out.
    """
    lines = data.split(b"\n", 3)
    if len(lines) < 4 or lines[2].strip() not in (b"ASCII", b"BINARY"):
        raise FormatError("the header of the VTK file is wrong", where=where)
    cursor = _Cursor(lines[3], where)
    cursor.binary = lines[2].strip() == b"BINARY"
    kind = cursor.line()
    if kind is None or kind[0].upper() != "DATASET" or kind[-1].upper() != "POLYDATA":
        raise Unsupported("only VTK polydata are read", where=where, why=" ".join(kind or ["no DATASET"]))
    found = PolyData(np.zeros((0, 3)), meta={"format": "VTK", "title": lines[1].decode("latin-1").strip()})
    rows, target = 0, found.point_data
    while (words := cursor.line()) is not None:
        section = words[0].upper()
        try:
            if section in ("POINT_DATA", "CELL_DATA"):
                rows, target = int(words[1]), found.point_data if section[0] == "P" else found.cell_data
            else:
                _section(section, words, cursor, found, rows, target)
        except (IndexError, ValueError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(
                f"the section {section} of the VTK file is wrong", where=where, why=" ".join(words)[:80]
            ) from error
    return to_mesh(found, where)


def _section(
    section: str, words: list[str], cursor: _Cursor, found: PolyData, rows: int, target: dict[str, np.ndarray]
) -> None:
    if section == "POINTS":
        found.points = cursor.values(int(words[1]) * 3, words[2]).reshape(-1, 3)
    elif section in _CELLS:
        found.cells[_CELLS[section]] = _cells(cursor, int(words[1]), int(words[2]))
    elif section == "METADATA":
        _skip_metadata(cursor)
    elif section == "SCALARS":
        width = int(words[3]) if len(words) > 3 else 1
        before = cursor.place
        if (cursor.line() or [""])[0].upper() != "LOOKUP_TABLE":
            cursor.place = before
        target[words[1]] = _table(cursor, rows, width, words[2])
    elif section in _WIDTHS:
        target[words[1]] = _table(cursor, rows, _WIDTHS[section], words[2])
    elif section == "TEXTURE_COORDINATES":
        _table(cursor, rows, int(words[2]), words[3])
    elif section == "COLOR_SCALARS":
        kind = "unsigned_char" if cursor.binary else "float"
        target[words[1]] = _table(cursor, rows, int(words[2]), kind)
    elif section == "LOOKUP_TABLE":
        cursor.values(int(words[2]) * 4, "unsigned_char" if cursor.binary else "float")
    elif section == "FIELD":
        _fields(cursor, int(words[2]), found, rows, target)
    else:
        raise Unsupported(f"the section {section[:40]!r} of the VTK file is not read", where=cursor.where)


def _table(cursor: _Cursor, rows: int, width: int, kind: str) -> np.ndarray:
    values = cursor.values(rows * width, kind)
    return values.reshape(rows, width) if width > 1 else values


def _fields(cursor: _Cursor, count: int, found: PolyData, rows: int, target: dict[str, np.ndarray]) -> None:
    """Arrays of a FIELD; before any POINT_DATA they describe the whole file."""
    for _ in range(count):
        words = cursor.line()
        if words and words[0].upper() == "METADATA":
            _skip_metadata(cursor)
            words = cursor.line()
        if words is None:
            raise Truncated("the VTK file ends within a FIELD", where=cursor.where)
        name, width, length, kind = words[0], int(words[1]), int(words[2]), words[3]
        values = _table(cursor, length, width, kind)
        if rows and length == rows:
            target[name] = values
        else:
            found.meta.setdefault("fields", {})[name] = values


def _skip_metadata(cursor: _Cursor) -> None:
    """A METADATA block ends at a blank line."""
    end = cursor.data.find(b"\n\n", cursor.place - 1)
    cursor.place = len(cursor.data) if end < 0 else end + 2


def _cells(cursor: _Cursor, cells: int, size: int) -> Cells:
    """Cells as offsets and numbers (version 5.1 on), or as counts among the numbers (before)."""
    before = cursor.place
    words = cursor.line() or [""]
    if words[0].upper() == "OFFSETS":
        offsets = cursor.values(cells, words[1])
        words = cursor.line() or [""]
        if words[0].upper() != "CONNECTIVITY":
            raise FormatError("OFFSETS without CONNECTIVITY", where=cursor.where)
        return offsets[1:], cursor.values(size, words[1])
    cursor.place = before
    flat = cursor.values(size, "int").astype(np.int64)
    starts = np.zeros(cells, np.int64)
    place = 0
    for cell in range(cells):
        if place >= size or flat[place] < 0:
            raise FormatError("the cells of the VTK file do not fit", where=cursor.where, why=f"cell {cell}")
        starts[cell] = place
        place += int(flat[place]) + 1
    if place != size:
        raise FormatError(
            "the cells of the VTK file do not fit", where=cursor.where, why=f"{place}, not {size}"
        )
    return np.cumsum(flat[starts]), np.delete(flat, starts)


def write(path: Path | str, mesh: Mesh) -> None:
    """Write vertices, polylines and faces as ASCII of version 3.0, coordinates to the last bit."""
    parts = ["# vtk DataFile Version 3.0\nmedshelf\nASCII\nDATASET POLYDATA\n"]
    parts.append(f"POINTS {len(mesh.vertices)} double\n")
    parts += [f"{x!r} {y!r} {z!r}\n" for x, y, z in np.asarray(mesh.vertices, np.float64).tolist()]
    for kind, cells in (("LINES", mesh.lines), ("POLYGONS", tuple(mesh.faces))):
        if cells:
            parts.append(f"{kind} {len(cells)} {sum(len(cell) + 1 for cell in cells)}\n")
            parts += [f"{len(cell)} " + " ".join(map(str, cell.tolist())) + "\n" for cell in cells]
    write_text(path, "".join(parts))
