"""Whole-slide images in DICOM: against highdicom and pydicom, levels and regions, and refusals."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import highdicom
import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, encapsulate_extended

import medshelf
from medshelf.errors import AccessError, FormatError, Truncated, Unsupported
from medshelf.formats import dicom_slide, pixel_limit
from medshelf.formats.dicom_slide import reading
from medshelf.model.blob import LocalFile

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 255, (53, 47, 3), np.uint8)
TILE = (10, 12)
JPEG, JPEG_LS, RLE, PLAIN = (f"1.2.840.10008.1.2{n}" for n in (".4.50", ".4.80", ".5", ".1"))
SLIDES = (
    "sm_image", "sm_image_control", "sm_image_dots", "sm_image_grayscale", "sm_image_grayscale_reversed",
    "sm_image_jpegls", "sm_image_jpegls_nobot", "sm_image_numbers",
)  # fmt: skip


def local(path: Path | str) -> LocalFile:
    return LocalFile(Path(path))


# real files


def of_highdicom(path: Path) -> tuple[np.ndarray, tuple[float, ...]]:
    image = highdicom.imread(path)
    return image.get_total_pixel_matrix(apply_icc_profile=False), tuple(image.get_volume_geometry().pixel_spacing)


@pytest.mark.parametrize("name", SLIDES)
def test_slides_of_highdicom(shared_data: Path, name: str) -> None:
    path = shared_data / "highdicom" / "data" / "test_files" / f"{name}.dcm"
    found, (wanted, spacing) = dicom_slide.read(local(path)), of_highdicom(path)
    np.testing.assert_array_equal(found.array, wanted)
    assert found.spacing_mm == pytest.approx(spacing)
    assert found.array.dtype == (np.uint16 if "grayscale" in name else np.uint8)
    header = dicom_slide.read_header(local(path))
    assert (header.shape, header.dtype, header.axes) == (found.shape, found.array.dtype.name, found.axes)
    assert (header.meta["optical_paths"], header.meta["organisation"]) == (("1",), "TILED_FULL")
    dataset = pydicom.dcmread(path)
    assert header.spacing_mm == pytest.approx((dataset.ImagedVolumeHeight / 50, dataset.ImagedVolumeWidth / 50), 1e-3)


def test_no_slide_of_the_collections_is_left_out(shared_data: Path) -> None:
    root = shared_data / "highdicom"
    assert {p.stem for p in root.rglob("*.dcm") if dicom_slide.is_slide(local(p))} == set(SLIDES)


def test_a_level_of_a_real_slide(shared_data: Path) -> None:
    """All pixels equal highdicom's; every tile equals the JPEG that pydicom finds, decoded by itself."""
    (path,) = (shared_data / "wsi-dicom" / "files").glob("*.dcm")
    found, (wanted, spacing) = dicom_slide.read(local(path)), of_highdicom(path)
    np.testing.assert_array_equal(found.array, wanted)
    assert found.spacing_mm == pytest.approx(spacing)
    assert (found.meta["vendor"], found.meta["magnification"]) == ("Leica Biosystems", 20)
    assert found.meta["tile"] == (240, 240)
    frames = list(pydicom.encaps.generate_frames(pydicom.dcmread(path).PixelData, number_of_frames=49))
    for n in (0, 24, 48):
        y, x = n // 7 * 240, n % 7 * 240
        tile = imagecodecs.jpeg8_decode(frames[n], colorspace="RGB", outcolorspace="RGB")
        height, width = min(240, 1547 - y), min(240, 1680 - x)
        part = dicom_slide.read_region(local(path), 0, y, x, height, width)
        np.testing.assert_array_equal(part.array, tile[:height, :width])
        assert part.meta["origin"] == (y, x)
    np.testing.assert_array_equal(medshelf.read(path).array, found.array)


