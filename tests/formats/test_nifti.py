"""NIfTI against nibabel, on real and on made files, and on the faults that circulate."""

from __future__ import annotations

import gzip
import itertools
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from medshelf import formats
from medshelf.errors import AccessError, FormatError, NotFound, Truncated, Unsupported
from medshelf.formats import nifti
from medshelf.formats.inflate import aligned_bytes
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume

TYPES = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]


def local(path: Path | str) -> LocalFile:
    return LocalFile(Path(path))


def oblique() -> np.ndarray:
    """An affine without symmetry: rotated about two axes, three spacings, mirrored."""
    a, b = 0.3, 0.5
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ tilt @ np.diag([-0.7, 1.1, 2.5])
    affine[:3, 3] = [-31.5, 12.25, 77]
    return affine


def phantom(dtype: str = "int16", shape: tuple[int, ...] = (7, 6, 5)) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 120, shape).astype(dtype)


def saved(path: Path, array: np.ndarray, kind: type = nib.Nifti1Image, **header: object) -> Path:
    """Save with nibabel and then set header fields, past its own checks."""
    image = kind(array, oblique(), dtype=array.dtype)
    image.set_qform(oblique(), 1)
    nib.save(image, path)
    if header:
        rewrite(path, **header)
    return path


def rewrite(path: Path, **changes: object) -> None:
    """Change fields of the NIfTI-1 header of a file, compressed or not."""
    packed = path.suffix == ".gz"
    data = bytearray(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    record = np.frombuffer(data, nib.Nifti1Header.template_dtype, count=1).copy()
    for name, value in changes.items():
        record[name] = value
    data[:348] = record.tobytes()
    path.write_bytes(gzip.compress(bytes(data)) if packed else bytes(data))


def assert_as_nibabel(path: Path) -> Volume:
    """Voxels, type, affine and header exactly as nibabel has them."""
    image = nib.load(path)
    wanted = np.asanyarray(image.dataobj)
    volume = nifti.read(local(path))
    assert volume.array.dtype == wanted.dtype.newbyteorder("=")
    np.testing.assert_array_equal(volume.array, wanted)
    np.testing.assert_array_equal(volume.affine, image.affine)
    header = nifti.read_header(local(path))
    assert header.shape == volume.shape
    assert header.dtype == volume.array.dtype.name
    assert header.axes == volume.axes
    np.testing.assert_array_equal(header.affine, volume.affine)
    return volume


# --- real files


@pytest.mark.parametrize(
    ("folder", "least"),
    [("msd-hippocampus", 89), ("spinal-cord", 25), ("totalsegmentator-sample", 100), ("dcm-qa-nih/Ref", 8)],
)
def test_real_images_are_read_exactly_as_nibabel_reads_them(
    shared_data: Path, folder: str, least: int
) -> None:
    files = sorted(p for p in (shared_data / folder).rglob("*.nii*") if p.name.endswith((".nii", ".nii.gz")))
    assert len(files) >= least
    for path in files:
        assert_as_nibabel(path)


def test_label_names_in_a_real_header_extension_are_kept(shared_data: Path) -> None:
    files = (shared_data / "totalsegmentator-sample").rglob("*.nii.gz")
    texts = [nifti.read_header(local(p)).meta["extensions"] for p in files]
    assert any(b"liver" in content for extensions in texts for _, content in extensions)


# --- types, byte orders, containers


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_every_type_and_byte_order_is_read(
    tmp_path: Path, dtype: str, order: str, ending: str, kind: type
) -> None:
    header = kind.header_class(endianness=order)
    header.set_data_dtype(dtype)
    nib.save(kind(phantom(dtype), oblique(), header), tmp_path / f"a{ending}")
    volume = assert_as_nibabel(tmp_path / f"a{ending}")
    assert volume.array.dtype.isnative
    assert volume.array.flags.f_contiguous and volume.array.flags.aligned
    assert volume.meta["byte_order"] == order
    assert volume.axes == "ijk"
    np.testing.assert_allclose(volume.spacing_mm, (0.7, 1.1, 2.5), rtol=1e-6)


@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.Nifti2Pair])
@pytest.mark.parametrize("endings", [(".hdr", ".img"), (".hdr.gz", ".img.gz"), (".HDR", ".IMG")])
def test_a_pair_is_read_from_either_of_its_files(
    tmp_path: Path, kind: type, endings: tuple[str, str]
) -> None:
    nib.save(kind(phantom("float32"), oblique()), tmp_path / ("a" + endings[1].lower()))
    for ending in endings:
        (tmp_path / ("a" + ending.lower())).rename(tmp_path / ("a" + ending))
    for ending in endings:
        volume = nifti.read(local(tmp_path / ("a" + ending)))
        np.testing.assert_array_equal(volume.array, phantom("float32"))
        np.testing.assert_allclose(volume.affine, oblique(), atol=1e-5)


