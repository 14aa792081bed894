"""From the bytes of a bulk annotation object to groups of points and outlines (PS3.3 C.37.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.dicom.codes import Code, first_code, text_of
from medshelf.formats.dicom.with_pydicom import decoding, parse
from medshelf.model.blob import Blob

ANNOTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.91.1"
_POINTS_EACH = {"POINT": 1, "ELLIPSE": 4, "RECTANGLE": 4}
"""Points of one annotation, of the kinds that have a fixed number (PS3.3 C.37.1)."""
_KINDS = (*_POINTS_EACH, "POLYLINE", "POLYGON")


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationGroup:
    """Annotations of one kind and meaning."""

    number: int
    label: str
    kind: str
    """POINT, POLYLINE, POLYGON, ELLIPSE (ends of the long, then of the short axis) or RECTANGLE (four corners)."""
    points: tuple[np.ndarray, ...] = field(repr=False)
    """For each annotation (N, 2) or (N, 3) float64, in the frame that `SlideAnnotations.frame` names; not closed."""
    category: Code | None = None
    type: Code | None = None
    uid: str | None = None
    description: str | None = None
    generation: str | None = None
    """MANUAL, SEMIAUTOMATIC or AUTOMATIC."""

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, slots=True, eq=False)
class SlideAnnotations:
    """All groups of one object."""

    groups: tuple[AnnotationGroup, ...]
    frame: str
    """
    ``"pixels"``: x to the right and y down, in pixels of the total pixel matrix of the image, from the outer corner of
    its first pixel, whose centre is at 0.5; ``"slide-mm"``: x, y, z in the slide's frame of reference, in mm.
    """
    image_uid: str | None = None
    """SOP instance UID of the image that pixels are of."""
    frame_of_reference_uid: str | None = None

    def __iter__(self) -> Iterator[AnnotationGroup]:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)


def read_annotations(blob: Blob) -> SlideAnnotations:
    """Read the annotations of a slide.

    Parameters
    ----------
    blob : Blob
        A DICOM file.

    Returns
    -------
    SlideAnnotations
        Measurements are not read.

    Raises
    ------
    FormatError
        Not DICOM, damaged, or points that don't fit together.
    Unsupported
        Another kind of object, or coordinates that count from the corner of a frame.
    """
    dataset = parse(blob)
    with decoding("annotation object", blob.name):
        found = str(dataset.get("SOPClassUID", ""))
        if found != ANNOTATION_STORAGE:
            raise Unsupported(
                "this DICOM file holds no bulk annotations",
                where=blob.name,
                why=f"modality {dataset.get('Modality', '?')}, SOP class {found or '?'}",
            )
        return _annotations(dataset, blob.name)


def _annotations(dataset: Any, where: str) -> SlideAnnotations:
    said = str(dataset.AnnotationCoordinateType)
    if said not in ("2D", "3D"):
        raise FormatError("the annotations are neither 2D nor 3D", where=where, why=repr(said))
    if said == "2D" and str(dataset.get("PixelOriginInterpretation") or "VOLUME") != "VOLUME":
        raise Unsupported("annotations that count from the corner of a frame are not read", where=where)
    images = dataset.get("ReferencedImageSequence") or []
    return SlideAnnotations(
        groups=tuple(_group(item, said, where) for item in dataset.AnnotationGroupSequence),
        frame="pixels" if said == "2D" else "slide-mm",
        image_uid=text_of(images[0], "ReferencedSOPInstanceUID") if images else None,
        frame_of_reference_uid=text_of(dataset, "FrameOfReferenceUID"),
    )


def _group(item: Any, said: str, where: str) -> AnnotationGroup:
    number, kind, count = int(item.AnnotationGroupNumber), str(item.GraphicType), int(item.NumberOfAnnotations)
    which = f"group {number}"
    if kind not in _KINDS:
        raise Unsupported(f"{which} is of a kind that is not read", where=where, why=repr(kind))
    shared_z = item.get("CommonZCoordinateValue")
    coordinates = _coordinates(item, 2 if said == "2D" or shared_z is not None else 3, which, where)
    if said == "3D" and shared_z is not None:
        coordinates = np.column_stack([coordinates, np.full(len(coordinates), float(shared_z))])
    starts = _starts(item, kind, len(coordinates), 2 if said == "2D" or shared_z is not None else 3, which, where)
    if len(starts) != count:
        raise FormatError(
            f"{which} does not hold what it says", where=where, why=f"{len(starts)} annotations found, {count} stated"
        )
    return AnnotationGroup(
        number=number,
        label=str(item.get("AnnotationGroupLabel", "")),
        kind=kind,
        points=tuple(np.split(coordinates, starts[1:])) if count else (),
        category=first_code(item.get("AnnotationPropertyCategoryCodeSequence")),
        type=first_code(item.get("AnnotationPropertyTypeCodeSequence")),
        uid=text_of(item, "AnnotationGroupUID"),
        description=text_of(item, "AnnotationGroupDescription"),
        generation=text_of(item, "AnnotationGroupGenerationType"),
    )


def _coordinates(item: Any, width: int, which: str, where: str) -> np.ndarray:
    """(N, width) float64 from single or double numbers, which are bytes to pydicom."""
    double = item.get("DoublePointCoordinatesData")
    data, kind = (item.get("PointCoordinatesData"), "<f4") if double is None else (double, "<f8")
    raw = bytes(data or b"")
    size = np.dtype(kind).itemsize * width
    values = np.frombuffer(raw, kind, len(raw) // size * width).astype(np.float64)
    if len(raw) % size or not np.isfinite(values).all():
        raise FormatError(f"the coordinates of {which} are damaged", where=where, why=f"{len(raw)} bytes")
    return values.reshape(-1, width)


def _starts(item: Any, kind: str, n_points: int, width: int, which: str, where: str) -> np.ndarray:
    """First point of each annotation. The list counts numbers, not points, from 1 (PS3.3 C.37.1)."""
    if kind in _POINTS_EACH:
        each = _POINTS_EACH[kind]
        if n_points % each:
            raise FormatError(f"{which} has an annotation that is not complete", where=where, why=f"{n_points} points")
        return np.arange(0, n_points, each)
    raw = bytes(item.get("LongPrimitivePointIndexList") or b"")
    listed = np.frombuffer(raw, "<u4", len(raw) // 4).astype(np.int64) - 1
    starts = listed // width
    fits = len(listed) == 0 or (listed[0] == 0 and (np.diff(starts) > 0).all() and starts[-1] < n_points)
    if not fits or (listed % width).any() or (n_points and not len(listed)):
        raise FormatError(f"the outlines of {which} can't be told apart", where=where, why=f"{len(listed)} in the list")
    return starts
