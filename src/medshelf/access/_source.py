"""Where bytes lie: a file, a part of something, or something unpacked. They compose, and pickle.

Each `open` gives a raw stream of its own, so that threads, forks and workers never share a position.
"""

from __future__ import annotations

import io
import os
import zlib
from dataclasses import dataclass, field
from typing import Any, Protocol

from medshelf.access import _random_access
from medshelf.access._codec import Decompressed
from medshelf.errors import AccessError, NotFound

SOLID = ("7z", "rar")
"""Archives whose members are packed together."""

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""


class Source(Protocol):
    """Some bytes that can be opened again and again."""

    @property
    def size_bytes(self) -> int: ...

    def open(self) -> io.RawIOBase:
        """Return a seekable stream, whose close closes all below it."""
        ...


def stamp_of(path: str | os.PathLike[str]) -> Stamp:
    """Return the stamp of a file.

    Raises
    ------
    NotFound, AccessError
        There is no such file, or it is no file.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError as error:
        raise NotFound("no such file", where=path) from error
    except (OSError, ValueError) as error:
        raise AccessError("the file can't be read", where=path, why=str(error)) from error
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A local file as it was when its stamp was taken; opening it changed is an `AccessError`."""

    path: str
    stamp: Stamp

    @property
    def size_bytes(self) -> int:
        return self.stamp[0]

    def open(self) -> io.RawIOBase:
        try:
            stream = open(self.path, "rb", buffering=0)  # noqa: SIM115 - the caller closes it
        except FileNotFoundError as error:
            raise NotFound("no such file", where=self.path) from error
        except OSError as error:
            raise AccessError("the file can't be read", where=self.path, why=error.strerror) from error
        found = os.fstat(stream.fileno())
        if (found.st_size, found.st_mtime_ns) != self.stamp:
            stream.close()
            raise AccessError(
                "the archive has changed since it was listed", where=self.path, hint="Open it again"
            )
        return stream


@dataclass(frozen=True, slots=True)
class Part:
    """A run of bytes of another source."""

    of: Source
    start: int
    size_bytes: int

    def open(self) -> io.RawIOBase:
        return Slice(self.of.open(), self.start, self.size_bytes)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a compressed source holds; `codec` as in `Decompressed`, or ``7z`` or ``rar``."""

    of: Source
    codec: str
    size_bytes: int
    name: str
    crc32: int | None = None
    password: str | None = field(default=None, repr=False)
    """For 7z and rar."""

    def open(self) -> io.RawIOBase:
        """Open for reading anywhere, through an index or an unpacked copy in the cache folder."""
        return _random_access.open_anywhere(self)

    def open_forward(self) -> io.RawIOBase:
        """Open for reading from front to back; a step back starts again."""
        if self.codec in SOLID:
            from medshelf.access import _solid

            return _solid.open_forward(self.codec, self.of, self.name, self.password)
        limit = None if self.codec in ("gzip", "bz2", "xz") else self.size_bytes
        return Decompressed(self.of.open(), self.codec, self.name, limit, self.crc32)


class Slice(io.RawIOBase):
    """A run of bytes of another stream, which it owns.

    Where `crc32` is given it is checked by whoever reads from the first byte to the last.
    """

    def __init__(
        self, stream: io.RawIOBase, start: int, size_bytes: int, name: str = "", crc32: int | None = None
    ) -> None:
        super().__init__()
        self._stream = stream
        self._start = start
        self._size_bytes = size_bytes
        self._name = name
        self._position = 0
        self._declared = crc32
        self._crc = 0
        self._checked_to = 0
        self._stream.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self._stream.close()
        super().close()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._position = max(0, offset + (0, self._position, self._size_bytes)[whence])
        self._stream.seek(self._start + min(self._position, self._size_bytes))
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        left = min(view.nbytes, self._size_bytes - self._position)
        if left <= 0:
            return 0
        got = self._stream.readinto(view[:left]) or 0
        self._took(view[:got])
        return got

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes, or all; from a file without an intermediate copy."""
        left = max(0, self._size_bytes - self._position)
        left = left if size is None or size < 0 else min(left, size)
        parts: list[bytes] = []
        while left > 0:
            data = self._stream.read(left) or b""
            self._took(memoryview(data))
            parts.append(data)
            left -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readall(self) -> bytes:
        return self.read()

    def _took(self, data: memoryview) -> None:
        if not data.nbytes:
            raise AccessError(
                "the archive ends inside a member", where=self._name, hint="Fetch the archive again"
            )
        if self._declared is not None and self._position == self._checked_to:
            self._check(data)
        self._position += data.nbytes

    def _check(self, data: memoryview) -> None:
        self._crc = zlib.crc32(data, self._crc)
        self._checked_to += len(data)
        if self._checked_to == self._size_bytes and self._crc != self._declared:
            raise AccessError(
                "the checksum is wrong",
                where=self._name,
                why=f"CRC {self._crc:08x}, declared {self._declared:08x}",
                hint="Fetch the archive again, or compare its checksum",
            )
