"""Write the files of a twin that are no arrays: records, boxes, points, meshes, contours, text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.layout.twin import TwinFile
from medshelf.layout.twin_rows import told_frames
from medshelf.model.layout import Layout, Slot
from medshelf.samples import phantom


def write_record(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    """Write a small file of facts: key and value lines, or JSON."""
    from medshelf.formats.keyval import write_keyval

    for file, path in zip(group, paths, strict=True):
        values: dict[str, Any] = {"Note": "synthetic"}
        examples = layout.example.columns.get(file.slot, {}) if layout.example else {}
        values |= {column: words[file.number % len(words)] for column, words in examples.items()}
        for target in layout.targets.values():
            head, _, key = target.of.partition(".")
            if head == file.slot and key:
                values.setdefault(key, (tuple(target.map) or target.classes or ("1",))[0])
        values |= told_frames(layout, file.slot)
        if path.suffix.lower() == ".json":
            path.write_text(json.dumps(values), encoding="utf-8")
        else:
            write_keyval(path, values)


def write_boxes(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    """Write boxes as Pascal VOC."""
    from medshelf.formats.boxes import Box, Boxes, write_voc

    rows, columns = phantom.PICTURE_SHAPE
    names = list(layout.labels.get(slot.labels or "", {})) or ["object"]
    boxes = tuple(Box(name, 2 + 3 * n, 4 + 2 * n, 9 + 3 * n, 12 + 2 * n) for n, name in enumerate(names[:8]))
    for path in paths:
        write_voc(path, Boxes((columns, rows), boxes, "inclusive-1", path.stem))


def write_points(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    """Write named points."""
    from medshelf.formats.table import write_rows

    names = [n for n in layout.labels.get(slot.labels or "", {}) if n.isalnum()] or ["1"]
    point = slot.columns.get("point", ("x", "y", "z"))
    given = slot.columns.get("columns_are", ())
    rows: list[dict[str, Any]] = []
    for n, name in enumerate(names):
        numbers = [3.0 + k + n for k in range(3)]
        told = {point: numbers} if isinstance(point, str) else dict(zip(point, numbers, strict=False))
        row = {slot.columns.get("label", "label"): name, **told}
        rows.append({column: row.get(column, "0") for column in given} if given else row)
    for path in paths:
        write_rows(path, rows, header=None if given else 0, records=slot.columns.get("records"))


def write_mesh(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    """Write a tetrahedron."""
    from medshelf.formats.mesh import Mesh, write_mesh

    corners = np.array([[0, 0, 0], [10, 0, 0], [0, 12, 0], [0, 0, 15]], float) + group[0].number
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    for path in paths:
        if path.suffix.lower() == ".vtk":
            path.write_text(_vtk(corners, faces), encoding="ascii")
        else:
            write_mesh(path, Mesh(corners, faces))


def _vtk(corners: np.ndarray, faces: np.ndarray) -> str:
    """Return a surface as a legacy VTK file (VTK file formats, version 3.0, ASCII polydata)."""
    points = "\n".join(" ".join(f"{x:g}" for x in corner) for corner in corners)
    polygons = "\n".join("3 " + " ".join(map(str, face)) for face in faces)
    return (
        "# vtk DataFile Version 3.0\nsynthetic\nASCII\nDATASET POLYDATA\n"
        f"POINTS {len(corners)} float\n{points}\nPOLYGONS {len(faces)} {4 * len(faces)}\n{polygons}\n"
    )


def write_contours(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    """Write outlines as Aperio does."""
    from medshelf.formats.contours import Contour, Contours, write_contours

    names = list(layout.labels.get(slot.labels or "", {})) or ["region"]
    for path in paths:
        drawn = [Contour(n, np.array([[1.0, 2], [9, 3 + k], [5, 11]])) for k, n in enumerate(names)]
        write_contours(path, Contours(tuple(drawn)))


def write_text(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    """Write a line of text, or the least that a JSON or XML reader takes."""
    for file, path in zip(group, paths, strict=True):
        if path.suffix.lower() == ".json":
            path.write_text(json.dumps([{"note": f"synthetic {file.number + 1}"}]), encoding="utf-8")
        elif path.suffix.lower() == ".xml":
            path.write_text("<?xml version=\"1.0\"?>\n<synthetic/>\n", encoding="utf-8")
        else:
            path.write_text(f"synthetic text of case {file.number + 1}\n", encoding="utf-8")
