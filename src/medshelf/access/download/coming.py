"""The bytes of an archive that some members need, on their way into its part; and the part as a source of them."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_tz
from pathlib import Path
from typing import Any

from medshelf.access._index import ENCRYPTED, TAR
from medshelf.access._spans_of import JOINED_BYTES, TAR_HEADER_BYTES, spans_of
from medshelf.access._unpack_plan import Step
from medshelf.access.download.fill import fill
from medshelf.access.download.identity import Identity
from medshelf.access.download.job import Job, Tools
from medshelf.access.download.note import note_of, read_note
from medshelf.access.download.part import Part
from medshelf.access.download.records import Members, Source
from medshelf.errors import MedshelfError, NotWhole


def is_tar(members: Members) -> bool:
    """Return whether they lie in a tar, which has no checksum of them."""
    return members.archive.index.columns["method"][0] == TAR


def spans_for(members: Members, names: Iterable[str]) -> list[tuple[int, int]]:
    """Return the spans of the archive that hold some of its members."""
    archive = members.archive
    rows = (row for name in names if (row := archive.index.find(name)) is not None)
    return spans_of(archive.index, rows, archive.source.size_bytes)


def n_bytes_of(spans: Iterable[tuple[int, int]]) -> int:
    """Return how many bytes spans have together."""
    return sum(stop - start for start, stop in spans)


class Coming:
    """The bytes of an archive that members need; nothing is asked for before `provide` is called."""

    def __init__(self, source: Source, members: Members, target: Path, tools: Tools) -> None:
        self._source = source
        self._members = members
        self._target = target
        self._tools = tools
        self._job: Job | None = None
        self._is_kept = True
        self.steps: Sequence[Step] = ()
        self.is_here = False
        """Whether all that is needed has come."""

    @property
    def name(self) -> str:
        return self._source.file.name

    @property
    def received(self) -> int:
        """Bytes that came over the network."""
        return self._job.received if self._job is not None else 0

    @property
    def has_locked(self) -> bool:
        """Whether something that came is encrypted."""
        flags = self._members.archive.index.columns["flags"]
        return any(flags[step.row] & ENCRYPTED for step in self.steps)

    def __enter__(self) -> Coming:
        return self

    def provide(self, steps: Sequence[Step]) -> PartSource:
        """Fetch what holds some members and return where to read it; errors as in `fill`."""
        archive = self._members.archive
        spans = spans_for(self._members, (step.name for step in steps))
        self.steps = steps
        n_before = n_bytes_of(spans_for(self._members, self._members.names)) - n_bytes_of(spans)
        job = self._job = Job(self._source, self._target, self._tools, spans=spans, n_before=n_before)
        job.part.resume()
        self._see_state(job)
        fill(job)
        listed = _state(self._members)
        if changed := listed.differs_from(job.part.identity):
            self._is_kept = False
            raise self._has_changed(changed)
        if is_tar(self._members) and (other := self._other_header(job, steps)):
            self._is_kept = False
            raise self._has_changed(f"another header stands before {other}")
        self.is_here = True
        return PartSource(job.part, archive.source.size_bytes)

    def taint(self) -> None:
        """Have the bytes removed: some of them are wrong."""
        self._is_kept = False

    def end(self) -> None:
        """Tell that the members are in place: the part goes, unless it holds what others left."""
        if self._job is None:
            with suppress(MedshelfError):
                self._take_up_left()
        if self._job is None:
            return
        part, at = self._job.part, 0
        more = 0
        archive_end = self._members.archive.source.size_bytes
        for start, stop in (*spans_for(self._members, self._members.names), (archive_end, archive_end)):
            more += (start - at) - sum(b - a for a, b in part.gaps(start, start=at))
            at = stop
        self._is_kept = more > JOINED_BYTES

    def _take_up_left(self) -> None:
        """Take up the part that a call left which was killed when all was in place."""
        job = Job(self._source, self._target, self._tools, spans=())
        path = job.part.path
        if path.exists() and note_of(path).exists():
            note = read_note(path)
            if note is not None and note.fits(self._source, path.stat().st_size):
                job.part.resume()
                self._job = job

    def _has_changed(self, why: str) -> NotWhole:
        return NotWhole(
            "the archive has changed since it was listed", where=self.name, why=why, hint="Run the same again"
        )  # fmt: skip

    def _other_header(self, job: Job, steps: Sequence[Step]) -> str | None:
        """Return the name of a member of a tar before which not that header stands which was listed."""
        crc32 = self._members.archive.index.columns["crc32"]
        for step in steps:
            head = job.part.read(step.offset - TAR_HEADER_BYTES, TAR_HEADER_BYTES)
            if zlib.crc32(head) != crc32[step.row]:
                return step.name
        return None

    def __exit__(self, *error: Any) -> None:
        job = self._job
        if job is None:
            return
        job.part.end(dropped=True)
        job.saver.finish()
        job.digests.join()
        if self._is_kept:
            job.part.keep()
        else:
            with suppress(OSError):
                job.part.discard()
        job.part.close()

    def _see_state(self, job: Job) -> None:
        """Have the bytes that are here, and those to come, be of the state that was listed."""
        listed = _state(self._members)
        if job.part.identity.differs_from(listed):
            job.part.restart(listed)
        else:
            job.part.adopt(listed)


def _state(members: Members) -> Identity:
    said = members.validator
    is_etag = said is not None and (said.startswith(('"', "W/")) or parsedate_tz(said) is None)  # some have no quotes
    size = members.archive.source.size_bytes
    return Identity(size, said if is_etag else None, None if is_etag else said)


@dataclass(frozen=True)
class PartSource:
    """A part as a source of bytes; what has not come reads as nothing or zeros."""

    part: Part
    size_bytes: int

    def open(self) -> io.RawIOBase:
        return _PartStream(self)


class _PartStream(io.RawIOBase):
    def __init__(self, source: PartSource) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = max(0, offset + (0, self._at, self._source.size_bytes)[whence])
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._source.part.read(self._at, view.nbytes)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
