"""FreeSurfer volumes: voxels and affine as nibabel reads them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from medshelf import formats
from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats import mgh
from medshelf.model.blob import LocalFile

ARRAY = np.random.default_rng(0).integers(0, 99, (9, 8, 7))
OBLIQUE = np.array([[-0.7, 0.1, 0, 5], [0.1, 1.1, 0.2, -3], [0, 0.1, 2.5, 7], [0, 0, 0, 1.0]])


def seen_by_nibabel(path: Path) -> Any:
    """From bytes: of a path nibabel leaves the file open."""
    data = path.read_bytes()
    return nib.MGHImage.from_bytes(gzip.decompress(data) if path.suffix == ".mgz" else data)


@pytest.mark.parametrize("ending", [".mgh", ".mgz"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32"])
@pytest.mark.parametrize("frames", [1, 3])
def test_voxels_and_affine_are_those_of_nibabel(tmp_path: Path, ending: str, dtype: str, frames: int) -> None:
    array = np.stack([ARRAY + n for n in range(frames)], -1) if frames > 1 else ARRAY
    path = tmp_path / f"a{ending}"
    nib.save(nib.MGHImage(array.astype(dtype), OBLIQUE), path)
    seen = seen_by_nibabel(path)
    volume = formats.read(LocalFile(path))
    assert volume.array.dtype == np.dtype(dtype)
    assert (volume.shape, volume.axes) == (array.shape, "ijkt" if frames > 1 else "ijk")
    np.testing.assert_array_equal(volume.array, np.asarray(seen.dataobj))
    np.testing.assert_allclose(volume.affine, seen.affine, atol=1e-6)
    mgh.write(path, volume)
    again = seen_by_nibabel(path)
    np.testing.assert_array_equal(np.asarray(again.dataobj), array)
    np.testing.assert_allclose(again.affine, OBLIQUE, atol=1e-5)


def test_without_a_place_that_of_freesurfer_stands(tmp_path: Path) -> None:
    """Coronal, left, inferior, anterior, 1 mm; nibabel mirrors the last two, against mri.c of FreeSurfer."""
    nib.save(nib.MGHImage(ARRAY.astype(np.int16), OBLIQUE), tmp_path / "a.mgh")
    data = bytearray((tmp_path / "a.mgh").read_bytes())
    data[28:30] = b"\0\0"
    (tmp_path / "a.mgh").write_bytes(data)
    volume = formats.read(LocalFile(tmp_path / "a.mgh"))
    assert volume.orientation == "LIA" and volume.spacing_mm == (1, 1, 1)
    assert volume.affine is not None
    np.testing.assert_allclose(volume.affine @ [4.5, 4, 3.5, 1], [0, 0, 0, 1])
    assert volume.meta["affine_from"] == "default" and volume.meta["notes"]


def test_bad_headers_are_named(tmp_path: Path) -> None:
    nib.save(nib.MGHImage(ARRAY.astype(np.int16), OBLIQUE), tmp_path / "a.mgh")
    data = (tmp_path / "a.mgh").read_bytes()
    for change, kind in [
        ({0: 2}, FormatError), ({23: 7}, Unsupported), ({4: 0, 5: 0, 6: 0, 7: 0}, FormatError), ({4: 0x7F}, Truncated),
    ]:  # fmt: skip
        broken = bytearray(data)
        for place, value in change.items():
            broken[place] = value
        (tmp_path / "b.mgh").write_bytes(broken)
        with pytest.raises(kind):
            mgh.read(LocalFile(tmp_path / "b.mgh"))


def test_damaged_files_give_errors_of_ours(survives_damage: Any, tmp_path: Path) -> None:
    for ending in (".mgh", ".mgz"):
        nib.save(nib.MGHImage(ARRAY.astype(np.int16), OBLIQUE), tmp_path / f"good{ending}")
        assert survives_damage(mgh.read, (tmp_path / f"good{ending}").read_bytes(), f"a{ending}", 150)
