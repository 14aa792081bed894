"""NumPy arrays: what numpy writes is read, and what it should not have written is refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from medshelf.errors import FormatError, NotFound, Truncated, Unsupported
from medshelf.formats import numpy_array
from medshelf.model.blob import LocalFile

TYPES = ["bool", "uint8", "int16", "<i4", ">i4", ">u2", "int64", "float16", "float32", ">f8", "complex64"]


def local(path: Path | str) -> LocalFile:
    return LocalFile(Path(path))


def values(dtype: str = "int16", shape: tuple[int, ...] = (5, 6, 7)) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 120, shape).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_every_type_and_order_is_read(tmp_path: Path, dtype: str, order: str, ending: str) -> None:
    array = np.asarray(values(dtype), order=order)
    path = tmp_path / f"a{ending}"
    np.save(path, array) if ending == ".npy" else np.savez_compressed(path, image=array)
    volume, header = numpy_array.read(local(path)), numpy_array.read_header(local(path))
    np.testing.assert_array_equal(volume.array, array)
    assert volume.array.dtype.isnative and volume.array.dtype == array.dtype.newbyteorder("=")
    assert volume.array.flags["C_CONTIGUOUS" if order == "C" else "F_CONTIGUOUS"]
    assert (header.shape, header.dtype, header.axes) == (volume.shape, volume.array.dtype.name, volume.axes)
    assert volume.affine is None and volume.spacing_mm is None


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((9,), "n"), ((5, 6), "yx"), ((5, 6, 3), "yxc"), ((5, 6, 4), "yxc"), ((5, 6, 7), "ijk")]
    + [((2, 5, 6, 3), "nyxc"), ((2, 3, 4, 5, 6), "ijktc"), ((0, 6, 7), "ijk")],
)
def test_axes_are_taken_by_their_number(tmp_path: Path, shape: tuple[int, ...], axes: str) -> None:
    np.save(tmp_path / "a.npy", values(shape=shape))
    volume = numpy_array.read(local(tmp_path / "a.npy"))
    assert (volume.axes, volume.shape) == (axes, shape)


@pytest.mark.parametrize("shape", [(), (1, 1, 1, 1, 1, 1)])
def test_no_axes_and_six_axes_are_no_image(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", values(shape=shape))
    with pytest.raises(Unsupported, match=f"{len(shape)} axes"):
        numpy_array.read(local(tmp_path / "a.npy"))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_is_read(tmp_path: Path, version: tuple[int, int]) -> None:
    with open(tmp_path / "a.npy", "wb") as stream:
        np.lib.format.write_array(stream, values(), version=version)
    np.testing.assert_array_equal(numpy_array.read(local(tmp_path / "a.npy")).array, values())


def test_a_shape_written_by_python_2_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", values())
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data.replace(b"(5, 6, 7), }  ", b"(5L, 6L, 7), }"))
    np.testing.assert_array_equal(numpy_array.read(local(tmp_path / "a.npy")).array, values())


def test_a_named_array_of_an_archive_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", image=values(), label=values("uint8", (5, 6)))
    assert numpy_array.names(local(tmp_path / "a.npz")) == ["image", "label"]
    volume = numpy_array.read(local(tmp_path / "a.npz"), key="label")
    np.testing.assert_array_equal(volume.array, values("uint8", (5, 6)))
    assert volume.meta["key"] == "label"
    with pytest.raises(Unsupported, match="image, label"):
        numpy_array.read(local(tmp_path / "a.npz"))
    with pytest.raises(NotFound, match="It holds: image, label"):
        numpy_array.read(local(tmp_path / "a.npz"), key="mask")


def test_one_item_is_read_alone(tmp_path: Path) -> None:
    array = values("float64", (50, 8, 9, 3))
    np.save(tmp_path / "a.npy", array)
    for n in (0, 17, 49):
        np.testing.assert_array_equal(numpy_array.read_item(local(tmp_path / "a.npy"), n), array[n])
    with pytest.raises(NotFound, match="holds 50"):
        numpy_array.read_item(local(tmp_path / "a.npy"), 50)
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data[: len(data) // 2])  # what follows an item doesn't matter
    np.testing.assert_array_equal(numpy_array.read_item(local(tmp_path / "a.npy"), 17), array[17])
    with pytest.raises(Truncated):
        numpy_array.read_item(local(tmp_path / "a.npy"), 49)


def test_items_of_a_fortran_array_are_not_read_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.asfortranarray(values()))
    with pytest.raises(Unsupported, match="one piece"):
        numpy_array.read_item(local(tmp_path / "a.npy"), 0)


# --- faults


@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_pickles_are_refused_and_never_run(tmp_path: Path, ending: str) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    array = np.array([Trap()], dtype=object)
    path = tmp_path / f"a{ending}"
    np.save(path, array, allow_pickle=True) if ending == ".npy" else np.savez(path, image=array)
    with pytest.raises(Unsupported, match="pickle"):
        numpy_array.read(local(path))
    with pytest.raises(Unsupported, match="pickle"):
        numpy_array.read_header(local(path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("dtype", ["U5", "S5"])
def test_arrays_of_text_are_read(tmp_path: Path, dtype: str) -> None:
    stored = np.array(["Liver", "Bile"], dtype)
    np.save(tmp_path / "a.npy", stored)
    assert np.array_equal(numpy_array.read(local(tmp_path / "a.npy")).array, stored)


@pytest.mark.parametrize("dtype", ["M8[s]", [("a", "i4"), ("b", "f4")]])
def test_what_is_no_number_or_text_is_refused(tmp_path: Path, dtype: object) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3, dtype))
    with pytest.raises(Unsupported, match="type"):
        numpy_array.read(local(tmp_path / "a.npy"))


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (b"\x93NUMPY\x01", FormatError, "not a NumPy array"),
        (b"\x93NUMPY\x09\x00" + bytes(100), Unsupported, "version 9"),
        (header("__import__('os').abort()"), FormatError, "can't be parsed"),
        (header("(" * 5000), FormatError, "can't be parsed"),
        (header("{'descr': '<i2', 'shape': (3,)}"), FormatError, "three entries"),
        (header("{'descr': '<i2', 'fortran_order': False, 'shape': (-3,)}"), FormatError, "shape"),
        (header("{'descr': '<i2', 'fortran_order': False, 'shape': (True,)}"), FormatError, "shape"),
        (header("{'descr': '<i2', 'fortran_order': False, 'shape': 3}"), FormatError, "shape"),
        (header("{'descr': '<i2', 'fortran_order': False, 'shape': (3,)}"), Truncated, "expected 71 bytes"),
        (header("{'descr': '<i2', 'fortran_order': False, 'shape': (9**9,)}"), FormatError, "parsed"),
        (
            header("{'descr': '<i2', 'fortran_order': False, 'shape': (99999999, 99999999)}"),
            Truncated,
            "found",
        ),
        (b"\x93NUMPY\x01\x00\xff\xff" + bytes(100), FormatError, "cut off"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(100), FormatError, "absurdly long"),
    ],
)
def test_a_header_that_makes_no_sense_is_an_error(
    tmp_path: Path, data: bytes, error: type[Exception], said: str
) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(error, match=said):
        numpy_array.read(local(tmp_path / "a.npy"))


def archive(path: Path, member: bytes, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        made.writestr("image.npy", member)
    return path


def saved(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_that_holds_less_than_declared_is_truncated(tmp_path: Path, method: int) -> None:
    path = archive(tmp_path / "a.npz", saved(values())[:-9], method)
    with pytest.raises(Truncated, match="expected 548 bytes, found 539"):
        numpy_array.read(local(path))


def test_an_archive_whose_directory_lies_about_sizes_takes_no_memory(tmp_path: Path) -> None:
    text = "{'descr': '<i8', 'fortran_order': False, 'shape': (268435455,)}"
    path = archive(tmp_path / "a.npz", header(text) + bytes(1000))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (0x7FFFFFFF).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(FormatError, match="hold|damaged|ends before"):
        numpy_array.read(local(path))


def test_a_flipped_bit_of_an_archive_is_an_error(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", saved(values()), zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[400] ^= 1
    path.write_bytes(data)
    with pytest.raises(FormatError, match="damaged"):
        numpy_array.read(local(path))


def test_methods_that_numpy_does_not_write_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="method 14"):
        numpy_array.read(local(archive(tmp_path / "a.npz", saved(values()), zipfile.ZIP_LZMA)))


def test_a_truncated_archive_is_an_error(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", saved(values()))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FormatError, match="damaged, or no zip file"):
        numpy_array.read(local(path))
