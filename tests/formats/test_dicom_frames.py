"""Enhanced and multi-frame DICOM: frames in their places, in time, or as a film."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, encapsulate_extended

import medshelf
from medshelf.errors import FormatError, MedshelfError, NotAVolume, Truncated, Unsupported
from medshelf.formats import dicom
from medshelf.model.blob import LocalFile
from medshelf.model.geometry import lps_to_ras, max_corner_distance_mm, reorient
from medshelf.model.volume import Volume
from medshelf.samples.view_flat import rgb_of
from tests.formats.dicom_cases import Member, files, members, upright
from tests.formats.dicom_many import DOSE, ENHANCED_XA, NM, US_FILM, at, encoded, enhanced, item, multi_frame

OBLIQUE = (0.8, 0.6, 0.0, -0.36, 0.48, 0.8)


def values(shape: tuple[int, ...], dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 200, shape).astype(dtype)


def read(found: pydicom.Dataset, name: str = "many.dcm") -> Volume:
    """Read one file, and see that its header promises what comes."""
    data = [Member(name, encoded(found))]
    header, volume = dicom.read_series_header(data), dicom.read_series(data)
    assert (header.shape, header.dtype, header.axes) == (volume.shape, volume.array.dtype.name, volume.axes)
    assert header.spacing_mm == volume.spacing_mm and header.meta == volume.meta
    np.testing.assert_array_equal(header.affine, volume.affine)
    return volume


def reason(found: pydicom.Dataset) -> str:
    with pytest.raises(NotAVolume) as caught:
        read(found)
    assert caught.value.reason in dicom.REASONS
    return caught.value.reason


def test_frames_go_where_their_positions_say_in_any_order() -> None:
    array = values((5, 6, 4))
    order = [3, 0, 4, 1, 2]
    volume = read(enhanced(array[order], [at(7.0 + 2.5 * k) for k in order]))
    assert (volume.axes, volume.meta["slice_step_from"]) == ("ijk", "ImagePositionPatient")
    np.testing.assert_array_equal(volume.array, array.transpose(2, 1, 0))
    lps = np.array([[0.8, 0, 0, -10], [0, 0.9, 0, -20], [0, 0, 2.5, 7], [0, 0, 0, 1]])
    np.testing.assert_allclose(volume.affine, lps_to_ras(lps), atol=1e-9)


def oblique_places(count: int) -> list[dict[str, dict[str, Any]]]:
    normal = np.cross(OBLIQUE[:3], OBLIQUE[3:])
    places = [np.array([12.5, -80.25, 33.0]) + 2.5 * k * normal for k in range(count)]
    return [{"PlanePositionSequence": {"ImagePositionPatient": [round(float(x), 9) for x in p]}} for p in places]


def test_an_oblique_stack_equals_what_simpleitk_reads(tmp_path: Path) -> None:
    found = enhanced(values((5, 6, 4)), oblique_places(5), orientation=OBLIQUE)
    path = tmp_path / "enhanced.dcm"
    found.save_as(path)
    image = sitk.ReadImage(str(path))
    lps = np.eye(4)
    lps[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    lps[:3, 3] = image.GetOrigin()
    volume = read(found)
    np.testing.assert_array_equal(volume.array, sitk.GetArrayFromImage(image).transpose(2, 1, 0))
    assert max_corner_distance_mm(volume.affine, lps_to_ras(lps), volume.shape) < 1e-6


@pytest.mark.filterwarnings("ignore:The DICOM readers are highly experimental")
def test_volumes_in_time_equal_what_nibabel_reads() -> None:
    from nibabel.nicom.dicomwrappers import MultiframeWrapper

    array = values((12, 6, 4))
    frames = [at(2.5 * k, 1, k + 1, t + 1, StackID="1", InStackPositionNumber=k + 1, TemporalPositionIndex=t + 1)
              for t, k in itertools.product(range(3), range(4))]  # fmt: skip
    found = enhanced(array, frames, dimensions=("StackID", "InStackPositionNumber", "TemporalPositionIndex"))
    volume = read(found)
    assert volume.axes == "ijkt" and volume.meta["time_order_from"] == "TemporalPositionIdentifier"
    assert volume.meta["times"] == (1, 2, 3)
    wrapper = MultiframeWrapper(pydicom.dcmread(io.BytesIO(encoded(found))))
    theirs, affine = reorient(wrapper.get_data(), lps_to_ras(wrapper.affine))
    ours = volume.reoriented("RAS")
    np.testing.assert_array_equal(ours.array, theirs)
    np.testing.assert_allclose(ours.affine, affine, atol=1e-6)


def test_each_frame_is_rescaled_by_its_own_slope() -> None:
    array = values((3, 6, 4))
    frames = [at(2.5 * k) | {"PixelValueTransformationSequence": {"RescaleSlope": k + 0.5, "RescaleIntercept": -k}}
              for k in range(3)]  # fmt: skip
    volume = read(enhanced(array, frames))
    assert volume.array.dtype == np.float32 and volume.meta["rescale"] == "per slice"
    np.testing.assert_array_equal(volume.array, np.stack([array[k].T * (k + 0.5) - k for k in range(3)], axis=-1))


def diffusion(weight: float, direction: list[float] | None = None) -> dict[str, dict[str, Any]]:
    found: dict[str, Any] = {"DiffusionBValue": float(weight)}
    if direction is not None:
        found["DiffusionGradientDirectionSequence"] = [item(DiffusionGradientOrientation=direction)]
    return {"MRDiffusionSequence": found}


WEIGHTS = [(1000, [0.0, 1.0, 0.0]), (0, None), (1000, [1.0, 0.0, 0.0])]


@pytest.mark.parametrize(
    ("dimensions", "by"),
    [
        (("InStackPositionNumber", "DiffusionBValue", "DiffusionGradientOrientation"), "DimensionIndexValues"),
        ((), "DiffusionBValue"),
    ],
)
def test_diffusion_is_ordered_by_its_dimensions_or_by_weight(dimensions: tuple[str, ...], by: str) -> None:
    array = values((9, 6, 4))
    index = {0: (2, 1), 1: (1, 1), 2: (2, 2)}
    frames = [at(2.5 * k, *((k + 1, *index[t]) if dimensions else ())) | diffusion(*WEIGHTS[t])
              for k, t in itertools.product(range(3), range(3))]  # fmt: skip
    volume = read(enhanced(array, frames, dimensions=dimensions))
    assert (volume.axes, volume.meta["time_order_from"]) == ("ijkt", by)
    assert volume.meta["b_values"] == (0, 1000, 1000)
    expected = array.reshape(3, 3, 6, 4)[:, [1, 0, 2]]
    np.testing.assert_array_equal(volume.array, expected.transpose(3, 2, 0, 1))


def test_echoes_and_kinds_of_image_are_parts_to_choose_from() -> None:
    array = values((12, 6, 4))
    frames = [
        at(2.5 * k)
        | {"MREchoSequence": {"EffectiveEchoTime": echo}}
        | {"MRImageFrameTypeSequence": {"FrameType": ["ORIGINAL", "PRIMARY", kind, "NONE"]}}
        for k, echo, kind in itertools.product(range(3), (5.0, 10.0), ("M", "P"))
    ]
    found = enhanced(array, frames)
    assert reason(found) == "several-stacks"
    parts = dicom.scan([Member("x", encoded(found))]).series
    assert [series.part for series in parts] == [
        "M echo time 5 ms", "M echo time 10 ms", "P echo time 5 ms", "P echo time 10 ms",
    ]  # fmt: skip
    np.testing.assert_array_equal(dicom.read_series(parts[3]).array, array[3::4].transpose(2, 1, 0))


def test_stacks_are_parts_even_where_they_lie_across() -> None:
    array = values((6, 4, 4))
    frames = [at(2.5 * k, StackID="a") for k in range(3)]
    frames += [
        {"PlanePositionSequence": {"ImagePositionPatient": [3.0 * k, 0, 9]}, "FrameContentSequence": {"StackID": "b"}}
        | {"PlaneOrientationSequence": {"ImageOrientationPatient": [0, 1, 0, 0, 0, 1]}}
        for k in range(3)
    ]
    found = enhanced(array, frames)
    del found.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
    for one in found.PerFrameFunctionalGroupsSequence[:3]:
        one.PlaneOrientationSequence = [item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    with pytest.raises(NotAVolume, match=r"stack a .*stack b .*scan returns") as caught:
        read(found)
    assert caught.value.reason == "several-stacks"
    one, other = dicom.scan([Member("x", encoded(found))]).series
    assert dicom.read_series(one).orientation == "LPS" and dicom.read_series(other).orientation == "PSL"
    np.testing.assert_array_equal(dicom.read_series(other).array, array[3:].transpose(2, 1, 0))


def test_frames_that_must_not_be_stacked_say_why() -> None:
    array = values((6, 4, 4))
    assert reason(enhanced(array, [at(2.5 * k) for k in (0, 1, 2, 4, 5, 6)])) == "missing-slices"
    assert reason(enhanced(array, [at(2.5 * k) for k in (0, 0, 1, 1, 2, 2)])) == "unordered-times"
    assert reason(enhanced(array, [at(2.5 * k) for k in (0, 0, 1, 1, 2, 3)])) == "uneven-times"
    found = enhanced(array, [at(2.5 * k) for k in range(6)])
    del found.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence
    assert reason(found) == "no-position"
    with pytest.raises(NotAVolume, match=r"many\.dcm frame 4 .* many\.dcm frame 5"):
        read(enhanced(array, [at(z) for z in (0, 1, 2, 3, 4.5, 6)]))


def test_two_things_that_vary_are_not_taken_for_time() -> None:
    frames = [at(2.5 * k, k + 1, b, e) for k, b, e in itertools.product(range(3), (1, 2), (1, 2))]
    dimensions = ("InStackPositionNumber", "DiffusionBValue", "EffectiveEchoTime")
    assert reason(enhanced(values((12, 4, 4)), frames, dimensions=dimensions)) == "unordered-times"


def test_one_place_over_time_in_one_file_is_a_volume_of_one_slice() -> None:
    frames = [at(5.0, TemporalPositionIndex=t + 1) for t in range(4)]
    volume = read(enhanced(values((4, 6, 5)), frames))
    assert (volume.axes, volume.shape) == ("ijkt", (5, 6, 1, 4))
    assert volume.meta["slice_step_from"] == "SpacingBetweenSlices"


def test_files_of_one_series_are_stacked_together() -> None:
    array = values((8, 6, 4))
    parts = []
    for t in range(2):
        found = enhanced(array[4 * t : 4 * t + 4], [at(2.5 * k, TemporalPositionIndex=t + 1) for k in range(4)])
        found.SOPInstanceUID = f"1.9.{t}"
        parts.append(encoded(found))
    volume = dicom.read_series(members(parts[::-1]))
    np.testing.assert_array_equal(volume.array, array.reshape(2, 4, 6, 4).transpose(3, 2, 1, 0))
    with pytest.raises(NotAVolume) as caught:
        dicom.read_series(members([parts[0], parts[0]]))
    assert caught.value.reason == "duplicate-files"


@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize(
    ("syntax", "odd"),
    [
        (pydicom.uid.ImplicitVRLittleEndian, False),
        (pydicom.uid.ExplicitVRLittleEndian, False),
        (pydicom.uid.ExplicitVRLittleEndian, True),
        (pydicom.uid.ExplicitVRBigEndian, False),
        (pydicom.uid.ExplicitVRBigEndian, True),
        (pydicom.uid.DeflatedExplicitVRLittleEndian, False),
    ],
)
def test_groups_are_read_in_every_encoding(undefined: bool, syntax: pydicom.uid.UID, odd: bool) -> None:
    """Also where the walk over the header is led astray, and pydicom finds the way."""
    array = values((4, 6, 5))
    found = enhanced(array, [at(2.5 * k, TemporalPositionIndex=1) for k in range(4)], Manufacturer="ACME")
    for sequence in (found["SharedFunctionalGroupsSequence"], found["PerFrameFunctionalGroupsSequence"]):
        sequence.is_undefined_length = undefined
        for one in sequence.value:
            one.is_undefined_length_sequence_item = undefined
    little = syntax != pydicom.uid.ExplicitVRBigEndian
    if not little:
        found.PixelData = np.frombuffer(found.PixelData, "<u2").byteswap().tobytes()
    found.file_meta.TransferSyntaxUID = syntax
    out = io.BytesIO()
    pydicom.dcmwrite(out, found, implicit_vr=syntax == pydicom.uid.ImplicitVRLittleEndian, little_endian=little)
    data = out.getvalue()
    if odd:
        good = b"\x08\0\x70\0LO" if little else b"\0\x08\0\x70LO"
        assert good in data
        data = data.replace(good, good[:4] + b"ZZ")
    volume = dicom.read_series([Member("x.dcm", data)])
    np.testing.assert_array_equal(volume.array, array.transpose(2, 1, 0))
    assert volume.spacing_mm == pytest.approx((0.8, 0.9, 2.5))


def test_groups_that_do_not_fit_the_frames_are_refused() -> None:
    with pytest.raises(FormatError, match="3 frames, 2 groups"):
        read(enhanced(values((3, 4, 4)), [at(0.0), at(2.5)]))
    with pytest.raises(FormatError, match="more items"):
        read(enhanced(values((3, 4, 4)), [at(2.5 * k) for k in range(4)]))
    found = enhanced(values((3, 4, 4)), [{"PlanePositionVolumeSequence": {}} for _ in range(3)])
    with pytest.raises(Unsupported, match="transducer"):
        read(found)


@pytest.mark.parametrize("case", ["23x38x3", "24x38x3"])
def test_a_converted_series_equals_the_series_it_was_made_of(shared_data: Path, case: str) -> None:
    """Legacy converted enhanced CT, made by dcmqi's authors with another program."""
    folder = shared_data / "dcmqi-seg/data/segmentations" / case
    one = medshelf.read(folder / "multiframe")
    other = dicom.read_series([LocalFile(path) for path in sorted((folder / "image").iterdir())])
    np.testing.assert_array_equal(one.array, other.array)
    assert max_corner_distance_mm(one.affine, other.affine, other.shape) < 1e-4


