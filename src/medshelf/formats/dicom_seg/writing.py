"""Writing BINARY DICOM segmentations (PS3.3 A.51), for synthetic twins of datasets and for tests.

The files hold every attribute of type 1 and 2 of the modules that the object needs, in Explicit VR Little
Endian; they are read by other programs, and not meant for a clinical archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import Unsupported
from medshelf.formats.dicom.codes import Code, coded, items
from medshelf.formats.dicom.writing import uid_from
from medshelf.formats.dicom_seg.segments import Segment
from medshelf.model import geometry
from medshelf.model.volume import Volume

SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
_TISSUE = Code("85756007", "SCT", "Tissue")
_SEGMENT_NUMBER = 0x0062000B
_SEGMENT_IDENTIFICATION = 0x0062000A
_POSITION = 0x00200032
_PLANE_POSITION = 0x00209113


def write_seg(
    path: Path | str,
    masks: Mapping[str, Volume] | Mapping[Segment, Volume],
    *,
    patient_id: str,
    series_uid: str | None = None,
    study_uid: str | None = None,
    frame_of_reference_uid: str | None = None,
    source_series_uid: str | None = None,
    source_uids: Sequence[str] = (),
    source_class: str = CT_IMAGE_STORAGE,
) -> None:
    """Write masks on one grid as a DICOM segmentation.

    Parameters
    ----------
    path : Path or str
        The file.
    masks : mapping of str or Segment to Volume
        Axes ``"ijk"``, non-zero voxels inside, with one orthogonal affine. They may overlap. A plain name
        stands for a segment of that label, drawn by hand; segments are numbered 1, 2 ... in their
        order. Slices without any voxel of a segment get no frame, as in real files; the first and the
        last slice always have one, so that the grid is kept. Slices keep their places; when read, they
        ascend along the normal, which may turn the third axis round.
    patient_id : str
        Of the patient.
    series_uid, study_uid, frame_of_reference_uid : str, optional
        By default made from the patient's id and the file's name.
    source_series_uid : str, optional
        Series that was segmented.
    source_uids : sequence of str, optional
        SOP instance UID of its image in each slice, K of them.
    source_class : str
        SOP class of those images.

    Raises
    ------
    ValueError
        Numbers are not 1, 2 ..., or grids differ.
    Unsupported
        The affine is not orthogonal.
    """
    segments = [
        (Segment(number, key) if isinstance(key, str) else key, volume.array)
        for number, (key, volume) in enumerate(masks.items(), start=1)
    ]
    affine = _one_grid(segments, list(masks.values()), source_uids, path)
    shape = segments[0][1].shape
    series = series_uid or uid_from(f"segmentation {patient_id} {Path(path).name}")
    dataset = _patient_and_study(patient_id, series, study_uid, frame_of_reference_uid)
    _equipment(dataset)
    _image(dataset, (shape[0], shape[1], shape[2]), segments)
    _shared_groups(dataset, affine)
    frames = _frames(segments, shape[2])
    _per_frame_groups(dataset, frames, affine, source_uids, source_class)
    if source_series_uid:
        dataset.ReferencedSeriesSequence = [_series(source_series_uid, source_uids, source_class)]
    stack = [(segments[number][1][:, :, k] != 0).T for number, k in frames]
    bits = np.packbits(np.concatenate([plane.ravel() for plane in stack]), bitorder="little").tobytes()
    dataset.PixelData = bits + b"\0" * (len(bits) % 2)
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path, enforce_file_format=True)


def _one_grid(
    segments: Sequence[tuple[Segment, np.ndarray]],
    volumes: Sequence[Volume],
    source_uids: Sequence[str],
    path: object,
) -> np.ndarray:
    """Check that all masks lie on one grid that DICOM can hold; return its affine."""
    if [segment.number for segment, _ in segments] != list(range(1, len(segments) + 1)) or not segments:
        raise ValueError("segments are numbered 1, 2, 3 ... in their order")
    first = volumes[0]
    shape, affine = first.shape, first.affine
    if affine is None or any(volume.axes != "ijk" or volume.shape != shape for volume in volumes):
        raise ValueError(f"segments need one grid in space, found {[volume.shape for volume in volumes]}")
    if any(volume.affine is None or not np.allclose(volume.affine, affine) for volume in volumes):
        raise ValueError("segments need one affine")
    if source_uids and len(source_uids) != shape[2]:
        raise ValueError(f"{shape[2]} slices need as many source_uids, found {len(source_uids)}")
    if geometry.orthonormality_error(affine) > 1e-3:
        raise Unsupported("a DICOM segmentation needs an orthogonal affine", where=path)
    return affine


def _patient_and_study(patient_id: str, series_uid: str, study_uid: str | None, frame_uid: str | None) -> Any:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(SEGMENTATION_STORAGE)
    meta.MediaStorageSOPInstanceUID = UID(uid_from(f"{series_uid}/segmentation"))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    values = {
        "SOPClassUID": SEGMENTATION_STORAGE,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "PatientName": "",
        "PatientID": patient_id,
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyInstanceUID": study_uid or uid_from(f"study {patient_id}"),
        "StudyDate": "",
        "StudyTime": "",
        "StudyID": "",
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "SeriesInstanceUID": series_uid,
        "SeriesNumber": 1,
        "Modality": "SEG",
        "FrameOfReferenceUID": frame_uid or uid_from(f"frame of reference {patient_id}"),
        "PositionReferenceIndicator": "",
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def _equipment(dataset: Any) -> None:
    dataset.Manufacturer = "medshelf"
    dataset.ManufacturerModelName = "medshelf"
    dataset.DeviceSerialNumber = "0"
    dataset.SoftwareVersions = "0"


def _image(dataset: Any, shape: tuple[int, int, int], segments: Sequence[tuple[Segment, np.ndarray]]) -> None:
    """General image, multi-frame and segmentation image modules."""
    total = np.zeros(shape, np.uint16)
    for _, array in segments:
        total += array != 0
    values = {
        "ImageType": ["DERIVED", "PRIMARY"],
        "InstanceNumber": 1,
        "ContentLabel": "SEGMENTATION",
        "ContentDescription": "",
        "ContentCreatorName": "",
        "ContentDate": "20000101",
        "ContentTime": "000000",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "PixelRepresentation": 0,
        "Rows": shape[1],
        "Columns": shape[0],
        "BitsAllocated": 1,
        "BitsStored": 1,
        "HighBit": 0,
        "LossyImageCompression": "00",
        "BurnedInAnnotation": "NO",
        "SegmentationType": "BINARY",
        "SegmentsOverlap": "YES" if (total > 1).any() else "NO",
        "SegmentSequence": [_described(segment) for segment, _ in segments],
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)


def _described(segment: Segment) -> Any:
    item = items(
        SegmentNumber=segment.number,
        SegmentLabel=segment.label,
        SegmentAlgorithmType=segment.algorithm_type or "MANUAL",
        SegmentedPropertyCategoryCodeSequence=[coded(segment.category or _TISSUE)],
        SegmentedPropertyTypeCodeSequence=[coded(segment.type or _TISSUE)],
    )
    if item.SegmentAlgorithmType != "MANUAL":
        item.SegmentAlgorithmName = segment.algorithm_name or "unknown"
    if segment.modifiers:
        kinds = item.SegmentedPropertyTypeCodeSequence
        kinds[0].SegmentedPropertyTypeModifierCodeSequence = [coded(code) for code in segment.modifiers]
    if segment.region:
        item.AnatomicRegionSequence = [coded(segment.region)]
    for keyword, value in (
        ("SegmentDescription", segment.description),
        ("TrackingID", segment.tracking_id),
        ("TrackingUID", segment.tracking_uid),
    ):
        if value:
            setattr(item, keyword, value)
    return item


def _decimals(values: Any) -> list[Any]:
    from pydicom.valuerep import DSfloat

    return [DSfloat(float(value), auto_format=True) for value in values]


def _shared_groups(dataset: Any, affine: np.ndarray) -> None:
    lps = geometry.lps_to_ras(affine)
    spacing = geometry.spacing_mm(affine)
    axes = lps[:3, :3] / np.asarray(spacing)
    measures = items(
        PixelSpacing=_decimals((spacing[1], spacing[0])),
        SliceThickness=_decimals((spacing[2],))[0],
        SpacingBetweenSlices=_decimals((spacing[2],))[0],
    )
    orientation = items(ImageOrientationPatient=_decimals((*axes[:, 0], *axes[:, 1])))
    dataset.SharedFunctionalGroupsSequence = [
        items(PixelMeasuresSequence=[measures], PlaneOrientationSequence=[orientation])
    ]


def _frames(segments: Sequence[tuple[Segment, np.ndarray]], slices: int) -> list[tuple[int, int]]:
    """(segment, slice) of each frame, both counted from 0."""
    frames = [
        (number, k)
        for number, (_, array) in enumerate(segments)
        for k in np.flatnonzero((array != 0).any(axis=(0, 1))).tolist()
    ]
    covered = {k for _, k in frames}
    return sorted(frames + [(0, k) for k in {0, slices - 1} - covered])


def _per_frame_groups(
    dataset: Any,
    frames: list[tuple[int, int]],
    affine: np.ndarray,
    source_uids: Sequence[str],
    source_class: str,
) -> None:
    lps = geometry.lps_to_ras(affine)
    groups = []
    for number, k in frames:
        group = items(
            FrameContentSequence=[items(DimensionIndexValues=[number + 1, k + 1])],
            PlanePositionSequence=[items(ImagePositionPatient=_decimals(lps[:3, 3] + k * lps[:3, 2]))],
            SegmentIdentificationSequence=[items(ReferencedSegmentNumber=number + 1)],
            DerivationImageSequence=[_derived(source_uids[k], source_class)] if source_uids else [],
        )
        groups.append(group)
    dataset.NumberOfFrames = len(frames)
    dataset.PerFrameFunctionalGroupsSequence = groups
    organisation = uid_from(f"{dataset.SOPInstanceUID}/dimensions")
    dataset.DimensionOrganizationSequence = [items(DimensionOrganizationUID=organisation)]
    dataset.DimensionIndexSequence = [
        items(
            DimensionOrganizationUID=organisation,
            DimensionIndexPointer=pointer,
            FunctionalGroupPointer=group,
            DimensionDescriptionLabel=label,
        )
        for pointer, group, label in (
            (_SEGMENT_NUMBER, _SEGMENT_IDENTIFICATION, "Segment"),
            (_POSITION, _PLANE_POSITION, "Position"),
        )
    ]


def _derived(source_uid: str, source_class: str) -> Any:
    """PS3.3 C.7.6.16.2.6: segmented from a source image that was used to process it."""
    source = items(
        ReferencedSOPClassUID=source_class,
        ReferencedSOPInstanceUID=source_uid,
        PurposeOfReferenceCodeSequence=[
            coded(Code("121322", "DCM", "Source image for image processing operation"))
        ],
    )
    return items(
        SourceImageSequence=[source], DerivationCodeSequence=[coded(Code("113076", "DCM", "Segmentation"))]
    )


def _series(series_uid: str, source_uids: Sequence[str], source_class: str) -> Any:
    instances = [
        items(ReferencedSOPClassUID=source_class, ReferencedSOPInstanceUID=uid) for uid in source_uids
    ]
    return items(SeriesInstanceUID=series_uid, ReferencedInstanceSequence=instances)
