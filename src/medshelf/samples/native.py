"""Loaders for what is no image: boxes, points, contours, meshes, text and records, by reader or role."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from medshelf.model.blob import Blob
from medshelf.model.layout import Slot

Loader = Callable[[Sequence[Blob], Slot, Mapping[str, str]], Any]


def _voc(blobs: Sequence[Blob], slot: Slot, labels: Mapping[str, str]) -> Any:
    from medshelf.formats import boxes

    return boxes.read_voc(blobs[0])


def _json(blobs: Sequence[Blob], slot: Slot, labels: Mapping[str, str]) -> Any:
    from medshelf.formats import table

    return [row for blob in blobs for row in table.read_rows(blob, records=slot.columns.get("records"))]


def _mesh(blobs: Sequence[Blob], slot: Slot, labels: Mapping[str, str]) -> Any:
    from medshelf.formats import mesh

    return mesh.read_mesh(blobs[0])


def _contours(blobs: Sequence[Blob], slot: Slot, labels: Mapping[str, str]) -> Any:
    from medshelf.formats import contours

    return contours.read_contours(blobs[0])


def _rtstruct(blobs: Sequence[Blob], slot: Slot, labels: Mapping[str, str]) -> Any:
    from medshelf.formats import rtstruct

    return rtstruct.read_rtstruct(blobs[0])


def _dicom_ann(blobs: Sequence[Blob], slot: Slot, labels: Mapping[str, str]) -> Any:
    from medshelf.formats import dicom_ann

    return dicom_ann.read_annotations(blobs[0])


def _dicom_sr(blobs: Sequence[Blob], slot: Slot, labels: Mapping[str, str]) -> Any:
    from medshelf.formats import dicom_sr

    return dicom_sr.read_report(blobs[0])


def _points(blobs: Sequence[Blob], slot: Slot, labels: Mapping[str, str]) -> Any:
    from medshelf.formats import points

    columns = slot.columns
    return points.read_points(
        blobs[0], label=columns.get("label", "label"), point=columns.get("point", ("x", "y", "z")),
        frame=slot.frame, records=columns.get("records"),
    )  # fmt: skip


def _text(blobs: Sequence[Blob], slot: Slot, labels: Mapping[str, str]) -> Any:
    from medshelf.formats import text

    return "\n".join(text.read_text(blob) for blob in blobs)


def _record(blobs: Sequence[Blob], slot: Slot, labels: Mapping[str, str]) -> Any:
    from medshelf.formats import keyval, table

    if blobs[0].name.lower().endswith(".json"):
        rows = table.read_rows(blobs[0], records="$")
        return rows[0] if rows else {}
    return keyval.read_keyval(blobs[0])


LOADERS: dict[str, Loader] = {
    "voc": _voc,
    "json": _json,
    "mesh": _mesh,
    "contours": _contours,
    "aperio_xml": _contours,
    "rtstruct": _rtstruct,
    "dicom_ann": _dicom_ann,
    "dicom_sr": _dicom_sr,
    "points": _points,
    "text": _text,
    "record": _record,
}
"""By the name of a reader or, where the layout names none, by the role of the slot."""