def test_other_objects_are_refused(shared_data: Path) -> None:
    folder = shared_data / "highdicom" / "data" / "test_files"
    for name, modality in (("ct_image", "CT"), ("seg_image_sm_dots", "SEG"), ("sm_annotations", "ANN")):
        with pytest.raises(Unsupported, match=f"no whole-slide image.*modality {modality}"):
            dicom_slide.read_header(local(folder / f"{name}.dcm"))


# made files


def tiles_of(picture: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """First row, first column and pixels of each tile, those at the edges filled up."""
    found = []
    for y in range(0, picture.shape[0], TILE[0]):
        for x in range(0, picture.shape[1], TILE[1]):
            tile = np.full((*TILE, *picture.shape[2:]), 7, picture.dtype)
            part = picture[y : y + TILE[0], x : x + TILE[1]]
            tile[: part.shape[0], : part.shape[1]] = part
            found.append((y, x, tile))
    return found


ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    JPEG: lambda tile: imagecodecs.jpeg8_encode(tile, level=95),
    JPEG_LS: imagecodecs.jpegls_encode,
}


@pytest.fixture
def made(shared_data: Path, tmp_path: Path) -> Callable[..., LocalFile]:
    """Return a function that writes a slide of some pictures, one for each optical path."""
    base = shared_data / "highdicom" / "data" / "test_files" / "sm_image.dcm"

    def make(
        name: str = "a.dcm",
        pictures: Sequence[np.ndarray] = (PICTURE,),
        *,
        syntax: str = PLAIN,
        table: str = "basic",
        sparse: bool = False,
        left_out: Sequence[int] = (),
        change: Callable[[Any], None] | None = None,
    ) -> LocalFile:
        dataset = pydicom.dcmread(base)
        tiles = [(path, *tile) for path, picture in enumerate(pictures) for tile in tiles_of(picture)]
        tiles = [tile for n, tile in enumerate(tiles) if n not in left_out]
        first = pictures[0]
        dataset.Rows, dataset.Columns = TILE
        dataset.TotalPixelMatrixRows, dataset.TotalPixelMatrixColumns = first.shape[:2]
        dataset.SamplesPerPixel = first.shape[2] if first.ndim == 3 else 1
        dataset.PhotometricInterpretation = "RGB" if first.ndim == 3 else "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 8 * first.dtype.itemsize
        dataset.HighBit = dataset.BitsStored - 1
        dataset.NumberOfFrames = len(tiles)
        dataset.NumberOfOpticalPaths = len(pictures)
        dataset.OpticalPathSequence = [dataset.OpticalPathSequence[0] for _ in pictures]
        for n in range(len(pictures)):
            item = pydicom.Dataset()
            item.OpticalPathIdentifier = f"p{n}"
            dataset.OpticalPathSequence[n] = item
        if sparse:
            dataset.DimensionOrganizationType = "TILED_SPARSE"
            dataset.PerFrameFunctionalGroupsSequence = [group(*tile[:3]) for tile in tiles]
        if syntax == PLAIN:
            dataset.PixelData = b"".join(tile.tobytes() for *_, tile in tiles)
            dataset["PixelData"].VR = "OB" if first.dtype == np.uint8 else "OW"
        else:
            frames = [ENCODERS[syntax](tile) for *_, tile in tiles]
            if table == "extended":
                dataset.PixelData, dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = (
                    encapsulate_extended(frames)
                )
            else:
                parts = 2 if table == "fragments" else 1
                dataset.PixelData = encapsulate(frames, fragments_per_frame=parts, has_bot=table != "none")
            dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
        dataset.file_meta.TransferSyntaxUID = syntax
        if change is not None:
            change(dataset)
        dataset.save_as(tmp_path / name)
        return local(tmp_path / name)

    return make


def group(path: int, y: int, x: int) -> Any:
    item, place, optical = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    place.RowPositionInTotalImagePixelMatrix, place.ColumnPositionInTotalImagePixelMatrix = y + 1, x + 1
    optical.OpticalPathIdentifier = f"p{path}"
    item.PlanePositionSlideSequence, item.OpticalPathIdentificationSequence = [place], [optical]
    return item


