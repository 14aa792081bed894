"""Outlines in the JSON of Supervisely (https://docs.supervisely.com/data-organization/00_ann_format_navi)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.contours import Contour, Contours
from medshelf.formats.geojson import positions
from medshelf.formats.table.json import load_json
from medshelf.formats.text import read_text, write_text
from medshelf.model.blob import Blob

LIMIT_BYTES = 2**28
"""Largest file of one picture (256 MiB)."""

_KINDS = {"polygon": "polygon", "rectangle": "rectangle", "line": "line", "point": "points"}


def read_supervisely(blob: Blob) -> Contours:
    """Read the outlines of one picture.

    Returns
    -------
    Contours
        In pixels of the picture; the label is ``classTitle``. The ``interior`` rings of an object are contours with
        ``hole`` set that follow it. A rectangle is two opposite corners.

    Raises
    ------
    FormatError
        Not such JSON, or positions that are no pairs of numbers.
    Unsupported
        An object that is no outline (``bitmap``, ``cuboid``).
    """
    document = load_json(read_text(blob, limit_bytes=LIMIT_BYTES), blob.name)
    objects = document.get("objects") if isinstance(document, dict) else None
    if not isinstance(objects, list):
        raise FormatError("this JSON is no annotation of Supervisely: no list of 'objects'", where=blob.name)
    found = [c for n, one in enumerate(objects, 1) for c in _drawn(one, f"{blob.name}, object {n}")]
    return Contours(tuple(found), vendor="supervisely")


def _drawn(one: Any, where: str) -> Iterator[Contour]:
    points = one.get("points") if isinstance(one, dict) else None
    kind = one.get("geometryType") if isinstance(one, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise Unsupported("an object of another kind is not read", where=where, why=repr(kind)[:80])
    if not isinstance(points, dict):
        raise FormatError("an object has no points", where=where)
    title = one.get("classTitle")
    label = str(title) if isinstance(title, (str, int)) else None
    said = {key: str(one[key]) for key in ("id", "labelerLogin") if isinstance(one.get(key), (str, int))}
    yield Contour(label, positions(points.get("exterior"), where), _KINDS[kind], attributes=said)
    holes = points.get("interior") or []
    for hole in holes if isinstance(holes, list) else [holes]:
        yield Contour(label, positions(hole, where), _KINDS[kind], hole=True, attributes=said)


def write_supervisely(path: Path | str, contours: Contours, size: tuple[int, int]) -> None:
    """Write polygons of a picture of (width, height) pixels; `read_supervisely` reads them back."""
    objects: list[dict[str, Any]] = []
    for contour in contours:
        points = contour.points_xy.tolist()
        if contour.hole and objects:
            objects[-1]["points"]["interior"].append(points)
        else:
            points = {"exterior": points, "interior": []}
            objects.append({"classTitle": contour.label, "geometryType": "polygon", "points": points})
    document = {"description": "", "tags": [], "size": {"width": size[0], "height": size[1]}, "objects": objects}
    write_text(path, json.dumps(document) + "\n")
