"""Whole-slide images: levels, regions, scale, and refusal of what is too large."""

from __future__ import annotations

import base64
import io
import re
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image as pil

from medshelf import formats
from medshelf.errors import AccessError, FormatError, Truncated, Unsupported
from medshelf.formats import raster, slide
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume

ROWS, COLUMNS = 700, 1100
PICTURE = np.stack(
    [np.add.outer(np.arange(ROWS) * a, np.arange(COLUMNS) * b) % 251 for a, b in ((1, 0), (0, 1), (3, 2))], -1
).astype(np.uint8)


@pytest.fixture(scope="module")
def svs(tmp_path_factory: pytest.TempPathFactory) -> LocalFile:
    path = tmp_path_factory.mktemp("slide") / "a.svs"
    slide.write(path, Volume(PICTURE, "yxc", None, (0.000499, 0.000499)))
    return LocalFile(path)


def test_the_header_tells_levels_scale_and_maker(svs: LocalFile) -> None:
    header = slide.read_header(svs)
    assert (header.shape, header.dtype, header.axes) == (PICTURE.shape, "uint8", "yxc")
    assert header.spacing_mm == pytest.approx((0.000499, 0.000499))
    assert header.meta["mpp"] == (0.499, 0.499)
    assert header.meta["levels"] == [(700, 1100, 3), (350, 550, 3)]
    assert (header.meta["vendor"], header.meta["magnification"]) == ("aperio", 20)
    assert header.meta["associated"] == ["Thumbnail"]


def test_tifffile_takes_what_is_written_for_an_aperio_file(svs: LocalFile) -> None:
    with tifffile.TiffFile(svs.path) as tiff:
        assert tiff.is_svs
        assert [level.shape for level in tiff.series[0].levels] == [(700, 1100, 3), (350, 550, 3)]
        np.testing.assert_array_equal(tiff.series[0].levels[1].asarray(), slide.read(svs, level=1).array)


def test_levels_are_read_whole(svs: LocalFile) -> None:
    full, half = slide.read(svs), slide.read(svs, level=1)
    np.testing.assert_array_equal(full.array, PICTURE)
    assert half.spacing_mm == pytest.approx((0.000998, 0.000998))
    with pytest.raises(FormatError, match="no level 2.*levels 0 to 1"):
        slide.read(svs, level=2)


@pytest.mark.parametrize(
    "region", [(0, 0, 1, 1), (699, 1099, 1, 1), (250, 250, 20, 20), (3, 500, 690, 7), (0, 0, ROWS, COLUMNS)]
)
def test_regions_are_cut_out_of_their_level(svs: LocalFile, region: tuple[int, int, int, int]) -> None:
    y, x, height, width = region
    found = slide.read_region(svs, 0, y, x, height, width)
    np.testing.assert_array_equal(found.array, PICTURE[y : y + height, x : x + width])
    assert found.meta["origin"] == (y, x)


def test_a_region_of_a_reduced_level_counts_in_that_levels_pixels(svs: LocalFile) -> None:
    found = slide.read_region(svs, 1, 300, 500, 50, 50)
    np.testing.assert_array_equal(found.array, slide.read(svs, level=1).array[300:, 500:])


