"""Ending the work of other threads at once, also where they wait for bytes or for a host's permission."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from medshelf.access.download.trouble import Stopped

_SLICE_S = 0.25


class Abortable(Protocol):
    """Something that waits for bytes."""

    def abort(self) -> None:
        """End the waiting."""


class Stop:
    """A switch that is set once; a child is stopped with its parent."""

    def __init__(self, parent: Stop | None = None) -> None:
        self._parent = parent
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._watched: set[Abortable] = set()

    @property
    def is_set(self) -> bool:
        """Whether work has to end."""
        return self._event.is_set() or (self._parent is not None and self._parent.is_set)

    def set(self) -> None:
        """End all work: whoever reads or waits is woken."""
        self._event.set()
        with self._lock:
            watched = tuple(self._watched)
        for one in watched:
            one.abort()

    def check(self) -> None:
        """Raise `Stopped` when work has to end."""
        if self.is_set:
            raise Stopped

    @contextmanager
    def watching(self, one: Abortable) -> Iterator[None]:
        """Abort `one` when the switch is set within the block."""
        with self._lock:
            self._watched.add(one)
        try:
            self.check()
            if self._parent is None:
                yield
            else:
                with self._parent.watching(one):
                    yield
        finally:
            with self._lock:
                self._watched.discard(one)

    def pause(self, seconds: float, sleep: Callable[[float], None]) -> None:
        """Sleep in slices, so that it can be ended."""
        while seconds > 0:
            self.check()
            sleep(min(_SLICE_S, seconds))
            seconds -= _SLICE_S
        self.check()
