"""Segmentations that highdicom writes: of volumes, from the NRRD label maps of dcmqi, and of slides, tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import nrrd
import numpy as np
import pydicom
import pytest
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
from highdicom.sr.coding import CodedConcept

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats import pixel_limit
from medshelf.formats.dicom_seg import read_seg
from medshelf.formats.dicom_seg.segmentation import Segmentation
from medshelf.model import geometry
from medshelf.model.blob import LocalFile

ORGAN = CodedConcept("85756007", "SCT", "Tissue")


def local(path: Path | str) -> LocalFile:
    return LocalFile(Path(path))


def described(count: int) -> list[Any]:
    return [
        SegmentDescription(n, f"segment {n}", ORGAN, ORGAN, SegmentAlgorithmTypeValues.MANUAL)
        for n in range(1, count + 1)
    ]


def written(path: Path, sources: list[Any], array: np.ndarray, kind: str, count: int, **more: Any) -> Path:
    highdicom.seg.Segmentation(
        source_images=sources,
        pixel_array=array,
        segmentation_type=kind,
        segment_descriptions=described(count),
        series_instance_uid=highdicom.UID(),
        series_number=1,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="m",
        manufacturer_model_name="m",
        software_versions="1",
        device_serial_number="1",
        **more,
    ).save_as(path)
    return path


# volumes


def ct(shared_data: Path) -> list[Any]:
    folder = shared_data / "dcmqi-seg" / "data" / "segmentations" / "ct-3slice"
    found = sorted((pydicom.dcmread(p) for p in folder.iterdir()), key=lambda one: one.ImagePositionPatient[2])
    for one in found:  # which highdicom wants
        one.SpecificCharacterSet, one.PatientName = "ISO_IR 100", "A^B"
    return found


@pytest.mark.parametrize("name", ["liver_spine_seg", "liver_spine_gapped_seg", "heart_seg"])
@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
def test_label_maps_of_dcmqi_written_by_highdicom(shared_data: Path, tmp_path: Path, name: str, kind: str) -> None:
    """Voxels are those of the NRRD file, and lie where it says; a segment in the list without a frame is empty."""
    array, header = nrrd.read(str(shared_data / "dcmqi-seg" / "data" / "segmentations" / f"{name}.nrrd"))
    stack = np.ascontiguousarray(array.transpose(2, 1, 0)).astype(np.uint8)
    options = {"fractional_type": "OCCUPANCY"} if kind == "FRACTIONAL" else {}
    found = read_seg(local(written(tmp_path / "a.dcm", ct(shared_data), stack, kind, 6, **options)))
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = header["space directions"].T, header["space origin"]
    for number in range(1, 7):
        mask = found.mask(number)
        assert mask.array.dtype == (np.float32 if kind == "FRACTIONAL" else np.uint8)
        first = round(float((mask.affine[2, 3] - affine[2, 3]) / affine[2, 2]))
        wanted = array[:, :, first : first + mask.shape[2]] == number
        np.testing.assert_array_equal(mask.array, wanted)
        assert wanted.sum() == (array == number).sum()
        shifted = geometry.lps_to_ras(affine)
        shifted[:3, 3] += first * shifted[:3, 2]
        np.testing.assert_allclose(mask.affine, shifted, atol=1e-4)
    assert found.meta["fractional_type"] == options.get("fractional_type")
    if kind != "FRACTIONAL":
        np.testing.assert_array_equal(found.labelmap().array.max(), array.max())


def test_orientation_may_be_given_for_each_frame(shared_data: Path, tmp_path: Path) -> None:
    mask = np.zeros((3, 512, 512), np.uint8)
    mask[:, 100:110, 200:250] = 1
    path = written(tmp_path / "a.dcm", ct(shared_data), mask, "BINARY", 1)
    shared = read_seg(local(path)).mask(1)
    dataset = pydicom.dcmread(path)
    common = dataset.SharedFunctionalGroupsSequence[0]
    for group in dataset.PerFrameFunctionalGroupsSequence:
        group.PlaneOrientationSequence = common.PlaneOrientationSequence
        group.PixelMeasuresSequence = common.PixelMeasuresSequence
    del common.PlaneOrientationSequence, common.PixelMeasuresSequence
    dataset.save_as(path)
    own = read_seg(local(path)).mask(1)
    np.testing.assert_array_equal(own.array, shared.array)
    np.testing.assert_array_equal(own.affine, shared.affine)
    group.PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    for other in dataset.PerFrameFunctionalGroupsSequence[:-1]:
        other.PlaneOrientationSequence = pydicom.Sequence([pydicom.Dataset()])
        other.PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.save_as(path)
    with pytest.raises(Unsupported, match="several orientations"):
        read_seg(local(path))


# slides


def slide(shared_data: Path) -> Any:
    return pydicom.dcmread(shared_data / "highdicom" / "data" / "test_files" / "sm_image_control.dcm")


def spots() -> np.ndarray:
    """50 x 50 pixels in tiles of 10 x 10, of which most hold nothing."""
    array = np.zeros((1, 50, 50), np.uint8)
    array[0, 3:18, 7:9] = 1
    array[0, 41:49, 22:41] = 2
    return array


@pytest.mark.parametrize("organisation", ["TILED_FULL", "TILED_SPARSE"])
@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
def test_slides_whole_and_by_region(shared_data: Path, tmp_path: Path, organisation: str, kind: str) -> None:
    full = organisation == "TILED_FULL"
    options = {"dimension_organization_type": organisation, "omit_empty_frames": not full, "tile_pixel_array": True}
    options |= {"tile_size": (10, 10)}
    if kind == "FRACTIONAL":
        options["fractional_type"] = "PROBABILITY"
    path = written(tmp_path / "a.dcm", [slide(shared_data)], spots(), kind, 3, **options)
    found = read_seg(local(path))
    assert found.tiling is not None and found.tiling.organisation == organisation
    assert len(found.tiling.tops) == (25 * (1 if kind == "LABELMAP" else 3) if full else len(found.pixels.frames) or 5)
    other = highdicom.seg.segread(path)
    for number in (1, 2, 3):
        whole = found.mask(number)
        np.testing.assert_array_equal(whole.array, spots()[0] == number)
        np.testing.assert_array_equal(whole.array, other.get_total_pixel_matrix(segment_numbers=[number])[..., 0])
        assert (whole.axes, whole.affine, whole.meta["origin"]) == ("yx", None, (0, 0))
        assert whole.spacing_mm == pytest.approx((0.000499, 0.000499), rel=1e-3)
        for y, x, height, width in ((0, 0, 50, 50), (5, 6, 7, 3), (49, 49, 1, 1), (12, 0, 30, 50)):
            part = found.mask(number, region=(y, x, height, width))
            np.testing.assert_array_equal(part.array, whole.array[y : y + height, x : x + width])
            assert part.meta["origin"] == (y, x)
    if kind != "FRACTIONAL":
        np.testing.assert_array_equal(found.labelmap().array, spots()[0])
        np.testing.assert_array_equal(found.labelmap(region=(40, 20, 10, 9)).array, spots()[0, 40:, 20:29])


def made(shared_data: Path, folder: Path, **more: Any) -> Path:
    options = {"omit_empty_frames": True, "tile_pixel_array": True, "tile_size": (10, 10)} | more
    return written(folder / "a.dcm", [slide(shared_data)], spots(), "BINARY", 2, **options)


def test_a_region_decodes_only_its_tiles(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_seg(local(made(shared_data, tmp_path)))
    decoded: list[int] = []
    kind = type(found.pixels)
    frame = kind.frame
    monkeypatch.setattr(kind, "frame", lambda self, n: decoded.append(n) or frame(self, n))
    found.mask(1, region=(0, 0, 10, 10))
    assert len(decoded) == 1


@pytest.mark.parametrize("region", [(-1, 0, 5, 5), (0, 0, 0, 5), (0, 46, 5, 5), (49, 0, 2, 1)])
def test_a_region_off_the_slide_is_a_mistake(shared_data: Path, tmp_path: Path, region: Any) -> None:
    with pytest.raises(ValueError, match="leaves the slide of 50 x 50"):
        read_seg(local(made(shared_data, tmp_path))).mask(1, region=region)


def test_a_volume_has_no_regions(shared_data: Path) -> None:
    path = shared_data / "highdicom" / "data" / "test_files" / "seg_image_ct_binary.dcm"
    with pytest.raises(Unsupported, match="of slides only"):
        read_seg(local(path)).mask(1, region=(0, 0, 5, 5))


def changed(path: Path, change: Callable[[Any], None]) -> Segmentation:
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path)
    return read_seg(local(path))


def test_a_slide_too_large_is_read_by_region_only(shared_data: Path, tmp_path: Path) -> None:
    def change(dataset: Any) -> None:
        dataset.TotalPixelMatrixRows = dataset.TotalPixelMatrixColumns = 200_000

    found = changed(made(shared_data, tmp_path), change)
    for read in (lambda: found.mask(1), found.labelmap, lambda: found.mask(1, region=(0, 0, 50_000, 50_000))):
        with pytest.raises(Unsupported, match=rf"too large.*limit {pixel_limit.LIMIT_BYTES}.*region="):
            read()
    np.testing.assert_array_equal(found.mask(2, region=(0, 0, 50, 50)).array, spots()[0] == 2)
    assert not found.mask(2, region=(150_000, 150_000, 100, 100)).array.any()


def groups(dataset: Any) -> Any:
    return dataset.PerFrameFunctionalGroupsSequence


def same_place(dataset: Any) -> None:
    for group in groups(dataset)[:2]:
        group.PlanePositionSlideSequence = groups(dataset)[0].PlanePositionSlideSequence
        group.SegmentIdentificationSequence = groups(dataset)[0].SegmentIdentificationSequence


FAULTS: list[tuple[Callable[[Any], None], type, str]] = [
    (lambda d: setattr(d, "TotalPixelMatrixFocalPlanes", 3), Unsupported, "focal planes.*3 planes"),
    (lambda d: setattr(d, "TotalPixelMatrixRows", 0), FormatError, "no size.*0 x 50"),
    (lambda d: setattr(d, "DimensionOrganizationType", "TILED_FULL"), Truncated, "2 x 5 x 5 = 50 tiles, 5 frames"),
    (lambda d: delattr(groups(d)[1], "PlanePositionSlideSequence"), FormatError, "frame 2 does not say where"),
    (lambda d: groups(d).pop(), FormatError, "where each tile is.*5 frames, 4 groups"),
    (same_place, Unsupported, "two frames lie at one place"),
    (lambda d: setattr(d, "NumberOfFrames", 10**9), Truncated, "end early"),
    (lambda d: delattr(d, "TotalPixelMatrixColumns"), FormatError, "not complete"),
]


@pytest.mark.parametrize(("change", "kind", "message"), FAULTS, ids=[message for *_, message in FAULTS])
def test_wrong_slides_are_named(
    shared_data: Path, tmp_path: Path, change: Callable[[Any], None], kind: type, message: str
) -> None:
    with pytest.raises(kind, match=message):
        changed(made(shared_data, tmp_path), change)


def test_padding_that_is_no_value_is_refused(shared_data: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "a.dcm", ct(shared_data), np.zeros((3, 512, 512), np.uint8), "LABELMAP", 1)
    with pytest.raises(FormatError, match="padding is no value.*300 in 8 bits"):
        changed(path, lambda d: d.add_new("PixelPaddingValue", "US", 300))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("organisation", ["TILED_FULL", "TILED_SPARSE"])
def test_damaged_slides_give_errors_of_ours(
    shared_data: Path, tmp_path: Path, survives_damage: Any, organisation: str
) -> None:
    def read(blob: LocalFile) -> None:
        found = read_seg(blob)
        for segment in found:
            found.mask(segment.number)

    full = organisation == "TILED_FULL"
    path = made(shared_data, tmp_path, dimension_organization_type=organisation, omit_empty_frames=not full)
    assert survives_damage(read, path.read_bytes(), "b.dcm", 60)
