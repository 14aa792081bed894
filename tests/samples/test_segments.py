"""Structure sets and DICOM segmentations as parts of a sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import medshelf
from medshelf.errors import LayoutError, NotFound, Unsupported
from medshelf.formats.dicom import write_series
from medshelf.formats.dicom_seg import write_seg
from medshelf.formats.rtstruct import Contour, Roi, StructureSet, write_rtstruct
from medshelf.model.geometry import lps_to_ras
from medshelf.model.labels import State
from medshelf.model.volume import Volume
from medshelf.samples.annotation import Annotation, Mask
from medshelf.samples.sample import Sample
from tests.layout.made import record

SHAPE = (20, 16, 4)
AFFINE = np.array([[-0.9, 0, 0, 12], [0, -0.8, 0, 8], [0, 0, 2.5, -40], [0, 0, 0, 1]])
IMAGE = '[files.ct]\nrole = "image"\npath = "{n:int}/ct/{slice}.dcm"\nreader = "dicom_series"\n'
DRAWN = '[files.drawn]\nrole = "%s"\npath = "{n:int}/rt.dcm"\nreader = "rtstruct"\nlabels = "organs"\n'
ORGANS = '[labels.organs]\nHeart = "heart"\n"~GTV.*" = "lung/neoplasm"\nSkin = "skin"\n'


def box(i: int, j: int, k: int, kind: str = "CLOSED_PLANAR") -> Contour:
    """A square of 4 x 4 voxels whose lowest is (i, j) in slice k."""
    corners = np.array([(i, j, k), (i + 4, j, k), (i + 4, j + 4, k), (i, j + 4, k)]) - [0.5, 0.5, 0]
    lps = lps_to_ras(AFFINE)
    return Contour(corners @ lps[:3, :3].T + lps[:3, 3], kind)


ROIS = [
    Roi(1, "Heart", (box(2, 3, 1), box(2, 3, 2))),
    Roi(2, "GTV-1", (box(10, 3, 1),)),
    Roi(3, "GTV_node", (box(12, 3, 1),)),
    Roi(4, "Skin", ()),
    Roi(5, "heart", (box(0, 0, 0),)),
    Roi(6, "isocentre", (box(0, 0, 0, "POINT"),)),
]


def sample(root: Path, layout: str, rois: list[Roi], **more: str) -> Sample:
    write_series(
        root / "1" / "ct",
        Volume(np.zeros(SHAPE, np.int16), "ijk", AFFINE),
        modality="CT",
        series_uid="1.2.3",
        patient_id="p",
    )
    write_rtstruct(root / "1" / "rt.dcm", rois, patient_id="p", **more)
    (one,) = medshelf.open(record(f'key = ["n"]\n{IMAGE}{layout}'), root)
    return one


def where(mask: np.ndarray) -> list[tuple[int, ...]]:
    """First and last voxel of a box, and how many there are."""
    found = np.argwhere(mask)
    return [*map(tuple, (found.min(axis=0), found.max(axis=0)))] + [(len(found),)]


def test_contours_become_masks_of_structures_on_the_grid_of_the_image(tmp_path: Path) -> None:
    one = sample(tmp_path, DRAWN % "mask" + ORGANS, ROIS)
    mask = one.mask
    assert mask.structures == ("heart", "lung/neoplasm", "skin")
    assert where(mask.mask("heart")) == [(2, 3, 1), (5, 6, 2), (32,)]
    assert where(mask.mask("lung/neoplasm")) == [(10, 3, 1), (15, 6, 1), (24,)]
    assert mask.states() == {
        "heart": State.PRESENT,
        "lung/neoplasm": State.PRESENT,
        "skin": State.NOT_ANNOTATED,
    }
    with pytest.raises(NotFound, match="skin is not annotated"):
        mask.mask("skin")
    header = mask.header()
    assert header.shape == one.image.shape == SHAPE
    np.testing.assert_allclose(header.affine, one.image.affine, atol=1e-9)
    index = mask.to_index({1: "heart", 2: "lung/neoplasm"})
    assert np.bincount(index.array.ravel()).tolist()[1:] == [32, 24]


def test_without_labels_regions_keep_their_names(tmp_path: Path) -> None:
    layout = (DRAWN % "mask").replace('labels = "organs"\n', 'space = "ct"\n')
    one = sample(tmp_path, layout, [*ROIS, Roi(9, "Heart", (box(0, 0, 3),))])
    assert one.mask.structures == ("Heart", "GTV-1", "GTV_node", "heart", "Heart9")
    assert one.mask.mask("Heart9").sum() == 16


def test_contours_are_returned_as_drawn(tmp_path: Path) -> None:
    found = sample(tmp_path, DRAWN % "contours" + ORGANS, ROIS).annotations["drawn"]
    assert isinstance(found, Annotation)
    assert found.structures == ("heart", "lung/neoplasm", "skin")
    drawn = found.read()
    assert isinstance(drawn, StructureSet)
    assert [(roi.name, len(roi.contours)) for roi in drawn] == [(roi.name, len(roi.contours)) for roi in ROIS]


def test_another_frame_of_reference_is_an_error_not_an_empty_mask(tmp_path: Path) -> None:
    mask = sample(tmp_path, DRAWN % "mask" + ORGANS, ROIS, frame_of_reference_uid="1.2.9").mask
    assert mask.structures
    with pytest.raises(Unsupported, match=r"region 1 \(Heart\).*another frame"):
        mask.mask("heart")


def test_the_audit_reports_each_region_that_does_not_fit(tmp_path: Path) -> None:
    sample(tmp_path, DRAWN % "mask" + ORGANS, [*ROIS, Roi(7, "GTV far away", (box(900, 3, 1),))])
    report = medshelf.audit(record(f'key = ["n"]\n{IMAGE}{DRAWN % "mask"}{ORGANS}'), tmp_path)
    assert [f.message for f in report.findings if "off the grid" in f.message], report.findings
    (one,) = medshelf.open(record(f'key = ["n"]\n{IMAGE}{DRAWN % "mask"}{ORGANS}'), tmp_path)
    assert one.mask.header().shape == SHAPE
    assert one.mask.mask("heart").sum() == 32


def test_a_mask_needs_a_grid(tmp_path: Path) -> None:
    second = '[files.other]\nrole = "image"\npath = "{n:int}/other.png"\noptional = true\n'
    one = sample(tmp_path, DRAWN % "mask" + ORGANS + second, ROIS)
    assert one.mask.mask("heart").any()
    (tmp_path / "1" / "other.png").write_bytes(b"\x89PNG")
    (both,) = medshelf.open(record(f'key = ["n"]\n{IMAGE}{DRAWN % "mask"}{ORGANS}{second}'), tmp_path)
    with pytest.raises(LayoutError, match="only on the grid of an image.*space"):
        both.mask.mask("heart")


def test_segments_of_one_structure_are_one_mask(tmp_path: Path) -> None:
    cells = {name: np.zeros(SHAPE, np.uint8) for name in ("GTV-1", "GTV_node", "Heart")}
    for n, array in enumerate(cells.values()):
        array[n : n + 2, 3, 1] = 1
    layout = (DRAWN % "mask").replace("rt.dcm", "seg.dcm").replace("rtstruct", "dicom_seg")
    (tmp_path / "1").mkdir()
    write_seg(tmp_path / "1" / "seg.dcm", {n: Volume(a, "ijk", AFFINE) for n, a in cells.items()}, patient_id="p")
    mask = sample(tmp_path, layout + ORGANS, ROIS).mask
    assert isinstance(mask, Mask)
    assert where(mask.mask("lung/neoplasm")) == [(0, 3, 1), (2, 3, 1), (3,)]
    assert mask.mask("heart").sum() == 2


def test_a_twin_of_a_radiotherapy_dataset_holds_its_organs(tmp_path: Path) -> None:
    medshelf.twin("lctsc", tmp_path / "data", cases=2)
    for one in medshelf.open("lctsc", tmp_path / "data"):
        mask = one.mask
        assert set(mask.states().values()) == {State.PRESENT}
        assert mask.header().shape == one.image.shape
        assert len({tuple(map(tuple, where(mask.mask(name)))) for name in mask.structures}) == 5
