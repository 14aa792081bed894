"""DICOM segmentations, voxel for voxel against their NRRD twins and against highdicom."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import imagecodecs
import nrrd
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian

from medshelf.errors import AccessError, FormatError, NotFound, Truncated, Unsupported
from medshelf.formats.dicom.writing import uid_from
from medshelf.formats.dicom_seg import Code, Segment, Segmentation, read_seg, write_seg
from medshelf.model import geometry
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume

TWINS = [
    ("23x38x3/seg/label.seg", {"23x38x3/nrrd/label.nrrd": {1: 1}}),
    ("24x38x3/seg/label.seg", {"24x38x3/nrrd/label.nrrd": {1: 1}}),
    ("liver.dcm", {"liver_seg.nrrd": {1: 1}}),
    (
        "partial_overlaps.dcm",
        {
            "partial_overlaps-1.nrrd": {1: 1, 4: 4, 5: 5},
            "partial_overlaps-2.nrrd": {2: 2},
            "partial_overlaps-3.nrrd": {3: 3},
        },
    ),
    ("sparse-labelmap-noppv.dcm", {"sparse_labelmap_noppv_seg.nrrd": {1: 1}}),
    ("sparse-labelmap-ppv5.dcm", {"sparse_labelmap_ppv5_seg.nrrd": {1: 1}}),
]
"""A segmentation, and for each of its NRRD twins which segment has which value there."""


def local(path: Path | str) -> LocalFile:
    return LocalFile(Path(path))


def twin(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and affine in RAS+ mm of an NRRD file in LPS."""
    array, header = nrrd.read(str(path))
    affine = np.eye(4)
    affine[:3, :3] = header["space directions"].T
    affine[:3, 3] = header["space origin"]
    assert header["space"] == "left-posterior-superior"
    return array, geometry.lps_to_ras(affine)


@pytest.mark.parametrize(("name", "twins"), TWINS, ids=[name for name, _ in TWINS])
def test_masks_equal_their_nrrd_twins(shared_data: Path, name: str, twins: dict[str, dict[int, int]]) -> None:
    folder = shared_data / "dcmqi-seg" / "data" / "segmentations"
    found = read_seg(local(folder / name))
    compared = 0
    for other, numbers in twins.items():
        array, affine = twin(folder / other)
        for number, value in numbers.items():
            mask = found.mask(number)
            np.testing.assert_array_equal(mask.array, array == value)
            np.testing.assert_allclose(mask.affine, affine, atol=1e-4)
            assert (mask.axes, mask.array.dtype) == ("ijk", np.uint8)
            assert mask.array.any()
            compared += 1
    assert compared == len([segment for segment in found if segment.number > 0])


@pytest.mark.parametrize("padding", ["noppv", "ppv5"])
def test_label_maps_fill_missing_slices_with_their_padding(shared_data: Path, padding: str) -> None:
    folder = shared_data / "dcmqi-seg" / "data" / "segmentations"
    found = read_seg(local(folder / f"sparse-labelmap-{padding}.dcm"))
    array, _ = twin(folder / f"sparse_labelmap_{padding}_seg.nrrd")
    np.testing.assert_array_equal(found.labelmap().array, array)
    assert found.padding == (5 if padding == "ppv5" else 0)


SEGMENTATIONS = {
    "dcmqi-seg": {
        "data/segmentations/23x38x3/seg/label.seg": 1,
        "data/segmentations/24x38x3/seg/label.seg": 1,
        "data/segmentations/liver.dcm": 1,
        "data/segmentations/partial_overlaps.dcm": 5,
        "data/segmentations/sparse-labelmap-noppv.dcm": 1,
        "data/segmentations/sparse-labelmap-ppv5.dcm": 1,
        "data/sr-example/seg.dcm": 1,
    },
    "highdicom": {
        "data/test_files/seg_image_cr_binary.dcm": 1,
        "data/test_files/seg_image_ct_binary.dcm": 1,
        "data/test_files/seg_image_ct_binary_fractional.dcm": 1,
        "data/test_files/seg_image_ct_binary_overlap.dcm": 2,
        "data/test_files/seg_image_ct_binary_single_frame.dcm": 1,
        "data/test_files/seg_image_ct_true_fractional.dcm": 1,
        "data/test_files/seg_image_sm_control.dcm": 20,
        "data/test_files/seg_image_sm_control_labelmap.dcm": 20,
        "data/test_files/seg_image_sm_control_labelmap_palette_color.dcm": 20,
        "data/test_files/seg_image_sm_dots.dcm": 50,
        "data/test_files/seg_image_sm_dots_tiled_full.dcm": 50,
        "data/test_files/seg_image_sm_numbers.dcm": 20,
    },
}
"""Every segmentation of the two collections, and how many segments it has (0, the background, aside)."""


