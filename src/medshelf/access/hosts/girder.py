"""Girder: collections, folders, items and files of any site that runs it, such as the Human Heart Project of CREATIS.

A reference is the root of the site, a kind and an id:
``humanheart-project.creatis.insa-lyon.fr/database/collection/637218c173e9f0047faa00fb``.

Shapes: girder.readthedocs.io, REST interface below ``api/v1``; lists come by ``limit`` and ``offset``. An item with one
file of its own name is that file, else it is a folder, as Girder's client has it. An API key is shown to the site that
``GIRDER_API_URL`` names and to no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from medshelf.access.credentials import secret
from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking, kept, pages, steps
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import digest, entries, host_of, maybe, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError

NAME = "girder"
TERMS = ("girder",)
LIMITS = Limits(parallel=2)
_PAGE = 100
_TOKEN_S = 3600.0
_ID = "[0-9a-f]{24}"
_KINDS = "collection|folder|item|file"
_REST = re.compile(rf"(.*)/api/v1/({_KINDS})/({_ID})(?:/download)?")
_ROUTE = re.compile(rf"(?:.*/)?({_KINDS})/({_ID})")
_REF = re.compile(rf"([a-z0-9.-]+(?::\d+)?(?:/[\w.~-]+)*?)/({_KINDS})/({_ID})", re.IGNORECASE)


def ref_of(url: str) -> str | None:
    """Return root, kind and id for an address of the interface, or of the page of a collection, folder or item."""
    parts = split(url)
    if parts is None:
        return None
    found = _REST.fullmatch(parts.path.rstrip("/"))
    if found:
        return f"{host_of(parts)}{found[1]}/{found[2]}/{found[3]}"
    found = _ROUTE.fullmatch(parts.fragment.partition("?")[0].strip("/"))
    return f"{host_of(parts)}{parts.path.rstrip('/')}/{found[1]}/{found[2]}" if found else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the files below a collection, folder or item, or one file.

    Raises
    ------
    AccessNeeded
        It is not public.
    NotFound, AccessError, Offline
        As in `Web.json`.
    """
    with asking(f"girder:{ref}", "girder"):
        root, kind, number = _parts(ref)
        sent = _token(root, web)
        top = web.json(f"{root}/{kind}/{number}", headers=sent)
        if kind == "file":
            listed = [(text(top, "name").replace("/", "_"), top)]
        elif kind == "item":
            listed = list(_of_item(root, top, "", web))
        else:
            listed = list(_below(root, kind, number, "", web, set()))
        files = [_file(name, one) for name, (_, one) in zip(placed(name for name, _ in listed), listed, strict=True)]
    return Listing(f"girder:{ref}", tuple(files))


def _parts(ref: str) -> tuple[str, str, str]:
    """Return the root of the interface, kind and id."""
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no reference of a Girder", hint="Such as site.org/girder/collection/ID")
    return f"https://{found[1]}/api/v1", found[2], found[3]


def _below(root: str, kind: str, number: str, folder: str, web: Web, seen: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield path and entry of each file of a collection or folder."""
    if number in seen:
        return
    seen.add(number)
    for one in _paged(f"{root}/folder?parentType={kind}&parentId={number}", root, web):
        name = text(one, "name").replace("/", "_")
        yield from _below(root, "folder", _id(one), f"{folder}{name}/", web, seen)
    if kind == "folder":
        for item in _paged(f"{root}/item?folderId={number}", root, web):
            yield from _of_item(root, item, folder, web)


def _of_item(root: str, item: Any, folder: str, web: Web) -> Iterator[tuple[str, Any]]:
    title = text(item, "name").replace("/", "_")
    listed = list(_paged(f"{root}/item/{_id(item)}/files?", root, web))
    names = [text(one, "name").replace("/", "_") for one in listed]
    within = folder if names == [title] else f"{folder}{title}/"
    yield from ((within + name, one) for name, one in zip(names, listed, strict=True))


def _paged(place: str, root: str, web: Web) -> Iterator[Any]:
    def get(url: str) -> tuple[list[Any], str | None]:
        found = entries(web.json(url, headers=_token(root, web)))
        offset = int(url.rpartition("=")[2]) + len(found)
        return found, f"{place}&limit={_PAGE}&offset={offset}" if len(found) >= _PAGE else None

    for page in pages(f"{place}&limit={_PAGE}&offset=0", get):
        yield from page


def _id(one: Any) -> str:
    found = text(one, "_id")
    if not re.fullmatch(_ID, found):
        raise AccessError("the id of an entry is none", why=found[:80])
    return found


def _file(name: str, one: Any) -> HostFile:
    return HostFile(name, _id(one), size(one, "size"), digest("sha512", maybe(one, "sha512")))


def _token(root: str, web: Web) -> dict[str, str]:
    """Return the header with a token for the API key, if there is one for this site."""
    found = secret("girder")
    if found is None or _bare(found.values["site"]) != _bare(root):
        return {}
    key = found.values["token"]

    def ask() -> str:
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        body = b"key=" + quote(key, safe="").encode()
        with web.ask(f"{root}/api_key/token", method="POST", headers=sent, body=body) as answer:
            return _told(answer.read(1 << 20))

    try:
        token = kept(web, ("girder", root, hash(key)), _TOKEN_S, ask)
    except AccessError as error:
        error.why = None if error.status is None else f"HTTP {error.status}"  # its words may repeat what was sent
        error.args = (error.what, error.where, error.why, error.hint)
        raise
    return {"Girder-Token": token}


def _told(data: bytes) -> str:
    import json

    try:
        return text(json.loads(data), "authToken", "token")
    except (ValueError, RecursionError):
        raise AccessError("the host answers with something else than JSON") from None


def _bare(site: str) -> str:
    """Return what two ways to write a site have in common: host, port and path, without ``api/v1``."""
    return site.partition("//")[2].lower().rstrip("/").removesuffix("/api/v1").removeprefix("www.")


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served, with a token of the site if there is a key."""
    with asking(f"girder:{ref}", "girder"):
        root = _parts(ref)[0]
        return Address(f"{root}/file/{file.locator}/download", _token(root, web))


def needs(ref: str, web: Web) -> Need | None:
    """Return the need of an account, when what is asked for is not shown to us."""
    with asking(f"girder:{ref}"):
        root, kind, number = _parts(ref)
        try:
            text(web.json(f"{root}/{kind}/{number}", headers=_token(root, web)), "_id")
        except AccessError as error:
            if error.status in (401, 403):
                todo = (f"Register on {root.removesuffix('/api/v1')}", *steps("girder"))
                return Need("account", "The site shows this to those who have an account.", todo)
            raise
        return None