def test_a_series_in_time_converted_by_highdicom_equals_itself(shared_data: Path, tmp_path: Path) -> None:
    from highdicom.legacy import LegacyConvertedEnhancedMRImage

    paths = sorted((shared_data / "dcm-qa-nih/In/20180918GE/mr_0004").glob("*.dcm"))
    single = dicom.read_series([LocalFile(path) for path in paths])
    converted = LegacyConvertedEnhancedMRImage(
        [pydicom.dcmread(path) for path in paths], "1.2.9", 5, "1.2.9.1", 1
    )
    converted.save_as(tmp_path / "x.dcm")
    volume = medshelf.read(tmp_path / "x.dcm")
    assert volume.shape == (64, 64, 15, 10)
    np.testing.assert_array_equal(volume.array, single.array)
    assert max_corner_distance_mm(volume.affine, single.affine, single.shape) < 1e-4


# Frames in encapsulated pixel data


def lossless(array: np.ndarray) -> list[bytes]:
    return [imagecodecs.jpegls_encode(one) for one in array]


def compressed(array: np.ndarray, **options: Any) -> pydicom.Dataset:
    found = enhanced(array, [at(2.5 * k) for k in range(len(array))])
    found.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLSLossless
    found.PixelData = encapsulate(lossless(array), **options)
    found["PixelData"].VR = "OB"
    return found