def test_a_pair_half_compressed_is_read(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(phantom(), oblique()), tmp_path / "a.img")
    (tmp_path / "a.img.gz").write_bytes(gzip.compress((tmp_path / "a.img").read_bytes()))
    (tmp_path / "a.img").unlink()
    np.testing.assert_array_equal(nifti.read(local(tmp_path / "a.hdr")).array, phantom())


def test_a_header_without_its_image_says_which_file_is_missing(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(phantom(), oblique()), tmp_path / "a.img")
    (tmp_path / "a.img").unlink()
    with pytest.raises(NotFound, match=r"a\.img"):
        nifti.read(local(tmp_path / "a.hdr"))


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((7,), "i"), ((7, 6), "ij"), ((7, 6, 1), "ijk"), ((7, 6, 5, 1), "ijkt"), ((7, 6, 5, 4), "ijkt")]
    + [((7, 6, 5, 1, 3), "ijktc"), ((1, 1, 5, 1, 1), "ijktc")],
)
def test_axes_are_kept_as_stored(tmp_path: Path, shape: tuple[int, ...], axes: str) -> None:
    saved(tmp_path / "a.nii", phantom(shape=shape))
    volume = assert_as_nibabel(tmp_path / "a.nii")
    assert (volume.shape, volume.axes) == (shape, axes)
    assert len(volume.spacing_mm or ()) == min(len(shape), 3)


def test_six_axes_are_refused_unless_the_last_have_one_element(tmp_path: Path) -> None:
    saved(tmp_path / "a.nii", phantom(shape=(2, 2, 2, 2, 2, 3)))
    with pytest.raises(Unsupported, match="five axes"):
        nifti.read(local(tmp_path / "a.nii"))
    saved(tmp_path / "b.nii", phantom(shape=(2, 2, 2, 2, 2, 1)))
    assert nifti.read(local(tmp_path / "b.nii")).shape == (2, 2, 2, 2, 2)


@pytest.mark.parametrize("count", [3, 4])
def test_colours_get_a_last_axis(tmp_path: Path, count: int) -> None:
    fields = [(c, "u1") for c in "RGBA"[:count]]
    colours = phantom("uint8", (7, 6, 5, count))
    nib.save(nib.Nifti1Image(colours.view(fields)[..., 0], oblique()), tmp_path / "a.nii.gz")
    rewrite(tmp_path / "a.nii.gz", scl_slope=2, scl_inter=1)  # means nothing for colours
    volume = nifti.read(local(tmp_path / "a.nii.gz"))
    assert volume.axes == "ijkc" and volume.array.dtype == np.uint8
    np.testing.assert_array_equal(volume.array, colours)


@pytest.mark.parametrize(
    ("code", "said"), [(1, "bits"), (32, "complex64"), (1536, "float128"), (1792, "complex128")]
)
def test_types_that_are_not_read_are_named(tmp_path: Path, code: int, said: str) -> None:
    saved(tmp_path / "a.nii", phantom(), datatype=code)
    with pytest.raises(Unsupported, match=said):
        nifti.read_header(local(tmp_path / "a.nii"))


