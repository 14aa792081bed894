"""Reading one member: straight from the file where it is stored, checked and bounded where it is packed."""

from __future__ import annotations

import io
import os
import shutil
import zlib
from typing import Any

from medshelf.access import _crypt, _zip
from medshelf.access._codec import DEFLATE_MAX_RATIO, STEP_BYTES, Decompressed, inflate
from medshelf.access._index import BLOCK, ENCRYPTED, TAR, Entry, part_of
from medshelf.access._password import locked
from medshelf.access._read_index import refuse_unreadable
from medshelf.access._source import Slice, Unpacked
from medshelf.errors import AccessError

BUFFER_BYTES = 1 << 16
_IN_MEMORY_BYTES = 32 << 20


def member_limit_bytes() -> int:
    """Return how large a member may be to be read into memory: ``$MEDSHELF_MEMBER_LIMIT_BYTES`` or 16 GiB."""
    return int(os.environ.get("MEDSHELF_MEMBER_LIMIT_BYTES") or 16 << 30)


def open_member(entry: Entry, name: str, password: str | None = None) -> io.RawIOBase:
    """Return a raw seekable stream of a member's bytes.

    Raises
    ------
    AccessError
        The member is encrypted and the password absent or wrong, packed in a way that is not read, or not where
        the archive says.
    """
    refuse_unreadable(entry.method, name, encrypted=bool(entry.flags & ENCRYPTED))
    if entry.flags & ENCRYPTED and password is None:
        raise locked(name)
    stream = entry.source.open()
    try:
        if entry.method in (TAR, BLOCK):
            return Slice(stream, entry.offset, entry.size_bytes, name, entry.crc32)
        if entry.flags & ENCRYPTED and password is not None:
            packed, method, crc32 = _crypt.decrypted(stream, entry, name, password)
            stream.close()
            stream, start = packed.open(), 0
        else:
            start, method, crc32 = _zip.data_start(stream, entry, name), entry.method, entry.crc32
            packed = part_of(entry, start)
        refuse_unreadable(method, name)
        if method == _zip.STORED:
            _refuse_stored(packed.size_bytes, entry.size_bytes, name)
            return Slice(stream, start, entry.size_bytes, name, crc32)
        _refuse_impossible(method, packed.size_bytes, entry.size_bytes, name)
        whole = Unpacked(packed, _zip.METHODS[method], entry.size_bytes, name, crc32)
        return _Packed(whole, Slice(stream, start, packed.size_bytes, name))
    except BaseException:
        stream.close()
        raise


def read_member(entry: Entry, name: str, password: str | None = None) -> bytes:
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
    with open_member(entry, name, password) as stream:
        if not entry.size_bytes:
            return b""
        if isinstance(stream, _Packed) and stream.whole.codec == "deflate":
            data = inflate(stream.packed.read(), entry.size_bytes, name)
            _check(data, stream.whole.crc32, name)
            return data
        return _read_all(stream)


class _Packed(io.RawIOBase):
    """A compressed member: read forward while that will do, and unpacked at the first step back.

    So looking at a header costs no more than the header, and a reader that jumps about gets memory (small
    members) or an unpacked copy in the cache folder.
    """

    def __init__(self, whole: Unpacked, packed: Slice) -> None:
        super().__init__()
        self.whole = whole
        self.packed = packed
        self._stream: Any = Decompressed(packed, whole.codec, whole.name, whole.size_bytes, whole.crc32)

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
        target = offset + (0, self.tell(), self.whole.size_bytes)[whence]
        if target < self.tell() and isinstance(self._stream, Decompressed):
            self._unpack()
        return int(self._stream.seek(max(0, target)))

    def _unpack(self) -> None:
        if self.whole.size_bytes <= _IN_MEMORY_BYTES:
            self._stream.seek(0)
            self._stream = io.BytesIO(_read_all(self._stream))
        else:
            self._stream = self.whole.open()


def _read_all(stream: io.RawIOBase) -> bytes:
    """Read to the end; memory grows with what is found, not with what is declared."""
    if isinstance(stream, Slice):
        return stream.read()
    out = io.BytesIO()
    shutil.copyfileobj(stream, out, STEP_BYTES)
    return out.getvalue()


def _check(data: bytes, declared: int | None, name: str) -> None:
    crc = zlib.crc32(data)
    if declared is not None and crc != declared:
        raise AccessError(
            "the checksum is wrong",
            where=name,
            why=f"CRC {crc:08x}, declared {declared:08x}",
            hint="Fetch the archive again, or compare its checksum",
        )


def _refuse_stored(packed_bytes: int, size_bytes: int, name: str) -> None:
    if packed_bytes != size_bytes:
        raise AccessError(
            "the member is stored in fewer or more bytes than it has", where=name, why=f"{size_bytes} in {packed_bytes}"
        )


def _refuse_impossible(method: int, packed_bytes: int, size_bytes: int, name: str) -> None:
    """Refuse a size that deflate can't reach, before anyone makes room for it."""
    if _zip.METHODS[method] == "deflate" and size_bytes > packed_bytes * DEFLATE_MAX_RATIO:
        raise AccessError(
            "the member declares more bytes than its data can hold",
            where=name,
            why=f"{size_bytes} from {packed_bytes}",
            hint="Fetch the archive again, or compare its checksum",
        )
