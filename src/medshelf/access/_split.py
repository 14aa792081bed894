"""Archives in several files: split zips (``.z01`` … ``.zip``) and plain pieces (``.zip.001``, ``.7z.001``).

A split zip numbers its members by disk and place on that disk (APPNOTE.TXT 6.3.10, 4.4.11 and 4.4.16), so it is
one run of bytes only together with where each disk begins.
"""

from __future__ import annotations

import io
import os
import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from medshelf.access._source import Source, WholeFile, stamp_of
from medshelf.errors import AccessError

_DISK = re.compile(r"\.(z)(\d{2,3})", re.IGNORECASE)
_PIECE = re.compile(r"(?P<stem>.+\.(?:zip|7z|tar|tgz|tbz2?|txz|tar\.(?:gz|bz2|xz)))\.(?P<number>\d{3})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Joined:
    """Several sources as one run of bytes; `disks` says that they are the disks of a split zip."""

    parts: tuple[Source, ...]
    disks: bool = False

    @property
    def size_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts)

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each part begins."""
        return (0, *accumulate(part.size_bytes for part in self.parts[:-1]))

    def open(self) -> io.RawIOBase:
        return _JoinedStream(self)


def is_first_piece(name: str) -> bool:
    """Return True for ``x.zip.001`` and its like."""
    found = _PIECE.fullmatch(name)
    return found is not None and int(found["number"]) == 1


def is_later_part(name: str) -> bool:
    """Return True for a part that is read by way of another: ``.z01``, ``.zip.002``."""
    found = _PIECE.fullmatch(name)
    return found is not None and int(found["number"]) > 1 or _DISK.fullmatch(os.path.splitext(name)[1]) is not None


def archive_source(path: str) -> Source:
    """Return the bytes of the archive at `path`, with the parts that lie beside it.

    Raises
    ------
    NotFound, AccessError
        There is no such file, it is a part that is not the one to name, or a part is missing.
    """
    folder, name = os.path.split(path)
    whole = WholeFile(path, stamp_of(path))
    if is_later_part(name):
        first = whole_of(name)
        raise AccessError("this is a part of a split archive", where=path, hint=f"Name {first} instead")
    if is_first_piece(name):
        beside = _numbered(folder, name[:-3], r"\d{3}")
        return _joined(path, beside, name[:-3], 1, disks=False)
    if name.lower().endswith(".zip"):
        beside = _numbered(folder, name[:-3], r"z\d{2,3}")
        if beside and _disks_of(whole) > 1:
            return _joined(path, {**beside, len(beside) + 1: path}, name[:-3] + "z", 1, disks=True)
    return whole


def whole_of(name: str) -> str:
    """Return the file to name for the archive of which `name` is a later part."""
    found = _PIECE.fullmatch(name)
    return f"{found['stem']}.001" if found else f"{os.path.splitext(name)[0]}.zip"


def _numbered(folder: str, stem: str, ending: str) -> dict[int, str]:
    """Return the files that are called `stem` and a number, by it."""
    wanted = re.compile(re.escape(stem) + ending, re.IGNORECASE)
    found = {}
    for name in os.listdir(folder):
        if wanted.fullmatch(name):
            found[int(re.sub(r"\D", "", name[len(stem) :]))] = str(Path(folder) / name)
    return found


def _joined(path: str, found: dict[int, str], stem: str, first: int, *, disks: bool) -> Joined:
    missing = [n for n in range(first, max(found)) if n not in found]
    if missing:
        width = 2 if disks else 3
        raise AccessError(
            "a part of the split archive is missing", where=path, why=f"{stem}{missing[0]:0{width}d} is not beside it",
            hint="Fetch all parts into one folder",
        )  # fmt: skip
    return Joined(tuple(WholeFile(found[n], stamp_of(found[n])) for n in sorted(found)), disks)


def _disks_of(last: WholeFile) -> int:
    """Return of how many disks the zip says that it is the last."""
    from medshelf.access._zip import disk_count

    with last.open() as stream:
        return disk_count(stream, last.size_bytes)


class _JoinedStream(io.RawIOBase):
    """Reads across parts, of which one is open at a time."""

    def __init__(self, joined: Joined) -> None:
        super().__init__()
        self._joined = joined
        self._starts = joined.starts
        self._size_bytes = joined.size_bytes
        self._position = 0
        self._at = -1
        self._stream: io.RawIOBase | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        super().close()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._position = max(0, offset + (0, self._position, self._size_bytes)[whence])
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        if self._position >= self._size_bytes:
            return 0
        at = bisect_right(self._starts, self._position) - 1
        if at != self._at or self._stream is None:
            if self._stream is not None:
                self._stream.close()
            self._stream, self._at = self._joined.parts[at].open(), at
        self._stream.seek(self._position - self._starts[at])
        got = self._stream.readinto(buffer) or 0
        self._position += got
        return got
