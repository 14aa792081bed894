"""What was written last stays at hand: whoever follows closely need not read it back from the disk."""

from __future__ import annotations

import threading

_MOST_BYTES = 4 << 20
_LEAST_BYTES = 128 << 10
"""Smaller pieces are not kept: reading many of them back at once costs less than taking them one by one."""


class Recent:
    """The last pieces of a file, by the place where each begins; several threads may use it."""

    def __init__(self) -> None:
        self._pieces: dict[int, bytes] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, at: int, data: bytes) -> None:
        """Keep a piece, and let go of the oldest."""
        if len(data) < _LEAST_BYTES:
            return
        with self._lock:
            self._bytes += len(data) - len(self._pieces.pop(at, b""))
            self._pieces[at] = data
            while self._bytes > _MOST_BYTES:
                self._bytes -= len(self._pieces.pop(next(iter(self._pieces))))

    def at(self, at: int, most_bytes: int) -> tuple[bytes | None, int]:
        """Return the piece that begins at a place, else None and how many bytes to read up to the next one."""
        with self._lock:
            found = self._pieces.get(at)
            if found is not None and len(found) <= most_bytes:
                return found, len(found)
            onward = min((start for start in self._pieces if start > at), default=at + most_bytes)
            return None, min(most_bytes, onward - at)

    def clear(self) -> None:
        """Let go of all."""
        with self._lock:
            self._pieces.clear()
            self._bytes = 0
