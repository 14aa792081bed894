"""Room on the disk: asked before anything is fetched, and named when it runs out all the same."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from medshelf.errors import AccessError, DiskFull, MedshelfError

RESERVE_SHARE = 0.05
RESERVE_BYTES = 2 << 30
"""What stays free for others: this share of the disk, or so many bytes, whichever is less."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


def ask_for_room(wanted: Iterable[tuple[Path, int]]) -> None:
    """Raise `DiskFull` unless the disks have room for new files, beside what stays free for others.

    Parameters
    ----------
    wanted : iterable of (Path, int)
        Place and bytes of each file that is to come. Several disks may lie below one folder. A file needs its bytes
        once: it grows beside its place and is renamed.

    Raises
    ------
    DiskFull
        With what is needed and what is there, in bytes or in files (inodes).
    """
    disks: dict[int, tuple[Path, int, int]] = {}
    seen: dict[Path, tuple[int, Path]] = {}
    for place, n_bytes in wanted:
        if place.parent not in seen:
            folder = _nearest(place.parent)
            seen[place.parent] = (folder.stat().st_dev, folder)
        disk, folder = seen[place.parent]
        _, bytes_before, files_before = disks.get(disk, (folder, 0, 0))
        disks[disk] = (folder, bytes_before + n_bytes, files_before + 1)
    for folder, n_bytes, n_files in disks.values():
        _ask(folder, n_bytes, n_files)


def _ask(folder: Path, n_bytes: int, n_files: int) -> None:
    disk = shutil.disk_usage(folder)
    reserve = int(min(RESERVE_SHARE * disk.total, RESERVE_BYTES))
    if n_bytes and n_bytes > disk.free - reserve:
        raise DiskFull(
            "there is no room", where=folder,
            why=f"{n_bytes:,} bytes are to come, {disk.free:,} are free, {reserve:,} of them stay free for others",
            hint="Free some space, or choose another disk",
        )  # fmt: skip
    left = _files_left(folder)
    if left is not None and n_files > left:
        raise DiskFull(
            "there is no room for so many files", where=folder,
            why=f"{n_files:,} files are to come, {left:,} inodes are left",
            hint="Remove files, or choose another disk",
        )  # fmt: skip


def _files_left(folder: Path) -> int | None:
    """Return how many more files the disk holds; None where it does not say or has no such limit."""
    if not hasattr(os, "statvfs"):
        return None
    found = os.statvfs(folder)
    return found.f_favail if found.f_files else None


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next((one for one in (folder, *folder.parents) if one.is_dir()), Path("."))


def told(error: OSError, where: Path) -> MedshelfError:
    """Return our error for one of the disk."""
    if error.errno in _FULL:
        return DiskFull(
            "the disk is full", where=where, why=error.strerror,
            hint="Free some space and run again: what has come is kept and continued",
        )  # fmt: skip
    return AccessError("the file can't be written", where=where, why=error.strerror or str(error))
