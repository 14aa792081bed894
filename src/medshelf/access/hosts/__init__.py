"""Hosts: who serves the bytes of datasets. One module a host, all behind one contract.

The contract, exercised for every host by ``tests/conformance/test_hosts.py``:

``NAME``
    short name, the part of a reference before the colon: ``zenodo:10047292``.
``TERMS``
    terms of vocabulary/host.toml that it serves.
``LIMITS``
    what the host bears, see `Limits`.
``ref_of(url)``
    the part of a reference after the colon for an address of this host, or None. No network.
``list_files(ref, web)``
    a `Listing` of what the reference holds; the only place that reads the host's JSON or XML.
``address(file, ref, web)``
    the `Address` at which the file is served now. Hosts that sign addresses sign anew at each call.
``needs(ref, web)``
    None when the files can be fetched with the credentials that are there, else a `Need` that says what a person has to
    do. It tells from what the host answers, not from a guess, and costs at most one small request.
``open_at(file, ref, start, web)``
    optional, for hosts that do not speak HTTP: a stream from a byte on, which is also a context manager. It raises
    `medshelf.access.web.Broken` for what may pass; so does its ``read``, or an `OSError`.

Modules whose names begin with an underscore are what hosts share: safe names, answers taken apart, errors.

All raise `AccessError`, `AccessNeeded`, `Offline` or `NotFound`, naming the reference, and nothing else, whatever the
host answers; `MissingExtra` comes where a package is absent that reads the host's index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType

from medshelf.errors import NotFound, Unsupported

HOSTS = (
    "zenodo", "figshare", "dryad", "mendeley", "osf", "dataverse", "girder", "nextcloud",
    "huggingface", "github", "google_drive", "kaggle", "synapse", "physionet", "grand_challenge", "dropbox", "box",
    "onedrive", "idc", "tcia", "openneuro", "isic", "s3", "gcs", "manual", "ftp", "doi", "http",
)  # fmt: skip
"""Modules of this package, in the order in which they are asked whether an address is theirs; ``http`` takes what is
left, ``doi`` the DOIs that none of the others knows as its own, and ``manual`` the hosts that serve no program."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a host bears."""

    parallel: int = 4
    """Streams at a time."""
    per_second: float | None = None
    """Requests a second, where the host asks for so few."""
    split_from_bytes: int | None = None
    """Files of this size and more are fetched in several ranges at a time; None where a stream is not limited."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What an archive has to hold, where a host says that of one for which it states neither size nor checksum."""

    files: int | None = None
    """How many files, without the list of their checksums."""
    sums: str | None = None
    """The member that lists them: a table with the columns ``Filename`` and ``MD5Hash``."""


@dataclass(frozen=True, slots=True)
class HostFile:
    """One file that a host serves."""

    name: str
    """Where it goes below the dataset's folder: relative, with forward slashes."""
    locator: str
    """What its host needs to serve it: an address, or an id."""
    size_bytes: int | None = None
    """Size as the host states it; None when it does not."""
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Hexadecimal digest by algorithm: a name of `hashlib`, or ``git-blob`` (SHA-1 of a git blob)."""
    meta: Mapping[str, str] = field(default_factory=dict)
    """Facts of the host that a caller may want: split, series, licence of this file."""
    inside: Inside | None = None
    """What it has to hold, when it is an archive and the host says so."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a reference holds: one file at least.

    Raises
    ------
    NotFound
        There is none. Whoever fetched "all" of it would have nothing, and not know.
    """

    ref: str
    """The reference, pinned: ``zenodo:10047292``, ``huggingface:owner/name@COMMIT``."""
    files: tuple[HostFile, ...]
    version: str | None = None
    """What the host calls this version."""
    licence: str | None = None
    """Licence as the host writes it."""

    def __post_init__(self) -> None:
        if not self.files:
            raise NotFound("there are no files", where=self.ref, hint="Open its page: they may lie at another place")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a file is served now."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What must be sent along; credentials among them go to this host alone."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a person has to do before a host serves something."""

    kind: str
    """A term of vocabulary/access.toml: account, click-through, data-use-agreement, application, fee."""
    why: str
    """One sentence."""
    steps: tuple[str, ...] = ()
    """What to do, in order, with addresses."""


def host_named(name: str) -> ModuleType:
    """Return the module of a host.

    Raises
    ------
    Unsupported
        No host has this name.
    """
    if name not in HOSTS:
        raise Unsupported(f"no host is called {name!r}", hint=f"Hosts: {', '.join(HOSTS)}")
    return import_module(f"medshelf.access.hosts.{name}")


def split_ref(ref: str) -> tuple[str, str]:
    """Return the host's name and the rest of a reference or address.

    Raises
    ------
    Unsupported
        It is neither.
    """
    name, colon, rest = ref.partition(":")
    if colon and name in HOSTS and not rest.startswith("//"):
        return name, rest
    for host in HOSTS:
        found = import_module(f"medshelf.access.hosts.{host}").ref_of(ref)
        if found is not None:
            return host, found
    raise Unsupported(
        "this is neither an address nor a reference of a host", where=ref,
        hint=f"Such as zenodo:10047292. Hosts: {', '.join(HOSTS)}",
    )  # fmt: skip