def test_a_region_decodes_only_its_tiles(svs: LocalFile, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    tile = slide._tile
    monkeypatch.setattr(slide, "_tile", lambda *args: decoded.append(args[2]) or tile(*args))
    slide.read_region(svs, 0, 200, 10, 100, 100)
    assert decoded == [0, 5]


@pytest.mark.parametrize("region", [(-1, 0, 5, 5), (0, 0, 0, 5), (0, 1096, 5, 5), (699, 0, 2, 1)])
def test_a_region_outside_is_a_mistake_of_the_caller(
    svs: LocalFile, region: tuple[int, int, int, int]
) -> None:
    with pytest.raises(ValueError, match="leaves level 0 of 700 x 1100"):
        slide.read_region(svs, 0, *region)


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000", "lzw", None])
def test_other_compressions(tmp_path: Path, compression: str | None) -> None:
    slide.write(tmp_path / "a.svs", Volume(PICTURE, "yxc"), compression=compression, tile=128)
    found = slide.read(LocalFile(tmp_path / "a.svs"))
    np.testing.assert_array_equal(found.array, tifffile.imread(tmp_path / "a.svs"))
    assert np.abs(found.array.astype(int) - PICTURE).mean() < 8
    assert found.spacing_mm is None
    with tifffile.TiffFile(tmp_path / "a.svs") as tiff:
        assert len(tiff.series[0].levels) == 3


def test_a_plain_pyramid_in_strips_with_a_resolution(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        common: dict[str, Any] = {"photometric": "rgb", "metadata": None, "rowsperstrip": 64}
        writer.write(PICTURE, subifds=1, resolution=(20000, 40000), resolutionunit="CENTIMETER", **common)
        writer.write(PICTURE[::4, ::4], subfiletype=1, **common)
    header = slide.read_header(LocalFile(tmp_path / "a.tif"))
    assert header.spacing_mm == pytest.approx((0.00025, 0.0005))
    assert header.meta["levels"] == [(700, 1100, 3), (175, 275, 3)]
    found = slide.read_region(LocalFile(tmp_path / "a.tif"), 1, 60, 3, 20, 30)
    np.testing.assert_array_equal(found.array, PICTURE[::4, ::4][60:80, 3:33])
    assert formats.read_header(LocalFile(tmp_path / "a.tif"), "slide").shape == PICTURE.shape


def test_a_resolution_for_printing_is_no_scale(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", PICTURE, photometric="rgb", resolution=(72, 72), resolutionunit="INCH"
    )
    assert slide.read_header(LocalFile(tmp_path / "a.tif")).spacing_mm is None


def test_a_grey_slide_has_no_channel_axis(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", PICTURE[..., 0], tile=(256, 256))
    found = slide.read(LocalFile(tmp_path / "a.tif"))
    assert found.axes == "yx"
    np.testing.assert_array_equal(found.array, PICTURE[..., 0])


def test_tiles_that_were_left_out_are_black(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        shape=(600, 600, 3),
        dtype="uint8",
        tile=(256, 256),
        photometric="rgb",
        compression="zlib",
        data=iter([np.full((256, 256, 3), 9, np.uint8), *[None] * 8]),
    )
    found = slide.read(LocalFile(tmp_path / "a.tif"))
    assert (found.array[:256, :256] == 9).all()
    assert not found.array[256:].any()


def test_a_slide_too_large_to_be_read_whole_names_the_levels_that_are_not(
    svs: LocalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slide, "LIMIT_BYTES", 1_000_000)
    with pytest.raises(Unsupported, match=r"2310000 bytes of pixels.*read_region.*levels \[1\]"):
        slide.read(svs)
    assert slide.read(svs, level=1).shape == (350, 550, 3)
    assert slide.read_region(svs, 0, 0, 0, 100, 100).shape == (100, 100, 3)


def test_a_slide_under_a_tif_name_is_refused_by_raster_with_advice(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        shape=(40000, 40000, 3),
        dtype="uint8",
        tile=(512, 512),
        photometric="rgb",
        compression="zlib",
        data=iter([np.ones((512, 512, 3), np.uint8), *[None] * (79 * 79 - 1)]),
    )
    with pytest.raises(Unsupported, match="read_region"):
        raster.read(LocalFile(tmp_path / "a.tif"))
    assert slide.read_region(LocalFile(tmp_path / "a.tif"), 0, 30000, 30000, 10, 10).shape == (10, 10, 3)


def test_focal_planes_and_planes_of_colour_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((3, 64, 64), np.uint8), tile=(32, 32), photometric="minisblack"
    )
    with pytest.raises(Unsupported, match="no flat slide"):
        slide.read_header(LocalFile(tmp_path / "a.tif"))
    tifffile.imwrite(
        tmp_path / "b.tif",
        np.zeros((3, 64, 64), np.uint8),
        tile=(32, 32),
        photometric="rgb",
        planarconfig="separate",
    )
    with pytest.raises(Unsupported, match="no flat slide"):
        slide.read(LocalFile(tmp_path / "b.tif"))


SUBSAMPLED = base64.b64decode(
    "/0//UQAvAAAAAABAAAAAQAAAAAAAAAAAAAAAQAAAAEAAAAAAAAAAAAADBwEBBwIBBwIB/1IADAAAAAEABQQEAAH/XAATQEBISFBI"
    "SFBISFBISFBISFD/ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjT/kAAKAAAAAAC6AAH/k9+AMAeK4H/hz8+0"
    "DAj9b8+0DAQy78PqA4PnBg0CEQs9h8PqAgABu6H1AQAMGcHzhYHyBAAiGghdfwN/3V/B84QAF9ZlS6D5wYAAvdHA+QNAfCIANqGZ"
    "rmOfPaY0L8D5AwAiHMRw2z+gfIEAKd3e9cB8IkA6IF+nx4mdrCk/wHwigDaheX4/oD4RAIQKplrAOiwBIItiAauf4Y1ip8A6KF+n"
    "x6jfoB0UyHTqRz//2Q=="
)
"""JPEG 2000 made with OpenJPEG: 64 x 64, y = row + 2 column; at half the columns b = 20 + 3 column, r = 220 - 3 row."""


def in_rgb(y: np.ndarray, b: np.ndarray, r: np.ndarray) -> np.ndarray:
    stored = np.stack([y, b, r], -1).astype(np.uint8)
    return np.asarray(pil.fromarray(stored, "YCbCr").convert("RGB")).astype(int)


def test_jpeg_2000_in_ycbcr_of_aperio(tmp_path: Path) -> None:
    """Compression 33003, whose colours are subsampled or not: both give what Pillow makes of the YCbCr."""
    rows, columns = np.mgrid[:64, :64]
    y, b, r = rows + 2 * columns, 20 + 3 * (columns // 2), 220 - 3 * rows
    whole = np.stack([y, b, r], -1).astype(np.uint8)
    plain = imagecodecs.jpeg2k_encode(whole, reversible=True, codecformat="j2k", mct=False)
    for name, codestream in (("subsampled", SUBSAMPLED), ("plain", plain)):
        path = tmp_path / f"{name}.svs"
        tifffile.imwrite(
            path,
            iter([codestream]),
            shape=(64, 64, 3),
            dtype=np.uint8,
            tile=(64, 64),
            photometric="rgb",
            compression=34712,
            description="Aperio Image Library|MPP = 0.25",
            metadata=None,
        )
        data = path.read_bytes()
        assert data.count((34712).to_bytes(2, "little")) == 1
        path.write_bytes(data.replace((34712).to_bytes(2, "little"), (33003).to_bytes(2, "little")))
        found = slide.read(LocalFile(path))
        assert np.abs(found.array - in_rgb(y, b, r)).max() <= 2, name
        np.testing.assert_array_equal(slide.read_region(LocalFile(path), 0, 5, 6, 7, 8).array, found.array[5:12, 6:14])


def pyramid(path: Path, array: np.ndarray, **metadata: Any) -> LocalFile:
    """An OME-TIFF of two levels."""
    colour = array.shape[-1] == 3
    common: dict[str, Any] = {
        "tile": (256, 256), "photometric": "rgb" if colour else "minisblack", "compression": "zlib",
    }  # fmt: skip
    half = array[::2, ::2] if colour else array[:, ::2, ::2]
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(array, subifds=1, metadata={"axes": "YXS" if colour else "CYX", **metadata}, **common)
        writer.write(half, subfiletype=1, **common)
    return LocalFile(path)


def test_ome_tiff_in_colour(tmp_path: Path) -> None:
    sizes = {"PhysicalSizeX": 500, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.25, "PhysicalSizeYUnit": "µm"}
    blob = pyramid(tmp_path / "a.ome.tif", PICTURE, **sizes)
    header = slide.read_header(blob)
    assert header.meta["levels"] == [(700, 1100, 3), (350, 550, 3)]
    assert (header.meta["mpp"], header.spacing_mm) == ((0.25, 0.5), (0.00025, 0.0005))
    found = slide.read_region(blob, 1, 100, 250, 100, 200)
    np.testing.assert_array_equal(found.array, PICTURE[::2, ::2][100:200, 250:450])
    assert found.spacing_mm == pytest.approx((0.0005, 0.001))


def test_ome_tiff_of_channels(tmp_path: Path) -> None:
    channels = np.random.default_rng(0).integers(0, 65535, (4, 700, 1100), np.uint16)
    blob = pyramid(tmp_path / "a.ome.tif", channels)
    header = slide.read_header(blob)
    assert (header.shape, header.dtype, header.axes, header.spacing_mm) == ((700, 1100, 4), "uint16", "yxc", None)
    np.testing.assert_array_equal(slide.read(blob).array, channels.transpose(1, 2, 0))
    found = slide.read_region(blob, 1, 100, 250, 100, 200)
    np.testing.assert_array_equal(found.array, channels[:, ::2, ::2][:, 100:200, 250:450].transpose(1, 2, 0))


def hamamatsu(path: Path, levels: list[tuple[np.ndarray, float, int]]) -> list[bytes]:
    """Write an NDPI file: JPEGs whose restart intervals, of so many blocks, are the tiles; return the JPEGs.

    Offsets have 64 bits: the high halves of the values of an IFD follow it.
    """
    data, link, pictures = bytearray(b"II*\0" + bytes(8)), 4, []
    for array, magnification, blocks in levels:
        stream = io.BytesIO()
        pil.fromarray(array).save(stream, "JPEG", quality=95, subsampling=0, restart_marker_blocks=blocks)
        picture = stream.getvalue()
        pictures.append(picture)
        scan = picture.index(b"\xff\xda")
        begin = scan + 2 + int.from_bytes(picture[scan + 2 : scan + 4], "big")
        starts = [begin] + [begin + m.end() for m in re.finditer(rb"\xff[\xd0-\xd7]", picture[begin:])]
        place, (rows, columns) = len(data), array.shape[:2]
        data += picture
        entries = {
            256: ("I", 4, [columns]), 257: ("I", 4, [rows]), 258: ("H", 3, [8] * 3), 259: ("H", 3, [7]),
            262: ("H", 3, [6]), 271: ("B", 2, list(b"Hamamatsu\0")), 273: ("I", 4, [place]), 277: ("H", 3, [3]),
            278: ("I", 4, [rows]), 279: ("I", 4, [len(picture)]),
            282: ("I", 5, [int(1000 * abs(magnification)), 1]), 283: ("I", 5, [int(2000 * abs(magnification)), 1]),
            296: ("H", 3, [3]), 65420: ("I", 4, [1]), 65421: ("f", 11, [magnification]),
        }  # fmt: skip
        if len(starts) > 1:
            entries[65426] = ("I", 4, starts)
        directory = b""
        for code, (letter, kind, values) in sorted(entries.items()):
            raw = struct.pack(f"<{len(values)}{letter}", *values)
            if len(raw) > 4:
                data, raw = data + raw, struct.pack("<I", len(data))
            directory += struct.pack("<HHI", code, kind, len(values) // (2 if kind == 5 else 1)) + raw.ljust(4, b"\0")
        struct.pack_into("<Q", data, link, len(data))
        data += struct.pack("<H", len(entries)) + directory
        link = len(data)
        data += bytes(8 + 4 * len(entries))
    path.write_bytes(data)
    return pictures


def test_ndpi_levels_and_regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = np.ascontiguousarray(PICTURE[:256, :512])
    half, macro = np.ascontiguousarray(full[::2, ::2]), np.ascontiguousarray(full[:200, :300])
    blob = LocalFile(tmp_path / "a.ndpi")
    pictures = hamamatsu(blob.path, [(full, 20, 16), (half, 10, 32), (macro, -1, 0)])
    header = slide.read_header(blob)
    assert (header.meta["vendor"], header.meta["magnification"]) == ("hamamatsu", 20)
    assert header.meta["levels"] == [(256, 512, 3), (128, 256, 3)]
    assert header.meta["associated"] == ["Macro"]
    assert header.spacing_mm == pytest.approx((0.00025, 0.0005))
    for level in (0, 1):
        whole = imagecodecs.jpeg8_decode(pictures[level])
        np.testing.assert_array_equal(slide.read(blob, level).array, whole)
        part = slide.read_region(blob, level, 33, 60, 50, 70)
        np.testing.assert_array_equal(part.array, whole[33:83, 60:130])
    decoded: list[int] = []
    tile = slide._tile
    monkeypatch.setattr(slide, "_tile", lambda *args: decoded.append(args[2]) or tile(*args))
    slide.read_region(blob, 0, 0, 130, 16, 100)
    assert decoded == [1, 5], "tiles of 128 x 8 pixels, 4 in a row"


def test_what_is_no_slide_is_not_written(tmp_path: Path) -> None:
    for array, axes in (
        (PICTURE[..., 0], "yx"),
        (PICTURE.astype(np.uint16), "yxc"),
        (PICTURE[..., :2], "yxc"),
    ):
        with pytest.raises(Unsupported):
            slide.write(tmp_path / "a.svs", Volume(array, axes))


def test_bad_files_are_errors(tmp_path: Path, svs: LocalFile) -> None:
    path = tmp_path / "a.svs"
    data = svs.read_bytes()
    for bad in (b"", b"<html>x</html>", b"\x89PNG\r\n\x1a\n" + bytes(90), b"II*\0\x08\0\0\0\0\0\0\0\0\0"):
        path.write_bytes(bad)
        for read in (slide.read_header, slide.read):
            with pytest.raises(FormatError):
                read(LocalFile(path))
    for cut in (10, len(data) // 3, len(data) // 2):
        path.write_bytes(data[:-cut])
        with pytest.raises(Truncated):
            slide.read(LocalFile(path), level=1)
    (tmp_path / "folder.svs").mkdir()
    with pytest.raises(AccessError):
        slide.read_header(LocalFile(tmp_path / "folder.svs"))


def test_damaged_files_give_errors_of_ours(tmp_path: Path, survives_damage: Any) -> None:
    slide.write(tmp_path / "good.svs", Volume(PICTURE, "yxc"), compression="jpeg")
    assert survives_damage(slide.read, (tmp_path / "good.svs").read_bytes(), "a.svs", 40)
