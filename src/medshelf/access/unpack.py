"""Unpack an archive: whole files or none, refused before anything is written, and gone on with after a kill.

Each member is written beside the journal in ``.unpacked``, verified, noted in the journal, and renamed into place. So
a file that is there is whole; a second run keeps what the first one noted and still finds byte for byte, and writes
the rest. At the end ``.unpacked/NAME.json`` says what was unpacked, by the hash of the archive's directory.

A compressed tar, a 7z or a rar is passed through once, from front to back.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from medshelf.access import _member
from medshelf.access._codec import STEP_BYTES
from medshelf.access._index import BLOCK
from medshelf.access._source import Source
from medshelf.access._source import Unpacked as Packed
from medshelf.access._unpack_ground import make_home, missing, refuse_full, refuse_locked, refuse_size, refuse_unread
from medshelf.access._unpack_journal import Journal
from medshelf.access._unpack_plan import Step, directory_hash, plan
from medshelf.access.archive import Archive
from medshelf.access.cache import one_at_a_time
from medshelf.errors import AccessError, DiskFull, MedshelfError

LIMIT_BYTES = 4 << 40
_IN_MEMORY_BYTES = 32 << 20

Progress = Callable[[int, int], None]
"""Told how many bytes are in place, of how many."""

Provide = Callable[[Sequence[Step]], Source]
"""Told what is to be written; returns where its bytes are read, at the same places as in the archive."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What was unpacked."""

    folder: Path
    archive: str
    directory_sha256: str
    """SHA-256 of names, places, sizes and checksums of all members."""
    n_files: int
    size_bytes: int
    n_kept: int
    """Files that an earlier run had put in place."""
    renamed: dict[str, str]
    """Members that lie under another name, because their own is not portable."""


def unpack(
    archive: Archive | str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    members: Iterable[str] | None = None,
    password: str | None = None,
    limit_bytes: int = LIMIT_BYTES,
    progress: Progress | None = None,
    anew: bool = False,
    verify: bool = False,
    provide: Provide | None = None,
    called: str | None = None,
    ours: Collection[str] = (),
) -> Unpacked:
    """Unpack an archive into a folder; archives inside it stay files.

    Parameters
    ----------
    archive : Archive or path
        What to unpack.
    folder : path
        Where to; made if it is not there. Several archives may share a folder.
    members : iterable of str, optional
        Names to take; by default all.
    password : str, optional
        Opens what is encrypted; by default ``$MEDSHELF_ARCHIVE_PASSWORD``. Ignored for an `Archive`, which has its own.
    limit_bytes : int
        Most that may be written in all.
    progress : callable, optional
        See `Progress`.
    anew : bool
        Write also what an earlier run put in place.
    verify : bool
        Compare what is in place byte for byte, also after a run that ended, and write what has changed.
    provide : callable, optional
        See `Provide`; for an archive that lies elsewhere. It is called once everything else has been seen to be
        well, and not at all when nothing is missing.
    called : str, optional
        File name of the archive, under which the journal is kept; by default the end of its path or address.
    ours : collection of str
        Names below the folder that may be replaced though the journal does not know them.

    Returns
    -------
    Unpacked
        What is in place now.

    Raises
    ------
    AccessError
        The archive is unsafe (names that lead out, links, devices, setuid, names that collide or that Windows
        keeps, shared bytes, too many members, more bytes than the limit), damaged or encrypted, or a file of
        another origin stands where one would go.
    DiskFull
        There is no room for all of it; nothing was written.
    NotFound, MissingExtra
        As for `Archive`; or one of `members` is not there.
    """
    if not isinstance(archive, Archive):
        archive = Archive(archive, inner=False, password=password)
    root = Path(folder)
    steps = plan(archive, members)
    refuse_size(archive, steps, limit_bytes)
    refuse_locked(archive, steps)
    refuse_unread(archive, steps)
    name = called or os.path.basename(archive.where)
    journal = Journal(root, name, directory_hash(archive))
    make_home(root, journal.home)
    with one_at_a_time(journal.home / name), closing(journal):
        ended = journal.finished() is not None and not verify
        with _full_disk_told(journal.home):
            journal.start()
        todo = missing(steps, root, journal, ended=ended, anew=anew, ours=ours)
        refuse_full(root, sum(step.size_bytes for step in todo))
        source = provide(todo) if provide is not None and todo else archive.source
        _write_all(archive, source, todo, root, journal, _Told(progress, steps, todo))
        made = _record(root, archive, journal, steps, todo)
        if members is None and (todo or journal.finished() is None):
            journal.finish({"archive": name, "n_files": made.n_files, "size_bytes": made.size_bytes,
                            "renamed": made.renamed})  # fmt: skip
    return made


