"""Bulk annotations of slides, against highdicom in both directions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom.ann import AnnotationGroup as Theirs
from highdicom.sr.coding import CodedConcept

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.dicom.codes import Code
from medshelf.formats.dicom_ann import AnnotationGroup, SlideAnnotations, read_annotations, write_annotations
from medshelf.model.blob import LocalFile

RNG = np.random.default_rng(2)
SHAPES = {"POINT": [1] * 5, "POLYLINE": [2, 5, 3], "POLYGON": [3, 4, 7, 3], "ELLIPSE": [4, 4], "RECTANGLE": [4] * 3}


def local(path: Path | str) -> LocalFile:
    return LocalFile(Path(path))


def equals(found: SlideAnnotations, path: Path) -> int:
    other = highdicom.ann.annread(path)
    compared = 0
    for ours, theirs in zip(found, other.get_annotation_groups(), strict=True):
        assert (ours.number, ours.label, ours.kind) == (theirs.number, theirs.label, theirs.graphic_type.value)
        assert (ours.uid, ours.type.meaning) == (theirs.uid, theirs.annotated_property_type.meaning)
        data = theirs.get_graphic_data(other.annotation_coordinate_type)
        assert len(ours) == len(data)
        for one, two in zip(ours.points, data, strict=True):
            closed = ours.kind == "POLYGON" and len(two) == len(one) + 1
            np.testing.assert_array_equal(one, two[:-1] if closed else two)
            compared += 1
    return compared


def test_annotations_of_highdicom(shared_data: Path) -> None:
    path = shared_data / "highdicom" / "data" / "test_files" / "sm_annotations.dcm"
    found = read_annotations(local(path))
    assert equals(found, path) == 2
    assert (found.frame, found.frame_of_reference_uid) == ("pixels", None)
    assert found.image_uid == pydicom.dcmread(path).ReferencedImageSequence[0].ReferencedSOPInstanceUID
    np.testing.assert_allclose(found.groups[0].points, [[[34.6, 18.4]], [[28.7, 34.9]]], atol=1e-9)
    with pytest.raises(Unsupported, match="no bulk annotations.*modality CT"):
        read_annotations(local(path.with_name("ct_image.dcm")))


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("flat", [False, True])
def test_every_kind_that_highdicom_writes(shared_data: Path, tmp_path: Path, dimensions: int, flat: bool) -> None:
    """In 2D and 3D, in single and double numbers; 3D on one plane shares its z."""
    code = CodedConcept("84640000", "SCT", "Nucleus")
    slide = pydicom.dcmread(shared_data / "highdicom" / "data" / "test_files" / "sm_image.dcm")
    kind = np.float32 if flat else np.float64
    groups, drawn = [], {}
    for number, (name, lengths) in enumerate(SHAPES.items(), start=1):
        points = [np.sort(RNG.uniform(1, 49, (n, dimensions)), axis=0).astype(kind) for n in lengths]
        for one in points if name in ("RECTANGLE", "ELLIPSE") else ():
            one[:] = kind([[5, 10, 3], [20, 10, 3], [20, 30, 3], [5, 30, 3]])[:, :dimensions]
            if name == "ELLIPSE":
                one[:] = kind([[5, 20, 3], [20, 20, 3], [12, 18, 3], [12, 22, 3]])[:, :dimensions]
        for one in points if flat and dimensions == 3 else ():
            one[:, 2] = 3
        drawn[name] = points
        groups.append(
            Theirs(
                number=number, uid=highdicom.UID(), label=name.lower(), annotated_property_category=code,
                annotated_property_type=code, graphic_type=name, graphic_data=points, algorithm_type="MANUAL",
            )
        )  # fmt: skip
    highdicom.ann.MicroscopyBulkSimpleAnnotations(
        source_images=[slide], annotation_coordinate_type=f"{dimensions}D", annotation_groups=groups,
        series_instance_uid=highdicom.UID(), series_number=1, sop_instance_uid=highdicom.UID(), instance_number=1,
        manufacturer="m", manufacturer_model_name="m", software_versions="1", device_serial_number="1",
    ).save_as(tmp_path / "a.dcm")  # fmt: skip
    found = read_annotations(local(tmp_path / "a.dcm"))
    assert found.frame == ("pixels" if dimensions == 2 else "slide-mm")
    for group in found:
        for one, two in zip(group.points, drawn[group.kind], strict=True):
            np.testing.assert_array_equal(one, two)
    assert equals(found, tmp_path / "a.dcm") == sum(map(len, SHAPES.values()))


def made(folder: Path) -> Path:
    groups = [
        AnnotationGroup(n, name, name, tuple(RNG.uniform(0, 50, (length, 2)) for length in lengths), description="d")
        for n, (name, lengths) in enumerate(SHAPES.items(), start=1)
    ]
    groups.append(AnnotationGroup(6, "none", "POINT", (), type=Code("1", "99A", "x"), generation="MANUAL"))
    write_annotations(folder / "a.dcm", groups, patient_id="p")
    return folder / "a.dcm"


def test_highdicom_reads_what_is_written(tmp_path: Path) -> None:
    path = made(tmp_path)
    found = read_annotations(local(path))
    assert [len(group) for group in found] == [5, 3, 4, 2, 3, 0]
    assert (found.groups[0].description, found.groups[5].type) == ("d", Code("1", "99A", "x"))
    dataset = pydicom.dcmread(path)
    del dataset.AnnotationGroupSequence[5]  # highdicom takes no empty group
    dataset.save_as(path)
    assert equals(read_annotations(local(path)), path) == 17


def group(dataset: Any, number: int) -> Any:
    return dataset.AnnotationGroupSequence[number - 1]


FAULTS: list[tuple[Callable[[Any], None], type, str]] = [
    (lambda d: setattr(d, "AnnotationCoordinateType", "4D"), FormatError, "neither 2D nor 3D.*'4D'"),
    (lambda d: setattr(d, "PixelOriginInterpretation", "FRAME"), Unsupported, "corner of a frame"),
    (lambda d: setattr(group(d, 1), "GraphicType", "STAR"), Unsupported, "group 1 is of a kind.*'STAR'"),
    (lambda d: setattr(group(d, 1), "NumberOfAnnotations", 9), FormatError, "group 1.*5 annotations found, 9 stated"),
    (lambda d: setattr(group(d, 1), "DoublePointCoordinatesData", bytes(12)), FormatError, "group 1 are damaged"),
    (lambda d: setattr(group(d, 1), "DoublePointCoordinatesData", b"\xff" * 80), FormatError, "group 1 are damaged"),
    (lambda d: setattr(group(d, 4), "DoublePointCoordinatesData", bytes(80)), FormatError, "group 4.*not complete"),
    (lambda d: setattr(group(d, 2), "LongPrimitivePointIndexList", b"\1\0\0\0\6\0\0\0"), FormatError, "told apart"),
    (lambda d: setattr(group(d, 2), "LongPrimitivePointIndexList", b"\xff" * 12), FormatError, "group 2.*told apart"),
    (lambda d: delattr(group(d, 2), "LongPrimitivePointIndexList"), FormatError, "group 2.*told apart"),
    (lambda d: delattr(d, "AnnotationGroupSequence"), FormatError, "not complete"),
]


@pytest.mark.parametrize(("change", "kind", "message"), FAULTS, ids=[f"{n} {m}" for n, (*_, m) in enumerate(FAULTS)])
def test_wrong_annotations_are_named(
    tmp_path: Path, change: Callable[[Any], None], kind: type, message: str
) -> None:
    dataset = pydicom.dcmread(made(tmp_path))
    change(dataset)
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(kind, match=message):
        read_annotations(local(tmp_path / "a.dcm"))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_give_errors_of_ours(tmp_path: Path, survives_damage: Any) -> None:
    assert survives_damage(read_annotations, made(tmp_path).read_bytes(), "b.dcm", 200)
