"""Measurement reports, against highdicom and what dcmqi wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.dicom.codes import Code
from medshelf.formats.dicom_sr import Measurement, MeasurementGroup, read_report, write_report
from medshelf.model.blob import LocalFile

HIGHDICOM = "highdicom/data/test_files"


def local(path: Path | str) -> LocalFile:
    return LocalFile(Path(path))


@pytest.mark.parametrize("name", ["sr_document", "sr_document_with_multiple_groups"])
def test_reports_of_highdicom(shared_data: Path, name: str) -> None:
    path = shared_data / HIGHDICOM / f"{name}.dcm"
    found = {group.tracking_uid: group for group in read_report(local(path))}
    content = highdicom.sr.srread(path).content
    theirs = [
        *content.get_image_measurement_groups(),
        *content.get_planar_roi_measurement_groups(),
        *content.get_volumetric_roi_measurement_groups(),
    ]
    assert len(theirs) == len(found) == (1 if name == "sr_document" else 4)
    for other in theirs:
        ours = found[other.tracking_uid]
        assert ours.tracking_id == other.tracking_identifier
        wanted = other.finding_type
        assert (ours.finding.value if ours.finding else None) == (wanted.value if wanted is not None else None)
        assert [site.value for site in ours.sites] == [site.value.value for site in other.finding_sites or ()]
        assert [(m.name.value, m.value, m.unit.value) for m in ours.measurements] == [
            (m.name.value, float(m.value), m.unit.value) for m in other.get_measurements()
        ]
        category = [("276214006", ours.category.value)] if ours.category else []  # which highdicom takes for one
        assert category + [(a.value, b.value) for a, b in ours.evaluations] == [
            (e.name.value, e.value.value) for e in other.get_qualitative_evaluations()
        ]


def test_regions_of_highdicom(shared_data: Path) -> None:
    path = shared_data / HIGHDICOM / "sr_document_with_multiple_groups.dcm"
    found = read_report(local(path))
    assert found.title == Code("126000", "DCM", "Imaging Measurement Report")
    regions = [region for group in found for region in group.regions]
    assert [(region.kind, region.frame) for region in regions] == [
        ("CIRCLE", "pixels"), ("POLYLINE", "pixels"), ("POINT", "lps-mm"),
    ]  # fmt: skip
    content = highdicom.sr.srread(path).content
    for group in content.get_planar_roi_measurement_groups():
        region = next(r for g in found if g.tracking_uid == group.tracking_uid for r in g.regions)
        np.testing.assert_array_equal(region.points, group.roi.value)
        assert region.image_uid


def test_a_report_on_a_segment_that_dcmqi_wrote(shared_data: Path) -> None:
    folder = shared_data / "dcmqi-seg" / "data" / "sr-example"
    groups = read_report(local(folder / "sr.dcm")).groups
    segmentation = pydicom.dcmread(folder / "seg.dcm")
    assert groups[0].segments == ((segmentation.SOPInstanceUID, 1),)
    text = (folder / "sr.dcm").read_bytes()
    for group in groups:
        assert group.finding and group.measurements
        for one in group.measurements:
            assert one.unit is not None and one.value is not None
            assert one.name.meaning.encode() in text
        told = {(m.name, m.modifiers) for m in group.measurements}
        assert len(told) == len(group.measurements) == 22, "eight of SUVbw, told apart by their modifiers"


def test_every_report_of_the_collections_is_read(shared_data: Path) -> None:
    paths = [
        path
        for folder in ("highdicom", "dcmqi-seg")
        for path in (shared_data / folder).rglob("*.dcm")
        if pydicom.dcmread(path, specific_tags=["Modality"]).get("Modality") == "SR"
    ]
    assert len(paths) == 3
    assert all(len(read_report(local(path))) for path in paths)


NUCLEUS = Code("84640000", "SCT", "Nucleus")
AREA, UNIT = Code("42798000", "SCT", "Area"), Code("cm2", "UCUM", "cm2")
GRADE = (Code("371469007", "SCT", "Grade"), Code("1", "99A", "low"))


def made(folder: Path) -> Path:
    groups = [
        MeasurementGroup("a", "1.2.3", NUCLEUS, measurements=(Measurement(AREA, 1.7, UNIT), Measurement(AREA, None))),
        MeasurementGroup("b", evaluations=(GRADE,)),
    ]
    write_report(folder / "a.dcm", groups, patient_id="p")
    return folder / "a.dcm"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    first, second = read_report(local(made(tmp_path)))
    assert (first.tracking_id, first.tracking_uid, first.finding) == ("a", "1.2.3", NUCLEUS)
    assert first.measurements == (Measurement(AREA, 1.7, UNIT), Measurement(AREA, None))
    assert (second.finding, second.evaluations, second.regions) == (None, (GRADE,), ())


FAULTS: list[tuple[Callable[[Any], None], type, str]] = [
    (lambda d: setattr(d, "Modality", "CT"), Unsupported, "no structured report.*modality CT"),
    (lambda d: setattr(d, "ContentSequence", []), Unsupported, "no imaging measurements"),
    (lambda d: delattr(number(d), "NumericValue"), FormatError, "not complete"),
]


def number(dataset: Any) -> Any:
    return dataset.ContentSequence[0].ContentSequence[0].ContentSequence[3].MeasuredValueSequence[0]


@pytest.mark.parametrize(("change", "kind", "message"), FAULTS, ids=[message for *_, message in FAULTS])
def test_wrong_reports_are_named(tmp_path: Path, change: Callable[[Any], None], kind: type, message: str) -> None:
    dataset = pydicom.dcmread(made(tmp_path))
    change(dataset)
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(kind, match=message):
        read_report(local(tmp_path / "a.dcm"))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_give_errors_of_ours(shared_data: Path, survives_damage: Any) -> None:
    data = (shared_data / HIGHDICOM / "sr_document_with_multiple_groups.dcm").read_bytes()
    assert survives_damage(read_report, data, "b.dcm", 200)
