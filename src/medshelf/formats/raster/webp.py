"""WebP through imagecodecs; always RGB or RGBA.

See `medshelf.formats.raster` for what values mean. Source: RFC 9649 (2.3 to 2.7).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats.pixel_limit import check_decoded_size
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

_ALPHA, _ANIMATED = 0x10, 0x02
_MOST_PER_BYTE = 100_000.0
"""More than an empty picture of any size shrinks to (72,000 measured for 4096 x 4096)."""


def matches(head: bytes) -> bool:
    """Whether the first bytes are those of WebP."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def read_header(blob: Blob) -> Header:
    """See `medshelf.formats.raster.read_header`."""
    with blob.open() as stream:
        head = stream.read(30)
    if len(head) < 30:
        raise Truncated("the WebP ends within its header", where=blob.name, why=f"{len(head)} bytes")
    declared = 8 + int.from_bytes(head[4:8], "little")
    if declared > blob.size_bytes:
        why = f"{declared} bytes declared, {blob.size_bytes} found"
        raise Truncated("the picture ends early", where=blob.name, why=why, hint="Fetch the file again")
    width, height, alpha = _size(head, blob)
    shape = (height, width, 4 if alpha else 3)
    check_decoded_size(height * width * shape[2], blob.size_bytes, blob.name, most_per_byte=_MOST_PER_BYTE)
    meta: dict[str, Any] = {"format": "WEBP"}
    return Header(shape, "uint8", "yxc", meta=meta)


def _size(head: bytes, blob: Blob) -> tuple[int, int, bool]:
    """Width, height and whether there is an alpha channel."""
    kind = head[12:16]
    if kind == b"VP8X":
        if head[20] & _ANIMATED:
            raise Unsupported("animated WebP is not read", where=blob.name)
        width, height = (int.from_bytes(head[n : n + 3], "little") + 1 for n in (24, 27))
        return width, height, bool(head[20] & _ALPHA)
    if kind == b"VP8L":
        packed = int.from_bytes(head[21:25], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, bool(packed >> 28 & 1)
    if kind == b"VP8 ":
        width, height = (int.from_bytes(head[n : n + 2], "little") & 0x3FFF for n in (26, 28))
        return width, height, False
    raise FormatError("the header of the picture is wrong", where=blob.name, why=f"{kind!r}")


def read(blob: Blob) -> Volume:
    """See `medshelf.formats.raster.read`."""
    import imagecodecs

    header = read_header(blob)
    try:
        array = np.asarray(imagecodecs.webp_decode(blob.read_bytes(), hasalpha=header.shape[2] == 4))
    except (RuntimeError, ValueError, TypeError) as error:
        raise FormatError(
            "the WebP can't be decoded", where=blob.name, why=str(error)[:200], hint="Fetch the file again"
        ) from error
    if array.shape != header.shape:
        raise FormatError(
            "the picture is not of the size that its header says",
            where=blob.name,
            why=f"{array.shape}, header {header.shape}",
        )
    return Volume(array, header.axes, meta=header.meta)