def is_seg(path: Path) -> bool:
    try:
        return pydicom.dcmread(path, specific_tags=["Modality"]).get("Modality") == "SEG"
    except pydicom.errors.InvalidDicomError:
        return False


@pytest.mark.parametrize("collection", SEGMENTATIONS)
def test_no_segmentation_of_the_collections_is_left_out(shared_data: Path, collection: str) -> None:
    root = shared_data / collection
    found = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and is_seg(p)}
    assert found == set(SEGMENTATIONS[collection])


def of_highdicom(path: Path, number: int) -> Volume:
    """What highdicom makes of one segment."""
    other = highdicom.seg.segread(path)
    if other.is_tiled:
        matrix = other.get_total_pixel_matrix(segment_numbers=[number])
        spacing = other.get_volume_geometry().pixel_spacing
        return Volume(matrix[..., 0], "yx", None, tuple(spacing))
    if other.get_volume_geometry(allow_missing_positions=True) is None:
        return Volume((pydicom.dcmread(path).pixel_array == number).astype(np.uint8), "yx")
    volume = other.get_volume(segment_numbers=[number], allow_missing_positions=True)
    affine = geometry.lps_to_ras(volume.affine)[:, [2, 1, 0, 3]]
    return Volume(volume.array[..., 0].transpose(2, 1, 0), "ijk", affine)


@pytest.mark.parametrize(
    ("collection", "name"), [(collection, name) for collection, names in SEGMENTATIONS.items() for name in names]
)
def test_masks_equal_those_of_highdicom(shared_data: Path, collection: str, name: str) -> None:
    path = shared_data / collection / name
    found = read_seg(local(path))
    numbers = [segment.number for segment in found if segment.number > 0]
    assert len(numbers) == SEGMENTATIONS[collection][name]
    for number in numbers:
        ours, theirs = found.mask(number), of_highdicom(path, number)
        header = found.header()
        assert (header.shape, header.dtype, header.axes) == (ours.shape, ours.array.dtype.name, ours.axes)
        assert (header.spacing_mm, header.affine is None) == (ours.spacing_mm, ours.affine is None)
        assert ours.axes == theirs.axes
        if ours.axes == "ijk":
            ours, theirs = ours.reoriented("RAS"), theirs.reoriented("RAS")
            np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-9)
        else:
            assert ours.spacing_mm == pytest.approx(theirs.spacing_mm)
        np.testing.assert_array_equal(ours.array, theirs.array)


def test_segments_that_overlap_are_kept_apart(shared_data: Path) -> None:
    folder = shared_data / "dcmqi-seg" / "data" / "segmentations"
    found = read_seg(local(folder / "partial_overlaps.dcm"))
    total = sum(found.mask(segment.number).array.astype(int) for segment in found)
    assert total.max() > 1
    with pytest.raises(Unsupported, match=r"overlaps segment \d.*voxels.*mask\(\)"):
        found.labelmap()


def test_a_gap_of_161_slices_is_empty(shared_data: Path) -> None:
    found = read_seg(
        local(shared_data / "highdicom" / "data" / "test_files" / "seg_image_ct_binary_overlap.dcm")
    )
    mask = found.mask(1)
    assert mask.shape == (16, 16, 165)
    assert np.count_nonzero(mask.array.any(axis=(0, 1))) <= 4


