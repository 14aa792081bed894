"""Oddities 3, 7, 13 to 17 and 19: where voxels are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import medshelf
from medshelf.formats import nifti
from medshelf.model import geometry
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume
from tests.layout.made import record
from tests.odd.conftest import Twinned


def test_03_pictures_that_run_against_the_slices_lie_on_their_image(twinned: Twinned) -> None:
    opened = twinned("chaos")
    sample = next(s for s in opened if "ct_liver" in s.annotations)
    files = sorted(Path(f.name) for f in map(sample.files.files.__getitem__, ["ct_liver"]) for f in f)
    assert files
    image, mask = sample.images["ct"].volume, sample.annotations["ct_liver"]
    assert mask.volume.shape == image.shape
    placed = mask.to_index({1: "liver"})
    np.testing.assert_array_equal(placed.affine, image.affine)
    pictures = mask.images[""].blobs
    first = medshelf.read(pictures[0].name)  # is the last slice
    np.testing.assert_array_equal(first.array.T != 0, mask.mask("liver")[:, :, -1])
    assert first.array.max() == 255 or not first.array.any()


def test_03_bands_of_grey_and_one_mask_for_two_images(twinned: Twinned) -> None:
    opened = twinned("chaos")
    sample = next(s for s in opened if "t1_organs" in s.annotations)
    assert set(sample.images) == {"InPhase", "OutPhase"}
    mask = sample.annotations["t1_organs"]
    assert {mask.states()[o] for o in ("liver", "kidney.left", "kidney.right", "spleen")} == {"present"}
    values = set(np.unique(mask.volume.array)) - {0}
    assert not values & {1, 2, 3, 4}  # greys in bands, not numbers of structures
    for image in sample.images.values():
        assert image.shape == mask.volume.shape


def test_07_segments_are_found_by_their_labels_and_may_overlap(twinned: Twinned) -> None:
    sample = twinned("crlm")[0]
    mask = sample.mask
    assert {"liver", "liver:remnant", "hepatic_vein", "portal_vein"} <= set(mask.structures)
    assert mask.state("liver:remnant") == "present"
    part = mask.to_index({1: "liver"})
    assert part.affine is not None
    inside = np.argwhere(part.array)[0]
    world = part.affine @ [*inside, 1]
    index = np.linalg.solve(sample.image.volume.affine, world)[:3]
    np.testing.assert_allclose(index, index.round(), atol=1e-3)  # on the image's grid, wherever its own begins


def test_13_a_mask_with_a_wrong_header_takes_the_place_of_its_image(twinned: Twinned, tmp_path: Path) -> None:
    opened = twinned("lits", cases=1).filter(split="train")
    root = Path(opened[0].mask.images[""].path).parent
    for path in root.glob("segmentation-*.nii"):
        number = path.stem.partition("-")[2]
        mask = nifti.read(LocalFile(path))
        wrong = np.eye(4)
        wrong[:3, 3] = 1
        nifti.write(path, Volume(mask.array, "ijk", wrong, (1.0, 1.0, 1.0)))
        path.rename(root / "segmentation-53.nii")
        (root / f"volume-{number}.nii").rename(root / "volume-53.nii")
        break
    sample = medshelf.open("lits", root)["volume-53"]
    assert sample.mask.images[""].read().affine is None
    np.testing.assert_array_equal(sample.mask.volume.affine, sample.image.affine)
    np.testing.assert_array_equal(sample.mask.to_index({1: "liver"}).affine, sample.image.affine)


def test_14_direction_cosines_that_are_not_orthonormal_are_read_as_they_are(twinned: Twinned) -> None:
    opened = twinned("totalsegmentator-v2", cases=1)
    path = Path(opened[0].image.path)
    volume = nifti.read(LocalFile(path))
    sheared = np.array(volume.affine)
    sheared[0, 2] = 0.4
    nifti.write(path, Volume(volume.array, "ijk", sheared, geometry.spacing_mm(sheared)))
    again = opened[0].image.read()
    np.testing.assert_allclose(again.affine, sheared, atol=1e-5)
    assert geometry.orthonormality_error(again.affine) > 0.1
    found = medshelf.audit("totalsegmentator-v2", opened.tree.where)
    assert [f for f in found.findings if f.check == "geometry.skewed"]


TURNED = """
key = ["n"]
[files.t1]
role = "image"
path = "{n:int}/T1.nii.gz"
[files.tract]
role = "mask"
path = "{n:int}/tract.nii.gz"
kind = "binary"
label = "corticospinal_tract"
[files.brain]
role = "mask"
path = "{n:int}/brain_mask.nii.gz"
kind = "binary"
label = "brain"
ops = [{ flip = [0] }]
[files.clot]
role = "mask"
path = "{n:int}/clot.npy"
kind = "binary"
label = "pulmonary_artery/embolism"
axes = "ijk"
ops = [{ rot90 = [-1, 0, 1] }]
space = "t1"
"""
"""As BrainPTM, of whose masks one is flipped, and FUMPE, whose masks are turned."""


def test_15_masks_in_another_order_of_axes_are_turned_one_by_one(twinned: Twinned) -> None:
    sample = twinned(record(TURNED))[0]
    stored = {n: medshelf.read(sample.annotations[n].files[0]).array for n in ("tract", "brain", "clot")}
    np.testing.assert_array_equal(sample.annotations["tract"].mask("corticospinal_tract"), stored["tract"] != 0)
    np.testing.assert_array_equal(sample.annotations["brain"].mask("brain"), stored["brain"][::-1] != 0)
    clot = sample.annotations["clot"].mask("pulmonary_artery/embolism")
    np.testing.assert_array_equal(clot, np.rot90(stored["clot"], -1, (0, 1)) != 0)
    assert clot.shape == sample.image.shape and stored["clot"].shape != sample.image.shape


def test_15_labels_of_a_dicom_series_in_reverse_order_say_so_in_their_affine(twinned: Twinned) -> None:
    opened = twinned("pancreas-ct", cases=1)
    path = Path(opened[0].mask.files[0])
    mask = nifti.read(LocalFile(path))
    reversed_affine = np.array(mask.affine)
    reversed_affine[:3, 3] += reversed_affine[:3, 2] * (mask.shape[2] - 1)
    reversed_affine[:3, 2] *= -1
    nifti.write(path, Volume(np.ascontiguousarray(mask.array[:, :, ::-1]), "ijk", reversed_affine, mask.spacing_mm))
    sample = opened[0]
    ours = sample.mask.volume.reoriented("RAS")
    theirs = sample.image.volume.reoriented("RAS")
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-3)


@pytest.mark.parametrize("codes", ["RAS", "LPS", "ASR", "IPL", "SAL"])
def test_16_every_orientation_is_told_and_can_be_asked_for(codes: str, tmp_path: Path) -> None:
    affine = geometry.affine_of(codes, (0.5, 1.0, 2.0))
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    nifti.write(tmp_path / "a.nii.gz", Volume(array, "ijk", affine, (0.5, 1.0, 2.0)))
    volume = medshelf.read(tmp_path / "a.nii.gz")
    assert volume.orientation == codes
    back = volume.reoriented("RAS").reoriented(codes)
    np.testing.assert_array_equal(back.array, array)
    np.testing.assert_allclose(back.affine, affine, atol=1e-5)


STATED = """
key = ["n"]
[files.scan]
role = "image"
path = "P{n:int}/data.npy"
axes = "ijk"
ops = [{ geometry = { spacing_mm = [0.3, 0.3, 0.3], orientation = "IPL" } }]
"""


def test_16_a_layout_states_the_orientation_that_no_header_holds(twinned: Twinned) -> None:
    image = twinned(record(STATED))[0].image.volume
    assert (image.orientation, image.spacing_mm, image.meta["origin"]) == ("IPL", (0.3, 0.3, 0.3), "unknown")


SPACED = """
key = ["n"]
[files.scan]
role = "image"
path = "P{n:int}/data.npy"
axes = "ijk"
spacing_mm = [0.3, 0.3, 0.4]
"""


def test_17_an_array_without_affine_has_the_spacing_that_the_record_states(twinned: Twinned) -> None:
    image = twinned(record(SPACED))[0].image.volume
    assert image.affine is None and image.orientation is None and image.spacing_mm == (0.3, 0.3, 0.4)
    assert twinned("toothfairy")[0].image.volume.affine is None


def test_19_a_mask_belongs_to_the_grid_of_one_of_the_images(twinned: Twinned) -> None:
    sample = twinned("han-seg")[0]
    mr = Path(sample.images["T1"].path)
    from medshelf.formats import nrrd

    volume = nrrd.read(LocalFile(mr))
    half = Volume(np.ascontiguousarray(volume.array[::2]), "ijk", volume.affine, volume.spacing_mm)
    nrrd.write(mr, half)
    mask = sample.annotations["organs"]
    assert mask.grid is sample.images["ct"]
    assert mask.mask("mandible").shape == sample.images["ct"].shape != sample.images["T1"].shape
