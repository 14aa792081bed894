"""Some members of an archive: the bytes that hold them come into its part, and are unpacked from there.

The part is a file with holes beside the place of the archive, so what breaks goes on as for a whole file; it is removed
once the members are in place, unless it holds more than they needed: then an earlier call had begun to fetch the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from medshelf.access._password import WrongPassword
from medshelf.access._unpack_plan import portable
from medshelf.access.download.coming import Coming, is_tar, n_bytes_of, spans_for
from medshelf.access.download.digests import OURS, hasher
from medshelf.access.download.job import Tools
from medshelf.access.download.ledger import Entry
from medshelf.access.download.one import now
from medshelf.access.download.records import Existing, Fetched, Members, Source
from medshelf.access.download.room import told
from medshelf.access.download.stop import Stop
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
    found = _believed(source, members, target, noted) if existing == "trust" else []
    try:
        found = found or _attempt(source, members, target, tools, existing, noted)
    except Wrong:
        tools.stop.check()
        try:
            found = _attempt(source, members, target, tools, existing, noted)
        except Wrong as trouble:
            raise trouble.error from trouble
    total = n_bytes_of(spans_for(members, members.names))
    tools.tell(total, total, source.file.name)
    return found


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
    earlier = _of_earlier_state(source, members, noted)
    with Coming(source, members, target, tools) as coming:
        try:
            unpack(
                archive, target.parent / members.folder, members=members.names, anew=existing == "replace",
                verify=existing == "verify", provide=coming.provide, called=target.name,
                progress=lambda *_: tools.stop.check(), ours=earlier if existing == "replace" else (),
            )  # fmt: skip
        except Wrong as trouble:
            if trouble.tainted:
                coming.taint()
            raise
        except AccessError as error:
            if coming.is_here and _is_damage(error):
                coming.taint()
                raise Wrong(_damaged(error, coming), tainted=True) from error
            if error.where in {str(target.parent / members.folder / name) for name in earlier}:
                error.why = error.why or "it came from another state of the archive"
                error.hint = "To take what the host has now: --existing replace"
            raise
        coming.end()
        return _fetched(source, members, target, noted, coming, tools.stop)


def _of_earlier_state(source: Source, members: Members, noted: Mapping[str, Entry]) -> set[str]:
    """Return the members, below the folder that they go to, of which the lock file says that they came from here."""
    ref, names = ref_of(source), names_here(source, members)
    return {portable(name) for name, place in names.items() if place in noted and noted[place].ref == ref}


def _is_damage(error: AccessError) -> bool:
    """Return whether the bytes are to blame, and not the disk, or a password that does not fit."""
    cause = error.__cause__
    is_of_disk = isinstance(cause, OSError) and cause.errno is not None  # bz2 raises one without, for its data
    return not is_of_disk and not isinstance(error, DiskFull | WrongPassword)


def _damaged(error: AccessError, coming: Coming) -> NotWhole:
    why = "; ".join(part for part in (error.what, error.why) if part)
    hint = "It was fetched twice and not kept; the archive at the host may be damaged"
    if coming.has_locked:
        hint += ", or the password is wrong"
    return NotWhole("what came is damaged", where=error.where or coming.name, why=why, hint=hint)


def _fetched(
    source: Source, members: Members, target: Path, noted: Mapping[str, Entry], coming: Coming, stop: Stop
) -> list[Fetched]:
    found = []
    received = coming.received
    names = names_here(source, members)
    # a tar says no checksum of its members, only a size
    proof = "size" if is_tar(members) else "structural"
    fresh = {step.name for step in coming.steps}
    for name in sorted(names, key=lambda one: one not in fresh):
        path, entry = _below(target, source, names[name]), noted.get(names[name])
        try:
            size = path.stat().st_size
        except OSError as error:
            raise told(error, path) from error
        if name in fresh or entry is None or entry.size_bytes != size:
            sha256, strength, when = _sha256(path, stop), proof, now()
        else:
            sha256, strength, when = entry.sha256, entry.strength, entry.when
        found.append(Fetched(names[name], path, size, sha256, ref_of(source), strength, when, received))
        received = 0
    return found


def _below(target: Path, source: Source, name: str) -> Path:
    """Return the place of a name below the folder of the dataset, of which the archive's own place tells."""
    depth = source.file.name.count("/")
    return target.parents[depth] / name


def _sha256(path: Path, stop: Stop) -> str:
    try:
        one = hasher(OURS, path.stat().st_size)
        with open(path, "rb") as stream:
            while data := stream.read(_PIECE_BYTES):
                stop.check()
                one.update(data)
    except OSError as error:
        raise told(error, path) from error
    return one.hexdigest()
