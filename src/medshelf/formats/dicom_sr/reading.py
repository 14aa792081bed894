"""From the bytes of a structured report to its measurement groups (PS3.16 TID 1500, 1410, 1411 and 1501)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.dicom.codes import Code, first_code, text_of
from medshelf.formats.dicom.with_pydicom import decoding, parse
from medshelf.model.blob import Blob

_MEASUREMENTS, _GROUP = ("126010", "DCM"), ("125007", "DCM")
_TRACKING_ID, _TRACKING_UID = ("112039", "DCM"), ("112040", "DCM")
_FINDING = ("121071", "DCM")
_CATEGORY = (("276214006", "SCT"), ("M-00FF", "SRT"))
_SITE = (("363698007", "SCT"), ("G-C0E3", "SRT"))
_SEGMENT = ("121191", "DCM")
"""Concepts of PS3.16 annex D; those of SRT are the retired codes that older reports use."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number."""

    name: Code
    value: float | None
    """None where the report says that there is none."""
    unit: Code | None = None
    modifiers: tuple[tuple[Code, Code], ...] = ()
    """What sets it apart from others of its name: Derivation and Mean, Measurement Method and so on."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Where something was measured (PS3.3 C.18.6 and C.18.9)."""

    kind: str
    """POINT, MULTIPOINT, POLYLINE, POLYGON, CIRCLE (centre and a point of the rim), ELLIPSE or ELLIPSOID."""
    points: np.ndarray
    """(N, 2) or (N, 3) float64 in the frame that `frame` names."""
    frame: str
    """
    ``"pixels"``: x to the right and y down, from the outer corner of the first pixel, whose centre is at 0.5;
    ``"lps-mm"``: x, y, z in a frame of reference.
    """
    image_uid: str | None = None
    """SOP instance UID of the image that pixels are of."""
    frame_of_reference_uid: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MeasurementGroup:
    """What was measured and judged of one thing."""

    tracking_id: str | None = None
    tracking_uid: str | None = None
    finding: Code | None = None
    category: Code | None = None
    sites: tuple[Code, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    evaluations: tuple[tuple[Code, Code], ...] = ()
    """Judgements: what is judged, and how."""
    regions: tuple[Region, ...] = field(default=(), repr=False)
    segments: tuple[tuple[str, int], ...] = ()
    """SOP instance UID of a segmentation, and number of the segment that was measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All measurement groups of one report."""

    title: Code | None
    groups: tuple[MeasurementGroup, ...]

    def __iter__(self) -> Iterator[MeasurementGroup]:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)


def read_report(blob: Blob) -> Report:
    """Read the measurements of a structured report.

    Parameters
    ----------
    blob : Blob
        A DICOM file.

    Returns
    -------
    Report
        What is said outside of measurement groups (observer, image library) is left out.

    Raises
    ------
    FormatError
        Not DICOM, or damaged.
    Unsupported
        Another kind of object, or a report without imaging measurements.
    """
    dataset = parse(blob)
    with decoding("report", blob.name):
        if str(dataset.get("Modality", "")) != "SR":
            raise Unsupported(
                "this DICOM file is no structured report",
                where=blob.name,
                why=f"modality {dataset.get('Modality', '?')}, SOP class {dataset.get('SOPClassUID', '?')}",
            )
        containers = [item for item in _content(dataset) if _concept(item) == _MEASUREMENTS]
        if not containers:
            raise Unsupported("the report holds no imaging measurements", where=blob.name, why="TID 1500 has them")
        groups = [item for one in containers for item in _content(one) if _concept(item) == _GROUP]
        title = first_code(dataset.get("ConceptNameCodeSequence"))
        return Report(title, tuple(_group(item, blob.name) for item in groups))


def _content(item: Any) -> list[Any]:
    return list(item.get("ContentSequence") or [])


def _concept(item: Any) -> tuple[str, str] | None:
    name = first_code(item.get("ConceptNameCodeSequence"))
    return (name.value, name.scheme) if name is not None else None


def _group(item: Any, where: str) -> MeasurementGroup:
    facts: dict[str, Any] = {}
    sites, measurements, evaluations, regions, segments = [], [], [], [], []
    for part in _content(item):
        kind, concept = str(part.get("ValueType", "")), _concept(part)
        name, value = first_code(part.get("ConceptNameCodeSequence")), first_code(part.get("ConceptCodeSequence"))
        if concept == _TRACKING_ID:
            facts["tracking_id"] = text_of(part, "TextValue")
        elif concept == _TRACKING_UID:
            facts["tracking_uid"] = text_of(part, "UID")
        elif kind == "CODE" and concept == _FINDING:
            facts["finding"] = value
        elif kind == "CODE" and concept in _CATEGORY:
            facts["category"] = value
        elif kind == "CODE" and concept in _SITE and value:
            sites.append(value)
        elif kind == "CODE" and name and value and part.get("RelationshipType") == "CONTAINS":
            evaluations.append((name, value))
        elif kind == "NUM" and name:
            measurements.append(_measurement(part, name))
        elif kind in ("SCOORD", "SCOORD3D"):
            regions.append(_region(part, kind, where))
        elif kind == "IMAGE" and concept == _SEGMENT:
            segments += _segments(part)
    return MeasurementGroup(
        **facts,
        sites=tuple(sites),
        measurements=tuple(measurements),
        evaluations=tuple(evaluations),
        regions=tuple(regions),
        segments=tuple(segments),
    )


def _measurement(item: Any, name: Code) -> Measurement:
    modifiers = []
    for part in _content(item):
        what, value = first_code(part.get("ConceptNameCodeSequence")), first_code(part.get("ConceptCodeSequence"))
        if part.get("RelationshipType") == "HAS CONCEPT MOD" and what and value:
            modifiers.append((what, value))
    values = item.get("MeasuredValueSequence") or []
    if not values:
        return Measurement(name, None, None, tuple(modifiers))
    unit = first_code(values[0].get("MeasurementUnitsCodeSequence"))
    exact = values[0].get("FloatingPointValue")  # the decimal string may be too short for it, PS3.3 C.18.1
    return Measurement(name, float(values[0].NumericValue if exact is None else exact), unit, tuple(modifiers))


def _region(item: Any, kind: str, where: str) -> Region:
    width = 2 if kind == "SCOORD" else 3
    values = np.atleast_1d(np.array(item.GraphicData, np.float64))
    if len(values) % width or not np.isfinite(values).all():
        raise FormatError("the points of a region are damaged", where=where, why=f"{len(values)} coordinates")
    images = [part for part in _content(item) if part.get("ValueType") == "IMAGE"]
    referenced = images[0].get("ReferencedSOPSequence") if images else None
    return Region(
        kind=str(item.GraphicType),
        points=values.reshape(-1, width),
        frame="pixels" if width == 2 else "lps-mm",
        image_uid=text_of(referenced[0], "ReferencedSOPInstanceUID") if referenced else None,
        frame_of_reference_uid=text_of(item, "ReferencedFrameOfReferenceUID"),
    )


def _segments(item: Any) -> list[tuple[str, int]]:
    found = []
    for one in item.get("ReferencedSOPSequence") or []:
        numbers = np.atleast_1d(one.get("ReferencedSegmentNumber", [])).tolist()
        found += [(str(one.ReferencedSOPInstanceUID), int(number)) for number in numbers]
    return found