@pytest.mark.parametrize("options", [{}, {"has_bot": False}, {"fragments_per_frame": 3},
                                     {"fragments_per_frame": 3, "has_bot": False}])  # fmt: skip
def test_frames_are_found_with_and_without_an_offset_table(options: dict[str, Any]) -> None:
    array = values((5, 40, 30))
    volume = read(compressed(array, **options))
    np.testing.assert_array_equal(volume.array, array.transpose(2, 1, 0))


def test_frames_are_found_with_an_extended_offset_table() -> None:
    array = values((5, 40, 30))
    found = compressed(array)
    found.PixelData, found.ExtendedOffsetTable, found.ExtendedOffsetTableLengths = encapsulate_extended(
        lossless(array)
    )
    np.testing.assert_array_equal(read(found).array, array.transpose(2, 1, 0))


def test_lost_frames_are_missed() -> None:
    array = values((5, 40, 30))
    found = compressed(array)
    found.PixelData = encapsulate(lossless(array)[:4])
    with pytest.raises(Truncated, match="4 fragments for 5 frames"):
        read(found)
    data = encoded(compressed(array))
    with pytest.raises(Truncated, match=r"a fragment of the pixel data ends early|fewer frames"):
        dicom.read_series([Member("x.dcm", data[:-200])])
    found.PixelData = encapsulate([frame[:-2] + b"\0\0" for frame in lossless(array)], fragments_per_frame=2,
                                  has_bot=False)  # fmt: skip
    with pytest.raises(FormatError, match="told apart"):
        read(found)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"])
