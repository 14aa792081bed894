"""What is here already: names that may be used, and files that need not come again."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from medshelf.access.download.digests import OURS, hasher, known
from medshelf.access.download.ledger import LOCK_NAME, Entry
from medshelf.access.download.one import now
from medshelf.access.download.prove import better, strength_of
from medshelf.access.download.records import Existing, Fetched, Source
from medshelf.access.download.room import told
from medshelf.access.download.stop import Stop
from medshelf.access.download.structure import structure_of
from medshelf.access.hosts import HostFile
from medshelf.errors import AccessError, NotWhole

OWNER_NAME = ".medshelf.owner"
_PIECE_BYTES = 1 << 20


def place_of(folder: Path, name: str) -> Path:
    """Return the path of a file below a folder.

    Raises
    ------
    AccessError
        The name leads out of the folder, is no file name, or is one that this program uses itself.
    """
    parts = name.split("/")
    bad = any(part in ("", ".", "..") for part in parts) or "\\" in name or ":" in parts[0][1:2]
    if bad or any(ord(letter) < 32 for letter in name):
        raise AccessError("the host names a file in a way that is not allowed", where=repr(name))
    if name in (LOCK_NAME, OWNER_NAME):
        raise AccessError("the host names a file as this program names its own", where=name)
    return folder.joinpath(*parts)


def already_here(source: Source, target: Path, entry: Entry | None, existing: Existing, stop: Stop) -> Fetched | None:
    """Return the record of a file that is here and need not be fetched, else None.

    Parameters
    ----------
    source : Source
    target : Path
    entry : Entry, optional
        What the lock file says about it.
    existing : str
        See `medshelf.access.download.records.Existing`.
    stop : Stop
        Ends the reading.
    """
    if existing == "replace":
        return None
    try:
        found = _stat(target)
        if found is None or not stat.S_ISREG(found.st_mode):
            return None
        size = found.st_size
        stated = source.file.size_bytes
        if stated is not None and stated != size:
            return None
        if existing == "trust" and entry is not None and entry.size_bytes == size:
            return Fetched(source.file.name, target, size, entry.sha256, entry.ref, entry.strength, entry.when)
        return _proved(source, target, size, entry, stop)
    except OSError as error:
        raise told(error, target) from error


def _stat(target: Path) -> os.stat_result | None:
    try:
        return os.stat(target)
    except FileNotFoundError:
        return None


def _proved(source: Source, target: Path, size: int, entry: Entry | None, stop: Stop) -> Fetched | None:
    expected = known(source.file.checksums)
    found = _digests(target, size, {OURS, *expected}, stop)
    if any(found[name] != value for name, value in expected.items()):
        return None
    is_as_before = entry is not None and entry.sha256 == found[OURS]
    strength = strength_of(expected)
    if strength is None and entry is not None and not is_as_before:
        return None
    if strength is None:
        strength = "size" if source.file.size_bytes is not None else _structure(target, source.file)
    ref = source.shown_ref
    if entry is not None and is_as_before:
        strength, ref = better(strength, entry.strength), entry.ref
    elif strength == "none":
        return None
    return Fetched(source.file.name, target, size, found[OURS], ref, strength, now())


def _structure(target: Path, file: HostFile) -> str:
    try:
        with open(target, "rb") as stream:
            return structure_of(stream, file.name, file.inside)
    except NotWhole:
        return "none"


def _digests(target: Path, size: int, algorithms: Iterable[str], stop: Stop) -> dict[str, str]:
    hashers = {name: hasher(name, size) for name in algorithms}
    with open(target, "rb") as stream:
        while data := stream.read(_PIECE_BYTES):
            stop.check()
            for one in hashers.values():
                one.update(data)
    return {name: one.hexdigest() for name, one in hashers.items()}
