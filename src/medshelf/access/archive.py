"""Archives as lists of blobs: zip, tar, tar.gz, tar.bz2, tar.xz, 7z and rar, read without unpacking.

An archive is listed once; the list of a large one is kept in the cache folder, under its path, size and time of
change. A stored member of a zip and a member of a plain tar are read straight from the file. Split zips and plain
pieces are read as one; encrypted members with a password, which is never written or shown.
"""

from __future__ import annotations

import hashlib
import io
import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO

from medshelf.access import _member
from medshelf.access._index import Entry, Index
from medshelf.access._kind import is_archive_name
from medshelf.access._password import is_locked, locked_members, password_or_none
from medshelf.access._read_index import Progress, packed_source, read_index
from medshelf.access._source import Source
from medshelf.access._split import archive_source
from medshelf.access.cache import cache_file, load, save
from medshelf.access.problem import Problem
from medshelf.errors import NotFound

CACHED_FROM_MEMBERS = 2000
"""Zips and plain tars with fewer members are listed anew each time, which takes milliseconds."""

_INDEX_VERSION = 3

__all__ = ["Archive", "ArchiveMember", "is_archive_name"]


class Archive:
    """An archive on disk, or wherever a `Source` has its bytes.

    Picklable: its list of members does not travel, and is found again in the cache folder or read again.

    Parameters
    ----------
    path : path
        The archive; its kind is judged by its bytes, not by its name. Of a split one the last disk (``.zip``) or the
        first piece (``.zip.001``).
    inner : bool
        Whether archives among the members are listed too, one level deep, as ``inner.zip!/member``.
    progress : callable, optional
        Called with the bytes looked at and their total, while a tar is listed.
    password : str, optional
        Opens what is encrypted; by default ``$MEDSHELF_ARCHIVE_PASSWORD``.
    source : Source, optional
        The bytes, where they are no local file; `path` is then a name for messages.

    Attributes
    ----------
    where : str
        Path or name, for messages.

    Raises
    ------
    NotFound, AccessError
        There is no such file, or (from the first use of `names`) it is damaged, cut, or no archive.
    MissingExtra
        From the first use of `names`: the package that reads this kind is not installed.
    """

    __slots__ = ("_index", "_names", "_password", "_places", "_progress", "_source", "inner", "where")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        inner: bool = True,
        progress: Progress | None = None,
        password: str | None = None,
        source: Source | None = None,
    ) -> None:
        self.where = os.path.abspath(path) if source is None else os.fspath(path)
        self.inner = inner
        self._source = archive_source(self.where) if source is None else source
        self._password = password
        self._progress = progress
        self._index: Index | None = None
        self._names: tuple[str, ...] | None = None
        self._places: dict[str, Source] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members, relative, in natural order; folders, links and devices are left out."""
        if self._names is None:
            self._names = tuple(self._listed().all_names())
        return self._names

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was left out or doubted."""
        index = self._listed()
        if self.password is not None:
            return index.problems
        return (*index.problems, *locked_members(index, self.where))

    @property
    def password(self) -> str | None:
        """What opens encrypted members, given or from the environment."""
        return password_or_none(self._password)

    @property
    def source(self) -> Source:
        """The bytes of the archive itself."""
        return self._source

    @property
    def index(self) -> Index:
        """The members and where they lie."""
        return self._listed()

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find(name) is not None

    def __repr__(self) -> str:
        return f"Archive({self.where!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Archive) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __reduce__(self) -> tuple[object, ...]:
        return _reopen, (*self._identity(), self._password)

    def blob(self, name: str) -> ArchiveMember:
        """Return the member called `name`.

        Raises
        ------
        NotFound
            There is none; the message names those nearest to it.
        """
        return ArchiveMember(self, name, self.entry(name))

    def entry(self, name: str) -> Entry:
        """Return where the member `name` lies and what the archive says about it; errors as in `blob`."""
        found = self._find(name)
        if found is None:
            near = get_close_matches(name, list(_beside(name, self.names)), n=3)
            raise NotFound(
                "the archive has no such member",
                where=f"{self.where}!/{name}",
                hint=f"Nearest: {', '.join(near)}" if near else None,
            )
        return found

    def _find(self, name: str) -> Entry | None:
        index = self._listed()
        row = index.find(name)
        if row is not None:
            return index.entry(row, index.bytes_of(self._source, self.where, self.password))
        mark = name.find("!/")
        while mark >= 0:
            holder = name[:mark]
            row = index.inner[holder].find(name[mark + 2 :]) if holder in index.inner else None
            if row is not None:
                held = index.inner[holder].bytes_of(self._place(holder), f"{self.where}!/{holder}", self.password)
                return index.inner[holder].entry(row, held)
            mark = name.find("!/", mark + 1)
        return None

    def _place(self, holder: str) -> Source:
        """Return the bytes of an archive inside this one."""
        if holder not in self._places:
            self._places[holder] = packed_source(self.entry(holder), f"{self.where}!/{holder}", self.password)
        return self._places[holder]

    def _identity(self) -> tuple[str, Source, bool]:
        return self.where, self._source, self.inner

    def _listed(self) -> Index:
        if self._index is None:
            self._index = self._cached() or self._read()
        return self._index

    def _about(self) -> dict[str, object]:
        source = hashlib.sha256(repr(self._source).encode("utf-8", "surrogateescape")).hexdigest()
        return {"index": _INDEX_VERSION, "source": source, "inner": self.inner}

    def _cached(self) -> Index | None:
        body = load(cache_file("archives", f"{self.where}|{self.inner}"), self._about())
        try:
            index = None if body is None else Index.from_bytes(body)
        except (ValueError, KeyError, TypeError, OverflowError):
            return None
        return index if index is None or self.password is None or not is_locked(index) else None

    def _read(self) -> Index:
        password = self.password
        index = read_index(
            self._source, self.where, inner=self.inner, progress=self._progress, password=password
        )
        large = index.codec or index.inner or len(index.names) >= CACHED_FROM_MEMBERS
        shared = password is None or not is_locked(index)  # what a password opens is not for others
        if large and index.lasting and shared:
            save(cache_file("archives", f"{self.where}|{self.inner}"), self._about(), index.to_bytes())
        return index


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A blob inside an archive.

    `found` is None for a sibling that has not been looked for yet. Every `open` has a file handle of its own,
    so members may be read from many threads and forked processes at once.
    """

    archive: Archive
    member: str
    found: Entry | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        return f"{self.archive.where}!/{self.member}"

    @property
    def path(self) -> Path | None:
        return None

    @property
    def size_bytes(self) -> int:
        return self._entry().size_bytes

    @property
    def crc32(self) -> int | None:
        """The CRC-32 that a zip declares, or None in a tar: a cheap hint that two members are equal."""
        return self._entry().crc32

    def open(self) -> BinaryIO:
        """Open for reading.

        Raises
        ------
        NotFound, AccessError
            There is no such member; its password is absent or wrong; the archive is damaged or has changed.
        """
        raw = _member.open_member(self._entry(), self.name, self.archive.password)
        return io.BufferedReader(raw, _member.BUFFER_BYTES)

    def read_bytes(self) -> bytes:
        """Return all bytes, whose checksum has been verified (zip); errors as for `open`."""
        return _member.read_member(self._entry(), self.name, self.archive.password)

    def sibling(self, filename: str) -> ArchiveMember:
        """Return the blob `filename` in the same folder of the archive; it need not exist until opened."""
        holder, mark, member = self.member.rpartition("!/")
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(member), filename))
        return ArchiveMember(self.archive, holder + mark + joined)

    def _entry(self) -> Entry:
        return self.found or self.archive.entry(self.member)


def _reopen(where: str, source: Source, inner: bool, password: str | None) -> Archive:
    """Unpickle: no look at the file yet, so that a worker starts at once."""
    return Archive(where, inner=inner, password=password, source=source)


def _beside(name: str, names: tuple[str, ...]) -> Iterator[str]:
    """Yield the names in the folder of `name`, or all where there are none; at most a thousand."""
    folder = posixpath.dirname(name)
    beside = [n for n in names if posixpath.dirname(n) == folder] or names
    yield from beside[:1000]
