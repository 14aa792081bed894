"""OSF: projects, their components and registrations, and single files.

A reference is the five characters of a project, ``xctdy``, or ``file/xrz5f`` for one file. The address of a file's page
looks like that of a project; such a one is asked for as a file when there is no project of that name.

Shapes: api.osf.io/v2 (JSON:API): ``nodes/ID/files/osfstorage/`` lists files and folders page by page, a folder names
the address of its own list; ``nodes/ID/children/`` lists components, which become folders here. Files that a project
keeps in other storage than OSF's own are not listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking, bearer, pages, steps
from medshelf.access.hosts._doi import doi_of
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import digest, entries, host_of, maybe, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, NotFound

NAME = "osf"
TERMS = ("osf",)
LIMITS = Limits(parallel=4)
_API = "https://api.osf.io/v2"
_ID = "[2-9a-hjkmnp-z]{5}"
"""Digits and letters that can't be taken for each other, as OSF makes its ids."""
_FILE = re.compile(rf"/download/({_ID})|/({_ID})/download|/v2/files/({_ID})")
_NODE = re.compile(
    rf"/(?:v2/(?:nodes|registrations)/|v1/resources/)?({_ID})(?:/(?:wiki|files|overview|providers)(?:/.*)?)?"
)
_DOI = re.compile(rf"10\.17605/osf\.io/({_ID})")
_MOST_FOLDERS = 100_000


def ref_of(url: str) -> str | None:
    """Return a project or a file for an address of OSF, or a project for a DOI of it."""
    doi = _DOI.fullmatch(doi_of(url) or "")
    if doi:
        return doi[1]
    parts = split(url)
    if parts is None or host_of(parts) not in ("osf.io", "api.osf.io", "files.osf.io"):
        return None
    path = parts.path.rstrip("/")
    found = _FILE.fullmatch(path)
    if found:
        return f"file/{found[1] or found[2] or found[3]}"
    found = _NODE.fullmatch(path)
    return found[1] if found else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of a project with its components, or one file.

    Raises
    ------
    AccessNeeded
        It is private.
    NotFound, AccessError, Offline
        As in `Web.json`; NotFound also when nothing lies in OSF's own storage.
    """
    kind, slash, number = ref.rpartition("/")
    with asking(f"osf:{ref}", "osf"):
        if not re.fullmatch(_ID, number) or kind not in ("", "file"):
            raise AccessError("this is no reference of OSF")
        kind = "files" if slash else _kind(number, web)
        if kind == "files":
            one = maybe(web.json(f"{_API}/files/{number}/", headers=bearer("osf")), "data")
            listed = [(text(one, "attributes", "name").replace("/", "_"), one)]
        else:
            listed = list(_of_node(number, kind, "", web, set()))
        if not listed:
            raise NotFound("the project keeps no files in OSF's own storage", hint=f"Look at https://osf.io/{number}/")
        files = [_file(name, one) for name, (_, one) in zip(placed(name for name, _ in listed), listed, strict=True)]
    return Listing(f"osf:file/{number}" if kind == "files" else f"osf:{number}", tuple(files))


def _of_node(number: str, kind: str, folder: str, web: Web, seen: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield path and entry of each file of a project and of its components."""
    if number in seen:
        return
    seen.add(number)
    yield from _of_folder(f"{_API}/{kind}/{number}/files/osfstorage/?page[size]=100", folder, web, seen)
    for one in _paged(f"{_API}/{kind}/{number}/children/?page[size]=100", web):
        title = (maybe_text(one, "attributes", "title") or text(one, "id")).replace("/", "_")
        part = text(one, "id")
        yield from _of_node(part, _kind(part, web), f"{folder}{title}/", web, seen)


def _kind(number: str, web: Web) -> str:
    """Return under which name the interface knows it: a registration is no node, nor is a file."""
    for kind in ("nodes", "registrations"):
        try:
            web.json(f"{_API}/{kind}/{number}/", headers=bearer("osf"))
        except NotFound:
            continue
        return kind
    web.json(f"{_API}/files/{number}/", headers=bearer("osf"))
    return "files"


def _of_folder(place: str, folder: str, web: Web, seen: set[str]) -> Iterator[tuple[str, Any]]:
    if place in seen or len(seen) > _MOST_FOLDERS:
        raise AccessError("the folders of the host's listing do not end", why=place)
    seen.add(place)
    for one in _paged(place, web):
        name = text(one, "attributes", "name").replace("/", "_")
        if maybe(one, "attributes", "kind") == "folder":
            onward = _ours(text(one, "relationships", "files", "links", "related", "href"))
            yield from _of_folder(onward, f"{folder}{name}/", web, seen)
        else:
            yield f"{folder}{name}", one


def _paged(place: str, web: Web) -> Iterator[Any]:
    def get(url: str) -> tuple[list[Any], str | None]:
        page = web.json(url, headers=bearer("osf"))
        onward = maybe_text(page, "links", "next")
        return entries(page, "data"), _ours(onward) if onward else None

    for page in pages(place, get):
        yield from page


def _ours(url: str) -> str:
    if not url.startswith(f"{_API}/"):
        raise AccessError("the host's listing leads to another place", why=url[:80])
    return url


def _file(name: str, one: Any) -> HostFile:
    link = _of_osf(text(one, "links", "download"))
    hashes = maybe(one, "attributes", "extra", "hashes")
    checksums = {**digest("md5", maybe(hashes, "md5")), **digest("sha256", maybe(hashes, "sha256"))}
    return HostFile(name, link, size(one, "attributes", "size"), checksums)


def _of_osf(link: str) -> str:
    parts = split(link)
    if parts is None or parts.scheme != "https" or not f".{host_of(parts)}".endswith(".osf.io"):
        raise AccessError("the address of a file is not of OSF", why=link[:80])
    return link


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served, with the token if there is one."""
    with asking(f"osf:{ref}"):
        return Address(_of_osf(file.locator), bearer("osf"))


def needs(ref: str, web: Web) -> Need | None:
    """Return the need of leave to see it, when it is private."""
    kind, _, number = ref.rpartition("/")
    with asking(f"osf:{ref}", "osf"):
        try:
            if kind:
                web.json(f"{_API}/files/{number}/", headers=bearer("osf"))
            else:
                _kind(number, web)
        except AccessError as error:
            if error.status in (401, 403):
                todo = (f"Ask on https://osf.io/{number}/", *steps("osf"))
                return Need("application", "The project is private.", todo)
            raise
        return None
