"""``make bench``: every benchmark, in one run: readers against other libraries, checks of names against limits.

A ratio is the other library's time over ours, paired inside each round, median over the rounds: above 1 we are
faster. Results are compared before anything is timed. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

BENCHMARKS = ("nifti", "dicom", "download")
GOALS = {
    "read ct.nii.gz": 2.0,
    "read labels.nii.gz": 8.0,
    "read 200 slices, uncompressed": 5.0,
    "scan 200 headers, as a scanner's": 5.0,
    "scan 200 headers, lean": 5.0,
    "fetch 1 GB, in memory": 0.9,
    "fetch 1 GB, on disk, prove, sync": 1.0,
    "fetch 1 GB, in memory, prove, sync": 1.0,
    "small files, near: pooch": 3.0,
    "small files, near: wget (Python)": 3.0,
    "small files, near: urlretrieve (MONAI)": 3.0,
    "small files, near: datahugger": 3.0,
    "small files, near: requests.get": 3.0,
    "small files, near: huggingface_hub.snapshot_download": 3.0,
    "small files, far: pooch": 3.0,
    "small files, far: wget (Python)": 3.0,
    "small files, far: urlretrieve (MONAI)": 3.0,
    "small files, far: datahugger": 3.0,
    "small files, far: requests.get": 3.0,
    "small files, far: requests.Session": 3.0,
    "small files, far: huggingface_hub.http_get": 3.0,
}
"""Least ratio of medshelf by work."""


def main() -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    seen: dict[str, float] = {}
    print(f"{'work':69} {'method':30} {'against':34} {'ratio':>6} {'range':>13} {'goal':>5} {'ms':>8}")
    for name in BENCHMARKS:
        with tempfile.TemporaryDirectory(prefix="medshelf-bench-") as folder:
            rows: list[dict[str, Any]] = import_module(f"benchmarks.{name}").run(Path(folder))
        for row in rows:
            ours = row["method"] == "medshelf"
            goal = GOALS.get(row["work"]) if ours else None
            if goal is not None:
                seen[row["work"]] = row["ratio"]
            spread = f"{row['ratio_low']:.1f}-{row['ratio_high']:.1f}"
            wanted = f"{goal:g}" if goal is not None else ""
            print(
                f"{row['work']:69} {row['method']:30} {row['baseline']:34} "
                f"{row['ratio']:6.2f} {spread:>13} {wanted:>5} {row['wall_ms']:8.1f}"
            )
    with tempfile.TemporaryDirectory(prefix="medshelf-bench-") as folder:
        over = import_module("benchmarks.check").report(Path(folder))
    missed = [work for work, goal in GOALS.items() if seen.get(work, 0.0) < goal] + over
    print(f"missed: {', '.join(missed)}" if missed else "every goal met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
