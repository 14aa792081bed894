"""Pictures: values as stored, facts told, bombs and cut files refused."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from medshelf import formats
from medshelf.errors import AccessError, FormatError, Truncated, Unsupported
from medshelf.formats import pixel_limit, raster
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume

RNG = np.random.default_rng(4)
GREY = RNG.integers(0, 256, (13, 17), np.uint8)
RGB = RNG.integers(0, 256, (13, 17, 3), np.uint8)
RGBA = RNG.integers(0, 256, (13, 17, 4), np.uint8)
MASK = (RNG.random((13, 17)) < 0.5).astype(np.uint8) * np.uint8(255)


def blob(folder: Path, data: bytes, name: str) -> LocalFile:
    path = folder / name
    path.write_bytes(data)
    return LocalFile(path)


def saved(folder: Path, image: Image.Image, name: str, **options: Any) -> LocalFile:
    image.save(folder / name, **options)
    return LocalFile(folder / name)


def read(found: LocalFile) -> Volume:
    """Read a picture, and see that its header says the same."""
    volume, header = raster.read(found), raster.read_header(found)
    assert (header.shape, header.dtype, header.axes) == (volume.shape, volume.array.dtype.name, volume.axes)
    assert header.meta.keys() == volume.meta.keys()
    assert volume.affine is volume.spacing_mm is header.affine is header.spacing_mm is None
    return volume


def png(
    width: int, height: int, depth: int = 8, colour: int = 0, data: bytes = b"", extra: bytes = b""
) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


# real data


def test_dsb2018_has_one_mask_a_nucleus(shared_data: Path) -> None:
    cases = sorted((shared_data / "dsb2018" / "stage1_train").iterdir())
    assert (len(cases), sum(len(list((case / "masks").iterdir())) for case in cases)) == (60, 2758)
    for case in cases:
        image = raster.read_header(LocalFile(next((case / "images").iterdir())))
        assert (image.axes, image.shape[2], image.meta["mode"]) == ("yxc", 4, "RGBA")
        mask = read(LocalFile(min((case / "masks").iterdir())))
        assert (mask.axes, mask.shape, set(np.unique(mask.array))) == ("yx", image.shape[:2], {0, 255})


@pytest.mark.parametrize(
    ("case", "shared"), [("0a7d30b25235*", 2), ("1609b1b8480e*", 1), ("00ae65c1c6631*", 0)]
)
def test_two_images_of_dsb2018_have_nuclei_that_share_pixels(
    shared_data: Path, case: str, shared: int
) -> None:
    folder = next((shared_data / "dsb2018" / "stage1_train").glob(case))
    total = sum((raster.read(LocalFile(path)).array > 0).astype(int) for path in (folder / "masks").iterdir())
    assert np.count_nonzero(total > 1) == shared


def test_vocalfolds_frames_and_masks(shared_data: Path) -> None:
    frames = sorted((shared_data / "vocalfolds" / "img").glob("**/*.png"))
    assert len(frames) == 12
    for path in frames:
        other = Path(str(path).replace("/img/", "/annot/"))
        image, mask = read(LocalFile(path)), read(LocalFile(other))
        assert (image.axes, mask.axes, image.shape[:2]) == ("yxc", "yx", mask.shape)
        assert mask.array.max() < 8


def test_vqa_rad_pictures_are_as_pillow_reads_them(shared_data: Path) -> None:
    paths = sorted((shared_data / "vqa-rad" / "data" / "images").iterdir())
    assert len(paths) == 315
    for path in paths[::15]:
        np.testing.assert_array_equal(read(LocalFile(path)).array, np.asarray(Image.open(path)))


# PNG


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_narrow_grey_is_scaled_to_a_byte_and_told(tmp_path: Path, bits: int) -> None:
    values = np.arange(64).reshape(8, 8) % 2**bits
    full = (values * (255 // (2**bits - 1))).astype(np.uint8)
    image = Image.fromarray(full)
    found = read(saved(tmp_path, image.convert("1") if bits == 1 else image, "a.png", bits=bits))
    np.testing.assert_array_equal(found.array, full)
    assert (found.meta["bits"], found.array.dtype) == (bits, np.uint8)


def test_a_palette_stays_indices(tmp_path: Path) -> None:
    image = Image.fromarray(GREY % 5)
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3, 4, 5, 6])
    for name in ("a.png", "a.gif", "a.bmp"):
        found = read(saved(tmp_path, image, name))
        assert found.axes == "yx"
        colours = found.meta["palette"]
        assert (colours.dtype, colours.shape[1]) == (np.uint8, 3)
        np.testing.assert_array_equal(colours[found.array], np.asarray(image.convert("RGB")))
    found = read(LocalFile(tmp_path / "a.png"))
    np.testing.assert_array_equal(found.array, GREY % 5)
    assert found.meta["palette"].tolist()[:2] == [[10, 20, 30], [40, 50, 60]]


@pytest.mark.parametrize("channels", [0, 2, 3, 4])
def test_sixteen_bits_stay_sixteen(tmp_path: Path, channels: int) -> None:
    array = RNG.integers(0, 65536, (13, 17) + ((channels,) if channels else ()), np.uint16)
    found = read(blob(tmp_path, imagecodecs.png_encode(array), "a.png"))
    np.testing.assert_array_equal(found.array, array)
    assert (found.array.dtype, found.meta["bits"]) == (np.uint16, 16)


def test_sixteen_bits_with_a_transparent_colour_get_no_channel(tmp_path: Path) -> None:
    array = np.arange(12, dtype=">u2").reshape(3, 4)
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in array))
    transparent = b"\0\0\0\2tRNS\0\5" + struct.pack(">I", zlib.crc32(b"tRNS\0\5"))
    found = read(blob(tmp_path, png(4, 3, 16, 0, rows, transparent), "a.png"))
    np.testing.assert_array_equal(found.array, array)


@pytest.mark.parametrize(
    ("array", "mode"), [(GREY, "L"), (RGB, "RGB"), (RGBA, "RGBA"), (RGBA[..., :2], "LA")]
)
def test_alpha_stays_a_channel(tmp_path: Path, array: np.ndarray, mode: str) -> None:
    found = read(blob(tmp_path, imagecodecs.png_encode(np.ascontiguousarray(array)), "a.png"))
    np.testing.assert_array_equal(found.array, array)
    assert found.meta["mode"] == mode


def test_resolution_is_told_and_never_a_spacing(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.tif"):
        found = read(saved(tmp_path, Image.fromarray(GREY), name, dpi=(72, 144)))
        assert found.meta["resolution_dpi"] == pytest.approx((72, 144), rel=1e-3)


def test_an_animated_png_is_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(MASK)]
    found = saved(tmp_path, frames[0], "a.png", save_all=True, append_images=frames[1:])
    with pytest.raises(Unsupported, match="animated PNG.*2 frames"):
        raster.read(found)


def test_a_damaged_checksum_is_an_error(tmp_path: Path) -> None:
    for array in (RGB, RGB.astype(np.uint16) * 257):
        data = bytearray(imagecodecs.png_encode(array))
        data[-20] ^= 0xFF
        with pytest.raises(FormatError):
            raster.read(blob(tmp_path, bytes(data), "a.png"))


# JPEG


def test_jpeg_is_as_pillow_decodes_it(tmp_path: Path) -> None:
    for array in (GREY, RGB):
        found = saved(tmp_path, Image.fromarray(array), "a.jpg")
        np.testing.assert_array_equal(read(found).array, np.asarray(Image.open(found.path)))


def test_orientation_is_told_and_not_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.jpg", "a.png", "a.tif"):
        found = read(saved(tmp_path, Image.fromarray(GREY), name, exif=exif))
        assert (found.meta["exif_orientation"], found.shape) == (6, GREY.shape)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_does_not_hide_the_picture(tmp_path: Path) -> None:
    made = io.BytesIO()
    Image.fromarray(GREY).save(made, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\xff\xff")
    assert "exif_orientation" not in read(blob(tmp_path, made.getvalue(), "a.jpg")).meta


def test_cmyk_becomes_rgb_and_is_told(tmp_path: Path) -> None:
    image = Image.fromarray(RGB).convert("CMYK")
    found = read(saved(tmp_path, image, "a.jpg", quality=100))
    assert (found.meta["converted_from"], found.shape) == ("CMYK", RGB.shape)
    assert np.abs(found.array.astype(int) - np.asarray(image.convert("RGB"))).mean() < 5


@pytest.mark.parametrize("cut", [1, 2, 30, 300])
def test_a_cut_jpeg_is_truncated_and_not_filled_with_grey(tmp_path: Path, cut: int) -> None:
    data = saved(tmp_path, Image.fromarray(np.tile(RGB, (8, 8, 1))), "a.jpg").read_bytes()
    with pytest.raises(Truncated):
        raster.read(blob(tmp_path, data[:-cut], "b.jpg"))


def test_the_bytes_decide_and_not_the_name(tmp_path: Path) -> None:
    found = saved(tmp_path, Image.fromarray(GREY), "a.jpg")
    for name in ("b.png", "c.TIF", "nameless"):
        (tmp_path / name).write_bytes(found.read_bytes())
        assert formats.read(LocalFile(tmp_path / name)).meta["format"] == "JPEG"


# BMP and GIF


@pytest.mark.parametrize("ending", [".bmp", ".gif", ".png", ".tif", ".pbm"])
def test_one_bit_masks_are_0_and_255_in_every_format(tmp_path: Path, ending: str) -> None:
    image = Image.fromarray(MASK).convert("1", dither=Image.Dither.NONE)
    options = {".pbm": {"format": "PPM"}}.get(ending, {})
    found = read(saved(tmp_path, image, f"a{ending}", **options))
    if "palette" in found.meta:
        np.testing.assert_array_equal(found.meta["palette"][found.array][..., 0], MASK)
    else:
        np.testing.assert_array_equal(found.array, MASK)


def test_a_grey_gif_mask_has_the_values_that_pillow_shows(tmp_path: Path) -> None:
    found = saved(tmp_path, Image.fromarray(MASK), "21_manual1.gif", optimize=False)
    with Image.open(found.path) as image:
        np.testing.assert_array_equal(read(found).array, np.asarray(image))
    np.testing.assert_array_equal(read(found).array, MASK)


def test_an_animation_becomes_frames_in_rgb(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.roll(RGB, n, 1)).quantize(64) for n in range(3)]
    found = read(saved(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:], optimize=False))
    assert (found.axes, found.shape) == ("nyxc", (3, 13, 17, 3))
    for one, frame in zip(found.array, frames, strict=True):
        np.testing.assert_array_equal(one, np.asarray(frame.convert("RGB")))


def test_a_cut_gif_is_an_error_and_not_shorter(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.roll(RGB, n, 1)).quantize(64) for n in range(4)]
    data = saved(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:]).read_bytes()
    for cut in (1, 2, 100, len(data) // 3, len(data) // 2):
        for step in (raster.read, raster.read_header):
            with pytest.raises(Truncated, match="ends early"):
                step(blob(tmp_path, data[:-cut], "b.gif"))
    data = saved(tmp_path, frames[0], "c.gif").read_bytes()
    with pytest.raises(Truncated):
        raster.read(blob(tmp_path, data[:-40], "d.gif"))


# TIFF


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_tiff_of_every_sample_type(tmp_path: Path, dtype: str, byteorder: Any) -> None:
    array = (RNG.random((13, 17)) * 100).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", array, byteorder=byteorder)
    found = read(LocalFile(tmp_path / "a.tif"))
    np.testing.assert_array_equal(found.array, array)
    assert (found.axes, found.array.dtype) == ("yx", np.dtype(dtype))
    assert found.array.dtype.isnative


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits", "zstd", "lzma"])
@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
def test_tiff_colours_come_last_however_stored(tmp_path: Path, compression: str, planarconfig: str) -> None:
    stored = RGB if planarconfig == "contig" else RGB.transpose(2, 0, 1)
    tifffile.imwrite(
        tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planarconfig, compression=compression
    )
    found = read(LocalFile(tmp_path / "a.tif"))
    np.testing.assert_array_equal(found.array, RGB)
    assert found.axes == "yxc"


def test_pages_come_first(tmp_path: Path) -> None:
    stack = RNG.integers(0, 4000, (5, 13, 17), np.uint16)
    colours = RNG.integers(0, 255, (4, 13, 17, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack)
    tifffile.imwrite(tmp_path / "b.tif", colours, photometric="rgb")
    tifffile.imwrite(tmp_path / "c.tif", stack.reshape(5, 1, 13, 17), imagej=True)
    saved(tmp_path, Image.fromarray(GREY), "d.tif", save_all=True, append_images=[Image.fromarray(MASK)])
    for name, wanted, axes in (
        ("a.tif", stack, "nyx"),
        ("b.tif", colours, "nyxc"),
        ("c.tif", stack, "nyx"),
        ("d.tif", np.stack((GREY, MASK)), "nyx"),
    ):
        found = read(LocalFile(tmp_path / name))
        np.testing.assert_array_equal(found.array, wanted)
        assert found.axes == axes


def test_pages_of_another_size_are_told(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(RGB, photometric="rgb")
        writer.write(GREY[::2, ::2])
    found = read(LocalFile(tmp_path / "a.tif"))
    np.testing.assert_array_equal(found.array, RGB)
    assert found.meta["other_images"] == [(7, 9)]


def test_a_tiff_palette_stays_indices(tmp_path: Path) -> None:
    colours = RNG.integers(0, 256, (256, 3), np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif", GREY, photometric="palette", colormap=colours.T.astype(np.uint16) * 257
    )
    found = read(LocalFile(tmp_path / "a.tif"))
    np.testing.assert_array_equal(found.array, GREY)
    np.testing.assert_array_equal(found.meta["palette"], colours)


def test_white_is_zero_is_told_for_grey_and_turned_for_one_bit(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="miniswhite")
    found = read(LocalFile(tmp_path / "a.tif"))
    np.testing.assert_array_equal(found.array, GREY)
    assert found.meta["photometric"] == "white is zero"
    tifffile.imwrite(tmp_path / "b.tif", MASK == 0, photometric="miniswhite")
    np.testing.assert_array_equal(read(LocalFile(tmp_path / "b.tif")).array, MASK)


def test_cmyk_and_lab_tiff_are_refused(tmp_path: Path) -> None:
    found = saved(tmp_path, Image.fromarray(RGB).convert("CMYK"), "a.tif")
    with pytest.raises(Unsupported, match="photometric interpretation 5"):
        raster.read(found)
    with pytest.raises(Unsupported, match="photometric interpretation 8"):
        raster.read_header(saved(tmp_path, Image.fromarray(RGB).convert("LAB"), "b.tif"))


def test_a_cut_tiff_is_an_error(tmp_path: Path) -> None:
    for compression in (None, "zlib", "lzw"):
        with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
            writer.write(np.tile(RGB, (9, 9, 1)), compression=compression, photometric="rgb")
        data = (tmp_path / "a.tif").read_bytes()
        for cut in (1, len(data) // 2):
            with pytest.raises(FormatError):
                raster.read(blob(tmp_path, data[:-cut], "b.tif"))


@pytest.mark.parametrize("bigtiff", [False, True])
def test_a_stack_that_lost_its_last_pages_is_truncated_and_not_shorter(tmp_path: Path, bigtiff: bool) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif", bigtiff=bigtiff) as writer:
        for n in range(4):
            writer.write(np.roll(GREY, n), metadata=None, compression="zlib")
    data = (tmp_path / "a.tif").read_bytes()
    assert read(LocalFile(tmp_path / "a.tif")).shape == (4, 13, 17)
    for cut in range(20, len(data) - 20, 20):
        with pytest.raises(FormatError):
            raster.read(blob(tmp_path, data[:-cut], "b.tif"))


def test_a_stack_with_one_description_that_is_cut(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RNG.integers(0, 9, (40, 13, 17), np.uint16), imagej=True)
    data = (tmp_path / "a.tif").read_bytes()
    with pytest.raises(FormatError):
        raster.read(blob(tmp_path, data[: len(data) // 2], "b.tif"))


# netpbm


def test_plain_and_raw_netpbm_hold_the_same(tmp_path: Path) -> None:
    numbers = " ".join(map(str, GREY.ravel())).encode()
    plain = read(blob(tmp_path, b"P2\n# a comment\n17 13 # another\n255\n" + numbers, "a.pgm"))
    raw = read(blob(tmp_path, b"P5 17\t13\n255\n" + GREY.tobytes(), "b.pgm"))
    np.testing.assert_array_equal(plain.array, GREY)
    np.testing.assert_array_equal(raw.array, GREY)
    colours = read(blob(tmp_path, b"P6\n17 13\n255\n" + RGB.tobytes(), "c.ppm"))
    np.testing.assert_array_equal(colours.array, RGB)
    text = read(blob(tmp_path, b"P3\n17 13\n255\n" + " ".join(map(str, RGB.ravel())).encode(), "d.ppm"))
    np.testing.assert_array_equal(text.array, RGB)


def test_samples_are_not_scaled_to_their_maximum(tmp_path: Path) -> None:
    deep = RNG.integers(0, 4096, (13, 17), np.uint16)
    found = read(blob(tmp_path, b"P5\n17 13\n4095\n" + deep.astype(">u2").tobytes(), "a.pgm"))
    np.testing.assert_array_equal(found.array, deep)
    assert (found.meta["maxval"], found.meta["bits"]) == (4095, 12)
    found = read(blob(tmp_path, b"P5\n2 1\n7\n\x03\x07", "b.pgm"))
    assert found.array.tolist() == [[3, 7]]


def test_bits_with_and_without_blanks(tmp_path: Path) -> None:
    for body in (b"1 0 1\n0 1 1", b"101011"):
        found = read(blob(tmp_path, b"P1\n3 2\n" + body, "a.pbm"))
        assert found.array.tolist() == [[0, 255, 0], [255, 0, 0]]


def test_gzipped_netpbm_as_stare_has_it(tmp_path: Path) -> None:
    found = blob(tmp_path, gzip.compress(b"P6\n17 13\n255\n" + RGB.tobytes()), "im0001.ppm.gz")
    np.testing.assert_array_equal(read(found).array, RGB)
    assert formats.read(found).meta["format"] == "PPM"


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"P5\n17 13\n255\n" + bytes(220), Truncated, "221.*220"),
        (b"P2\n3 1\n255\n1 2", Truncated, "ends early"),
        (b"P2\n3 1\n9\n1 2 10", FormatError, "declared maximum"),
        (b"P2\n3 1\n9\n1 2 x", FormatError, "no number"),
        (b"P1\n3 1\n1 2 0", FormatError, "0 and 1"),
        (b"P5\n0 13\n255\n", FormatError, "header"),
        (b"P5\n3 1\n70000\n", FormatError, "header"),
        (b"P5\n3 1", Truncated, "header"),
        (b"P5\n999999999 999999999\n255\nxx", FormatError, "too large|ends early"),
        (b"P7\nWIDTH 3\n", Unsupported, "PAM"),
    ],
)
def test_wrong_netpbm_is_named(tmp_path: Path, data: bytes, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        raster.read(blob(tmp_path, data, "a.pgm"))


# limits


def test_a_png_that_declares_more_than_it_can_hold_is_refused_from_its_header(tmp_path: Path) -> None:
    found = blob(tmp_path, png(60000, 60000, 8, 6, zlib.compress(b"\0" * 1000)), "a.png")
    for step in (raster.read_header, raster.read):
        with pytest.raises(Truncated, match="14400000000 bytes of pixels in a file of"):
            step(found)


def test_a_real_bomb_is_refused_by_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pixel_limit, "LIMIT_BYTES", 20_000_000)
    engine = zlib.compressobj(9)
    packed = b"".join(engine.compress(bytes(4001)) for _ in range(5100)) + engine.flush()
    found = blob(tmp_path, png(4000, 5100, 8, 0, packed), "a.png")
    assert found.size_bytes < 2**15
    with pytest.raises(Unsupported, match="too large to be read whole.*20400000"):
        raster.read(found)
    monkeypatch.undo()
    assert raster.read(found).shape == (5100, 4000)


def test_an_honest_black_mask_is_read_although_it_shrinks_a_thousandfold(tmp_path: Path) -> None:
    found = saved(tmp_path, Image.fromarray(np.zeros((5000, 5000), np.uint8)), "a.png", compress_level=9)
    assert found.size_bytes < 30_000
    assert not raster.read(found).array.any()


def test_a_large_picture_is_no_bomb_where_its_file_is_large(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pixel_limit, "LIMIT_BYTES", 100)
    tifffile.imwrite(tmp_path / "a.tif", np.tile(GREY, (9, 9)))
    assert raster.read(LocalFile(tmp_path / "a.tif")).shape == (117, 153)
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((117, 153), np.uint8), compression="zlib")
    with pytest.raises(Unsupported, match="read_region"):
        raster.read(LocalFile(tmp_path / "b.tif"))


def test_a_gif_and_a_bmp_that_declare_too_much_are_refused(tmp_path: Path) -> None:
    gif = bytearray(saved(tmp_path, Image.fromarray(GREY), "a.gif").read_bytes())
    gif[6:10] = b"\xff\xff\xff\xff"
    with pytest.raises(FormatError):
        raster.read(blob(tmp_path, bytes(gif), "b.gif"))
    bmp = bytearray(saved(tmp_path, Image.fromarray(GREY), "a.bmp").read_bytes())
    bmp[18:26] = struct.pack("<ii", 60000, 60000)
    with pytest.raises(FormatError):
        raster.read(blob(tmp_path, bytes(bmp), "b.bmp"))


def test_the_limit_of_pillow_is_left_alone(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    raster.read(saved(tmp_path, Image.fromarray(GREY), "a.png"))
    assert before == Image.MAX_IMAGE_PIXELS is not None


# writing


@pytest.mark.parametrize(
    ("name", "array", "axes"),
    [
        ("a.png", GREY, "yx"),
        ("a.png", RGBA[..., :2], "yxc"),
        ("a.png", RGB.astype(np.uint16) * 257, "yxc"),
        ("a.bmp", RGB, "yxc"),
        ("a.gif", MASK, "yx"),
        ("a.tif", RGBA, "yxc"),
        ("a.tif", RGB.transpose(2, 0, 1).astype(np.float32), "nyx"),
        ("a.tif", RGB[None].repeat(2, 0), "nyxc"),
        ("a.tif", RNG.random((3, 5, 2)), "yxc"),
        ("a.pgm", GREY, "yx"),
        ("a.ppm", RGB.astype(np.uint16) * 3, "yxc"),
    ],
)
def test_what_is_written_is_read_again(tmp_path: Path, name: str, array: np.ndarray, axes: str) -> None:
    raster.write(tmp_path / name, Volume(array, axes))
    found = read(LocalFile(tmp_path / name))
    np.testing.assert_array_equal(found.array, array)
    assert (found.axes, found.array.dtype) == (axes, array.dtype)


def test_palettes_and_masks_are_written(tmp_path: Path) -> None:
    colours = RNG.integers(0, 256, (256, 3), np.uint8)
    for name in ("a.png", "a.gif", "a.bmp"):
        raster.write(tmp_path / name, Volume(GREY, "yx", meta={"palette": colours}))
        found = read(LocalFile(tmp_path / name))
        np.testing.assert_array_equal(found.meta["palette"][found.array], colours[GREY])
    raster.write(tmp_path / "b.png", Volume(MASK > 0, "yx"))
    np.testing.assert_array_equal(read(LocalFile(tmp_path / "b.png")).array, MASK)


def test_a_written_jpeg_is_close(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(40), np.arange(50)).astype(np.uint8)
    raster.write(tmp_path / "a.jpg", Volume(smooth, "yx"))
    assert np.abs(read(LocalFile(tmp_path / "a.jpg")).array.astype(int) - smooth).max() <= 3


@pytest.mark.parametrize(
    ("name", "array", "axes"),
    [
        ("a.jpg", RGBA, "yxc"),
        ("a.png", GREY.astype(np.float32), "yx"),
        ("a.webp", GREY, "yx"),
        ("a.tif", RGB, "ijk"),
        ("a.gif", RGB, "yxc"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(
    tmp_path: Path, name: str, array: np.ndarray, axes: str
) -> None:
    with pytest.raises(Unsupported):
        raster.write(tmp_path / name, Volume(array, axes))


# faults


@pytest.mark.parametrize("suffix", raster.SUFFIXES)
def test_bad_files_are_errors(tmp_path: Path, suffix: str) -> None:
    name = f"a{suffix}"
    for data in (
        b"",
        b"<html><body>Not found</body></html>",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a",
    ):
        with pytest.raises(FormatError):
            raster.read(blob(tmp_path, data, name))
    (tmp_path / "folder" / name).mkdir(parents=True)
    with pytest.raises(AccessError):
        raster.read(LocalFile(tmp_path / "folder" / name))


def test_other_kinds_of_picture_are_named(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="PAM"):
        raster.read(blob(tmp_path, b"P7\nWIDTH 1\n", "a.png"))


@pytest.mark.parametrize("array", [GREY, RGB, RGBA, GREY.astype(np.uint16) * 257], ids=["grey", "rgb", "rgba", "16"])
def test_jpeg_2000_is_as_it_was_encoded(tmp_path: Path, array: np.ndarray) -> None:
    for form in ("jp2", "j2k"):
        data = imagecodecs.jpeg2k_encode(array, level=0, reversible=True, codecformat=form)
        np.testing.assert_array_equal(read(blob(tmp_path, data, "a.png")).array, array)
    with pytest.raises(FormatError):
        raster.read(blob(tmp_path, data[:-4], "a.jp2"))
    if array.dtype == np.uint8 and array.ndim == 3:
        lossy = imagecodecs.jpeg2k_encode(array, level=30, codecformat="jp2")
        with Image.open(io.BytesIO(lossy)) as seen:
            np.testing.assert_array_equal(read(blob(tmp_path, lossy, "a.jp2")).array, np.asarray(seen))


@pytest.mark.parametrize("options", [{"lossless": True, "exact": True}, {"quality": 80}], ids=["lossless", "lossy"])
@pytest.mark.parametrize("array", [RGB, RGBA], ids=["rgb", "rgba"])
def test_webp_is_as_pillow_decodes_it(tmp_path: Path, array: np.ndarray, options: Any) -> None:
    found = saved(tmp_path, Image.fromarray(array), "a.webp", **options)
    with Image.open(found.path) as seen:
        np.testing.assert_array_equal(read(found).array, np.asarray(seen))


def test_an_animated_webp_is_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.roll(RGB, n, 1)) for n in range(3)]
    found = saved(tmp_path, frames[0], "a.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(Unsupported, match="animated"):
        raster.read(found)


def test_a_blank_picture_that_shrinks_to_nothing_is_read(tmp_path: Path) -> None:
    blank = np.zeros((4096, 4096, 3), np.uint8)
    data = imagecodecs.webp_encode(blank, lossless=True)
    assert not read(blob(tmp_path, data, "a.webp")).array.any()
    data = imagecodecs.jpeg2k_encode(blank[..., 0], level=0, reversible=True, codecformat="jp2")
    assert not read(blob(tmp_path, data, "a.jp2")).array.any()


def test_a_jpeg_2000_that_declares_too_much_is_refused(tmp_path: Path) -> None:
    data = bytearray(imagecodecs.jpeg2k_encode(GREY, level=0, reversible=True, codecformat="j2k"))
    data[8:16] = struct.pack(">II", 2**31, 2**31)
    with pytest.raises(Truncated, match="more pixels"):
        raster.read(blob(tmp_path, bytes(data), "a.j2k"))


def test_damaged_files_give_errors_of_ours(survives_damage: Any, tmp_path: Path) -> None:
    frames = [Image.fromarray(np.roll(RGB, n, 1)).quantize(64) for n in range(3)]
    saved(tmp_path, frames[0], "good.gif", save_all=True, append_images=frames[1:])
    saved(tmp_path, Image.fromarray(RGB), "good.jpg", progressive=True)
    saved(tmp_path, frames[0], "good.bmp")
    tifffile.imwrite(tmp_path / "good.tif", RGB, compression="jpeg", photometric="rgb")
    tifffile.imwrite(tmp_path / "good.tiff", GREY, compression="lzw", tile=(16, 16))
    (tmp_path / "good.ppm.gz").write_bytes(gzip.compress(b"P6\n17 13\n255\n" + RGB.tobytes()))
    for ending in ("gif", "jpg", "bmp", "tif", "tiff", "ppm.gz"):
        data = (tmp_path / f"good.{ending}").read_bytes()
        assert survives_damage(raster.read_header, data, f"a.{ending}", 20)
        assert survives_damage(raster.read, data, f"a.{ending}", 40)
