"""From the bytes of an RTSTRUCT object (PS3.3 A.19) to its regions and contours."""

from __future__ import annotations

from typing import Any

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats.dicom.codes import text_of
from medshelf.formats.dicom.with_pydicom import decoding, parse
from medshelf.formats.rtstruct.roi import Contour, Roi, StructureSet
from medshelf.model.blob import Blob

STRUCTURE_SET_STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
_CONTOUR_DATA = 0x30060050
_FARTHEST_MM = 1e7
"""Coordinates beyond 10 km are damage, and would overflow later on."""


def read_rtstruct(blob: Blob) -> StructureSet:
    """Read a DICOM structure set.

    Parameters
    ----------
    blob : Blob
        A DICOM file; preamble and meta information may be missing.

    Returns
    -------
    StructureSet
        Regions with their contours in LPS+ mm. References to images are kept as they are, whether or not
        such images exist.

    Raises
    ------
    FormatError
        Not DICOM, damaged, a coordinate that is no number, or contours of a region that is not described.
    Unsupported
        Another kind of DICOM object.
    """
    dataset = parse(blob, force=True)
    with decoding("structure set", blob.name):
        _check_kind(dataset, blob.name)
        return _structure_set(dataset, blob.name)


def _check_kind(dataset: Any, where: str) -> None:
    found = str(dataset.get("SOPClassUID", ""))
    if not found and "StructureSetROISequence" not in dataset:
        raise FormatError("this is no DICOM structure set", where=where, why="neither SOP class nor regions")
    if found not in ("", STRUCTURE_SET_STORAGE):
        raise Unsupported(
            "this DICOM file is no structure set",
            where=where,
            why=f"modality {dataset.get('Modality', '?')}, SOP class {found}",
        )


def _structure_set(dataset: Any, where: str) -> StructureSet:
    for keyword in ("StructureSetROISequence", "ROIContourSequence"):  # of type 1: PS3.3 C.8.8.5, C.8.8.6
        if keyword not in dataset:
            why = f"there is no {keyword}"
            raise Truncated("the structure set is not complete", where=where, why=why, hint="Fetch the file again")
    drawn = {int(item.ReferencedROINumber): item for item in dataset.get("ROIContourSequence") or []}
    observed: dict[int, Any] = {}
    for item in dataset.get("RTROIObservationsSequence") or []:
        observed.setdefault(int(item.ReferencedROINumber), item)
    described = [int(item.ROINumber) for item in dataset.get("StructureSetROISequence") or []]
    if len(set(described)) != len(described):
        raise FormatError("two regions have one number", where=where, why=f"numbers {described}")
    strays = sorted(drawn.keys() - set(described))
    if strays:
        raise FormatError("there are contours of regions that are not described", where=where, why=f"numbers {strays}")
    rois = tuple(
        _roi(item, observed.get(number, {}), drawn.get(number, {}), where)
        for number, item in zip(described, dataset.get("StructureSetROISequence") or [], strict=True)
    )
    frames, series, images = _references(dataset)
    meta = {
        "format": "RTSTRUCT",
        "series_uid": text_of(dataset, "SeriesInstanceUID"),
        "label": text_of(dataset, "StructureSetLabel"),
        "patient_id": text_of(dataset, "PatientID"),
    }
    return StructureSet(rois, frames, series, images, meta)


def _roi(item: Any, observation: Any, drawn: Any, where: str) -> Roi:
    number, name = int(item.ROINumber), str(item.get("ROIName", ""))
    colour = [int(value) for value in drawn.get("ROIDisplayColor") or []]
    return Roi(
        number=number,
        name=name,
        contours=tuple(
            _contour(one, f"contour {n} of region {number} ({name})", where)
            for n, one in enumerate(drawn.get("ContourSequence") or [], start=1)
        ),
        frame_of_reference_uid=text_of(item, "ReferencedFrameOfReferenceUID"),
        label=text_of(observation, "ROIObservationLabel"),
        type=text_of(observation, "RTROIInterpretedType"),
        colour=(colour[0], colour[1], colour[2]) if len(colour) == 3 else None,
        algorithm=text_of(item, "ROIGenerationAlgorithm"),
        description=text_of(item, "ROIDescription"),
    )


def _contour(item: Any, which: str, where: str) -> Contour:
    images = item.get("ContourImageSequence") or []
    uids = (str(image.get("ReferencedSOPInstanceUID", "")) for image in images)
    return Contour(
        _points(item, which, where),
        str(item.get("ContourGeometricType") or "").strip().upper(),
        tuple(uid for uid in uids if uid),
    )


def _points(item: Any, which: str, where: str) -> np.ndarray:
    """Return the vertices, from the bytes: pydicom would make an object of each number."""
    raw = getattr(item.get_item(_CONTOUR_DATA), "value", None)
    parts = raw.strip(b" \0").split(b"\\") if isinstance(raw, bytes) else list(raw or ())
    try:
        values = np.array([float(part) for part in parts if part not in (b"", "")], np.float64)
    except ValueError as error:
        raise FormatError(f"a coordinate of {which} is no number", where=where, why=str(error)[:120]) from error
    stated = item.get("NumberOfContourPoints")
    if len(values) % 3 or (stated not in (None, "") and int(stated) * 3 != len(values)):
        raise FormatError(
            f"{which} is not complete", where=where, why=f"{len(values)} coordinates, {stated} points stated"
        )
    if not (np.abs(values) < _FARTHEST_MM).all():
        raise FormatError(f"a coordinate of {which} is not within 10 km", where=where)
    return values.reshape(-1, 3)


def _references(dataset: Any) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Frames of reference, series and images that the object says it was drawn on (PS3.3 C.8.8.5)."""
    frames: dict[str, None] = {}
    series: dict[str, None] = {}
    images: dict[str, None] = {}
    for frame in dataset.get("ReferencedFrameOfReferenceSequence") or []:
        frames[str(frame.get("FrameOfReferenceUID", ""))] = None
        for study in frame.get("RTReferencedStudySequence") or []:
            for one in study.get("RTReferencedSeriesSequence") or []:
                series[str(one.get("SeriesInstanceUID", ""))] = None
                for image in one.get("ContourImageSequence") or []:
                    images[str(image.get("ReferencedSOPInstanceUID", ""))] = None
    return tuple(filter(None, frames)), tuple(filter(None, series)), tuple(filter(None, images))
