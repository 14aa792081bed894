"""NRRD against SimpleITK and pynrrd, on real and on made files, and on faults."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import nrrd as pynrrd
import numpy as np
import pytest
import SimpleITK as sitk

from medshelf.errors import FormatError, NotFound, Truncated, Unsupported
from medshelf.formats import nrrd
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume

TYPES = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
SHAPE = (7, 6, 5)
LPS = np.diag([-1.0, -1, 1, 1])


def local(path: Path | str) -> LocalFile:
    return LocalFile(Path(path))


def oblique_lps() -> np.ndarray:
    """An affine in ITK's frame without symmetry: rotated about two axes, three spacings."""
    a, b = 0.3, 0.5
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ tilt @ np.diag([0.7, 1.1, 2.5])
    affine[:3, 3] = [-31.5, 12.25, 77]
    return affine


def phantom(dtype: str = "int16", shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 120, shape).astype(dtype)


def as_itk(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels in (i, j, k[, c]) and affine in RAS+ mm as SimpleITK has them."""
    image = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(image)
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return array.transpose(2, 1, 0, *range(3, array.ndim)), LPS @ affine


def assert_as_itk(path: Path) -> Volume:
    """Voxels and type exactly, affine within rounding, as SimpleITK has them; the header agrees."""
    volume, header = nrrd.read(local(path)), nrrd.read_header(local(path))
    array, affine = as_itk(path)
    assert volume.array.dtype == array.dtype == header.dtype
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, affine, rtol=0, atol=1e-12)
    assert (header.shape, header.axes) == (volume.shape, volume.axes)
    np.testing.assert_array_equal(header.affine, volume.affine)
    return volume


def made(path: Path, data: bytes, array: np.ndarray | None = None, **changes: str | None) -> Path:
    """Write a header by hand; `changes` replace, add or (None) drop fields, '_' standing for a space."""
    array = phantom() if array is None else array
    names = {"int16": "short", "uint8": "uchar", "float32": "float"}
    fields: dict[str, str | None] = {
        "type": names[array.dtype.name],
        "dimension": str(array.ndim),
        "space": "left-posterior-superior",
        "sizes": " ".join(map(str, array.shape)),
        "space directions": "(0.5,0,0) (0,2,0) (0,0,3)",
        "space origin": "(10,20,30)",
        "endian": "little",
        "encoding": "raw",
    }
    fields |= {key.replace("_", " "): value for key, value in changes.items()}
    lines = ["NRRD0005", "# a comment", *(f"{k}: {v}" for k, v in fields.items() if v is not None)]
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + data)
    return path


def voxels(array: np.ndarray | None = None) -> bytes:
    return (phantom() if array is None else array).tobytes(order="F")


# --- real files


@pytest.mark.parametrize(("folder", "least"), [("pyradiomics-nrrd", 10), ("dcmqi-seg", 13)])
def test_real_images_are_read_exactly_as_itk_reads_them(shared_data: Path, folder: str, least: int) -> None:
    files = sorted((shared_data / folder).rglob("*.nrrd"))
    assert len(files) >= least
    for path in files:
        volume = assert_as_itk(path)
        np.testing.assert_array_equal(volume.affine, as_itk(path)[1])


# --- types and encodings


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("ending", [".nrrd", ".nhdr"])
@pytest.mark.parametrize("compressed", [False, True])
def test_what_itk_writes_is_read(tmp_path: Path, dtype: str, ending: str, compressed: bool) -> None:
    image = sitk.GetImageFromArray(np.ascontiguousarray(phantom(dtype).T))
    affine = oblique_lps()
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetDirection((affine[:3, :3] / spacing).ravel())
    image.SetSpacing(spacing)
    image.SetOrigin(affine[:3, 3])
    sitk.WriteImage(image, str(tmp_path / f"a{ending}"), compressed)
    volume = assert_as_itk(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(volume.array, phantom(dtype))
    np.testing.assert_allclose(volume.affine, LPS @ affine, atol=1e-12)
    np.testing.assert_allclose(volume.spacing_mm, (0.7, 1.1, 2.5))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("detached", [False, True])
def test_what_pynrrd_writes_is_read(tmp_path: Path, dtype: str, encoding: str, detached: bool) -> None:
    path = tmp_path / ("a.nhdr" if detached else "a.nrrd")
    pynrrd.write(str(path), phantom(dtype), {"encoding": encoding}, detached_header=detached)
    volume = nrrd.read(local(path))
    assert volume.array.dtype == dtype
    np.testing.assert_array_equal(volume.array, phantom(dtype))


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_big_endian_is_read(tmp_path: Path, encoding: str) -> None:
    data = phantom().astype(">i2").tobytes(order="F")
    data = gzip.compress(data) if encoding == "gzip" else data
    volume = assert_as_itk(made(tmp_path / "a.nrrd", data, endian="big", encoding=encoding))
    assert volume.array.dtype.isnative
    np.testing.assert_array_equal(volume.array, phantom())


def test_floats_in_ascii_are_read(tmp_path: Path) -> None:
    array = phantom("float32") / np.float32(7)
    text = " ".join(repr(float(x)) for x in array.ravel(order="F")).encode()
    path = made(tmp_path / "a.nrrd", text, array, encoding="text", endian=None)
    np.testing.assert_array_equal(nrrd.read(local(path)).array, array)


def test_hexadecimal_is_read(tmp_path: Path) -> None:
    path = made(tmp_path / "a.nrrd", voxels().hex(" ", 8).encode(), encoding="hex")
    np.testing.assert_array_equal(nrrd.read(local(path)).array, phantom())


def test_bzip2_in_several_streams_is_read(tmp_path: Path) -> None:
    data = bz2.compress(voxels()[:100]) + bz2.compress(voxels()[100:])
    path = made(tmp_path / "a.nrrd", data, encoding="bz2")
    np.testing.assert_array_equal(nrrd.read(local(path)).array, phantom())


def test_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    path = made(tmp_path / "a.nrrd", b"")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + voxels())
    assert_as_itk(path)


def test_keys_and_values_are_kept(tmp_path: Path) -> None:
    path = made(tmp_path / "a.nrrd", voxels())
    line = "Segment0_Name:=left\\nlobe \\\\ Ärzte: a=b\nSegment1_Name:= x\n"
    path.write_bytes(path.read_bytes().replace(b"encoding: raw\n", b"encoding: raw\n" + line.encode(), 1))
    assert nrrd.read_header(local(path)).meta["keys"] == {
        "Segment0_Name": "left\nlobe \\ Ärzte: a=b",
        "Segment1_Name": " x",
    }


# --- data in other files


def test_a_list_of_files_is_read(tmp_path: Path) -> None:
    for k in range(5):
        (tmp_path / f"s {k}.raw").write_bytes(voxels()[k * 84 : (k + 1) * 84])
    path = made(tmp_path / "a.nhdr", b"")
    header = (
        path.read_bytes().rstrip() + b"\ndata file: LIST\n" + b"".join(b"s %d.raw\n" % k for k in range(5))
    )
    path.write_bytes(header)
    np.testing.assert_array_equal(nrrd.read(local(path)).array, phantom())


@pytest.mark.parametrize(
    ("pattern", "numbers"), [("s%03d.gz 1 9 2", (1, 3, 5, 7, 9)), ("s%d.gz 4 0 -1", (4, 3, 2, 1, 0))]
)
def test_a_pattern_of_files_is_read(tmp_path: Path, pattern: str, numbers: tuple[int, ...]) -> None:
    for k, n in enumerate(numbers):
        (tmp_path / (pattern.split()[0] % n)).write_bytes(gzip.compress(voxels()[k * 84 : (k + 1) * 84]))
    path = made(tmp_path / "a.nhdr", b"", encoding="gzip", data_file=pattern)
    np.testing.assert_array_equal(nrrd.read(local(path)).array, phantom())


@pytest.mark.parametrize(("key", "value"), [("line skip", "2"), ("byte skip", "19"), ("byte skip", "-1")])
def test_lines_and_bytes_are_skipped(tmp_path: Path, key: str, value: str) -> None:
    (tmp_path / "a.raw").write_bytes(b"one line\nanother \xff\n" + voxels())
    path = made(tmp_path / "a.nhdr", b"", data_file="a.raw", **{key: value})
    np.testing.assert_array_equal(nrrd.read(local(path)).array, phantom())


def test_bytes_are_skipped_after_inflating(tmp_path: Path) -> None:
    path = made(tmp_path / "a.nrrd", b"x\n" + gzip.compress(b"123" + voxels()), encoding="gz")
    text = path.read_bytes().replace(b"encoding", b"byte skip: 3\nline skip: 1\nencoding", 1)
    path.write_bytes(text)
    np.testing.assert_array_equal(nrrd.read(local(path)).array, phantom())


@pytest.mark.parametrize("name", ["../secret.raw", "/etc/passwd", "C:\\x.raw", "a/../../b.raw", ""])
def test_a_data_file_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = made(tmp_path / "a.nhdr", b"", data_file=name)
    with pytest.raises(FormatError, match="outside its folder"):
        nrrd.read(local(path))


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"b\.raw"):
        nrrd.read(local(made(tmp_path / "a.nhdr", b"", data_file="b.raw")))


# --- place and axes


@pytest.mark.parametrize("space", ["right-anterior-superior", "LAS", "left-posterior-superior", "RAS"])
@pytest.mark.parametrize("other", ["scanner-xyz", "3D-right-handed"])
def test_any_space_becomes_ras(tmp_path: Path, space: str, other: str) -> None:
    ways = "(0.5,0.1,0) (0.2,2,0.3) (0,0.4,3)"
    for name in (space, other):
        path = made(tmp_path / "a.nrrd", voxels(), space=name, space_directions=ways)
        header = nrrd.read_header(local(path))
        signs = {"RAS": (1, 1, 1), "LAS": (-1, 1, 1)}.get({"right-anterior-superior": "RAS"}.get(name, name))
        wanted = np.diag(signs or (-1, -1, 1)) @ [[0.5, 0.2, 0, 10], [0.1, 2, 0.4, 20], [0, 0.3, 3, 30]]
        np.testing.assert_allclose(header.affine[:3], wanted)


@pytest.mark.parametrize("space", ["right-anterior-superior", "LAS", "LPS", "scanner-xyz"])
def test_spaces_are_taken_as_itk_takes_them(tmp_path: Path, space: str) -> None:
    assert_as_itk(made(tmp_path / "a.nrrd", voxels(), space=space))


def test_micrometres_become_millimetres(tmp_path: Path) -> None:
    path = made(tmp_path / "a.nrrd", voxels(), space_units='"um" "um" "mm"')
    header = nrrd.read_header(local(path))
    np.testing.assert_allclose(header.affine[:3], [[-5e-4, 0, 0, -0.01], [0, -2e-3, 0, -0.02], [0, 0, 3, 30]])
    np.testing.assert_allclose(header.spacing_mm, (5e-4, 2e-3, 3))


@pytest.mark.parametrize("centring", [None, "cell cell cell", "node node node"])
@pytest.mark.parametrize("lowest", [None, "10 20 30"])
def test_spacings_alone_are_placed_as_itk_places_them(
    tmp_path: Path, centring: str | None, lowest: str | None
) -> None:
    none = dict.fromkeys(("space", "space_directions", "space_origin"))
    more = {"spacings": "0.5 2 3", "centerings": centring, "axis_mins": lowest}
    volume = assert_as_itk(made(tmp_path / "a.nrrd", voxels(), **none, **more))
    assert volume.meta["affine_from"] == "spacings"


def test_without_spacing_there_is_no_place(tmp_path: Path) -> None:
    none = dict.fromkeys(("space", "space_directions", "space_origin"))
    header = nrrd.read_header(local(made(tmp_path / "a.nrrd", voxels(), **none)))
    assert header.affine is None and header.spacing_mm is None and header.axes == "ijk"


@pytest.mark.parametrize("kind", ["vector", "list", "RGB-color", "none"])
def test_components_come_last_wherever_they_are_stored(tmp_path: Path, kind: str) -> None:
    array = phantom("uint8", (3, *SHAPE))
    ways = "none (0.5,0,0) (0,2,0) (0,0,3)"
    kinds = f"{kind} domain domain domain"
    path = made(tmp_path / "a.nrrd", voxels(array), array, space_directions=ways, kinds=kinds, endian=None)
    volume = nrrd.read(local(path))
    assert (volume.axes, volume.shape) == ("ijkc", (*SHAPE, 3))
    np.testing.assert_array_equal(volume.array, np.moveaxis(array, 0, -1))
    np.testing.assert_allclose(np.diag(volume.affine), (-0.5, -2, 3, 1))
    assert volume.array.base is not None  # a view
    last = np.moveaxis(array, 0, -1)
    path = made(
        tmp_path / "b.nrrd",
        voxels(last),
        last,
        space_directions="(0.5,0,0) (0,2,0) (0,0,3) none",
        kinds=f"domain domain domain {kind}",
    )
    np.testing.assert_array_equal(nrrd.read(local(path)).array, last)


def test_directions_that_are_no_numbers_are_none(tmp_path: Path) -> None:
    array = phantom("uint8", (3, *SHAPE))
    ways = "(nan,nan,nan) (0.5,0,0) (0,2,0) (0,0,3)"
    path = made(tmp_path / "a.nrrd", voxels(array), array, space_directions=ways)
    assert nrrd.read_header(local(path)).axes == "ijkc"


def test_time_comes_before_components(tmp_path: Path) -> None:
    array = phantom("uint8", (2, *SHAPE, 4))
    ways = "none (0.5,0,0) (0,2,0) (0,0,3) none"
    kinds = "vector space space space time"
    path = made(tmp_path / "a.nrrd", voxels(array), array, space_directions=ways, kinds=kinds)
    volume = nrrd.read(local(path))
    assert (volume.axes, volume.shape) == ("ijktc", (*SHAPE, 4, 2))
    np.testing.assert_array_equal(volume.array[..., 3, 1], array[1, ..., 3])


def test_a_space_with_time_is_read(tmp_path: Path) -> None:
    array = phantom("uint8", (*SHAPE, 2))
    ways = "(0.5,0,0,0) (0,2,0,0) (0,0,3,0) (0,0,0,1.5)"
    changes = {"space": "LPST", "space_directions": ways, "space_origin": "(10,20,30,0)"}
    header = nrrd.read_header(local(made(tmp_path / "a.nrrd", voxels(array), array, **changes)))
    assert header.axes == "ijkt"
    np.testing.assert_allclose(
        header.affine, LPS @ [[0.5, 0, 0, 10], [0, 2, 0, 20], [0, 0, 3, 30], [0, 0, 0, 1]]
    )


def test_a_flat_image_in_space_gets_a_normal(tmp_path: Path) -> None:
    array = phantom("uint8", (7, 6))
    path = made(tmp_path / "a.nrrd", voxels(array), array, space_directions="(0,0.5,0) (0,0,-2)")
    header = nrrd.read_header(local(path))
    assert (header.axes, header.spacing_mm) == ("ij", (0.5, 2.0))
    np.testing.assert_allclose(header.affine[:3, 2], np.cross([0, -1, 0], [0, 0, -1]))


def test_a_picture_without_space_has_spacing_alone(tmp_path: Path) -> None:
    array = phantom("uint8", (7, 6))
    none = dict.fromkeys(("space", "space_directions", "space_origin"))
    header = nrrd.read_header(local(made(tmp_path / "a.nrrd", voxels(array), array, **none, spacings="2 3")))
    assert (header.affine, header.spacing_mm, header.axes) == (None, (2.0, 3.0), "ij")


# --- faults


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"endian": None}, FormatError, "endian"),
        ({"endian": "middle"}, FormatError, "endian"),
        ({"type": "block"}, Unsupported, "blocks"),
        ({"type": "quaternion"}, FormatError, "type"),
        ({"encoding": "zstd"}, FormatError, "encoding"),
        ({"encoding": None}, FormatError, "encoding"),
        ({"sizes": "7 6"}, FormatError, "sizes"),
        ({"sizes": "7 6 -5"}, FormatError, "sizes"),
        ({"sizes": "7 6 x"}, FormatError, "dimension"),
        ({"dimension": None}, FormatError, "dimension"),
        ({"space_directions": "(1,0,0) (0,1,0)"}, FormatError, "spacedirections"),
        ({"space_directions": "(1,0,0) (0,1,0) (0,0)"}, FormatError, "spacedirections"),
        ({"space_directions": "(1,0,0) (0,1,0) (0,0,0)"}, FormatError, "spacedirections"),
        ({"space_directions": "(1,0,0) (0,1,0) 7"}, FormatError, "spacedirections"),
        ({"space_directions": "none none none"}, Unsupported, "axes"),
        ({"space_origin": "(1,2)"}, FormatError, "spaceorigin"),
        ({"kinds": "domain domain"}, FormatError, "kinds"),
        ({"byte_skip": "-2"}, FormatError, "byteskip"),
        ({"line_skip": "x"}, FormatError, "lineskip"),
        ({"data_file": "LIST"}, FormatError, "LIST"),
        ({"data_file": "a%d.raw 1 2 0"}, FormatError, "datafile"),
        ({"data_file": "a%d.raw 1 4 1"}, FormatError, "datafile"),
    ],
)
def test_a_header_that_makes_no_sense_is_an_error(
    tmp_path: Path, changes: dict[str, str | None], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        nrrd.read(local(made(tmp_path / "a.nrrd", voxels(), **changes)))


def test_a_line_that_is_no_field_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.nrrd").write_bytes(b"NRRD0004\ntype: short\nnonsense\n\n")
    with pytest.raises(FormatError, match="line 3"):
        nrrd.read(local(tmp_path / "a.nrrd"))


def test_truncated_raw_is_an_error_with_both_numbers(tmp_path: Path) -> None:
    path = made(tmp_path / "a.nrrd", voxels()[:-7])
    there = path.stat().st_size
    with pytest.raises(Truncated, match=f"expected {there + 7} bytes, found {there}"):
        nrrd.read(local(path))


@pytest.mark.parametrize("encoding", ["gzip", "bzip2"])
def test_truncated_compression_is_an_error(tmp_path: Path, encoding: str) -> None:
    array = phantom("uint8", (64, 64, 64))
    data = gzip.compress(voxels(array)) if encoding == "gzip" else bz2.compress(voxels(array))
    with pytest.raises(Truncated, match="expected 262,144 inflated bytes, found"):
        nrrd.read(local(made(tmp_path / "a.nrrd", data[:-300], array, encoding=encoding)))
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 8
    with pytest.raises(FormatError):
        nrrd.read(local(made(tmp_path / "a.nrrd", bytes(damaged), array, encoding=encoding)))


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii", "hex"])
def test_absurd_sizes_are_refused_before_memory_is_taken(tmp_path: Path, encoding: str) -> None:
    data = {"gzip": gzip.compress, "bzip2": bz2.compress}.get(encoding, bytes)(b"12 34 " * 100)
    with pytest.raises(Truncated):
        nrrd.read(local(made(tmp_path / "a.nrrd", data, sizes="99999999 99999999 9999", encoding=encoding)))


def test_words_among_the_numbers_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not all numbers"):
        nrrd.read(local(made(tmp_path / "a.nrrd", b"1 2 three " * 210, encoding="ascii")))


# --- writing


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("compressed", [False, True])
def test_itk_and_pynrrd_read_what_is_written(tmp_path: Path, dtype: str, compressed: bool) -> None:
    volume = Volume(phantom(dtype), "ijk", LPS @ oblique_lps(), (0.7, 1.1, 2.5))
    nrrd.write(tmp_path / "a.nrrd", volume, compressed=compressed)
    again = assert_as_itk(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_array_equal(again.affine, volume.affine)
    np.testing.assert_array_equal(pynrrd.read(str(tmp_path / "a.nrrd"))[0], volume.array)


@pytest.mark.parametrize(("dtype", "count"), [("uint8", 3), ("uint8", 4), ("float32", 5)])
def test_itk_reads_components_that_are_written(tmp_path: Path, dtype: str, count: int) -> None:
    volume = Volume(phantom(dtype, (*SHAPE, count)), "ijkc", LPS @ oblique_lps())
    nrrd.write(tmp_path / "a.nrrd", volume)
    np.testing.assert_array_equal(assert_as_itk(tmp_path / "a.nrrd").array, volume.array)


def test_time_and_components_are_written_and_read(tmp_path: Path) -> None:
    volume = Volume(phantom("int16", (*SHAPE, 4, 2)), "ijktc", LPS @ oblique_lps())
    nrrd.write(tmp_path / "a.nrrd", volume)
    again = nrrd.read(local(tmp_path / "a.nrrd"))
    assert again.axes == "ijktc"
    np.testing.assert_array_equal(again.array, volume.array)


def test_a_picture_is_written_with_its_spacing(tmp_path: Path) -> None:
    nrrd.write(tmp_path / "a.nrrd", Volume(phantom(shape=(7, 6)), "ij", None, (0.5, 2.0)))
    again = nrrd.read(local(tmp_path / "a.nrrd"))
    assert (again.affine, again.spacing_mm) == (None, (0.5, 2.0))


def test_what_is_written_is_the_same_each_time(tmp_path: Path) -> None:
    volume = Volume(phantom(), "ijk", LPS @ oblique_lps())
    for name in "ab":
        nrrd.write(tmp_path / f"{name}.nrrd", volume)
    assert (tmp_path / "a.nrrd").read_bytes() == (tmp_path / "b.nrrd").read_bytes()


@pytest.mark.parametrize(
    ("dtype", "axes"), [("bool", "ijk"), ("complex64", "ijk"), ("int16", "nyx"), ("int16", "ij")]
)
def test_what_nrrd_cannot_hold_is_refused(tmp_path: Path, dtype: str, axes: str) -> None:
    with pytest.raises(Unsupported):
        nrrd.write(tmp_path / "a.nrrd", Volume(phantom(dtype), axes, np.eye(4)))
