"""One file in the making: all that the steps of its download share."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from medshelf.access.download.digests import OURS, Digests, known
from medshelf.access.download.pace import Gate, Pace
from medshelf.access.download.part import Part
from medshelf.access.download.records import Progress, Source
from medshelf.access.download.stop import Stop
from medshelf.access.hosts import Address
from medshelf.access.web import Web
from medshelf.errors import MedshelfError

_TOLD_S = 0.1


class Tools:
    """What all files of a call share: the client, the limits, the switch that ends it, who is told of progress."""

    def __init__(self, web: Web, pace: Pace, stop: Stop, jobs: int, progress: Progress | None) -> None:
        self.web = web
        self.pace = pace
        self.stop = stop
        self.jobs = jobs
        self._progress = progress
        self._gates: dict[str, Gate] = {}
        self._lock = threading.Lock()
        self._telling = threading.Lock()

    def gate(self, source: Source) -> Gate:
        """Return the limits of a host, the same for all its files."""
        name = source.gate
        with self._lock:
            if name not in self._gates:
                self._gates[name] = Gate(source.host.LIMITS, self.web.sleep)
            return self._gates[name]

    def tell(self, there: int, size: int | None, name: str) -> None:
        """Tell of progress, one call at a time."""
        if self._progress is not None:
            with self._telling:
                self._progress(there, size, name)


class Job:
    """A file, its source, its part.

    Parameters
    ----------
    source : Source
    target : Path
    tools : Tools
    also : mapping of str to str, optional
        Checksums that the file must have beside those of the host.
    spans : sequence of (int, int), optional
        All that is wanted of it, where that is not the whole: then nothing is hashed.
    n_before : int
        Bytes that count as there beside the spans: what was wanted, and was here before.
    """

    def __init__(
        self, source: Source, target: Path, tools: Tools, also: Mapping[str, str] | None = None,
        spans: Sequence[tuple[int, int]] | None = None, n_before: int = 0,
    ) -> None:  # fmt: skip
        self.source = source
        self.target = target
        self.tools = tools
        self.spans = spans
        self._n_before = n_before
        self.gate = tools.gate(source)
        self.stop = tools.stop
        self.expected = {**(also or {}), **known(source.file.checksums)}
        self.ranges = True
        self.unsized = False
        """Whether nobody told the size; then the end of the body counts as the end of the file."""
        self.received = 0
        self.part = Part(target, source, on_disk=self._on_disk)
        self.digests = Digests(self.part)
        self.saver = Saver(self.part)
        self._address: Address | None = None
        self._lock = threading.Lock()
        self._told = 0.0
        if spans is None:
            for algorithm in (OURS, *self.expected):
                self.digests.want(algorithm)

    @property
    def name(self) -> str:
        """Name of the file below its folder."""
        return self.source.file.name

    @property
    def progress(self) -> tuple[int, int | None]:
        """Bytes that are there of those that are wanted, and how many these are."""
        if self.spans is None:
            return self.part.there, self.part.size
        total = self._n_before + sum(stop - start for start, stop in self.spans)
        return total - sum(b - a for span in self.spans for a, b in self.part.gaps(span[1], start=span[0])), total

    def address(self) -> Address:
        """Return where it is served; asked of the host once, until `forget_address`."""
        with self._lock:
            if self._address is None:
                source = self.source
                self._address = source.host.address(source.file, source.ref, self.tools.web)
            return self._address

    def forget_address(self, used: Address) -> None:
        """Have the host say anew where it is served, unless another stream has done so."""
        with self._lock:
            if self._address is used:
                self._address = None

    def expect(self, algorithm: str, digest: str) -> None:
        """Compare this digest, too: the host told it with the bytes."""
        if algorithm not in self.expected and self.spans is None:
            self.expected[algorithm] = digest.lower()
            self.digests.want(algorithm)

    def came(self, at: int, data: bytes) -> None:
        """Take bytes in: write, count, tell, and wait if a limit says so."""
        self.part.write(at, data)
        self.gate.came(len(data))
        with self._lock:
            self.received += len(data)
            now = time.monotonic()
            due = now - self._told >= _TOLD_S
            if due:
                self._told = now
        if due:
            self.tools.tell(*self.progress, self.name)
        self.tools.pace.took(len(data), self.stop)

    def _on_disk(self) -> None:
        self.digests.start()
        self.saver.start()


class Saver:
    """Notes what has come, again and again, so that a killed process loses little.

    In between it brings the bytes to the disk while more of them come, so that the last sync is short.
    """

    EVERY_S = 2.0
    SYNC_BYTES = 32 << 20
    LOOK_S = 0.05

    def __init__(self, part: Part) -> None:
        self._part = part
        self._end: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(self._end,), name="medshelf-saver", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """End, and wait for it."""
        if self._end is not None and self._thread is not None:
            self._end.set()
            self._thread.join()

    def _run(self, end: threading.Event) -> None:
        saved = synced = self._part.there
        saved_at = time.monotonic()
        while not end.wait(min(self.LOOK_S, self.EVERY_S)):
            there, now = self._part.there, time.monotonic()
            with suppress(MedshelfError):  # it is told when the file gets its name
                if there != saved and now - saved_at >= self.EVERY_S:
                    saved, synced, saved_at = there, there, now
                    self._part.save()
                elif there - synced >= self.SYNC_BYTES:
                    synced = there
                    self._part.sync()
