"""Fetching from a server on loopback, side by side with curl and with the Python packages that a user would pick.

    python benchmarks/download.py

nginx where it is installed, else the standard library's server; the output says which. A big file of 1 GB: ours proves
it (SHA-256) and syncs it, curl only writes it. Small files of 4 to 8 kB over TLS, as every public host serves them:
ours proves, renames and notes 10,000 files, the others fetch a share of them, in a loop as their documentation has it,
and their time is taken per file. pooch proves them as well, the others do not. "Near" is loopback as it is, where
processor time is all; "far" is a relay that takes 10 ms each way, as a host on the same continent does. All take turns
within each round. Files are in the server's page cache. Memory is the peak of a process of its own.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.access.faults.real import Real, real_server

ROUNDS = 3
BIG_BYTES = 60 << 24
"""1.007 GB."""
N_SMALL = 10_000
N_NEAR = 400
"""Files that each of the others fetches in a round."""
N_FAR_OURS = 1000
N_FAR = 50
DELAY_S = 0.01
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
        files = small_files(real)
        rows += small(files, "near", real.tls_url, tmp, len(files), N_NEAR)
        with far(real.tls_url, DELAY_S) as root:
            rows += small(files, "far", root, tmp, N_FAR_OURS, N_FAR)
    return rows


# --- one big file ------------------------------------------------------------------------------


def big(real: Real, tmp: Path) -> list[dict[str, Any]]:
    draw = random.Random(0)
    data = draw.randbytes(1 << 24) * (BIG_BYTES >> 24)
    real.put("big.bin", data)
    sha256 = hashlib.sha256(data).hexdigest()
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


def small_files(real: Real) -> Small:
    draw = random.Random(1)
    files: list[tuple[str, int, str]] = []
    for n in range(N_SMALL):
        data = draw.randbytes(4000 + n % 4000)
        real.put(f"{n:05}.bin", data)
        files.append((f"{n:05}.bin", len(data), hashlib.sha256(data).hexdigest()))
    return files


def small(files: Small, where: str, root: str, tmp: Path, n_ours: int, n_peer: int) -> list[dict[str, Any]]:
    draw = random.Random(2)
    times: dict[str, list[float]] = {name: [] for name in (*PEERS, "medshelf")}
    peaks = []
    for n in range(ROUNDS):
        share = files[n * n_peer : (n + 1) * n_peer]
        for name in draw.sample(list(times), len(times)):
            out = tmp / f"{where}-{n}-{name}"  # nothing is removed in between: ext4 is slow to reuse inodes that were
            out.mkdir()
            gc.collect()
            if name == "medshelf":
                wall, peak = ours_apart(files[:n_ours], root, out)
                peaks.append(peak)
                times[name].append(wall / n_ours)
            else:
                begun = time.perf_counter()
                PEERS[name](share, root, out)
                times[name].append((time.perf_counter() - begun) / len(share))
            for one, _, sha256 in share:
                assert hashlib.sha256((out / one).read_bytes()).hexdigest() == sha256, f"{name}: {one} is wrong"
    memory_is_flat(f"{n_ours} files, {where}", peaks)
    return [row(f"small files, {where}: {name}", "medshelf", name, times) for name in PEERS]


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
    "pooch": with_pooch, "huggingface_hub": with_hugging_face, "wget (Python)": with_wget,
    "requests.get": with_requests, "requests.Session": with_a_session,
}  # fmt: skip


# --- a way that takes time ---------------------------------------------------------------------


@contextmanager
def far(root: str, delay_s: float) -> Iterator[str]:
    """Relay connections to a server, each byte a while later, from a process of its own; yield the address."""
    port = int(root.rpartition(":")[2])
    relay = subprocess.Popen([sys.executable, __file__, "--relay", str(port), str(delay_s)], stdout=subprocess.PIPE)
    try:
        assert relay.stdout is not None
        yield f"https://127.0.0.1:{int(relay.stdout.readline())}"
    finally:
        relay.kill()
        relay.communicate()


async def relay(port: int, delay_s: float) -> None:
    async def one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            data = b"begin"
            while data:
                at, data = await due.get()
                await asyncio.sleep(at - loop.time())
                writer.write(data)
            writer.close()

        delivering = asyncio.create_task(deliver())
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                due.put_nowait((loop.time() + delay_s, data))
        due.put_nowait((loop.time() + delay_s, b""))
        await delivering

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * delay_s)  # what the handshake of TCP takes
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(one_way(reader, back), one_way(there, writer), return_exceptions=True)

    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# --- ours, in a process of its own -------------------------------------------------------------


def ours_apart(files: Small, root: str, out: Path) -> tuple[float, int]:
    """Fetch with medshelf; return seconds and the peak of memory in megabytes, as that process measures them."""
    command = [sys.executable, __file__, "--fetch"]
    asked = json.dumps({"files": files, "root": root, "out": str(out)})
    told = subprocess.run(command, input=asked, stdout=subprocess.PIPE, text=True, check=True).stdout
    wall, peak = json.loads(told)
    return wall, peak


def fetch_and_tell() -> None:
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
    print(json.dumps([wall, peak_megabytes()]))


def peak_megabytes() -> int:
    """Return the peak of this program's own memory; getrusage would count what its parent had (Linux: proc(5))."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) >> 10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)


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
    elif "--relay" in sys.argv:
        asyncio.run(relay(int(sys.argv[2]), float(sys.argv[3])))
    else:
        main()
