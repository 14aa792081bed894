"""Zenodo: records of InvenioRDM.

A reference is the id of a record, ``10047292``, or one of its files, ``10047292/NAME``. An id or DOI of all versions
leads to the newest record; the listing is pinned to that.

Shapes: the answer that Zenodo gives to those who ask for plain JSON (``files`` a list, names in ``key`` or
``filename``, checksums with or without ``md5:``), and that of InvenioRDM itself (``files.entries`` by name).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking, bearer, steps
from medshelf.access.hosts._doi import doi_of
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import digest, entries, host_of, maybe, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound

NAME = "zenodo"
TERMS = ("zenodo",)
LIMITS = Limits(parallel=2, per_second=1.0)
"""60 requests a minute for guests (developers.zenodo.org, Rate limiting); two streams are what users found stable."""
_SITE = "https://zenodo.org"
_RECORD = re.compile(r"/(?:api/)?records?/(\d+)(?:/(?:files|preview)/([^/]+)(?:/content)?)?(?:/.*)?")
_DOI = re.compile(r"10\.5281/zenodo\.(\d+)")


def ref_of(url: str) -> str | None:
    """Return the id of a record, or of one of its files, for an address of Zenodo or a DOI of it."""
    doi = _DOI.fullmatch(doi_of(url) or "")
    if doi:
        return doi[1]
    parts = split(url)
    if parts is None or host_of(parts) != "zenodo.org":
        return None
    named = re.search(_DOI.pattern, unquote(parts.path), re.IGNORECASE)
    if named:
        return named[1]
    found = _RECORD.fullmatch(parts.path.rstrip("/"))
    if found is None:
        return None
    return f"{found[1]}/{unquote(found[2])}" if found[2] else found[1]


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of a record.

    Raises
    ------
    AccessNeeded
        The record is restricted or under embargo, and the token, if there is one, does not open it.
    NotFound, AccessError, Offline
        As in `Web.json`; NotFound also when the record has no file of that name.
    """
    number, _, wanted = ref.partition("/")
    with asking(f"zenodo:{ref}", "zenodo"):
        record = _record(number, web)
        listed = _entries(record)
        need = _need(record)
        if need and not listed:
            raise AccessNeeded(need.why, steps=need.steps)
        found = text(record, "id")
        names = [maybe_text(one, "filename") or text(one, "key") for one in listed]
        files = [
            HostFile(name, f"{found}/{raw}", size(one, "size"), _checksum(one))
            for name, raw, one in zip(placed(names), names, listed, strict=True)
        ]
        if wanted:
            files = [one for one in files if one.locator == f"{found}/{wanted}"]
            if not files:
                raise NotFound("the record has no such file", why=f"it has {', '.join(sorted(names)[:5])}")
    return Listing(
        f"zenodo:{found}" + (f"/{wanted}" if wanted else ""), tuple(files), maybe_text(record, "metadata", "version"),
        _licence(record),
    )  # fmt: skip


def _record(number: str, web: Web) -> Any:
    if not number.isdecimal():
        raise AccessError("this is no id of a record of Zenodo", why=number)
    record = web.json(f"{_SITE}/api/records/{number}", headers=bearer("zenodo"))
    if not isinstance(record, dict):
        raise AccessError("the answer of the host lacks what is needed", why="it is no record")
    return record


def _entries(record: Any) -> list[Any]:
    """Return what the record says of each file, whichever of the shapes it has."""
    files = maybe(record, "files")
    if files is None or (isinstance(files, dict) and not files.get("entries")):
        return []
    native = maybe(files, "entries")
    return list(native.values()) if isinstance(native, dict) else entries(record, "files")


def _checksum(one: Any) -> dict[str, str]:
    value = maybe_text(one, "checksum") or ""
    algorithm, colon, digits = value.rpartition(":")
    return digest(algorithm if colon else "md5", digits)


def _licence(record: Any) -> str | None:
    rights = maybe(record, "metadata", "rights")
    first = rights[0] if isinstance(rights, list) and rights else None
    return maybe_text(record, "metadata", "license", "id") or maybe_text(first, "id")


def _need(record: Any) -> Need | None:
    """Return what a record that is not open asks for."""
    right = maybe_text(record, "metadata", "access_right") or maybe_text(record, "access", "files")
    if right in ("open", "public", None):
        return None
    until = maybe_text(record, "metadata", "embargo_date") or maybe_text(record, "access", "embargo", "until")
    page = f"{_SITE}/records/{maybe_text(record, 'id') or ''}"
    if until:
        return Need("application", f"The record is under embargo until {until}.", (f"Wait, or ask on {page}",))
    return Need(
        "application", f"The files of the record are {right}.",
        (f"Ask for access on {page}", *steps("zenodo")),
    )  # fmt: skip


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served, with the token if there is one."""
    number, _, name = file.locator.partition("/")
    return Address(f"{_SITE}/api/records/{number}/files/{quote(name, safe='')}/content", bearer("zenodo"))


def needs(ref: str, web: Web) -> Need | None:
    """Return what the record asks for, when its files are not shown to us."""
    with asking(f"zenodo:{ref}", "zenodo"):
        try:
            record = _record(ref.partition("/")[0], web)
        except AccessError as error:
            if error.status in (401, 403):
                return Need("application", "The record is not public.", steps("zenodo"))
            raise
        return None if _entries(record) else _need(record)
