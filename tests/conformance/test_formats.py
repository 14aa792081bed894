"""One contract for every reader of images: see `medshelf.formats`.

What is written is read again; the header says what reading gives; a file cut short is an error, or
whole, and never part of an image; any bytes at all give an error of ours, soon; a blob needs no path.
"""

from __future__ import annotations

import io
import pickle
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import numpy as np
import pytest

from medshelf import formats
from medshelf.errors import AccessError, FormatError, MedshelfError, NotFound
from medshelf.formats import IMAGE_FORMATS, format_named, format_of
from medshelf.model.blob import Blob, LocalFile
from medshelf.model.volume import Volume

INTEGERS = ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
NUMBERS = (*INTEGERS, "float32", "float64")
SHAPES = {
    "ijk": (9, 8, 7),
    "ijkt": (9, 8, 7, 3),
    "ijkc": (9, 8, 7, 3),
    "ijktc": (9, 8, 7, 2, 3),
    "yx": (40, 30),
    "yxc": (40, 30, 3),
    "ij": (9, 8),
    "tyxc": (6, 40, 30, 3),
}
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
SECONDS = 5.0
"""Far more than any of these small files may take, however broken."""


@dataclass(frozen=True)
class Case:
    """A kind of file that a module writes without loss."""

    module: str
    ending: str
    axes: str
    dtypes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.module}{self.ending}-{self.axes}"


CASES = [
    *(
        Case("nifti", ending, axes, NUMBERS)
        for ending in (".nii", ".nii.gz")
        for axes in ("ijk", "ijkt", "ijktc")
    ),
    Case("nifti", ".nii.gz", "ijkc", ("uint8",)),
    *(Case("nrrd", ".nrrd", axes, NUMBERS) for axes in ("ijk", "ijkt", "ijkc", "ijktc")),
    *(Case("metaimage", ".mha", axes, NUMBERS) for axes in ("ijk", "ijkt", "ijkc")),
    Case("metaimage", ".mhd", "ijk", NUMBERS),
    *(Case("raster", ".png", axes, ("uint8", "uint16")) for axes in ("yx", "yxc")),
    *(Case("raster", ".tif", axes, ("uint8", "uint16", "float32")) for axes in ("yx", "yxc")),
    *(Case("raster", ".bmp", axes, ("uint8",)) for axes in ("yx", "yxc")),
    *(Case("raster", ".jp2", axes, ("uint8", "uint16")) for axes in ("yx", "yxc")),
    Case("raster", ".webp", "yxc", ("uint8",)),
    Case("raster", ".pgm", "yx", ("uint8", "uint16")),
    Case("raster", ".ppm", "yxc", ("uint8", "uint16")),
    Case("slide", ".svs", "yxc", ("uint8",)),
    Case("numpy_array", ".npy", "ijk", NUMBERS),
    Case("numpy_array", ".npz", "ijk", NUMBERS),
    *(Case("analyze", ".hdr", axes, (*INTEGERS[:6], "float32", "float64")) for axes in ("ijk", "ijkt")),
    *(
        Case("mgh", ending, axes, ("uint8", "int16", "uint16", "int32", "float32"))
        for ending in (".mgh", ".mgz")
        for axes in ("ijk", "ijkt")
    ),
    Case("hdf5", ".h5", "ijk", NUMBERS),
    Case("matlab", ".mat", "ijk", NUMBERS),
    Case("video", ".avi", "tyxc", ("uint8",)),
]
PLACELESS = ("numpy_array", "hdf5", "matlab")
"""Containers of arrays, which know no geometry."""
EACH = pytest.mark.parametrize("case", CASES, ids=str)


def phantom(case: Case, dtype: str) -> Volume:
    """Smooth and rough parts, no symmetry; volumes lie oblique and mirrored in space."""
    rng = np.random.default_rng(11)
    shape = SHAPES[case.axes]
    ramp = np.indices(shape).sum(axis=0) * 3 % 101
    array = np.where(rng.random(shape) < 0.3, rng.integers(0, 120, shape), ramp).astype(dtype)
    if not case.axes.startswith("ijk") or case.module in PLACELESS:
        return Volume(array, case.axes)
    a, b = 0.3, 0.5
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ tilt @ np.diag([-0.7, 1.1, 2.5])
    affine[:3, 3] = [-31.5, 12.25, 77]
    return Volume(array, case.axes, affine, (0.7, 1.1, 2.5))