def _record(root: Path, archive: Archive, journal: Journal, steps: list[Step], missing: list[Step]) -> Unpacked:
    return Unpacked(
        root, archive.where, journal.directory, len(steps), sum(s.size_bytes for s in steps),
        len(steps) - len(missing), {s.name: s.target for s in steps if s.name != s.target},
    )  # fmt: skip


# --- writing ----------------------------------------------------------------------------------


class _Told:
    """Counts what is in place, and tells."""

    def __init__(self, progress: Progress | None, steps: list[Step], missing: list[Step]) -> None:
        self._progress = progress
        self._total = sum(step.size_bytes for step in steps)
        self._done = self._total - sum(step.size_bytes for step in missing)

    def add(self, size_bytes: int) -> None:
        self._done += size_bytes
        if self._progress is not None:
            self._progress(self._done, self._total)


def _write_all(
    archive: Archive, source: Source, steps: list[Step], root: Path, journal: Journal, told: _Told
) -> None:
    for step, stream in _streams(archive, source, steps):
        path, temporary = root / step.target, journal.temporary
        try:
            with _full_disk_told(path):
                with open(temporary, "xb") as out:
                    crc = _copy(stream, out, step, told)
                _check(archive, step, crc)
                path.parent.mkdir(parents=True, exist_ok=True)
                journal.add(step.target, step.size_bytes, crc)
                os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _streams(
    archive: Archive, packed: Source, steps: list[Step]
) -> Iterator[tuple[Step, io.RawIOBase | BinaryIO]]:
    """Yield each member's bytes, which are to be read before the next is asked for."""
    source = archive.index.bytes_of(packed, archive.where, archive.password)
    if isinstance(source, Packed):
        if steps:
            with source.open_forward() as stream:
                for step in steps:
                    stream.seek(step.offset)
                    yield step, stream
        return
    for step in steps:
        entry, name = archive.index.entry(step.row, source), f"{archive.where}!/{step.name}"
        if step.size_bytes <= _IN_MEMORY_BYTES:
            yield step, io.BytesIO(_member.read_member(entry, name, archive.password))
        else:
            with _member.open_member(entry, name, archive.password) as stream:
                yield step, stream


def _copy(stream: io.RawIOBase | BinaryIO, out: BinaryIO, step: Step, told: _Told) -> int:
    """Write the member's bytes and return their CRC-32."""
    left, crc = step.size_bytes, 0
    while left > 0 and (data := stream.read(min(left, STEP_BYTES))):
        out.write(data)
        crc = zlib.crc32(data, crc)
        left -= len(data)
        told.add(len(data))
    if left:
        raise AccessError("the archive ends inside a member", where=step.name, hint="Fetch the archive again")
    return crc


def _check(archive: Archive, step: Step, crc: int) -> None:
    """Check what comes from a run of members; a zip's own streams have checked themselves."""
    columns = archive.index.columns
    if columns["method"][step.row] == BLOCK and columns["crc32"][step.row] != crc:
        raise AccessError(
            "the checksum is wrong", where=f"{archive.where}!/{step.name}",
            why=f"CRC {crc:08x}, declared {columns['crc32'][step.row]:08x}", hint="Fetch the archive again",
        )  # fmt: skip


@contextmanager
def _full_disk_told(path: Path) -> Iterator[None]:
    import errno

    try:
        yield
    except OSError as error:
        if isinstance(error, MedshelfError):
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("the disk is full", where=path, hint="Free some space and run again: it goes on") from error
        raise AccessError("the file can't be written", where=path, why=error.strerror or str(error)) from error
