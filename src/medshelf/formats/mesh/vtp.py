"""VTK XML polydata (``.vtp``): ASCII, base64 and appended arrays, compressed by zlib, LZMA, LZ4 or not.

Layout: VTK User's Guide, "XML File Formats", and https://docs.vtk.org (VTKXMLFormats).
"""

from __future__ import annotations

import base64
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from medshelf.errors import FormatError, MedshelfError, Truncated, Unsupported
from medshelf.formats import markup
from medshelf.formats.mesh import LIMIT_BYTES, Mesh
from medshelf.formats.mesh.cells import KINDS, PolyData, to_mesh
from medshelf.formats.text import numbers, write_text

_TYPES = {
    "Int8": "i1", "UInt8": "u1", "Int16": "i2", "UInt16": "u2", "Int32": "i4", "UInt32": "u4",
    "Int64": "i8", "UInt64": "u8", "Float32": "f4", "Float64": "f8",
}  # fmt: skip
_CHUNK = re.compile(rb"[A-Za-z0-9+/]+={0,2}")


def _lz4(data: bytes, size: int) -> bytes:
    import imagecodecs

    try:
        return bytes(imagecodecs.lz4_decode(data, out=size))
    except RuntimeError as error:  # the base of the errors of imagecodecs
        raise ValueError(str(error)) from error


_UNPACK: dict[str, Callable[[bytes, int], bytes]] = {
    "vtkZLibDataCompressor": lambda data, size: zlib.decompressobj().decompress(data, size),
    "vtkLZMADataCompressor": lambda data, size: lzma.LZMADecompressor().decompress(data, size),
    "vtkLZ4DataCompressor": _lz4,
}
"""For each compressor what turns one block into so many bytes, never more."""


@dataclass(slots=True)
class _File:
    """What all arrays of a file share."""

    order: str
    count: np.dtype[Any]
    compressor: str | None
    appended: bytes
    appended_raw: bool
    offsets: list[int]
    where: object


def parse(data: bytes, where: object) -> Mesh:
    """Parse a VTP file; see `medshelf.formats.mesh.read_mesh`.

    ``meta["fields"]`` has the arrays of its ``FieldData``, among them the names that 3D Slicer writes.
    """
    markup_part, raw = _cut_raw(data)
    root = markup.parse_bytes(markup_part, where)
    kind = root.get("type")
    if kind != "PolyData":
        hint = "Read the files that it names, one by one" if "Block" in str(kind) else None
        raise Unsupported(f"VTK files of the type {kind!r} are not read", where=where, hint=hint)
    file = _file(root, raw, where)
    pieces = [piece for piece in root.iter("Piece") if piece.get("NumberOfPoints") != "0"]
    if len(pieces) > 1:
        raise Unsupported(
            "VTK polydata in several pieces are not read", where=where, why=f"{len(pieces)} pieces"
        )
    found = _piece(pieces[0], file) if pieces else PolyData(np.zeros((0, 3)))
    fields = dict(_arrays(root.find("PolyData/FieldData"), file))
    found.meta.update({"format": "VTP", **({"fields": fields} if fields else {})})
    return to_mesh(found, where)


def _cut_raw(data: bytes) -> tuple[bytes, bytes | None]:
    """Part the XML from raw appended bytes, which no XML parser may see."""
    tag = re.search(rb"<AppendedData\b[^>]*encoding=[\"']raw[\"'][^>]*>\s*_", data)
    if tag is None:
        return data, None
    end = data.rfind(b"</AppendedData>")
    if end < tag.end():
        return data[: tag.end()], b""
    return data[: tag.end() - 1] + data[end:], data[tag.end() : end]


