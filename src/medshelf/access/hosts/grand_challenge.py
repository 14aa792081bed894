"""Grand Challenge: archives of images.

A reference is ``archives/NAME``. The site of a challenge, ``NAME.grand-challenge.org``, is none: it holds no files, but
says in words where its data lie, mostly at Zenodo, a Drive or a bucket, and often only to those who joined.

Shapes: grand-challenge.org/api/v1 (``archives``, ``archives/items``, ``cases/images``, and ``dicom/instances`` of
images that are sets of DICOM files). Archives are shown to those whom their editors let in. Values of items that are no
files are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

from medshelf.access.credentials import secret
from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import account_needed, asking, kept, pages, steps
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import asked, entries, host_of, maybe, maybe_text, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound

NAME = "grand_challenge"
TERMS = ("grand-challenge",)
LIMITS = Limits(parallel=4)
_SITE = "https://grand-challenge.org"
_API = f"{_SITE}/api/v1"
_SLUG = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_REF = re.compile(rf"archives/({_SLUG})")
_ARCHIVE = re.compile(rf"/archives/({_SLUG})(?:/.*)?")
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PAGE = 100
_KEPT_S = 60.0
"""How long signed addresses of an image are used again, for images of many files."""


def ref_of(url: str) -> str | None:
    """Return the archive for an address of its pages, or of the interface."""
    parts = split(url)
    if parts is None or host_of(parts) != "grand-challenge.org":
        return None
    found = _ARCHIVE.fullmatch(parts.path.rstrip("/"))
    slug = found[1] if found else asked(parts, "slug") if parts.path.rstrip("/") == "/api/v1/archives" else None
    return f"archives/{slug}" if slug and slug != "create" and _REF.fullmatch(f"archives/{slug}") else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of an archive: those of each item in a folder of its own.

    Raises
    ------
    AccessNeeded
        The archive is not shown to everybody, and the token, if there is one, does not open it.
    NotFound, AccessError, Offline
        As in `Web.json`.
    """
    with asking(f"grand_challenge:{ref}", "grand-challenge"):
        found = [one for item in _items(_archive(_slug(ref), web), web) for one in _of_item(item, web)]
        files = [HostFile(at, url) for at, (_, url) in zip(placed(path for path, _ in found), found, strict=True)]
    return Listing(f"grand_challenge:{ref}", tuple(files))


def _slug(ref: str) -> str:
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no archive of Grand Challenge", hint="Such as archives/NAME")
    return found[1]


def _sent() -> dict[str, str]:
    """Return the header with the token; the variable may hold the word Bearer before it, as gcapi takes it."""
    found = secret("grand-challenge")
    return {"Authorization": f"Bearer {found.values['token'].split()[-1]}"} if found else {}


def _archive(slug: str, web: Web) -> str:
    """Return the id of an archive."""
    listed = entries(web.json(f"{_API}/archives/?slug={quote(slug)}", headers=_sent()), "results")
    listed = [one for one in listed if f"/archives/{slug}/" in (maybe_text(one, "url") or "")]
    if not listed:
        found = secret("grand-challenge")
        why = "there is none of this name" if found else "there is none of this name, or it is not shown to everybody"
        raise AccessNeeded("the archive is not shown", why=why, steps=_ask(slug))
    return _uuid(text(listed[0], "pk"))


def _uuid(found: str) -> str:
    if not _UUID.fullmatch(found):
        raise AccessError("the answer of the host lacks what is needed", why="an id is none")
    return found


def _items(archive: str, web: Web) -> Iterator[Any]:
    first = f"{_API}/archives/items/?archive={archive}&limit={_PAGE}&offset=0"

    def get(url: str) -> tuple[list[Any], str | None]:
        page = web.json(url, headers=_sent())
        onward = int(url.rpartition("=")[2]) + _PAGE if maybe_text(page, "next") else None
        return entries(page, "results"), f"{first.rpartition('=')[0]}={onward}" if onward else None

    for page in pages(first, get):
        yield from page


