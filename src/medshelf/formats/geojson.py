"""Outlines in GeoJSON (RFC 7946), as QuPath and HuBMAP use it for slides: x and y are pixels of level 0."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.contours import Contour, Contours
from medshelf.formats.table.json import load_json
from medshelf.formats.text import LIMIT_BYTES, read_text, write_text
from medshelf.model.blob import Blob

_KINDS = {"Point": "points", "MultiPoint": "points", "LineString": "line", "Polygon": "polygon"}
_PARTS = {"MultiPolygon": "Polygon", "MultiLineString": "LineString"}
_NAMES = ("classification", "name", "label")


def read_geojson(blob: Blob, *, limit_bytes: int = LIMIT_BYTES) -> Contours:
    """Read the outlines of a GeoJSON file.

    Parameters
    ----------
    blob : Blob
        JSON: a FeatureCollection, one Feature, or a bare list of features (as some exports have them).
    limit_bytes : int
        Largest file that is read.

    Returns
    -------
    Contours
        The label is the ``classification`` of a feature's properties (its ``name`` where it is an object); else
        their ``name`` or ``label``. The inner rings of a polygon are contours with ``hole`` set that follow the
        outer ring. A feature without geometry is left out.

    Raises
    ------
    FormatError
        Not JSON, no features, or positions that are no pairs of numbers.
    Unsupported
        Another kind of geometry.
    """
    document = load_json(read_text(blob, limit_bytes=limit_bytes), blob.name)
    contours: list[Contour] = []
    for number, feature in enumerate(_features(document, blob.name), 1):
        where = f"{blob.name}, feature {number}"
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise FormatError("an entry is no GeoJSON feature", where=where, why=repr(feature)[:80])
        properties = feature.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        said = {key: str(value) for key, value in properties.items() if isinstance(value, (str, int, float))}
        if isinstance(feature.get("id"), (str, int)):
            said["id"] = str(feature["id"])
        if feature.get("geometry") is not None:
            contours += _drawn(feature["geometry"], _label(properties), said, where)
    return Contours(tuple(contours), vendor="geojson")


def _features(document: Any, where: str) -> list[Any]:
    if isinstance(document, dict) and document.get("type") == "Feature":
        return [document]
    found = document.get("features") if isinstance(document, dict) else document
    if not isinstance(found, list):
        raise FormatError("this JSON holds no GeoJSON features", where=where)
    return found


def _label(properties: Mapping[str, Any]) -> str | None:
    for key in _NAMES:
        said = properties.get(key)
        said = said.get("name") if isinstance(said, dict) else said
        if isinstance(said, (str, int)) and str(said).strip():
            return str(said).strip()
    return None


def _drawn(geometry: Any, label: str | None, said: Mapping[str, str], where: str) -> Iterator[Contour]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind == "GeometryCollection":
        for part in _listed(geometry.get("geometries"), where):
            yield from _drawn(part, label, said, where)
        return
    if not isinstance(kind, str) or kind not in {**_KINDS, **_PARTS}:
        raise Unsupported("a geometry of another kind is not read", where=where, why=repr(kind))
    coordinates = _listed(geometry.get("coordinates"), where)
    for part in coordinates if kind in _PARTS else [coordinates]:
        yield from _part(_PARTS.get(kind, kind), part, label, said, where)


def _part(kind: str, part: Any, label: str | None, said: Mapping[str, str], where: str) -> Iterator[Contour]:
    rings = _listed(part, where) if kind == "Polygon" else [[part] if kind == "Point" else part]
    for n, ring in enumerate(rings):
        points = positions(ring, where)
        if kind == "Polygon" and len(points) > 1 and (points[0] == points[-1]).all():
            points = points[:-1]
        yield Contour(label, points, _KINDS[kind], hole=kind == "Polygon" and n > 0, attributes=said)


def _listed(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise FormatError("a list of positions is missing", where=where, why=repr(value)[:80])
    return value


def positions(value: Any, where: object) -> np.ndarray:
    """Return (N, 2) float64 from a list of ``[x, y]`` or ``[x, y, z]``.

    Raises
    ------
    FormatError
        It is none, or a number is not finite.
    """
    try:
        points = np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError("positions are no pairs of numbers", where=where, why=str(error)) from error
    if points.ndim != 2 or points.shape[1] not in (2, 3) or not np.isfinite(points).all():
        raise FormatError("positions are no pairs of numbers", where=where, why=f"an array {points.shape}")
    return points[:, :2]


def write_geojson(path: Path | str, contours: Contours) -> None:
    """Write polygons, holes and points as a FeatureCollection; `read_geojson` reads them back."""
    features: list[dict[str, Any]] = []
    for contour in contours:
        points = contour.points_xy.tolist()
        ring = [*points, points[0]]
        if contour.hole and features:
            features[-1]["geometry"]["coordinates"].append(ring)
            continue
        area = contour.kind not in ("points", "line")
        kind = "Polygon" if area else {"points": "MultiPoint", "line": "LineString"}[contour.kind]
        properties = {} if contour.label is None else {"classification": {"name": contour.label}}
        geometry = {"type": kind, "coordinates": [ring] if area else points}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    write_text(path, json.dumps({"type": "FeatureCollection", "features": features}) + "\n")