def _file(root: ElementTree.Element, raw: bytes | None, where: object) -> _File:
    order = {"LittleEndian": "<", "BigEndian": ">"}.get(root.get("byte_order", "LittleEndian"))
    count = {"UInt32": "u4", "UInt64": "u8"}.get(root.get("header_type", "UInt32"))
    compressor = root.get("compressor")
    if order is None or count is None:
        raise FormatError("the VTK file has an unknown byte order or header type", where=where)
    if compressor is not None and compressor not in _UNPACK:
        raise Unsupported(f"VTK data compressed by {compressor} are not read", where=where)
    appended = (root.findtext("AppendedData") or "").strip().removeprefix("_").encode("ascii", "replace")
    offsets = sorted(int(a.get("offset", 0)) for a in root.iter("DataArray") if a.get("format") == "appended")
    return _File(
        order,
        np.dtype(order + count),
        compressor,
        appended if raw is None else raw,
        raw is not None,
        offsets,
        where,
    )


def _piece(piece: ElementTree.Element, file: _File) -> PolyData:
    points = dict(_arrays(piece.find("Points"), file))
    if not points:
        raise FormatError("the VTK file has no points", where=file.where)
    coordinates = next(iter(points.values()))
    wanted = _count(piece, "NumberOfPoints", file)
    if coordinates.ndim != 2 or coordinates.shape != (wanted, 3):
        raise Truncated(
            "the VTK file has not as many points as it says",
            where=file.where,
            why=f"{coordinates.shape}, {wanted}",
        )
    found = PolyData(coordinates)
    for kind in KINDS:
        arrays = dict(_arrays(piece.find(kind), file))
        if len(arrays.get("offsets", ())):
            found.cells[kind] = (arrays["offsets"], arrays.get("connectivity", np.zeros(0, np.int64)))
        stated = _count(piece, f"NumberOf{kind}", file)
        if stated != len(arrays.get("offsets", ())):
            raise Truncated(
                f"the VTK file has not as many {kind} as it says", where=file.where, why=f"{stated}"
            )
    found.point_data.update(_arrays(piece.find("PointData"), file))
    found.cell_data.update(_arrays(piece.find("CellData"), file))
    return found


def _count(piece: ElementTree.Element, attribute: str, file: _File) -> int:
    text = piece.get(attribute, "0")
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise FormatError(f"{attribute} of the VTK file is no number", where=file.where, why=repr(text[:40]))
    return int(text)


def _arrays(parent: ElementTree.Element | None, file: _File) -> Iterator[tuple[str, Any]]:
    """Yield name and values of the arrays below an element; text arrays as lists of str."""
    for element in parent if parent is not None else ():
        if element.tag not in ("DataArray", "Array"):
            continue
        name = element.get("Name", "")
        try:
            yield name, _array(element, file)
        except MedshelfError:
            raise
        except (ValueError, zlib.error, lzma.LZMAError, EOFError, OverflowError) as error:
            raise FormatError(
                f"the VTK array {name!r} can't be read", where=file.where, why=str(error)
            ) from error


def _array(element: ElementTree.Element, file: _File) -> Any:
    kind = element.get("type", "")
    if kind == "String":
        return _strings(_bytes(element, file, "u1"))
    if kind not in _TYPES:
        raise Unsupported(f"VTK arrays of the type {kind!r} are not read", where=file.where)
    values = _bytes(element, file, _TYPES[kind])
    width = int(element.get("NumberOfComponents", "1"))
    return values.reshape(-1, width) if width > 1 else values


def _strings(codes: np.ndarray) -> list[str]:
    text = codes.tobytes().decode("utf-8", "replace")
    return text.removesuffix("\0").split("\0") if text else []


