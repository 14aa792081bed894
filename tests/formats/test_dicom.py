"""DICOM series made for the purpose: order, geometry and values."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from medshelf.errors import NotAVolume
from medshelf.formats import dicom
from medshelf.model.blob import LocalFile
from medshelf.model.geometry import max_corner_distance_mm
from medshelf.model.volume import Volume
from tests.formats.dicom_cases import Member, changed, files, members, upright


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
    data = [
        changed(data[k], InstanceNumber=int(n) + 1, SOPInstanceUID=f"1.9.{n}") for n, k in enumerate(order)
    ]
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


def test_headers_that_lead_the_walk_astray_are_read_all_the_same() -> None:
    data = [one.replace(b"\x08\x00\x70\x00LO", b"\x08\x00\x70\x00ZZ") for one in files()]
    assert data != files()
    read = dicom.read_series(members(data))
    np.testing.assert_array_equal(read.array, upright().array)
    np.testing.assert_allclose(read.affine, upright().affine, atol=1e-9)


def test_a_scanned_series_can_be_sent_to_another_process() -> None:
    (series,) = dicom.scan(members(files())).series
    sent = pickle.loads(pickle.dumps(series))
    assert sent == series
    np.testing.assert_array_equal(dicom.read_series(sent).array, upright().array)


def test_times_follow_the_first_attribute_that_tells_them_apart() -> None:
    volume = upright((4, 3, 5, 3))
    data = files(volume, modality="MR")
    backwards = [changed(one, InstanceNumber=len(data) - n) for n, one in enumerate(data)]
    read = dicom.read_series(members(backwards[::-1]))
    assert read.axes == "ijkt" and read.meta["time_order_from"] == "TemporalPositionIdentifier"
    np.testing.assert_array_equal(read.array, volume.array)

    by_clock = [
        changed(
            one,
            TemporalPositionIdentifier=None,
            AcquisitionTime=f"0959{50 + 3 * (n // 5):02d}.5",
            TriggerTime=0,
        )
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
