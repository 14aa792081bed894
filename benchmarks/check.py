"""`medshelf check` of a million names: time and memory of the whole process, against fixed limits.

    python benchmarks/check.py

Five shapes of release, as `find` lists them (folders and files in no order), each whole and with faults: one
file in two hundred is missing and one is renamed, which gives about 10,000 findings. Each runs the command in
a process of its own; the names of the shapes fit records of the shelf, so that nothing is made for the purpose.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from medshelf.catalogue.shelf import load

N_NAMES = 1_000_000
LIMIT_S = 8.0
"""Processor time, start of the program included."""
LIMIT_MIB = 1024
"""Resident memory at its highest."""


def channels(n: int) -> Iterator[str]:
    """Yield the names of cases of four channels and a mask."""
    for case in range(n // 5):
        name = f"BraTS-MEN-{case // 4:05d}-{case % 4:03d}"
        for kind in ("t1n", "t1c", "t2w", "t2f", "seg"):
            yield f"ASNR-MICCAI-BraTS2023-MEN-Challenge-TrainingData/{name}/{name}-{kind}.nii.gz"


def slices(n: int) -> Iterator[str]:
    """Yield the names of DICOM series of 200 slices."""
    for series in range(n // 200):
        study = f"LIDC-IDRI/LIDC-IDRI-{series // 5:04d}/01-01-2000-NA-NA-{30000 + series // 2:05d}"
        for number in range(1, 201):
            yield f"{study}/{3000000 + series}.000000-NA-{series:05d}/1-{number:03d}.dcm"


def pairs(n: int) -> Iterator[str]:
    """Yield the names of pictures in one folder and of their masks in another."""
    for number in range(n // 2):
        yield f"ISIC-2017_Training_Data/ISIC_{number:07d}.jpg"
        yield f"ISIC-2017_Training_Part1_GroundTruth/ISIC_{number:07d}_segmentation.png"


def structures(n: int) -> Iterator[str]:
    """Yield the names of cases of an image and a mask for each structure that the record names."""
    layout = load("totalsegmentator-v2").layout
    assert layout is not None
    names = list(layout.labels["structures"])
    for case in range(n // (len(names) + 1)):
        yield f"Totalsegmentator_dataset_v201/s{case:04d}/ct.nii.gz"
        for name in names:
            yield f"Totalsegmentator_dataset_v201/s{case:04d}/segmentations/{name}.nii.gz"


def strangers(n: int) -> Iterator[str]:
    """Yield the names of cases of which most files are none that the record knows."""
    for case in range(n // 100):
        yield f"Totalsegmentator_dataset_v201/s{case:04d}/ct.nii.gz"
        for number in range(99):
            yield f"Totalsegmentator_dataset_v201/s{case:04d}/segmentations/structure_{number}.nii.gz"


SHAPES: dict[str, tuple[str, Callable[[int], Iterator[str]]]] = {
    "channels and a mask": ("brats-2023-men", channels),
    "DICOM series": ("lidc-idri", slices),
    "pairs in two folders": ("isic-2017", pairs),
    "a mask for each structure": ("totalsegmentator-v2", structures),
    "files that nobody knows": ("totalsegmentator-v2", strangers),
}


def as_found(names: Iterator[str]) -> list[str]:
    """Return names folder by folder, folders and files in no order."""
    rng = random.Random(0)
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    ordered = list(folders)
    rng.shuffle(ordered)
    for folder in ordered:
        rng.shuffle(folders[folder])
    return [name for folder in ordered for name in folders[folder]]


def with_faults(names: list[str]) -> list[str]:
    """Leave out one name of 200, and rename one of 200 as a browser does with a second copy."""
    rng = random.Random(0)
    found: list[str] = []
    for name in names:
        chance = rng.random()
        if chance >= 0.005:
            stem, _, ending = name.rpartition(".")
            found.append(name if chance >= 0.01 else f"{stem} (1).{ending}")
    return found


def write(shape: str, whole: Path, faulty: Path) -> None:
    """Write the two listings of a shape."""
    names = as_found(SHAPES[shape][1](N_NAMES))
    whole.write_text("\n".join(names))
    faulty.write_text("\n".join(with_faults(names)))


def run(tmp: Path) -> list[dict[str, Any]]:
    """Measure all shapes and return two rows for each: ``work``, ``cpu_s``, ``wall_s`` and ``peak_mib``.

    Lists are written by a process of their own: what a process is started from counts in its highest memory.
    """
    rows: list[dict[str, Any]] = []
    for shape, (dataset, _) in SHAPES.items():
        listings = {state: tmp / f"{state}.txt" for state in ("whole", "faulty")}
        writer = multiprocessing.get_context("spawn").Process(target=write, args=(shape, *listings.values()))
        writer.start()
        writer.join()
        for state, listing in listings.items():
            rows.append({"work": f"check {shape}, {state}", **measured(dataset, listing)})
    return rows


def measured(dataset: str, listing: Path) -> dict[str, float]:
    """Run the command and return its time and highest memory (those of the one child process)."""
    command = [sys.executable, "-m", "medshelf", "check", dataset, str(listing), "--json"]
    started = time.perf_counter()
    with (listing.parent / "report.json").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # ru_maxrss is bytes there, KiB elsewhere
    return {
        "cpu_s": used.ru_utime + used.ru_stime,
        "wall_s": time.perf_counter() - started,
        "peak_mib": used.ru_maxrss / unit,
    }


def report(tmp: Path) -> list[str]:
    """Print all, with the limits, and return the work that is over one."""
    rows = run(tmp)
    print(f"{f'{N_NAMES} names':44} {'cpu s':>6} {'limit':>6} {'wall s':>7} {'MiB':>6} {'limit':>6}")
    for row in rows:
        print(
            f"{row['work']:44} {row['cpu_s']:6.2f} {LIMIT_S:6g} {row['wall_s']:7.2f} "
            f"{row['peak_mib']:6.0f} {LIMIT_MIB:6}"
        )
    return [row["work"] for row in rows if row["cpu_s"] > LIMIT_S or row["peak_mib"] > LIMIT_MIB]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="medshelf-bench-") as folder:
        over = report(Path(folder))
    print(f"over a limit: {', '.join(over)}" if over else "all within the limits")
    sys.exit(1 if over else 0)
