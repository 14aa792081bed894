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
_SKIPPED = frozenset(("vn", "vt", "vp", "usemtl", "mtllib", "g", "o", "s"))


def parse(data: bytes, where: object) -> Mesh:
    """Parse an OBJ file; see `medshelf.formats.mesh.read_mesh`.

    Colours that some programs write behind the coordinates become ``point_data["colour"]``.
    """
    text = decode(data, where)[0].replace("\\\n", " ")
    if "#" in text:
        text = re.sub(r"#[^\n]*", "", text)
    found = _statements(text, where)
    if not found["v"]:
        raise FormatError("the OBJ file has no vertices", where=where)
    vertices, colours = _vertices(found["v"], text, where)
    faces, _ = fans(_counts(found["f"]), _references(found["f"], len(vertices), where), where)
    cuts = np.cumsum(_counts(found["l"]))[:-1]
    polylines = np.split(_references(found["l"], len(vertices), where), cuts) if found["l"] else []
    return checked(
        Mesh(
            vertices,
            faces,
            tuple(polylines),
            point_data={} if colours is None else {"colour": colours},
            meta={"format": "OBJ", "polygons": len(found["f"])},
        ),
        where,
    )


def _statements(text: str, where: object) -> dict[str, list[str]]:
    """What stands behind ``v``, ``f`` and ``l`` on each line that begins so."""
    found: dict[str, list[str]] = {"v": [], "f": [], "l": []}
    for number, line in enumerate(io.StringIO(text), start=1):
        key, *rest = line.split(None, 1)[:2] or ("g",)
        if key in found:
            found[key].append(rest[0] if rest else "")
        elif key not in _SKIPPED and not _KEYWORD.fullmatch(key):
            raise FormatError(f"line {number} is not OBJ", where=where, why=repr(line[:60]))
    return found


def _counts(statements: list[str]) -> np.ndarray:
    return np.fromiter(map(len, map(str.split, statements)), np.int64, len(statements))


def _vertices(statements: list[str], text: str, where: object) -> tuple[np.ndarray, np.ndarray | None]:
    """Coordinates, and colours where each vertex has three more numbers."""
    widths = np.unique(_counts(statements))
    try:
        if len(widths) != 1 or widths[0] not in (3, 4, 6, 7):
            raise ValueError(f"vertices have {widths.tolist()} numbers")
        values = numbers(" ".join(statements).split(), "f8").reshape(len(statements), -1)
        if not np.isfinite(values).all():
            raise ValueError("not finite")
    except ValueError as error:
        raise FormatError(
            f"a vertex is wrong, line {_wrong_line(text)}", where=where, why=str(error)
        ) from error
    width = int(widths[0])
    return values[:, :3].copy(), values[:, width - 3 :].copy() if width > 4 else None


def _wrong_line(text: str) -> int:
    """Number of the first vertex that differs from the one before it, or holds no numbers."""
    width = None
    for number, line in enumerate(io.StringIO(text), start=1):
        key, *words = line.split() or [""]
        if key != "v":
            continue
        try:
            good = len(words) == (width or len(words)) and bool(np.isfinite(numbers(words, "f8")).all())
        except ValueError:
            good = False
        if not good:
            return number
        width = len(words)
    return 0


def _references(statements: list[str], count: int, where: object) -> np.ndarray:
    """Vertex numbers from 0; the file counts from 1, or backwards from the vertices read so far.

    A backward number is taken from the end of all vertices, which is the same in files that list
    vertices first.
    """
    joined = " ".join(statements)
    if "/" in joined:
        joined = re.sub(r"/\S*", "", joined)
    try:
        found = numbers(joined.split(), "i8")
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
