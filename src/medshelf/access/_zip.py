"""Zip: the directory at the end, and where a member's bytes begin.

Written from PKWARE's APPNOTE.TXT 6.3.10; the numbers below are its sections.
"""

from __future__ import annotations

import io
import stat
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from medshelf.access._codec import FIRST_CHUNK_BYTES
from medshelf.access._index import ENCRYPTED, LEFT_OUT, SETUID, Entry, Gathering, Index
from medshelf.access._zip_end import Directory, find_directory, read_exactly, unwrap
from medshelf.errors import AccessError

STORED = 0
METHODS = {8: "deflate", 9: "deflate64", 12: "zip-bz2", 14: "zip-lzma", 93: "zip-zstd", 95: "zip-xz"}
OTHER_METHODS = {
    1: "Shrink",
    6: "Implode",
    97: "WavPack",
    98: "PPMd",
    99: "AES",
}

_ENTRY = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_LOCAL = struct.Struct("<4s5H3L2H")  # 4.3.7
_FULL = 0xFFFFFFFF
_AHEAD_BYTES = 512
"""Room for a name and extra data: with the first packed bytes they are read at once, as a server may be far away."""
_PIECE_BYTES = 1 << 20
_MOST_ENTRY_BYTES = _ENTRY.size + 3 * 0xFFFF
_UNIX, _MAC = 3, 19


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
    directory = find_directory(stream, size_bytes, name, disks)
    found = Gathering(name)
    count, offset = 0, -1
    for row in _entries(stream, directory, name):
        count += 1
        if directory.wrapped:
            offset = unwrap(stream, row.offset, offset + 1, directory)
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
    head = read_exactly(stream, _LOCAL.size + _AHEAD_BYTES + min(entry.packed_bytes, FIRST_CHUNK_BYTES))[: _LOCAL.size]
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
        stream.seek(entry.offset + _LOCAL.size + name_bytes)
        extra = read_exactly(stream, extra_bytes)
    return Local(start, flags, time, extra)


def _entries(stream: io.RawIOBase, directory: Directory, archive_name: str) -> Iterator[_Row]:
    """Yield the entries, read piece by piece, so that a size that lies costs no memory."""
    data, position, reached = b"", 0, 0
    while reached < directory.size_bytes or position < len(data):
        if len(data) - position < _MOST_ENTRY_BYTES and reached < directory.size_bytes:
            stream.seek(directory.start + reached)
            more = read_exactly(stream, min(_PIECE_BYTES, directory.size_bytes - reached))
            if not more:
                raise _damaged(archive_name, "the file ends inside it")
            data, position, reached = data[position:] + more, 0, reached + len(more)
        head = data[position : position + _ENTRY.size]
        if not head.startswith(b"PK\x01\x02"):
            if head.startswith(b"PK\x05\x05"):  # digital signature, 4.3.13
                return
            raise _damaged(archive_name, f"no entry at byte {reached - len(data) + position} of {directory.size_bytes}")
        if len(head) < _ENTRY.size:
            raise _damaged(archive_name, "it ends inside an entry")
        fields = _ENTRY.unpack(head)
        (_, made, _, flags, method, _, _, crc, packed, size, n, e, c, disk, _, attributes, offset) = fields
        if position + _ENTRY.size + n + e + c > len(data):
            raise _damaged(archive_name, "it ends inside an entry")
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


def _damaged(archive_name: str, why: str) -> AccessError:
    return AccessError(
        "the zip's directory is damaged", where=archive_name, why=why, hint="Fetch it again, or compare its checksum"
    )


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


def _fault(row: _Row, offset: int, directory: Directory) -> str:
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
