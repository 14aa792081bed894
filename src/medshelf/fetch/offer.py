"""What there is to fetch: the references of a record, and the files that their hosts list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal, cast
from urllib.parse import unquote, urlsplit

from medshelf.access.download import Failure, Source, Wanted
from medshelf.access.download.many import same_bytes
from medshelf.access.download.records import without_secrets
from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need, host_named, split_ref
from medshelf.access.refs import Reference, references_of
from medshelf.access.web import Broken, Web
from medshelf.access.web.redact import shown
from medshelf.errors import AccessNeeded, MedshelfError, NotFound, Offline
from medshelf.fetch.once import AskedOnce
from medshelf.fetch.planned import Asked
from medshelf.model.dataset import Record, RemoteFile

FIELDS = ("access.files", "access.landing", "homepage", "citations")
"""Where a record names references, best first: files are chosen by hand, a cited DOI may be about something else."""
_FILE_NAME = re.compile(r"[\w.+\-][\w.+\- ]*\.\w{1,8}")
"""What is the name of a file; records also describe files in words."""


@dataclass(slots=True)
class Unasked:
    """Stands in for a host that could not be asked: what is here can be proved, and the rest fails with the reason.

    The locator of its files is the address that the record has."""

    NAME: str
    error: MedshelfError
    LIMITS: Limits = field(default_factory=Limits)

    def address(self, file: HostFile, ref: str, web: Web) -> Address:
        raise self.error

    def needs(self, ref: str, web: Web) -> Need | None:
        return None


@dataclass(slots=True)
class Offer:
    """What hosts offer."""

    asked: list[Asked] = field(default_factory=list)
    wanted: list[tuple[Wanted, str | None]] = field(default_factory=list)
    """Files, each with its address where the record has one."""
    needs: list[Need] = field(default_factory=list)
    problems: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def choose(record: Record, source: str | None) -> tuple[tuple[Reference, ...], tuple[Reference, ...]]:
    """Return the references to take, and all others.

    Without `source` these are the origins that the record names in the best of `FIELDS`; a mirror is never taken
    unless it is chosen.

    Raises
    ------
    Unsupported
        `source` is no reference.
    """
    known = references_of(record)
    if source is not None:
        host, rest = split_ref(source)
        ref = f"{host}:{rest}"
        named = tuple(one for one in known if one.ref == ref)
        chosen = named or (Reference(ref, source, "given", (), "mirror"),)
    else:
        origins = [one for one in known if one.role == "origin"]
        best = min((one.field for one in origins), key=FIELDS.index, default=None)
        chosen = tuple(one for one in origins if one.field == best)
    return chosen, tuple(one for one in known if one not in chosen)


def offer_of(record: Record, chosen: Sequence[Reference], mirrors: Sequence[Reference], web: Web) -> Offer:
    """Ask the hosts of some references what they hold.

    What can't be asked is a problem and no error: what the record says of its files is taken instead.
    """
    web = cast(Web, AskedOnce(web))
    offer = Offer()
    told = {file.url: file for file in record.access.files if file.url}
    down: dict[str, MedshelfError] = {}
    for reference in chosen:
        file = None if reference.field == "given" else told.get(reference.url)
        _ask(offer, reference, file, web, down)
    _name_apart(offer)
    if any(one.source.file.checksums for one, _ in offer.wanted) and not web.offline:
        _add_mirrors(offer, mirrors, web)
    return offer


def _ask(
    offer: Offer, reference: Reference, told: RemoteFile | None, web: Web, down: dict[str, MedshelfError]
) -> None:
    host = host_named(reference.host)
    rest = reference.ref.partition(":")[2]
    server = f"{reference.host} {urlsplit(reference.url).hostname}"
    role: Literal["origin", "mirror", "given"] = "given" if reference.field == "given" else reference.role
    asked = Asked(f"{reference.host}:{without_secrets(rest)}", role, reference.field, "listed")
    try:
        if web.offline:
            hint = "Leave out --offline, and unset MEDSHELF_OFFLINE"
            raise Offline("the network is needed", where=asked.ref, hint=hint)
        if server in down:
            raise down[server]
        listing = host.list_files(rest, web)
        need = host.needs(rest, web)
    except AccessNeeded as error:
        need = Need("account", f"{error.what[:1].upper()}{error.what[1:]} ({asked.ref}).", error.steps)
        offer.needs.append(need)
        offer.asked.append(replace(asked, state="refused", why=error.why or error.what))
        _take_told(offer, asked, told, rest, error)
    except MedshelfError as error:
        if isinstance(error, Broken):
            down[server] = error
        state: Literal["not asked", "failed"] = "not asked" if isinstance(error, Offline) else "failed"
        offer.asked.append(replace(asked, state=state, why=error.what))
        if not isinstance(error, Offline):
            offer.problems.append(Failure(told.name if told else asked.ref, asked.ref, error))
        _take_told(offer, asked, told, rest, error)
    else:
        offer.needs += [need] if need is not None else []
        offer.asked.append(replace(asked, version=listing.version, licence=listing.licence))
        _take_listed(offer, host, listing, told, rest)


def _take_told(offer: Offer, asked: Asked, told: RemoteFile | None, rest: str, error: MedshelfError) -> None:
    """Take what the record says of a file whose host was not to be asked."""
    if told is None or not (_fit(told) or told.sha256 or told.md5 or told.size_bytes):
        return
    name = told.name if _fit(told) else _tail(told)
    file = HostFile(_in_folder(name, told), told.url or "", told.size_bytes, _checksums(told))
    host = Unasked(asked.ref.partition(":")[0], error)
    offer.wanted.append((Wanted(Source(host, file, rest)), told.url))


def _take_listed(offer: Offer, host: Any, listing: Listing, told: RemoteFile | None, rest: str) -> None:
    files = [file for file in listing.files if told is None or _belongs(file.name, told)]
    if listing.files and not files and told is not None:
        error = NotFound("the host has none of the files that belong to the dataset", why=", ".join(told.only))
        offer.problems.append(Failure(told.name, offer.asked[-1].ref, error))
    for file in files:
        if told is not None:
            file = _merged(offer, file, told) if len(files) == 1 else file
            file = replace(file, name=_in_folder(file.name, told))
        url = told.url if told is not None and len(listing.files) == 1 else None
        offer.wanted.append((Wanted(Source(host, file, rest)), url))


def _belongs(name: str, told: RemoteFile) -> bool:
    return not told.only or any(fnmatchcase(name, pattern) for pattern in told.only)


def _in_folder(name: str, told: RemoteFile) -> str:
    return f"{told.folder}/{name}" if told.folder else name


def _merged(offer: Offer, file: HostFile, told: RemoteFile) -> HostFile:
    """Return what the host says of a file, and what the record adds."""
    ours = _checksums(told)
    for name, value in ours.items():
        if file.checksums.get(name, value).lower() != value:
            offer.notes.append(
                f"{told.name}: the host has another file than the record describes, it was replaced since "
                f"({name} {file.checksums[name]}, the record says {value})"
            )
            ours = {}
            break
    if told.size_bytes is not None and file.size_bytes not in (None, told.size_bytes):
        offer.notes.append(
            f"{told.name}: replaced since: the host says {file.size_bytes:,} bytes, the record {told.size_bytes:,}"
        )
        ours = {}
    size = told.size_bytes if file.size_bytes is None else file.size_bytes
    name = told.name if _fit(told) else file.name
    return replace(file, name=name, size_bytes=size, checksums={**ours, **file.checksums})


def _name_apart(offer: Offer) -> None:
    """Give files of different references that have the same name a folder each, after the first."""
    seen: set[str] = set()
    for n, (wanted, url) in enumerate(offer.wanted):
        source = wanted.source
        if source.file.name in seen:
            folder = re.sub(r"[^\w.\-]+", "-", source.ref.partition("/")[0].rpartition("//")[2]) or "other"
            name = f"{folder}/{source.file.name}"
            while name in seen:
                folder += "-"
                name = f"{folder}/{source.file.name}"
            offer.wanted[n] = (Wanted(replace(source, file=replace(source.file, name=name))), url)
        seen.add(offer.wanted[n][0].name)


def _add_mirrors(offer: Offer, mirrors: Sequence[Reference], web: Web) -> None:
    """Put files of mirrors beside those that are known to be the same bytes."""
    sources = [source for mirror in mirrors if mirror.role == "mirror" for source in _listed(mirror, web)]
    for n, (wanted, url) in enumerate(offer.wanted):
        same = tuple(one for one in sources if same_bytes(wanted.source, one))
        offer.wanted[n] = (replace(wanted, mirrors=same), url)


def _listed(mirror: Reference, web: Web) -> Iterator[Source]:
    host: Any = host_named(mirror.host)
    rest = mirror.ref.partition(":")[2]
    try:
        files = host.list_files(rest, web).files
    except MedshelfError:  # a mirror that does not answer is none
        return
    yield from (Source(host, file, rest) for file in files)


def _fit(told: RemoteFile) -> bool:
    return _FILE_NAME.fullmatch(told.name) is not None


def _tail(told: RemoteFile) -> str:
    """Return the name at the end of an address when it is that of a file, else the words of the record as a name."""
    tail = unquote(urlsplit(shown(told.url or "")).path.rstrip("/").rpartition("/")[2])
    return tail if _FILE_NAME.fullmatch(tail) else re.sub(r"[^\w.]+", "-", told.name).strip("-.") or "download"


def _checksums(told: RemoteFile) -> Mapping[str, str]:
    found = {"sha256": told.sha256, "md5": told.md5}
    return {name: value.lower() for name, value in found.items() if value}
