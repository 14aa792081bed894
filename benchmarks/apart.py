"""medshelf's downloader in a process of its own, which measures its own time and memory.

The time is that of the call: what a user waits for once more, the start of Python, is not in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_MEGABYTES = 150
Small = Sequence[tuple[str, int, str]]
"""Name, size and SHA-256 of each file."""


@dataclass(frozen=True)
class Taken:
    """What a fetch took."""

    wall_s: float
    cpu_s: float
    peak_megabytes: int = 0


def fetch_files(files: Small, root: str, out: Path) -> Taken:
    """Fetch files from addresses below `root`."""
    return _asked({"files": list(files), "root": root, "out": str(out)})


def fetch_repository(repo: str, out: Path) -> Taken:
    """List a repository of datasets at the place that ``HF_ENDPOINT`` names, and fetch its files."""
    return _asked({"repo": repo, "out": str(out)})


def memory_is_flat(what: str, taken: Sequence[Taken]) -> None:
    """Print the peak of memory and see that it is below the limit."""
    peak = max(one.peak_megabytes for one in taken)
    print(f"memory of medshelf, {what}: {peak} MB (goal: under {MOST_MEGABYTES})")
    assert peak < MOST_MEGABYTES


def _asked(what: dict[str, Any]) -> Taken:
    told = subprocess.run(
        [sys.executable, __file__], input=json.dumps(what), stdout=subprocess.PIPE, text=True, check=True
    )
    return Taken(*json.loads(told.stdout))


def _answer() -> None:
    from medshelf.access.download import Source, Wanted, fetch_all
    from medshelf.access.hosts import HostFile, http, huggingface
    from medshelf.access.web import Web

    asked = json.load(sys.stdin)
    begun, cpu = time.perf_counter(), time.process_time()
    web = Web(offline=False)
    if "repo" in asked:
        files = huggingface.list_files(asked["repo"], web).files
        wanted = [Wanted(Source(huggingface, one, asked["repo"])) for one in files]
    else:
        wanted = [
            Wanted(Source(http, HostFile(name, f"{asked['root']}/{name}", size, {"sha256": digest}), name))
            for name, size, digest in asked["files"]
        ]
    report = fetch_all(wanted, Path(asked["out"]), web)
    taken = time.perf_counter() - begun, time.process_time() - cpu
    if report.failures:
        raise report.failures[0].error
    print(json.dumps([*taken, _peak_megabytes()]))


def _peak_megabytes() -> int:
    """Return the peak of this program's own memory; getrusage would count what its parent had (Linux: proc(5))."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) >> 10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)


if __name__ == "__main__":
    _answer()
