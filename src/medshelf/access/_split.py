"""Archives in several files: split zips (``.z01`` … ``.zip``) and plain pieces (``.zip.001``, ``.7z.001``).

A split zip numbers its members by disk and place on that disk (APPNOTE.TXT 6.3.10, 4.4.11 and 4.4.16), so it is
one run of bytes only together with where each disk begins.
"""

from __future__ import annotations

import io
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Collection
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
    alone = not is_first_piece(name) and not any(os.path.exists(f"{path[:-3]}{z}01") for z in "zZ")
    names = [name] if alone else os.listdir(folder)

    def source_of(part: str) -> Source:
        place = str(Path(folder) / part)
        return WholeFile(place, stamp_of(place))

    return joined(name, names, source_of, path) or whole


def joined(name: str, beside: Collection[str], source_of: Callable[[str], Source], where: str) -> Joined | None:
    """Return the parts of a split archive as one, or None for an archive of one file.

    Parameters
    ----------
    name : str
        The archive's file name.
    beside : collection of str
        Names in its folder.
    source_of : callable
        Gives the bytes of one of them.
    where : str
        For messages.

    Raises
    ------
    AccessError
        It is a part that is not the one to name, or a part is missing.
    """
    if is_later_part(name):
        raise AccessError("this is a part of a split archive", where=where, hint=f"Name {whole_of(name)} instead")
    if is_first_piece(name):
        parts = _numbered(beside, name[:-3], r"\d{3}")
        return Joined(tuple(source_of(part) for part in _in_order(parts, name[:-3], 3, where)))
    if not name.lower().endswith(".zip") or not any(f"{name[:-3]}{z}01" in beside for z in "zZ"):
        return None
    parts = _numbered(beside, name[:-3], r"z\d{2,3}")
    last = source_of(name)
    if _disks_of(last) < 2:
        return None
    earlier = _in_order(parts, name[:-3] + "z", 2, where)
    return Joined((*(source_of(part) for part in earlier), last), disks=True)


def whole_of(name: str) -> str:
    """Return the file to name for the archive of which `name` is a later part."""
    found = _PIECE.fullmatch(name)
    return f"{found['stem']}.001" if found else f"{os.path.splitext(name)[0]}.zip"


def _numbered(names: Collection[str], stem: str, ending: str) -> dict[int, str]:
    """Return the names that are `stem` and a number, by it."""
    wanted = re.compile(re.escape(stem) + ending, re.IGNORECASE)
    return {int(re.sub(r"\D", "", name[len(stem) :])): name for name in names if wanted.fullmatch(name)}


def _in_order(parts: dict[int, str], stem: str, width: int, where: str) -> list[str]:
    missing = [n for n in range(1, max(parts)) if n not in parts]
    if missing:
        raise AccessError(
            "a part of the split archive is missing", where=where,
            why=f"{stem}{missing[0]:0{width}d} is not beside it", hint="Fetch all parts into one folder",
        )  # fmt: skip
    return [parts[n] for n in sorted(parts)]


def _disks_of(last: Source) -> int:
    """Return of how many disks the zip says that it is the last."""
    from medshelf.access._zip_end import disk_count

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
