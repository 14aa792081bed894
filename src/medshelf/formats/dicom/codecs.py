"""Decoding of compressed DICOM frames with imagecodecs (libjpeg-turbo, CharLS, OpenJPEG: all permissive).

Transfer syntaxes: PS3.5 A.4. The size that a codestream declares is compared with the header's before a
decoder sees it, so that a few bytes can't ask for gigabytes, and a JPEG or JPEG-LS must have its end marker.
"""

from __future__ import annotations

import zlib
from itertools import pairwise
from types import ModuleType

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats.dicom.slice import Slice

_BASE = "1.2.840.10008.1.2."
FAMILIES = {
    f"{_BASE}4.50": "jpeg",
    f"{_BASE}4.51": "jpeg",
    f"{_BASE}4.57": "jpeg",
    f"{_BASE}4.70": "jpeg",
    f"{_BASE}4.80": "jpeg-ls",
    f"{_BASE}4.81": "jpeg-ls",
    f"{_BASE}4.90": "jpeg 2000",
    f"{_BASE}4.91": "jpeg 2000",
    f"{_BASE}4.201": "jpeg 2000",
    f"{_BASE}4.202": "jpeg 2000",
    f"{_BASE}4.203": "jpeg 2000",
    f"{_BASE}5": "rle",
    f"{_BASE}8.1": "deflate",
    f"{_BASE}1.98": "none",
}
"""Encapsulated transfer syntaxes that are read, and the decoder for each (HTJ2K is read by OpenJPEG too)."""
UNCOMPRESSED = ("", _BASE[:-1], f"{_BASE}1", f"{_BASE}1.99", f"{_BASE}2")
"""Transfer syntaxes whose pixels are plain numbers."""

_RATIO = 2000
_ALWAYS_BYTES = 1 << 26
_RLE_RATIO = 64
_PADDING = b"\0\xff"


def check_syntax(one: Slice) -> None:
    """Refuse a transfer syntax that is not read, or a size that so few bytes can't hold.

    Raises
    ------
    Unsupported, FormatError
        Naming the syntax, or both sizes.
    """
    pixels, name, syntax = one.header.pixels, one.header.blob.name, one.header.syntax
    compressed = pixels is not None and pixels.length is None
    if (syntax not in FAMILIES and syntax not in UNCOMPRESSED) or compressed != (syntax in FAMILIES):
        raise Unsupported(
            "this transfer syntax is not read",
            where=name,
            why=f"{syntax_name(syntax)}, pixels {'in' if compressed else 'not in'} encapsulated items",
            hint="Convert the file with dcmdjpeg, gdcmconv or dcm2niix",
        )
    raw = one.rows * one.columns * one.samples * one.bits_allocated // 8
    if compressed and raw > max(_ALWAYS_BYTES, _RATIO * one.header.blob.size_bytes):
        raise FormatError(
            "the image would be larger than its bytes can hold",
            where=name,
            why=f"{raw:,} bytes from a file of {one.header.blob.size_bytes:,}",
        )


def syntax_name(syntax: str) -> str:
    """Return the name of a transfer syntax with its UID."""
    from pydicom.config import IGNORE
    from pydicom.uid import UID

    if not syntax:
        return "no transfer syntax given"
    return f"{UID(syntax, validation_mode=IGNORE).name} ({syntax})"


