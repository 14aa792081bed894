"""MATLAB files: what scipy and hdf5storage write is read as they read it, and bad bytes take no memory."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import hdf5storage
import numpy as np
import pytest
import scipy.io

from medshelf import formats
from medshelf.errors import FormatError, NotFound, Truncated, Unsupported
from medshelf.formats import matlab
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume

RNG = np.random.default_rng(2)
VOLUME = RNG.integers(0, 9, (7, 6, 5)).astype(np.uint16)
HELD: dict[str, Any] = {
    "volume": VOLUME,
    "plane": RNG.random((4, 3)),
    "single": RNG.random((4, 3, 2, 2)).astype(np.float32),
    "logical": np.array([[True, False, True]]),
    "int64": np.arange(4, dtype=np.int64).reshape(1, 4),
    "one": np.array([[5]], np.uint8),
    "wave": RNG.random((4, 3)) + 1j * RNG.random((4, 3)),
    "wave32": (RNG.random((4, 3, 2)) + 1j).astype(np.complex64),
    "s": {"mask": np.eye(3, dtype=np.int32), "inner": {"deep": np.arange(6.0).reshape(2, 3), "text": "x"}},
}
OTHERS: dict[str, Any] = {
    "text": "hello",
    "cell": np.array([1, "a"], object),
    "array": np.array([({"a": 1}), ({"a": 2})]),
}
NAMES = ["volume", "plane", "single", "logical", "int64", "one", "wave", "wave32", "s.mask", "s.inner.deep"]

REAL = sorted((Path(scipy.io.__file__).parent / "matlab" / "tests" / "data").glob("*.mat"))
"""Files that MATLAB 4 to 7.4 wrote on Solaris (big-endian) and Linux, which SciPy brings for its own tests."""


def local(path: Path) -> LocalFile:
    return LocalFile(path)


def value(key: str) -> np.ndarray:
    found: Any = HELD
    for part in key.split("."):
        found = found[part]
    return found


@pytest.fixture(params=["5", "5z", "7.3"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> LocalFile:
    path = tmp_path / "a.mat"
    if request.param == "7.3":
        held = HELD | {k: v for k, v in OTHERS.items() if k in ("text", "cell")}
        hdf5storage.savemat(str(path), held, format="7.3", store_python_metadata=False)
    else:
        scipy.io.savemat(path, HELD | OTHERS, do_compression=request.param == "5z")
    return local(path)


def test_arrays_are_those_that_were_saved(file: LocalFile) -> None:
    assert sorted(matlab.names(file)) == sorted(NAMES)
    for key in NAMES:
        volume, header = formats.read(file, key=key), formats.read_header(file, key=key)
        wanted = value(key)
        np.testing.assert_array_equal(volume.array, wanted)
        kind = np.uint8 if wanted.dtype == bool else wanted.dtype
        assert volume.array.dtype == kind and volume.array.flags.f_contiguous
        assert (header.shape, header.dtype, header.axes) == (wanted.shape, np.dtype(kind).name, volume.axes)
        for n in range(wanted.shape[0]):
            np.testing.assert_array_equal(formats.read_item(file, n, key=key), wanted[n])
        with pytest.raises(NotFound):
            formats.read_item(file, wanted.shape[0], key=key)


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_files_of_matlab_itself_are_read_as_scipy_reads_them() -> None:
    """All that hold an array of numbers; scipy drops imaginary parts when asked for the types of MATLAB."""
    if not REAL:
        pytest.skip("this SciPy came without its test data")
    compared = 0
    for path in REAL:
        try:
            seen = {meant: scipy.io.loadmat(path, simplify_cells=True, mat_dtype=meant) for meant in (True, False)}
        except Exception:  # damaged, of version 7.3, or what scipy does not read
            continue
        for key in matlab.names(local(path)):
            array = matlab.read(local(path), key).array
            wanted: Any = seen[array.dtype.kind != "c"]
            for part in key.split("."):
                wanted = wanted[part]
            np.testing.assert_array_equal(np.squeeze(array), np.squeeze(wanted), err_msg=f"{path.name} {key}")
            compared += 1
    assert compared > 60


def test_version_7_3_of_matlab_itself() -> None:
    [path] = [p for p in REAL if p.name == "testhdf5_7.4_GLNX86.mat"] or [None]
    if path is None:
        pytest.skip("this SciPy came without its test data")
    assert matlab.names(local(path)) == ["testdouble"]
    np.testing.assert_allclose(matlab.read(local(path)).array, np.arange(0, 2 * np.pi + 0.1, np.pi / 4)[None])


def test_other_things_are_named_and_refused(file: LocalFile) -> None:
    with pytest.raises(Unsupported, match=r"s\.mask"):
        matlab.read(file)
    for key in ("text", "cell"):
        with pytest.raises(Unsupported, match="text|cell"):
            matlab.read(file, key)
    with pytest.raises(NotFound, match=r"s\.mask"):
        matlab.read(file, "s")
    with pytest.raises(NotFound):
        matlab.read(file, "s.nothing")


def test_level_5_refuses_what_scipy_alone_writes(tmp_path: Path) -> None:
    import scipy.sparse

    saved = {"sparse": scipy.sparse.eye(4).tocsc(), "x": VOLUME}
    saved["structures"] = np.zeros((1, 2), [("a", object)])
    scipy.io.savemat(tmp_path / "a.mat", saved)
    assert matlab.names(local(tmp_path / "a.mat")) == ["x"]
    for key, why in [("sparse", "sparse"), ("structures", "structures")]:
        with pytest.raises(Unsupported, match=why):
            matlab.read(local(tmp_path / "a.mat"), key)


def test_small_stored_doubles_become_double_again(tmp_path: Path) -> None:
    """MATLAB stores whole doubles as bytes; scipy then shows bytes, unless asked for MATLAB's types."""
    body = struct.pack("<IIIIIIiiII", 6, 8, 6, 0, 5, 8, 2, 2, 0x00010001, ord("x")) + struct.pack(
        "<II4B4x", 2, 4, 1, 2, 3, 4
    )
    data = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 14, len(body)) + body
    (tmp_path / "a.mat").write_bytes(data)
    seen = scipy.io.loadmat(tmp_path / "a.mat", mat_dtype=True)["x"]
    volume = matlab.read(local(tmp_path / "a.mat"))
    assert volume.array.dtype == seen.dtype == np.float64
    np.testing.assert_array_equal(volume.array, seen)


