"""Compressed and coloured DICOM pixels, on the files that come with pydicom and on ones made here."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats import dicom
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume


def sample(name: str) -> Path:
    found = get_testdata_file(name, download=False)
    assert isinstance(found, str), f"{name} does not come with this version of pydicom"
    return Path(found)


def pixels(path: Path) -> np.ndarray:
    """Our values of a one-image file, by row and column."""
    volume = dicom.read_series([LocalFile(path)], least_slices=1)
    if volume.axes.startswith("ij"):
        return volume.array[:, :, 0].swapaxes(0, 1)
    return volume.array


def by_simpleitk(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0]


def by_pydicom(path: Path) -> np.ndarray:
    return pydicom.dcmread(path).pixel_array


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("693_J2KI.dcm", by_simpleitk),
        ("CT_small.dcm", by_simpleitk),
        ("ExplVR_BigEnd.dcm", by_pydicom),
        ("GDCMJ2K_TextGBR.dcm", by_simpleitk),
        ("J2K_pixelrep_mismatch.dcm", by_simpleitk),
        ("JPEG-lossy.dcm", by_simpleitk),
        ("JPEG2000.dcm", by_simpleitk),
        ("JPEGLSNearLossless_08.dcm", by_simpleitk),
        ("JPEGLSNearLossless_16.dcm", by_simpleitk),
        ("MR_small.dcm", by_pydicom),
        ("MR_small_RLE.dcm", by_pydicom),
        ("MR_small_bigendian.dcm", by_pydicom),
        ("MR_small_implicit.dcm", by_pydicom),
        ("MR_small_jp2klossless.dcm", by_simpleitk),
        ("MR_small_jpeg_ls_lossless.dcm", by_simpleitk),
        ("MR_small_padded.dcm", by_pydicom),
        ("SC_jpeg_no_color_transform.dcm", by_simpleitk),
        ("SC_jpeg_no_color_transform_2.dcm", by_simpleitk),
        ("SC_rgb_dcmtk_+eb+cr.dcm", by_simpleitk),
        ("SC_rgb_dcmtk_+eb+cy+n1.dcm", by_simpleitk),
        ("SC_rgb_dcmtk_+eb+cy+s2.dcm", by_simpleitk),
        ("SC_rgb_dcmtk_+eb+cy+s4.dcm", by_simpleitk),
        ("SC_rgb_gdcm_KY.dcm", by_simpleitk),
        ("SC_rgb_jls_lossy_line.dcm", by_simpleitk),
        ("SC_rgb_jls_lossy_sample.dcm", by_simpleitk),
        ("SC_rgb_jpeg_gdcm.dcm", by_simpleitk),
        ("SC_rgb_jpeg_lossy_gdcm.dcm", by_simpleitk),
        ("SC_rgb_rle.dcm", by_pydicom),
        ("SC_rgb_rle_16bit.dcm", by_pydicom),
        ("SC_rgb_rle_32bit.dcm", by_pydicom),
        ("SC_rgb_small_odd.dcm", by_pydicom),
        ("SC_rgb_small_odd_big_endian.dcm", by_pydicom),
        ("SC_rgb_small_odd_jpeg.dcm", by_simpleitk),
        ("SC_ybr_full_422_uncompressed.dcm", by_simpleitk),
        ("examples_jpeg2k.dcm", by_simpleitk),
        ("examples_overlay.dcm", by_pydicom),
        ("examples_rgb_color.dcm", by_pydicom),
        ("image_dfl.dcm", by_pydicom),
    ],
)
def test_pixels_equal_those_of_another_program(
    name: str, reference: Callable[[Path], np.ndarray], recwarn: pytest.WarningsRecorder
) -> None:
    ours, theirs = pixels(sample(name)), reference(sample(name))
    np.testing.assert_array_equal(ours, theirs)
    assert ours.max() > ours.min()


def test_a_palette_is_looked_up() -> None:
    path = sample("examples_palette.dcm")
    found = pydicom.dcmread(path)
    colours = ("Red", "Green", "Blue")
    tables = [np.frombuffer(found[f"{c}PaletteColorLookupTableData"].value, "<u2") for c in colours]
    np.testing.assert_array_equal(pixels(path), np.stack([t[found.pixel_array] for t in tables], axis=-1))


def test_the_header_of_a_colour_image_promises_its_array() -> None:
    for name in ("examples_palette.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle_16bit.dcm", "image_dfl.dcm"):
        blob = [LocalFile(sample(name))]
        header, volume = dicom.read_series_header(blob), dicom.read_series(blob)
        assert (header.shape, header.dtype, header.axes) == (
            volume.shape,
            volume.array.dtype.name,
            volume.axes,
        )


def grey(dtype: str, top: int) -> np.ndarray:
    """A smooth picture with noise."""
    y, x = np.mgrid[:48, :64]
    noise = np.random.default_rng(2).integers(0, 9, (48, 64))
    return np.clip(top / 2 * (1 + np.sin(x / 9) * np.cos(y / 7)) + noise, 0, top).astype(dtype)


def encoded(array: np.ndarray, frame: bytes, syntax: str, bits: int, tmp_path: Path, **more: Any) -> Path:
    """A file of one compressed frame."""
    volume = Volume(np.zeros((*array.shape[1::-1], 1), np.uint16), "ijk", np.diag([1.0, 1.0, 1.0, 1.0]))
    data = dicom.slice_bytes(volume, modality="MR", series_uid="1.2.3", patient_id="p1")[0]
    found = pydicom.dcmread(io.BytesIO(data))
    found.file_meta.TransferSyntaxUID = syntax
    found.BitsAllocated, found.BitsStored, found.HighBit = 8 * array.dtype.itemsize, bits, bits - 1
    found.PixelRepresentation = int(array.dtype.kind == "i")
    for name, value in more.items():
        setattr(found, name, value)
    found.PixelData = encapsulate([frame])
    found["PixelData"].VR = "OB"
    path = tmp_path / "one.dcm"
    found.save_as(path)
    return path


LOSSLESS: list[tuple[str, str, int, Callable[[np.ndarray], bytes]]] = [
    ("4.57", "uint16", 12, lambda a: imagecodecs.jpeg8_encode(a, lossless=True, bitspersample=12)),
    ("4.70", "uint16", 16, lambda a: imagecodecs.jpeg8_encode(a, lossless=True, bitspersample=16)),
    ("4.70", "uint8", 8, lambda a: imagecodecs.jpeg8_encode(a, lossless=True)),
    ("4.80", "uint16", 12, lambda a: imagecodecs.jpegls_encode(a)),
    ("4.90", "uint16", 12, lambda a: imagecodecs.jpeg2k_encode(a, level=0, codecformat="j2k")),
    ("4.90", "int16", 16, lambda a: imagecodecs.jpeg2k_encode(a, level=0, codecformat="j2k")),
    ("4.201", "uint16", 12, lambda a: imagecodecs.htj2k_encode(a)),
    ("4.202", "int16", 16, lambda a: imagecodecs.htj2k_encode(a)),
    ("4.203", "uint8", 8, lambda a: imagecodecs.htj2k_encode(a)),
]


@pytest.mark.parametrize(("syntax", "dtype", "bits", "encode"), LOSSLESS)
def test_lossless_syntaxes_are_exact(
    syntax: str, dtype: str, bits: int, encode: Callable[[np.ndarray], bytes], tmp_path: Path
) -> None:
    picture = grey(dtype, (1 << (bits - (dtype == "int16"))) - 1)
    if dtype == "int16":
        picture -= 9000
    path = encoded(picture, encode(picture), f"1.2.840.10008.1.2.{syntax}", bits, tmp_path)
    np.testing.assert_array_equal(pixels(path), picture)
    assert pixels(path).dtype == picture.dtype


def test_jpeg_extended_of_twelve_bits_is_close(tmp_path: Path) -> None:
    picture = grey("uint16", 4095)
    frame = imagecodecs.jpeg8_encode(picture, level=99, bitspersample=12)
    path = encoded(picture, frame, "1.2.840.10008.1.2.4.51", 12, tmp_path)
    assert np.abs(pixels(path).astype(int) - picture).max() < 40


def test_jpeg_ls_of_signed_values_keeps_their_sign(tmp_path: Path) -> None:
    picture = grey("int16", 4000) - np.int16(2000)
    frame = imagecodecs.jpegls_encode(picture.view(np.uint16) & 0x1FFF)
    path = encoded(picture, frame, "1.2.840.10008.1.2.4.80", 13, tmp_path)
    np.testing.assert_array_equal(pixels(path), picture)


def test_a_frame_in_several_fragments_is_joined(tmp_path: Path) -> None:
    picture = grey("uint16", 4095)
    frame = imagecodecs.jpegls_encode(picture)
    path = encoded(picture, frame, "1.2.840.10008.1.2.4.80", 12, tmp_path)
    found = pydicom.dcmread(path)
    found.PixelData = encapsulate([frame], fragments_per_frame=5)
    found.save_as(path)
    assert found.PixelData.count(b"\xfe\xff\x00\xe0") >= 6
    np.testing.assert_array_equal(pixels(path), picture)


@pytest.mark.parametrize(("syntax", "dtype", "bits", "encode"), LOSSLESS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_codestream_cut_short_is_an_error(
    syntax: str, dtype: str, bits: int, encode: Callable[[np.ndarray], bytes], share: float, tmp_path: Path
) -> None:
    picture = grey(dtype, 255)
    frame = encode(picture)
    path = encoded(picture, frame[: int(share * len(frame))], f"1.2.840.10008.1.2.{syntax}", bits, tmp_path)
    with pytest.raises(FormatError, match=r"one\.dcm"):
        pixels(path)


def test_rle_cut_short_is_an_error(tmp_path: Path) -> None:
    data = sample("MR_small_RLE.dcm").read_bytes()
    frame = data.index(b"\xfe\xff\x00\xe0") + 8
    (tmp_path / "cut.dcm").write_bytes(data[: frame + 900])
    with pytest.raises(Truncated):
        pixels(tmp_path / "cut.dcm")


def test_a_codestream_of_another_size_is_an_error(tmp_path: Path) -> None:
    picture = grey("uint16", 4095)
    for syntax, frame in (
        ("4.70", imagecodecs.jpeg8_encode(picture, lossless=True, bitspersample=12)),
        ("4.80", imagecodecs.jpegls_encode(picture)),
        ("4.90", imagecodecs.jpeg2k_encode(picture, level=0, codecformat="j2k")),
    ):
        path = encoded(picture, frame, f"1.2.840.10008.1.2.{syntax}", 12, tmp_path, Rows=47)
        with pytest.raises(FormatError, match="codestream 48 x 64 x 1; header 47 x 64 x 1"):
            pixels(path)


def test_syntaxes_that_are_not_read_are_named(tmp_path: Path) -> None:
    picture = grey("uint8", 255)
    path = encoded(picture, b"\0\0\1\xba" * 20, "1.2.840.10008.1.2.4.102", 8, tmp_path)
    with pytest.raises(Unsupported, match=r"MPEG-4 AVC/H\.264 High Profile / Level 4\.1 \(1\.2\.840"):
        pixels(path)


def test_uncompressed_ybr_becomes_rgb(tmp_path: Path) -> None:
    rgb = sample("SC_rgb_rle.dcm")
    found = pydicom.dcmread(rgb)
    colours = pydicom.pixels.convert_color_space(found.pixel_array, "RGB", "YBR_FULL")
    found.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    found.PhotometricInterpretation, found.PlanarConfiguration = "YBR_FULL", 1
    found.PixelData = np.ascontiguousarray(colours.transpose(2, 0, 1)).tobytes()
    found["PixelData"].is_undefined_length = False
    found.save_as(tmp_path / "ybr.dcm")
    difference = pixels(tmp_path / "ybr.dcm").astype(int) - pixels(rgb)
    assert np.abs(difference).max() <= 2
    theirs = pydicom.dcmread(tmp_path / "ybr.dcm").pixel_array
    assert np.abs(pixels(tmp_path / "ybr.dcm").astype(int) - theirs).max() <= 1


def test_colour_slices_with_places_make_a_volume_of_colours(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    colours = rng.integers(0, 255, (6, 5, 4, 3), dtype=np.uint8)
    volume = Volume(np.zeros((6, 5, 4), np.int16), "ijk", np.diag([-1.0, -1.0, 2.0, 1.0]))
    for k, data in enumerate(dicom.slice_bytes(volume, modality="MR", series_uid="1.2", patient_id="p")):
        found = pydicom.dcmread(io.BytesIO(data))
        found.SamplesPerPixel, found.PhotometricInterpretation, found.PlanarConfiguration = 3, "RGB", 0
        found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 8, 8, 7, 0
        found.PixelData = np.ascontiguousarray(colours[:, :, k].transpose(1, 0, 2)).tobytes()
        found.save_as(tmp_path / f"{k}.dcm")
    read = dicom.read_series([LocalFile(path) for path in sorted(tmp_path.iterdir())])
    assert read.axes == "ijkc"
    np.testing.assert_array_equal(read.array, colours)
