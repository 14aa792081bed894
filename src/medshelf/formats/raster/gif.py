"""How many frames a GIF has, and whether it is whole (GIF89a specification, W3C, 1990).

Pillow counts the frames that it finds, so that a cut animation would only be shorter.
"""

from __future__ import annotations

from typing import BinaryIO

from medshelf.errors import FormatError, Truncated

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B


def count_frames(stream: BinaryIO, where: object) -> int:
    """Return the number of frames, reading block lengths only.

    Parameters
    ----------
    stream : binary file
        A GIF; left anywhere.
    where : object
        What to name in an error.

    Raises
    ------
    Truncated
        It ends before its trailer and has more than one frame. (A single frame without a trailer is
        left to the decoder, which knows whether all pixels are there.)
    FormatError
        A block of no known kind.
    """
    stream.seek(0)
    head = stream.read(13)
    frames = 0
    _skip(stream, _colour_bytes(head[10:11]))
    while True:
        kind = stream.read(1)
        if kind == bytes([_TRAILER]):
            return frames
        if not kind:
            if frames > 1:
                raise Truncated("the GIF ends early", where=where, why=f"within or after frame {frames}")
            return frames
        if kind[0] == _IMAGE:
            frames += 1
            descriptor = stream.read(9)
            _skip(stream, _colour_bytes(descriptor[8:9]) + 1)
        elif kind[0] == _EXTENSION:
            _skip(stream, 1)
        elif frames:
            return frames  # bytes behind the last frame that are no block: Pillow stops here too
        else:
            raise FormatError("the GIF is damaged", where=where, why=f"a block of the kind {kind[0]:#x}")
        _skip_blocks(stream)


def _colour_bytes(packed: bytes) -> int:
    """Size of the colour table that a packed field announces."""
    return 3 << ((packed[0] & 7) + 1) if packed and packed[0] & 0x80 else 0


def _skip(stream: BinaryIO, count: int) -> None:
    stream.seek(count, 1)


def _skip_blocks(stream: BinaryIO) -> None:
    """Pass sub-blocks: each begins with its length, the last has none."""
    while (length := stream.read(1)) not in (b"", b"\0"):
        _skip(stream, length[0])
