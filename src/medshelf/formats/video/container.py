"""The containers of films: which one it is, by its first bytes, and whether all of it is there.

Only what bears one of these marks is given to FFmpeg, which would follow a playlist to other files and hosts.
Sources: ISO/IEC 14496-12 (4.2, boxes), Microsoft "AVI RIFF File Reference", RFC 8794 (EBML), "Advanced Systems
Format Specification" 2.1, ISO/IEC 13818-1 (2.5.3, pack header) and 13818-2 (6.2.2, sequence header).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

from medshelf.errors import FormatError, Truncated
from medshelf.model.blob import Blob

_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_EBML = b"\x1aE\xdf\xa3"
_MPEG = (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")
_MOST_PARTS = 1_000_000


def kind_of(head: bytes) -> str | None:
    """Return MP4 (also MOV), AVI, MKV (also WebM), WMV or MPEG, or None for other bytes."""
    if head[4:8] in _FIRST_BOXES:
        return "MP4"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "AVI"
    if head.startswith(_EBML):
        return "MKV"
    if head.startswith(_ASF):
        return "WMV"
    return "MPEG" if head.startswith(_MPEG) else None


def check_whole(blob: Blob, kind: str) -> None:
    """Refuse a film whose container says that it goes on after the end of the file.

    Raises
    ------
    Truncated
        A part is longer than the file. MPEG streams don't say how long they are.
    FormatError
        An MP4 file has no index (``moov``).
    """
    found: set[bytes] = set()
    for part, at, size in parts(blob, kind):
        found.add(part)
        if at + size > blob.size_bytes:
            raise Truncated(
                "the film is cut short",
                where=blob.name,
                why=f"its part {part!r} ends at {at + size:,}, the file at {blob.size_bytes:,}",
                hint="Fetch the file again and compare its checksum with the host's",
            )
    if kind == "MP4" and b"moov" not in found:
        raise FormatError(
            "the film has no index", where=blob.name, why="no box 'moov'", hint="Its recording was broken off"
        )


def parts(blob: Blob, kind: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, place and size of the outermost parts of a container."""
    step = _STEPS.get(kind)
    if step is None:
        return
    with blob.open() as stream:
        at = 0
        for _ in range(_MOST_PARTS):
            stream.seek(at)
            found = step(stream)
            if found is None or found[1] <= 0:  # the end, or a part that goes on to the end
                return
            yield found[0], at, found[1]
            at += found[1]


def _box(stream: BinaryIO) -> tuple[bytes, int] | None:
    head = stream.read(16)
    if len(head) < 8:
        return None
    size, name = struct.unpack(">I4s", head[:8])
    if size == 1 and len(head) == 16:
        size = struct.unpack(">Q", head[8:])[0]
    return name, size


def _chunk(stream: BinaryIO) -> tuple[bytes, int] | None:
    head = stream.read(8)
    if len(head) < 8 or head[:4] not in (b"RIFF", b"JUNK"):
        return None
    size = struct.unpack("<I", head[4:])[0]
    return head[:4], 8 + size + size % 2 if size else 0


def _object(stream: BinaryIO) -> tuple[bytes, int] | None:
    head = stream.read(24)
    return (head[:16], struct.unpack("<Q", head[16:])[0]) if len(head) == 24 else None


def _element(stream: BinaryIO) -> tuple[bytes, int] | None:
    head = stream.read(12)
    name, rest = head[:4], head[4:]
    if len(head) < 5 or not name[0] & 0xF0 or not rest[0]:
        return None
    length = 9 - rest[0].bit_length()
    value = int.from_bytes(rest[:length], "big") & ((1 << 7 * length) - 1)
    unknown = value == (1 << 7 * length) - 1
    return name, 0 if unknown else 4 + length + value


_STEPS: dict[str, Callable[[BinaryIO], tuple[bytes, int] | None]] = {
    "MP4": _box, "AVI": _chunk, "WMV": _object, "MKV": _element,
}  # fmt: skip
