"""The records of a download: where a file may be had, what came, what did not, and how well it was proved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from medshelf.access.hosts import Address, HostFile, Limits, Need
from medshelf.access.web import Web
from medshelf.access.web.redact import shown
from medshelf.errors import MedshelfError

if TYPE_CHECKING:
    from medshelf.access.archive import Archive

STRENGTHS = ("sha512", "sha256", "sha1", "git-blob", "md5", "size", "structural", "none")
"""How a file was proved to be what the host promised, best first. ``size``: as many bytes as the host stated;
``structural``: the checksums inside a zip, or a gzip read to its end; ``none``: the transfer ended without an error."""

Existing = Literal["verify", "trust", "replace"]
"""What is done with a file that is here: hash it again; believe the lock file and the size; fetch it anew."""

Progress = Callable[[int, int | None, str], None]
"""Called with bytes there, bytes in all (None when unknown) and the file's name; one call at a time."""


class Host(Protocol):
    """The part of the contract of hosts (`medshelf.access.hosts`) that a download needs; a module fits."""

    NAME: str
    LIMITS: Limits

    def address(self, file: HostFile, ref: str, web: Web) -> Address: ...
    def needs(self, ref: str, web: Web) -> Need | None: ...


@dataclass(frozen=True, slots=True)
class Source:
    """One place at which a file is had."""

    host: Host
    file: HostFile
    ref: str
    """The part of the reference after the colon, as the functions of the host take it."""

    @property
    def shown_ref(self) -> str:
        """The whole reference, without secrets: ``zenodo:10047292``."""
        return f"{self.host.NAME}:{without_secrets(self.ref)}"

    @property
    def gate(self) -> str:
        """Whose limits hold: those of the host's module, for each server that a locator names."""
        server = self.file.locator.partition("://")[2].partition("/")[0]
        return f"{self.host.NAME} {server.rpartition('@')[2]}"


@dataclass(frozen=True, slots=True)
class Members:
    """Some members of an archive, to be had without the others."""

    archive: Archive
    """Where it lies, listed; its index says where the members are."""
    names: tuple[str, ...]
    folder: str
    """Where they go, below the folder of the archive; ``""`` for that itself."""
    validator: str | None = None
    """ETag or date that the archive had when it was listed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file and the places at which it is had; mirrors are asked in order, where their checksums are the same."""

    source: Source
    mirrors: tuple[Source, ...] = ()
    members: Members | None = None
    """What of an archive is wanted, where it is not the whole."""

    @property
    def name(self) -> str:
        """Where it goes below the folder."""
        return self.source.file.name


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is here, whole."""

    name: str
    path: Path
    size_bytes: int
    sha256: str
    ref: str
    """Which source served it."""
    strength: str
    """One of `STRENGTHS`."""
    when: str
    """UTC, ISO 8601: when it was proved."""
    received_bytes: int = 0
    """Bytes that came over the network for it in this call; 0 when it was here."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that is not here, and why."""

    name: str
    ref: str
    error: MedshelfError


@dataclass(frozen=True, slots=True)
class Report:
    """What became of many files."""

    fetched: tuple[Fetched, ...]
    failures: tuple[Failure, ...]


def without_secrets(text: str) -> str:
    """Return a locator or reference as it may be stored: of an address, what `shown` leaves."""
    return shown(text) if "://" in text else text
