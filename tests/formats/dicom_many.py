"""DICOM files of many images to test on, made with pydicom."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
ENHANCED_XA = "1.2.840.10008.5.1.4.1.1.12.1.1"
US_FILM = "1.2.840.10008.5.1.4.1.1.3.1"
NM = "1.2.840.10008.5.1.4.1.1.20"
DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
DIMENSIONS = {
    "StackID": (0x00209056, 0x00209111),
    "InStackPositionNumber": (0x00209057, 0x00209111),
    "TemporalPositionIndex": (0x00209128, 0x00209111),
    "DiffusionBValue": (0x00189087, 0x00189117),
    "DiffusionGradientOrientation": (0x00189089, 0x00189076),
    "EffectiveEchoTime": (0x00189082, 0x00189114),
}


def multi_frame(array: np.ndarray, sop_class: str, **attributes: Any) -> FileDataset:
    """A file of frames (N, rows, columns[, 3]), with no more than the image pixel module."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, "1.2.3.9"
    found = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    found.SOPClassUID, found.SOPInstanceUID, found.SeriesInstanceUID = sop_class, "1.2.3.9", "1.2.3"
    found.StudyInstanceUID, found.FrameOfReferenceUID, found.PatientID = "1.2", "1.4", "p1"
    found.Modality = "MR"
    found.NumberOfFrames, found.Rows, found.Columns = array.shape[:3]
    found.SamplesPerPixel = 3 if array.ndim == 4 else 1
    found.PhotometricInterpretation = "RGB" if array.ndim == 4 else "MONOCHROME2"
    if array.ndim == 4:
        found.PlanarConfiguration = 0
    bits = 8 * array.dtype.itemsize
    found.BitsAllocated, found.BitsStored, found.HighBit = bits, bits, bits - 1
    found.PixelRepresentation = int(array.dtype.kind == "i")
    found.PixelData = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()
    found["PixelData"].VR = "OB" if bits == 8 else "OW"
    for name, value in attributes.items():
        setattr(found, name, value)
    return found


def item(**attributes: Any) -> Dataset:
    found = Dataset()
    for name, value in attributes.items():
        setattr(found, name, value)
    return found


def groups(**groups: dict[str, Any]) -> Dataset:
    """Functional groups: the name of each sequence, and the attributes of its one item."""
    return item(**{name: [item(**attributes)] for name, attributes in groups.items()})


def enhanced(
    array: np.ndarray,
    frames: Sequence[dict[str, dict[str, Any]]],
    *,
    orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
    dimensions: Sequence[str] = (),
    **attributes: Any,
) -> FileDataset:
    """An enhanced MR image: pixel measures and orientation shared, all else by frame."""
    found = multi_frame(array, ENHANCED_MR)
    found.SharedFunctionalGroupsSequence = [
        groups(
            PixelMeasuresSequence={
                "PixelSpacing": [0.9, 0.8],
                "SliceThickness": 2.5,
                "SpacingBetweenSlices": 2.5,
            },
            PlaneOrientationSequence={"ImageOrientationPatient": list(orientation)},
        )
    ]
    found.PerFrameFunctionalGroupsSequence = [groups(**one) for one in frames]
    if dimensions:
        found.DimensionIndexSequence = [
            item(DimensionIndexPointer=DIMENSIONS[n][0], FunctionalGroupPointer=DIMENSIONS[n][1])
            for n in dimensions
        ]
    for name, value in attributes.items():
        setattr(found, name, value)
    return found


def at(z: float, *index: int, **more: Any) -> dict[str, dict[str, Any]]:
    """The groups of a frame at a height, with its dimension indices and further attributes of its content."""
    content = {"DimensionIndexValues": list(index)} if index else {}
    return {
        "PlanePositionSequence": {"ImagePositionPatient": [-10.0, -20.0, z]},
        "FrameContentSequence": content | more,
    }


def encoded(found: pydicom.Dataset) -> bytes:
    out = io.BytesIO()
    found.save_as(out)
    return out.getvalue()
