"""Zip: the directory at the end, and where a member's bytes begin.

Written from PKWARE's APPNOTE.TXT 6.3.10; the numbers below are its sections.
"""

from __future__ import annotations

import io
import stat
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from medshelf.access._index import ENCRYPTED, LEFT_OUT, SETUID, Entry, Gathering, Index
from medshelf.errors import AccessError

STORED = 0
METHODS = {8: "deflate", 9: "deflate64", 12: "zip-bz2", 14: "zip-lzma", 95: "zip-xz"}
OTHER_METHODS = {
    1: "Shrink",
    6: "Implode",
    93: "Zstandard",
    97: "WavPack",
    98: "PPMd",
}

_END = struct.Struct("<4s4H2LH")  # 4.3.16
_LOCATOR64 = struct.Struct("<4sLQL")  # 4.3.15
_END64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_ENTRY = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_LOCAL = struct.Struct("<4s5H3L2H")  # 4.3.7
_MOST_DIRECTORY_BYTES = 2 << 30
_FULL = 0xFFFFFFFF
_UNIX, _MAC = 3, 19


class _Directory(NamedTuple):
    """Where the central directory lies; `shift` is what stands before the zip in the file."""

    start: int
    size_bytes: int
    entries: int
    shift: int
    wrapped: bool
    disks: tuple[int, ...]
    """Where each disk of a split zip begins; one 0 for a whole zip."""


class _Row(NamedTuple):
    """One entry of the central directory."""

    name: str
    flags: int
    method: int
    crc32: int
    packed: int
    size: int
    offset: int
    disk: int
    mode: int
    is_folder: bool


class Local(NamedTuple):
    """What stands before a member's bytes (4.3.7)."""

    start: int
    """Where they begin."""
    flags: int
    time: int
    extra: bytes


def read_index(stream: io.RawIOBase, size_bytes: int, name: str, disks: tuple[int, ...] = (0,)) -> Index:
    """List a zip.

    Parameters
    ----------
    stream : io.RawIOBase
        The zip, all disks of a split one one after another.
    size_bytes : int
        Its size.
    name : str
        For messages.
    disks : tuple of int
        Where each disk begins.

    Raises
    ------
    AccessError
        The directory is missing (a download that was cut), damaged, encrypted, or on another disk.
    """
    directory = _find_directory(stream, size_bytes, name, disks)
    stream.seek(directory.start)
    data = read_exactly(stream, directory.size_bytes)
    found = Gathering(name)
    count, offset = 0, -1
    for row in _entries(data, name):
        count += 1
        if directory.wrapped:
            offset = _unwrap(stream, row.offset, offset + 1, directory)
        elif len(disks) > 1:
            offset = disks[row.disk] + row.offset if row.disk < len(disks) else -1
        else:
            offset = row.offset + directory.shift
        fault = _fault(row, offset, directory)
        if fault:
            found.problems.add(row.name, fault)
        elif not row.is_folder:
            found.add(
                row.name,
                offset=offset,
                packed=row.packed,
                size=row.size,
                crc32=row.crc32,
                method=row.method,
                flags=row.flags & ENCRYPTED | (SETUID if row.mode & (stat.S_ISUID | stat.S_ISGID) else 0),
            )
    if count != directory.entries and count % 0x10000 != directory.entries:
        found.problems.add(name, f"the end says {directory.entries} members, the directory holds {count}")
    return found.index()


def disk_count(stream: io.RawIOBase, size_bytes: int) -> int:
    """Return which disk, counted from 1, a zip's end says that it lies on; 1 where there is no end."""
    found = _end(stream, size_bytes)
    return 1 if found is None or found[0][0] == 0xFFFF else found[0][0] + 1


def data_start(stream: io.RawIOBase, entry: Entry, name: str) -> int:
    """Return where the packed bytes of a member begin; errors as in `read_local`."""
    return read_local(stream, entry, name).start


