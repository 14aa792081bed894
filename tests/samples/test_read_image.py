"""Reading one image without any dataset."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

import medshelf
from medshelf.errors import AccessError, FormatError, MedshelfError, NotFound
from medshelf.formats.dicom.writing import slice_bytes
from medshelf.model.volume import Volume

AFFINE = np.array([[-0.9, 0, 0, 12.5], [0, -0.8, 0, 8], [0, 0, 2.5, -40], [0, 0, 0, 1.0]])
ARRAY = (np.arange(8 * 6 * 5).reshape(8, 6, 5) - 100).astype(np.int16)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with one image in several forms."""
    nibabel.save(nibabel.Nifti1Image(ARRAY, AFFINE), tmp_path / "a b.nii.gz")
    nibabel.save(nibabel.Nifti1Image(ARRAY, AFFINE), tmp_path / "plain.nii")
    (tmp_path / "series").mkdir()
    volume = Volume(ARRAY, "ijk", AFFINE, (0.9, 0.8, 2.5))
    for n, content in enumerate(slice_bytes(volume, modality="CT", series_uid="2.25.7", patient_id="x")):
        (tmp_path / "series" / f"{n}.dcm").write_bytes(content)
    return tmp_path


def is_the_image(volume: Volume) -> None:
    ours = volume.reoriented("LPS")
    np.testing.assert_array_equal(ours.array, ARRAY)
    assert ours.affine is not None
    np.testing.assert_allclose(ours.affine, AFFINE, atol=1e-5)


@pytest.mark.parametrize("name", ["a b.nii.gz", "plain.nii", "series"])
def test_a_file_or_a_folder_of_slices_is_an_image(place: Path, name: str) -> None:
    is_the_image(medshelf.read(place / name))
    is_the_image(medshelf.read(str(place / name)))


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
@pytest.mark.parametrize("name", ["a b.nii.gz", "plain.nii", "series", "series/"])
def test_a_member_of_an_archive_is_an_image(
    place: Path, tmp_path_factory: pytest.TempPathFactory, kind: str, name: str
) -> None:
    archive = shutil.make_archive(str(tmp_path_factory.mktemp("packed") / "x"), kind, place)
    is_the_image(medshelf.read(f"{archive}!/{name}"))


def test_what_is_not_there_is_said(place: Path) -> None:
    with pytest.raises(NotFound, match=r"no\.nii\.gz: no such file"):
        medshelf.read(place / "no.nii.gz")
    archive = shutil.make_archive(str(place / "x"), "zip", place / "series")
    with pytest.raises(NotFound, match="the archive has no such member"):
        medshelf.read(f"{archive}!/9.dcm")
    with pytest.raises(NotFound, match="nothing here"):
        medshelf.read(f"{place}/no.zip!/9.dcm")


def test_an_empty_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="the folder holds no files"):
        medshelf.read(tmp_path)


def test_a_folder_of_something_else_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(MedshelfError):
        medshelf.read(tmp_path)


def test_an_archive_is_no_image(place: Path) -> None:
    with pytest.raises(MedshelfError):
        medshelf.read(shutil.make_archive(str(place / "x"), "zip", place / "series"))


@pytest.mark.parametrize("name", ["x.nii.gz", "x.nii", "x.dcm", "x.png", "x.nrrd", "x.mha", "x.npy", "x.tif", "x"])
@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html><html>", gzip.compress(b"")[:12], b"\x00" * 400, b"\x1f\x8b\x08\x00garbage"]
)
def test_a_file_that_is_not_what_its_name_says_is_an_error_of_ours(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises((FormatError, AccessError), match=name):
        medshelf.read(tmp_path / name)


def test_the_reader_may_be_named_where_the_name_misleads(place: Path) -> None:
    (place / "plain.nii").rename(place / "plain.img.backup")
    is_the_image(medshelf.read(place / "plain.img.backup", reader="nifti"))
