"""A folder of nnU-Net raw data, piece by piece."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image as pil

from medshelf.errors import Unsupported
from medshelf.export.nnunet import Target
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume
from medshelf.samples.image import Image

AFFINE = np.diag([-0.9, -0.8, 2.5, 1.0])
MASK = Volume(np.eye(4, dtype=np.uint8)[..., None].repeat(3, -1), "ijk", AFFINE, (0.9, 0.8, 2.5))


def target(root: Path, **changed: object) -> Target:
    told: dict[str, object] = {"channels": ("CT",), "labels": ("liver", "spleen"), "ignore": False, "flat": False}
    return Target(root, **{**told, **changed})  # type: ignore[arg-type]


def image(path: Path, array: np.ndarray) -> Image:
    nibabel.save(nibabel.Nifti1Image(array, AFFINE), path)
    return Image("ct", (LocalFile(path),))


def test_channels_are_numbered_and_hashes_told(tmp_path: Path) -> None:
    images = [image(tmp_path / f"{n}.nii.gz", np.full((4, 4, 3), n, np.int16)) for n in (1, 2)]
    written = target(tmp_path / "out", channels=("t1", "t2")).write_case("c", images, MASK)
    assert list(written) == ["imagesTr/c_0000.nii.gz", "imagesTr/c_0001.nii.gz", "labelsTr/c.nii.gz"]
    for name, digest in written.items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest
    assert np.asarray(nibabel.load(tmp_path / "out" / "imagesTr" / "c_0001.nii.gz").dataobj).max() == 2


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_what_is_not_compressed_is_written_anew_with_its_voxels(tmp_path: Path, dtype: type) -> None:
    array = np.arange(48).reshape(4, 4, 3).astype(dtype)
    target(tmp_path / "out").write_case("c", [image(tmp_path / "x.nii", array)], MASK)
    back = nibabel.load(tmp_path / "out" / "imagesTr" / "c_0000.nii.gz")
    np.testing.assert_array_equal(np.asarray(back.dataobj), array)
    np.testing.assert_allclose(back.affine, AFFINE, atol=1e-6)


def test_a_file_that_is_not_compressed_though_its_name_says_so_is_compressed(tmp_path: Path) -> None:
    array = np.arange(48, dtype=np.int16).reshape(4, 4, 3)
    image(tmp_path / "x.nii", array)
    (tmp_path / "x.nii").rename(tmp_path / "x.nii.gz")
    target(tmp_path / "out").write_case("c", [Image("ct", (LocalFile(tmp_path / "x.nii.gz"),))], MASK)
    back = nibabel.load(tmp_path / "out" / "imagesTr" / "c_0000.nii.gz")
    np.testing.assert_array_equal(np.asarray(back.dataobj), array)


def test_a_picture_that_is_no_png_though_its_name_says_so_becomes_one(tmp_path: Path) -> None:
    array = np.arange(48, dtype=np.uint8).reshape(6, 8)
    pil.fromarray(array).save(tmp_path / "x.png", format="BMP")
    mask = Volume(np.ones((6, 8), np.uint8), "yx")
    here = target(tmp_path / "out", flat=True)
    here.write_case("c", [Image("x", (LocalFile(tmp_path / "x.png"),))], mask)
    (written,) = (tmp_path / "out" / "imagesTr").iterdir()
    assert written.read_bytes()[:4] == b"\x89PNG"
    np.testing.assert_array_equal(np.asarray(pil.open(written)), array)


def test_double_precision_is_more_than_training_needs(tmp_path: Path) -> None:
    array = np.linspace(0, 1, 48).reshape(4, 4, 3)
    target(tmp_path / "out").write_case("c", [image(tmp_path / "x.nii", array)], MASK)
    back = nibabel.load(tmp_path / "out" / "imagesTr" / "c_0000.nii.gz")
    assert back.get_data_dtype() == np.float32
    np.testing.assert_allclose(np.asarray(back.dataobj), array, atol=1e-7)


def test_a_last_axis_of_one_is_dropped_and_a_longer_one_refused(tmp_path: Path) -> None:
    one = image(tmp_path / "one.nii.gz", np.ones((4, 4, 3, 1), np.int16))
    target(tmp_path / "out").write_case("c", [one], MASK)
    assert nibabel.load(tmp_path / "out" / "imagesTr" / "c_0000.nii.gz").shape == (4, 4, 3)
    two = image(tmp_path / "two.nii.gz", np.ones((4, 4, 3, 2), np.int16))
    with pytest.raises(Unsupported, match="one volume a channel"):
        target(tmp_path / "out").write_case("d", [two], MASK)
    assert not list((tmp_path / "out" / "imagesTr").glob("*d_*"))
    assert not list((tmp_path / "out").rglob(".part-*"))


def test_dataset_json_numbers_labels_from_one_and_ignore_last(tmp_path: Path) -> None:
    target(tmp_path, ignore=True).finish(["a", "b"], [], {"licence": "CC0-1.0"})
    told = json.loads((tmp_path / "dataset.json").read_text())
    assert told["labels"] == {"background": 0, "liver": 1, "spleen": 2, "ignore": 3}
    assert list(told["labels"].values()) == sorted(told["labels"].values())
    assert (told["numTraining"], told["licence"], told["channel_names"]) == (2, "CC0-1.0", {"0": "CT"})


def test_folds_are_written_and_taken_away_again(tmp_path: Path) -> None:
    here = target(tmp_path)
    here.finish(["a", "b"], [{"train": ["a"], "val": ["b"]}], {})
    assert json.loads((tmp_path / "splits_final.json").read_text()) == [{"train": ["a"], "val": ["b"]}]
    here.finish(["a"], [], {})
    assert not (tmp_path / "splits_final.json").exists()


def test_nothing_is_written_that_is_there_already(tmp_path: Path) -> None:
    here = target(tmp_path)
    here.finish(["a"], [{"train": [], "val": ["a"]}], {})
    before = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    here.finish(["a"], [{"train": [], "val": ["a"]}], {})
    assert {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before