def written(case: Case, folder: Path, dtype: str | None = None) -> tuple[Path, Volume]:
    volume = phantom(case, dtype or case.dtypes[0])
    path = folder / f"a{case.ending}"
    if case.module == "numpy_array":  # read only: numpy itself writes
        np.save(path, volume.array) if case.ending == ".npy" else np.savez_compressed(
            path, image=volume.array
        )
    else:
        format_named(case.module).write(path, volume)
    return path, volume


@dataclass(frozen=True)
class MemoryBlob:
    """Bytes that are nowhere on a disk, as those of a member of an archive."""

    files: tuple[tuple[str, bytes], ...]
    filename: str

    @property
    def name(self) -> str:
        return f"memory.zip!/{self.filename}"

    @property
    def path(self) -> Path | None:
        return None

    @property
    def size_bytes(self) -> int:
        return len(self.read_bytes())

    def open(self) -> BinaryIO:
        return io.BytesIO(self.read_bytes())

    def read_bytes(self) -> bytes:
        found = dict(self.files).get(self.filename)
        if found is None:
            raise NotFound("no such member", where=self.name)
        return found

    def sibling(self, filename: str) -> MemoryBlob:
        return MemoryBlob(self.files, filename)


def in_memory(path: Path, data: bytes | None = None) -> MemoryBlob:
    """All files of a folder, that of `path` perhaps with other bytes."""
    files = {p.name: p.read_bytes() for p in sorted(path.parent.iterdir())}
    if data is not None:
        files[path.name] = data
    return MemoryBlob(tuple(files.items()), path.name)


def assert_same(volume: Volume, wanted: Volume) -> None:
    assert (volume.axes, volume.array.dtype) == (wanted.axes, wanted.array.dtype)
    np.testing.assert_array_equal(volume.array, wanted.array)
    if wanted.affine is not None:
        assert volume.affine is not None and volume.affine.dtype == np.float64
        np.testing.assert_allclose(volume.affine, wanted.affine, rtol=0, atol=1e-5)
        np.testing.assert_allclose(volume.spacing_mm, wanted.spacing_mm, rtol=1e-6)
    else:
        assert volume.affine is None


def outcome(module: ModuleType, blob: Blob) -> Volume | None:
    """Read header and image: the image, or None for an error of ours; nothing else, and not for long."""
    begun = time.monotonic()
    volume = None
    for step in (module.read_header, module.read):
        try:
            volume = step(blob)
        except MedshelfError as error:
            assert isinstance(error, (FormatError, AccessError, NotFound))
            assert error.where
            volume = None
    assert time.monotonic() - begun < SECONDS
    return volume


def test_every_format_that_is_written_has_a_case() -> None:
    writing = {name for name in IMAGE_FORMATS if hasattr(format_named(name), "write")}
    assert writing | {"numpy_array"} == {case.module for case in CASES}


@pytest.mark.parametrize("name", IMAGE_FORMATS)
def test_every_format_has_the_names_of_the_contract(name: str) -> None:
    module = format_named(name)
    assert module.NAME == name
    assert isinstance(module.SUFFIXES, tuple)
    assert all(s.startswith(".") and s == s.lower() for s in module.SUFFIXES)
    assert [len(s) for s in module.SUFFIXES] == sorted((len(s) for s in module.SUFFIXES), reverse=True)
    for head in (b"", b"\0" * 512, b"\xff" * 512, b"\x1f\x8b" + b"\0" * 510, b"II*\0" + b"\xff" * 508):
        assert module.matches(head) in (True, False)


@EACH
def test_what_is_written_is_read_again(case: Case, tmp_path: Path) -> None:
    for dtype in case.dtypes:
        path, wanted = written(case, tmp_path, dtype)
        assert_same(formats.read(LocalFile(path)), wanted)


@EACH
def test_the_header_says_what_reading_gives(case: Case, tmp_path: Path) -> None:
    for dtype in case.dtypes:
        path, _ = written(case, tmp_path, dtype)
        header, volume = formats.read_header(LocalFile(path)), formats.read(LocalFile(path))
        assert (header.shape, header.dtype, header.axes) == (
            volume.shape,
            volume.array.dtype.name,
            volume.axes,
        )
        assert header.spacing_mm == volume.spacing_mm
        if volume.affine is None:
            assert header.affine is None
        else:
            np.testing.assert_array_equal(header.affine, volume.affine)


