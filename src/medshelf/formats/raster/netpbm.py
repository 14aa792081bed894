"""The netpbm formats PBM, PGM and PPM (https://netpbm.sourceforge.net/doc/pnm.html), also gzipped.

Read by hand because Pillow scales samples to a full byte or word; here they stay as stored, and
``meta["maxval"]`` tells what white is.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np

from medshelf.errors import FormatError, Truncated
from medshelf.formats.deflate import gzip_bytes
from medshelf.formats.pixel_limit import LIMIT_BYTES, check_decoded_size
from medshelf.formats.text import bytes_of
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

_HEADER = re.compile(
    rb"P([1-6])(?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})(?:(?:\s|#[^\n]*\n)+(\d{1,5}))?"
)
_HEADER_BYTES = 2**16


def matches(head: bytes) -> bool:
    """Whether the first bytes are those of a netpbm picture."""
    return re.match(rb"P[1-6][\s#]", head) is not None


def read_header(blob: Blob) -> Header:
    """See `medshelf.formats.raster.read_header`."""
    with blob.open() as stream:
        head = stream.read(_HEADER_BYTES)
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _HEADER_BYTES)
        except zlib.error as error:
            raise FormatError("the gzip data are damaged", where=blob.name, why=str(error)) from error
    return _parsed(head, blob)[0]


def read(blob: Blob) -> Volume:
    """See `medshelf.formats.raster.read`."""
    data = bytes_of(blob, limit_bytes=max(LIMIT_BYTES, blob.size_bytes))
    header, kind, start = _parsed(data, blob)
    samples = int(np.prod(header.shape, dtype=object))
    width = np.dtype(header.dtype).itemsize
    least = -(-header.shape[1] // 8) * header.shape[0] if kind == 4 else samples * (width if kind > 4 else 1)
    check_decoded_size(samples * width, len(data), blob.name)
    if len(data) - start < least:
        raise _short(blob, least, len(data) - start)
    if kind == 1:
        flat = _bits(data[start:], samples, blob)
    elif kind in (2, 3):
        flat = _numbers(data[start:], samples, header, blob)
    elif kind == 4:
        rows = np.frombuffer(data, np.uint8, least, start).reshape(header.shape[0], -1)
        flat = (1 - np.unpackbits(rows, axis=1, count=header.shape[1])) * np.uint8(255)
    else:
        flat = np.frombuffer(data, np.dtype(header.dtype).newbyteorder(">"), samples, start)
    array = np.array(flat, dtype=header.dtype).reshape(header.shape)
    return Volume(array, header.axes, meta=header.meta)


def _parsed(data: bytes, blob: Blob) -> tuple[Header, int, int]:
    """Header, kind (the digit after P) and the place of the first sample."""
    found = _HEADER.match(data[:_HEADER_BYTES])
    if found is None:
        raise FormatError("this is no netpbm picture", where=blob.name, why=f"first bytes {data[:16]!r}")
    kind, width, height = (int(found[n]) for n in (1, 2, 3))
    if kind in (1, 4):
        end, maxval = found.end(3), 1
    elif found[4] is None:
        raise Truncated("the header of the picture ends early", where=blob.name)
    else:
        end, maxval = found.end(4), int(found[4])
    if not width or not height or not 0 < maxval < 65536:
        raise FormatError(
            "the header of the picture is wrong", where=blob.name, why=f"{width} x {height}, up to {maxval}"
        )
    shape = (height, width, 3) if kind in (3, 6) else (height, width)
    name = ("PBM", "PGM", "PPM")[(kind - 1) % 3]
    meta = {"format": name, "maxval": maxval, "bits": maxval.bit_length()}
    dtype = "uint16" if maxval > 255 else "uint8"
    header = Header(shape, dtype, "yxc" if len(shape) == 3 else "yx", meta=meta)
    return header, kind, end + 1


def _bits(data: bytes, samples: int, blob: Blob) -> np.ndarray:
    """Digits of a plain PBM, 1 is black, with or without blanks between."""
    digits = np.frombuffer(re.sub(rb"#[^\n]*|\s", b"", data), np.uint8)
    if digits.size < samples:
        raise _short(blob, samples, digits.size)
    digits = digits[:samples] - ord("0")
    if (digits > 1).any():
        raise FormatError("a one-bit picture holds other digits than 0 and 1", where=blob.name)
    return (1 - digits) * np.uint8(255)


def _numbers(data: bytes, samples: int, header: Header, blob: Blob) -> np.ndarray:
    """Decimal numbers of a plain PGM or PPM."""
    words = re.sub(rb"#[^\n]*", b"", data).split(maxsplit=samples)[:samples]
    if len(words) < samples:
        raise _short(blob, samples, len(words))
    try:
        numbers = np.array(words, dtype="S5").astype(np.int64)
    except ValueError as error:
        raise FormatError("a sample is no number", where=blob.name, why=str(error)) from error
    if numbers.min() < 0 or numbers.max() > header.meta["maxval"]:
        raise FormatError("a sample is over the declared maximum", where=blob.name, why=f"{numbers.max()}")
    return numbers


def _short(blob: Blob, needed: int, found: int) -> Truncated:
    return Truncated(
        "the picture ends early",
        where=blob.name,
        why=f"{needed} samples or bytes needed, {found} found",
        hint="Fetch the file again",
    )


def write(path: Path | str, array: np.ndarray, maxval: int | None = None, *, compressed: bool = False) -> None:
    """Write a binary PGM or PPM, or one inside gzip.

    Parameters
    ----------
    path : Path or str
        The file.
    array : (rows, columns) or (rows, columns, 3) uint8 or uint16 array
        Samples.
    maxval : int, optional
        What white is; by default the largest value of the type.
    compressed : bool
        Write gzip, the same bytes every time.
    """
    top = maxval or np.iinfo(array.dtype).max
    stored = array.astype(">u2" if top > 255 else np.uint8)
    kind = 6 if array.ndim == 3 else 5
    data = f"P{kind}\n{array.shape[1]} {array.shape[0]}\n{top}\n".encode() + stored.tobytes()
    Path(path).write_bytes(gzip_bytes([data], 6) if compressed else data)
