"""DICOM series made for the purpose: order, geometry, values, and every refusal."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from medshelf.errors import FormatError, MedshelfError, NotAVolume, NotFound, Truncated, Unsupported
from medshelf.formats import dicom
from medshelf.model.blob import LocalFile
from medshelf.model.geometry import max_corner_distance_mm
from medshelf.model.volume import Volume

STEP = 2.5


@dataclass(frozen=True)
class Member:
    """A blob in memory, as a member of an archive is."""

    name: str
    data: bytes
    path: Path | None = None

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)

    def read_bytes(self) -> bytes:
        return self.data

    def sibling(self, filename: str) -> Member:
        raise NotImplementedError


def upright(shape: tuple[int, ...] = (6, 5, 4), affine: np.ndarray | None = None, seed: int = 0) -> Volume:
    """A small CT whose voxels are all different enough to betray any disorder."""
    values = np.random.default_rng(seed).integers(-1000, 3000, shape).astype(np.int16)
    if affine is None:
        affine = np.diag([-0.8, -0.9, STEP, 1.0])
        affine[:3, 3] = (40, 50, -60)
    return Volume(values, "ijk" if len(shape) == 3 else "ijkt", affine, (0.8, 0.9, STEP))


def files(volume: Volume | None = None, uid: str = "1.2.3", **options: Any) -> list[bytes]:
    settings: dict[str, Any] = {"modality": "CT", "series_uid": uid, "patient_id": "p1"}
    return dicom.slice_bytes(volume if volume is not None else upright(), **(settings | options))


def members(data: Sequence[bytes], prefix: str = "a.zip!/s/") -> list[Member]:
    return [Member(f"{prefix}{n:03d}.dcm", one) for n, one in enumerate(data)]


def changed(data: bytes, change: Callable[[pydicom.Dataset], object] | None = None, **attributes: Any) -> bytes:
    """The same file with attributes set (or deleted, where None), written by pydicom."""
    found = pydicom.dcmread(io.BytesIO(data))
    for name, value in attributes.items():
        if value is None:
            delattr(found, name)
        else:
            setattr(found, name, value)
    if change is not None:
        change(found)
    out = io.BytesIO()
    found.save_as(out)
    return out.getvalue()


def moved(data: bytes, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> bytes:
    place = pydicom.dcmread(io.BytesIO(data)).ImagePositionPatient
    by = (x, y, z)
    return changed(data, ImagePositionPatient=[round(float(p) + d, 6) for p, d in zip(place, by, strict=True)])


def reason_of(data: Sequence[bytes], **options: Any) -> str:
    """The reason for which a series is refused; reading and scanning must agree on it."""
    with pytest.raises(NotAVolume) as caught:
        dicom.read_series(members(data), **options)
    assert caught.value.reason in dicom.REASONS
    if not options:
        assert dicom.scan(members(data)).series[0].reason == caught.value.reason
    assert caught.value.why
    return caught.value.reason


def test_a_written_series_reads_back_voxel_for_voxel(tmp_path: Path) -> None:
    volume = upright()
    paths = dicom.write_series(tmp_path / "s", volume, modality="CT", series_uid="1.2.3", patient_id="p1")
    read = dicom.read_series([LocalFile(path) for path in paths])
    assert read.axes == "ijk" and read.array.dtype == np.int16
    np.testing.assert_array_equal(read.array, volume.array)
    np.testing.assert_allclose(read.affine, volume.affine, atol=1e-9)
    assert read.spacing_mm == pytest.approx((0.8, 0.9, 2.5))


def test_slices_are_ordered_by_position_not_by_name_or_number(tmp_path: Path) -> None:
    volume = upright((4, 4, 9))
    data = files(volume)
    order = np.random.default_rng(3).permutation(len(data))
    data = [changed(data[k], InstanceNumber=int(n) + 1, SOPInstanceUID=f"1.9.{n}") for n, k in enumerate(order)]
    read = dicom.read_series(members(data))
    np.testing.assert_array_equal(read.array, volume.array)
    np.testing.assert_allclose(read.affine, volume.affine, atol=1e-9)


def test_an_oblique_grid_keeps_its_place() -> None:
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([0.7, 1.1, 3.0])
    affine[:3, 3] = (12.5, -80.25, 33)
    if np.linalg.det(affine[:3, :3]) < 0:
        affine[:3, 0] *= -1
    volume = upright((7, 5, 6), affine)
    read = dicom.read_series(members(files(volume)))
    assert max_corner_distance_mm(read.affine, affine, volume.shape) < 1e-6
    np.testing.assert_array_equal(read.array, volume.array)


def test_slices_against_the_normal_come_back_along_it_in_the_same_place() -> None:
    affine = np.diag([-0.8, -0.9, -STEP, 1.0])
    volume = upright(affine=affine)
    read = dicom.read_series(members(files(volume)))
    np.testing.assert_array_equal(read.array, volume.array[:, :, ::-1])
    assert read.orientation == "LPS"
    np.testing.assert_allclose(read.affine[:3, 3], affine[:3, 3] + 3 * affine[:3, 2], atol=1e-9)


def test_the_header_promises_what_reading_gives() -> None:
    for volume, options in (
        (upright(), {}),
        (upright((4, 3, 5, 2)), {"modality": "MR"}),
        (upright(), {"modality": "PT", "rescale": (0.5, 0.0)}),
    ):
        data = members(files(volume, **options))
        header, read = dicom.read_series_header(data), dicom.read_series(data)
        assert (header.shape, header.dtype, header.axes) == (read.shape, read.array.dtype.name, read.axes)
        np.testing.assert_array_equal(header.affine, read.affine)
        assert header.spacing_mm == read.spacing_mm
        assert header.meta == read.meta


def test_slopes_that_differ_from_slice_to_slice_are_each_applied() -> None:
    data, expected = [], []
    for k in range(4):
        affine = np.diag([-1.0, -1.0, 3.0, 1.0])
        affine[2, 3] = 3.0 * k
        part = upright((5, 4, 1), affine, seed=k)
        data += files(part, modality="PT", rescale=(0.25 * (k + 1), 0.0))
        stored = np.rint(part.array / (0.25 * (k + 1)))
        expected.append((stored * (0.25 * (k + 1))).astype(np.float32)[:, :, 0])
    read = dicom.read_series(members(data))
    assert read.array.dtype == np.float32 and read.meta["rescale"] == "per slice"
    np.testing.assert_array_equal(read.array, np.stack(expected, axis=2))


@pytest.mark.parametrize(
    ("bits", "signed", "slope", "intercept", "dtype"),
    [
        (12, 0, "1", "0", "uint16"),
        (16, 1, "1", "0", "int16"),
        (12, 0, "1", "-1024", "int16"),
        (12, 0, "2", "-1024", "int16"),
        (16, 0, "1", "-1024", "int32"),
        (16, 1, "1", "-1024", "int32"),
        (12, 0, "0.5", "0", "float32"),
        (16, 0, "1", "0.5", "float32"),
    ],
)
def test_the_type_holds_all_that_the_stored_bits_allow(
    bits: int, signed: int, slope: str, intercept: str, dtype: str
) -> None:
    data = [
        changed(
            one,
            BitsStored=bits,
            HighBit=bits - 1,
            PixelRepresentation=signed,
            RescaleSlope=slope,
            RescaleIntercept=intercept,
        )
        for one in files()
    ]
    read = dicom.read_series(members(data))
    assert read.array.dtype == np.dtype(dtype)
    stored = upright().array.astype(np.float64) + 1024
    np.testing.assert_array_equal(read.array, stored * float(slope) + float(intercept))


def test_bits_above_those_stored_are_no_part_of_the_value() -> None:
    def overlay(found: pydicom.Dataset) -> None:
        found.PixelData = (np.frombuffer(found.PixelData, "<u2") | 0x8000).tobytes()

    read = dicom.read_series(members([changed(one, overlay) for one in files()]))
    np.testing.assert_array_equal(read.array, upright().array)


def test_signed_values_of_few_bits_keep_their_sign() -> None:
    values = np.random.default_rng(5).integers(-2048, 2048, (6, 5, 4)).astype(np.int16)

    def cut(found: pydicom.Dataset) -> None:
        found.PixelData = (np.frombuffer(found.PixelData, "<u2") & 0x0FFF).tobytes()
        found.BitsStored, found.HighBit = 12, 11

    volume = Volume(values, "ijk", upright().affine)
    read = dicom.read_series(members([changed(one, cut) for one in files(volume, modality="MR")]))
    np.testing.assert_array_equal(read.array, values)


def test_monochrome1_is_left_as_stored_and_said() -> None:
    data = [changed(one, PhotometricInterpretation="MONOCHROME1") for one in files()]
    read = dicom.read_series(members(data))
    np.testing.assert_array_equal(read.array, upright().array)
    assert read.meta["photometric"] == "MONOCHROME1"


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
)
def test_every_uncompressed_transfer_syntax_gives_the_same(syntax: pydicom.uid.UID, tmp_path: Path) -> None:
    def encoded(data: bytes) -> bytes:
        found, out = pydicom.dcmread(io.BytesIO(data)), io.BytesIO()
        found.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            found.PixelData = np.frombuffer(found.PixelData, "<u2").byteswap().tobytes()
        little = syntax != ExplicitVRBigEndian
        pydicom.dcmwrite(out, found, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=little)
        return out.getvalue()

    for n, one in enumerate(files()):
        (tmp_path / f"{n}").write_bytes(encoded(one))
    read = dicom.read_series([LocalFile(path) for path in sorted(tmp_path.iterdir())])
    np.testing.assert_array_equal(read.array, upright().array)
    assert read.meta["transfer_syntaxes"] == (syntax,)


def test_files_without_preamble_are_read() -> None:
    data = [one[132:] for one in files()]
    assert all(one[:2] == b"\x02\x00" for one in data)
    np.testing.assert_array_equal(dicom.read_series(members(data)).array, upright().array)
    bare = [one[one.index(b"\x08\x00\x08\x00CS") :] for one in data]
    np.testing.assert_array_equal(dicom.read_series(members(bare)).array, upright().array)


def test_a_sequence_of_undefined_length_is_stepped_over() -> None:
    def nested(found: pydicom.Dataset) -> None:
        inner = pydicom.Dataset()
        inner.Rows, inner.SeriesInstanceUID = 9999, "9.9.9"
        outer = pydicom.Dataset()
        outer.ReferencedImageSequence = pydicom.Sequence([inner, inner])
        found.ReferencedImageSequence = pydicom.Sequence([outer])
        for sequence in (found["ReferencedImageSequence"], outer["ReferencedImageSequence"]):
            sequence.is_undefined_length = True
            for item in sequence.value:
                item.is_undefined_length_sequence_item = True

    data = [changed(one, nested) for one in files()]
    assert b"\xfe\xff\xdd\xe0" in data[0]
    read = dicom.read_series(members(data))
    np.testing.assert_array_equal(read.array, upright().array)
    assert read.meta["series_uid"] == "1.2.3"


def test_times_follow_the_first_attribute_that_tells_them_apart() -> None:
    volume = upright((4, 3, 5, 3))
    data = files(volume, modality="MR")
    backwards = [changed(one, InstanceNumber=len(data) - n) for n, one in enumerate(data)]
    read = dicom.read_series(members(backwards[::-1]))
    assert read.axes == "ijkt" and read.meta["time_order_from"] == "TemporalPositionIdentifier"
    np.testing.assert_array_equal(read.array, volume.array)

    by_clock = [
        changed(one, TemporalPositionIdentifier=None, AcquisitionTime=f"0959{50 + 3 * (n // 5):02d}.5", TriggerTime=0)
        for n, one in enumerate(backwards)
    ]
    read = dicom.read_series(members(by_clock))
    assert read.meta["time_order_from"] == "AcquisitionTime"
    assert read.meta["times"] == (35990.5, 35993.5, 35996.5)
    np.testing.assert_array_equal(read.array, volume.array)


def test_echoes_of_one_series_become_parts() -> None:
    echoes = [upright((4, 3, 5), seed=n) for n in range(2)]
    data = [
        changed(one, EchoTime=te, SOPInstanceUID=f"1.7.{te}{n}")
        for te, echo in zip((5, 10), echoes, strict=True)
        for n, one in enumerate(files(echo, modality="MR"))
    ]
    found = dicom.scan(members(data)).series
    assert [series.part for series in found] == ["echo time 5 ms", "echo time 10 ms"]
    np.testing.assert_array_equal(dicom.read_series(found[1]).array, echoes[1].array)
    with pytest.raises(NotAVolume, match="echo time 5 ms") as caught:
        dicom.read_series(members(data))
    assert caught.value.reason == "several-series"


def test_a_missing_slice_is_named_with_its_neighbours() -> None:
    data = files(upright((4, 4, 9)))
    with pytest.raises(NotAVolume, match=r"003\.dcm at -52.5 mm and 004\.dcm at -47.5 mm.*jump too") as caught:
        dicom.read_series(members(data[:4] + data[5:]))
    assert caught.value.reason == "missing-slices"


@pytest.mark.parametrize("n_slices", [4, 5, 8, 40])
def test_one_missing_slice_is_found_wherever_it_is(n_slices: int) -> None:
    data = files(upright((2, 2, n_slices)))
    for gone in range(1, n_slices - 1):
        assert reason_of(data[:gone] + data[gone + 1 :]) == "missing-slices"


def test_uneven_steps_are_refused_and_rounded_positions_are_not() -> None:
    data = files(upright((2, 2, 10)))
    assert reason_of([moved(one, z=0.12 * n * n / 9) for n, one in enumerate(data)]) == "varying-spacing"
    thin = upright((2, 2, 30), np.diag([-0.8, -0.8, 0.625, 1.0]))
    rounded = [
        changed(one, ImagePositionPatient=[0, 0, round(0.625 * k, 1)]) for k, one in enumerate(files(thin))
    ]
    read = dicom.read_series(members(rounded))
    assert read.spacing_mm[2] == pytest.approx(0.625, abs=0.005)


def test_slices_moved_sideways_are_refused() -> None:
    data = files(upright((2, 2, 6)))
    assert reason_of([moved(one, x=2.0 * (n == 3)) for n, one in enumerate(data)]) == "shifted-slices"


@pytest.mark.parametrize(("degrees", "refused"), [(0.0, False), (0.05, False), (0.5, True), (14.0, True)])
def test_half_a_degree_of_gantry_tilt_is_refused(degrees: float, refused: bool) -> None:
    drift = STEP * float(np.tan(np.radians(degrees)))
    data = [moved(one, y=drift * n) for n, one in enumerate(files(upright((2, 2, 20))))]
    if not refused:
        assert dicom.read_series(members(data)).shape == (2, 2, 20)
        return
    with pytest.raises(NotAVolume, match=f"{degrees:.2f} degrees") as caught:
        dicom.read_series(members(data))
    assert caught.value.reason == "gantry-tilt"


def test_a_gap_in_a_tilted_stack_tells_both() -> None:
    data = [moved(one, y=0.4 * n) for n, one in enumerate(files(upright((2, 2, 8))))]
    with pytest.raises(NotAVolume, match="also gantry-tilt: 9.09 degrees") as caught:
        dicom.read_series(members(data[:3] + data[4:]))
    assert caught.value.reason == "missing-slices" and "shifted" not in str(caught.value)


def test_slices_that_share_no_grid_are_refused() -> None:
    data = files()
    turned = changed(data[0], ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    assert reason_of([turned, *data[1:]]) == "mixed-orientation"
    assert reason_of([data[0], *files(upright((6, 4, 4)))[1:]]) == "differing-size"
    assert reason_of([changed(data[0], PixelSpacing=[0.9, 0.7]), *data[1:]]) == "differing-pixel-spacing"
    assert reason_of([changed(one, PixelSpacing=None) for one in data]) == "no-pixel-spacing"
    assert reason_of([changed(one, ImagePositionPatient=None) for one in data]) == "no-position"
    assert reason_of([changed(data[0], ImagePositionPatient=None), *data[1:]]) == "no-position"


def test_images_at_the_same_place_are_refused_where_time_does_not_explain_them() -> None:
    data = files(upright((4, 3, 5, 2)), modality="MR")
    assert reason_of(data[:-1]) == "uneven-times"
    assert reason_of([*data, data[3]]) == "duplicate-files"
    same = [changed(one, TemporalPositionIdentifier=None, InstanceNumber=1) for one in data]
    assert reason_of(same) == "unordered-times"
    assert reason_of([data[0], data[5]]) == "one-position"


def test_few_slices_are_read_only_when_asked_for() -> None:
    data = files()
    assert reason_of(data[:2]) == "too-few-slices"
    assert dicom.read_series(members(data[:2]), least_slices=2).shape == (6, 5, 2)
    assert reason_of(data[:1]) == "too-few-slices"
    single = dicom.read_series(members(data[:1]), least_slices=1)
    assert single.shape == (6, 5, 1) and single.meta["slice_step_from"] == "SliceThickness"
    assert single.spacing_mm == pytest.approx((0.8, 0.9, STEP))


def test_several_series_need_a_choice() -> None:
    data = members(files(uid="1.2.3")) + members(files(upright(seed=9), uid="1.2.4"), "a.zip!/t/")
    with pytest.raises(NotAVolume, match=r"1\.2\.4") as caught:
        dicom.read_series(data)
    assert caught.value.reason == "several-series"
    np.testing.assert_array_equal(dicom.read_series(data, series_uid="1.2.4").array, upright(seed=9).array)
    with pytest.raises(NotFound, match="1.2.3"):
        dicom.read_series(data, series_uid="9.9")
    scanned = dicom.scan(data, max_workers=3)
    assert [series.uid for series in scanned.series] == ["1.2.3", "1.2.4"]
    np.testing.assert_array_equal(dicom.read_series(scanned.series[1]).array, upright(seed=9).array)


def test_series_without_uids_are_told_apart_by_their_folder() -> None:
    data = [
        Member(f"{folder}/{n}", changed(one, SeriesInstanceUID=""))
        for folder in "ab"
        for n, one in enumerate(files())
    ]
    assert [len(series.blobs) for series in dicom.scan(data).series] == [4, 4]


def test_blobs_of_a_series_go_by_position_then_time() -> None:
    data = members(files(upright((4, 3, 5, 2)), modality="MR"))
    series = dicom.scan(data[::-1]).series[0]
    assert (series.kind, series.n_slices, series.n_times, series.reason) == ("time series", 5, 2, None)
    assert series.blobs == tuple(data[t * 5 + k] for k in range(5) for t in range(2))


def test_strangers_are_left_out_but_damaged_dicom_is_not(tmp_path: Path) -> None:
    data: list[Any] = members(files())
    assert dicom.read_series([Member("LICENSE", b"MIT License and so on"), *data]).shape == (6, 5, 4)
    for broken in (b"", b"<!doctype html><html>", data[0].data[:400]):
        with pytest.raises(FormatError, match=r"x\.dcm"):
            dicom.read_series([*data, Member("x.dcm", broken)])
    (tmp_path / "inner").mkdir()
    scan = dicom.scan([*data, Member("x.dcm", b""), LocalFile(tmp_path / "inner"), LocalFile(tmp_path / "no")])
    assert len(scan.series) == 1 and [blob.name.rsplit("/", 1)[-1] for blob, _ in scan.others] == [
        "x.dcm",
        "inner",
        "no",
    ]
    with pytest.raises(FormatError, match="no DICOM image"):
        dicom.read_series([Member("LICENSE", b"MIT")])
    with pytest.raises(FormatError, match="no DICOM image"):
        dicom.read_series([])


def test_a_slice_cut_short_is_named() -> None:
    data = members(files())
    cut = Member(data[2].name, data[2].data[:-3])
    with pytest.raises(Truncated, match=r"002\.dcm.*60 are declared"):
        dicom.read_series([data[0], data[1], cut, data[3]])
    assert dicom.scan([data[0], data[1], cut, data[3]]).series[0].reason == "damaged"


def test_a_size_that_the_bytes_can_not_hold_is_refused_before_anything_is_allocated() -> None:
    data = [changed(one, Rows=65535, Columns=65535) for one in files()]
    with pytest.raises(Truncated, match="need 8,589,672,450 bytes"):
        dicom.read_series(members(data))

    def squeezed(found: pydicom.Dataset) -> None:
        found.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
        found.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51" + bytes(64)])

    with pytest.raises(FormatError, match="larger than its bytes can hold"):
        dicom.read_series(members([changed(one, squeezed) for one in data]))


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"RescaleSlope": "0"}, FormatError),
        ({"BitsAllocated": 12}, Unsupported),
        ({"BitsStored": 20}, Unsupported),
        ({"HighBit": 14}, Unsupported),
        ({"SamplesPerPixel": 4}, Unsupported),
        ({"Rows": 0}, FormatError),
    ],
)
def test_pixels_that_the_header_does_not_describe_are_refused(attributes: dict[str, Any], error: type) -> None:
    with pytest.raises(error):
        dicom.read_series(members([changed(one, **attributes) for one in files()]))


def test_errors_are_ours_for_numbers_that_are_none() -> None:
    for raw in (b"nan\\0\\0 ", b"abc\\1\\2 ", b"1\\2 ", b"inf\\1\\2 "):
        data = files()
        place = data[1].index(b"\x20\x00\x32\x00DS") + 8
        length = int.from_bytes(data[1][place - 2 : place], "little")
        broken = data[1][:place] + raw.ljust(length) + data[1][place + length :]
        with pytest.raises(MedshelfError, match=r"001\.dcm"):
            dicom.read_series(members([data[0], broken, *data[2:]]))


def test_an_image_without_a_place_is_a_picture_with_the_spacing_that_is_given() -> None:
    one = changed(files()[0], ImagePositionPatient=None, ImageOrientationPatient=None)
    read = dicom.read_series([Member("x", one)])
    assert (read.axes, read.affine, read.shape) == ("yx", None, (5, 6))
    assert read.spacing_mm == pytest.approx((0.9, 0.8)) and read.meta["spacing_from"] == "PixelSpacing"
    detector = changed(one, PixelSpacing=None, ImagerPixelSpacing=[0.15, 0.14])
    read = dicom.read_series([Member("x", detector)])
    assert read.spacing_mm == (0.15, 0.14) and read.meta["spacing_from"] == "ImagerPixelSpacing"
    read = dicom.read_series([Member("x", changed(one, PixelSpacing=None))])
    assert read.spacing_mm is None and read.meta["spacing_from"] is None


def test_text_is_read_in_its_character_set() -> None:
    for charset, text in (("ISO_IR 192", "Schädel ✓"), ("ISO_IR 100", "Schädel"), ("ISO_IR 144", "череп")):
        data = [changed(one, SpecificCharacterSet=charset, SeriesDescription=text) for one in files()]
        assert dicom.scan(members(data)).series[0].description == text