def test_an_unknown_type_is_an_error(tmp_path: Path) -> None:
    saved(tmp_path / "a.nii", phantom(), datatype=77)
    with pytest.raises(FormatError, match="datatype is 77"):
        nifti.read(local(tmp_path / "a.nii"))


# --- scale


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [("uint8", "float32"), ("int16", "float32"), ("float32", "float32"), ("int32", "float64")]
    + [("uint64", "float64"), ("float64", "float64")],
)
def test_a_scale_is_applied_once_rounded(tmp_path: Path, dtype: str, wanted: str) -> None:
    path = saved(tmp_path / "a.nii.gz", phantom(dtype, (40, 50, 60)), scl_slope=0.1, scl_inter=-1024.3)
    volume = nifti.read(local(path))
    assert volume.array.dtype == wanted == nifti.read_header(local(path)).dtype
    theirs = np.asanyarray(nib.load(path).dataobj)
    assert theirs.dtype == np.float64
    np.testing.assert_array_equal(volume.array, theirs.astype(wanted))
    assert volume.array.flags.f_contiguous


@pytest.mark.parametrize("slope", [0, np.nan, np.inf, 1])
def test_a_scale_of_none_leaves_the_type(tmp_path: Path, slope: float) -> None:
    saved(tmp_path / "a.nii", phantom(), scl_slope=slope, scl_inter=0)
    assert assert_as_nibabel(tmp_path / "a.nii").array.dtype == np.int16


def test_an_intercept_alone_is_a_scale(tmp_path: Path) -> None:
    saved(tmp_path / "a.nii", phantom(), scl_slope=1, scl_inter=-1024)
    np.testing.assert_array_equal(nifti.read(local(tmp_path / "a.nii")).array, phantom() - 1024.0)


def test_an_intercept_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    saved(tmp_path / "a.nii", phantom(), scl_slope=2, scl_inter=np.nan)
    with pytest.raises(FormatError, match="scale that is no number"):
        nifti.read(local(tmp_path / "a.nii"))


# --- place


def test_sform_counts_before_qform(tmp_path: Path) -> None:
    saved(tmp_path / "a.nii", phantom(), qform_code=1, sform_code=2, qoffset_x=99)
    assert assert_as_nibabel(tmp_path / "a.nii").meta["affine_from"] == "sform"


