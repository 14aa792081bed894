"""Writing bulk annotations of a slide (PS3.3 A.87), for synthetic twins of datasets and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.formats.dicom.codes import Code, coded, items
from medshelf.formats.dicom.new_object import new_object
from medshelf.formats.dicom.writing import uid_from
from medshelf.formats.dicom_ann.reading import ANNOTATION_STORAGE, AnnotationGroup

_TISSUE = Code("85756007", "SCT", "Tissue")
_SLIDE_STORAGE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def write_annotations(
    path: Path | str, groups: Sequence[AnnotationGroup], *, patient_id: str, image_uid: str | None = None
) -> None:
    """Write groups of points and outlines in pixels of a slide.

    Parameters
    ----------
    path : Path or str
        The file.
    groups : sequence of AnnotationGroup
        Points (N, 2).
    patient_id : str
        Of the patient.
    image_uid : str, optional
        SOP instance UID of the image that was drawn on; by default made from the patient's id.
    """
    image = image_uid or uid_from(f"slide of {patient_id}")
    uid = uid_from(f"annotations {patient_id} {Path(path).name}")
    dataset = new_object(ANNOTATION_STORAGE, uid, "ANN", patient_id)
    referenced = items(ReferencedSOPClassUID=_SLIDE_STORAGE, ReferencedSOPInstanceUID=image)
    dataset.update(
        items(
            ManufacturerModelName="medshelf",
            DeviceSerialNumber="0",
            SoftwareVersions="0",
            ContentLabel="ANNOTATIONS",
            ContentDescription="",
            ContentDate="20000101",
            ContentTime="000000",
            AnnotationCoordinateType="2D",
            PixelOriginInterpretation="VOLUME",
            ReferencedImageSequence=[referenced],
            AnnotationGroupSequence=[_group(group) for group in groups],
        )
    )
    dataset.save_as(path, enforce_file_format=True)


def _group(group: AnnotationGroup) -> Any:
    lengths = [len(points) for points in group.points]
    item = items(
        AnnotationGroupNumber=group.number,
        AnnotationGroupUID=group.uid or uid_from(f"annotation group {group.number} {group.label}"),
        AnnotationGroupLabel=group.label,
        AnnotationGroupGenerationType=group.generation or "MANUAL",
        AnnotationPropertyCategoryCodeSequence=[coded(group.category or _TISSUE)],
        AnnotationPropertyTypeCodeSequence=[coded(group.type or _TISSUE)],
        NumberOfAnnotations=len(group.points),
        AnnotationAppliesToAllOpticalPaths="YES",
        GraphicType=group.kind,
        DoublePointCoordinatesData=np.concatenate([*group.points, np.empty((0, 2))]).astype("<f8").tobytes(),
    )
    if group.description:
        item.AnnotationGroupDescription = group.description
    if group.kind in ("POLYGON", "POLYLINE"):
        starts = 2 * np.cumsum([0, *lengths[:-1]]) + 1
        item.LongPrimitivePointIndexList = starts.astype("<u4").tobytes()
    return item
