"""ISIC Archive: images of skin lesions, with the licence of each.

A reference is a collection, ``collection/65``, one image, ``image/ISIC_0000000``, or what its search takes,
``search/diagnosis_3:"Melanoma Invasive"``; ``snapshot`` is the archive of all images that the makers put together.

Shapes: api.isic-archive.com/api/docs/swagger, version 2: lists by cursor, files at addresses that are signed for a
while, so that they are asked for anew.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking, pages
from medshelf.access.hosts._bucket import Place, head
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import entries, host_of, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, NotFound

NAME = "isic"
TERMS = ("isic",)
LIMITS = Limits(parallel=4)
_API = "https://api.isic-archive.com/api/v2"
_PAGE = 100
_BULK = Place("isic-archive", "us-east-1")
_SNAPSHOT = "snapshots/ISIC_images.zip"
_ID = r"ISIC_\d{7}"
_REST = re.compile(rf"(?:/api/v2)?/(?:(collections)/(\d+)|(images)/({_ID}))(?:/.*)?")


def ref_of(url: str) -> str | None:
    """Return collection, image or search for an address of the interface, or the snapshot for that of its archive."""
    parts = split(url)
    if parts is None:
        return None
    if host_of(parts) in ("isic-archive.s3.amazonaws.com", "isic-archive.s3.us-east-1.amazonaws.com"):
        return "snapshot" if parts.path == f"/{_SNAPSHOT}" else None
    if host_of(parts) not in ("api.isic-archive.com", "isic-archive.com", "gallery.isic-archive.com"):
        return None
    found = _REST.fullmatch(parts.path.rstrip("/"))
    if found:
        return f"collection/{found[2]}" if found[1] else f"image/{found[4]}"
    searched = re.search(r"(?:^|&)(query|collections)=([^&]+)", parts.query)
    if parts.path.rstrip("/") in ("/api/v2/images/search", "/api/v2/images") and searched:
        value = unquote(searched[2].replace("+", " "))
        return f"search/{value}" if searched[1] == "query" else f"collection/{value}" if value.isdecimal() else None
    return None


def list_files(ref: str, web: Web) -> Listing:
    """Return the images of a collection or search, one image, or the archive of all.

    Raises
    ------
    NotFound
        No such image, or none at all.
    AccessError, Offline
        As in `Web.json`.
    """
    with asking(f"isic:{ref}"):
        kind, value = _parts(ref)
        if kind == "snapshot":
            one = head(_BULK, _SNAPSHOT, web)
            return Listing("isic:snapshot", (HostFile("ISIC_images.zip", "snapshot", one.size_bytes, one.checksums),))
        found = [web.json(f"{_API}/images/{value}/")] if kind == "image" else _listed(kind, value, web)
        if not found:
            raise NotFound("the archive shows no image of these")
        names = placed(_name(one) for one in found)
        files = tuple(_file(name, one) for name, one in zip(names, found, strict=True))
    licences = sorted({one.meta["licence"] for one in files if "licence" in one.meta})
    return Listing(f"isic:{ref}", files, None, "; ".join(licences) or None)


def _parts(ref: str) -> tuple[str, str]:
    kind, _, value = ref.partition("/")
    good = {"collection": r"\d{1,9}", "image": _ID, "search": r"[^\0-\x1f]{1,2000}", "snapshot": ""}.get(kind)
    if good is None or not re.fullmatch(good, value):
        raise AccessError(
            "this is no reference of the ISIC Archive", hint="Such as collection/65 or image/ISIC_0000000"
        )
    return kind, value


def _listed(kind: str, value: str, web: Web) -> list[Any]:
    what = f"collections={value}" if kind == "collection" else f"query={quote(value, safe='')}"

    def get(url: str) -> tuple[list[Any], str | None]:
        answer = web.json(url)
        after = maybe_text(answer, "next")
        if after is not None and not after.startswith(f"{_API}/"):
            raise AccessError("the next page of the listing is elsewhere", why=after[:80])
        return entries(answer, "results"), after

    first = f"{_API}/images/search/?{what}&limit={_PAGE}"
    return [one for page in pages(first, get) for one in page]


def _name(one: Any) -> str:
    """Return the id of an image with the ending of its file."""
    ending = re.search(r"\.[A-Za-z0-9]{1,5}$", urlsplit(_address_of(one)).path)
    return _id(one) + (ending[0].lower() if ending else "")


def _id(one: Any) -> str:
    found = text(one, "isic_id")
    if not re.fullmatch(_ID, found):
        raise AccessError("the id of an image is none", why=found[:80])
    return found


def _address_of(one: Any) -> str:
    found = text(one, "files", "full", "url")
    if split(found) is None:
        raise AccessError("the address of an image is none", why=found[:80])
    return found


def _file(name: str, one: Any) -> HostFile:
    licence = maybe_text(one, "copyright_license")
    of = maybe_text(one, "attribution")
    about = {**({"licence": licence} if licence else {}), **({"attribution": of} if of else {})}
    return HostFile(name, _id(one), size(one, "files", "full", "size"), {}, about)


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the image is served now, signed anew."""
    with asking(f"isic:{ref}"):
        if file.locator == "snapshot":
            return Address(_BULK.url(_SNAPSHOT))
        if not re.fullmatch(_ID, file.locator):
            raise AccessError("the id of an image is none", why=file.locator[:80])
        return Address(_address_of(web.json(f"{_API}/images/{file.locator}/")))


def needs(ref: str, web: Web) -> Need | None:
    """Return None: what the archive shows to everybody is open; the rest is not listed."""
    return None