def read_local(stream: io.RawIOBase, entry: Entry, name: str) -> Local:
    """Read a member's local header.

    Raises
    ------
    AccessError
        There is no local header where the directory says.
    """
    stream.seek(entry.offset)
    head = read_exactly(stream, _LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
        raise AccessError(
            "the member is not where the archive's directory says",
            where=name,
            why=f"no local header at byte {entry.offset}",
            hint="Fetch the archive again, or compare its checksum",
        )
    _, _, flags, _, time, _, _, _, _, name_bytes, extra_bytes = _LOCAL.unpack(head)
    start = entry.offset + _LOCAL.size + name_bytes + extra_bytes
    if start + entry.packed_bytes > entry.source.size_bytes:
        raise AccessError("the archive ends inside the member", where=name, hint="Fetch the archive again")
    extra = b""
    if entry.flags & ENCRYPTED:
        stream.seek(name_bytes, 1)
        extra = read_exactly(stream, extra_bytes)
    return Local(start, flags, time, extra)


def _end(stream: io.RawIOBase, size_bytes: int) -> tuple[tuple[int, ...], int, bool] | None:
    """Return the end record's disk, first disk, counts, size and offset; its place; and whether it is zip64."""
    tail_start = max(0, size_bytes - _END.size - 0xFFFF)
    stream.seek(tail_start)
    tail = read_exactly(stream, size_bytes - tail_start)
    at = _find_end(tail)
    if at is None:
        return None
    end = tail_start + at
    record = _end64(stream, end)
    if record:
        return record[1:], record[0], True
    return _END.unpack_from(tail, at)[1:7], end, False


def _find_directory(stream: io.RawIOBase, size_bytes: int, name: str, disks: tuple[int, ...]) -> _Directory:
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
) -> _Directory:
    """Return the directory of a split zip, whose places are counted from a disk."""
    if size > _MOST_DIRECTORY_BYTES or (size and not _is_entry(stream, start)):
        raise AccessError(
            "the zip's directory is damaged", where=name, why=f"{size} bytes at {start} of all parts together",
            hint="Are all parts of the same archive? Compare their checksums",
        )  # fmt: skip
    return _Directory(start, size, entries, 0, False, disks)


def _place(
    stream: io.RawIOBase, name: str, end: int, size: int, offset: int, entries: int, is64: bool
) -> _Directory:
    start = end - size
    shift = start - offset
    if size and not _is_entry(stream, start):
        start, shift = offset, 0
    if start < 0 or size > _MOST_DIRECTORY_BYTES or (size and not _is_entry(stream, start)):
        raise AccessError(
            "the zip's directory is damaged",
            where=name,
            why=f"{size} bytes at {offset}, the file's end record is at {end}",
            hint="Fetch it again, or compare its checksum",
        )
    # Archive Utility of macOS writes more than 4 GiB without zip64: offsets are cut to 32 bits.
    wrapped = not is64 and shift > 0 and shift % (1 << 32) == 0
    return _Directory(start, size, entries, 0 if wrapped else shift, wrapped, (0,))


def _unwrap(stream: io.RawIOBase, offset: int, least: int, directory: _Directory) -> int:
    """Return the first place from `least` on whose last 32 bits are `offset` and that holds a member."""
    offset += -(-max(0, least - offset) >> 32) << 32
    while offset < directory.start:
        stream.seek(offset)
        if read_exactly(stream, 4) == b"PK\x03\x04":
            break
        offset += 1 << 32
    return offset


def _find_end(tail: bytes) -> int | None:
    """Return where the end record begins: the last whose comment reaches the end, or else the last."""
    fallback = None
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        if at + _END.size <= len(tail):
            comment_bytes = int.from_bytes(tail[at + 20 : at + 22], "little")
            if at + _END.size + comment_bytes == len(tail):
                return at
            fallback = at if fallback is None else fallback
        at = tail.rfind(b"PK\x05\x06", 0, at)
    return fallback


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


