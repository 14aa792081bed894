"""Cells of VTK polydata, which its XML and its legacy files share: vertices, lines, polygons, strips.

Arrays of cell data have one row for each cell in that order (VTK file formats, "PolyData").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats.mesh import Mesh, checked, fans

KINDS = ("Verts", "Lines", "Polys", "Strips")

Cells = tuple[np.ndarray, np.ndarray]
"""Where each cell ends in the connectivity, and the connectivity: vertex numbers."""


@dataclass(slots=True)
class PolyData:
    """What either reader collects."""

    points: np.ndarray
    cells: dict[str, Cells] = field(default_factory=dict)
    point_data: dict[str, np.ndarray] = field(default_factory=dict)
    cell_data: dict[str, np.ndarray] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)


def to_mesh(found: PolyData, where: object) -> Mesh:
    """Make a mesh of polydata: polygons and strips become triangles.

    Raises
    ------
    FormatError
        The cells do not fit their connectivity, or arrays do not fit the cells.
    """
    cells = {kind: _checked(found.cells.get(kind), kind, where) for kind in KINDS}
    sizes = {kind: len(ends) for kind, (ends, _) in cells.items()}
    polygons, polygon_sources = fans(np.diff(cells["Polys"][0], prepend=0), cells["Polys"][1], where)
    strips, strip_sources = _strips(*cells["Strips"], where)
    first = sizes["Verts"] + sizes["Lines"]
    sources = np.concatenate((first + polygon_sources, first + sizes["Polys"] + strip_sources))
    ends, numbers = cells["Lines"]
    lines = tuple(np.split(numbers, ends[:-1])) if len(ends) else ()
    meta = {**found.meta, "polygons": sizes["Polys"], "vertex_cells": sizes["Verts"]}
    return checked(
        Mesh(
            np.asarray(found.points, np.float64),
            np.concatenate((polygons, strips)),
            lines,
            found.point_data,
            _of_faces(found.cell_data, sum(sizes.values()), sources, where),
            meta,
        ),
        where,
    )


def _checked(cells: Cells | None, kind: str, where: object) -> Cells:
    if cells is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    ends, numbers = (np.asarray(part).astype(np.int64) for part in cells)
    last = int(ends[-1]) if len(ends) else 0
    if last != len(numbers) or (np.diff(ends, prepend=0) < 0).any():
        raise FormatError(
            f"the offsets of {kind} do not fit", where=where, why=f"last {last}, {len(numbers)} numbers"
        )
    return ends, numbers


def _strips(ends: np.ndarray, numbers: np.ndarray, where: object) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of strips; every second one is turned round so that all face the same way."""
    faces: list[np.ndarray] = [np.zeros((0, 3), np.int64)]
    sources: list[np.ndarray] = [np.zeros(0, np.int64)]
    for number, strip in enumerate(np.split(numbers, ends[:-1]) if len(ends) else ()):
        if len(strip) < 3:
            raise FormatError(f"strip {number} has fewer than three vertices", where=where)
        triangles = np.stack((strip[:-2], strip[1:-1], strip[2:]), axis=1)
        triangles[1::2] = triangles[1::2, ::-1]
        faces.append(triangles)
        sources.append(np.full(len(triangles), number, np.int64))
    return np.concatenate(faces), np.concatenate(sources)


def _of_faces(
    arrays: Mapping[str, np.ndarray], cells: int, sources: np.ndarray, where: object
) -> dict[str, np.ndarray]:
    for name, array in arrays.items():
        if len(array) != cells:
            raise FormatError(f"the cell array {name!r} has {len(array)} rows, not {cells}", where=where)
    return {name: array[sources] for name, array in arrays.items()}