def _bytes(element: ElementTree.Element, file: _File, kind: str) -> np.ndarray:
    """Values of an array, flat, in the machine's byte order."""
    how = element.get("format", "ascii")
    text = (element.text or "").encode("ascii", "replace")
    if how == "ascii":
        return numbers(text.split(), kind)
    if how == "appended":
        start = int(element.get("offset", "0"))
        later = [offset for offset in file.offsets if offset > start]
        data = file.appended[start : later[0] if later else None]
        data = data if file.appended_raw else _unwrapped(data)
    elif how == "binary":
        data = _unwrapped(text)
    else:
        raise Unsupported(f"VTK arrays in the format {how!r} are not read", where=file.where)
    values = _unpacked(data, file)
    if len(values) % np.dtype(kind).itemsize:
        raise Truncated("a VTK array ends within a value", where=file.where, why=f"{len(values)} bytes")
    return np.frombuffer(values, file.order + kind).astype(kind)


def _unwrapped(text: bytes) -> bytes:
    """Undo base64 of header and data, which are wrapped one after the other."""
    return b"".join(base64.b64decode(chunk, validate=True) for chunk in _CHUNK.findall(text))


def _unpacked(data: bytes, file: _File) -> bytes:
    size = file.count.itemsize
    if len(data) < size:
        raise Truncated("a VTK array has no header", where=file.where)
    first = int(np.frombuffer(data, file.count, 1)[0])
    if file.compressor is None:
        if len(data) < size + first:
            raise Truncated(
                "a VTK array ends early", where=file.where, why=f"{first} bytes, {len(data) - size} found"
            )
        return data[size : size + first]
    if first == 0:
        return b""
    if len(data) < size * (3 + first):
        raise Truncated("the header of a VTK array ends early", where=file.where)
    block, last, *packed = (int(n) for n in np.frombuffer(data, file.count, 2 + first, size))
    sizes = [block] * (first - 1) + [last or block]
    if sum(sizes) > LIMIT_BYTES:
        raise Unsupported("a VTK array is too large", where=file.where, why=f"{sum(sizes)} bytes")
    return b"".join(_blocks(data[size * (3 + first) :], packed, sizes, file))


def _blocks(data: bytes, packed: list[int], sizes: list[int], file: _File) -> Iterator[bytes]:
    place = 0
    for length, size in zip(packed, sizes, strict=True):
        made = _UNPACK[str(file.compressor)](data[place : place + length], size) if size else b""
        if len(made) != size:
            raise Truncated(
                "a block of a VTK array ends early", where=file.where, why=f"{len(made)} of {size} bytes"
            )
        place += length
        yield made


def write(path: Path | str, mesh: Mesh) -> None:
    """Write vertices, polylines and faces as VTP, arrays in base64 without compression."""
    root = ElementTree.Element(
        "VTKFile", type="PolyData", version="1.0", byte_order="LittleEndian", header_type="UInt64"
    )
    counts = {"Points": len(mesh.vertices), "Lines": len(mesh.lines), "Polys": len(mesh.faces)}
    piece = ElementTree.SubElement(
        ElementTree.SubElement(root, "PolyData"),
        "Piece",
        {f"NumberOf{kind}": str(count) for kind, count in counts.items()},
    )
    points = ElementTree.SubElement(piece, "Points")
    _write_array(points, "Points", "Float64", mesh.vertices, NumberOfComponents="3")
    for kind, cells in (("Lines", mesh.lines), ("Polys", mesh.faces)):
        parent = ElementTree.SubElement(piece, kind)
        joined = np.concatenate([np.asarray(cell) for cell in cells] or [np.zeros(0)])
        _write_array(parent, "connectivity", "Int64", joined)
        _write_array(parent, "offsets", "Int64", np.cumsum([len(cell) for cell in cells]))
    ElementTree.indent(root)
    write_text(path, '<?xml version="1.0"?>\n' + ElementTree.tostring(root, "unicode") + "\n")


def _write_array(parent: ElementTree.Element, name: str, kind: str, values: Any, **more: str) -> None:
    data = np.ascontiguousarray(values, "<" + _TYPES[kind]).tobytes()
    facts = {"type": kind, "Name": name, "format": "binary", **more}
    element = ElementTree.SubElement(parent, "DataArray", facts)
    element.text = base64.b64encode(len(data).to_bytes(8, "little") + data).decode()