def _entries(data: bytes, archive_name: str) -> Iterator[_Row]:
    position = 0
    while position + _ENTRY.size <= len(data):
        fields = _ENTRY.unpack_from(data, position)
        if fields[0] != b"PK\x01\x02":
            if data[position : position + 4] == b"PK\x05\x05":  # digital signature, 4.3.13
                return
            raise AccessError(
                "the zip's directory is damaged",
                where=archive_name,
                why=f"no entry at byte {position} of {len(data)}",
                hint="Fetch it again, or compare its checksum",
            )
        (_, made, _, flags, method, _, _, crc, packed, size, n, e, c, disk, _, attributes, offset) = fields
        if flags & 0x2000:
            raise AccessError("the zip's directory is encrypted", where=archive_name)
        position += _ENTRY.size
        raw, extra = data[position : position + n], data[position + n : position + n + e]
        position += n + e + c
        if _FULL in (packed, size, offset) or disk == 0xFFFF:
            size, packed, offset, disk = _zip64(extra, size, packed, offset, disk)
        name = _decode(raw, flags, extra)
        if "\\" in name:
            name = name.replace("\\", "/")  # 4.4.17.1 forbids it, some Windows programs write it
        mode = attributes >> 16 if made >> 8 in (_UNIX, _MAC) else 0
        is_folder = name.endswith("/") or bool(attributes & 0x10 and not size)
        yield _Row(name, flags, method, crc, packed, size, offset, disk, mode, is_folder)


def _zip64(extra: bytes, size: int, packed: int, offset: int, disk: int) -> tuple[int, int, int, int]:
    """Return the four values with those that didn't fit taken from the zip64 field (4.5.3)."""
    field = io.BytesIO(extra_field(extra, 1) or b"")
    values = []
    for value, full, length in ((size, _FULL, 8), (packed, _FULL, 8), (offset, _FULL, 8), (disk, 0xFFFF, 4)):
        longer = field.read(length) if value == full else b""
        values.append(int.from_bytes(longer, "little") if len(longer) == length else value)
    return values[0], values[1], values[2], values[3]


def extra_field(extra: bytes, wanted: int) -> bytes | None:
    """Return one field of the extra data of a member (4.5.1), or None."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == wanted:
            return extra[4 : 4 + length]
        extra = extra[4 + length :]
    return None


def _decode(raw: bytes, flags: int, extra: bytes) -> str:
    """Return a name: ASCII, marked UTF-8, Info-ZIP's Unicode field, UTF-8 (macOS marks nothing), or CP437."""
    if raw.isascii():
        return raw.decode("ascii")
    if flags & 0x800:
        return raw.decode("utf-8", "surrogateescape")
    spelt = extra_field(extra, 0x7075)
    if spelt and spelt[0] == 1 and int.from_bytes(spelt[1:5], "little") == zlib.crc32(raw):  # 4.6.9
        return spelt[5:].decode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _fault(row: _Row, offset: int, directory: _Directory) -> str:
    if row.disk >= len(directory.disks) and (row.disk != 0xFFFF or len(directory.disks) > 1):
        return f"{LEFT_OUT}it lies in another part of a split zip"
    kind = stat.S_IFMT(row.mode)
    if kind == stat.S_IFLNK:
        return f"{LEFT_OUT}a symbolic link"
    if kind in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK):
        return f"{LEFT_OUT}a device or pipe"
    if offset < 0 or offset + _LOCAL.size + row.packed > directory.start:
        return f"{LEFT_OUT}the directory places it outside the file"
    if row.method == STORED and row.packed != row.size and not row.flags & ENCRYPTED:
        return f"{LEFT_OUT}stored in fewer or more bytes than it has"
    return ""


def read_exactly(stream: io.RawIOBase | BinaryIO, size_bytes: int) -> bytes:
    """Return all of `size_bytes`, or what there is."""
    parts = []
    while size_bytes > 0 and (data := stream.read(size_bytes)):
        parts.append(data)
        size_bytes -= len(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)
