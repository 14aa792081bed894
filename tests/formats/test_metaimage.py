"""MetaImage against SimpleITK, and on faults."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from medshelf.errors import FormatError, NotFound, Truncated, Unsupported
from medshelf.formats import metaimage
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


def voxels(array: np.ndarray | None = None) -> bytes:
    return (phantom() if array is None else array).tobytes(order="F")


def assert_as_itk(path: Path) -> Volume:
    """Voxels and type exactly, affine within rounding, as SimpleITK has them; the header agrees."""
    image = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(image)
    array = array.transpose(2, 1, 0, *range(3, array.ndim))
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    volume, header = metaimage.read(local(path)), metaimage.read_header(local(path))
    assert volume.array.dtype == array.dtype == header.dtype
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, LPS @ affine, rtol=0, atol=1e-12)
    assert (header.shape, header.axes) == (volume.shape, volume.axes)
    np.testing.assert_array_equal(header.affine, volume.affine)
    return volume


def made(path: Path, data: bytes = b"", **changes: str | None) -> Path:
    """Write a header by hand; `changes` replace, add or (None) drop fields."""
    fields: dict[str, str | None] = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": "0 1 0 0 0 1 1 0 0",
        "Offset": "10 20 30",
        "ElementSpacing": "0.5 2 3",
        "DimSize": "7 6 5",
        "ElementType": "MET_SHORT",
    }
    fields |= {"ElementDataFile": "LOCAL"} | changes
    fields["ElementDataFile"] = fields.pop("ElementDataFile")  # always the last
    path.write_bytes("".join(f"{k} = {v}\n" for k, v in fields.items() if v is not None).encode() + data)
    return path


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("ending", [".mha", ".mhd"])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_itk_writes_is_read(
    tmp_path: Path, dtype: str, ending: str, compressed: bool, channels: int
) -> None:
    array = phantom(dtype, (*SHAPE, channels) if channels > 1 else SHAPE)
    flipped = np.ascontiguousarray(array.transpose(2, 1, 0, *range(3, array.ndim)))
    image = sitk.GetImageFromArray(flipped, isVector=channels > 1)
    affine = oblique_lps()
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetDirection((affine[:3, :3] / spacing).ravel())
    image.SetSpacing(spacing)
    image.SetOrigin(affine[:3, 3])
    sitk.WriteImage(image, str(tmp_path / f"a{ending}"), compressed)
    volume = assert_as_itk(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, LPS @ affine, atol=1e-12)
    np.testing.assert_allclose(volume.spacing_mm, (0.7, 1.1, 2.5))
    assert volume.axes == ("ijkc" if channels > 1 else "ijk")


def test_the_matrix_lists_the_direction_of_one_axis_after_another(tmp_path: Path) -> None:
    volume = assert_as_itk(made(tmp_path / "a.mha", voxels()))
    # first axis along LPS y, second along z, third along x
    np.testing.assert_array_equal(volume.affine[:3], [[0, 0, -3, -10], [-0.5, 0, 0, -20], [0, 2, 0, 30]])


@pytest.mark.parametrize(
    ("old", "new"),
    [("TransformMatrix", "Rotation"), ("TransformMatrix", "Orientation"), ("Offset", "Position")]
    + [
        ("Offset", "Origin"),
        ("ElementSpacing", "ElementSize"),
        ("BinaryDataByteOrderMSB", "ElementByteOrderMSB"),
    ],
)
def test_old_names_of_fields_mean_the_same(tmp_path: Path, old: str, new: str) -> None:
    path = made(tmp_path / "a.mha", voxels())
    wanted = metaimage.read(local(path))
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode(), 1))
    again = metaimage.read(local(path))
    np.testing.assert_array_equal(again.affine, wanted.affine)
    np.testing.assert_array_equal(again.array, wanted.array)


def test_the_centre_of_rotation_moves_nothing(tmp_path: Path) -> None:
    plain = metaimage.read_header(local(made(tmp_path / "a.mha", voxels())))
    path = made(tmp_path / "b.mha", voxels(), CenterOfRotation="5 6 7", AnatomicalOrientation="RAI")
    np.testing.assert_array_equal(assert_as_itk(path).affine, plain.affine)


def test_big_endian_is_read(tmp_path: Path) -> None:
    data = phantom().astype(">i2").tobytes(order="F")
    volume = assert_as_itk(made(tmp_path / "a.mha", data, BinaryDataByteOrderMSB="True"))
    np.testing.assert_array_equal(volume.array, phantom())
    assert volume.array.dtype.isnative


def test_without_matrix_and_spacing_the_grid_is_plain(tmp_path: Path) -> None:
    bare = dict.fromkeys(("TransformMatrix", "Offset", "ElementSpacing"))
    volume = assert_as_itk(made(tmp_path / "a.mha", voxels(), **bare))
    np.testing.assert_array_equal(volume.affine, LPS)
    assert volume.meta["affine_from"] == "spacings"


def test_ascii_is_read(tmp_path: Path) -> None:
    text = " ".join(map(str, phantom().ravel(order="F"))).encode() + b"\n"
    assert_as_itk(made(tmp_path / "a.mha", text, BinaryData="False"))


@pytest.mark.parametrize("size", ["19", "-1"])
def test_a_header_of_the_data_file_is_skipped(tmp_path: Path, size: str) -> None:
    (tmp_path / "a.raw").write_bytes(b"nineteen bytes here" + voxels())
    path = made(tmp_path / "a.mhd", HeaderSize=size, ElementDataFile="a.raw")
    np.testing.assert_array_equal(assert_as_itk(path).array, phantom())


def test_a_list_of_slices_is_read(tmp_path: Path) -> None:
    for k in range(5):
        (tmp_path / f"s{k}.raw").write_bytes(voxels()[k * 84 : (k + 1) * 84])
    path = made(tmp_path / "a.mhd", b"".join(b"s%d.raw\n" % k for k in range(5)), ElementDataFile="LIST")
    np.testing.assert_array_equal(assert_as_itk(path).array, phantom())


def test_a_pattern_of_slices_is_read(tmp_path: Path) -> None:
    for k in range(5):
        (tmp_path / f"s{2 * k + 1:03d}.raw").write_bytes(voxels()[k * 84 : (k + 1) * 84])
    path = made(tmp_path / "a.mhd", ElementDataFile="s%03d.raw 1 9 2")
    np.testing.assert_array_equal(assert_as_itk(path).array, phantom())


def test_compressed_data_may_be_gzip_and_need_no_size(tmp_path: Path) -> None:
    for data in (zlib.compress(voxels()), gzip.compress(voxels())):
        path = made(tmp_path / "a.mha", data, CompressedData="True")
        np.testing.assert_array_equal(metaimage.read(local(path)).array, phantom())


def test_four_axes_are_space_and_time(tmp_path: Path) -> None:
    array = phantom(shape=(*SHAPE, 3))
    matrix = "0 1 0 0  0 0 1 0  1 0 0 0  0 0 0 1"
    changes = {"NDims": "4", "DimSize": "7 6 5 3", "TransformMatrix": matrix}
    changes |= {"Offset": "10 20 30 0", "ElementSpacing": "0.5 2 3 1.5"}
    volume = metaimage.read(local(made(tmp_path / "a.mha", voxels(array), **changes)))
    assert volume.axes == "ijkt"
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_array_equal(volume.affine[:3], [[0, 0, -3, -10], [-0.5, 0, 0, -20], [0, 2, 0, 30]])


def test_a_picture_has_spacing_and_no_affine(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(phantom("uint8", (6, 7)))
    image.SetSpacing((0.5, 2))
    sitk.WriteImage(image, str(tmp_path / "a.mha"))
    volume = metaimage.read(local(tmp_path / "a.mha"))
    assert (volume.axes, volume.affine, volume.spacing_mm) == ("ij", None, (0.5, 2.0))
    np.testing.assert_array_equal(volume.array, phantom("uint8", (6, 7)).T)


def test_micrometres_become_millimetres(tmp_path: Path) -> None:
    header = metaimage.read_header(local(made(tmp_path / "a.mha", voxels(), DistanceUnits="um")))
    np.testing.assert_allclose(header.spacing_mm, (5e-4, 2e-3, 3e-3))


def test_the_header_is_known_by_its_first_line() -> None:
    assert metaimage.matches(b"ObjectType = Image\n") and metaimage.matches(b"NDims=3\r\n")
    assert not metaimage.matches(b"NRRD0004\n")


# --- faults


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"NDims": "2"}, FormatError, "DimSize"),
        ({"NDims": "x"}, FormatError, "NDims"),
        ({"DimSize": "7 6 -5"}, FormatError, "DimSize"),
        ({"DimSize": None}, FormatError, "DimSize"),
        ({"NDims": "5", "DimSize": "1 2 3 4 5"}, Unsupported, "5 axes"),
        ({"ElementType": "MET_STRING"}, FormatError, "ElementType"),
        ({"ElementType": None}, FormatError, "ElementType"),
        ({"TransformMatrix": "1 0 0 0 1 0"}, FormatError, "TransformMatrix"),
        ({"ElementSpacing": "1 2 nan"}, FormatError, "ElementSpacing"),
        ({"Offset": "a b c"}, FormatError, "Offset"),
        ({"CompressedData": "Maybe"}, FormatError, "CompressedData"),
        ({"ElementNumberOfChannels": "0"}, FormatError, "ElementNumberOfChannels"),
        ({"HeaderSize": "-7"}, FormatError, "HeaderSize"),
        ({"ElementDataFile": "LIST"}, FormatError, "ElementDataFile"),
        ({"ElementDataFile": "../a.raw"}, FormatError, "outside its folder"),
        ({"ElementDataFile": "/etc/passwd"}, FormatError, "outside its folder"),
        ({"ElementDataFile": "gone.raw"}, NotFound, "gone.raw"),
        ({"DimSize": "99999999 99999999 9999"}, Truncated, "expected"),
        ({"DimSize": "99999999 99999999 9999", "CompressedData": "True"}, Truncated, "expected"),
    ],
)
def test_a_header_that_makes_no_sense_is_an_error(
    tmp_path: Path, changes: dict[str, str | None], error: type[Exception], said: str
) -> None:
    data = b"" if "ElementDataFile" in changes else voxels()
    with pytest.raises(error, match=said):
        metaimage.read(local(made(tmp_path / "a.mha", data, **changes)))


def test_a_header_without_its_end_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.mhd").write_bytes(b"ObjectType = Image\nNDims = 3\n")
    with pytest.raises(FormatError, match="ElementDataFile"):
        metaimage.read_header(local(tmp_path / "a.mhd"))


def test_other_bytes_are_no_header(tmp_path: Path) -> None:
    (tmp_path / "a.mha").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(FormatError, match="not a MetaImage header"):
        metaimage.read(local(tmp_path / "a.mha"))


def test_truncated_raw_is_an_error_with_both_numbers(tmp_path: Path) -> None:
    path = made(tmp_path / "a.mha", voxels()[:-7])
    there = path.stat().st_size
    with pytest.raises(Truncated, match=f"expected {there + 7} bytes, found {there}"):
        metaimage.read(local(path))


def test_truncated_compression_is_an_error(tmp_path: Path) -> None:
    path = made(tmp_path / "a.mha", zlib.compress(voxels())[:-30], CompressedData="True")
    with pytest.raises(Truncated, match="expected 420 inflated bytes, found"):
        metaimage.read(local(path))


def test_a_flipped_bit_of_compressed_data_is_an_error(tmp_path: Path) -> None:
    data = bytearray(zlib.compress(voxels(), 0))
    data[100] ^= 1
    with pytest.raises(FormatError, match="incorrect data check"):
        metaimage.read(local(made(tmp_path / "a.mha", bytes(data), CompressedData="True")))


# --- writing


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("ending", [".mha", ".mhd"])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_itk_reads_what_is_written(
    tmp_path: Path, dtype: str, ending: str, compressed: bool, channels: int
) -> None:
    array = phantom(dtype, (*SHAPE, channels) if channels > 1 else SHAPE)
    axes = "ijkc" if channels > 1 else "ijk"
    metaimage.write(tmp_path / f"a{ending}", Volume(array, axes, LPS @ oblique_lps()), compressed=compressed)
    volume = assert_as_itk(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, LPS @ oblique_lps(), rtol=0, atol=1e-12)
    if ending == ".mhd":
        assert (tmp_path / ("a.zraw" if compressed else "a.raw")).exists()


def test_time_is_written(tmp_path: Path) -> None:
    volume = Volume(phantom(shape=(*SHAPE, 3)), "ijkt", LPS @ oblique_lps(), meta={"time_step_s": 1.5})
    metaimage.write(tmp_path / "a.mha", volume)
    again = metaimage.read(local(tmp_path / "a.mha"))
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.affine, volume.affine, rtol=0, atol=1e-12)
    assert sitk.ReadImage(str(tmp_path / "a.mha")).GetSpacing()[3] == 1.5


def test_what_is_written_is_the_same_each_time(tmp_path: Path) -> None:
    for name in "ab":
        metaimage.write(tmp_path / f"{name}.mha", Volume(phantom(), "ijk", LPS @ oblique_lps()))
    assert (tmp_path / "a.mha").read_bytes() == (tmp_path / "b.mha").read_bytes()


@pytest.mark.parametrize(
    ("dtype", "axes", "affine"),
    [("bool", "ijk", np.eye(4)), ("int16", "nyx", None), ("int16", "ijk", None), ("int16", "ij", None)],
)
def test_what_metaimage_cannot_hold_is_refused(
    tmp_path: Path, dtype: str, axes: str, affine: np.ndarray | None
) -> None:
    with pytest.raises(Unsupported):
        metaimage.write(tmp_path / "a.mha", Volume(phantom(dtype), axes, affine))
