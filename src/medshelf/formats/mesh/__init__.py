"""Surfaces and polylines: OBJ, STL, PLY, VTP and legacy VTK polydata.

Vertices keep the order and the frame of the file: labels of vertices, as teeth datasets have them, rely
on the order, and no format here says whether x points to the patient's left or right, nor in which unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.text import bytes_of
from medshelf.model.blob import Blob

LIMIT_BYTES = 2**30
"""Largest mesh file that is read, and largest size that its arrays may unfold to (1 GiB)."""

SUFFIXES = (".obj", ".stl", ".ply", ".vtp", ".vtk")


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A triangle surface, polylines, or both."""

    vertices: np.ndarray
    """(N, 3) float64, in the file's own frame and unit."""
    faces: np.ndarray
    """(M, 3) int64, vertex numbers from 0; polygons of the file are cut into fans of triangles."""
    lines: tuple[np.ndarray, ...] = ()
    """Polylines: vertex numbers, int64. Contours stored as VTK polydata have these and no faces."""
    point_data: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Arrays with one row a vertex."""
    cell_data: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Arrays with one row a face (those of lines and single points are left out)."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Facts of the file: ``format``, ``fields`` of VTK, the number of ``polygons`` that were cut."""

    def __repr__(self) -> str:
        return f"Mesh({len(self.vertices)} vertices, {len(self.faces)} faces, {len(self.lines)} lines)"


def read_mesh(blob: Blob) -> Mesh:
    """Read a mesh; the first bytes decide between the formats, then the name.

    Parameters
    ----------
    blob : Blob
        A file or archive member, gzipped or not.

    Raises
    ------
    FormatError
        The bytes are no mesh, or one whose faces name missing vertices (`Truncated` where it ends early).
    Unsupported
        A kind of VTK file or compression that is not read, or a mesh over 1 GiB.
    """
    data = bytes_of(blob, limit_bytes=LIMIT_BYTES)
    return import_module(_module_for(data, blob)).parse(data, blob.name)


def _module_for(data: bytes, blob: Blob) -> str:
    name = blob.name.lower().removesuffix(".gz")
    head = data[:512].lstrip()
    if head.startswith((b"ply\n", b"ply\r")):
        return "medshelf.formats.mesh.ply"
    if head.startswith(b"# vtk DataFile"):
        return "medshelf.formats.mesh.vtk"
    if b"<VTKFile" in head:
        return "medshelf.formats.mesh.vtp"
    if name.endswith(".stl"):
        return "medshelf.formats.mesh.stl"
    if name.endswith(".obj"):
        return "medshelf.formats.mesh.obj"
    raise FormatError(
        "this is no mesh",
        where=blob.name,
        why=f"first bytes {data[:16]!r}",
        hint="Read are " + " ".join(SUFFIXES),
    )


def checked(mesh: Mesh, where: object) -> Mesh:
    """Return the mesh if its parts fit together.

    Raises
    ------
    FormatError
        A face or line names a vertex that is not there, or an array has the wrong number of rows.
    """
    count = len(mesh.vertices)
    for what, numbers in (("face", mesh.faces), *(("line", line) for line in mesh.lines)):
        if numbers.size and (numbers.min() < 0 or numbers.max() >= count):
            raise FormatError(
                f"a {what} names a vertex that is not there",
                where=where,
                why=f"vertices {int(numbers.min())} to {int(numbers.max())} of {count}",
            )
    for rows, arrays in ((count, mesh.point_data), (len(mesh.faces), mesh.cell_data)):
        for name, array in arrays.items():
            if len(array) != rows:
                raise FormatError(f"the array {name!r} has {len(array)} rows, not {rows}", where=where)
    return mesh


def fans(counts: np.ndarray, numbers: np.ndarray, where: object) -> tuple[np.ndarray, np.ndarray]:
    """Cut polygons into fans of triangles.

    Parameters
    ----------
    counts : (P,) int array
        Corners of each polygon.
    numbers : (sum of counts,) int array
        Vertex numbers, polygon after polygon.

    Returns
    -------
    faces : (M, 3) int64 array
        Triangles.
    sources : (M,) int64 array
        The polygon of each triangle.

    Raises
    ------
    FormatError
        A polygon with fewer than three corners, or counts that do not fit the numbers.
    """
    counts = np.asarray(counts, np.int64)
    numbers = np.asarray(numbers, np.int64)
    if (counts < 3).any() or int(counts.sum()) != numbers.size:
        raise FormatError(
            "the polygons are wrong",
            where=where,
            why=f"corners {int(counts.min(initial=3))} at least, {int(counts.sum())} in all, "
            f"{numbers.size} vertex numbers",
        )
    if (counts == 3).all():
        return numbers.reshape(-1, 3), np.arange(counts.size)
    starts = np.cumsum(counts) - counts
    triangles = counts - 2
    sources = np.repeat(np.arange(counts.size), triangles)
    within = np.arange(sources.size) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    first = starts[sources]
    corners = (first, first + within + 1, first + within + 2)
    return np.stack([numbers[corner] for corner in corners], axis=1), sources


def write_mesh(path: Path | str, mesh: Mesh) -> None:
    """Write the vertices, faces and polylines of a mesh; data arrays are not written.

    Parameters
    ----------
    path : Path or str
        The file; its ending decides: ``.obj``, ``.stl`` (binary), ``.ply`` (binary), ``.vtp`` or ``.vtk``.
        STL repeats the vertices of each face and rounds them to float32; STL and PLY have no polylines.
    mesh : Mesh
        What to write.

    Raises
    ------
    Unsupported
        Another ending, or polylines in a format that has none.
    """
    ending = Path(path).suffix.lower()
    if ending not in SUFFIXES:
        raise Unsupported(f"meshes are not written as {ending!r}", where=path, hint=" ".join(SUFFIXES))
    if mesh.lines and ending in (".stl", ".ply"):
        raise Unsupported(f"{ending} has no polylines", where=path, hint="Use .vtp, .vtk or .obj")
    import_module(f"medshelf.formats.mesh.{ending[1:]}").write(path, mesh)
