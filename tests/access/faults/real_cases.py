"""Faults against a real server; each function is a row of the table."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from medshelf.access.download import Fetched, Source, fetch_file
from medshelf.access.download.job import Tools
from medshelf.access.download.one import fetch_one
from medshelf.access.download.pace import Pace
from medshelf.access.download.stop import Stop
from medshelf.access.download.trouble import Stopped
from medshelf.access.hosts import HostFile
from medshelf.access.web import Patience, Web
from medshelf.errors import AccessError
from tests.access.faults.real import Real
from tests.access.faults.setting import MEGABYTE, host, some_bytes

DATA = some_bytes(40 * MEGABYTE, 3)
OTHER = some_bytes(40 * MEGABYTE, 4)


class Ended(Exception):
    """Somebody ended the program."""


def get(
    url: str, folder: Path, *, by: SimpleNamespace | None = None, end_at: int | None = None,
    checksums: Mapping[str, str] | None = None, jobs: int = 4,
) -> tuple[Fetched, int]:  # fmt: skip
    """Fetch; return the record and where it began; `end_at`: end the program when so many bytes are here."""
    begun: list[int] = []

    def progress(there: int, size: int | None, name: str) -> None:
        begun.append(there)
        if end_at is not None and there >= end_at:
            raise Ended

    file = HostFile("a.bin", url, len(DATA), checksums or {})
    web = Web(offline=False, patience=Patience(stall_s=5, give_up_s=10, reach_s=2, longest_wait_s=0.2))
    got = fetch_file(by or host(), file, "it", folder / "a.bin", web, progress=progress, jobs=jobs)  # type: ignore[arg-type]
    return got, begun[0]


def resumed(real: Real, folder: Path) -> str:
    """ended in the middle, continued with If-Range"""
    real.put("a.bin", DATA)
    with pytest.raises(Ended):
        get(f"{real.url}/slow/a.bin", folder, end_at=15 * MEGABYTE)
    assert not (folder / "a.bin").exists()
    got, _ = get(f"{real.url}/slow/a.bin", folder)
    assert (folder / "a.bin").read_bytes() == DATA
    assert 0 < got.received_bytes <= len(DATA) - 15 * MEGABYTE
    return f"whole, {got.received_bytes / 1e6:.0f} of {len(DATA) / 1e6:.0f} MB came the second time"


def changed(real: Real, folder: Path) -> str:
    """ended in the middle, the file is another one"""
    real.put("a.bin", DATA)
    with pytest.raises(Ended):
        get(f"{real.url}/slow/a.bin", folder, end_at=15 * MEGABYTE)
    time.sleep(1.1)  # the ETag of nginx has the time in seconds
    real.put("a.bin", OTHER)
    got, _ = get(f"{real.url}/a.bin", folder)
    assert (folder / "a.bin").read_bytes() == OTHER
    assert got.received_bytes == len(OTHER)
    return "whole, all of it the new state"


def spans(real: Real, folder: Path) -> str:
    """parallel spans where each stream is limited (limit_rate)"""
    real.put("a.bin", DATA)
    wall = {}
    for jobs in (1, 4):
        (folder / "a.bin").unlink(missing_ok=True)
        begun = time.monotonic()
        sums = {"sha256": hashlib.sha256(DATA).hexdigest()}
        get(f"{real.url}/slow/a.bin", folder, by=host(split_from=MEGABYTE), checksums=sums, jobs=jobs)
        wall[jobs] = time.monotonic() - begun
        assert (folder / "a.bin").read_bytes() == DATA
    assert wall[4] < wall[1]
    return f"whole; 4 streams took {wall[4] / wall[1]:.2f} of the time of one"


def no_ranges(real: Real, folder: Path) -> str:
    """a server that knows no ranges (max_ranges 0)"""
    real.put("a.bin", DATA)
    with pytest.raises(Ended):
        get(f"{real.url}/slow/a.bin", folder, end_at=10 * MEGABYTE)
    got, _ = get(f"{real.url}/whole/a.bin", folder, by=host(split_from=MEGABYTE))
    assert (folder / "a.bin").read_bytes() == DATA
    return "whole, in one stream"


def aborted_over_tls(real: Real, folder: Path) -> str:
    """TLS, ended from another thread: no ciphertext in the part"""
    real.put("a.bin", DATA)
    source = Source(host(), HostFile("a.bin", f"{real.tls_url}/slow/a.bin", len(DATA)), "it")  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(real.authority))
        for n in range(8):
            stop = Stop()
            tools = Tools(Web(offline=False), Pace(None), stop, 1, None)
            timer = threading.Timer(0.05 + 0.017 * n, stop.set)
            timer.start()
            with pytest.raises(Stopped):
                fetch_one(source, folder / "a.bin", tools)
            timer.join()
            part = (folder / "a.bin.part").read_bytes() if (folder / "a.bin.part").exists() else b""
            done = json.loads((folder / "a.bin.part.json").read_text())["done"] if part else []
            assert all(part[a:b] == DATA[a:b] for a, b in done)
    return f"absent, {sum(b - a for a, b in done) / 1e6:.0f} MB kept, all of them the file's"


def tls(real: Real, folder: Path) -> str:
    """TLS: a known authority, and an unknown one"""
    real.put("a.bin", DATA)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        begun = time.monotonic()
        with pytest.raises(AccessError, match="(?i)certificate"):
            get(f"{real.tls_url}/a.bin", folder)
        assert time.monotonic() - begun < 3, "it was asked again in vain"
        patch.setenv("SSL_CERT_FILE", str(real.authority))
        get(f"{real.tls_url}/a.bin", folder, checksums={"sha256": hashlib.sha256(DATA).hexdigest()})
    assert (folder / "a.bin").read_bytes() == DATA
    return "whole; unknown: absent, an error at once"


REAL_CASES: tuple[Callable[[Real, Path], str], ...] = (resumed, changed, spans, no_ranges, tls, aborted_over_tls)
