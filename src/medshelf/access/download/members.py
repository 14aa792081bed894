"""Some members of an archive: the bytes that hold them come into its part, and are unpacked from there.

The part is a file with holes beside the place of the archive, so what breaks goes on as for a whole file; it is removed
once the members are in place, unless it holds more than they needed: then an earlier call had begun to fetch the whole.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medshelf.access._spans_of import JOINED_BYTES, spans_of
from medshelf.access._unpack_plan import Step, portable
from medshelf.access.archive import Archive
from medshelf.access.download.digests import OURS, hasher
from medshelf.access.download.fill import fill
from medshelf.access.download.identity import Identity
from medshelf.access.download.job import Job, Tools
from medshelf.access.download.ledger import Entry
from medshelf.access.download.one import now
from medshelf.access.download.part import Part
from medshelf.access.download.records import Existing, Fetched, Members, Source
from medshelf.access.download.room import told
from medshelf.access.download.trouble import Wrong
from medshelf.access.unpack import unpack
from medshelf.errors import AccessError, DiskFull, NotWhole

_PIECE_BYTES = 1 << 20


def fetch_members(
    source: Source, members: Members, target: Path, tools: Tools, existing: Existing, noted: Mapping[str, Entry]
) -> list[Fetched]:
    """Fetch members of an archive; what comes wrong is fetched anew once.

    Parameters
    ----------
    source : Source
        Of the archive.
    members : Members
    target : Path
        The place that the whole archive would have; members go below its folder.
    tools : Tools
    existing : str
        See `medshelf.access.download.records.Existing`; whole members are proved by their checksums.
    noted : mapping of str to Entry
        What the lock file says, by name below the folder of the dataset.

    Returns
    -------
    list of Fetched
        One for each member, those first that came now.

    Raises
    ------
    NotWhole
        The archive has changed since it was listed, or what came is wrong twice.
    AccessError
        See `medshelf.access.unpack.unpack` and `medshelf.access.download.fill.fill`.
    """
    if existing == "trust" and (here := _believed(source, members, target, noted)):
        return here
    try:
        return _attempt(source, members, target, tools, existing, noted)
    except Wrong:
        tools.stop.check()
    try:
        return _attempt(source, members, target, tools, existing, noted)
    except Wrong as trouble:
        raise trouble.error from trouble


def names_here(source: Source, members: Members) -> dict[str, str]:
    """Return the names of members below the folder of the dataset, by what the archive calls them."""
    folder = "/".join(part for part in (source.file.name.rpartition("/")[0], members.folder) if part)
    return {name: f"{folder}/{portable(name)}" if folder else portable(name) for name in members.names}


def ref_of(source: Source) -> str:
    """Return what stands in the lock file for the source of members: ``zenodo:1234/images.zip!/``."""
    ref, name = source.shown_ref, source.file.name
    return f"{ref}!/" if ref.endswith(name.rpartition("/")[2]) else f"{ref}/{name}!/"


def missing_bytes(source: Source, members: Members, target: Path) -> int:
    """Return the room that members take which are not here: packed while they come, and unpacked."""
    index, total = members.archive.index, 0
    for name, place in names_here(source, members).items():
        if not _below(target, source, place).exists():
            row = index.find(name)
            total += 0 if row is None else index.columns["packed"][row] + index.columns["size"][row]
    return total


def _believed(source: Source, members: Members, target: Path, noted: Mapping[str, Entry]) -> list[Fetched]:
    """Return the members when the lock file names each and it is here with that size, else nothing."""
    found = []
    for name in names_here(source, members).values():
        entry, path = noted.get(name), _below(target, source, name)
        if entry is None or not path.is_file() or path.stat().st_size != entry.size_bytes:
            return []
        found.append(Fetched(name, path, entry.size_bytes, entry.sha256, entry.ref, entry.strength, entry.when))
    return found


def _attempt(
    source: Source, members: Members, target: Path, tools: Tools, existing: Existing, noted: Mapping[str, Entry]
) -> list[Fetched]:
    archive = members.archive
    with _Coming(source, members, target, tools) as coming:
        try:
            unpack(
                archive, target.parent / members.folder, members=members.names, anew=existing == "replace",
                provide=coming.provide,
            )  # fmt: skip
        except Wrong as trouble:
            if trouble.tainted:
                coming.taint()
            raise
        except AccessError as error:
            if coming.is_here and _is_damage(error, archive):
                coming.taint()
                why = f"{error.what} ({error.where})"
                raise Wrong(NotWhole("what came is damaged", where=coming.name, why=why), tainted=True) from error
            raise
        coming.end()
        return _fetched(source, members, target, noted, coming)


def _is_damage(error: AccessError, archive: Archive) -> bool:
    """Return whether the bytes are to blame, and not the disk, or a password that may be wrong."""
    return archive.password is None and not isinstance(error.__cause__, OSError) and not isinstance(error, DiskFull)


def _fetched(
    source: Source, members: Members, target: Path, noted: Mapping[str, Entry], coming: _Coming
) -> list[Fetched]:
    found = []
    received = coming.received
    names = names_here(source, members)
    # a tar says no checksum of its members, only a size
    fresh = {step.name: "size" if step.crc32 is None else "structural" for step in coming.steps}
    for name in sorted(names, key=lambda one: one not in fresh):
        path, entry = _below(target, source, names[name]), noted.get(names[name])
        size = path.stat().st_size
        if name in fresh or entry is None or entry.size_bytes != size:
            sha256, strength, when = _sha256(path), fresh.get(name, "structural"), now()
        else:
            sha256, strength, when = entry.sha256, entry.strength, entry.when
        found.append(Fetched(names[name], path, size, sha256, ref_of(source), strength, when, received))
        received = 0
    return found


def _below(target: Path, source: Source, name: str) -> Path:
    """Return the place of a name below the folder of the dataset, of which the archive's own place tells."""
    depth = source.file.name.count("/")
    return target.parents[depth] / name


