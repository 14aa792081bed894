"""Writing small measurement reports (PS3.3 A.35.3, PS3.16 TID 1500), for synthetic twins and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medshelf.formats.dicom.codes import Code, coded, items
from medshelf.formats.dicom.new_object import new_object
from medshelf.formats.dicom.writing import uid_from
from medshelf.formats.dicom_sr.reading import MeasurementGroup

COMPREHENSIVE_STORAGE = "1.2.840.10008.5.1.4.1.1.88.33"
_TITLE = Code("126000", "DCM", "Imaging Measurement Report")
_CONTAINER = Code("126010", "DCM", "Imaging Measurements")
_GROUP = Code("125007", "DCM", "Measurement Group")
_TRACKING_ID = Code("112039", "DCM", "Tracking Identifier")
_TRACKING_UID = Code("112040", "DCM", "Tracking Unique Identifier")
_FINDING = Code("121071", "DCM", "Finding")


def write_report(path: Path | str, groups: Sequence[MeasurementGroup], *, patient_id: str) -> None:
    """Write groups of measurements, without regions.

    Parameters
    ----------
    path : Path or str
        The file.
    groups : sequence of MeasurementGroup
        Tracking identifier, finding, measurements and evaluations are written.
    patient_id : str
        Of the patient.
    """
    dataset = new_object(COMPREHENSIVE_STORAGE, uid_from(f"report {patient_id} {Path(path).name}"), "SR", patient_id)
    content = [_container(_GROUP, _group(group, patient_id)) for group in groups]
    dataset.update(_container(_TITLE, [_container(_CONTAINER, content)]))
    del dataset.RelationshipType
    dataset.update(
        items(
            ContentDate="20000101",
            ContentTime="000000",
            CompletionFlag="COMPLETE",
            VerificationFlag="UNVERIFIED",
            PerformedProcedureCodeSequence=[],
            ReferencedPerformedProcedureStepSequence=[],
            ContentTemplateSequence=[items(MappingResource="DCMR", TemplateIdentifier="1500")],
        )
    )
    dataset.save_as(path, enforce_file_format=True)


def _group(group: MeasurementGroup, patient_id: str) -> list[Any]:
    uid = group.tracking_uid or uid_from(f"{patient_id} {group.tracking_id}")
    found = [
        _item("HAS OBS CONTEXT", "TEXT", _TRACKING_ID, TextValue=group.tracking_id or ""),
        _item("HAS OBS CONTEXT", "UIDREF", _TRACKING_UID, UID=uid),
    ]
    if group.finding is not None:
        found.append(_item("CONTAINS", "CODE", _FINDING, ConceptCodeSequence=[coded(group.finding)]))
    for one in group.measurements:
        values = []
        if one.value is not None:
            unit = one.unit or Code("1", "UCUM", "no units")
            values.append(items(NumericValue=f"{one.value:.10g}", MeasurementUnitsCodeSequence=[coded(unit)]))
        found.append(_item("CONTAINS", "NUM", one.name, MeasuredValueSequence=values))
    for name, value in group.evaluations:
        found.append(_item("CONTAINS", "CODE", name, ConceptCodeSequence=[coded(value)]))
    return found


def _container(name: Code, content: list[Any]) -> Any:
    return _item("CONTAINS", "CONTAINER", name, ContinuityOfContent="SEPARATE", ContentSequence=content)


def _item(relation: str, kind: str, name: Code, **values: Any) -> Any:
    return items(RelationshipType=relation, ValueType=kind, ConceptNameCodeSequence=[coded(name)], **values)