Made = Callable[..., LocalFile]
REGIONS = [(0, 0, 53, 47), (0, 0, 1, 1), (52, 46, 1, 1), (9, 11, 2, 2), (20, 0, 33, 47), (13, 25, 8, 11)]


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("table", ["basic", "none", "extended", "fragments"])
def test_regions_through_every_kind_of_table(made: Made, table: str, sparse: bool) -> None:
    blob = made(syntax=JPEG_LS, table=table, sparse=sparse)
    np.testing.assert_array_equal(dicom_slide.read(blob).array, PICTURE)
    for y, x, height, width in REGIONS:
        part = dicom_slide.read_region(blob, 0, y, x, height, width)
        np.testing.assert_array_equal(part.array, PICTURE[y : y + height, x : x + width])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_optical_paths_are_the_last_axis(made: Made, kind: Any) -> None:
    pictures = [RNG.integers(0, 255, (53, 47)).astype(kind) * (n + 1) for n in range(3)]
    for sparse in (False, True):
        blob = made(pictures=pictures, sparse=sparse)
        found = dicom_slide.read(blob)
        assert (found.axes, found.meta["optical_paths"], found.array.dtype) == ("yxc", ("p0", "p1", "p2"), kind)
        np.testing.assert_array_equal(found.array, np.stack(pictures, -1))
        assert dicom_slide.read_header(blob).shape == (53, 47, 3)
    np.testing.assert_array_equal(dicom_slide.read(made(pictures=pictures[:1])).array, pictures[0])
    with pytest.raises(Unsupported, match="colour pictures on several optical paths.*2 paths"):
        dicom_slide.read(made(pictures=[PICTURE, PICTURE]))


def test_tiles_that_a_sparse_slide_leaves_out_are_0(made: Made) -> None:
    wanted = PICTURE.copy()
    wanted[0:10, 12:24] = wanted[50:53, 36:47] = 0
    found = dicom_slide.read(made(sparse=True, left_out=[1, 23]))
    np.testing.assert_array_equal(found.array, wanted)
    with pytest.raises(Truncated, match="1 x 6 x 4 = 24 tiles, 22 frames"):
        dicom_slide.read(made(left_out=[1, 23]))


