"""Analyze 7.5: voxels and places as nibabel reads them; the header decides between Analyze and NIfTI."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from nibabel.spm2analyze import Spm2AnalyzeImage
from nibabel.spm99analyze import Spm99AnalyzeHeader, Spm99AnalyzeImage

from medshelf import formats
from medshelf.errors import FormatError, NotFound, Truncated, Unsupported
from medshelf.formats import analyze
from medshelf.model.blob import LocalFile

ARRAY = np.random.default_rng(0).integers(-50, 99, (9, 8, 7)).astype(np.int16)
OBLIQUE = np.array([[-0.7, 0.1, 0, 5], [0.1, 1.1, 0.2, -3], [0, 0.1, 2.5, 7], [0, 0, 0, 1.0]])


def saved(path: Path, kind: Any, order: str = "<", array: np.ndarray = ARRAY, affine: Any = OBLIQUE) -> Any:
    header = kind.header_class(endianness=order)
    header.set_data_dtype(array.dtype)
    nib.save(kind(array, affine, header), path)
    return kind.from_filename(str(path))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("ending", [".hdr", ".img"])
def test_analyze_has_spacing_and_no_affine(tmp_path: Path, order: str, ending: str) -> None:
    saved(tmp_path / "a.img", nib.AnalyzeImage, order, affine=np.diag([1.0, 2, 3, 1]))
    volume = formats.read(LocalFile(tmp_path / f"a{ending}"))
    np.testing.assert_array_equal(volume.array, ARRAY)
    assert volume.array.dtype == np.int16
    assert (volume.affine, volume.spacing_mm, volume.axes) == (None, (1.0, 2.0, 3.0), "ijk")
    assert volume.meta["format"] == "analyze" and volume.meta["affine_from"] is None


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [Spm99AnalyzeImage, Spm2AnalyzeImage])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
def test_the_matrix_of_spm_is_the_affine(tmp_path: Path, kind: Any, order: str, dtype: str) -> None:
    seen = saved(tmp_path / "a.img", kind, order, np.abs(ARRAY).astype(dtype))
    for ending in (".hdr", ".img"):
        volume = formats.read(LocalFile(tmp_path / f"a{ending}"))
        np.testing.assert_array_equal(volume.array, seen.get_fdata())
        np.testing.assert_allclose(volume.affine, seen.affine, atol=1e-12)
        assert volume.meta["affine_from"] == "mat" and "notes" not in volume.meta


def test_a_matrix_without_direction_is_taken_to_run_to_the_left_and_that_is_said(tmp_path: Path) -> None:
    import scipy.io

    saved(tmp_path / "a.img", Spm99AnalyzeImage)
    scipy.io.savemat(tmp_path / "a.mat", {"M": scipy.io.loadmat(tmp_path / "a.mat")["M"]}, format="4")
    volume = formats.read(LocalFile(tmp_path / "a.img"))
    np.testing.assert_allclose(volume.affine, Spm99AnalyzeImage.from_filename(str(tmp_path / "a.img")).affine)
    assert "left" in volume.meta["notes"][0]


@pytest.mark.parametrize("origin", [(4, 3, 2), (1, 1, 1), (-3, 5, 12), (0, 0, 0), (900, 3, 2)])
def test_the_origin_of_spm(tmp_path: Path, origin: tuple[int, int, int]) -> None:
    header = Spm99AnalyzeHeader()
    header.set_data_shape(ARRAY.shape)
    header.set_data_dtype("int16")
    header.set_zooms((2, 3, 4))
    header["origin"][:3] = origin
    (tmp_path / "a.hdr").write_bytes(header.binaryblock)
    (tmp_path / "a.img").write_bytes(ARRAY.tobytes(order="F"))
    volume = formats.read(LocalFile(tmp_path / "a.hdr"))
    if origin in ((0, 0, 0), (900, 3, 2)):  # nibabel then takes the middle of the image; nobody said that
        assert volume.affine is None
    else:
        np.testing.assert_allclose(volume.affine, header.get_origin_affine())
        assert volume.meta["affine_from"] == "origin" and "left" in volume.meta["notes"][0]
    assert volume.spacing_mm == (2, 3, 4)


@pytest.mark.parametrize("content", [b"", b"1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n"], ids=["empty", "flirt"])
def test_a_mat_file_of_another_program_is_left_out(tmp_path: Path, content: bytes) -> None:
    saved(tmp_path / "a.img", nib.AnalyzeImage, affine=np.diag([1.0, 2, 3, 1]))
    (tmp_path / "a.mat").write_bytes(content)
    volume = formats.read(LocalFile(tmp_path / "a.img"))
    assert volume.affine is None and "left out" in volume.meta["notes"][0]


def test_a_scale_of_spm_is_applied(tmp_path: Path) -> None:
    seen = saved(tmp_path / "a.img", Spm99AnalyzeImage, array=ARRAY)
    data = bytearray((tmp_path / "a.hdr").read_bytes())
    data[112:116] = np.float32(0.25).tobytes()
    (tmp_path / "a.hdr").write_bytes(data)
    volume = formats.read(LocalFile(tmp_path / "a.img"))
    assert volume.array.dtype == np.float32
    np.testing.assert_allclose(volume.array, seen.get_fdata() * 0.25)


@pytest.mark.parametrize("compressed", [(".img",), (".img", ".hdr")])
def test_either_may_be_compressed(tmp_path: Path, compressed: tuple[str, ...]) -> None:
    saved(tmp_path / "a.img", nib.AnalyzeImage, affine=None)
    for ending in compressed:
        path = tmp_path / f"a{ending}"
        (tmp_path / f"a{ending}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    for path in sorted(tmp_path.iterdir()):
        np.testing.assert_array_equal(formats.read(LocalFile(path)).array, ARRAY)


def test_colours(tmp_path: Path) -> None:
    colours = np.random.default_rng(1).integers(0, 255, (5, 4, 3, 3), np.uint8)
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    saved(tmp_path / "a.img", nib.AnalyzeImage, array=colours.view(kind)[..., 0], affine=None)
    volume = formats.read(LocalFile(tmp_path / "a.img"))
    assert volume.axes == "ijkc"
    np.testing.assert_array_equal(volume.array, colours)


@pytest.mark.parametrize("ending", [".hdr", ".img"])
def test_the_header_decides_between_analyze_and_nifti(tmp_path: Path, ending: str) -> None:
    nib.save(nib.Nifti1Pair(ARRAY, OBLIQUE), tmp_path / "n.img")
    saved(tmp_path / "a.img", nib.AnalyzeImage, affine=None)
    assert formats.format_of(LocalFile(tmp_path / f"n{ending}")).NAME == "nifti"
    assert formats.format_of(LocalFile(tmp_path / f"a{ending}")).NAME == "analyze"
    with pytest.raises(FormatError, match="not an Analyze header"):
        formats.read(LocalFile(tmp_path / "n.hdr"), "analyze")


def test_what_is_missing_or_cut_is_named(tmp_path: Path) -> None:
    saved(tmp_path / "a.img", nib.AnalyzeImage, affine=None)
    data = (tmp_path / "a.img").read_bytes()
    (tmp_path / "a.img").write_bytes(data[:-1])
    with pytest.raises(Truncated):
        formats.read(LocalFile(tmp_path / "a.hdr"))
    (tmp_path / "a.img").unlink()
    with pytest.raises(NotFound, match=r"a\.img"):
        formats.read(LocalFile(tmp_path / "a.hdr"))
    (tmp_path / "a.hdr").unlink()
    (tmp_path / "a.img").write_bytes(data)
    with pytest.raises(NotFound, match=r"a\.hdr"):
        formats.read(LocalFile(tmp_path / "a.img"))


@pytest.mark.parametrize("code", [1, 32, 0])
def test_other_types_are_refused(tmp_path: Path, code: int) -> None:
    saved(tmp_path / "a.img", nib.AnalyzeImage, affine=None)
    data = bytearray((tmp_path / "a.hdr").read_bytes())
    data[70:72] = np.int16(code).tobytes()
    (tmp_path / "a.hdr").write_bytes(data)
    with pytest.raises(Unsupported):
        analyze.read(LocalFile(tmp_path / "a.hdr"))
