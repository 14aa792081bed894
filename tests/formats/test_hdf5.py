"""HDF5: values as h5py has them, names, items alone, and nothing that leads to another file."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
import pytest

from medshelf import formats
from medshelf.access.tree import open_tree
from medshelf.errors import FormatError, NotFound, Truncated, Unsupported
from medshelf.formats import hdf5, pixel_limit
from medshelf.formats.hdf5 import limits
from medshelf.model.blob import LocalFile

RNG = np.random.default_rng(7)
ROWS = RNG.integers(0, 250, (40, 30, 20), np.uint8)


def made(path: Path, **more: Any) -> LocalFile:
    with h5py.File(path, "w") as file:
        file.create_dataset("volumes/raw", data=ROWS, **({"chunks": (4, 30, 20), "compression": "gzip"} | more))
    return LocalFile(path)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shuffle": True, "fletcher32": True},
        {"compression": "lzf"},
        {"compression": None, "chunks": None},
        {"compression": None},
        {"maxshape": (None, None, None), "chunks": (64, 32, 32)},
    ],
    ids=["gzip", "shuffled", "lzf", "contiguous", "chunked", "larger-chunks"],
)
def test_arrays_and_items_are_those_of_h5py(tmp_path: Path, options: dict[str, Any]) -> None:
    blob = made(tmp_path / "a.h5", **options)
    for key in ("volumes/raw", "/volumes/raw", None):
        np.testing.assert_array_equal(hdf5.read(blob, key).array, ROWS)
        np.testing.assert_array_equal(hdf5.read_item(blob, 17, key), ROWS[17])
    assert hdf5.names(blob) == ["volumes/raw"]


@pytest.mark.parametrize("dtype", ["<i2", ">i2", ">f4", "f8", "u8", "?", "<c8", "f2"])
@pytest.mark.parametrize("shape", [(5,), (5, 4), (5, 4, 3), (5, 4, 7), (3, 5, 4, 3), (2, 3, 4, 2, 2), (0, 4)])
def test_types_and_axes(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    array = RNG.integers(0, 2 if dtype == "?" else 100, shape).astype(dtype)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = array
    volume = formats.read(LocalFile(tmp_path / "a.h5"))
    assert volume.array.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(volume.array, array)
    assert volume.axes == {1: "n", 2: "yx", 4: "nyxc", 5: "ijktc"}.get(len(shape), "yxc" if shape[-1] == 3 else "ijk")
    assert volume.affine is volume.spacing_mm is None
    for n in range(min(shape[0], 2)):
        np.testing.assert_array_equal(hdf5.read_item(LocalFile(tmp_path / "a.h5"), n), array[n])


def test_which_array_has_to_be_told_and_what_is_no_array_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"], file["deep/mask"] = ROWS, ROWS > 9
        file["text"], file["number"] = "hello", 3.5
        file["records"] = np.zeros(3, [("a", "i4"), ("b", "f4")])
        file["words"] = ["a", "b"]
    blob = LocalFile(tmp_path / "a.h5")
    assert hdf5.names(blob) == formats.names(blob) == ["image", "deep/mask"]
    with pytest.raises(Unsupported, match=r"image, deep/mask"):
        hdf5.read(blob)
    for key in ("text", "number", "records", "words"):
        with pytest.raises(Unsupported, match="no array of numbers"):
            hdf5.read(blob, key)
    for key in ("deep", "nothing", "deep/nothing", "image/deeper"):
        with pytest.raises(NotFound, match="no array has this name"):
            hdf5.read(blob, key)
    for index in (-1, 40):
        with pytest.raises(NotFound, match="holds 40"):
            hdf5.read_item(blob, index, "image")


def test_a_file_leads_to_no_other_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = ROWS
    (tmp_path / "raw.bin").write_bytes(bytes(100))
    layout = h5py.VirtualLayout(ROWS.shape, "u1")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "secret", ROWS.shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["real"] = ROWS
        file["outside"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")
        file["folder"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/")
        file["soft"] = h5py.SoftLink("/outside")
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("external", (10, 10), "u1", external=[(str(tmp_path / "raw.bin"), 0, 100)])
    (tmp_path / "raw.bin").unlink()
    blob = LocalFile(tmp_path / "a.h5")
    assert hdf5.names(blob) == ["real"]
    for key, why in [
        ("outside", "link"), ("folder/secret", "link"), ("soft", "link"), ("virtual", "virtual"),
        ("external", "other files"),
    ]:  # fmt: skip
        for read in (hdf5.read_header, hdf5.read, lambda b, k: hdf5.read_item(b, 0, k)):
            with pytest.raises(Unsupported, match=why):
                read(blob, key)


def test_a_link_to_another_file_is_not_even_tried(tmp_path: Path) -> None:
    """With the other file gone, the answer is the same: nothing looked for it."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["outside"] = h5py.ExternalLink(str(tmp_path / "gone.h5"), "secret")
    with pytest.raises(Unsupported, match="link"):
        hdf5.read(LocalFile(tmp_path / "a.h5"), "outside")


def test_groups_that_hold_themselves_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["g/x"] = ROWS
        file["g/again"] = file["g"]
        file["g/root"] = file["/"]
    assert hdf5.names(LocalFile(tmp_path / "a.h5")) == ["g/x"]