def decode(frame: bytes, one: Slice) -> np.ndarray:
    """Decode one compressed frame.

    Parameters
    ----------
    frame : bytes
        The codestream, its fragments joined.
    one : Slice
        The header that it belongs to.

    Returns
    -------
    (rows, columns) or (rows, columns, 3) array
        Stored values; three samples are RGB unless the codec leaves YBR to the caller, see `is_rgb`.

    Raises
    ------
    FormatError, Truncated
        The codestream is damaged, cut, or of another size than the header says.
    """
    import imagecodecs

    name, family = one.header.blob.name, FAMILIES[one.header.syntax]
    if family != "rle":
        _check_size(frame, one, family)
    if family in ("jpeg", "jpeg-ls"):
        _check_end(frame, one, family)
    try:
        found = _DECODERS[family](imagecodecs, frame, one)
    except FormatError:
        raise
    except Exception as error:  # each codec has an error class of its own, and none has a common base
        raise FormatError(
            f"the {family} pixels are damaged",
            where=name,
            why=f"{type(error).__name__}: {str(error)[:120]}",
            hint="Fetch the file again",
        ) from error
    wanted = (one.rows, one.columns) if one.samples == 1 else (one.rows, one.columns, one.samples)
    if found.shape != wanted:
        raise _other_size(one, f"decoded {found.shape}, expected {wanted}")
    return found


def inflated_frame(frame: bytes, size: int, name: str) -> bytes:
    """Inflate a deflated frame (PS3.5 A.4.13) to `size` bytes, and no further."""
    try:
        found = zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame, size)
    except zlib.error as error:
        raise FormatError("the deflated pixels are damaged", where=name, why=str(error)) from error
    if len(found) < size:
        raise Truncated("the deflated pixels end early", where=name, why=f"{len(found):,} of {size:,} bytes")
    return found


def is_rgb(one: Slice) -> bool:
    """Return whether `decode` gave RGB where the header says YBR: JPEG and JPEG 2000 undo it themselves."""
    family = FAMILIES.get(one.header.syntax)
    return family == "jpeg" or (family == "jpeg 2000" and one.photometric in ("YBR_RCT", "YBR_ICT"))


def _check_end(frame: bytes, one: Slice, family: str) -> None:
    """Ask for the end marker, padding aside.

    Without it libjpeg fills what is missing with grey, and CharLS may count zero bits behind the end for
    seconds.
    """
    if not frame[-64:].rstrip(_PADDING).endswith(b"\xff\xd9"):
        why = "no end marker"
        raise Truncated(f"the {family} pixels end early", where=one.header.blob.name, why=why)


def _jpeg(codecs: ModuleType, frame: bytes, one: Slice) -> np.ndarray:
    if one.samples == 1:
        return codecs.jpeg8_decode(frame)
    stored = "YCBCR" if _is_ybr(frame, one) else "RGB"
    return codecs.jpeg8_decode(frame, colorspace=stored, outcolorspace="RGB")


def _is_ybr(frame: bytes, one: Slice) -> bool:
    """Tell whether a colour JPEG holds YCbCr: by its own markers first, then by the header."""
    segments = _segments(frame)
    adobe = next((body for marker, body in segments if marker == 0xEE and body[:5] == b"Adobe"), b"")
    if len(adobe) >= 12:
        return adobe[11] == 1
    for marker, body in segments:
        if _is_frame(marker):
            if [body[6 + 3 * n : 7 + 3 * n] for n in range(3)] in ([b"R", b"G", b"B"], [b"r", b"g", b"b"]):
                return False
            if marker == 0xC3:  # lossless: no colour transform of its own, so the header decides
                return one.photometric.startswith("YBR")
    return one.photometric.startswith("YBR") or any(m == 0xE0 and b[:4] == b"JFIF" for m, b in segments)


def _jpeg_ls(codecs: ModuleType, frame: bytes, one: Slice) -> np.ndarray:
    return codecs.jpegls_decode(frame)


def _jpeg_2000(codecs: ModuleType, frame: bytes, one: Slice) -> np.ndarray:
    return codecs.jpeg2k_decode(frame)


