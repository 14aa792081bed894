"""Frames of a DICOM segmentation: unpacked from bits, or decoded from a compressed codestream."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported

_PLAIN = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99")
"""Implicit and explicit little endian, and deflated (of which pydicom returns the inflated values)."""
_RLE = "1.2.840.10008.1.2.5"
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
_JPEG_LS = ("1.2.840.10008.1.2.4.80",)
_JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202")


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """Pixel data of all frames, still packed."""

    rows: int
    columns: int
    bits: int
    """1, 8 or 16."""
    data: bytes
    """All frames, one after the other without padding (PS3.5 8.1.1); empty when compressed."""
    frames: tuple[bytes, ...]
    """Compressed frames."""
    syntax: str
    where: str

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of decoded frames."""
        return np.dtype(np.uint16 if self.bits == 16 else np.uint8)

    def frame(self, number: int) -> np.ndarray:
        """Decode frame `number`, counted from 0: (rows, columns)."""
        size = self.rows * self.columns
        if self.frames:
            return _decoded(self, self.frames[number])
        if self.bits > 1:
            start = number * size * self.bits // 8
            values = np.frombuffer(self.data, self.dtype.newbyteorder("<"), size, start)
            return values.reshape(self.rows, self.columns)
        return _bits(self.data, number * size, size).reshape(self.rows, self.columns)


def _bits(data: bytes, start: int, count: int) -> np.ndarray:
    """Take bits from a place that need not be the first of a byte; the lowest bit of a byte comes first."""
    skip = start % 8
    packed = np.frombuffer(data, np.uint8, -(-(skip + count) // 8), start // 8)
    return np.unpackbits(packed, bitorder="little")[skip : skip + count]


def pixels_of(dataset: Any, frames: int, where: str) -> Pixels:
    """Take the pixel data of a data set, after checking that there are enough.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The segmentation.
    frames : int
        Number of frames that must be there.
    where : str
        What to name in an error.

    Raises
    ------
    Truncated
        There are too few bytes or compressed frames.
    Unsupported
        A transfer syntax or number of bits that is not read.
    """
    rows, columns, bits = int(dataset.Rows), int(dataset.Columns), int(dataset.BitsAllocated)
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    if bits not in (1, 8, 16) or int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise Unsupported("a segmentation of this pixel type is not read", where=where, why=f"{bits} bits")
    data = dataset.get("PixelData")
    if data is None:
        raise Truncated("the segmentation has no pixels", where=where, hint="Fetch the file again")
    if syntax in _PLAIN:
        needed = -(-rows * columns * frames * bits // 8)
        if len(data) < needed:
            raise Truncated(
                "the pixels of the segmentation end early",
                where=where,
                why=f"{needed} bytes needed, {len(data)} found",
                hint="Fetch the file again",
            )
        return Pixels(rows, columns, bits, data, (), syntax, where)
    if syntax not in (_RLE, _DEFLATED_FRAMES, *_JPEG_LS, *_JPEG_2000):
        raise Unsupported(
            "a segmentation in this transfer syntax is not read",
            where=where,
            why=f"{dataset.file_meta.TransferSyntaxUID.name} ({syntax})",
        )
    found = _fragments(dataset, frames, where)
    if len(found) != frames:
        raise Truncated(
            "the segmentation lacks frames", where=where, why=f"{frames} described, {len(found)} found"
        )
    return Pixels(rows, columns, bits, b"", found, syntax, where)


def _fragments(dataset: Any, frames: int, where: str) -> tuple[bytes, ...]:
    from pydicom.encaps import generate_frames

    try:
        return tuple(generate_frames(dataset.PixelData, number_of_frames=frames))
    except (ValueError, EOFError, IndexError, TypeError) as error:
        raise FormatError("the compressed frames are damaged", where=where, why=str(error)) from error


def _decoded(pixels: Pixels, frame: bytes) -> np.ndarray:
    """Decode one compressed frame into an array whose size is known beforehand."""
    import imagecodecs

    out = np.zeros((pixels.rows, pixels.columns), pixels.dtype)
    try:
        if pixels.syntax == _DEFLATED_FRAMES:
            return _inflated(pixels, frame)
        if pixels.syntax == _RLE:
            data = imagecodecs.dicomrle_decode(frame, f"<u{out.itemsize}")
            if not out.nbytes <= len(data) <= out.nbytes + 1:  # a byte of padding may follow
                raise ValueError(f"{out.nbytes} bytes needed, {len(data)} found")
            return np.frombuffer(data, f"<u{out.itemsize}", out.size).reshape(out.shape)
        decode = imagecodecs.jpegls_decode if pixels.syntax in _JPEG_LS else imagecodecs.jpeg2k_decode
        return decode(frame, out=out)
    except (RuntimeError, ValueError, zlib.error) as error:  # codecs of imagecodecs raise RuntimeErrors
        raise FormatError(
            "a compressed frame can't be decoded",
            where=pixels.where,
            why=f"{type(error).__name__}: {error}",
            hint="Fetch the file again",
        ) from error


def _inflated(pixels: Pixels, frame: bytes) -> np.ndarray:
    """Deflated Image Frame Compression (PS3.5 A.4.13): each frame deflated by itself, bits packed anew."""
    size = pixels.rows * pixels.columns
    needed = -(-size * pixels.bits // 8)
    data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame, needed)
    if len(data) < needed:
        raise ValueError(f"{needed} bytes needed, {len(data)} found")
    flat = (
        _bits(data, 0, size)
        if pixels.bits == 1
        else np.frombuffer(data, pixels.dtype.newbyteorder("<"), size)
    )
    return flat.reshape(pixels.rows, pixels.columns)
