"""Damaged DICOM: whatever the bytes, one of our errors, soon, and no memory for what is not there."""

from __future__ import annotations

import random
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

from medshelf.errors import MedshelfError
from medshelf.formats import dicom
from medshelf.formats.dicom.codecs import check_syntax
from medshelf.formats.dicom.header import read_file_header
from medshelf.formats.dicom.pixels import read_stored
from medshelf.formats.dicom.slice import check_pixels, slice_of
from tests.formats.dicom_cases import Member
from tests.formats.dicom_many import at, encoded, enhanced

SAMPLES = [
    "MR_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "JPEG-lossy.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_rle_16bit.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "image_dfl.dcm",
    "UN_sequence.dcm",
    "test-SR.dcm",
    "badVR.dcm",
]
NO_IMAGE = ("UN_sequence.dcm", "test-SR.dcm", "badVR.dcm")
MOST_SECONDS = 2.0
MOST_BYTES = 64 << 20


def mutated(data: bytes, rng: random.Random, start: int) -> bytes:
    """The bytes with a few changed, taken out or put in from a place on, or cut off."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 2, 4, 16))):
        at = rng.randrange(start, len(found)) if start < len(found) else 0
        how = rng.randrange(5)
        if how <= 1:
            found[at : at + 1] = bytes([rng.choice((0, 255, 127, 128, rng.randrange(256)))])
        elif how == 2:
            del found[at : at + rng.choice((1, 2, 4, 8, 100))]
        elif how == 3:
            found[at:at] = rng.randbytes(rng.choice((1, 2, 4, 8)))
        elif rng.random() < 0.3:
            del found[at:]
    return bytes(found)


def sample(name: str) -> bytes:
    found = get_testdata_file(name, download=False)
    assert isinstance(found, str), f"{name} does not come with this version of pydicom"
    return Path(found).read_bytes()


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_files_give_our_errors_and_nothing_else(name: str) -> None:
    data = sample(name)
    rng = random.Random(f"file {name}")
    tracemalloc.start()
    try:
        for n in range(120):
            bad = Member("bad.dcm", mutated(data, rng, 0 if n % 2 else 132))
            begun = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a warning on a user's screen is as bad as a traceback
                try:
                    dicom.read_series([bad], least_slices=1)
                except MedshelfError as error:
                    assert str(error)
            assert time.perf_counter() - begun < MOST_SECONDS
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in NO_IMAGE])
def test_damaged_pixels_give_our_errors_and_nothing_else(name: str) -> None:
    data = sample(name)
    pixels = read_file_header(Member(name, data)).pixels
    assert pixels is not None
    rng = random.Random(f"pixels {name}")
    for _ in range(150):
        begun = time.perf_counter()
        try:
            bad = Member("bad.dcm", mutated(data, rng, min(pixels.offset, len(data) // 2)))
            one = slice_of(read_file_header(bad))
            check_pixels(one)
            check_syntax(one)
            assert read_stored(one).shape[:2] == (one.rows, one.columns)
        except MedshelfError as error:
            assert "bad.dcm" in str(error)
        assert time.perf_counter() - begun < MOST_SECONDS


@pytest.mark.parametrize("name", ["MR_small.dcm", "MR_small_RLE.dcm", "image_dfl.dcm", "badVR.dcm"])
def test_a_file_cut_anywhere_is_an_error_unless_only_padding_is_lost(name: str) -> None:
    data = sample(name)
    for end in sorted({*range(0, 1500, 7), *range(1500, len(data) - 200, 501)}):
        with pytest.raises(MedshelfError):
            dicom.read_series([Member("cut.dcm", data[:end])], least_slices=1)


def mosaic(shared_data: Path) -> bytes:
    return (shared_data / "dcm-qa-nih/In/20180918Si/mr_0003/epi_pe_ap-00001.dcm").read_bytes()


def frames(shared_data: Path) -> bytes:
    return (shared_data / "dcmqi-seg/data/segmentations/24x38x3/multiframe/mf.dcm").read_bytes()


def compressed(shared_data: Path) -> bytes:
    array = np.arange(4 * 20 * 24, dtype=np.uint16).reshape(4, 20, 24)
    found = enhanced(array, [at(2.5 * k, k + 1, 1) for k in range(4)], dimensions=("StackID", "EffectiveEchoTime"))
    found.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLSLossless
    found.PixelData = encapsulate([imagecodecs.jpegls_encode(one) for one in array], fragments_per_frame=2)
    return encoded(found)


MANY: dict[str, Callable[[Path], bytes]] = {
    "mosaic": mosaic,
    "frames": frames,
    "compressed frames": compressed,
    "dose": lambda _: sample("rtdose.dcm"),
    "compressed dose": lambda _: sample("rtdose_rle.dcm"),
    "film": lambda _: sample("SC_rgb_rle_2frame.dcm"),
}


def weak_places(data: bytes) -> tuple[int, int]:
    """From where to where a file is of most interest: its functional groups or CSA header, else all."""
    for mark, length in ((b"\0\x52\x29\x92", len(data)), (b"SV10", 12000)):
        at = data.find(mark)
        if at > 0:
            return at, min(at + length, len(data))
    return 132, len(data)


@pytest.mark.parametrize("name", MANY)
def test_damaged_files_of_many_images_give_our_errors_and_nothing_else(shared_data: Path, name: str) -> None:
    data = MANY[name](shared_data)
    assert dicom.read_series([Member("whole.dcm", data)]).array.size
    start, end = weak_places(data)
    rng = random.Random(f"many {name}")
    tracemalloc.start()
    try:
        for n in range(100):
            part = data[:end] if n % 2 else data
            bad = mutated(part, rng, start if n % 2 else 132) + data[len(part) :]
            begun = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                blob = [Member("bad.dcm", bad)]
                try:
                    header = dicom.read_series_header(blob)
                    volume = dicom.read_series(blob)
                    assert header.shape == volume.shape and header.dtype == volume.array.dtype.name
                except MedshelfError as error:
                    assert str(error)
                dicom.scan(blob)
            assert time.perf_counter() - begun < MOST_SECONDS
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", MANY)
def test_a_file_of_many_images_cut_anywhere_is_an_error(shared_data: Path, name: str) -> None:
    data = MANY[name](shared_data)
    for end in {*range(200, min(len(data) - 200, 20000), 331), len(data) - 200, len(data) // 2}:
        with pytest.raises(MedshelfError):
            dicom.read_series([Member("cut.dcm", data[:end])])


def test_deeply_nested_sequences_are_refused() -> None:
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    nested = (b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + item) * 5000
    with pytest.raises(MedshelfError, match="nested deeper"):
        dicom.read_series([Member("deep.dcm", bytes(128) + b"DICM" + nested)])
