"""Where an archive would be unpacked: is there room, and does something stand there already?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from medshelf.access._codec_objects import module_for
from medshelf.access._crypt import AES
from medshelf.access._index import ENCRYPTED
from medshelf.access._password import locked
from medshelf.access._read_index import refuse_unreadable
from medshelf.access._unpack_journal import Journal, crc32_of
from medshelf.access._unpack_plan import Step
from medshelf.access._zip import METHODS
from medshelf.access.archive import Archive
from medshelf.errors import AccessError, DiskFull, need

_RESERVE_BYTES = 1 << 30
_RESERVE_SHARE = 0.02


def refuse_size(archive: Archive, steps: list[Step], limit_bytes: int) -> None:
    """Raise `AccessError` if more would be written than the limit."""
    total = sum(step.size_bytes for step in steps)
    if total > limit_bytes:
        raise AccessError(
            "the archive would unpack to more than the limit, and nothing was written", where=archive.where,
            why=f"{total} bytes, the limit is {limit_bytes}", hint="Raise the limit, or name the members to take",
        )  # fmt: skip


def refuse_locked(archive: Archive, steps: list[Step]) -> None:
    """Raise `AccessError` if something is encrypted and no password is known."""
    if archive.password is None and any(archive.index.columns["flags"][s.row] & ENCRYPTED for s in steps):
        raise locked(archive.where)


def refuse_unread(archive: Archive, steps: list[Step]) -> None:
    """Raise what is known beforehand to be in the way of reading: a compression or cipher that is not read here.

    Raises
    ------
    AccessError
        A member is compressed in a way that is not read.
    MissingExtra
        The package that reads it is not installed.
    """
    columns = archive.index.columns
    seen: set[tuple[int, bool]] = set()
    for step in steps:
        method, is_locked = columns["method"][step.row], bool(columns["flags"][step.row] & ENCRYPTED)
        if (method, is_locked) in seen:
            continue
        seen.add((method, is_locked))
        refuse_unreadable(method, f"{archive.where}!/{step.name}", encrypted=is_locked)
        if method == AES:
            need("cryptography.hazmat.primitives.ciphers", "aes")
        else:
            module_for(METHODS.get(method, ""))


def refuse_full(root: Path, size_bytes: int) -> None:
    """Raise `DiskFull` if there is no room for so many bytes and a reserve."""
    disk = shutil.disk_usage(root)
    reserve = min(_RESERVE_BYTES, int(disk.total * _RESERVE_SHARE))
    if size_bytes and size_bytes + reserve > disk.free:
        raise DiskFull(
            "there is no room for what the archive holds", where=root,
            why=f"{size_bytes} bytes and a reserve of {reserve}, {disk.free} are free",
            hint="Free some space, choose another folder, or name the members to take",
        )  # fmt: skip


def make_home(root: Path, home: Path) -> None:
    """Make the folder of the journal, and the one around it."""
    try:
        if home.is_symlink():
            raise AccessError("a link stands where the journal belongs", where=home, hint="Remove it")
        home.mkdir(parents=True, exist_ok=True)
        with os.scandir(home) as entries:
            for entry in entries:
                _refuse_strange(entry)
    except OSError as error:
        raise AccessError("the folder can't be made", where=root, why=error.strerror) from error


def _refuse_strange(entry: os.DirEntry[str]) -> None:
    """Refuse what is no plain file of its own where the journal lies: it would be written through to elsewhere."""
    found = entry.stat(follow_symlinks=False)
    if not entry.is_file(follow_symlinks=False) or found.st_nlink > 1:
        raise AccessError(
            "something else stands where the journal belongs", where=entry.path, why="a link, a pipe or a folder",
            hint="Remove it",
        )  # fmt: skip


def missing(
    steps: list[Step], root: Path, journal: Journal, *, ended: bool, anew: bool = False, ours: Collection[str] = ()
) -> list[Step]:
    """Return what is to be written; a file that another hand put there is an error, unless it is the same.

    After a run that ended, a file of the right size is left alone; before, it has to be what the journal noted. A file
    without a note is taken over where the archive says its checksum and it has that. Those of `ours` may be replaced.
    """
    safe: set[str] = set()
    absent = []
    for step in steps:
        path = root / step.target
        _refuse_links(root, step.target, safe)
        if not os.path.lexists(path):
            absent.append(step)
        elif path.is_symlink() or not path.is_file():
            raise _foreign(path)
        elif not _is_ours(path, step, journal):
            if step.target not in ours:
                raise _foreign(path)
            absent.append(step)
        elif anew:
            absent.append(step)
        elif ended:
            if path.stat().st_size != step.size_bytes:
                raise _foreign(path)
        elif not journal.holds(path, step.target):
            absent.append(step)
    return absent


def _is_ours(path: Path, step: Step, journal: Journal) -> bool:
    """Return whether the journal names a file; it does from now on where the file is the archive's, by its CRC-32."""
    if step.target in journal.done:
        return True
    found = path.lstat()
    if step.crc32 is None or (found.st_size, found.st_nlink) != (step.size_bytes, 1) or crc32_of(path) != step.crc32:
        return False
    journal.add(step.target, step.size_bytes, step.crc32)
    return True


def _refuse_links(root: Path, target: str, safe: set[str]) -> None:
    """Refuse folders on the way that are links, which could lead out."""
    parts = target.split("/")[:-1]
    for n in range(1, len(parts) + 1):
        folder = "/".join(parts[:n])
        if folder in safe:
            continue
        path = root / folder
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise _foreign(path)
        safe.add(folder)


def _foreign(path: Path) -> AccessError:
    return AccessError(
        "something else stands where a file of the archive would go", where=path,
        hint="Move it away, or choose another folder",
    )  # fmt: skip
