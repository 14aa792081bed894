"""What must not be stacked or can't be read, each refused with its own reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from medshelf.errors import FormatError, MedshelfError, NotAVolume, NotFound, Truncated, Unsupported
from medshelf.formats import dicom
from medshelf.model.blob import LocalFile
from tests.formats.dicom_cases import STEP, Member, changed, files, members, moved, reason_of, upright


def test_slices_against_the_normal_come_back_along_it_in_the_same_place() -> None:
    affine = np.diag([-0.8, -0.9, -STEP, 1.0])
    volume = upright(affine=affine)
    read = dicom.read_series(members(files(volume)))
    np.testing.assert_array_equal(read.array, volume.array[:, :, ::-1])
    assert read.orientation == "LPS"
    np.testing.assert_allclose(read.affine[:3, 3], affine[:3, 3] + 3 * affine[:3, 2], atol=1e-9)


def test_a_missing_slice_is_named_with_its_neighbours() -> None:
    data = files(upright((4, 4, 9)))
    with pytest.raises(
        NotAVolume, match=r"003\.dcm at -52.5 mm and 004\.dcm at -47.5 mm.*jump too"
    ) as caught:
        dicom.read_series(members(data[:4] + data[5:]))
    assert caught.value.reason == "missing-slices"


@pytest.mark.parametrize("step_mm", [0.15, 0.5, 2.5])
@pytest.mark.parametrize("n_slices", [4, 5, 8, 30])
def test_one_missing_slice_is_found_wherever_it_is(n_slices: int, step_mm: float) -> None:
    data = files(upright((2, 2, n_slices), np.diag([-0.8, -0.8, step_mm, 1.0])))
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


def test_strangers_are_left_out_but_damaged_dicom_is_not(tmp_path: Path) -> None:
    data: list[Any] = members(files())
    assert dicom.read_series([Member("LICENSE", b"MIT License and so on"), *data]).shape == (6, 5, 4)
    for broken in (b"", b"<!doctype html><html>", data[0].data[:400]):
        with pytest.raises(FormatError, match=r"x\.dcm"):
            dicom.read_series([*data, Member("x.dcm", broken)])
    (tmp_path / "inner").mkdir()
    scan = dicom.scan(
        [*data, Member("x.dcm", b""), LocalFile(tmp_path / "inner"), LocalFile(tmp_path / "no")]
    )
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
def test_pixels_that_the_header_does_not_describe_are_refused(
    attributes: dict[str, Any], error: type
) -> None:
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
