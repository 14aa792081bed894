"""Reading one member: straight from the file where it is stored, checked and bounded where it is packed."""

from __future__ import annotations

import io
import os
import shutil
import zlib
from typing import Any

from medshelf.access import _zip
from medshelf.access._codec import DEFLATE_MAX_RATIO, STEP_BYTES, Decompressed, inflate
from medshelf.access._index import TAR, Entry, part_of
from medshelf.access._read_index import refuse_unreadable
from medshelf.access._source import Slice, Unpacked
from medshelf.errors import AccessError

BUFFER_BYTES = 1 << 16
_IN_MEMORY_BYTES = 32 << 20


def member_limit_bytes() -> int:
    """Return how large a member may be to be read into memory: ``$MEDSHELF_MEMBER_LIMIT_BYTES`` or 16 GiB."""
    return int(os.environ.get("MEDSHELF_MEMBER_LIMIT_BYTES") or 16 << 30)


def open_member(entry: Entry, name: str) -> io.RawIOBase:
    """Return a raw seekable stream of a member's bytes.

    Raises
    ------
    AccessError
        The member is encrypted, packed in a way that is not read, or not where the archive says.
    """
    refuse_unreadable(entry, name)
    stream = entry.source.open()
    try:
        if entry.method == TAR:
            return Slice(stream, entry.offset, entry.size_bytes, name)
        start = _zip.data_start(stream, entry, name)
        if entry.method == _zip.STORED:
            return Slice(stream, start, entry.size_bytes, name, entry.crc32)
        _refuse_impossible(entry, name)
        return _Packed(entry, Slice(stream, start, entry.packed_bytes, name), start, name)
    except BaseException:
        stream.close()
        raise


def read_member(entry: Entry, name: str) -> bytes:
    """Return a member's bytes.

    Raises
    ------
    AccessError
        As `open_member`; or the member is larger than `member_limit_bytes`, or its checksum is wrong.
    """
    if entry.size_bytes > member_limit_bytes():
        raise AccessError(
            "the member is too large to be read into memory",
            where=name,
            why=f"{entry.size_bytes} bytes, the limit is {member_limit_bytes()}",
            hint="Set MEDSHELF_MEMBER_LIMIT_BYTES, or unpack the archive",
        )
    with open_member(entry, name) as stream:
        if not entry.size_bytes:
            return b""
        if isinstance(stream, _Packed) and _zip.METHODS[entry.method] == "deflate":
            data = inflate(stream.packed.read(), entry.size_bytes, name)
            _check(data, entry, name)
            return data
        return _read_all(stream)


class _Packed(io.RawIOBase):
    """A compressed member: read forward while that will do, and unpacked at the first step back.

    So looking at a header costs no more than the header, and a reader that jumps about gets memory (small
    members) or an unpacked copy in the cache folder.
    """

    def __init__(self, entry: Entry, packed: Slice, start: int, name: str) -> None:
        super().__init__()
        self._entry = entry
        self._start = start
        self._name = name
        self.packed = packed
        codec = _zip.METHODS[entry.method]
        self._stream: Any = Decompressed(packed, codec, name, entry.size_bytes, entry.crc32)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._stream.tell())

    def close(self) -> None:
        self._stream.close()
        self.packed.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        return int(self._stream.readinto(buffer))

    def seek(self, offset: int, whence: int = 0, /) -> int:
        target = offset + (0, self.tell(), self._entry.size_bytes)[whence]
        if target < self.tell() and isinstance(self._stream, Decompressed):
            self._unpack()
        return int(self._stream.seek(max(0, target)))

    def _unpack(self) -> None:
        entry = self._entry
        if entry.size_bytes <= _IN_MEMORY_BYTES:
            self._stream.seek(0)
            self._stream = io.BytesIO(_read_all(self._stream))
            return
        whole = part_of(entry, self._start)
        self._stream = Unpacked(
            whole, _zip.METHODS[entry.method], entry.size_bytes, self._name, entry.crc32
        ).open()


def _read_all(stream: io.RawIOBase) -> bytes:
    """Read to the end; memory grows with what is found, not with what is declared."""
    if isinstance(stream, Slice):
        return stream.read()
    out = io.BytesIO()
    shutil.copyfileobj(stream, out, STEP_BYTES)
    return out.getvalue()


def _check(data: bytes, entry: Entry, name: str) -> None:
    crc = zlib.crc32(data)
    if crc != entry.crc32:
        raise AccessError(
            "the checksum is wrong",
            where=name,
            why=f"CRC {crc:08x}, declared {entry.crc32 or 0:08x}",
            hint="Fetch the archive again, or compare its checksum",
        )


def _refuse_impossible(entry: Entry, name: str) -> None:
    """Refuse a size that deflate can't reach, before anyone makes room for it."""
    if _zip.METHODS[entry.method] == "deflate" and entry.size_bytes > entry.packed_bytes * DEFLATE_MAX_RATIO:
        raise AccessError(
            "the member declares more bytes than its data can hold",
            where=name,
            why=f"{entry.size_bytes} from {entry.packed_bytes}",
            hint="Fetch the archive again, or compare its checksum",
        )
