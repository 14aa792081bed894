"""Writing structure sets (PS3.3 A.19), for synthetic twins of datasets and for tests.

The files hold every attribute of type 1 and 2 of the modules that the object needs. They are in Implicit VR
Little Endian, because the length of a decimal string in Explicit VR ends at 64 KiB, too few for long contours.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medshelf.formats.dicom.codes import items
from medshelf.formats.dicom.writing import uid_from
from medshelf.formats.rtstruct.reading import STRUCTURE_SET_STORAGE
from medshelf.formats.rtstruct.roi import Contour, Roi

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
"""Detached Study Management (retired): what PS3.3 C.8.8.5 has refer to a study."""


def write_rtstruct(
    path: Path | str,
    rois: Sequence[Roi],
    *,
    patient_id: str,
    frame_of_reference_uid: str | None = None,
    study_uid: str | None = None,
    source_series_uid: str | None = None,
    source_uids: Sequence[str] = (),
    source_class: str = CT_IMAGE_STORAGE,
) -> None:
    """Write regions as a DICOM structure set.

    Parameters
    ----------
    path : Path or str
        The file.
    rois : sequence of Roi
        Numbers all differ. A region that names no frame of reference is in `frame_of_reference_uid`.
    patient_id : str
        Of the patient.
    frame_of_reference_uid, study_uid : str, optional
        By default made from the patient's id, as `medshelf.formats.dicom.write_series` makes them.
    source_series_uid : str, optional
        Series that the contours were drawn on.
    source_uids : sequence of str
        SOP instance UIDs of its images.
    source_class : str
        SOP class of those images.

    Raises
    ------
    ValueError
        Two regions have one number.
    """
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ImplicitVRLittleEndian

    if len({roi.number for roi in rois}) != len(rois):
        raise ValueError(f"regions need numbers of their own, found {[roi.number for roi in rois]}")
    study = study_uid or uid_from(f"study of {patient_id}")
    frame = frame_of_reference_uid or uid_from(f"frame of reference of {study}")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(STRUCTURE_SET_STORAGE)
    meta.MediaStorageSOPInstanceUID = UID(uid_from(f"structure set {patient_id} {Path(path).name}"))
    meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.update(_constant(patient_id, study, meta.MediaStorageSOPInstanceUID))
    dataset.StructureSetROISequence = [_described(roi, frame) for roi in rois]
    dataset.ROIContourSequence = [_drawn(roi, source_class) for roi in rois]
    dataset.RTROIObservationsSequence = [_observed(number, roi) for number, roi in enumerate(rois, start=1)]
    dataset.ReferencedFrameOfReferenceSequence = [items(FrameOfReferenceUID=frame)]
    if source_series_uid:
        images = [_image(uid, source_class) for uid in source_uids]
        series = items(SeriesInstanceUID=source_series_uid, ContourImageSequence=images)
        studies = [
            items(
                ReferencedSOPClassUID=_STUDY_CLASS,
                ReferencedSOPInstanceUID=study,
                RTReferencedSeriesSequence=[series],
            )
        ]
        dataset.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence = studies
    dataset.save_as(path, enforce_file_format=True)


def _constant(patient_id: str, study: str, instance: str) -> Any:
    """Patient, study, series, equipment, structure set, and what must be there and says nothing."""
    return items(
        SOPClassUID=STRUCTURE_SET_STORAGE,
        SOPInstanceUID=instance,
        Modality="RTSTRUCT",
        Manufacturer="medshelf",
        OperatorsName="",
        PatientName="",
        PatientID=patient_id,
        PatientBirthDate="",
        PatientSex="",
        StudyInstanceUID=study,
        StudyDate="",
        StudyTime="",
        StudyID="",
        AccessionNumber="",
        ReferringPhysicianName="",
        SeriesInstanceUID=uid_from(f"{instance}/series"),
        SeriesNumber=1,
        StructureSetLabel="medshelf",
        StructureSetDate="",
        StructureSetTime="",
        ApprovalStatus="UNAPPROVED",
    )


def _described(roi: Roi, frame: str) -> Any:
    item = items(
        ROINumber=roi.number,
        ReferencedFrameOfReferenceUID=roi.frame_of_reference_uid or frame,
        ROIName=roi.name,
        ROIGenerationAlgorithm=roi.algorithm or "",
    )
    if roi.description:
        item.ROIDescription = roi.description
    return item


def _drawn(roi: Roi, source_class: str) -> Any:
    item = items(ReferencedROINumber=roi.number)
    if roi.colour is not None:
        item.ROIDisplayColor = list(roi.colour)
    if roi.contours:
        item.ContourSequence = [_contour(contour, source_class) for contour in roi.contours]
    return item


def _contour(contour: Contour, source_class: str) -> Any:
    from pydicom.valuerep import DSfloat

    item = items(
        ContourGeometricType=contour.kind,
        NumberOfContourPoints=len(contour.points_lps_mm),
        ContourData=[DSfloat(float(value), auto_format=True) for value in contour.points_lps_mm.ravel()],
    )
    if contour.image_uids:
        item.ContourImageSequence = [_image(uid, source_class) for uid in contour.image_uids]
    return item


def _image(uid: str, source_class: str) -> Any:
    return items(ReferencedSOPClassUID=source_class, ReferencedSOPInstanceUID=uid)


def _observed(number: int, roi: Roi) -> Any:
    item = items(
        ObservationNumber=number,
        ReferencedROINumber=roi.number,
        RTROIInterpretedType=roi.type or "",
        ROIInterpreter="",
    )
    if roi.label:
        item.ROIObservationLabel = roi.label
    return item
