"""A full disk: a small one of its own where that may be made, else a shim on the call that writes."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from medshelf.access.download import Fetched
from medshelf.access.download.place import Handle
from medshelf.errors import DiskFull
from tests.access.faults.cases import failed, whole
from tests.access.faults.server import FaultServer
from tests.access.faults.setting import MEGABYTE, Setting, some_bytes

_BYTES = 6 << 20


@dataclass
class Disk:
    """A folder with little room."""

    name: str
    folder: Path
    grow: Any = field(repr=False)


@contextmanager
def small_disk(tmp: Path, *, mounting: bool = True) -> Iterator[Disk]:
    """Make one: a tmpfs, or the shim where mounting is not wanted or not allowed."""
    place = tmp / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_BYTES}", "tmpfs", str(place)]
    try:
        mounted = mounting and subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        with _shim(place) as disk:
            yield disk
        return
    try:
        grow = ["mount", "-o", "remount,size=64m", str(place)]
        yield Disk("tmpfs", place, lambda: subprocess.run(grow, check=True))
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


@contextmanager
def _shim(place: Path) -> Iterator[Disk]:
    limit = [_BYTES]
    real = Handle._write_some

    def write(self: Handle, at: int, view: memoryview) -> int:
        if at + len(view) > limit[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, at, view)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Handle, "_write_some", write)
        yield Disk("a shim on write", place, lambda: limit.__setitem__(0, 1 << 40))


def fills_up(server: FaultServer, disk: Disk) -> str:
    """the disk fills up in the middle"""
    served = server.put("/a.bin", some_bytes(10 * MEGABYTE))
    s = Setting(server, disk.folder)
    failed(s.get("/a.bin", size=False), DiskFull)
    assert s.left("a.bin") == ["a.bin.part", "a.bin.part.json"]
    disk.grow()
    got: Fetched = whole(s.get("/a.bin", size=False))
    assert got.received_bytes < 7 * MEGABYTE, got.received_bytes
    assert s.starts(served)[-1] > 3 * MEGABYTE
    return f"absent, the part is kept; with more room {got.received_bytes / 1e6:.1f} of 10 MB came"


def is_too_small(server: FaultServer, disk: Disk) -> str:
    """the disk is too small from the beginning"""
    served = server.put("/b.bin", some_bytes(100 * MEGABYTE))
    error = failed(Setting(server, disk.folder).get("/b.bin", by=None), DiskFull)
    assert not served.asked and "100,000,000 bytes" in str(error)
    return "absent: an error with the numbers, nothing asked"


DISK_CASES = (fills_up, is_too_small)
