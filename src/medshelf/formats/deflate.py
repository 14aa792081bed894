"""Arrays to compressed bytes, the same bytes every time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def gzip_bytes(parts: Sequence[Any], level: int) -> bytes:
    """Compress buffers, one after another, into one gzip member without name or time.

    Parameters
    ----------
    parts : sequence of buffers
        Bytes and arrays in C order.
    level : int
        1 (fast) to 12 (small, slow).
    """
    import imagecodecs

    return bytes(imagecodecs.gzip_encode(_joined(parts), level=level))


def zlib_bytes(parts: Sequence[Any], level: int) -> bytes:
    """Compress buffers, one after another, into one zlib stream; parameters as `gzip_bytes`."""
    import imagecodecs

    return bytes(imagecodecs.deflate_encode(_joined(parts), level=level))


def _joined(parts: Sequence[Any]) -> Any:
    """All bytes in one piece, copied only where there is more than one part."""
    flat = [np.frombuffer(part, np.uint8) for part in parts]
    return (flat[0] if len(flat) == 1 else np.concatenate(flat)).data