def test_lossy_tiles_are_near(made: Made) -> None:
    smooth = np.add.outer(np.arange(53) * 2, np.arange(47) * 2).astype(np.uint8)
    picture = np.stack([smooth, smooth // 2, 200 - smooth], -1)
    found = dicom_slide.read(made(pictures=[picture], syntax=JPEG))
    assert np.abs(found.array.astype(int) - picture).mean() < 6


def test_a_region_decodes_only_its_tiles(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    decode = reading.read_stored
    monkeypatch.setattr(reading, "read_stored", lambda one, source: decoded.append(1) or decode(one, source))
    dicom_slide.read_region(made(syntax=JPEG_LS), 0, 5, 5, 10, 5)
    assert len(decoded) == 2


@pytest.mark.parametrize("region", [(-1, 0, 5, 5), (0, 0, 0, 5), (0, 43, 5, 5), (52, 0, 2, 1)])
def test_a_region_outside_is_a_mistake_of_the_caller(made: Made, region: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="leaves level 0 of 53 x 47"):
        dicom_slide.read_region(made(), 0, *region)


def flavour(name: str, **values: Any) -> Callable[[Any], None]:
    def change(dataset: Any) -> None:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", name, "NONE"]
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    return change


def test_files_of_one_slide_are_its_levels(made: Made) -> None:
    half, quarter = PICTURE[::2, ::2], PICTURE[::4, ::4]
    measures = [pydicom.Dataset(), pydicom.Dataset()]
    measures[0].PixelSpacing, measures[1].PixelMeasuresSequence = [0.001, 0.002], [measures[0]]
    blobs = [
        made("b.dcm", [half], change=flavour("VOLUME", SharedFunctionalGroupsSequence=[measures[1]])),
        made("c.dcm", [PICTURE[:8, :9]], change=flavour("LABEL")),
        made("a.dcm", [PICTURE], syntax=JPEG_LS, change=flavour("VOLUME")),
        made("d.dcm", [quarter], sparse=True, change=flavour("VOLUME")),
        made("e.dcm", [quarter], change=flavour("THUMBNAIL")),
    ]
    header = dicom_slide.read_header(blobs)
    assert header.meta["levels"] == [(53, 47, 3), (27, 24, 3), (14, 12, 3)]
    assert sorted(header.meta["associated"]) == ["LABEL", "THUMBNAIL"]
    for level, wanted in enumerate((PICTURE, half, quarter)):
        np.testing.assert_array_equal(dicom_slide.read(blobs, level).array, wanted)
    part = dicom_slide.read_region(blobs, 1, 3, 4, 11, 7)
    np.testing.assert_array_equal(part.array, half[3:14, 4:11])
    assert part.spacing_mm == (0.001, 0.002)
    assert part.meta["mpp"] == pytest.approx((0.499, 0.499))
    np.testing.assert_array_equal(dicom_slide.read(blobs[1]).array, PICTURE[:8, :9])
    with pytest.raises(FormatError, match="no level 3.*levels 0 to 2"):
        dicom_slide.read(blobs, 3)


def test_spacing_from_the_imaged_volume(made: Made) -> None:
    sizes = {"ImagedVolumeHeight": 5.3, "ImagedVolumeWidth": 9.4, "SharedFunctionalGroupsSequence": []}
    assert dicom_slide.read_header(made(change=flavour("VOLUME", **sizes))).spacing_mm == pytest.approx((0.1, 0.2))
    sizes["ImagedVolumeHeight"] = None
    header = dicom_slide.read_header(made(change=flavour("VOLUME", **sizes)))
    assert (header.spacing_mm, header.meta["mpp"]) == (None, None)


def test_files_that_are_no_pyramid_are_refused(made: Made) -> None:
    with pytest.raises(Unsupported, match="two files of the slide have one size.*53 x 47"):
        dicom_slide.read_header([made("a.dcm"), made("b.dcm")])
    other = made("b.dcm", [PICTURE[::2]], change=flavour("VOLUME", SeriesInstanceUID="1.2", FrameOfReferenceUID="1.3"))
    with pytest.raises(FormatError, match="several slides.*2 frames of reference"):
        dicom_slide.read_header([made("a.dcm"), other])
    with pytest.raises(FormatError, match="no files"):
        dicom_slide.read_header([])


def test_a_slide_too_large_names_the_levels_that_are_not(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = [made("a.dcm"), made("b.dcm", [PICTURE[::2, ::2]])]
    monkeypatch.setattr(pixel_limit, "LIMIT_BYTES", 5000)
    with pytest.raises(Unsupported, match=r"7473 bytes of pixels.*limit 5000.*read_region.*levels \[1\]"):
        dicom_slide.read(blobs)
    assert dicom_slide.read(blobs, 1).shape == (27, 24, 3)
    assert dicom_slide.read_region(blobs, 0, 0, 0, 40, 40).shape == (40, 40, 3)


def sized(rows: int) -> Callable[[Any], None]:
    return lambda dataset: setattr(dataset, "TotalPixelMatrixRows", rows)


FAULTS: list[tuple[Callable[[Any], None], type, str]] = [
    (lambda d: setattr(d, "TotalPixelMatrixFocalPlanes", 2), Unsupported, "focal planes"),
    (sized(0), FormatError, "no size"),
    (sized(10**6), Truncated, "tiles, 24 frames"),
    (lambda d: setattr(d, "NumberOfFrames", 26), FormatError, "24 tiles, 26 frames"),
    (sized(20), FormatError, "8 tiles, 24 frames"),
    (lambda d: setattr(d, "NumberOfFrames", 10**9), Truncated, "1,000,000,000 frames in"),
    (lambda d: setattr(d, "BitsAllocated", 32), Unsupported, "pixel type.*in 32 bits"),
    (lambda d: setattr(d, "BitsStored", 9), Unsupported, "pixel type.*9 in 8 bits"),
    (lambda d: setattr(d, "SamplesPerPixel", 2), Unsupported, "pixel type.*2 samples"),
    (lambda d: setattr(d, "PhotometricInterpretation", "PALETTE COLOR"), Unsupported, "palette"),
    (lambda d: setattr(d, "PixelData", d.PixelData[:5000]), Truncated, "8,640 bytes needed, 5,000 declared"),
    (lambda d: delattr(d, "PixelData"), FormatError, "no pixels"),
    (lambda d: delattr(d, "TotalPixelMatrixRows"), FormatError, "not complete"),
    (lambda d: setattr(d, "ImagedVolumeWidth", -1.0) or delattr(d, "SharedFunctionalGroupsSequence"), FormatError,
     "pixel spacing of the slide is wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "message"), FAULTS, ids=[message for *_, message in FAULTS])
def test_wrong_slides_are_named(made: Made, change: Callable[[Any], None], kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        dicom_slide.read(made(change=change))


def broken_table(place: int, value: int) -> Callable[[Any], None]:
    def change(dataset: Any) -> None:
        data = bytearray(dataset.PixelData)
        data[8 + 4 * place : 12 + 4 * place] = struct.pack("<I", value)
        dataset.PixelData = bytes(data)

    return change


@pytest.mark.parametrize(("place", "value"), [(0, 8), (1, 0), (3, 2), (23, 2**31)])
def test_a_table_of_offsets_that_does_not_fit_is_refused(made: Made, place: int, value: int) -> None:
    with pytest.raises(FormatError, match="table of offsets (does not fit|leads to byte)"):
        dicom_slide.read(made(syntax=JPEG_LS, change=broken_table(place, value)))


def test_fragments_without_a_table(made: Made) -> None:
    def no_table(dataset: Any) -> None:
        dataset.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0" + dataset.PixelData[8 + 4 * 24 :]

    def fewer(dataset: Any) -> None:
        dataset.PixelData = encapsulate([b"\xff\xd8\xff\xd9"] * 5, has_bot=False)

    found = dicom_slide.read(made(syntax=JPEG_LS, table="fragments", change=no_table))
    np.testing.assert_array_equal(found.array, PICTURE)
    with pytest.raises(Truncated, match="5 fragments for 24 frames"):
        dicom_slide.read(made(syntax=JPEG_LS, change=fewer))


def test_cut_files_are_truncated(made: Made, tmp_path: Path) -> None:
    for syntax in (PLAIN, JPEG_LS):
        data = made(syntax=syntax).read_bytes()
        (tmp_path / "cut.dcm").write_bytes(data[:-700])
        with pytest.raises(Truncated):
            dicom_slide.read(local(tmp_path / "cut.dcm"))


def test_bad_files_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    for data in (b"", b"<!DOCTYPE html><html>x</html>", bytes(200), b"\x89PNG\r\n\x1a\n" + bytes(300)):
        path.write_bytes(data)
        assert not dicom_slide.is_slide(local(path))
        with pytest.raises(FormatError):
            dicom_slide.read(local(path))
    with pytest.raises(AccessError):
        dicom_slide.read(local(tmp_path))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("syntax", [PLAIN, JPEG, JPEG_LS])
@pytest.mark.parametrize("sparse", [False, True])
def test_damaged_files_give_errors_of_ours(made: Made, survives_damage: Any, syntax: str, sparse: bool) -> None:
    data = made(syntax=syntax, sparse=sparse).read_bytes()
    assert survives_damage(dicom_slide.read, data, "b.dcm", 60)
