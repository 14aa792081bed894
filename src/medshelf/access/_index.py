"""The list of an archive's members: what may be a name, where each lies, and how that is kept."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from medshelf.access._source import Part, Source, Unpacked
from medshelf.access.problem import Problem, Problems, legible
from medshelf.errors import AccessError
from medshelf.model.natural import natural_key

MOST_MEMBERS = 20_000_000
MOST_NAME_LENGTH = 4096
"""Longest name that is listed; Linux takes no longer path (PATH_MAX)."""
ENCRYPTED = 1
SETUID = 2
"""Flag of a member that would run as somebody else."""
TAR = 0xFFFF
"""Method of a tar's members; others are the method numbers of zip (APPNOTE 4.4.5)."""
BLOCK = 0xFFFE
"""Method of the members of a 7z or rar, which lie one after another in what the archive unpacks to."""
LEFT_OUT = "left out: "
"""How the problem of a member begins that is not listed."""
TWICE = "the archive holds this name twice; the later one counts"

_DRIVE = re.compile("[A-Za-z]:")
_COLUMNS = {"offset": "Q", "packed": "Q", "size": "Q", "crc32": "L", "method": "H", "flags": "B"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One member: where its bytes lie, and what the archive says about them.

    `offset` is that of the data in a tar and that of the local header in a zip.
    """

    source: Source
    offset: int
    packed_bytes: int
    size_bytes: int
    crc32: int | None
    method: int
    flags: int


@dataclass(slots=True)
class Index:
    """All members of one archive, in natural order, in columns.

    `crc32` is that of a member's bytes, in a tar of its header, as a tar says none of the bytes. `codec` and
    `unpacked_bytes` are those of a compressed tar, a 7z or a rar. `inner` holds the indexes of the archives
    among the members.
    """

    names: list[str] = field(default_factory=list)
    columns: dict[str, array[int]] = field(default_factory=lambda: {k: array(t) for k, t in _COLUMNS.items()})
    codec: str | None = None
    unpacked_bytes: int = 0
    problems: tuple[Problem, ...] = ()
    inner: dict[str, Index] = field(default_factory=dict)
    lasting: bool = True
    """False where another try may find more: a package was missing, or a server did not answer."""
    _rows: dict[str, int] | None = None

    def find(self, name: str) -> int | None:
        """Return the row of a member, or None."""
        if self._rows is None:
            self._rows = {n: row for row, n in enumerate(self.names)}
        return self._rows.get(name)

    def bytes_of(self, archive: Source, archive_name: str, password: str | None = None) -> Source:
        """Return where the members lie, given where the archive itself does."""
        if self.codec is None:
            return archive
        return Unpacked(archive, self.codec, self.unpacked_bytes, archive_name, password=password)

    def entry(self, row: int, source: Source) -> Entry:
        """Return the member of a row, given where the members lie."""
        column = {k: self.columns[k][row] for k in _COLUMNS}
        method = column["method"]
        return Entry(
            source=source,
            offset=column["offset"],
            packed_bytes=column["packed"],
            size_bytes=column["size"],
            crc32=None if method == TAR else column["crc32"],
            method=method,
            flags=column["flags"],
        )

    def all_names(self) -> Iterator[str]:
        """Yield the members, each archive among them followed by what it holds as ``inner.zip!/x``."""
        for name in self.names:
            yield name
            if name in self.inner:
                for member in self.inner[name].all_names():
                    yield f"{name}!/{member}"

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes."""
        return {
            "names": self.names,
            "columns": {k: v.tolist() for k, v in self.columns.items()},
            "codec": self.codec,
            "unpacked_bytes": self.unpacked_bytes,
            "problems": self.problems,
            "inner": {k: v.to_json() for k, v in self.inner.items()},
        }

    @staticmethod
    def from_json(made: dict[str, Any]) -> Index:
        """Return the index that `to_json` described; another shape is a `ValueError`."""
        columns = {k: array(t, made["columns"][k]) for k, t in _COLUMNS.items()}
        if any(len(c) != len(made["names"]) for c in columns.values()):
            raise ValueError("columns differ in length")
        return Index(
            names=made["names"],
            columns=columns,
            codec=made["codec"],
            unpacked_bytes=made["unpacked_bytes"],
            problems=tuple(Problem(*p) for p in made["problems"]),
            inner={k: Index.from_json(v) for k, v in made["inner"].items()},
        )

    def to_bytes(self) -> bytes:
        return json.dumps(self.to_json(), separators=(",", ":")).encode()

    @staticmethod
    def from_bytes(body: bytes) -> Index:
        return Index.from_json(json.loads(body))


class Gathering:
    """Collects members while an archive is walked, and refuses names that could lead out of a folder."""

    def __init__(self, archive_name: str, most_members: int = MOST_MEMBERS) -> None:
        self.archive_name = archive_name
        self.most_members = most_members
        self.problems = Problems(archive_name)
        self._rows: dict[str, int] = {}
        self._columns = [array(t) for t in _COLUMNS.values()]

    def add(
        self,
        raw_name: str,
        *,
        offset: int,
        packed: int,
        size: int,
        crc32: int = 0,
        method: int = TAR,
        flags: int = 0,
    ) -> None:
        """Add a member, or note why not; of two with one name the later counts, as unpackers do."""
        name, fault = safe_name(raw_name)
        if fault:
            self.problems.add(raw_name, fault)
            return
        values = (offset, packed, size, crc32, method, flags)
        row = self._rows.get(name)
        if row is not None:
            self.problems.add(name, TWICE)
            for column, value in zip(self._columns, values, strict=True):
                column[row] = value
            return
        if len(self._rows) >= self.most_members:
            raise AccessError(
                "the archive holds too many members", where=self.archive_name, why=f"over {self.most_members}"
            )
        self._rows[name] = len(self._rows)
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def index(self) -> Index:
        """Return what was collected, in natural order."""
        ordered = sorted(self._rows.items(), key=lambda item: natural_key(item[0]))
        rows = [row for _, row in ordered]
        columns = {
            key: array(typecode, [column[row] for row in rows])
            for (key, typecode), column in zip(_COLUMNS.items(), self._columns, strict=True)
        }
        return Index([name for name, _ in ordered], columns, problems=self.problems.as_tuple())


def safe_name(raw: str) -> tuple[str, str]:
    """Return a member's name as a relative path, and what is wrong with it ('' if nothing is).

    A leading ``./`` and doubled slashes go. Absolute names, ``..``, drive letters and NUL are refused.
    """
    if len(raw) > MOST_NAME_LENGTH:
        return raw, f"{LEFT_OUT}the name is longer than {MOST_NAME_LENGTH} characters"
    if "\0" in raw:
        return raw, f"{LEFT_OUT}the name holds a NUL byte"
    if raw.startswith("/"):
        return raw, f"{LEFT_OUT}the name is an absolute path"
    if _DRIVE.match(raw):
        return raw, f"{LEFT_OUT}the name begins with a drive letter"
    name = raw
    if "//" in raw or raw.startswith("./") or "/./" in raw or raw.endswith("/."):
        name = "/".join(part for part in raw.split("/") if part not in ("", "."))
    if ".." in name and ".." in name.split("/"):
        return raw, f"{LEFT_OUT}the name leads out of the archive"
    if name in ("", "."):
        return raw, f"{LEFT_OUT}the name is empty"
    return legible(name), ""


def part_of(entry: Entry, start: int) -> Part:
    """Return the packed bytes of a member that begin at `start` of its source."""
    return Part(entry.source, start, entry.packed_bytes)
