"""Which bytes of a file are there: spans that do not touch, in order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Spans:
    """A set of byte positions as half-open spans."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        for start, stop in spans:
            self.add(start, stop)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._starts, self._stops, strict=True))

    def add(self, start: int, stop: int) -> None:
        """Add the bytes from `start` up to `stop`, not included."""
        if start >= stop:
            return
        first = bisect_left(self._stops, start)
        last = bisect_right(self._starts, stop)
        if first < last:
            start = min(start, self._starts[first])
            stop = max(stop, self._stops[last - 1])
        self._starts[first:last] = [start]
        self._stops[first:last] = [stop]

    @property
    def total(self) -> int:
        """How many bytes are there."""
        return sum(self._stops) - sum(self._starts)

    @property
    def front(self) -> int:
        """How many bytes are there from the beginning on without a gap."""
        return self._stops[0] if self._starts and self._starts[0] == 0 else 0

    def before(self, limit: int) -> Spans:
        """Return what is there below `limit`."""
        return Spans((start, min(stop, limit)) for start, stop in self if start < limit)

    def gap(self, start: int, stop: int | None) -> tuple[int, int | None] | None:
        """Return the first span within [start, stop) that is missing, None when nothing is; `stop` None: no end."""
        at = bisect_right(self._starts, start)
        if at and self._stops[at - 1] > start:
            start = self._stops[at - 1]
        if stop is not None and start >= stop:
            return None
        if at == len(self._starts):
            return start, stop
        return start, self._starts[at] if stop is None else min(stop, self._starts[at])

    def gaps(self, stop: int, most: int | None = None, start: int = 0) -> list[tuple[int, int]]:
        """Return all that is missing within [start, stop), in pieces of `most` bytes at the most."""
        found: list[tuple[int, int]] = []
        at = start
        while (gap := self.gap(at, stop)) is not None:
            first, last = gap[0], stop if gap[1] is None else gap[1]
            step = most or last - first
            found += [(a, min(a + step, last)) for a in range(first, last, step)]
            at = last
        return found