@pytest.mark.parametrize("order", "<>")
def test_either_byte_order_of_level_5(tmp_path: Path, order: str) -> None:
    values = np.arange(6, dtype=order + "i2").reshape(2, 3)
    body = struct.pack(order + "IIIIIIiiII", 6, 8, 10, 0, 5, 8, 2, 3, 1, 1) + b"x".ljust(8, b"\0")
    body += struct.pack(order + "II", 3, 12) + values.tobytes(order="F") + bytes(4)
    version = b"\x00\x01IM" if order == "<" else b"\x01\x00MI"
    data = b"MATLAB 5.0".ljust(124) + version + struct.pack(order + "II", 14, len(body)) + body
    (tmp_path / "a.mat").write_bytes(data)
    np.testing.assert_array_equal(scipy.io.loadmat(tmp_path / "a.mat")["x"], values)
    np.testing.assert_array_equal(matlab.read(local(tmp_path / "a.mat")).array, values)


def test_level_4(tmp_path: Path) -> None:
    saved = {"M": np.eye(4), "q": np.arange(5, dtype=np.int16), "text": "abc", "wave": np.ones((2, 2)) * 1j}
    scipy.io.savemat(tmp_path / "a.mat", saved, format="4")
    blob = local(tmp_path / "a.mat")
    assert matlab.names(blob) == ["M", "q", "wave"]
    for key in ("M", "q", "wave"):
        np.testing.assert_array_equal(matlab.read(blob, key).array, scipy.io.loadmat(blob.path)[key])
    with pytest.raises(Unsupported, match="text"):
        matlab.read(blob, "text")


def test_what_is_written_is_what_scipy_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    matlab.write(path, Volume(VOLUME, "ijk"), "s.inner.mask")
    matlab.add(path, Volume(VOLUME[0] > 4, "yx"), "logical")
    matlab.add(path, Volume(np.arange(3.0), "n"), "line")
    seen = scipy.io.loadmat(path, simplify_cells=True, mat_dtype=True)
    np.testing.assert_array_equal(seen["s"]["inner"]["mask"], VOLUME)
    np.testing.assert_array_equal(seen["logical"], VOLUME[0] > 4)
    np.testing.assert_array_equal(seen["line"], [0, 1, 2])
    assert matlab.names(local(path)) == ["s.inner.mask", "logical", "line"]
    matlab.write(path, Volume(VOLUME, "ijk"))
    assert matlab.names(local(path)) == ["data"]
    with pytest.raises(Unsupported):
        matlab.write(path, Volume(np.zeros((2, 2), np.float16), "yx"))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_shape_that_the_file_cannot_hold_is_refused_before_memory_is_taken(
    tmp_path: Path, compressed: bool
) -> None:
    body = struct.pack("<IIIIIIiiII", 6, 8, 6, 0, 5, 8, 1 << 30, 1 << 30, 0x00010001, ord("x"))
    body += struct.pack("<II", 9, 0xFFFFFFF8)
    inner = struct.pack("<II", 14, 0xFFFFFF00) + body
    packed = zlib.compress(inner)
    data = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM"
    data += struct.pack("<II", 15, len(packed)) + packed if compressed else inner
    (tmp_path / "a.mat").write_bytes(data)
    with pytest.raises(Truncated):
        matlab.read(local(tmp_path / "a.mat"), "x")


def test_a_damaged_checksum_is_an_error(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"x": VOLUME}, do_compression=True)
    data = bytearray((tmp_path / "a.mat").read_bytes())
    data[-2] ^= 1
    (tmp_path / "a.mat").write_bytes(data)
    with pytest.raises(FormatError, match="damaged"):
        matlab.read(local(tmp_path / "a.mat"))


def test_structures_that_lie_too_deep_are_refused(tmp_path: Path) -> None:
    matlab.write(tmp_path / "a.mat", Volume(VOLUME, "ijk"), ".".join("abcdefgh" * 8))
    with pytest.raises(Unsupported, match="deep"):
        matlab.names(local(tmp_path / "a.mat"))


def test_a_field_of_7_3_leads_to_no_other_file(tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "a.mat"
    hdf5storage.savemat(str(path), {"s": {"x": VOLUME}}, format="7.3", store_python_metadata=False)
    with h5py.File(path, "a") as file:
        file["s/outside"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "x")
    assert matlab.names(local(path)) == ["s.x"]
    with pytest.raises(NotFound):
        matlab.read(local(path), "s.outside")


def test_damaged_files_give_errors_of_ours(survives_damage: Any, file: LocalFile) -> None:
    data = file.read_bytes()
    for read in (matlab.names, lambda b: matlab.read(b, "s.mask"), lambda b: matlab.read_item(b, 1, "volume")):
        assert survives_damage(read, data, "a.mat", 150)


def test_damaged_level_4_gives_errors_of_ours(survives_damage: Any, tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "good.mat", {"M": np.eye(4), "q": np.arange(9)}, format="4")
    assert survives_damage(lambda b: matlab.read(b, "q"), (tmp_path / "good.mat").read_bytes(), "a.mat", 300)
