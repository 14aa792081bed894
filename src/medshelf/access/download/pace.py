"""How fast: a limit on bytes for all streams together, and on streams and requests for each host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from medshelf.access.download.stop import Stop
from medshelf.access.hosts import Limits
from medshelf.errors import MedshelfError

BUFFER_BYTES = 1 << 20
"""Most that is read from a socket at once."""
_LEAST_BYTES = 4 << 10

Sleep = Callable[[float], None]


class Pace:
    """A limit on bytes a second that all streams share; None for none.

    The streams take turns at a line in time: each piece books ``bytes / limit`` seconds after the last booking, and its
    stream waits until then. Time in which nothing was read is not saved up.
    """

    def __init__(self, limit_bytes_per_s: float | None, sleep: Sleep = time.sleep) -> None:
        if limit_bytes_per_s is not None and limit_bytes_per_s <= 0:
            raise ValueError("the limit must be above zero")
        self._limit = limit_bytes_per_s
        self._sleep = sleep
        self._lock = threading.Lock()
        self._booked = 0.0

    @property
    def piece_bytes(self) -> int:
        """Most that should be read at once: a tenth of a second's worth."""
        if self._limit is None:
            return BUFFER_BYTES
        return max(_LEAST_BYTES, min(BUFFER_BYTES, int(self._limit / 10)))

    def took(self, n_bytes: int, stop: Stop) -> None:
        """Wait as long as so many bytes are worth."""
        if self._limit is None:
            return
        with self._lock:
            now = time.monotonic()
            self._booked = max(now, self._booked) + n_bytes / self._limit
            wait = self._booked - now
        stop.pause(wait, self._sleep)


class Gate:
    """What one host bears, for all threads.

    Attributes
    ----------
    received : int
        Bytes that came from this host; tells whether it works at all.
    closed : MedshelfError or None
        Why nothing more is asked of it: it was given up, with nothing coming for anybody.
    """

    def __init__(self, limits: Limits, sleep: Sleep = time.sleep) -> None:
        self._slots = threading.Semaphore(max(1, limits.parallel))
        self._apart_s = 1.0 / limits.per_second if limits.per_second else 0.0
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self.received = 0
        self.closed: MedshelfError | None = None

    @contextmanager
    def stream(self, stop: Stop) -> Iterator[None]:
        """Hold one of the host's streams, when it is its turn."""
        while not (self._slots.acquire(blocking=False) or self._slots.acquire(timeout=0.25)):
            stop.check()
        try:
            wait = self._turn()
            if wait > 0:
                stop.pause(wait, self._sleep)
            yield
        finally:
            self._slots.release()

    def hold(self, seconds: float) -> None:
        """Let nobody ask before that: the host is busy."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def came(self, n_bytes: int) -> None:
        """Count bytes."""
        with self._lock:
            self.received += n_bytes

    def _turn(self) -> float:
        """Book the next request and return the seconds until then."""
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next)
            self._next = at + self._apart_s
            return at - now
