"""How many threads work: more as long as they wait for hosts, no more when they wait for each other.

Only one thread of Python runs at a time. With small files from a near host that one is busy, and each further thread
makes all of them slower (measured: four take twice the processor time of two). From a far host all are needed.
"""

from __future__ import annotations

import time

FIRST = 2
"""Threads for each host to begin with."""
LOOK_S = 0.1
_FULL = 0.8


class Crew:
    """Tells whether more threads would help, from the processor time of the last while."""

    def __init__(self) -> None:
        self._at, self._cpu = time.monotonic(), time.process_time()

    def wants_more(self, n_threads: int) -> bool:
        """Return whether more threads would help, seen from what so many did since the last call."""
        at, cpu = time.monotonic(), time.process_time()
        busy = (cpu - self._cpu) / max(at - self._at, 1e-6)
        self._at, self._cpu = at, cpu
        return helps(busy, n_threads)


def helps(busy: float, n_threads: int) -> bool:
    """Return whether more threads would help.

    Parameters
    ----------
    busy : float
        Processors that were busy for this process.
    n_threads : int
        Threads that did it. When nearly all of them ran all the time they did not wait for each other: they hash.
    """
    return busy < _FULL or busy > _FULL * n_threads