def test_qform_counts_where_sform_has_no_code(tmp_path: Path) -> None:
    saved(tmp_path / "a.nii", phantom(), qform_code=1, sform_code=0, srow_x=0)
    volume = nifti.read(local(tmp_path / "a.nii"))
    assert volume.meta["affine_from"] == "qform"
    np.testing.assert_allclose(volume.affine, nib.load(tmp_path / "a.nii").affine, rtol=0, atol=1e-12)
    np.testing.assert_allclose(volume.affine, oblique(), atol=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_any_quaternion_is_turned_as_nibabel_turns_it(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = rng.normal(size=4)
    whole[0] *= seed % 3  # every third a rotation by 180 degrees
    b, c, d = (whole / np.linalg.norm(whole) * (1 if whole[0] >= 0 else -1))[1:]
    pixdim = [-1 if seed % 2 else 1, 0.5, 1.5, 2.5, 1, 1, 1, 1]
    saved(tmp_path / "a.nii", phantom(), sform_code=0, quatern_b=b, quatern_c=c, quatern_d=d, pixdim=pixdim)
    mine = nifti.read_header(local(tmp_path / "a.nii")).affine
    np.testing.assert_allclose(mine, nib.load(tmp_path / "a.nii").affine, atol=2e-6)


@pytest.mark.parametrize("shape", [(7, 6, 5), (7, 6), (7, 6, 5, 4)])
def test_without_codes_the_voxel_sizes_are_all_there_is(tmp_path: Path, shape: tuple[int, ...]) -> None:
    saved(tmp_path / "a.nii", phantom(shape=shape), qform_code=0, sform_code=0)
    assert assert_as_nibabel(tmp_path / "a.nii").meta["affine_from"] == "pixdim"


@pytest.mark.parametrize(("unit", "factor"), [(0, 1), (1, 1000), (2, 1), (3, 0.001), (3 | 8, 0.001)])
@pytest.mark.parametrize("sform", [0, 1])
def test_any_unit_of_length_becomes_millimetres(tmp_path: Path, unit: int, factor: float, sform: int) -> None:
    saved(tmp_path / "a.nii", phantom(), xyzt_units=unit, sform_code=sform)
    volume = nifti.read(local(tmp_path / "a.nii"))
    np.testing.assert_allclose(volume.affine[:3], oblique()[:3] * factor, rtol=1e-5, atol=1e-5 * factor)
    np.testing.assert_allclose(volume.spacing_mm, np.array([0.7, 1.1, 2.5]) * factor, rtol=1e-5)


@pytest.mark.parametrize(("unit", "seconds"), [(8, 2.0), (16, 0.002), (24, 2e-6), (0, None)])
def test_the_time_step_is_in_seconds(tmp_path: Path, unit: int, seconds: float | None) -> None:
    array = phantom(shape=(3, 4, 5, 2))
    saved(tmp_path / "a.nii", array, xyzt_units=2 | unit, pixdim=[1, 1, 1, 1, 2, 1, 1, 1])
    assert nifti.read_header(local(tmp_path / "a.nii")).meta["time_step_s"] == seconds


def test_an_affine_that_is_no_number_is_noted(tmp_path: Path) -> None:
    saved(tmp_path / "a.nii", phantom(), srow_x=np.nan)
    assert "no numbers" in nifti.read(local(tmp_path / "a.nii")).meta["notes"][0]


# --- gzip


def test_many_members_are_one_image(tmp_path: Path) -> None:
    data = saved(tmp_path / "a.nii", phantom(shape=(60, 50, 40))).read_bytes()
    cuts = [0, 100, 100, 352, 5000, 65536, len(data)]
    members = [gzip.compress(data[a:b]) for a, b in itertools.pairwise(cuts)]
    (tmp_path / "b.nii.gz").write_bytes(b"".join(members))
    assert_as_nibabel(tmp_path / "b.nii.gz")


def test_blocks_as_bgzip_writes_them_are_one_image(tmp_path: Path) -> None:
    data = saved(tmp_path / "a.nii", phantom(shape=(60, 50, 40))).read_bytes()
    blocks = []
    for at in [*range(0, len(data), 0xFF00), None]:
        part = b"" if at is None else data[at : at + 0xFF00]
        engine = zlib.compressobj(6, zlib.DEFLATED, -15)
        deflated = engine.compress(part) + engine.flush()
        extra = struct.pack("<HHHH", 6, 0x4342, 2, len(deflated) + 25)
        head = b"\x1f\x8b\x08\x04" + bytes(4) + b"\0\xff" + extra
        blocks.append(head + deflated + struct.pack("<II", zlib.crc32(part), len(part)))
    (tmp_path / "b.nii.gz").write_bytes(b"".join(blocks))
    volume = assert_as_nibabel(tmp_path / "b.nii.gz")
    assert "notes" not in volume.meta


def test_padding_with_zeros_is_silent_and_garbage_is_noted(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nii.gz", phantom())
    data = path.read_bytes()
    path.write_bytes(data + bytes(512))
    assert "notes" not in nifti.read(local(path)).meta
    path.write_bytes(data + b"<!-- served by -->")
    volume = nifti.read(local(path))
    np.testing.assert_array_equal(volume.array, phantom())
    assert volume.meta["notes"] == ("18 bytes of garbage follow the compressed data",)


def test_bytes_after_the_voxels_are_noted(tmp_path: Path) -> None:
    for extra in (100, 3 << 20):  # within the spare room of the buffer, and beyond it
        data = saved(tmp_path / "a.nii", phantom()).read_bytes()
        (tmp_path / "b.nii.gz").write_bytes(gzip.compress(data + bytes(extra)))
        volume = nifti.read(local(tmp_path / "b.nii.gz"))
        np.testing.assert_array_equal(volume.array, phantom())
        assert "more bytes than the header declares" in volume.meta["notes"][0]


@pytest.mark.parametrize("part", [0.3, 0.6, 0.99])
def test_truncated_gzip_is_an_error_with_both_numbers(tmp_path: Path, part: float) -> None:
    path = saved(tmp_path / "a.nii.gz", phantom(shape=(60, 50, 40)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(Truncated) as caught:
        nifti.read(local(path))
    found = len(zlib.decompressobj(31).decompress(path.read_bytes()))
    assert f"expected {352 + 60 * 50 * 40 * 2:,} inflated bytes, found {found:,}" in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_last_byte_of_a_gzip_trailer_matters(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nii.gz", phantom())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Truncated):
        nifti.read(local(path))


def test_a_whole_gzip_of_too_few_voxels_is_truncated(tmp_path: Path) -> None:
    data = saved(tmp_path / "a.nii", phantom()).read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(data[:-33]))
    with pytest.raises(Truncated, match=f"expected {len(data):,} inflated bytes, found {len(data) - 33:,}"):
        nifti.read(local(tmp_path / "b.nii.gz"))


@pytest.mark.parametrize("member", [0, 1, 2])
@pytest.mark.parametrize("where", ["data", "checksum", "length"])
def test_a_flipped_bit_in_any_member_is_an_error(tmp_path: Path, member: int, where: str) -> None:
    data = saved(tmp_path / "a.nii", phantom(shape=(30, 20, 10))).read_bytes()
    parts = [bytearray(gzip.compress(data[a:b])) for a, b in ((0, 3000), (3000, 7000), (7000, len(data)))]
    place = {"data": len(parts[member]) // 2, "checksum": -6, "length": -1}[where]
    parts[member][place] ^= 1
    (tmp_path / "b.nii.gz").write_bytes(b"".join(parts))
    with pytest.raises(FormatError, match="damaged|ends before"):
        nifti.read(local(tmp_path / "b.nii.gz"))


def test_a_flipped_bit_that_inflates_all_the_same_is_caught_by_the_checksum(tmp_path: Path) -> None:
    data = saved(tmp_path / "a.nii", phantom()).read_bytes()
    stored = bytearray(gzip.compress(data, 0))  # stored blocks: any bit of a voxel may flip unnoticed
    stored[-40] ^= 4
    (tmp_path / "b.nii.gz").write_bytes(bytes(stored))
    with pytest.raises(FormatError, match="incorrect data check"):
        nifti.read(local(tmp_path / "b.nii.gz"))


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_absurd_dimensions_are_refused_before_memory_is_taken(tmp_path: Path, ending: str) -> None:
    path = saved(tmp_path / f"a{ending}", phantom(), dim=[3, 32767, 32767, 32767, 1, 1, 1, 1])
    with pytest.raises(Truncated, match="expected 70,"):
        nifti.read(local(path))


@pytest.mark.parametrize(
    "dim", [[0, 1, 1, 1, 1, 1, 1, 1], [8, 1, 1, 1, 1, 1, 1, 1], [3, 4, -4, 4, 1, 1, 1, 1]]
)
def test_impossible_dimensions_are_an_error(tmp_path: Path, dim: list[int]) -> None:
    saved(tmp_path / "a.nii", phantom(), dim=dim)
    with pytest.raises(FormatError, match="no possible shape"):
        nifti.read(local(tmp_path / "a.nii"))


def test_an_image_larger_than_memory_is_an_error_of_ours() -> None:
    with pytest.raises(Unsupported, match="larger than memory"):
        aligned_bytes(1 << 60, "a.nii")


def test_a_header_is_read_without_inflating_the_voxels(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 1000, (128, 128, 64)).astype(np.int16)
    path = saved(tmp_path / "a.nii.gz", noise)
    data = path.read_bytes()
    assert len(data) > 1 << 20
    path.write_bytes(data[: 1 << 16])
    assert nifti.read_header(local(path)).shape == (128, 128, 64)


# --- names that lie


def test_a_name_that_lies_about_compression_is_noted(tmp_path: Path) -> None:
    plain = saved(tmp_path / "a.nii", phantom()).read_bytes()
    (tmp_path / "plain.nii.gz").write_bytes(plain)
    (tmp_path / "packed.nii").write_bytes(gzip.compress(plain))
    for name, state in (("plain.nii.gz", "not compressed"), ("packed.nii", "is compressed")):
        volume = nifti.read(local(tmp_path / name))
        np.testing.assert_array_equal(volume.array, phantom())
        assert state in volume.meta["notes"][0]


def test_a_file_without_ending_is_known_by_its_bytes(tmp_path: Path) -> None:
    saved(tmp_path / "a.nii.gz", phantom()).rename(tmp_path / "blob")
    assert formats.read(local(tmp_path / "blob")).shape == phantom().shape


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").touch()
    with pytest.raises(FormatError, match="empty"):
        formats.read(local(tmp_path / "a.nii.gz"))


def test_a_web_page_is_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_text("<!DOCTYPE html><html><body>504 Gateway Time-out</body></html>")
    with pytest.raises(FormatError, match="web page"):
        formats.read(local(tmp_path / "a.nii.gz"))


def test_a_resource_file_of_macos_is_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "._a.nii.gz").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(200))
    with pytest.raises(FormatError, match="macOS resource file"):
        formats.read(local(tmp_path / "._a.nii.gz"))


def test_a_pointer_of_git_lfs_is_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(FormatError, match="git lfs pull"):
        formats.read(local(tmp_path / "a.nii.gz"))


def test_a_truncated_plain_file_is_an_error_with_both_numbers(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nii", phantom())
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(Truncated, match="expected 772 bytes, found 500"):
        nifti.read(local(path))


def test_a_folder_is_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").mkdir()
    with pytest.raises(AccessError, match="folder"):
        formats.read(local(tmp_path / "a.nii.gz"))


def test_a_file_that_may_not_be_read_is_an_access_error(tmp_path: Path, unreadable: Callable[[Path], Path]) -> None:
    unreadable(saved(tmp_path / "a.nii", phantom()))
    with pytest.raises(AccessError, match="may not be read"):
        nifti.read(local(tmp_path / "a.nii"))


@pytest.mark.parametrize("name", ["Schädel MRT 1.nii.gz", "脳 画像.nii", "a b/c (1).nii.gz"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    saved(tmp_path / name, phantom())
    assert_as_nibabel(tmp_path / name)


def test_vox_offset_beyond_the_header_is_followed_and_within_it_refused(tmp_path: Path) -> None:
    data = bytearray(saved(tmp_path / "a.nii", phantom()).read_bytes())
    data[352:352] = bytes(63)  # an odd place for voxels
    (tmp_path / "b.nii").write_bytes(data)
    rewrite(tmp_path / "b.nii", vox_offset=415)
    np.testing.assert_array_equal(nifti.read(local(tmp_path / "b.nii")).array, phantom())
    rewrite(tmp_path / "b.nii", vox_offset=100)
    with pytest.raises(FormatError, match="vox_offset is 100"):
        nifti.read(local(tmp_path / "b.nii"))


# --- writing


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", TYPES)
def test_nibabel_reads_what_is_written(tmp_path: Path, ending: str, dtype: str) -> None:
    volume = Volume(phantom(dtype), "ijk", oblique(), (0.7, 1.1, 2.5))
    nifti.write(tmp_path / f"a{ending}", volume)
    image = nib.load(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), volume.array)
    assert image.get_data_dtype() == dtype
    for affine in (image.get_sform(), image.get_qform()):
        np.testing.assert_allclose(affine, oblique(), atol=1e-5)
    assert image.header["sform_code"] == image.header["qform_code"] == 1
    assert image.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(image.header.get_zooms(), (0.7, 1.1, 2.5), rtol=1e-6)
    assert_as_nibabel(tmp_path / f"a{ending}")


def test_what_is_written_is_the_same_each_time_and_one_member(tmp_path: Path) -> None:
    volume = Volume(phantom(), "ijk", oblique())
    nifti.write(tmp_path / "a.nii.gz", volume)
    nifti.write(tmp_path / "b.nii.gz", volume)
    data = (tmp_path / "a.nii.gz").read_bytes()
    assert data == (tmp_path / "b.nii.gz").read_bytes()
    assert data[3:8] == bytes(5)  # no name, no time
    engine = zlib.decompressobj(31)
    assert len(engine.decompress(data)) == 352 + phantom().nbytes and engine.unused_data == b""


def test_the_order_in_memory_does_not_change_what_is_written(tmp_path: Path) -> None:
    for n, array in enumerate([phantom(), np.asfortranarray(phantom()), phantom().astype(">i2")]):
        nifti.write(tmp_path / f"{n}.nii", Volume(array, "ijk", oblique()))
    assert len({(tmp_path / f"{n}.nii").read_bytes() for n in range(3)}) == 1


def test_a_sheared_affine_is_written_as_sform_alone(tmp_path: Path) -> None:
    sheared = oblique()
    sheared[:3, 2] += 0.3 * sheared[:3, 1]
    nifti.write(tmp_path / "a.nii", Volume(phantom(), "ijk", sheared))
    image = nib.load(tmp_path / "a.nii")
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 0)
    np.testing.assert_allclose(image.affine, sheared, atol=1e-5)


def test_the_codes_of_the_file_that_was_read_are_written_again(tmp_path: Path) -> None:
    saved(tmp_path / "a.nii", phantom(), sform_code=4, qform_code=2)
    nifti.write(tmp_path / "b.nii", nifti.read(local(tmp_path / "a.nii")))
    header = nib.load(tmp_path / "b.nii").header
    assert (header["sform_code"], header["qform_code"]) == (4, 2)


def test_without_an_affine_no_code_is_written(tmp_path: Path) -> None:
    nifti.write(tmp_path / "a.nii", Volume(phantom(), "ijk", None, (1.0, 2.0, 3.0)))
    header = nib.load(tmp_path / "a.nii").header
    assert (header["sform_code"], header["qform_code"]) == (0, 0)
    assert header.get_zooms() == (1, 2, 3)


def test_an_axis_too_long_for_nifti1_makes_nifti2(tmp_path: Path) -> None:
    volume = Volume(phantom("uint8", (40000, 2, 2)), "ijk", oblique())
    nifti.write(tmp_path / "a.nii.gz", volume)
    assert isinstance(nib.load(tmp_path / "a.nii.gz"), nib.Nifti2Image)
    assert assert_as_nibabel(tmp_path / "a.nii.gz").meta["format"] == "nifti2"


def test_the_time_step_is_written(tmp_path: Path) -> None:
    volume = Volume(phantom(shape=(3, 4, 5, 2)), "ijkt", oblique(), meta={"time_step_s": 2.5})
    nifti.write(tmp_path / "a.nii", volume)
    assert nib.load(tmp_path / "a.nii").header.get_zooms()[3] == 2.5
    assert nifti.read(local(tmp_path / "a.nii")).meta["time_step_s"] == 2.5


@pytest.mark.parametrize(
    ("array", "axes"),
    [
        (phantom("bool"), "ijk"),
        (phantom("float16"), "ijk"),
        (phantom("complex64"), "ijk"),
        (phantom("int16", (5, 4, 3, 3)), "ijkc"),
        (phantom("uint8", (5, 4, 3)), "yxc"),
        (phantom(), "ij"),
        (phantom(shape=(0, 4, 3)), "ijk"),
    ],
)
def test_what_nifti_cannot_hold_is_refused(tmp_path: Path, array: np.ndarray, axes: str) -> None:
    with pytest.raises(Unsupported):
        nifti.write(tmp_path / "a.nii", Volume(array, axes, oblique()))
    assert not (tmp_path / "a.nii").exists()
