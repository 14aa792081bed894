"""Where the bytes of a part are: in memory while they are few, else in a file beside their place."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from medshelf.access.download.place import Handle, put_small
from medshelf.access.download.recent import Recent
from medshelf.access.download.room import told
from medshelf.errors import AccessError, MedshelfError

SMALL_BYTES = 1 << 20
"""Files up to this size are held in memory until they are whole."""


class Spool:
    """Bytes, written and read at any place by several threads; all its errors are `DiskFull` or `AccessError`.

    Parameters
    ----------
    path : str
        Of the file.
    before, after : callable
        Called before the file is made, and when it holds all that was in memory.
    """

    def __init__(self, path: str, *, before: Callable[[], None], after: Callable[[], None]) -> None:
        self._path = path
        self._before = before
        self._after = after
        self._memory: bytearray | None = bytearray()
        self._handle: Handle | None = None
        self._recent = Recent()
        self._lock = threading.Lock()

    @property
    def in_memory(self) -> bool:
        """Whether nothing is on the disk."""
        return self._memory is not None

    @property
    def is_open(self) -> bool:
        """Whether the file on the disk is ours."""
        return self._handle is not None

    def read(self, at: int, n_bytes: int) -> bytes:
        """Return up to so many bytes from a place on."""
        memory = self._memory
        if memory is not None:
            return bytes(memory) if at == 0 and n_bytes >= len(memory) else bytes(memory[at : at + n_bytes])
        try:
            return self._on_disk.read(at, n_bytes)
        except OSError as error:
            raise told(error, Path(self._path)) from error

    def piece(self, at: int, most_bytes: int) -> bytes:
        """Return the next bytes for who reads on from there: what is at hand, or from the disk up to where that is."""
        recent, most_bytes = self._recent.at(at, most_bytes)
        return self.read(at, most_bytes) if recent is None else recent

    def write(self, at: int, data: bytes) -> None:
        """Put bytes where they belong; in memory only as long as they come in order and are few."""
        with self._lock:
            if self._memory is not None and at == len(self._memory) and at + len(data) <= SMALL_BYTES:
                self._memory += data
                return
            if self._memory is not None:
                self.open()
        try:
            self._on_disk.write(at, data)
        except OSError as error:
            raise told(error, Path(self._path)) from error
        self._recent.add(at, data)

    def open(self, *, fresh: bool = True) -> None:
        """Begin the file, with what is in memory, or take up one that is there."""
        memory, self._memory = self._memory, None
        try:
            os.makedirs(os.path.dirname(self._path) or ".", exist_ok=True)
            if fresh:
                self._before()
            self._handle = Handle(self._path, fresh=fresh)
            self._handle.write(0, bytes(memory or b""))
        except MedshelfError:
            raise
        except OSError as error:
            raise told(error, Path(self._path)) from error
        self._after()

    def cut(self, size_bytes: int = 0) -> None:
        """Remove all bytes beyond a size."""
        self._recent.clear()
        if self._memory is not None:
            del self._memory[size_bytes:]
        elif self._handle is not None:
            self._handle.truncate(size_bytes)

    def sync(self) -> None:
        """Bring the bytes to the disk; once it failed it fails for ever: of lost bytes fsync(2) tells once."""
        if self._handle is not None:
            try:
                self._handle.sync()
            except OSError as error:
                raise told(error, Path(self._path)) from error

    def publish(self, target: Path, size_bytes: int | None) -> None:
        """Give the file its name. One from the disk is synced first, one from memory is not: see the package.

        Raises
        ------
        DiskFull, AccessError
            Also when somebody else has made it shorter or longer than `size_bytes`.
        """
        self.sync()
        try:
            if self._memory is not None:
                put_small(target, self._memory)
                return
            if os.stat(self._path).st_size != size_bytes:
                raise AccessError("the file was changed by another program while it came", where=self._path)
            self._on_disk.publish(target)
        except OSError as error:
            raise told(error, target) from error

    def close(self) -> None:
        """Let go of the file and of who made it, which would keep each other alive."""
        self._before = self._after = _nothing
        self._recent.clear()
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    @property
    def _on_disk(self) -> Handle:
        if self._handle is None:
            raise RuntimeError("the part is closed")
        return self._handle


def _nothing() -> None:
    """Nothing more is made."""