def test_segments_are_described(shared_data: Path) -> None:
    found = read_seg(local(shared_data / "dcmqi-seg" / "data" / "segmentations" / "liver.dcm"))
    liver = found.segment(1)
    assert (liver.label, liver.type.meaning, liver.algorithm_type) == ("Liver", "Liver", "SEMIAUTOMATIC")
    assert liver.category and liver.category.scheme in ("SRT", "SCT", "99DCMQI")
    assert len(found.source_uids) == 3
    with pytest.raises(NotFound, match="no segment 2.*there are 1"):
        found.mask(2)


def test_fractions_are_parts_of_one(shared_data: Path) -> None:
    folder = shared_data / "highdicom" / "data" / "test_files"
    found = read_seg(local(folder / "seg_image_ct_true_fractional.dcm"))
    stored = pydicom.dcmread(folder / "seg_image_ct_true_fractional.dcm")
    mask = found.mask(1)
    assert mask.array.dtype == np.float32
    assert 0 < mask.array.max() <= 1
    np.testing.assert_allclose(
        mask.array, stored.pixel_array.transpose(2, 1, 0) / np.float32(stored.MaximumFractionalValue)
    )
    with pytest.raises(Unsupported, match="fractional"):
        found.labelmap()


def test_a_segmentation_of_a_projection_has_no_place(shared_data: Path) -> None:
    path = shared_data / "highdicom" / "data" / "test_files" / "seg_image_cr_binary.dcm"
    mask = read_seg(local(path)).mask(1)
    assert (mask.axes, mask.affine, mask.spacing_mm) == ("yx", None, None)
    np.testing.assert_array_equal(mask.array, pydicom.dcmread(path).pixel_array)


def test_other_objects_are_refused(shared_data: Path) -> None:
    folder = shared_data / "highdicom" / "data" / "test_files"
    others = {
        folder / "ct_image.dcm": "CT",
        folder / "sr_document.dcm": "SR",
        **dict.fromkeys((shared_data / "wsi-dicom").glob("files/*"), "SM"),
    }
    assert len(others) == 3
    for path, modality in others.items():
        with pytest.raises(Unsupported, match=f"no segmentation.*modality {modality}"):
            read_seg(local(path))


# made files


SHAPE = (13, 11, 9)
LIVER = Segment(
    1, "liver", type=Code("10200004", "SCT", "Liver"), algorithm_type="AUTOMATIC", algorithm_name="x"
)
CYST = Segment(
    2,
    "cyst",
    modifiers=(Code("7771000", "SCT", "Left"),),
    description="d",
    tracking_id="t",
    tracking_uid="1.2",
)


def masks() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    first, second = rng.random(SHAPE) < 0.4, rng.random(SHAPE) < 0.3
    first[:, :, 3:5] = second[:, :, [4, 8]] = False
    return first, second


def oblique(flip: float = 1) -> np.ndarray:
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = turn * [0.7, 0.8, 2.5 * flip]
    affine[:3, 3] = (10, -20, 30)
    return affine


def made(folder: Path, affine: np.ndarray | None = None, **options: Any) -> Path:
    path = folder / "seg.dcm"
    place = oblique() if affine is None else affine
    volumes = {
        segment: Volume(array, "ijk", place) for segment, array in zip((LIVER, CYST), masks(), strict=True)
    }
    write_seg(path, volumes, patient_id="p", **options)
    return path


def changed(folder: Path, change: Callable[[Any], None], **options: Any) -> Segmentation:
    """Write a segmentation, change its data set, and read it."""
    path = made(folder, **options)
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path)
    return read_seg(local(path))


