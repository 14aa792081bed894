"""One fault, one folder, one server: what was fetched is byte-exact or absent, whatever came."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from medshelf.access.download import Fetched, fetch_file
from medshelf.access.hosts import Address, HostFile, Limits, Need
from medshelf.access.web import Patience, Web
from medshelf.errors import MedshelfError
from tests.access.faults.server import FaultServer, Served

MEGABYTE = 1_000_000


def some_bytes(n_bytes: int, seed: int = 0) -> bytes:
    """Return bytes that look like nothing."""
    return random.Random(seed).randbytes(n_bytes)


def host(*, split_from: int | None = None, parallel: int = 4, need: Need | None = None) -> SimpleNamespace:
    """Return a host for addresses, as a module of one would be."""
    return SimpleNamespace(
        NAME="test", LIMITS=Limits(parallel, None, split_from),
        address=lambda file, ref, web: Address(file.locator), needs=lambda ref, web: need,
    )  # fmt: skip


@dataclass
class Setting:
    """What a case works with."""

    server: FaultServer
    folder: Path
    waits: list[float] = field(default_factory=list)

    def web(self, **patience: float) -> Web:
        """Return a client that waits in short, and notes how long it would have."""
        short = {"connect_s": 2.0, "stall_s": 0.5, "longest_wait_s": 1.0, "give_up_s": 20.0, "reach_s": 5.0}
        return Web(offline=False, patience=Patience(**{**short, **patience}), sleep=self._sleep)  # type: ignore[arg-type]

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        time.sleep(min(seconds, 0.002))

    def get(
        self,
        path: str,
        *,
        name: str | None = None,
        size: bool = True,
        checksums: Mapping[str, str] | None = None,
        by: SimpleNamespace | None = None,
        web: Web | None = None,
        **how: object,
    ) -> Fetched | MedshelfError:
        """Fetch a file of the server and see that it is whole or absent; `checksums` None: the right SHA-256."""
        served = self.server.files[path]
        if checksums is None:
            checksums = {"sha256": served.sha256}
        named = name or path.rpartition("/")[2]
        file = HostFile(named, self.server.url(path), len(served.data) if size else None, checksums)
        target = self.folder / named
        before = target.read_bytes() if target.exists() else None
        try:
            got = fetch_file(by or host(), file, "it", target, web or self.web(), **how)  # type: ignore[arg-type]
        except MedshelfError as error:
            assert (target.read_bytes() if target.exists() else None) == before, "an error left a file behind"
            assert str(error)
            return error
        assert target.read_bytes() == served.data, "the file is not what the server holds"
        assert got.sha256 == served.sha256
        assert not self.left(named), f"left behind: {self.left(named)}"
        return got

    def left(self, name: str) -> list[str]:
        """Return the files of ours beside a file."""
        names = sorted(one.name for one in self.folder.iterdir())
        return [one for one in names if one.startswith(f"{name}.") or "medshelf" in one]

    def starts(self, served: Served) -> list[int]:
        """Return where each request began."""
        return [int(sent.get("range", "bytes=0-")[6:].split("-")[0]) for _, sent in served.asked]
