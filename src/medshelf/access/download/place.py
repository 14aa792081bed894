"""The part on the disk, and how a file gets its name: written beside its place and moved there whole."""

from __future__ import annotations

import itertools
import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path

_sync_data = getattr(os, "fdatasync", os.fsync)
STRAY = ".medshelf-new"
"""End of the name of a small file that is being written; a killed process may leave one."""
_OURS = secrets.token_hex(6)
_COUNT = itertools.count()


class Handle:
    """An open part, written and read at any place by several threads."""

    def __init__(self, path: str | Path, *, fresh: bool) -> None:
        flags = os.O_RDWR | os.O_CREAT | (os.O_TRUNC if fresh else 0) | getattr(os, "O_BINARY", 0)
        self._path = path
        self._file = os.open(path, flags, 0o666)
        self._is_open = True
        self._lost: OSError | None = None
        self._seeking = threading.Lock()

    def write(self, at: int, data: bytes) -> None:
        """Write all of `data` at a place."""
        view = memoryview(data)
        while view:
            n_written = self._write_some(at, view)
            at += n_written
            view = view[n_written:]

    def read(self, at: int, n_bytes: int) -> bytes:
        """Return up to `n_bytes` from a place on."""
        if hasattr(os, "pread"):
            return os.pread(self._file, n_bytes, at)
        with self._seeking:
            os.lseek(self._file, at, os.SEEK_SET)
            return os.read(self._file, n_bytes)

    def truncate(self, size_bytes: int = 0) -> None:
        """Remove all bytes beyond a size."""
        os.ftruncate(self._file, size_bytes)

    def sync(self) -> None:
        """Bring the bytes to the disk, and the length with them; raise again what this raised once."""
        if self._lost is not None:
            raise self._lost
        try:
            _sync_data(self._file)
        except OSError as error:
            self._lost = error
            raise

    def close(self) -> None:
        """Close it, once."""
        if self._is_open:
            self._is_open = False
            os.close(self._file)

    def publish(self, target: Path) -> None:
        """Close it, give it its name, sync the folder; its bytes are on the disk."""
        self.close()
        os.replace(self._path, target)
        sync_folder(target.parent)

    def _write_some(self, at: int, view: memoryview) -> int:
        if hasattr(os, "pwrite"):
            return os.pwrite(self._file, view, at)
        with self._seeking:  # Windows
            os.lseek(self._file, at, os.SEEK_SET)
            return os.write(self._file, view)


def put_small(target: Path, data: bytes | bytearray) -> None:
    """Write a small file beside its place and rename it. It is not synced; `sync_disk` does that for many at once."""
    folder = os.path.dirname(target) or "."
    fresh = f"{folder}/.{_OURS}-{os.getpid()}-{next(_COUNT)}{STRAY}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        file = os.open(fresh, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
        file = os.open(fresh, flags, 0o666)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
        finally:
            os.close(file)
        os.replace(fresh, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(fresh)
        raise


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sync_disk(folder: Path) -> None:
    """Bring all that was written to the disk of a folder there: one call instead of one for each file (syncfs(2))."""
    import ctypes

    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError, TypeError):  # not Linux
        getattr(os, "sync", lambda: None)()
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(handle):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(handle)
