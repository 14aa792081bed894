"""STL, binary and ASCII. It has no shared vertices: every face brings its own three."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from medshelf.errors import FormatError, Truncated
from medshelf.formats.mesh import Mesh
from medshelf.formats.text import numbers

_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_HEADER_BYTES = 84
_TRIPLES = {key: re.compile(rb"\b" + key + rb"((?:\s+[^\s]+){3})") for key in (b"vertex", b"normal")}


def parse(data: bytes, where: object) -> Mesh:
    """Parse an STL file; see `medshelf.formats.mesh.read_mesh`.

    A file is binary when its size is what its count of faces asks for, even if it begins with
    ``solid`` as ASCII files do. ``cell_data["normal"]`` has the normals as stored.
    """
    count = int.from_bytes(data[80:84], "little") if len(data) >= _HEADER_BYTES else 0
    wanted = _HEADER_BYTES + count * _FACET.itemsize
    ascii_like = data.lstrip()[:5].lower() == b"solid"
    if len(data) >= _HEADER_BYTES and (len(data) == wanted or (not ascii_like and len(data) > wanted)):
        facets = np.frombuffer(data, _FACET, count, _HEADER_BYTES)
        return _mesh(facets["corners"].reshape(-1, 3), facets["normal"], "binary STL", where)
    if ascii_like and b"\0" not in data:
        return _ascii(data, where)
    raise Truncated(
        "the STL ends early",
        where=where,
        why=f"{count} faces need {wanted} bytes, {len(data)} found",
        hint="The file is cut, or no STL",
    )


def _ascii(data: bytes, where: object) -> Mesh:
    try:
        corners, normals = (_triples(key, data) for key in (b"vertex", b"normal"))
    except ValueError as error:
        raise FormatError("a vertex is no three numbers", where=where, why=str(error)) from error
    facets = data.count(b"endfacet")
    if data.rfind(b"endsolid") < 0:
        raise Truncated("the STL ends early", where=where, why="there is no 'endsolid'")
    if len(corners) != 3 * facets or len(normals) != facets:
        raise FormatError(
            "the STL has faces that are no triangles",
            where=where,
            why=f"{facets} faces, {len(corners)} vertices, {len(normals)} normals",
        )
    return _mesh(corners, normals, "ASCII STL", where)


def _triples(key: bytes, data: bytes) -> np.ndarray:
    return numbers(b"".join(_TRIPLES[key].findall(data)).split(), "f8").reshape(-1, 3)


def _mesh(corners: np.ndarray, normals: np.ndarray, kind: str, where: object) -> Mesh:
    vertices = corners.astype(np.float64)
    if not np.isfinite(vertices).all():
        raise FormatError("a vertex is not finite", where=where)
    faces = np.arange(len(vertices), dtype=np.int64).reshape(-1, 3)
    return Mesh(vertices, faces, cell_data={"normal": normals.astype(np.float64)}, meta={"format": kind})


def write(path: Path | str, mesh: Mesh) -> None:
    """Write the faces as binary STL, with normals by the right-hand rule."""
    corners = np.asarray(mesh.vertices, np.float64)[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    facets = np.zeros(len(corners), _FACET)
    facets["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    facets["corners"] = corners
    with open(path, "wb") as stream:
        stream.write(b"binary STL".ljust(80) + len(facets).to_bytes(4, "little") + facets.tobytes())
