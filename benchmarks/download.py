"""Fetching from a server on loopback, side by side with curl and with the Python packages that a user would pick.

    python benchmarks/download.py

nginx where it is installed, else the standard library's server; the output says which. All take turns within each
round, in random order. Files are in the server's page cache.

**A big file** of 1 GB, on the disk and in memory (tmpfs), which tells the program from the disk. medshelf proves it
(SHA-256), syncs it and notes it; curl alone does neither. "curl, prove, sync" does what medshelf does, one after the
other: curl, then the faster of ``openssl dgst`` and ``sha256sum``, then fsync. Before each fetch the disk is made quiet
by sync(2), so that nobody pays for what another left to be written.

**Small files**: `benchmarks.small_files`.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import small_files
from benchmarks.apart import Taken, fetch_files, memory_is_flat
from benchmarks.timing import Row, main, row
from tests.access.faults.real import Real, real_server

ROUNDS = 7
BIG_BYTES = 60 << 24
"""1.007 GB."""
MEMORY = Path("/dev/shm")


def run(tmp: Path) -> list[Row]:
    """Measure all and return a row for each method.

    Parameters
    ----------
    tmp : Path
        An empty folder; it takes about 3 GB.

    Returns
    -------
    list of dict
        See `benchmarks.timing.row`.
    """
    with real_server(tmp / "server") as real:
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
        print(f"server: {real.name}; {os.cpu_count()} processors; load before: {load}")
        os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(real.authority)
        return big_files(real, tmp) + small_files.rows(real, tmp)


def big_files(real: Real, tmp: Path) -> list[Row]:
    data = random.Random(0).randbytes(1 << 24) * (BIG_BYTES >> 24)
    real.put("big.bin", data)
    sha256 = hashlib.sha256(data).hexdigest()
    (tmp / "big.bin").write_bytes(data)
    prove = quickest_proof(tmp / "big.bin")
    (tmp / "big.bin").unlink()
    del data
    rows = big(real, tmp, sha256, prove, "on disk")
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 3 * BIG_BYTES:
        with tempfile.TemporaryDirectory(prefix="medshelf-bench-", dir=MEMORY) as memory:
            rows += big(real, Path(memory), sha256, prove, "in memory")
    else:
        print(f"1 GB in memory is not measured: {MEMORY} is absent or too small")
    return rows


def big(real: Real, folder: Path, sha256: str, prove: list[str], where: str) -> list[Row]:
    out = folder / "out"
    out.mkdir()
    place = out / "big.bin"
    taken: dict[str, list[Taken]] = {"curl": [], "curl, prove, sync": [], "medshelf": []}
    draw = random.Random(0)
    for _ in range(ROUNDS):
        for name in draw.sample(list(taken), len(taken)):
            place.unlink(missing_ok=True)
            os.sync()
            if name == "medshelf":
                taken[name].append(fetch_files([("big.bin", BIG_BYTES, sha256)], real.url, out))
            else:
                begun, cpu = time.perf_counter(), children_s()
                subprocess.run(["curl", "-sf", "-o", str(place), f"{real.url}/big.bin"], check=True)
                if name != "curl":
                    subprocess.run([*prove, str(place)], check=True, stdout=subprocess.DEVNULL)
                    fsync(place)
                taken[name].append(Taken(time.perf_counter() - begun, children_s() - cpu))
    place.unlink()
    memory_is_flat(f"1 GB, {where}", taken["medshelf"])
    wall = {name: [one.wall_s for one in found] for name, found in taken.items()}
    cpu_s = {name: [one.cpu_s for one in found] for name, found in taken.items()}
    return [
        *(row(f"fetch 1 GB, {where}", name, "curl", wall) for name in taken),
        row(f"fetch 1 GB, {where}, prove, sync", "medshelf", "curl, prove, sync", wall),
        row(f"processor time of 1 GB, {where}", "medshelf", "curl", cpu_s),
        row(f"processor time of 1 GB, {where}", "medshelf", "curl, prove, sync", cpu_s),
    ]


def children_s() -> float:
    """Processor time of the programs that have ended, curl among them."""
    found = os.times()
    return found.children_user + found.children_system


def fsync(path: Path) -> None:
    with open(path, "rb+") as stream:
        os.fsync(stream.fileno())


def quickest_proof(path: Path) -> list[str]:
    """Return the quickest program here that computes SHA-256: some builds of sha256sum are six times as slow."""
    ways = [[*way] for way in (("openssl", "dgst", "-sha256"), ("sha256sum",)) if shutil.which(way[0])]

    def seconds(way: list[str]) -> float:
        begun = time.perf_counter()
        subprocess.run([*way, str(path)], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun

    best = min(ways, key=seconds)
    print(f"curl's file is proved by: {' '.join(best)}")
    return best


if __name__ == "__main__":
    main(run)
