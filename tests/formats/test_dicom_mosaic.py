"""Siemens mosaics: the CSA header, the cutting up, and the place of each tile, beside nibabel and dcm2niix."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest

import medshelf
from medshelf.errors import FormatError, MedshelfError, NotAVolume, Unsupported
from medshelf.formats import dicom
from medshelf.formats.dicom.csa import read_csa
from medshelf.model.blob import LocalFile
from medshelf.model.geometry import lps_to_ras, max_corner_distance_mm, reorient
from medshelf.model.volume import Volume
from medshelf.samples.image import Image
from tests.formats.dicom_cases import Member, changed

pytestmark = pytest.mark.filterwarnings("ignore:The DICOM readers are highly experimental")
AP = "dcm-qa-nih/In/20180918Si/mr_0003"
REFERENCE = "dcm-qa-nih/Ref/EPI_PE=AP_3.nii"


@pytest.fixture
def first(shared_data: Path) -> bytes:
    """A mosaic of 5 tiles of 72 x 72 in 3 x 3."""
    return (shared_data / AP / "epi_pe_ap-00001.dcm").read_bytes()


def read(*data: bytes) -> Volume:
    blobs = [Member(f"{n}.dcm", one) for n, one in enumerate(data)]
    header, volume = dicom.read_series_header(blobs), dicom.read_series(blobs)
    assert (header.shape, header.dtype, header.axes) == (volume.shape, volume.array.dtype.name, volume.axes)
    np.testing.assert_array_equal(header.affine, volume.affine)
    assert header.meta == volume.meta
    return volume


def in_csa(data: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """Change a value of the CSA header, the first after a name."""
    assert len(old) == len(new)
    at = data.index(old, data.index(name.encode() + b"\0"))
    return data[:at] + new + data[at + len(old) :]


def by_nibabel(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    from nibabel.nicom.dicomwrappers import MosaicWrapper, wrapper_from_data

    wrapper = wrapper_from_data(pydicom.dcmread(io.BytesIO(data)))
    assert isinstance(wrapper, MosaicWrapper)
    return reorient(wrapper.get_data(), lps_to_ras(wrapper.affine))


def assert_as_nibabel(data: bytes) -> None:
    theirs, affine = by_nibabel(data)
    ours = read(data).reoriented("RAS")
    np.testing.assert_array_equal(ours.array, theirs)
    assert max_corner_distance_mm(ours.affine, affine, theirs.shape) < 1e-4


def test_each_mosaic_equals_what_nibabel_makes_of_it(shared_data: Path) -> None:
    paths = sorted((shared_data / "dcm-qa-nih/In/20180918Si").rglob("*.dcm"))
    paths += [shared_data / f"dcm-qa-transfer-syntaxes/In/{n}.dcm" for n in (1, 2, 3)]  # the uncompressed
    assert len(paths) == 11
    for path in paths:
        assert_as_nibabel(path.read_bytes())


def test_a_mosaic_whose_slices_run_against_the_cross_product_is_turned_with_its_affine(first: bytes) -> None:
    upwards = read(first)
    data = in_csa(first, "SliceNormalVector", b"1.00000000", b"-1.0000000")
    downwards = read(data)
    np.testing.assert_array_equal(downwards.array, upwards.array[:, :, ::-1])
    assert downwards.affine[2, 3] == pytest.approx(upwards.affine[2, 3] - 4 * 12)
    np.testing.assert_allclose(downwards.affine[:3, :3], upwards.affine[:3, :3])
    assert_as_nibabel(data)


def test_tile_after_tile_lies_where_the_header_says(shared_data: Path, first: bytes) -> None:
    """The position in the header is of the whole picture; the tile has the same centre."""
    volume, found = read(first), pydicom.dcmread(io.BytesIO(first))
    centre_of_tile = volume.affine @ [35.5, 35.5, 0, 1]
    whole = np.array(found.ImagePositionPatient, float) + np.array([107.5 * 3, 107.5 * 3, 0])
    np.testing.assert_allclose(centre_of_tile[:3], whole * [-1, -1, 1], atol=1e-6)
    for k in range(5):
        tile = found.pixel_array[k // 3 * 72 :, k % 3 * 72 :][:72, :72]
        np.testing.assert_array_equal(volume.array[:, :, k], tile.T)


def test_only_the_csa_header_tells_of_the_mosaic(first: bytes) -> None:
    def hidden(found: pydicom.Dataset) -> None:
        found.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
        del found[0x0019, 0x100A]

    volume = read(changed(first, hidden))
    np.testing.assert_array_equal(volume.array, read(first).array)
    assert dicom.scan([Member("x", changed(first, hidden))]).series[0].kind == "mosaic"


def test_a_slice_cut_out_of_a_mosaic_that_kept_the_csa_header_is_a_slice(first: bytes) -> None:
    def cut(found: pydicom.Dataset) -> None:
        found.PixelData = np.ascontiguousarray(found.pixel_array[:72, :72]).tobytes()
        found.Rows = found.Columns = 72
        found.ImageType = ["DERIVED", "SECONDARY", "M", "ND"]

    blobs = [Member("x", changed(first, cut))]
    assert dicom.scan(blobs).series[0].kind == "single"
    volume = dicom.read_series(blobs, least_slices=1)
    np.testing.assert_array_equal(volume.array[:, :, 0], read(first).array[:, :, 0])


def test_the_csa_header_may_stand_in_another_private_block(first: bytes) -> None:
    def moved(found: pydicom.Dataset) -> None:
        raw = found[0x0029, 0x1010].value
        for element in list(found.group_dataset(0x0029)):
            del found[element.tag]
        found.add_new(0x00290010, "LO", "SOMEBODY ELSE")
        found.add_new(0x00291010, "OB", bytes(100))
        found.add_new(0x00290011, "LO", "SIEMENS CSA HEADER")
        found.add_new(0x00291110, "OB", raw)

    np.testing.assert_array_equal(read(changed(first, moved)).array, read(first).array)


def test_the_number_of_tiles_may_be_in_an_attribute_of_its_own(first: bytes) -> None:
    data = first.replace(b"NumberOfImagesInMosaic\0", b"NumberOfImagesInXXXXXX\0")
    np.testing.assert_array_equal(read(data).array, read(first).array)


def test_mosaics_in_time_are_put_in_order(shared_data: Path) -> None:
    paths = sorted((shared_data / AP).glob("*.dcm"))
    volume = read(*(path.read_bytes() for path in paths[::-1]))
    assert volume.meta["slice_step_from"] == "SpacingBetweenSlices"
    assert (volume.axes, volume.shape) == ("ijkt", (72, 72, 5, 2))
    reference, affine = reorient(*_loaded(shared_data / REFERENCE))
    np.testing.assert_array_equal(volume.reoriented("RAS").array, reference)
    assert max_corner_distance_mm(volume.reoriented("RAS").affine, affine, reference.shape) < 1e-3
    (series,) = dicom.scan([LocalFile(path) for path in paths]).series
    assert (series.kind, len(series.blobs), series.n_slices, series.n_times) == ("mosaic", 2, 5, 2)
    assert (series.reason, series.rows, series.n_frames) == (None, 72, 2)
    with pytest.raises(NotAVolume) as caught:
        read(paths[0].read_bytes(), paths[0].read_bytes())
    assert caught.value.reason == "duplicate-files"


def _loaded(path: Path) -> tuple[np.ndarray, np.ndarray]:
    image = nib.load(path)
    return np.asanyarray(image.dataobj), image.affine


def test_a_mosaic_is_read_by_path(shared_data: Path) -> None:
    path = shared_data / "dcm-qa-transfer-syntaxes/In/1.dcm"
    for reader in (None, "dicom", "dicom_series"):
        assert medshelf.read(path, reader=reader).shape == (64, 64, 35)


def test_a_mosaic_is_an_image_of_a_sample(shared_data: Path) -> None:
    blobs = (LocalFile(shared_data / "dcm-qa-transfer-syntaxes/In/5.dcm"),)
    for reader in ("dicom", "dicom_series"):
        image = Image("mr", blobs, reader)
        assert image.header().shape == image.shape == (64, 64, 35) and image.orientation == "LPS"


def without(*tags: int) -> Any:
    def change(found: pydicom.Dataset) -> None:
        for tag in tags:
            del found[tag]

    return change


def test_a_mosaic_that_can_not_be_placed_is_refused(first: bytes) -> None:
    with pytest.raises(Unsupported, match="without its CSA header"):
        read(changed(first, without(0x00291010, 0x00290010)))
    with pytest.raises(FormatError, match="not stacked along their normal"):
        read(in_csa(first, "SliceNormalVector", b"1.00000000", b"0.70000000").replace(b"0.00000000", b"0.70000000"))
    with pytest.raises(FormatError, match="has no SliceNormalVector"):
        read(first.replace(b"SliceNormalVector\0", b"SliceNormalVectox\0"))
    with pytest.raises(FormatError, match="does not say how far"):
        read(changed(first, SpacingBetweenSlices=0))
    with pytest.raises(FormatError, match="can't be cut"):
        read(changed(first, Rows=215, Columns=217))
    assert dicom.scan([Member("x", changed(first, without(0x00291010)))]).series[0].reason == "mosaic"
    with pytest.raises(NotAVolume) as caught:
        read(changed(first, ImagePositionPatient=None), changed(first, ImagePositionPatient=None))
    assert caught.value.reason == "no-position"


def test_a_mosaic_that_does_not_say_how_many_tiles_it_has_is_refused(first: bytes) -> None:
    silent = changed(first, without(0x0019100A)).replace(b"NumberOfImagesInMosaic\0", b"NumberOfImagesInXXXXXX\0")
    with pytest.raises(FormatError, match="how many slices"):
        read(silent)
    many = in_csa(first, "NumberOfImagesInMosaic", b"5       \0", b"99      \0")
    with pytest.raises(FormatError, match="can't be cut"):
        read(many)


# The CSA header itself


def csa_samples() -> list[Path]:
    folder = Path(nib.__file__).parent / "nicom/tests/data"
    found = [path for path in sorted(folder.glob("csa*.bin*")) if "1001n" not in path.name]  # made to be refused
    assert len(found) == 4
    return found


@pytest.mark.parametrize("path", csa_samples(), ids=lambda path: path.name)
def test_the_csa_header_holds_what_nibabel_finds(path: Path) -> None:
    from nibabel.nicom.csareader import read as by_nibabel

    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    theirs = by_nibabel(data)["tags"]
    ours = read_csa(data, "x")
    assert ours.keys() == theirs.keys()
    for name, tag in theirs.items():
        shown = [value for value in tag["items"] if value != ""]
        same = [type(value)(text) for value, text in zip(shown, ours[name], strict=True)]
        assert same == [value.strip() if isinstance(value, str) else value for value in shown]


def csa(newer: bool, entries: dict[str, list[bytes]]) -> bytes:
    """A CSA header in either layout; in the older one lengths have the number of items of the first tag added."""
    base = len(next(iter(entries.values())))
    out = b"SV10\4\3\2\1" if newer else b""
    out += struct.pack("<II", len(entries), 77)
    for name, texts in entries.items():
        out += struct.pack("<64si4siii", name.encode(), len(texts), b"DS\0\0", 4, len(texts), 77)
        for text in texts:
            length = len(text)
            numbers = (length, length, 77, length) if newer else (length + base, length, 77, length)
            out += struct.pack("<4i", *numbers) + text + bytes(-length % 4)
    return out


ENTRIES = {
    "SliceNormalVector": [b"0.0\0", b"0.10799944\0", b"0.99415095"],
    "Empty": [],
    "NumberOfImagesInMosaic": [b"35\0"],
}


@pytest.mark.parametrize("newer", [True, False])
def test_both_layouts_are_read_as_nibabel_reads_them(newer: bool) -> None:
    from nibabel.nicom.csareader import read as by_nibabel

    data = csa(newer, {"None": [], "Nor here": []} | ENTRIES)
    theirs = by_nibabel(data)
    assert theirs["type"] == (2 if newer else 1)
    ours = read_csa(data, "x")
    for name, tag in theirs["tags"].items():
        assert [float(text) for text in ours[name]] == tag["items"]


@pytest.mark.parametrize("newer", [True, False])
def test_lengths_of_the_older_layout_count_the_items_of_the_first_tag(newer: bool) -> None:
    """As SPM reads it; nibabel takes the items of the second tag, and fails where the first has any."""
    ours = read_csa(csa(newer, ENTRIES), "x")
    assert ours["SliceNormalVector"] == ("0.0", "0.10799944", "0.99415095")
    assert ours["NumberOfImagesInMosaic"] == ("35",) and ours["Empty"] == ()


@pytest.mark.parametrize("newer", [True, False])
def test_a_csa_header_cut_or_changed_anywhere_gives_our_errors(newer: bool) -> None:
    data = csa(newer, ENTRIES)
    text = 0 if newer else 20  # a text that is cut ends its tag in the older layout, and is no error
    for end in range(len(data) - 4 - text):
        with pytest.raises(MedshelfError):
            read_csa(data[:end], "x")
    rng = np.random.default_rng(5)
    for _ in range(2000):
        bad = bytearray(data)
        for at in rng.integers(0, len(bad), 3):
            bad[at] = rng.integers(256)
        try:
            read_csa(bytes(bad), "x")
        except MedshelfError:
            pass