def test_frames_stored_plain_or_deflated_in_items(syntax: str) -> None:
    array = values((5, 41, 31))
    plain = [one.astype("<u2").tobytes() for one in array]
    packed = plain if syntax.endswith("98") else [imagecodecs.deflate_encode(one, raw=True) for one in plain]
    assert syntax.endswith("98") or sum(map(len, packed)) < sum(map(len, plain))

    def stored(frames: list[bytes]) -> list[Member]:
        found = compressed(array)
        found.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.98"
        found.PixelData = encapsulate(frames)
        return [Member("x.dcm", encoded(found).replace(b"1.2.840.10008.1.2.1.98", syntax.encode().ljust(22, b"\0")))]

    np.testing.assert_array_equal(dicom.read_series(stored(packed)).array, array.transpose(2, 1, 0))
    with pytest.raises(FormatError, match=r"early|damaged"):
        dicom.read_series(stored([one[: len(one) // 2] for one in packed]))


def test_a_number_of_frames_that_the_bytes_can_not_hold_is_refused_before_anything_is_allocated() -> None:
    for found in (compressed(values((3, 4, 4))), multi_frame(values((3, 4, 4)), US_FILM)):
        for count in (10**9, -3):
            found.NumberOfFrames = count
            with pytest.raises(MedshelfError, match=r"many\.dcm"):
                read(found)
    film = multi_frame(np.zeros((100_001, 1, 1), np.uint8), US_FILM)
    with pytest.raises(Unsupported, match="too many frames"):
        read(film)


# Films: frames without a place


def test_an_ultrasound_film_equals_what_simpleitk_reads() -> None:
    path = get_testdata_file("examples_ybr_color.dcm", download=False)
    assert isinstance(path, str)
    volume = medshelf.read(path)
    assert (volume.axes, volume.shape, volume.affine) == ("tyxc", (30, 240, 320, 3), None)
    np.testing.assert_array_equal(volume.array, sitk.GetArrayFromImage(sitk.ReadImage(path)))
    (region,) = pydicom.dcmread(path).SequenceOfUltrasoundRegions
    assert volume.spacing_mm == pytest.approx((10 * region.PhysicalDeltaY, 10 * region.PhysicalDeltaX))
    assert volume.meta["spacing_from"] == "SequenceOfUltrasoundRegions"
    assert volume.meta["frame_time_ms"] == pytest.approx(float(pydicom.dcmread(path).FrameTime))
    np.testing.assert_array_equal(rgb_of(volume)[0], volume.array[0])  # what `view` draws


@pytest.mark.parametrize("name", ["SC_rgb_rle", "SC_rgb_rle_16bit", "SC_rgb_rle_32bit"])
def test_pictures_of_two_frames_equal_what_pydicom_reads(name: str) -> None:
    path = get_testdata_file(f"{name}_2frame.dcm", download=False)
    assert isinstance(path, str)
    volume = medshelf.read(path, reader="dicom")
    assert volume.axes == "tyxc"
    np.testing.assert_array_equal(volume.array, pydicom.dcmread(path).pixel_array)


def region(units: int, delta: float, form: int = 1) -> pydicom.Dataset:
    return item(RegionSpatialFormat=form, PhysicalUnitsXDirection=units, PhysicalUnitsYDirection=units,
                PhysicalDeltaX=delta, PhysicalDeltaY=-delta)  # fmt: skip


@pytest.mark.parametrize(
    ("regions", "spacing"),
    [
        ([region(3, 0.02)], (0.2, 0.2)),
        ([region(3, 0.02), region(4, 0.5), region(3, 0.1, form=3)], (0.2, 0.2)),
        ([region(3, 0.02), region(3, 0.03)], None),
        ([region(4, 0.5)], None),
        ([], None),
    ],
)
def test_spacing_comes_from_the_regions_that_show_tissue_in_centimetres(
    regions: list[pydicom.Dataset], spacing: tuple[float, ...] | None
) -> None:
    found = multi_frame(values((3, 4, 5), "uint8"), US_FILM, SequenceOfUltrasoundRegions=regions)
    assert read(found).spacing_mm == spacing


def test_enhanced_frames_without_places_are_a_film() -> None:
    array = values((3, 4, 5))
    found = multi_frame(array, ENHANCED_XA, SharedFunctionalGroupsSequence=[item()])
    volume = read(found)
    assert (volume.axes, volume.affine) == ("tyx", None)
    np.testing.assert_array_equal(volume.array, array)
    with pytest.raises(NotAVolume) as caught:
        dicom.read_series(members([encoded(found), encoded(found)]))
    assert caught.value.reason == "no-position"


# Doses and nuclear medicine


@pytest.mark.parametrize("name", ["rtdose.dcm", "rtdose_expb.dcm", "rtdose_rle.dcm"])
def test_a_dose_is_scaled_and_lies_where_simpleitk_puts_it(name: str) -> None:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    found, volume = pydicom.dcmread(path), medshelf.read(path)
    assert volume.axes == "ijk" and volume.meta["dose_units"] == found.DoseUnits
    assert volume.meta["slice_step_from"] == "GridFrameOffsetVector"
    expected = found.pixel_array * float(found.DoseGridScaling)
    np.testing.assert_allclose(volume.array, expected.transpose(2, 1, 0), rtol=1e-6)
    image = sitk.ReadImage(path)
    lps = np.eye(4)
    lps[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    lps[:3, 3] = image.GetOrigin()
    assert max_corner_distance_mm(volume.affine, lps_to_ras(lps), volume.shape) < 1e-3


def dose(array: np.ndarray, offsets: list[float], **more: Any) -> pydicom.Dataset:
    place = {"ImagePositionPatient": [-10, -20, 30], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]} | more
    return multi_frame(array, DOSE, GridFrameOffsetVector=offsets, DoseGridScaling=0.25, DoseUnits="GY",
                       PixelSpacing=[3, 2], Modality="RTDOSE", **place)  # fmt: skip


def test_planes_of_a_dose_go_by_their_offsets() -> None:
    array = values((4, 6, 5))
    upwards = read(dose(array, [0, 2.5, 5, 7.5]))
    np.testing.assert_array_equal(upwards.array, array.transpose(2, 1, 0) * 0.25)
    assert upwards.affine[2, 3] == 30 and upwards.spacing_mm == (2, 3, 2.5)
    absolute = read(dose(array, [30, 32.5, 35, 37.5]))
    np.testing.assert_allclose(absolute.affine, upwards.affine)
    downwards = read(dose(array, [0, -2.5, -5, -7.5]))
    np.testing.assert_array_equal(downwards.array, upwards.array[:, :, ::-1])
    assert downwards.affine[2, 3] == 22.5
    turned = read(dose(array, [30, 32.5, 35, 37.5], ImageOrientationPatient=[1, 0, 0, 0, -1, 0]))
    np.testing.assert_array_equal(turned.array, upwards.array[:, :, ::-1])  # the normal points down, z does not
    assert turned.affine[2, 3] == 37.5


def test_doses_whose_planes_are_not_told_are_refused() -> None:
    array = values((4, 6, 5))
    assert reason(dose(array, [0, 2.5, 5, 9])) == "varying-spacing"
    with pytest.raises(FormatError, match="3 values for 4 frames"):
        read(dose(array, [0, 2.5, 5]))
    with pytest.raises(FormatError, match="begin neither"):
        read(dose(array, [7, 9.5, 12, 14.5]))


def test_a_dose_beside_images_is_not_taken_for_one_of_them() -> None:
    data = [*members(files()), Member("dose.dcm", encoded(dose(values((4, 6, 5)), [0, 2, 4, 6])))]
    np.testing.assert_array_equal(dicom.read_series(data).array, upright().array)
    twice = [encoded(dose(values((4, 6, 5)), [0, 2, 4, 6], SOPInstanceUID=f"1.8.{n}")) for n in range(2)]
    with pytest.raises(NotAVolume, match=r"001\.dcm") as caught:
        dicom.read_series(members(twice))
    assert caught.value.reason == "several-series"


@pytest.mark.parametrize("step", [4.0, -4.0])
def test_reconstructed_slices_of_nuclear_medicine(step: float) -> None:
    array = values((4, 6, 5))
    place = item(ImagePositionPatient=[-10, -20, 30], ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    found = multi_frame(array, NM, FrameIncrementPointer=0x00540080, SliceVector=[1, 2, 3, 4], PixelSpacing=[3, 2],
                        SpacingBetweenSlices=step, DetectorInformationSequence=[place], Modality="NM")  # fmt: skip
    volume = read(found)
    ours = array if step > 0 else array[::-1]
    np.testing.assert_array_equal(volume.array, ours.transpose(2, 1, 0))
    assert volume.spacing_mm == (2, 3, 4) and volume.affine[2, 3] == (30 if step > 0 else 18)
    found.SliceVector = [1, 2, 2, 4]
    with pytest.raises(FormatError, match="SliceVector"):
        read(found)
    found.FrameIncrementPointer = [0x00540010, 0x00540020]
    assert read(found).axes == "tyx"
