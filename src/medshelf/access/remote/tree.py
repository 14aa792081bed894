"""Several remote archives and files as one tree of names."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from medshelf.access import _read_index
from medshelf.access._far import refuse_afar
from medshelf.access._index import safe_name
from medshelf.access._kind import UNREAD_SUFFIXES, is_archive_name, kind_of
from medshelf.access._member import member_limit_bytes
from medshelf.access._source import Source
from medshelf.access._split import joined
from medshelf.access.archive import Archive
from medshelf.access.hosts import HostFile, Listing, host_named, split_ref
from medshelf.access.problem import Problems
from medshelf.access.remote.client import Client, Place
from medshelf.access.remote.source import RemoteSource
from medshelf.access.remote.traffic import Traffic
from medshelf.access.tree import Tree
from medshelf.access.web import Web
from medshelf.access.web.redact import shown
from medshelf.errors import AccessError, MedshelfError, NotFound
from medshelf.model.blob import Blob
from medshelf.model.natural import natural_sorted

_HEAD_BYTES = 512
_BUFFER_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a tree by name, and the client that reads them."""

    places: Mapping[str, Place]
    client: Client = field(repr=False, compare=False)

    def source(self, name: str) -> Source:
        """Return the bytes of a file; errors as in `Client.source`, or `NotFound`."""
        if name not in self.places:
            raise NotFound("no such file on the server", where=name)
        return self.client.source(self.places[name])


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A remote file as a blob; nothing is asked before its size is needed or it is opened."""

    files: Files = field(repr=False)
    member: str

    @property
    def name(self) -> str:
        place = self.files.places.get(self.member)
        return self.member if place is None else place.name

    @property
    def path(self) -> Path | None:
        return None

    @property
    def size_bytes(self) -> int:
        place = self.files.places.get(self.member)
        stated = None if place is None else place.file.size_bytes
        return self.files.source(self.member).size_bytes if stated is None else stated

    def open(self) -> BinaryIO:
        """Open for reading.

        Raises
        ------
        AccessError, NotFound, Offline
            As `open_remote`.
        """
        return io.BufferedReader(self.files.source(self.member).open(), _BUFFER_BYTES)

    def read_bytes(self) -> bytes:
        """Return all bytes; errors as for `open`."""
        source = self.files.source(self.member)
        if source.size_bytes > member_limit_bytes():
            raise AccessError(
                "the file is too large to be read into memory", where=self.name,
                why=f"{source.size_bytes} bytes, the limit is {member_limit_bytes()}", hint="Download it",
            )  # fmt: skip
        with source.open() as stream:
            return stream.read()

    def sibling(self, filename: str) -> RemoteFile:
        """Return the blob `filename` in the same folder; it need not exist until opened."""
        folder = posixpath.dirname(self.member)
        return RemoteFile(self.files, posixpath.normpath(posixpath.join(folder, filename)))


class RemoteTree(Tree):
    """A tree whose files lie on servers; see `medshelf.access.remote`."""

    def __init__(self, where: str, names: tuple[str, ...], files: Files, archives: dict[str, Archive],
                 problems: Problems) -> None:  # fmt: skip
        super().__init__(where, names, archives=archives, problems=problems.as_tuple())
        self._files = files

    @property
    def has_bytes(self) -> bool:
        return True

    @property
    def traffic(self) -> Traffic:
        """What reading has cost so far, in this process."""
        return self._files.client.traffic

    def is_one_file(self, name: str) -> bool:
        """Return whether an archive lies in one file, and is not split over several."""
        return isinstance(self._archives[name].source, RemoteSource)

    def validator(self, name: str) -> str | None:
        """Return the ETag or date that a file had when it was first looked at, for If-Range."""
        return self._files.client.source(self._files.places[name]).validator

    def blob(self, name: str) -> Blob:
        """Return the blob behind a name; errors as in `Tree.blob`."""
        if name not in self:
            return super().blob(name)  # which says what is near
        held = self._holder(name)
        return RemoteFile(self._files, name) if held is None else self._archives[held].blob(name[len(held) + 2 :])


def open_remote(what: str | Listing | Iterable[str | Listing], web: Web, *, password: str | None = None) -> RemoteTree:
    """List archives and files that lie on servers, by reading as little of them as possible.

    Parameters
    ----------
    what : str, Listing, or several
        Addresses, references of hosts (``zenodo:10047292``), or listings of theirs.
    web : Web
        The network.
    password : str, optional
        Opens encrypted members; by default ``$MEDSHELF_ARCHIVE_PASSWORD``.

    Returns
    -------
    RemoteTree
        All files, and the members of the archives among them. An archive that can't be listed is a problem of the
        tree, unless it is all that was asked for.

    Raises
    ------
    AccessError
        The server of the only archive does not answer ranges, or the archive is damaged or of a kind that can't be
        listed from afar; or a host refuses.
    NotFound, Offline, Unsupported
        As `Web.ask` and `split_ref`.
    """
    several = [what] if isinstance(what, str | Listing) else [*what]
    listings = [one if isinstance(one, Listing) else _listing(one, web) for one in several]
    problems = Problems(", ".join(_called(one) for one in listings))
    files = Files(_places(listings, problems), Client(web))
    archives: dict[str, Archive] = {}
    folders: dict[str, dict[str, str]] = {}
    for name in files.places:
        folder, filename = posixpath.split(name)
        folders.setdefault(folder, {})[filename] = name
    for name in files.places:
        if not is_archive_name(name):
            if name.lower().endswith(UNREAD_SUFFIXES):
                problems.add(name, "not looked into: this kind of archive is not read. Unpack it first")
            continue
        try:
            archives[name] = _listed(files, name, folders[posixpath.dirname(name)], password)
        except MedshelfError as error:
            if len(files.places) == 1:
                raise
            problems.add(name, error)
            continue
        for path, message in archives[name].problems:
            problems.add(name if path == archives[name].where else f"{name}!/{path}", message)
    inside = [f"{name}!/{member}" for name, archive in archives.items() for member in archive.names]
    names = natural_sorted([*files.places, *inside])
    return RemoteTree(problems.owner, tuple(names), files, archives, problems)


def _listing(text: str, web: Web) -> Listing:
    host, ref = split_ref(text)
    if host == "http":
        from medshelf.access.hosts.http import name_of

        return Listing(f"http:{ref}", (HostFile(name_of(ref), ref),))
    return host_named(host).list_files(ref, web)


def _called(listing: Listing) -> str:
    host, ref = split_ref(listing.ref)
    return shown(ref) if host == "http" else listing.ref


def _places(listings: list[Listing], problems: Problems) -> dict[str, Place]:
    places: dict[str, Place] = {}
    for listing in listings:
        host, ref = split_ref(listing.ref)
        for file in listing.files:
            name, fault = safe_name(file.name)
            if fault or name in places:
                problems.add(file.name, fault or "left out: another file has this name")
                continue
            called = shown(file.locator) if host == "http" else f"{listing.ref}/{name}"
            places[name] = Place(host, ref, file, f"{listing.ref} {file.locator}", called)
    return places


def _listed(files: Files, name: str, beside: Mapping[str, str], password: str | None) -> Archive:
    """Return an archive whose members have been listed; `beside` are the files of its folder."""
    where = files.places[name].name
    split = joined(posixpath.basename(name), beside, lambda part: files.source(beside[part]), where)
    source = split or files.source(name)
    kind = _kind(source)
    refuse_afar(kind, where)
    archive = Archive(where, password=password, source=source)
    if kind == "zip":
        _ = archive.names
    else:
        most = max(_read_index.LISTING_BYTES, source.size_bytes // _read_index.LISTING_SHARE)
        with files.client.traffic.at_most(most):
            _ = archive.names
    return archive


def _kind(source: Source) -> str:
    with source.open() as stream:
        return kind_of(stream.read(_HEAD_BYTES) or b"")