@pytest.mark.parametrize("flip", [1, -1])
def test_written_masks_are_read_again_where_they_were(tmp_path: Path, flip: float) -> None:
    uids = [uid_from(f"slice {k}") for k in range(9)]
    found = read_seg(local(made(tmp_path, oblique(flip), source_series_uid=uid_from("ct"), source_uids=uids)))
    assert [segment.label for segment in found] == ["liver", "cyst"]
    assert found.segment(1).type == LIVER.type
    assert found.segment(2).modifiers == CYST.modifiers
    assert (found.segment(2).tracking_id, found.segment(2).description) == ("t", "d")
    assert (found.referenced_series_uid, set(found.source_uids) - set(uids)) == (uid_from("ct"), set())
    for number, array in enumerate(masks(), start=1):
        ours = found.mask(number).reoriented("RAS")
        wanted = Volume(array, "ijk", oblique(flip)).reoriented("RAS")
        np.testing.assert_array_equal(ours.array, wanted.array)
        np.testing.assert_allclose(ours.affine, wanted.affine, atol=1e-6)


def test_highdicom_reads_what_is_written(tmp_path: Path) -> None:
    found = highdicom.seg.segread(made(tmp_path))
    assert found.number_of_segments == 2
    assert found.get_segment_numbers(segment_label="cyst") == [2]
    array = found.get_volume(allow_missing_positions=True).array
    assert array.shape == (9, 11, 13, 2)
    assert array.sum() == sum(int(mask.sum()) for mask in masks())