def _rle(codecs: ModuleType, frame: bytes, one: Slice) -> np.ndarray:
    """PS3.5 annex G: one segment for each byte of each sample, most significant first.

    Segments are cut out here and decoded one by one: a decoder of whole frames that trusts the offsets in the
    frame's header can be made to read outside it.
    """
    size, count = one.bits_allocated // 8, one.rows * one.columns
    planes = np.empty((one.samples, count, size), np.uint8)
    for n, segment in enumerate(_rle_segments(frame, one.samples * size, one)):
        if count > _RLE_RATIO * len(segment):
            raise _rle_cut(one, f"segment {n + 1} holds {len(segment):,} bytes for {count:,}")
        data = codecs.packbits_decode(segment)
        if len(data) < count:
            raise _rle_cut(one, f"segment {n + 1} gives {len(data):,} of {count:,} bytes")
        planes[n // size, :, size - 1 - n % size] = np.frombuffer(data, np.uint8, count=count)
    values = planes.view(f"<u{size}").reshape(one.samples, one.rows, one.columns)
    return values[0] if one.samples == 1 else values.transpose(1, 2, 0)


def _rle_segments(frame: bytes, wanted: int, one: Slice) -> list[bytes]:
    """Cut a frame into its segments, refusing offsets that don't ascend inside it."""
    numbers = [int.from_bytes(frame[n : n + 4], "little") for n in range(0, 64, 4)]
    ends = [*numbers[1 : 1 + wanted], len(frame)]
    if numbers[0] != wanted or wanted > 15 or ends[0] < 64 or ends != sorted(ends):
        raise FormatError(
            "the RLE segments don't fit the header",
            where=one.header.blob.name,
            why=f"{numbers[0]} segments at {ends[:-1]} in {len(frame):,} bytes; {wanted} are needed",
        )
    return [frame[start:end] for start, end in pairwise(ends)]


def _rle_cut(one: Slice, why: str) -> Truncated:
    return Truncated("the RLE pixels end early", where=one.header.blob.name, why=why)


_DECODERS = {"jpeg": _jpeg, "jpeg-ls": _jpeg_ls, "jpeg 2000": _jpeg_2000, "rle": _rle}


def _segments(frame: bytes) -> list[tuple[int, bytes]]:
    """Return the marker segments of a JPEG or JPEG-LS before its first scan (ITU-T T.81 annex B)."""
    found: list[tuple[int, bytes]] = []
    position = 2
    while position + 4 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker in (0xFF, 0x01) or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in (0xDA, 0xD9):
            break
        length = int.from_bytes(frame[position + 2 : position + 4], "big")
        found.append((marker, frame[position + 4 : position + 2 + length]))
        position += 2 + max(length, 2)
    return found


def _is_frame(marker: int) -> bool:
    return marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC))


def _check_size(frame: bytes, one: Slice, family: str) -> None:
    """Compare the size that the codestream declares with the header's."""
    found = _j2k_size(frame) if family == "jpeg 2000" else _jpeg_size(frame)
    if found is None:
        raise FormatError(
            f"the {family} pixels don't begin as such", where=one.header.blob.name, why=f"bytes {frame[:8]!r}"
        )
    rows, columns, components = found
    if (rows, columns) != (one.rows, one.columns) or components != one.samples:
        raise _other_size(one, f"codestream {rows} x {columns} x {components}")


def _other_size(one: Slice, why: str) -> FormatError:
    return FormatError(
        "the compressed pixels have another size than the header says",
        where=one.header.blob.name,
        why=f"{why}; header {one.rows} x {one.columns} x {one.samples}",
    )


def _jpeg_size(frame: bytes) -> tuple[int, int, int] | None:
    """Rows, columns and components of a frame header (ITU-T T.81 B.2.2)."""
    if frame[:2] != b"\xff\xd8":
        return None
    body = next((body for marker, body in _segments(frame) if _is_frame(marker)), b"")
    if len(body) < 6:
        return None
    return int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"), body[5]


def _j2k_size(frame: bytes) -> tuple[int, int, int] | None:
    """Rows, columns and components of a SIZ segment (ITU-T T.800 A.5.1), raw or in a JP2 box."""
    start = frame.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start < 0 or start + 42 > len(frame):
        return None
    ends = [int.from_bytes(frame[start + n : start + n + 4], "big") for n in (8, 12, 16, 20)]
    right, lower, left, upper = ends
    return lower - upper, right - left, int.from_bytes(frame[start + 40 : start + 42], "big")
