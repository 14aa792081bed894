"""Damaged DICOM: whatever the bytes, one of our errors, soon, and no memory for what is not there."""

from __future__ import annotations

import random
import time
import tracemalloc
import warnings
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from medshelf.errors import MedshelfError
from medshelf.formats import dicom
from medshelf.formats.dicom.codecs import check_syntax
from medshelf.formats.dicom.header import read_file_header
from medshelf.formats.dicom.pixels import read_stored
from medshelf.formats.dicom.slice import check_pixels, slice_of
from tests.formats.dicom_cases import Member

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


def test_deeply_nested_sequences_are_refused() -> None:
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    nested = (b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + item) * 5000
    with pytest.raises(MedshelfError, match="nested deeper"):
        dicom.read_series([Member("deep.dcm", bytes(128) + b"DICM" + nested)])
