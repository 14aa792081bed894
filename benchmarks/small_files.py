"""Small files of 4 to 8 kB over TLS, as every public host serves them; see `benchmarks.download`.

medshelf proves, renames and notes 10,000 files. The others fetch a share of them, in a loop as their documentation has
it, and their time is taken per file. pooch proves them as well, the others do not. "Near" is loopback as it is, where
processor time is all; that is told by itself, as it depends less on who else uses the machine. "Far" is a relay that
takes 10 ms each way, as a host on the same continent does.

* pooch: ``fetch`` with a registry of SHA-256. wget: ``download``. requests: ``get`` for each file, as in torch-em.
* urlretrieve: what MONAI's ``download_url`` calls, adding a progress bar and a move; MONAI itself needs torch.
* requests.Session and huggingface_hub.http_get keep their connection: no goal near, where both are mere loops.
* huggingface_hub.snapshot_download: a repository of a dataset as a user fetches it, listing and all, with its default
  of 8 workers, into a folder; against our module of that host, which proves the SHA-1 of each git blob. nginx serves
  the documented shapes from files, so this needs nginx.
* datahugger: ``download`` of a list of files, made as those of its services are; it asks most of its hosts at fixed
  addresses, so their listing is left out. Without a progress bar, which is its default and costs more.
* Not here: gdown and kagglehub, which know their own host only and fetch by requests.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.apart import Small, Taken, fetch_files, fetch_repository, memory_is_flat
from benchmarks.relay import far
from benchmarks.timing import Row, row
from tests.access.faults.real import Real

ROUNDS = 3
N_SMALL = 10_000
N_NEAR = 400
"""Files that each of the others fetches in a round."""
N_FAR_OURS = 1000
N_FAR = 50
N_HUB_NEAR = 1000
N_HUB_FAR = 300
DELAY_S = 0.01
COMMIT = "5f2b7c0d9e8a1b3c4d5e6f708192a3b4c5d6e7f8"


def rows(real: Real, tmp: Path) -> list[Row]:
    """Measure all; see `benchmarks.timing.row`."""
    files = small_files(real)
    found = small(files, "near", real.tls_url, tmp, len(files), N_NEAR)
    with far(real.tls_url, DELAY_S) as root:
        found += small(files, "far", root, tmp, N_FAR_OURS, N_FAR)
        if not real.name.startswith("nginx"):
            print("huggingface_hub.snapshot_download is not measured: there is no nginx")
            return found
        for where, at, n in (("near", real.tls_url, N_HUB_NEAR), ("far", root, N_HUB_FAR)):
            found += hub(real, files[:n], where, at, tmp)
    return found


def small_files(real: Real) -> Small:
    draw = random.Random(1)
    files: list[tuple[str, int, str]] = []
    for n in range(N_SMALL):
        data = draw.randbytes(4000 + n % 4000)
        real.put(f"{n:05}.bin", data)
        files.append((f"{n:05}.bin", len(data), hashlib.sha256(data).hexdigest()))
    return files


def small(files: Small, where: str, root: str, tmp: Path, n_ours: int, n_peer: int) -> list[Row]:
    ways: dict[str, Callable[[Path, int], Taken]] = {
        name: partial(measured, way, files, root, n_peer) for name, way in PEERS.items()
    }
    ways["medshelf"] = lambda out, n: fetch_files(files[:n_ours], root, out)
    counts = dict.fromkeys(PEERS, n_peer) | {"medshelf": n_ours}
    taken = in_turn(ways, tmp / where, lambda n: files[n * n_peer : (n + 1) * n_peer])
    memory_is_flat(f"{n_ours} files, {where}", taken["medshelf"])
    return summed(f"small files, {where}", taken, counts)


def measured(way: Callable[[Small, str, Path], None], files: Small, root: str, n_peer: int, out: Path, n: int) -> Taken:
    return stopped(lambda: way(files[n * n_peer : (n + 1) * n_peer], root, out))


def stopped(work: Callable[[], object]) -> Taken:
    begun, cpu = time.perf_counter(), time.process_time()
    work()
    return Taken(time.perf_counter() - begun, time.process_time() - cpu)


def in_turn(
    ways: dict[str, Callable[[Path, int], Taken]], tmp: Path, shares: Callable[[int], Small]
) -> dict[str, list[Taken]]:
    """Let each have its turn in each round, each with a folder of its own; see that the files are right."""
    draw = random.Random(2)
    taken: dict[str, list[Taken]] = {name: [] for name in ways}
    for n in range(ROUNDS):
        for name in draw.sample(list(ways), len(ways)):
            out = tmp / f"{n}-{name}"  # nothing is removed in between: ext4 is slow to reuse inodes that were
            out.mkdir(parents=True)
            gc.collect()
            os.sync()
            taken[name].append(ways[name](out, n))
            for one, _, sha256 in shares(n):
                assert hashlib.sha256((out / one).read_bytes()).hexdigest() == sha256, f"{name}: {one} is wrong"
    return taken


def summed(work: str, taken: dict[str, list[Taken]], counts: dict[str, int]) -> list[Row]:
    """Return a row for each peer, of time by file, and where all is near of processor time by file."""
    wall = {name: [one.wall_s / counts[name] for one in found] for name, found in taken.items()}
    cpu = {name: [one.cpu_s / counts[name] for one in found] for name, found in taken.items()}
    peers = [name for name in taken if name != "medshelf"]
    found = [row(f"{work}: {name}", "medshelf", name, wall) for name in peers]
    if "near" in work:
        found += [row(f"processor time, {work}: {name}", "medshelf", name, cpu) for name in peers]
    return found


# --- a loop over addresses ---------------------------------------------------------------------


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


def with_datahugger(files: Small, root: str, out: Path) -> None:
    from datahugger.base import DatasetDownloader

    wanted = files

    class Service(DatasetDownloader):
        files = [
            {"link": f"{root}/{name}", "name": name, "size": size, "hash": digest, "hash_type": "sha256"}
            for name, size, digest in wanted
        ]

    Service(root, progress=False, unzip=False).download(out)


def with_urlretrieve(files: Small, root: str, out: Path) -> None:
    from urllib.request import urlretrieve

    for name, _, _ in files:
        urlretrieve(f"{root}/{name}", out / name)


PEERS: dict[str, Callable[[Small, str, Path], None]] = {
    "pooch": with_pooch, "wget (Python)": with_wget, "urlretrieve (MONAI)": with_urlretrieve,
    "datahugger": with_datahugger, "requests.get": with_requests, "requests.Session": with_a_session,
    "huggingface_hub.http_get": with_hugging_face,
}  # fmt: skip


# --- a repository of Hugging Face --------------------------------------------------------------


def hub(real: Real, files: Small, where: str, root: str, tmp: Path) -> list[Row]:
    """Fetch a repository with huggingface_hub and with our module of that host."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    repo = f"bench/{where}"
    put_repository(real, repo, files)
    os.environ["HF_ENDPOINT"] = root

    def theirs(out: Path, n: int) -> Taken:
        return stopped(lambda: snapshot_download(repo, repo_type="dataset", local_dir=out, endpoint=root))

    name = "huggingface_hub.snapshot_download"
    ways = {name: theirs, "medshelf": lambda out, n: fetch_repository(repo, out)}
    try:
        taken = in_turn(ways, tmp / f"hub-{where}", lambda n: files)
    finally:
        del os.environ["HF_ENDPOINT"]
    memory_is_flat(f"a repository of {len(files)} files, {where}", taken["medshelf"])
    return summed(f"small files, {where}", taken, dict.fromkeys(ways, len(files)))


def put_repository(real: Real, repo: str, files: Small) -> None:
    """Put the answers of the hub's interface where nginx finds them: the commit, and the files of its tree in one page.

    Shapes: huggingface.co/docs/hub/api.
    """
    about = {"id": repo, "sha": COMMIT, "private": False, "gated": False, "cardData": {}, "siblings": [], "tags": []}
    real.put(f"api/datasets/{repo}/revision/main", json.dumps(about).encode())
    real.put(f"api/datasets/{repo}/tree/{COMMIT}", json.dumps(list(entries(real, files))).encode())


def entries(real: Real, files: Sequence[tuple[str, int, str]]) -> Iterable[dict[str, object]]:
    for name, size, _ in files:
        blob = hashlib.sha1(b"blob %d\0" % size + real.get(name), usedforsecurity=False).hexdigest()
        yield {"type": "file", "oid": blob, "size": size, "path": name}
