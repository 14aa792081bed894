"""PLY (Stanford polygon format), ASCII and binary of both byte orders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats.mesh import Mesh, checked, fans
from medshelf.formats.text import numbers

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2",
    "ushort": "u2", "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_CORNERS = ("vertex_indices", "vertex_index")
_LIMIT_HEADER = 2**16


@dataclass(slots=True)
class _Element:
    """A declared element: name, rows, and properties as (name, type, type of the count or None)."""

    name: str
    rows: int
    properties: list[tuple[str, str, str | None]]

    @property
    def has_lists(self) -> bool:
        return any(count is not None for _, _, count in self.properties)


Columns = dict[str, tuple[np.ndarray, np.ndarray | None]]
"""For each property its values, flat, and for lists the number of values of each row."""


def parse(data: bytes, where: object) -> Mesh:
    """Parse a PLY file; see `medshelf.formats.mesh.read_mesh`."""
    elements, order, start = _header(data, where)
    found: dict[str, Columns] = {}
    body = memoryview(data)[start:]
    words = bytes(body).split() if not order else []
    place = 0
    for element in elements:
        if order:
            found[element.name], place = _binary(body, place, element, order, where)
        else:
            found[element.name], place = _ascii(words, place, element, where)
    return _mesh(found, where)


def _header(data: bytes, where: object) -> tuple[list[_Element], str, int]:
    end = data.find(b"end_header", 0, _LIMIT_HEADER)
    newline = data.find(b"\n", end)
    if end < 0 or newline < 0:
        raise Truncated("the PLY header has no end", where=where)
    elements: list[_Element] = []
    order = None
    for line in data[:end].decode("latin-1").splitlines():
        words = line.split()
        try:
            if words[:1] == ["format"]:
                order = _ORDERS[words[1]]
            elif words[:1] == ["element"]:
                elements.append(_Element(words[1], int(words[2]), []))
            elif words[:2] == ["property", "list"]:
                elements[-1].properties.append((words[4], _TYPES[words[3]], _TYPES[words[2]]))
            elif words[:1] == ["property"]:
                elements[-1].properties.append((words[2], _TYPES[words[1]], None))
        except (IndexError, KeyError, ValueError) as error:
            raise FormatError("a line of the PLY header is wrong", where=where, why=repr(line)) from error
    if order is None or any(element.rows < 0 for element in elements):
        raise FormatError("the PLY header is wrong", where=where, why="no format, or a negative count")
    for element in elements:
        names = [name for name, _, _ in element.properties]
        if len(set(names)) < len(names) or any("\0" in name for name in names):
            raise FormatError("two properties of the PLY have one name", where=where, why=f"element {element.name!r}")
    return elements, order, newline + 1


def _binary(
    body: memoryview, place: int, element: _Element, order: str, where: object
) -> tuple[Columns, int]:
    """Read the rows of an element; lists are first taken to be as long as those of the first row."""
    if not element.has_lists:
        row = np.dtype([(name, order + kind) for name, kind, _ in element.properties])
        _need(body, place, element.rows * row.itemsize, element, where)
        rows = np.frombuffer(body, row, element.rows, place)
        return {name: (rows[name], None) for name in row.names or ()}, place + element.rows * row.itemsize
    even = _even_rows(body, place, element, order)
    if even is not None:
        return even
    return _uneven_rows(body, place, element, order, where)


def _need(body: memoryview, place: int, size: int, element: _Element, where: object) -> None:
    if place + size > len(body):
        raise Truncated(
            "the PLY ends early",
            where=where,
            why=f"{element.rows} rows of {element.name!r} need {size} bytes, {len(body) - place} left",
        )


def _even_rows(body: memoryview, place: int, element: _Element, order: str) -> tuple[Columns, int] | None:
    """All rows at once where every list has as many values as in the first row; else None."""
    fields: list[tuple[str, str] | tuple[str, str, int]] = []
    at = place
    for name, kind, count in element.properties:
        if count is None:
            fields.append((name, order + kind))
            at += np.dtype(kind).itemsize
            continue
        size = np.dtype(count).itemsize
        if not element.rows or at + size > len(body):
            return None
        length = int(np.frombuffer(body, order + count, 1, at)[0])
        if length < 0 or length > len(body):
            return None
        fields += [(name + "\0", order + count), (name, order + kind, length)]
        at += size + length * np.dtype(kind).itemsize
    row = np.dtype(fields)
    if place + row.itemsize * element.rows > len(body):
        return None
    rows = np.frombuffer(body, row, element.rows, place)
    columns: Columns = {}
    for name, _, count in element.properties:
        counts = rows[name + "\0"] if count is not None else None
        if counts is not None and (counts != counts[0]).any():
            return None
        columns[name] = (rows[name].ravel(), counts)
    return columns, place + row.itemsize * element.rows


def _uneven_rows(
    body: memoryview, place: int, element: _Element, order: str, where: object
) -> tuple[Columns, int]:
    values: dict[str, list[np.ndarray]] = {name: [] for name, _, _ in element.properties}
    for _ in range(element.rows):
        for name, kind, count in element.properties:
            length = 1
            if count is not None:
                _need(body, place, np.dtype(count).itemsize, element, where)
                length = int(np.frombuffer(body, order + count, 1, place)[0])
                place += np.dtype(count).itemsize
            size = length * np.dtype(kind).itemsize
            if length < 0:
                raise FormatError("a list of the PLY has a negative length", where=where)
            _need(body, place, size, element, where)
            values[name].append(np.frombuffer(body, order + kind, length, place))
            place += size
    return _columns(values, element), place


def _ascii(words: list[bytes], place: int, element: _Element, where: object) -> tuple[Columns, int]:
    if not element.has_lists:
        width = len(element.properties)
        end = place + element.rows * width
        table = _floats(words, place, end, element, where).reshape(element.rows, width)
        return {
            name: (table[:, n].astype(kind), None) for n, (name, kind, _) in enumerate(element.properties)
        }, end
    values: dict[str, list[np.ndarray]] = {name: [] for name, _, _ in element.properties}
    for _ in range(element.rows):
        for name, kind, count in element.properties:
            length = 1
            if count is not None:
                length = int(_floats(words, place, place + 1, element, where)[0])
                place += 1
            values[name].append(_floats(words, place, place + length, element, where).astype(kind))
            place += length
    return _columns(values, element), place


def _floats(words: list[bytes], start: int, end: int, element: _Element, where: object) -> np.ndarray:
    if not start <= end <= len(words):
        raise Truncated(
            "the PLY ends early", where=where, why=f"within {element.rows} rows of {element.name!r}"
        )
    try:
        return numbers(words[start:end], "f8")
    except ValueError as error:
        raise FormatError(f"a value of {element.name!r} is no number", where=where, why=str(error)) from error


def _columns(values: dict[str, list[np.ndarray]], element: _Element) -> Columns:
    return {
        name: (
            np.concatenate(values[name]) if values[name] else np.zeros(0, kind),
            None if count is None else np.array([len(one) for one in values[name]], np.int64),
        )
        for name, kind, count in element.properties
    }


def _mesh(found: dict[str, Columns], where: object) -> Mesh:
    vertex = found.get("vertex", {})
    if not {"x", "y", "z"} <= set(vertex):
        raise Unsupported("the PLY has no vertices with x, y and z", where=where)
    vertices = np.stack([vertex[axis][0].astype(np.float64) for axis in "xyz"], axis=1)
    face = found.get("face", {})
    corners = next((face[name] for name in _CORNERS if name in face), None)
    faces, sources = np.zeros((0, 3), np.int64), np.zeros(0, np.int64)
    if corners is not None and corners[1] is not None:
        faces, sources = fans(corners[1], corners[0], where)
    point_data = {n: v.copy() for n, (v, c) in vertex.items() if c is None and n not in "xyz"}
    cell_data = {n: v[sources] for n, (v, c) in face.items() if c is None}
    meta = {"format": "PLY", "polygons": 0 if corners is None else len(corners[1])}  # type: ignore[arg-type]
    return checked(Mesh(vertices, faces, (), point_data, cell_data, meta), where)


def write(path: Path | str, mesh: Mesh) -> None:
    """Write vertices and faces as binary little-endian PLY, coordinates as doubles."""
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(mesh.vertices)}"]
    header += [f"property double {axis}" for axis in "xyz"]
    header += [f"element face {len(mesh.faces)}", "property list uchar int vertex_indices", "end_header\n"]
    faces = np.zeros(len(mesh.faces), np.dtype([("count", "u1"), ("corners", "<i4", 3)]))
    faces["count"], faces["corners"] = 3, mesh.faces
    with open(path, "wb") as stream:
        stream.write("\n".join(header).encode())
        stream.write(np.ascontiguousarray(mesh.vertices, "<f8").tobytes() + faces.tobytes())
