"""What reading from afar has cost so far."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Traffic:
    """Counts requests, and bytes of the bodies that came."""

    def __init__(self) -> None:
        self.requests = 0
        self.bytes = 0
        self._most: int | None = None
        self._lock = threading.Lock()

    def add(self, size_bytes: int) -> None:
        with self._lock:
            self.requests += 1
            self.bytes += size_bytes

    @contextmanager
    def at_most(self, size_bytes: int) -> Iterator[None]:
        """Let no more than so many bytes be asked for within the block, nor more than a block around it allows."""
        before, most = self._most, self.bytes + size_bytes
        self._most = most if before is None else min(before, most)
        try:
            yield
        finally:
            self._most = before

    def allows(self, size_bytes: int) -> bool:
        return self._most is None or self.bytes + size_bytes <= self._most