def _sha256(path: Path) -> str:
    one = hasher(OURS, path.stat().st_size)
    try:
        with open(path, "rb") as stream:
            while data := stream.read(_PIECE_BYTES):
                one.update(data)
    except OSError as error:
        raise told(error, path) from error
    return one.hexdigest()


class _Coming:
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

    def __enter__(self) -> _Coming:
        return self

    def provide(self, steps: Sequence[Step]) -> PartSource:
        """Fetch what holds some members and return where to read it; errors as in `fill`."""
        archive = self._members.archive
        spans = spans_of(archive.index, (step.row for step in steps), archive.source.size_bytes)
        self.steps = steps
        job = self._job = Job(self._source, self._target, self._tools, spans=spans)
        job.part.resume()
        self._see_state(job)
        fill(job)
        listed = _state(self._members)
        if changed := listed.differs_from(job.part.identity):
            self._is_kept = False
            raise NotWhole(
                "the archive has changed since it was listed", where=self.name, why=changed, hint="Run the same again"
            )  # fmt: skip
        self.is_here = True
        return PartSource(job.part, archive.source.size_bytes)

    def taint(self) -> None:
        """Have the bytes removed: some of them are wrong."""
        self._is_kept = False

    def end(self) -> None:
        """Tell that the members are in place: the part goes, unless it holds what others left."""
        if self._job is None:
            return
        wanted = self._job.spans or ()
        part, at = self._job.part, 0
        more = 0
        for start, stop in (*wanted, (archive_end := self._members.archive.source.size_bytes, archive_end)):
            more += (start - at) - sum(b - a for a, b in part.gaps(start, start=at))
            at = stop
        self._is_kept = more > JOINED_BYTES

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
    is_etag = said is not None and said.startswith(('"', "W/"))
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
