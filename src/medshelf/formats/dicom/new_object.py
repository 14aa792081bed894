"""A new DICOM object of one patient, with what every kind of object has: patient, study, series and equipment."""

from __future__ import annotations

from typing import Any

from medshelf.formats.dicom.codes import items
from medshelf.formats.dicom.writing import uid_from


def new_object(sop_class: str, instance_uid: str, modality: str, patient_id: str) -> Any:
    """Return a `pydicom.FileDataset` without anything of its own kind yet.

    Parameters
    ----------
    sop_class, instance_uid : str
        SOP class and instance UID.
    modality : str
        Such as ``"SR"``.
    patient_id : str
        The study follows from it, so that objects of one patient share one.
    """
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.update(
        items(
            SOPClassUID=sop_class,
            SOPInstanceUID=instance_uid,
            Modality=modality,
            Manufacturer="medshelf",
            PatientName="",
            PatientID=patient_id,
            PatientBirthDate="",
            PatientSex="",
            StudyInstanceUID=uid_from(f"study of {patient_id}"),
            StudyDate="",
            StudyTime="",
            StudyID="",
            AccessionNumber="",
            ReferringPhysicianName="",
            SeriesInstanceUID=uid_from(f"{instance_uid}/series"),
            SeriesNumber=1,
            InstanceNumber=1,
        )
    )
    return dataset
