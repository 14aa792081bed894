"""A Zenodo on the loopback device that serves the record of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from medshelf.access.web import Web
from tests.access.hosts.zenodo import Host

FILES: Mapping[str, bytes] = {
    "readme.txt": b"words\n", "large.bin": bytes(range(256)) * 12_000, "table.csv": b"id,value\n1,2\n",
}  # fmt: skip


class Zenodo(Host):
    """Serves one record; `sizes` are told in place of the real ones."""

    FLAT = False

    def __init__(self, number: str, files: Mapping[str, bytes] = FILES, restricted: bool = False) -> None:
        self.NUMBER = self.REF = "0" if restricted else number  # type: ignore[misc]
        self.RESTRICTED = number if restricted else "1"  # type: ignore[misc]
        super().__init__(files, raw=True)
        self.sizes: dict[str, int] = {}

    def entry(self, number: str, name: str, data: bytes) -> dict[str, Any]:
        found = super().entry(number, name, data)
        return {**found, "size": self.sizes.get(name, found["size"])}

    @property
    def bytes_asked(self) -> list[str]:
        """Names of the files whose bytes were asked for."""
        paths = [ask.path for ask in self.asked if "/files/" in ask.path]
        return [path.rpartition("/files/")[2].removesuffix("/content") for path in paths]


@contextmanager
def serving(host: Zenodo, monkeypatch: Any) -> Iterator[Web]:
    """Serve a host to this process: to the client that is yielded, and to any that reads the environment."""
    with host.serve() as web:
        told = " ".join(f"{old}={new}" for old, new in web.rewrites.items())
        monkeypatch.setenv("MEDSHELF_REWRITES", told)
        yield web
