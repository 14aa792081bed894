"""Wavefront OBJ: vertices, faces and lines; materials, textures and normals are left out."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats.mesh import Mesh, checked, fans
from medshelf.formats.text import decode, numbers, write_text

_KEYWORD = re.compile(r"[a-z_]+\d?")

Words = list[tuple[int, list[str]]]
"""Line numbers and the words after the keyword."""


def parse(data: bytes, where: object) -> Mesh:
    """Parse an OBJ file; see `medshelf.formats.mesh.read_mesh`. Errors name the line."""
    text, _ = decode(data, where)
    lines: dict[str, Words] = {"v": [], "f": [], "l": []}
    for number, line in enumerate(io.StringIO(text.replace("\\\n", " ")), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if words[0] in lines:
            lines[words[0]].append((number, words[1:]))
        elif not _KEYWORD.fullmatch(words[0]):
            raise FormatError(f"line {number} is not OBJ", where=where, why=repr(line[:60]))
    if not lines["v"]:
        raise FormatError("the OBJ file has no vertices", where=where)
    vertices, colours = _vertices(lines["v"], where)
    counts = np.array([len(words) for _, words in lines["f"]], np.int64)
    faces, _ = fans(counts, _numbers(lines["f"], len(vertices), where), where)
    cuts = np.cumsum([len(words) for _, words in lines["l"]])[:-1]
    polylines = np.split(_numbers(lines["l"], len(vertices), where), cuts) if lines["l"] else []
    return checked(
        Mesh(
            vertices,
            faces,
            tuple(polylines),
            point_data={} if colours is None else {"color": colours},
            meta={"format": "OBJ", "polygons": len(lines["f"])},
        ),
        where,
    )


def _vertices(lines: Words, where: object) -> tuple[np.ndarray, np.ndarray | None]:
    """Coordinates, and the colours that some programs put behind them."""
    widths = {len(words) for _, words in lines}
    try:
        if len(widths) != 1 or not widths <= {3, 4, 6, 7}:
            raise ValueError(f"vertices have {sorted(widths)} numbers")
        width = widths.pop()
        values = numbers([word for _, words in lines for word in words], "f8").reshape(-1, width)
        if not np.isfinite(values).all():
            raise ValueError("not finite")
    except ValueError as error:
        raise FormatError(f"a vertex is wrong, {_first_wrong(lines)}", where=where, why=str(error)) from error
    return values[:, :3].copy(), values[:, width - 3 :].copy() if width > 4 else None


def _first_wrong(lines: Words) -> str:
    """Say which line differs from the first or holds no numbers."""
    for number, words in lines:
        try:
            good = (
                len(words) == len(lines[0][1])
                and len(words) >= 3
                and np.isfinite([float(w) for w in words]).all()
            )
        except ValueError:
            good = False
        if not good:
            return f"line {number}"
    return f"line {lines[0][0]}"


def _numbers(lines: Words, count: int, where: object) -> np.ndarray:
    """Vertex numbers from 0; the file counts from 1, or backwards from the vertices read so far.

    A backward number is taken from the end of all vertices, which is the same in files that list
    vertices first.
    """
    flat = [word.partition("/")[0] for _, words in lines for word in words]
    try:
        found = numbers(flat, "i8")
        if (found == 0).any():
            raise ValueError("vertices count from 1")
    except ValueError as error:
        raise FormatError("a face or line is wrong", where=where, why=str(error)) from error
    return np.where(found > 0, found - 1, found + count)


def write(path: Path | str, mesh: Mesh) -> None:
    """Write vertices, faces and polylines as OBJ; coordinates are read back to the last bit."""
    parts = [f"v {x!r} {y!r} {z!r}\n" for x, y, z in np.asarray(mesh.vertices, np.float64).tolist()]
    parts += [f"f {a} {b} {c}\n" for a, b, c in (mesh.faces + 1).tolist()]
    parts += ["l " + " ".join(str(n + 1) for n in line.tolist()) + "\n" for line in mesh.lines]
    write_text(path, "".join(parts))
