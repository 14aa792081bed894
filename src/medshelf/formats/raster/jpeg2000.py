"""JPEG 2000 (.jp2, .j2k) through imagecodecs, whose OpenJPEG refuses a cut codestream.

See `medshelf.formats.raster` for what values mean. Source: ITU-T T.800, annex A.5.1 (SIZ) and annex I (boxes).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats.pixel_limit import check_decoded_size
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

_BOX = b"\0\0\0\x0cjP  \r\n\x87\n"
_CODESTREAM = b"\xff\x4f\xff\x51"
_HEAD_BYTES = 1 << 16
_MOST_PER_BYTE = 100_000.0
"""More than an empty picture of any size shrinks to (61,000 measured for 4096 x 4096)."""


def matches(head: bytes) -> bool:
    """Whether the first bytes are those of JPEG 2000, in a file or bare."""
    return head.startswith((_BOX, _CODESTREAM))


def read_header(blob: Blob) -> Header:
    """See `medshelf.formats.raster.read_header`."""
    with blob.open() as stream:
        return _header(stream.read(_HEAD_BYTES), blob)


def read(blob: Blob) -> Volume:
    """See `medshelf.formats.raster.read`."""
    import imagecodecs

    header = read_header(blob)
    try:
        array = np.asarray(imagecodecs.jpeg2k_decode(blob.read_bytes()))
    except (RuntimeError, ValueError, TypeError) as error:
        raise FormatError(
            "the JPEG 2000 can't be decoded", where=blob.name, why=str(error)[:200], hint="Fetch the file again"
        ) from error
    if array.shape != header.shape or array.dtype.name != header.dtype:
        why = f"{array.shape} {array.dtype}, header {header.shape} {header.dtype}"
        raise FormatError("the picture is not of the size that its header says", where=blob.name, why=why)
    return Volume(array, header.axes, meta=header.meta)


def _header(head: bytes, blob: Blob) -> Header:
    at = head.find(_CODESTREAM)
    if at < 0 or len(head) < at + 42:
        raise Truncated("the JPEG 2000 ends within its header", where=blob.name, why=f"{len(head)} bytes")
    if b"pclr" in head[:at]:
        raise Unsupported("JPEG 2000 with a palette is not read", where=blob.name)
    right, lower, left, upper = struct.unpack_from(">4I", head, at + 8)
    (count,) = struct.unpack_from(">H", head, at + 40)
    components = head[at + 42 : at + 42 + 3 * count]
    if right <= left or lower <= upper or not count or len(components) < 3 * count:
        why = f"{left} to {right}, {upper} to {lower}, {count} components"
        raise FormatError("the header of the picture is wrong", where=blob.name, why=why)
    depths = set(components[0::3])
    bits, signed = (components[0] & 0x7F) + 1, bool(components[0] & 0x80)
    if len(depths) > 1 or set(components[1::3]) | set(components[2::3]) != {1} or bits > 16 or count > 4:
        why = f"{count} components of {sorted((d & 127) + 1 for d in depths)} bits"
        raise Unsupported("JPEG 2000 of this kind is not read", where=blob.name, why=why)
    dtype = ("int" if signed else "uint") + ("8" if bits <= 8 else "16")
    shape = (lower - upper, right - left) + ((count,) if count > 1 else ())
    size = int(np.prod(shape, dtype=object)) * (1 if bits <= 8 else 2)
    check_decoded_size(size, blob.size_bytes, blob.name, most_per_byte=_MOST_PER_BYTE)
    meta: dict[str, Any] = {"format": "JPEG 2000", "bits": bits}
    return Header(shape, dtype, "yxc" if count > 1 else "yx", meta=meta)
