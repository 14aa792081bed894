"""Many files into one folder: several at a time, each host within its limits; one that fails does not stop the rest."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from medshelf.access.download.crew import FIRST, LOOK_S, Crew
from medshelf.access.download.digests import OURS, known
from medshelf.access.download.here import already_here, place_of
from medshelf.access.download.job import Tools
from medshelf.access.download.ledger import Ledger, sweep
from medshelf.access.download.members import fetch_members, missing_bytes
from medshelf.access.download.one import fetch_one
from medshelf.access.download.prove import better
from medshelf.access.download.records import Existing, Failure, Fetched, Report, Source, Wanted
from medshelf.access.download.room import ask_for_room
from medshelf.access.download.trouble import Stopped
from medshelf.errors import AccessError, AccessNeeded, DiskFull, MedshelfError, NotWhole

T = TypeVar("T")


class Many:
    """The files of one call."""

    def __init__(self, folder: Path, tools: Tools, ledger: Ledger, existing: Existing) -> None:
        self._folder = folder
        self._tools = tools
        self._ledger = ledger
        self._existing: Existing = existing
        self._fetched: dict[str, list[Fetched]] = {}
        self._failures: dict[str, Failure] = {}
        self._needed: dict[str, MedshelfError] = {}
        self._full: MedshelfError | None = None

    def run(self, files: Sequence[Wanted]) -> Report:
        """Fetch them.

        Raises
        ------
        DiskFull
            Before anything is fetched: there is no room.
        """
        placed = self._placed(files)
        for folder in {path.parent for _, path in placed}:
            sweep(folder)
        ask_for_room(self._missing(placed))
        groups: dict[str, list[tuple[Wanted, Path]]] = defaultdict(list)
        for wanted, path in placed:
            groups[wanted.source.gate].append((wanted, path))
        try:
            self._run(groups)
        finally:
            self._ledger.save()
        names = [wanted.name for wanted in files]
        return Report(
            tuple(one for name in names for one in self._fetched.get(name, ())),
            tuple(self._failures[name] for name in dict.fromkeys(names) if name in self._failures),
        )

    def _placed(self, files: Sequence[Wanted]) -> list[tuple[Wanted, Path]]:
        placed: list[tuple[Wanted, Path]] = []
        seen: set[str] = set()
        for wanted in files:
            try:
                if wanted.name in seen:
                    raise AccessError("two files have the same name", where=wanted.name)
                placed.append((wanted, place_of(self._folder, wanted.name)))
                seen.add(wanted.name)
            except AccessError as error:
                self._fail(wanted, error)
        return placed

    def _missing(self, placed: Sequence[tuple[Wanted, Path]]) -> Iterator[tuple[Path, int]]:
        for wanted, path in placed:
            if wanted.members is not None:
                yield path, missing_bytes(wanted.source, wanted.members, path)
                continue
            size = wanted.source.file.size_bytes or 0
            if self._existing == "replace" or not path.exists():
                yield path, max(0, size - bytes_there(path))

    def _run(self, groups: dict[str, list[tuple[Wanted, Path]]]) -> None:
        most = {gate: min(len(group), self._streams(group)) for gate, group in groups.items()}
        if not most:
            return
        queues = {gate: Queue(group) for gate, group in groups.items()}
        pool = ThreadPoolExecutor(sum(most.values()), thread_name_prefix="medshelf")
        try:
            self._work_all(pool, queues, most)
        finally:
            self._tools.stop.set()
            pool.shutdown(wait=True)

    def _work_all(self, pool: ThreadPoolExecutor, queues: dict[str, Queue], most: dict[str, int]) -> None:
        """Work with few threads for each host, and with more up to the most where that helps."""
        crew = Crew()
        ready = [gate for n in range(max(most.values())) for gate in most if n < most[gate]]
        n_more = sum(min(FIRST, n) for n in most.values())
        running: set[Future[None]] = set()
        while True:
            running |= {pool.submit(self._work, queues[gate]) for gate in ready[:n_more]}
            del ready[:n_more]
            done, running = wait(running, timeout=LOOK_S if ready else None, return_when=FIRST_EXCEPTION)
            for one in done:
                one.result()
            if not running:
                return
            n_more = len(queues) if crew.wants_more(len(running)) else 0

    def _streams(self, group: Sequence[tuple[Wanted, Path]]) -> int:
        return min(self._tools.jobs, max(1, group[0][0].source.host.LIMITS.parallel))

    def _work(self, queue: Queue) -> None:
        while (item := queue.next()) is not None:
            wanted, path = item
            try:
                self._tools.stop.check()
                fetched = self._members(wanted, path) if wanted.members else [self._one(wanted, path)]
            except Stopped:
                return
            except MedshelfError as error:
                if isinstance(error, DiskFull):
                    self._full = error
                self._fail(wanted, error)
            else:
                self._fetched[wanted.name] = fetched
                for one in fetched:
                    self._ledger.add(one)

    def _one(self, wanted: Wanted, path: Path) -> Fetched:
        entry = self._ledger.entry(wanted.name)
        here = already_here(wanted.source, path, entry, self._existing, self._tools.stop)
        if here is not None:
            self._tools.tell(here.size_bytes, here.size_bytes, here.name)
            return here
        if self._full is not None:
            raise self._full
        also: dict[str, str] = {}
        if entry is not None and entry.ref == wanted.source.shown_ref and self._existing != "replace":
            also = {OURS: entry.sha256}
        try:
            fetched = self._from_any(wanted, lambda source: fetch_one(source, path, self._tools, also))
        except NotWhole as error:
            if also and OURS not in known(wanted.source.file.checksums) and OURS in (error.why or ""):
                error.hint = "It is not what came before. To take what the host has now: --existing replace"
            raise
        return replace(fetched, strength=better(fetched.strength, entry.strength)) if also and entry else fetched

    def _members(self, wanted: Wanted, path: Path) -> list[Fetched]:
        """Fetch some members of an archive."""
        members = wanted.members
        assert members is not None
        if self._full is not None:
            raise self._full
        entries = self._ledger.entries()
        elsewhere = replace(members, validator=None)  # an ETag is one of its own server

        def fetch(source: Source) -> list[Fetched]:
            picked = members if source is wanted.source else elsewhere
            return fetch_members(source, picked, path, self._tools, self._existing, entries)

        return self._from_any(wanted, fetch)

    def _from_any(self, wanted: Wanted, fetch: Callable[[Source], T]) -> T:
        """Fetch from the source, or from a mirror that holds the same bytes."""
        try:
            return self._from(wanted.source, fetch)
        except DiskFull:
            raise
        except MedshelfError as error:
            first = error
        for mirror in wanted.mirrors:
            if not same_bytes(wanted.source, mirror):
                continue
            named = Source(mirror.host, replace(mirror.file, name=wanted.name), mirror.ref)
            try:
                return self._from(named, fetch)
            except DiskFull:
                raise
            except MedshelfError as error:
                first.why = f"{first.why or 'it failed'}; from {mirror.shown_ref}: {error.what}"
        raise first

    def _from(self, source: Source, fetch: Callable[[Source], T]) -> T:
        if source.shown_ref in self._needed:
            raise self._needed[source.shown_ref]
        try:
            return fetch(source)
        except AccessNeeded as error:
            self._needed[source.shown_ref] = error  # the same for all its files: it is asked once
            raise

    def _fail(self, wanted: Wanted, error: MedshelfError) -> None:
        self._failures[wanted.name] = Failure(wanted.name, wanted.source.shown_ref, error)


class Queue:
    """A list that several threads take from."""

    def __init__(self, items: Sequence[tuple[Wanted, Path]]) -> None:
        self._items = iter(items)
        self._lock = threading.Lock()

    def next(self) -> tuple[Wanted, Path] | None:
        """Return the next item, None at the end."""
        with self._lock:
            return next(self._items, None)


def same_bytes(one: Source, other: Source) -> bool:
    """Return whether two sources are known to hold the same bytes: a checksum of each is compared, none differs."""
    ours, theirs = known(one.file.checksums), known(other.file.checksums)
    both = ours.keys() & theirs.keys()
    return bool(both) and all(ours[name] == theirs[name] for name in both)


def bytes_there(target: Path) -> int:
    """Return how many bytes of the disk the part of a file takes already."""
    try:
        found = target.with_name(f"{target.name}.part").stat()
    except OSError:
        return 0
    return getattr(found, "st_blocks", 0) * 512
