"""7z and rar: many members packed as one run, read from front to back through optional packages.

What such an archive unpacks to, its members one after another, is one source for `Unpacked`: kept in the cache folder
for reading anywhere, or passed through once.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Callable, Iterator
from typing import Any

from medshelf.access import _rar, _sevenzip
from medshelf.access._index import BLOCK, ENCRYPTED, LEFT_OUT, SETUID, TAR, Gathering, Index
from medshelf.access._solid_row import STEP_BYTES, told
from medshelf.access._source import Source
from medshelf.errors import AccessError

_MOST_BYTES = 1 << 62
_PACKAGES = {"7z": _sevenzip, "rar": _rar}


def read_index(codec: str, source: Source, name: str, password: str | None) -> Index:
    """List a 7z or rar.

    Raises
    ------
    MissingExtra
        The package that reads it is not installed.
    AccessError
        It is damaged, encrypted, or not a file on disk (rar).
    """
    found, position = Gathering(name), 0
    with told(codec, name):
        rows = list(_PACKAGES[codec].rows(source, name, password))
    for row in rows:
        if not 0 <= row.size <= _MOST_BYTES - position or not 0 <= (row.crc32 or 0) < 1 << 32:
            raise AccessError(
                f"the {codec} is damaged", where=f"{name}!/{row.name}", why="a size or checksum that can't be",
                hint="Fetch it again, or compare its checksum",
            )  # fmt: skip
        if row.fault:
            found.problems.add(row.name, f"{LEFT_OUT}{row.fault}")
            continue
        setuid = SETUID if row.mode & (stat.S_ISUID | stat.S_ISGID) else 0
        found.add(
            row.name, offset=position, packed=row.size, size=row.size, crc32=row.crc32 or 0,
            method=TAR if row.crc32 is None else BLOCK, flags=setuid | (ENCRYPTED if row.locked else 0),
        )  # fmt: skip
        if row.kept:
            position += row.size
    index = found.index()
    index.codec, index.unpacked_bytes = codec, position
    return index


def open_forward(codec: str, source: Source, name: str, password: str | None) -> io.RawIOBase:
    """Return what the members hold, one after another, as `read_index` placed them."""
    return _Produced(lambda: _PACKAGES[codec].contents(source, name, password), codec, name)


class _Produced(io.RawIOBase):
    """What a generator yields, as a stream; a step back starts it again."""

    def __init__(self, start: Callable[[], Iterator[bytes]], codec: str, name: str) -> None:
        super().__init__()
        self._make = start
        self._codec = codec
        self._name = name
        self._pieces: Any = start()
        self._rest = memoryview(b"")
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self._pieces.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        if not self._rest:
            with told(self._codec, self._name):
                self._rest = memoryview(next(self._pieces, b""))
        got = min(view.nbytes, len(self._rest))
        view[:got] = self._rest[:got]
        self._rest = self._rest[got:]
        self._position += got
        return got

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to `offset` from the front or from here."""
        target = offset + (self._position if whence == 1 else 0)
        if target < self._position:
            self._pieces.close()
            self._pieces, self._rest, self._position = self._make(), memoryview(b""), 0
        room = bytearray(STEP_BYTES)
        while self._position < target and self.readinto(memoryview(room)[: target - self._position]):
            pass
        return self._position