@EACH
def test_a_file_is_found_by_name_and_by_bytes(case: Case, tmp_path: Path) -> None:
    path, wanted = written(case, tmp_path)
    assert format_of(LocalFile(path)).NAME == case.module
    if case.ending == ".npz" or case.module in ("slide", "analyze"):
        return  # a zip and a TIFF by their bytes; one of a pair finds the other by its name
    assert_same(formats.read(LocalFile(path.rename(tmp_path / "nameless"))), wanted)


@EACH
def test_a_blob_without_a_path_reads_the_same(case: Case, tmp_path: Path) -> None:
    path, wanted = written(case, tmp_path)
    assert_same(formats.read(in_memory(path)), wanted)


@EACH
def test_a_pickled_blob_reads_the_same(case: Case, tmp_path: Path) -> None:
    path, wanted = written(case, tmp_path)
    for blob in (LocalFile(path), in_memory(path)):
        assert_same(formats.read(pickle.loads(pickle.dumps(blob))), wanted)


@EACH
@pytest.mark.parametrize(
    "data", [b"", b"<!doctype html><html><body>404</body></html>"], ids=["empty", "page"]
)
def test_empty_files_and_web_pages_are_errors(case: Case, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"a{case.ending}"
    path.write_bytes(data)
    for read in (formats.read, formats.read_header):
        with pytest.raises(FormatError, match="empty" if not data else "web page"):
            read(LocalFile(path))


@EACH
def test_a_file_cut_short_is_an_error_or_whole(case: Case, tmp_path: Path) -> None:
    path, wanted = written(case, tmp_path)
    module, data = format_named(case.module), path.read_bytes()
    cuts = {1, 2, 3, 4, 7, 10, 64, 128, 300, 347, 348, 352, 400, len(data) - 1, len(data) - 4, len(data) - 9}
    cuts |= {len(data) * n // 16 for n in range(1, 16)}
    errors = 0
    for cut in sorted(n for n in cuts if 0 < n < len(data)):
        volume = outcome(module, in_memory(path, data[:cut]))
        if volume is None:
            errors += 1
        else:
            assert_same(volume, wanted)
    assert errors > 5


@EACH
def test_noise_is_an_error(case: Case, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    path = tmp_path / f"a{case.ending}"
    path.touch()
    for size in (1, 5, 100, 348, 540, 5000):
        assert outcome(format_named(case.module), in_memory(path, rng.bytes(size))) is None


@EACH
@pytest.mark.parametrize("seed", range(3))
def test_changed_bytes_give_an_image_or_an_error_of_ours(case: Case, seed: int, tmp_path: Path) -> None:
    path, _ = written(case, tmp_path)
    module, data = format_named(case.module), path.read_bytes()
    rng = np.random.default_rng(seed)
    errors = 0
    for _ in range(100):
        broken = bytearray(data)
        reach = len(data) if rng.random() < 0.3 else min(len(data), 400)  # mostly where headers are
        for place in rng.integers(0, reach, rng.integers(1, 9)):
            broken[place] = rng.choice([rng.integers(0, 256), 0, 0xFF, ord("-"), ord("9"), ord("\n")])
        errors += outcome(module, in_memory(path, bytes(broken))) is None
    assert errors


@EACH
def test_changed_bytes_in_a_local_file_are_no_different(case: Case, tmp_path: Path) -> None:
    path, _ = written(case, tmp_path)
    module, data = format_named(case.module), path.read_bytes()
    rng = np.random.default_rng(99)
    for _ in range(40):
        broken = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            broken[place] = rng.integers(0, 256)
        path.write_bytes(broken)
        outcome(module, LocalFile(path))


@pytest.mark.parametrize("name", IMAGE_FORMATS)
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    module = format_named(name)
    path = tmp_path / f"gone{(module.SUFFIXES or ('.x',))[-1]}"
    with pytest.raises(NotFound, match="gone"):
        module.read(LocalFile(path))
    with pytest.raises(NotFound, match="gone"):
        module.read_header(LocalFile(path))
