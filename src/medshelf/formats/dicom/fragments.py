"""Where each frame of a file lies: at even distances, or in the fragments of encapsulated pixel data.

Encapsulation: PS3.5 A.4. The items are walked over without reading them. As every frame has at least one
fragment, as many fragments as frames are one each, whatever the tables say (the Extended Offset Table of PS3.3
C.7.6.3.1.8 is only for that case). With more fragments, the Basic Offset Table tells where a frame begins;
without one, the end marker of JPEG, JPEG-LS and JPEG 2000 tells where it ends.
"""

from __future__ import annotations

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats.dicom.bytes import Source
from medshelf.formats.dicom.codecs import FAMILIES
from medshelf.formats.dicom.slice import Extents, Slice, frame_bytes

MOST_FRAMES = 100_000
"""More frames than this in one file are not read; the longest films of angiography and ultrasound have thousands."""
_ITEM = b"\xfe\xff\x00\xe0"
_END_MARKER = b"\xff\xd9"
_MARKED = ("jpeg", "jpeg-ls", "jpeg 2000")


def extents_of(one: Slice) -> list[Extents]:
    """Return where the bytes of each frame are.

    Parameters
    ----------
    one : Slice
        A file whose header `check_pixels` has accepted.

    Raises
    ------
    Truncated, FormatError, Unsupported
        The fragments end early, or can't be told apart into frames.
    """
    pixels = one.header.pixels
    assert pixels is not None
    if one.frames > MOST_FRAMES:
        why = f"{one.frames:,}, at most {MOST_FRAMES:,}"
        raise Unsupported("there are too many frames in one file", where=one.header.blob.name, why=why)
    if pixels.length is None:
        return _encapsulated(one, pixels.offset)
    size = frame_bytes(one)
    if size % 2 and one.bits_allocated == 8 and pixels.words and not one.header.little:
        what = "frames of an odd number of bytes in big-endian words"
        raise Unsupported(f"{what} are not read", where=one.header.blob.name)
    return [((pixels.offset + n * size, size),) for n in range(one.frames)]


def _encapsulated(one: Slice, offset: int) -> list[Extents]:
    source = one.header.open_data()
    try:
        table, fragments = _walk(source, offset, one)
        if len(fragments) == one.frames:
            return [(fragment,) for fragment in fragments]
        if one.frames == 1 and fragments:
            return [tuple(fragments)]
        if len(fragments) < one.frames:
            raise Truncated(
                "the encapsulated pixel data hold fewer frames than the header says",
                where=one.header.blob.name,
                why=f"{len(fragments)} fragments for {one.frames} frames",
                hint="Fetch the file again",
            )
        begins = _by_table(table, fragments, one.frames) or _by_markers(source, fragments, one)
    finally:
        source.close()
    if begins is None:
        raise FormatError(
            "the fragments of the pixel data can't be told apart into frames",
            where=one.header.blob.name,
            why=f"{len(fragments)} fragments for {one.frames} frames, and no offset table that fits",
        )
    return [tuple(fragments[a:b]) for a, b in zip(begins, [*begins[1:], len(fragments)], strict=True)]


def _walk(source: Source, offset: int, one: Slice) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the Basic Offset Table, and place and length of every fragment."""
    found: list[tuple[int, int]] = []
    while True:
        head = source.read_at(offset, 8)
        if head[:4] != _ITEM or len(head) < 8:
            break
        length = int.from_bytes(head[4:], "little")
        if not source.reaches(offset + 8 + length):
            raise Truncated(
                "a fragment of the pixel data ends early",
                where=one.header.blob.name,
                why=f"{length:,} bytes at byte {offset + 8:,} of {source.size_bytes:,}",
                hint="Fetch the file again",
            )
        found.append((offset + 8, length))
        offset += 8 + length
    if not found:
        raise Truncated("no frame in the encapsulated pixel data", where=one.header.blob.name)
    start, length = found[0]
    return source.read_at(start, min(length, 4 * MOST_FRAMES)), found[1:]


def _by_table(table: bytes, fragments: list[tuple[int, int]], frames: int) -> list[int] | None:
    """Return the first fragment of each frame as the table says, or None where it does not fit."""
    if len(table) != 4 * frames:
        return None
    first = fragments[0][0]
    number = {place - first: n for n, (place, _) in enumerate(fragments)}
    begins = [
        number.get(int.from_bytes(table[4 * n : 4 * n + 4], "little"), -1) for n in range(frames)
    ]
    fits = begins[0] == 0 and all(a < b for a, b in zip(begins, begins[1:], strict=False))
    return begins if fits else None


def _by_markers(source: Source, fragments: list[tuple[int, int]], one: Slice) -> list[int] | None:
    """Return the first fragment of each frame, a frame ending with an end marker and padding."""
    if FAMILIES.get(one.header.syntax) not in _MARKED:
        return None
    begins = [0]
    for n, (place, length) in enumerate(fragments[:-1]):
        tail = source.read_at(place + max(0, length - 4), min(length, 4)).rstrip(b"\0")
        if tail.endswith(_END_MARKER):
            begins.append(n + 1)
    return begins if len(begins) == one.frames else None
