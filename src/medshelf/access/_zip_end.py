"""Where a zip's central directory lies: from the end of the file, of its last disk, or behind what stands before it.

Written from PKWARE's APPNOTE.TXT 6.3.10; the numbers below are its sections.
"""

from __future__ import annotations

import io
import struct
from typing import BinaryIO, NamedTuple

from medshelf.errors import AccessError

_END = struct.Struct("<4s4H2LH")  # 4.3.16
_LOCATOR64 = struct.Struct("<4sLQL")  # 4.3.15
_END64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_SHORT_TAIL_BYTES = 4096
_MOST_DIRECTORY_BYTES = 2 << 30


class Directory(NamedTuple):
    """Where the central directory lies; `shift` is what stands before the zip in the file."""

    start: int
    size_bytes: int
    entries: int
    shift: int
    wrapped: bool
    disks: tuple[int, ...]
    """Where each disk of a split zip begins; one 0 for a whole zip."""


def disk_count(stream: io.RawIOBase, size_bytes: int) -> int:
    """Return which disk, counted from 1, a zip's end says that it lies on; 1 where there is no end."""
    found = _end(stream, size_bytes)
    return 1 if found is None or found[0][0] == 0xFFFF else found[0][0] + 1


def _end(stream: io.RawIOBase, size_bytes: int) -> tuple[tuple[int, ...], int, bool] | None:
    """Return the end record's disk, first disk, counts, size and offset; its place; and whether it is zip64."""
    for tail_bytes in (_SHORT_TAIL_BYTES, _END.size + 0xFFFF):  # comments are rare, and the tail may be far away
        tail_start = max(0, size_bytes - tail_bytes)
        stream.seek(tail_start)
        tail = read_exactly(stream, size_bytes - tail_start)
        at = _find_end(tail, whole=tail_bytes != _SHORT_TAIL_BYTES or not tail_start)
        if at is not None:
            break
    else:
        return None
    end = tail_start + at
    record = _end64(stream, end)
    if record:
        return record[1:], record[0], True
    return _END.unpack_from(tail, at)[1:7], end, False


def find_directory(stream: io.RawIOBase, size_bytes: int, name: str, disks: tuple[int, ...]) -> Directory:
    """Return where the central directory lies.

    Raises
    ------
    AccessError
        There is none at the end, it is damaged, or the zip is split and not all of its disks are here.
    """
    found = _end(stream, size_bytes)
    if found is None:
        raise AccessError(
            "the zip has no directory at its end",
            where=name,
            why=f"{size_bytes} bytes, so it was cut, is still being fetched, or is no zip",
            hint="Fetch it again",
        )
    (disk, first_disk, here, entries, size, offset), end, is64 = found
    if len(disks) > 1 and disk == len(disks) - 1 and first_disk <= disk:
        return _place_on(stream, name, size, disks[first_disk] + offset, entries, disks)
    if (disk, first_disk) not in ((0, 0), (0xFFFF, 0xFFFF)) or here != entries:
        raise AccessError(
            "this is the last part of a split zip",
            where=name,
            why=f"it counts itself as disk {disk + 1}, and {len(disks)} of its parts are here",
            hint="Put all parts (.z01, .z02, …) beside it, or join them: "
            f"zip -s 0 {name.rsplit('/', 1)[-1]} --out whole.zip",
        )
    return _place(stream, name, end, size, offset, entries, is64)


def _place_on(
    stream: io.RawIOBase, name: str, size: int, start: int, entries: int, disks: tuple[int, ...]
) -> Directory:
    """Return the directory of a split zip, whose places are counted from a disk."""
    if size > _MOST_DIRECTORY_BYTES or (size and not _is_entry(stream, start)):
        raise AccessError(
            "the zip's directory is damaged", where=name, why=f"{size} bytes at {start} of all parts together",
            hint="Are all parts of the same archive? Compare their checksums",
        )  # fmt: skip
    return Directory(start, size, entries, 0, False, disks)


def _place(
    stream: io.RawIOBase, name: str, end: int, size: int, offset: int, entries: int, is64: bool
) -> Directory:
    start = end - size
    shift = start - offset
    if size and not _is_entry(stream, start):
        start, shift = offset, 0
    if start < 0 or start + size > end or size > _MOST_DIRECTORY_BYTES or (size and not _is_entry(stream, start)):
        raise AccessError(
            "the zip's directory is damaged",
            where=name,
            why=f"{size} bytes at {offset}, the file's end record is at {end}",
            hint="Fetch it again, or compare its checksum",
        )
    # Archive Utility of macOS writes more than 4 GiB without zip64: offsets are cut to 32 bits.
    wrapped = not is64 and shift > 0 and shift % (1 << 32) == 0
    return Directory(start, size, entries, 0 if wrapped else shift, wrapped, (0,))


def unwrap(stream: io.RawIOBase, offset: int, least: int, directory: Directory) -> int:
    """Return the first place from `least` on whose last 32 bits are `offset` and that holds a member."""
    offset += -(-max(0, least - offset) >> 32) << 32
    while offset < directory.start:
        stream.seek(offset)
        if read_exactly(stream, 4) == b"PK\x03\x04":
            break
        offset += 1 << 32
    return offset


def _find_end(tail: bytes, *, whole: bool) -> int | None:
    """Return where the end record begins: the last whose comment reaches the end, or else, in the `whole`, the last."""
    fallback = None
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        if at + _END.size <= len(tail):
            comment_bytes = int.from_bytes(tail[at + 20 : at + 22], "little")
            if at + _END.size + comment_bytes == len(tail):
                return at
            fallback = at if fallback is None else fallback
        at = tail.rfind(b"PK\x05\x06", 0, at)
    return fallback if whole else None


def _end64(stream: io.RawIOBase, end: int) -> tuple[int, ...] | None:
    """Return the place and content of the zip64 end record, where there is one (4.3.14, 4.3.15)."""
    if end < _LOCATOR64.size:
        return None
    stream.seek(end - _LOCATOR64.size)
    signature, _, offset, _ = _LOCATOR64.unpack(read_exactly(stream, _LOCATOR64.size))
    if signature != b"PK\x06\x07":
        return None
    for place in (end - _LOCATOR64.size - _END64.size, offset):
        if 0 <= place < end:
            stream.seek(place)
            record = read_exactly(stream, _END64.size)
            if len(record) == _END64.size and record.startswith(b"PK\x06\x06"):
                return (place, *_END64.unpack(record)[4:])
    return None


def _is_entry(stream: io.RawIOBase, place: int) -> bool:
    if place < 0:
        return False
    stream.seek(place)
    return read_exactly(stream, 4) == b"PK\x01\x02"


def read_exactly(stream: io.RawIOBase | BinaryIO, size_bytes: int) -> bytes:
    """Return all of `size_bytes`, or what there is."""
    parts = []
    while size_bytes > 0 and (data := stream.read(size_bytes)):
        parts.append(data)
        size_bytes -= len(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)
