"""The kinds of kills, as rows of the table."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.access.faults.children import (
    BIG,
    BUSY,
    DONE,
    Inside,
    Kills,
    Work,
    check,
    contents,
    ended,
    fetching,
    fetching_one,
    kill_again_and_again,
    packed,
    serve_apart,
    started,
)  # fmt: skip
from tests.access.faults.setting import some_bytes

KINDS = {
    "kill -9: one big file, one stream": {"many": False},
    "kill -9: one big file, parallel spans": {"many": False, "split": True},
    "kill -9: no checksum, only an ETag": {"many": False, "checksums": False},
    "kill -9: a big file and 60 small ones": {"many": True},
    "kill -9: two processes at once": {"many": True, "at_once": 2, "split": True},
    "kill -9: two processes, one file": {"many": False, "at_once": 2},
    "kill -9: members out of a zip": {"inside": True},
}


@contextmanager
def served(rate: float = 40e6, **how: bool) -> Iterator[Work]:
    """Serve the files from another process."""
    if how.pop("inside", False):
        with inside_a_zip(rate) as work:
            yield work
        return
    many = how.pop("many", True)
    files = contents() if many else {BIG: contents()[BIG]}
    server, root = serve_apart(files, rate)
    digests = {name: sha256(data).hexdigest() for name, data in files.items()}
    try:
        yield Work(root, {name: len(data) for name, data in files.items()}, digests, **how)
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)


@contextmanager
def inside_a_zip(rate: float) -> Iterator[Work]:
    """Serve a zip of 22 files, of which every other one is wanted."""
    files = {f"scans/{n:02}.bin": some_bytes(1_000_000 + n, n) + bytes(1_000_000) for n in range(22)}
    wanted = dict(list(files.items())[::2])
    with TemporaryDirectory() as folder:
        archive = packed(Path(folder), files)
        data = Path(archive.where).read_bytes()
        server, root = serve_apart({f"{BIG}.zip": data}, rate)
        digests = {name: sha256(data).hexdigest() for name, data in wanted.items()}
        sizes = {name: len(data) for name, data in wanted.items()}
        try:
            yield Inside(root, sizes, digests, part=f"{BIG}.zip.part", archive=archive)
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)


def run(kind: str, folder: Path, n_kills: int, seed: int) -> Kills:
    """Do one kind."""
    how = dict(KINDS[kind])
    at_once = int(how.pop("at_once", 1))
    with served(**how) as work:  # type: ignore[arg-type]
        return kill_again_and_again(work, folder, n_kills, seed, at_once=at_once)


def two_processes(folder: Path) -> str:
    """two processes at once, nobody killed"""
    with served() as work:
        children = [started(fetching(work, folder)) for _ in range(2)]
        codes = sorted(code for code in map(ended, children) if code is not None)
        assert codes in ([DONE, BUSY], [DONE, DONE]), codes
        check(folder, work)
        assert all((folder / name).exists() for name in work.sizes)
    return "whole; the other is told who fetches" if BUSY in codes else "whole, one after the other"


def ctrl_c(folder: Path) -> str:
    """Ctrl-C: what came is noted, the next one goes on"""
    with served(rate=10e6) as work:
        child = started(fetching(work, folder))
        time.sleep(0.8)
        os.kill(child, signal.SIGINT)
        begun = time.monotonic()
        code = ended(child)  # a shell that starts us in the background has Ctrl-C ignored: then this is DONE
        assert code == 130, code
        assert time.monotonic() - begun < 3
        there = check(folder, work)
        assert there > 1_000_000, there
        assert ended(started(fetching(work, folder))) == DONE
        check(folder, work)
    return f"absent, {there / 1e6:.1f} MB kept; whole the next time"


def stale_owner(folder: Path) -> str:
    """an owner that was killed, and one on another machine"""
    import json

    with served(many=False) as work:
        child = started(fetching(work, folder))
        time.sleep(0.3)
        os.kill(child, signal.SIGKILL)
        assert ended(child) is None
        owner = folder / ".medshelf.owner"
        assert owner.exists()
        other = json.loads(owner.read_text()) | {"host": "elsewhere"}
        assert ended(started(fetching(work, folder))) == DONE
        owner.write_text(json.dumps(other))
        assert ended(started(fetching(work, folder))) == BUSY
        owner.unlink()
        (folder / BIG).unlink()
        assert ended(started(fetching_one(work, folder))) == DONE
    return "taken over; of another machine: an error that names the file"
