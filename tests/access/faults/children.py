"""Kills: processes that fetch, ended at any moment with SIGKILL, alone and two at once.

Children are forked from a process that has imported everything, so that a kill hits the download and not the start.
What is checked after every kill: a file under its final name is byte-exact, the lock file is whole and names only such.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from medshelf.access.archive import Archive
from medshelf.access.download import LOCK_NAME, Members, Wanted, fetch_all, fetch_file
from medshelf.access.download.job import Saver
from medshelf.access.download.records import Source
from medshelf.access.hosts import HostFile
from medshelf.access.web import Patience, Web
from medshelf.errors import MedshelfError
from tests.access.faults.server import FaultServer, running
from tests.access.faults.setting import host, some_bytes

DONE, BUSY, FAILED = 0, 3, 9
SMALL = 60
BIG = "big.bin"


@dataclass
class Kills:
    """What was done and seen."""

    kills: int = 0
    completed: int = 0
    busy: int = 0
    resumed: int = 0
    """Children that began with bytes of an earlier one."""


@dataclass(frozen=True)
class Work:
    """What the children fetch, from a server in another process."""

    root: str
    sizes: dict[str, int]
    digests: dict[str, str]
    checksums: bool = True
    split: bool = False
    part: str = f"{BIG}.part"
    """Where the bytes of the big file grow."""

    def wanted(self) -> list[Wanted]:
        by = host(split_from=1 << 20 if self.split else None)
        sums = {name: {"sha256": one} if self.checksums else {} for name, one in self.digests.items()}
        return [
            Wanted(Source(by, HostFile(name, f"{self.root}/{name}", size, sums[name]), "it"))  # type: ignore[arg-type]
            for name, size in self.sizes.items()
        ]


@dataclass(frozen=True)
class Inside(Work):
    """Some members of a zip on that server; `sizes` and `digests` are those of the members that are wanted."""

    archive: Archive | None = None

    def wanted(self) -> list[Wanted]:
        assert self.archive is not None
        name = f"{BIG}.zip"
        file = HostFile(name, f"{self.root}/{name}", self.archive.source.size_bytes)
        return [Wanted(Source(host(), file, "it"), members=Members(self.archive, tuple(self.sizes), ""))]  # type: ignore[arg-type]


def packed(folder: Path, files: dict[str, bytes]) -> Archive:
    """Write a zip of files, the odd ones deflated."""
    path = folder / f"{BIG}.zip"
    with zipfile.ZipFile(path, "w") as made:
        for n, (name, data) in enumerate(files.items()):
            made.writestr(name, data, zipfile.ZIP_DEFLATED if n % 2 else zipfile.ZIP_STORED)
    return Archive(path, inner=False)


def contents() -> dict[str, bytes]:
    """Return what the server holds: one big file, many small ones."""
    small = {f"small/{n:03}.bin": some_bytes(20_000 + n, n) for n in range(SMALL)}
    return {BIG: some_bytes(24_000_000, 99), **small}


def serve_apart(files: dict[str, bytes], rate: float) -> tuple[int, str]:
    """Serve from a process of its own; return its number and address."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading) as pipe:
            return child, pipe.readline().strip()
    os.close(reading)
    try:
        with running() as server:
            fill(server, files, rate)
            os.write(writing, (server.url("") + "\n").encode())
            while os.getppid() != 1:
                time.sleep(0.2)
    finally:
        os._exit(0)


def fill(server: FaultServer, files: dict[str, bytes], rate: float) -> None:
    for name, data in files.items():
        server.put(f"/{name}", data, rate_bytes_per_s=rate if name.startswith(BIG) else None)


def fetching(work: Work, folder: Path) -> Callable[[], None]:
    def run() -> None:
        report = fetch_all(work.wanted(), folder, _web())
        if report.failures:
            raise report.failures[0].error

    return run


def fetching_one(work: Work, folder: Path) -> Callable[[], None]:
    def run() -> None:
        first = work.wanted()[0].source
        fetch_file(first.host, first.file, "it", folder / BIG, _web())

    return run


def _web() -> Web:
    return Web(offline=False, patience=Patience(connect_s=5, stall_s=5, longest_wait_s=0.2, give_up_s=20, reach_s=5))


def started(run: Callable[[], None]) -> int:
    """Run something in a child; its exit code says how it ended."""
    child = os.fork()
    if child:
        return child
    code = FAILED
    try:
        Saver.EVERY_S = 0.05  # notes often, so that kills meet notes
        run()
        code = DONE
    except MedshelfError as error:
        code = BUSY if "something else is being fetched" in str(error) else FAILED
        if code == FAILED:
            print(repr(error), file=sys.stderr)
    except KeyboardInterrupt:
        code = 130
    finally:
        os._exit(code)


def ended(child: int) -> int | None:
    """Return how a child ended: its exit code, or None when it was killed."""
    _, status = os.waitpid(child, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None


def check(folder: Path, work: Work) -> int:
    """See that final files are exact and the lock file whole; return how many bytes of the big file are in its part."""
    for name, digest in work.digests.items():
        path = folder / name
        if path.exists():
            assert sha256(path.read_bytes()).hexdigest() == digest, f"{name} is wrong after a kill"
    lock = folder / LOCK_NAME
    if lock.exists():
        for name, entry in json.loads(lock.read_bytes())["files"].items():
            assert entry["sha256"] == work.digests[name], f"the lock file is wrong about {name}"
            assert (folder / name).exists(), f"the lock file names {name}, which is not here"
    note = folder / f"{work.part}.json"
    return sum(b - a for a, b in json.loads(note.read_bytes())["done"]) if note.exists() else 0


def kill_again_and_again(work: Work, folder: Path, n_kills: int, seed: int, *, at_once: int = 1) -> Kills:
    """Start, kill at a random moment, look; when all is fetched, remove it and begin anew.

    Parameters
    ----------
    at_once : int
        Processes that want the same folder; one of them is killed.
    """
    draw = random.Random(seed)
    seen = Kills()
    run = fetching(work, folder) if len(work.sizes) > 1 else fetching_one(work, folder)
    while seen.kills < n_kills:
        seen.resumed += check(folder, work) > 0
        children = [started(run) for _ in range(at_once)]
        time.sleep(draw.choice((0.02, 0.2, 0.8)) * draw.random())
        os.kill(draw.choice(children), signal.SIGKILL)
        codes = [ended(child) for child in children]
        seen.kills += codes.count(None)
        seen.busy += codes.count(BUSY)
        assert FAILED not in codes
        assert len([code for code in codes if code == DONE]) <= at_once
        check(folder, work)
        if draw.random() < 0.15 or DONE in codes:
            assert ended(started(run)) == DONE
            check(folder, work)
            assert all((folder / name).exists() for name in work.sizes)
            seen.completed += 1
            for name in (*work.sizes, LOCK_NAME):
                (folder / name).unlink(missing_ok=True)
    return seen