def test_what_was_never_written_is_not_made_up(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        part = file.create_dataset("part", (100, 8, 8), "i4", chunks=(10, 8, 8), compression="gzip")
        part[:10] = 5
        file.create_dataset("none", (1 << 20, 1 << 10, 1 << 10), "f8")
        file.create_dataset("chunks", (1 << 20, 1 << 10, 1 << 10), "f8", chunks=(1, 64, 64))
    blob = LocalFile(tmp_path / "a.h5")
    for key in ("part", "none", "chunks"):
        with pytest.raises(Truncated, match="not all there"):
            hdf5.read(blob, key)
    assert (hdf5.read_item(blob, 9, "part") == 5).all()
    for key, index in (("part", 10), ("none", 0), ("chunks", 3)):
        with pytest.raises(Truncated, match="not all there"):
            hdf5.read_item(blob, index, key)


def test_a_bomb_is_refused_before_it_unfolds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("zeros", data=np.zeros((64, 512, 512), np.uint8), chunks=(1, 512, 512), compression="gzip")
    blob = LocalFile(tmp_path / "a.h5")
    assert not hdf5.read(blob).array.any()  # honest emptiness is read
    monkeypatch.setattr(pixel_limit, "LIMIT_BYTES", 1 << 20)
    with pytest.raises(Unsupported, match="too large to be read whole"):
        hdf5.read(blob)
    assert not hdf5.read_item(blob, 3).any()


def test_a_chunk_that_inflates_to_more_than_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zlib

    with h5py.File(tmp_path / "a.h5", "w") as file:
        lying = file.create_dataset("lying", (8, 8), "u1", chunks=(8, 8), compression="gzip")
        lying.id.write_direct_chunk((0, 0), zlib.compress(bytes(200 << 20), 9))
    blob = LocalFile(tmp_path / "a.h5")
    assert blob.size_bytes < 1 << 20
    for read in (hdf5.read, lambda b: hdf5.read_item(b, 0)):
        with pytest.raises(FormatError, match="inflates to more"):
            read(blob)
    assert limits._HARMLESS_BYTES < 200 << 20


@pytest.mark.parametrize("index", [0, 5, 7, 8, 11])
def test_large_chunks_that_are_looked_into_are_read_all_the_same(tmp_path: Path, index: int) -> None:
    noise = RNG.integers(0, 255, (12, 200, 200), np.uint8)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=noise, chunks=(8, 200, 200), compression="gzip", fletcher32=True, shuffle=True)
        stored = file["x"].id.get_chunk_info(0).size  # type: ignore[union-attr]
    assert stored * 1032 > limits._HARMLESS_BYTES
    blob = LocalFile(tmp_path / "a.h5")
    np.testing.assert_array_equal(hdf5.read_item(blob, index), noise[index])
    np.testing.assert_array_equal(hdf5.read(blob).array, noise)


@dataclass
class Counting(io.BytesIO):
    """A stream that counts what is read of it."""

    data: bytes
    counts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.data)

    def readinto(self, buffer: Any) -> int:
        n = super().readinto(buffer)
        self.counts.append(n)
        return n

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.counts.append(len(found))
        return found


@dataclass(frozen=True)
class Member:
    """Bytes without a path."""

    stream: Counting
    path: None = None
    name: str = "a.zip!/a.h5"

    @property
    def size_bytes(self) -> int:
        return len(self.stream.data)

    def open(self) -> BinaryIO:
        self.stream.seek(0)
        self.stream.counts.clear()
        return _Kept(self.stream)  # type: ignore[return-value]


class _Kept:
    """A stream that closing leaves open."""

    def __init__(self, stream: Counting) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> _Kept:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("chunks", [(1, 128, 128), None])
def test_an_item_of_a_member_costs_an_item(tmp_path: Path, chunks: Any) -> None:
    rows = RNG.integers(0, 250, (300, 128, 128), np.uint8)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=rows, chunks=chunks, compression="gzip" if chunks else None)
    stream = Counting((tmp_path / "a.h5").read_bytes())
    np.testing.assert_array_equal(hdf5.read_item(Member(stream), 250), rows[250])  # type: ignore[arg-type]
    assert sum(stream.counts) < stream.getbuffer().nbytes / 20


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_of_an_archive_read_the_same(tmp_path: Path, method: int) -> None:
    made(tmp_path / "a.h5")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.write(tmp_path / "a.h5", "d/a.h5")
    blob = open_tree(tmp_path / "a.zip").blob("d/a.h5")
    np.testing.assert_array_equal(formats.read(blob).array, ROWS)
    np.testing.assert_array_equal(formats.read_item(blob, 3), ROWS[3])


def test_a_file_behind_a_user_block_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        file["x"] = ROWS
    np.testing.assert_array_equal(formats.read(LocalFile(tmp_path / "a.h5")).array, ROWS)


def test_a_file_inside_gzip_says_what_to_do(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "a.h5.gz").write_bytes(gzip.compress(made(tmp_path / "a.h5").read_bytes()))
    with pytest.raises(Unsupported, match="gunzip"):
        formats.read(LocalFile(tmp_path / "a.h5.gz"))


def test_damaged_files_give_errors_of_ours(survives_damage: Any, tmp_path: Path) -> None:
    for options in ({}, {"compression": None, "chunks": None}, {"compression": "lzf"}):
        data = made(tmp_path / "good.h5", **options).read_bytes()
        assert survives_damage(hdf5.read, data, "a.h5", 150)
        assert survives_damage(hdf5.names, data, "a.h5", 150)
        assert survives_damage(lambda b: hdf5.read_item(b, 5, "volumes/raw"), data, "a.h5", 150)
