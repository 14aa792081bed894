"""Points of 3D Slicer: ``.mrk.json`` and the older ``.fcsv``.

Both say in which system their coordinates are. ``.fcsv`` writes RAS, LPS or IJK, or 0, 1, 2 for them, and RAS
where it says nothing (Slicer's MRMLMarkups module, vtkMRMLMarkupsFiducialStorageNode).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats import markup
from medshelf.formats.points import Points
from medshelf.formats.table.json import load_json
from medshelf.formats.text import read_text, write_text
from medshelf.model.blob import Blob

LIMIT_BYTES = 2**26
"""Largest file (64 MiB)."""

_FRAMES = {"RAS": "ras_mm", "0": "ras_mm", "LPS": "lps_mm", "1": "lps_mm", "IJK": "voxel", "2": "voxel"}
_COLUMNS = "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"


def read_markups(blob: Blob) -> Points:
    """Read the points of a Slicer file.

    Returns
    -------
    Points
        ``frame`` is ``ras_mm``, ``lps_mm`` or ``voxel``, as the file says. Points without a position are left out.

    Raises
    ------
    FormatError
        Not such a file, an unknown system of coordinates, or a coordinate that is no number.
    Unsupported
        Lists of points in different systems.
    """
    text = read_text(blob, limit_bytes=LIMIT_BYTES)
    if blob.name.lower().endswith(".json"):
        return _from_json(load_json(text, blob.name), blob.name)
    return _from_lines(text, blob.name)


def _from_json(document: Any, where: str) -> Points:
    lists = document.get("markups") if isinstance(document, dict) else None
    if not isinstance(lists, list) or not all(isinstance(one, dict) for one in lists):
        raise FormatError("this JSON holds no markups of Slicer", where=where)
    frames = {_frame(one.get("coordinateSystem", "LPS"), where) for one in lists}
    if len(frames) > 1:
        raise Unsupported("the lists of points are in different systems", where=where, why=", ".join(sorted(frames)))
    points = [pair for one in lists for pair in _control_points(one, where)]
    return _points(points, next(iter(frames), "lps_mm"))


def _control_points(one: dict[str, Any], where: str) -> Iterator[tuple[str, list[float]]]:
    listed = one.get("controlPoints", [])
    for number, point in enumerate(listed if isinstance(listed, list) else [listed], 1):
        place = f"{where}, point {number}"
        if not isinstance(point, dict):
            raise FormatError("a point is no object", where=place)
        position = point.get("position")
        if position is None or point.get("positionStatus", "defined") != "defined":
            continue
        if not isinstance(position, list) or len(position) != 3:
            raise FormatError("a position is no list of three numbers", where=place, why=repr(position)[:80])
        yield str(point.get("label", "")), [markup.as_number(str(x), "a coordinate", place) for x in position]


def _from_lines(text: str, where: str) -> Points:
    facts: dict[str, str] = {}
    lines = text.splitlines()
    for line in lines:
        if line.startswith("#"):
            key, mark, value = line[1:].partition("=")
            if mark:
                facts[key.strip()] = value.strip()
    if not facts:
        raise FormatError("this is no .fcsv file of Slicer: no line begins with '# name ='", where=where)
    columns = facts.get("columns", _COLUMNS).split(",")
    absent = [name for name in ("x", "y", "z", "label") if name not in columns]
    if absent:
        raise FormatError("the file has no column " + ", ".join(absent), where=where, why=", ".join(columns)[:200])
    points: list[tuple[str, list[float]]] = []
    for number, line in enumerate(lines, 1):
        if line.startswith("#") or not line.strip():
            continue
        place = f"{where}, line {number}"
        cells = _cells(line, place)
        row = dict(zip(columns, cells, strict=False))
        points.append((row.get("label", ""), [markup.as_number(row.get(axis), axis, place) for axis in "xyz"]))
    return _points(points, _frame(facts.get("CoordinateSystem", "RAS"), where))


def _cells(line: str, where: str) -> list[str]:
    try:
        return next(csv.reader([line]))
    except (csv.Error, StopIteration) as error:
        raise FormatError("a line can't be read", where=where, why=str(error)) from error


def _frame(said: object, where: str) -> str:
    if str(said) not in _FRAMES:
        raise FormatError("the system of coordinates is unknown", where=where, why=repr(said)[:80])
    return _FRAMES[str(said)]


def _points(points: list[tuple[str, list[float]]], frame: str) -> Points:
    coordinates = np.array([xyz for _, xyz in points], np.float64).reshape(-1, 3)
    return Points(tuple(label for label, _ in points), coordinates, frame)


def write_markups(path: Path | str, points: Points) -> None:
    """Write points with a frame ``ras_mm`` or ``lps_mm``, by the file's ending; `read_markups` reads them back."""
    system = {"ras_mm": "RAS", "lps_mm": "LPS"}[points.frame or ""]
    named = list(zip(points.labels, points.coordinates.tolist(), strict=True))
    if str(path).lower().endswith(".json"):
        listed = [{"id": str(n), "label": label, "position": xyz} for n, (label, xyz) in enumerate(named, 1)]
        lists = [{"type": "Fiducial", "coordinateSystem": system, "controlPoints": listed}]
        write_text(path, json.dumps({"markups": lists}, indent=1) + "\n")
        return
    head = f"# Markups fiducial file version = 4.11\n# CoordinateSystem = {system}\n# columns = {_COLUMNS}\n"
    lines = [
        f'{n},{x:.10g},{y:.10g},{z:.10g},0,0,0,1,1,1,0,"{label}",,\n' for n, (label, (x, y, z)) in enumerate(named)
    ]
    write_text(path, head + "".join(lines))
