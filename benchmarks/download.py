"""Fetching from a server on loopback, side by side with curl and with the Python packages that a user would pick.

    python benchmarks/download.py

nginx where it is installed, else the standard library's server; the output says which. A big file of 1 GB: ours proves
it (SHA-256) and syncs it, curl only writes it. Small files of 4 to 8 kB over TLS with keep-alive, as every public host
serves them: ours proves, renames and notes 10,000 files, the others fetch a share of them, in a loop as their
documentation has it, and their time is taken per file. pooch proves them as well, the others do not. Both sides take
turns within each round. Files are in the server's page cache. Memory is the peak of a process of its own.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.access.faults.real import Real, real_server  # noqa: E402

ROUNDS = 3
BIG_BYTES = 1_000_000_000
N_SMALL = 10_000
N_PEER = 400
MOST_MEGABYTES = 150
Small = Sequence[tuple[str, int, str]]
"""Name, size and SHA-256 of each file."""


def run(tmp: Path) -> list[dict[str, Any]]:
    """Measure all and return a row for each method.

    Parameters
    ----------
    tmp : Path
        An empty folder; it takes about 3 GB.

    Returns
    -------
    list of dict
        ``work``, ``method``, ``baseline``, ``ratio`` (median of the rounds' ratios), ``ratio_low`` and
        ``ratio_high`` (their range), ``wall_ms`` (median), ``wall_ms_least``, ``rounds``.
    """
    with real_server(tmp / "server") as real:
        print(f"server: {real.name}; {os.cpu_count()} processors")
        os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(real.authority)
        rows = big(real, tmp)
        rows += small(real, tmp)
    return rows


# --- one big file ------------------------------------------------------------------------------


def big(real: Real, tmp: Path) -> list[dict[str, Any]]:
    draw = random.Random(0)
    data = draw.randbytes(1 << 24) * (BIG_BYTES // (1 << 24) + 1)
    real.put("big.bin", data[:BIG_BYTES])
    sha256 = hashlib.sha256(data[:BIG_BYTES]).hexdigest()
    del data
    out = tmp / "out"
    out.mkdir()
    times: dict[str, list[float]] = {"curl": [], "curl, then sha256sum": [], "medshelf": []}
    peaks = []
    for _ in range(ROUNDS + 2):
        for name in draw.sample(list(times), len(times)):
            (out / "big.bin").unlink(missing_ok=True)
            if name == "medshelf":
                wall, peak = ours_apart([("big.bin", BIG_BYTES, sha256)], real.url, out)
                peaks.append(peak)
            else:
                wall = curl(f"{real.url}/big.bin", out / "big.bin", check=name != "curl")
            times[name].append(wall)
    memory_is_flat("1 GB", peaks)
    (out / "big.bin").unlink()
    return [
        *(row("fetch 1 GB", name, "curl", times) for name in ("curl", "medshelf")),
        row("fetch 1 GB and prove it", "medshelf", "curl, then sha256sum", times),
    ]


def curl(url: str, to: Path, *, check: bool) -> float:
    begun = time.perf_counter()
    subprocess.run(["curl", "-sf", "-o", str(to), url], check=True)
    if check:
        subprocess.run(["sha256sum", str(to)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


# --- many small files --------------------------------------------------------------------------


def small(real: Real, tmp: Path) -> list[dict[str, Any]]:
    draw = random.Random(1)
    files = []
    for n in range(N_SMALL):
        data = draw.randbytes(4000 + n % 4000)
        real.put(f"{n:05}.bin", data)
        files.append((f"{n:05}.bin", len(data), hashlib.sha256(data).hexdigest()))
    out = tmp / "small"
    times: dict[str, list[float]] = {name: [] for name in (*PEERS, "medshelf")}
    peaks = []
    for n in range(ROUNDS):
        share = files[n * N_PEER : (n + 1) * N_PEER]
        for name in draw.sample(list(times), len(times)):
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            gc.collect()
            if name == "medshelf":
                wall, peak = ours_apart(files, real.tls_url, out)
                peaks.append(peak)
                times[name].append(wall / len(files))
            else:
                begun = time.perf_counter()
                PEERS[name](share, real.tls_url, out)
                times[name].append((time.perf_counter() - begun) / len(share))
            for one, _, sha256 in share:
                assert hashlib.sha256((out / one).read_bytes()).hexdigest() == sha256, f"{name}: {one} is wrong"
    memory_is_flat(f"{N_SMALL} files", peaks)
    return [row(f"small files, TLS: {name}", "medshelf", name, times) for name in PEERS]


def with_requests(files: Small, root: str, out: Path) -> None:
    import requests

    for name, _, _ in files:
        answer = requests.get(f"{root}/{name}", timeout=30)
        answer.raise_for_status()
        (out / name).write_bytes(answer.content)


def with_a_session(files: Small, root: str, out: Path) -> None:
    import requests

    with requests.Session() as session:
        for name, _, _ in files:
            answer = session.get(f"{root}/{name}", timeout=30)
            answer.raise_for_status()
            (out / name).write_bytes(answer.content)


def with_pooch(files: Small, root: str, out: Path) -> None:
    import pooch

    pooch.get_logger().setLevel("ERROR")
    shelf = pooch.create(out, base_url=f"{root}/", registry={name: f"sha256:{digest}" for name, _, digest in files})
    for name, _, _ in files:
        shelf.fetch(name)


def with_hugging_face(files: Small, root: str, out: Path) -> None:
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    for name, size, _ in files:
        with open(out / name, "wb") as stream:
            http_get(f"{root}/{name}", stream, expected_size=size)


def with_wget(files: Small, root: str, out: Path) -> None:
    import wget

    for name, _, _ in files:
        wget.download(f"{root}/{name}", str(out / name), bar=None)


PEERS: dict[str, Callable[[Small, str, Path], None]] = {
    "pooch": with_pooch, "huggingface_hub": with_hugging_face, "wget (Python)": with_wget, "requests.get": with_requests,
    "requests.Session": with_a_session,
}  # fmt: skip


# --- ours, in a process of its own -------------------------------------------------------------


def ours_apart(files: Small, root: str, out: Path) -> tuple[float, int]:
    """Fetch with medshelf; return seconds and the peak of memory in megabytes, as that process measures them."""
    command = [sys.executable, __file__, "--fetch"]
    asked = json.dumps({"files": files, "root": root, "out": str(out)})
    told = subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout
    wall, peak = json.loads(told)
    return wall, peak


def fetch_and_tell() -> None:
    import resource

    from medshelf.access.download import Source, Wanted, fetch_all
    from medshelf.access.hosts import HostFile, http
    from medshelf.access.web import Web

    asked = json.load(sys.stdin)
    wanted = [
        Wanted(Source(http, HostFile(name, f"{asked['root']}/{name}", size, {"sha256": digest}), name))
        for name, size, digest in asked["files"]
    ]
    begun = time.perf_counter()
    report = fetch_all(wanted, Path(asked["out"]), Web(offline=False))
    wall = time.perf_counter() - begun
    if report.failures:
        raise report.failures[0].error
    print(json.dumps([wall, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10]))


def memory_is_flat(what: str, peaks: Sequence[int]) -> None:
    print(f"memory of medshelf, {what}: {max(peaks)} MB (goal: under {MOST_MEGABYTES})")
    assert max(peaks) < MOST_MEGABYTES


def row(work: str, name: str, baseline: str, times: dict[str, list[float]]) -> dict[str, Any]:
    """Summarise one method."""
    ratios = [b / t for b, t in zip(times[baseline], times[name], strict=True)]
    return {
        "work": work,
        "method": name,
        "baseline": baseline,
        "ratio": round(statistics.median(ratios), 2),
        "ratio_low": round(min(ratios), 2),
        "ratio_high": round(max(ratios), 2),
        "wall_ms": round(statistics.median(times[name]) * 1e3, 3),
        "wall_ms_least": round(min(times[name]) * 1e3, 3),
        "rounds": len(ratios),
    }


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory(prefix="medshelf-bench-") as folder:
        rows = run(Path(folder))
    for one in rows:
        print("  ".join(f"{key} {value}" for key, value in one.items()))


if __name__ == "__main__":
    if "--fetch" in sys.argv:
        fetch_and_tell()
    else:
        main()