def test_frames_of_odd_size_are_not_aligned_to_bytes(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(made(tmp_path))
    assert dataset.Rows * dataset.Columns % 8 == 7
    size = -(-dataset.Rows * dataset.Columns * dataset.NumberOfFrames // 8)
    assert len(dataset.PixelData) == size + size % 2
    assert dataset.NumberOfFrames > 8


def frames_of(dataset: Any) -> list[np.ndarray]:
    return [frame.astype(np.uint8) for frame in dataset.pixel_array]


RLE, JPEG_LS, JPEG_2000, DEFLATED_FRAMES = (f"1.2.840.10008.1.2.{n}" for n in ("5", "4.80", "4.90", "8.1"))


def rle(frame: np.ndarray) -> bytes:
    """PS3.5 annex G: one segment, of literal runs only."""
    data = frame.tobytes()
    runs = (data[n : n + 128] for n in range(0, len(data), 128))
    packed = b"".join(bytes([len(run) - 1]) + run for run in runs)
    return np.array([1, 64] + [0] * 14, "<u4").tobytes() + packed + b"\0" * (len(packed) % 2)


ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    RLE: rle,
    JPEG_LS: imagecodecs.jpegls_encode,
    JPEG_2000: lambda frame: imagecodecs.jpeg2k_encode(frame, reversible=True, codecformat="j2k"),
    DEFLATED_FRAMES: lambda frame: zlib.compress(np.packbits(frame, bitorder="little").tobytes(), wbits=-15),
}


def compressed(folder: Path, syntax: str) -> Path:
    """A segmentation with its frames compressed; those deflated keep one bit a pixel."""
    path = made(folder)
    dataset = pydicom.dcmread(path)
    frames = [ENCODERS[syntax](np.ascontiguousarray(frame, np.uint8)) for frame in dataset.pixel_array]
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEG_2000 if syntax == DEFLATED_FRAMES else syntax
    if syntax != DEFLATED_FRAMES:
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.save_as(path)
    if syntax == DEFLATED_FRAMES:  # which pydicom does not know, and so does not write
        path.write_bytes(path.read_bytes().replace(JPEG_2000.encode(), syntax.encode() + b"\0", 1))
    return path


@pytest.mark.parametrize("syntax", ENCODERS)
def test_compressed_frames(tmp_path: Path, syntax: str) -> None:
    found = read_seg(local(compressed(tmp_path, syntax)))
    for number, array in enumerate(masks(), start=1):
        wanted = Volume(array, "ijk", oblique()).reoriented("RAS")
        np.testing.assert_array_equal(found.mask(number).reoriented("RAS").array, wanted.array)


@pytest.mark.parametrize("syntax", ENCODERS)
@pytest.mark.parametrize("frame", [b"", b"\xff\x4f\xff", b"\xff\xd8\xff\xf7", bytes(64), b"\x01"])
def test_a_damaged_frame_is_an_error(tmp_path: Path, syntax: str, frame: bytes) -> None:
    found = read_seg(local(compressed(tmp_path, syntax)))
    pixels = replace(found.pixels, frames=(frame,) * len(found.pixels.frames))
    with pytest.raises(FormatError, match="can't be decoded"):
        replace(found, pixels=pixels).mask(1)


def test_a_frame_of_another_size_is_an_error(tmp_path: Path) -> None:
    for syntax in (JPEG_LS, JPEG_2000, RLE):
        found = read_seg(local(compressed(tmp_path, syntax)))
        frame = ENCODERS[syntax](np.zeros((64, 64), np.uint8))
        pixels = replace(found.pixels, frames=(frame,) * len(found.pixels.frames))
        with pytest.raises(FormatError, match="can't be decoded"):
            replace(found, pixels=pixels).mask(1)


def test_frames_that_are_missing_are_counted(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(compressed(tmp_path, RLE))
    dataset.PixelData = encapsulate([rle(np.zeros((11, 13), np.uint8))] * 3)
    dataset.save_as(tmp_path / "seg.dcm")
    with pytest.raises(FormatError, match="frames"):
        read_seg(local(tmp_path / "seg.dcm"))


def test_a_deflated_file_is_read_and_a_deflated_bomb_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    assert read_seg(local(path)).mask(1).array.sum() == masks()[0].sum()
    data = path.read_bytes()
    path.write_bytes(data[:-300])
    with pytest.raises(Truncated):
        read_seg(local(path))
    path.write_bytes(data)
    monkeypatch.setattr("medshelf.formats.dicom.with_pydicom.LIMIT_BYTES", 2000)
    with pytest.raises(Unsupported, match="deflated file is too large"):
        read_seg(local(path))


def groups(dataset: Any) -> Any:
    return dataset.PerFrameFunctionalGroupsSequence


def shift(dataset: Any, frame: int, by_mm: float, along: str) -> None:
    axes = np.reshape(
        [
            float(v)
            for v in dataset.SharedFunctionalGroupsSequence[0]
            .PlaneOrientationSequence[0]
            .ImageOrientationPatient
        ],
        (2, 3),
    )
    direction = np.cross(*axes) if along == "normal" else axes[0]
    position = groups(dataset)[frame].PlanePositionSequence[0]
    position.ImagePositionPatient = [
        round(float(p) + by_mm * d, 6) for p, d in zip(position.ImagePositionPatient, direction, strict=True)
    ]


def drop(item: Any, keyword: str) -> None:
    delattr(item, keyword)


def rename_segment(dataset: Any) -> None:
    groups(dataset)[1].SegmentIdentificationSequence[0].ReferencedSegmentNumber = 7


def repeat_place(dataset: Any) -> None:
    groups(dataset)[1].PlanePositionSequence = groups(dataset)[0].PlanePositionSequence


FAULTS: list[tuple[Callable[[Any], None], type, str]] = [
    (lambda d: shift(d, 2, 0.9, "normal"), Unsupported, "irregular distances.*from 0.9.* mm"),
    (lambda d: shift(d, 2, 3, "row"), Unsupported, "one regular grid.*3 mm off"),
    (rename_segment, FormatError, "frame 2 shows segment 7"),
    (repeat_place, Unsupported, "repeats segment"),
    (lambda d: groups(d).pop(), FormatError, "does not describe each frame"),
    (lambda d: drop(groups(d)[0], "PlanePositionSequence"), FormatError, "some frames have no place"),
    (lambda d: drop(groups(d)[0], "SegmentIdentificationSequence"), FormatError, "frame 1 does not say"),
    (lambda d: drop(d.SharedFunctionalGroupsSequence[0], "PixelMeasuresSequence"), FormatError, "no PixelM"),
    (lambda d: drop(d, "PixelData"), Truncated, "no pixels"),
    (lambda d: drop(d, "SegmentSequence"), FormatError, "not complete"),
    (lambda d: setattr(d, "PixelData", d.PixelData[:50]), Truncated, "end early.*50 found"),
    (lambda d: setattr(d, "Rows", 60000), Truncated, "end early"),
    (lambda d: setattr(d, "Rows", 0), FormatError, "no rows"),
    (lambda d: setattr(d, "BitsAllocated", 32), Unsupported, "32 bits"),
    (lambda d: setattr(d, "SegmentationType", "OTHER"), Unsupported, "'OTHER'"),
    (lambda d: setattr(d, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.66.5"), Unsupported, "surface"),
    (lambda d: setattr(d.SegmentSequence[1], "SegmentNumber", 1), FormatError, "one number"),
]


@pytest.mark.parametrize(("change", "kind", "message"), FAULTS, ids=[message for *_, message in FAULTS])
def test_wrong_segmentations_are_named(
    tmp_path: Path, change: Callable[[Any], None], kind: type, message: str
) -> None:
    with pytest.raises(kind, match=message):
        changed(tmp_path, change)


def test_a_stated_spacing_that_positions_contradict_gives_way(tmp_path: Path) -> None:
    def change(dataset: Any) -> None:
        dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices = 0.7

    assert changed(tmp_path, change).mask(1).spacing_mm == pytest.approx((0.7, 0.8, 2.5), abs=1e-4)


def test_a_single_slice_without_thickness_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seg.dcm"
    write_seg(path, {"liver": Volume(masks()[0][:, :, :1], "ijk", oblique())}, patient_id="p")
    assert read_seg(local(path)).mask(1).spacing_mm == pytest.approx((0.7, 0.8, 2.5), abs=1e-5)
    dataset = pydicom.dcmread(path)
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    del measures.SpacingBetweenSlices, measures.SliceThickness
    dataset.save_as(path)
    with pytest.raises(FormatError, match="how thick"):
        read_seg(local(path))


def test_frames_far_apart_do_not_take_all_memory(tmp_path: Path) -> None:
    def change(dataset: Any) -> None:
        shift(dataset, len(groups(dataset)) - 1, 2.5e9, "normal")

    found = changed(tmp_path, change)
    with pytest.raises(Unsupported, match="too large"):
        found.mask(1)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    first, _ = masks()
    sheared = oblique()
    sheared[:3, 2] += sheared[:3, 0]
    with pytest.raises(Unsupported, match="orthogonal"):
        made(tmp_path, sheared)
    whole = Volume(first, "ijk", oblique())
    for wrong in (
        {CYST: whole},
        {},
        {"a": whole, "b": Volume(first[1:], "ijk", oblique())},
        {"a": whole, "b": Volume(first, "ijk", oblique(-1))},
        {"a": Volume(first, "ijk")},
        {"a": Volume(first[0], "yx", oblique())},
    ):
        with pytest.raises(ValueError):
            write_seg(tmp_path / "a.dcm", wrong, patient_id="p")
    with pytest.raises(ValueError, match="9 slices"):
        made(tmp_path, source_uids=["1.2"])


def test_names_become_segments(tmp_path: Path) -> None:
    volume = Volume(masks()[0], "ijk", oblique())
    write_seg(tmp_path / "a.dcm", {"liver": volume, "cyst": volume}, patient_id="p")
    found = read_seg(local(tmp_path / "a.dcm"))
    assert [(s.number, s.label, s.algorithm_type) for s in found] == [
        (1, "liver", "MANUAL"),
        (2, "cyst", "MANUAL"),
    ]


def test_bad_files_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    for data in (b"", b"<!DOCTYPE html><html>x</html>", bytes(200), b"\x89PNG\r\n\x1a\n" + bytes(300)):
        path.write_bytes(data)
        with pytest.raises(FormatError):
            read_seg(local(path))
    with pytest.raises(AccessError):
        read_seg(local(tmp_path))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_give_errors_of_ours(tmp_path: Path, survives_damage: Any) -> None:
    def read(blob: LocalFile) -> None:
        found = read_seg(blob)
        for segment in found:
            found.mask(segment.number)

    assert survives_damage(read, made(tmp_path).read_bytes(), "a.dcm", 100)