def _of_item(item: Any, web: Web) -> Iterator[tuple[str, str]]:
    """Yield path and locator of the files of an item."""
    folder = _uuid(text(item, "pk"))
    for value in entries(item, "values"):
        socket = maybe_text(value, "socket", "slug") or maybe_text(value, "interface", "slug") or "value"
        above = f"{folder}/{socket.replace('/', '_')}/"
        if file := maybe_text(value, "file"):
            yield above + _name(file), f"item/{folder}/{text(value, 'pk')}"
        elif image := maybe_text(value, "image"):
            parts = split(image)
            number = _uuid(parts.path.rstrip("/").rpartition("/")[2] if parts else "")
            for name in _of_image(number, web):
                yield above + name, f"image/{number}/{name}"


def _of_image(number: str, web: Web) -> dict[str, tuple[str, dict[str, str]]]:
    """Return name, address and headers of the files of an image, or of its DICOM files."""
    image = web.json(f"{_API}/cases/images/{number}/", headers=_sent())
    if not maybe(image, "dicom_image_set"):
        return {_name(place): _place(place) for one in entries(image, "files") for place in [text(one, "file")]}
    listed = web.json(f"{_API}/cases/images/{number}/dicom/instances/", headers=_sent())
    found = {}
    for one in entries(listed, "instances"):
        if (maybe_text(one, "get_instance", "method") or "GET").upper() != "GET":
            raise AccessError("a DICOM file is served in a way that we do not know")
        name = f"{text(one, 'sop_instance_uid').replace('/', '_')}.dcm"
        found[name] = _place(text(one, "get_instance", "url"), maybe(one, "get_instance", "headers"))
    return found


def _name(url: str) -> str:
    parts = split(url)
    if parts is None:
        raise AccessError("the address of a file is none", why=url[:80])
    return unquote(parts.path.rstrip("/").rpartition("/")[2]).replace("/", "_") or "download"


def _place(url: str, told: Any = None) -> tuple[str, dict[str, str]]:
    """Return an address with what must be sent to it: our token to Grand Challenge, elsewhere what we are told."""
    _name(url)
    if url.startswith(f"{_SITE}/"):
        return url, _sent()
    told = told if isinstance(told, dict) else {}
    return url, {name: value for name, value in told.items() if isinstance(value, str)}


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served; its image or item is asked for anew, for the addresses do not hold long.

    Raises
    ------
    NotFound, AccessNeeded, AccessError, Offline
        As in `list_files`.
    """
    with asking(f"grand_challenge:{ref}", "grand-challenge"):
        kind, number, what = (*file.locator.split("/", 2), "", "")[:3]
        if kind == "image":
            files = kept(web, (NAME, _uuid(number)), _KEPT_S, lambda: _of_image(number, web))
            found: tuple[str, dict[str, str]] | None = files.get(what)
        elif kind == "item":
            item = web.json(f"{_API}/archives/items/{_uuid(number)}/", headers=_sent())
            values = (one for one in entries(item, "values") if maybe_text(one, "pk") == what)
            found = next((_place(text(one, "file")) for one in values), None)
        else:
            raise AccessError("this is no file of Grand Challenge", why=file.locator[:80])
        if found is None:
            raise NotFound("the archive has no such file any more")
        url, headers = found
        return Address(url, headers)


def needs(ref: str, web: Web) -> Need | None:
    """Return what an archive asks for that is not shown to us."""
    with asking(f"grand_challenge:{ref}"):
        try:
            _archive(_slug(ref), web)
        except AccessNeeded as error:
            return Need("application", "The archive is shown only to those whom its editors let in.", error.steps)
        except AccessError as error:
            if error.status in (401, 403):
                return account_needed("grand-challenge")
            raise
    return None


def _ask(slug: str) -> tuple[str, ...]:
    return (f"Log in and ask for access on {_SITE}/archives/{slug}/", *steps("grand-challenge"))
