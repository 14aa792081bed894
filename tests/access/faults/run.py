"""``make chaos``: every fault, and many kills of downloads and of unpacking, as a table.

``python -m tests.access.faults.run --kills 240``.

Exit code 1 when a final file was neither byte-exact nor absent with an error.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.access.faults import kills, unpack_kills
from tests.access.faults.cases import CASES
from tests.access.faults.disk import DISK_CASES, small_disk
from tests.access.faults.real import real_server
from tests.access.faults.real_cases import REAL_CASES
from tests.access.faults.server import running
from tests.access.faults.setting import Setting


class Table:
    """Runs cases, prints a line for each."""

    def __init__(self) -> None:
        self.n_bad = 0
        print(f"{'fault':66} {'server':14} {'s':>5}  final file")

    def row(self, fault: str, server: str, run: Callable[[Path], str]) -> None:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="medshelf-chaos-") as folder:
            try:
                remark = run(Path(folder))
            except Exception as error:
                self.n_bad += 1
                remark = f"WRONG: {type(error).__name__}: {error}"
                traceback.print_exc()
        print(f"{fault:66} {server:14} {time.monotonic() - begun:5.1f}  {remark}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=240,
                        help="of downloads, over all kinds; and half as many of unpacking")  # fmt: skip
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    table = Table()
    with running() as server:
        for case in CASES:
            table.row(case.__doc__ or "", "http.server", lambda folder, case=case: case(Setting(server, folder)))
            server.files.clear()
    with tempfile.TemporaryDirectory(prefix="medshelf-chaos-") as folder, real_server(Path(folder) / "s") as real:
        for case in REAL_CASES:
            table.row(case.__doc__ or "", real.name, lambda folder, case=case: case(real, folder))
    for case in DISK_CASES:
        fault = f"{case.__doc__} ({disk_name()})"
        table.row(fault, "http.server", lambda folder, case=case: on_small_disk(case, folder))
    for case in (kills.two_processes, kills.ctrl_c, kills.stale_owner):
        table.row(case.__doc__ or "", "http.server", case)
    each = -(-args.kills // len(kills.KINDS))
    for n, kind in enumerate(kills.KINDS):
        table.row(kind, "http.server", lambda folder, kind=kind, n=n: killed(kind, folder, each, args.seed + n))
    each = -(-args.kills // 2 // len(unpack_kills.KINDS))
    for n, kind in enumerate(unpack_kills.KINDS):
        row = partial(killed_unpacking, kind, n_kills=each, seed=args.seed + 100 + n)
        table.row(f"kill -9 while unpacking: {kind}, 300 files", "none", row)
    print(f"seed {args.seed}; {'every final file is exact or absent' if not table.n_bad else f'{table.n_bad} WRONG'}")
    return 1 if table.n_bad else 0


def killed(kind: str, folder: Path, n_kills: int, seed: int) -> str:
    seen = kills.run(kind, folder, n_kills, seed)
    return (
        f"{seen.kills} kills: exact or absent after each; {seen.resumed} continued, {seen.completed} completed, "
        f"{seen.busy} told of another"
    )


def killed_unpacking(kind: str, folder: Path, n_kills: int, seed: int) -> str:
    seen = unpack_kills.run(kind, folder, n_kills, seed)
    return (
        f"{seen.kills} kills: whole files only after each, {seen.resumed} continued and kept {seen.kept} files, "
        f"{seen.early} before the first or after the last"
    )


def disk_name() -> str:
    with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder)) as disk:
        return disk.name


def on_small_disk(case: Callable[..., str], folder: Path) -> str:
    with small_disk(folder) as disk, running() as server:
        if case.__name__ == "is_too_small" and disk.name != "tmpfs":
            return "not tried: the size of a disk can't be feigned here"
        return case(server, disk)


if __name__ == "__main__":
    sys.exit(main())
