"""Volumes and blobs."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medshelf.errors import AccessError, NotFound
from medshelf.model.blob import Blob, LocalFile
from medshelf.model.finding import Finding, is_problem
from medshelf.model.volume import Volume


def test_a_volume_says_its_shape_orientation_and_spacing() -> None:
    affine = np.diag([-0.9, -0.8, 2.5, 1.0])
    volume = Volume(np.zeros((3, 4, 5), np.int16), "ijk", affine, (0.9, 0.8, 2.5))
    assert volume.shape == (3, 4, 5)
    assert volume.orientation == "LPS"
    assert repr(volume) == "Volume(ijk=(3, 4, 5), int16, LPS, spacing_mm=(0.9, 0.8, 2.5))"


def test_a_picture_has_no_orientation() -> None:
    picture = Volume(np.zeros((4, 5, 3), np.uint8), "yxc")
    assert picture.orientation is None
    assert repr(picture) == "Volume(yxc=(4, 5, 3), uint8)"
    with pytest.raises(ValueError, match="no orientation"):
        picture.reoriented()


def test_reorienting_a_volume_permutes_its_spacing_too() -> None:
    volume = Volume(np.arange(24).reshape(2, 3, 4), "ijk", np.diag([-0.9, -0.8, 2.5, 1.0]), (0.9, 0.8, 2.5))
    turned = volume.reoriented("SAR")
    assert turned.orientation == "SAR"
    assert turned.shape == (4, 3, 2)
    assert turned.spacing_mm == pytest.approx((2.5, 0.8, 0.9))
    np.testing.assert_array_equal(turned.reoriented("LPS").array, volume.array)


def test_a_local_file_is_a_blob_that_travels(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(b"12345")
    blob = LocalFile(tmp_path / "a.mhd").sibling("a.raw")
    assert isinstance(blob, Blob)
    assert blob.size_bytes == 5
    copy = pickle.loads(pickle.dumps(blob))
    assert copy == blob
    with copy.open() as stream:
        assert stream.seek(3) == 3
        assert stream.read() == b"45"


@pytest.mark.parametrize("ask", [LocalFile.open, LocalFile.read_bytes, lambda blob: blob.size_bytes])
def test_a_file_that_is_not_there_is_said_so(tmp_path: Path, ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotFound, match=r"nothing\.nii: no such file"):
        ask(LocalFile(tmp_path / "nothing.nii"))


@pytest.mark.parametrize("ask", [LocalFile.open, LocalFile.read_bytes])
def test_a_folder_is_no_file(tmp_path: Path, ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(AccessError, match="a folder stands where a file should be"):
        ask(LocalFile(tmp_path))


def test_a_file_without_permission_is_said_so(tmp_path: Path, unreadable: Callable[[Path], Path]) -> None:
    (tmp_path / "x").write_bytes(b"")
    unreadable(tmp_path / "x")
    with pytest.raises(AccessError, match="may not be read"):
        LocalFile(tmp_path / "x").read_bytes()


def test_only_errors_and_warnings_are_problems() -> None:
    severities = {s: is_problem(Finding("x.y", s, "so")) for s in ("error", "warning", "info")}  # type: ignore[arg-type]
    assert severities == {"error": True, "warning": True, "info": False}
