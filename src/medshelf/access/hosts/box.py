"""Box: files that are shared by a link.

A reference is the site and the link: ``nihcc.box.com/shared/static/vfk49d74nhbxq3nqjg0900w5nvkorp5c.gz`` for a file
that is served directly, ``nihcc.app.box.com/s/HASH`` or ``nihcc.app.box.com/v/NAME`` for a page.

Links of the first form serve a file, in ranges and without a checksum; a page of the form ``/s/HASH`` has its file at
``/shared/static/HASH`` (support.box.com, direct links). What lies in a shared folder is told only to those who are
registered as developers at Box, so that for pages of folders a person has to go there.
"""

from __future__ import annotations

import re

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking
from medshelf.access.hosts._first_byte import Served, first_byte
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import host_of, split
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound

NAME = "box"
TERMS = ()
LIMITS = Limits(parallel=4)
_REF = re.compile(r"((?:[a-z0-9-]+\.)*box\.com)/(shared/static|s|v)/([\w-]+)(\.[\w.]+)?")
_WITHIN = re.compile(r"(?<=/)((?:s|v)/[\w-]+)(?:/(?:folder|file)/\d+)+$")
"""A folder or file of a page, which is no link of its own."""


def ref_of(url: str) -> str | None:
    """Return site and link for an address of Box."""
    parts = split(url)
    if parts is None:
        return None
    found = _REF.fullmatch(_WITHIN.sub(r"\1", host_of(parts) + parts.path.rstrip("/")))
    return found[0] if found else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the file.

    Raises
    ------
    AccessNeeded
        It is the page of a folder, or the link is not for everybody.
    NotFound, AccessError, Offline
        As in `Web.ask`.
    """
    with asking(f"box:{ref}"):
        served = _served(ref, web)
        if served is None:
            need = _need(ref)
            raise AccessNeeded(need.why.rstrip("."), steps=need.steps)
        name = served.name or _direct(ref).rpartition("/")[2]
        return Listing(f"box:{ref}", (HostFile(next(placed([name])), ref, served.size_bytes, served.checksums),))


def _direct(ref: str) -> str:
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no link of Box", hint="Such as nihcc.box.com/shared/static/HASH.zip")
    return f"https://{found[1]}/shared/static/{found[3]}{found[4] or ''}"


def _served(ref: str, web: Web) -> Served | None:
    """Return what the link serves; None when that is a page, or is nothing though there is a page."""
    url = _direct(ref)
    page = "/shared/static/" not in ref
    if "/v/" in ref:
        return None
    try:
        served = first_byte(url, web)
    except NotFound:
        if page:
            return None
        raise
    return served if served.page is None else None


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served; it is led on to a place that holds for a while."""
    with asking(f"box:{ref}"):
        return Address(_direct(file.locator))


def needs(ref: str, web: Web) -> Need | None:
    """Return what to do when the link shows a page and not a file."""
    with asking(f"box:{ref}"):
        return None if _served(ref, web) else _need(ref)


def _need(ref: str) -> Need:
    return Need(
        "click-through", "Box shows the page of a folder, or one that asks who is there.",
        (
            f"Open https://{ref} in a browser and fetch the files",
            "Where the folder holds a list of direct links (https://….box.com/shared/static/…), give medshelf those",
            "Or give medshelf the folder with what you fetched",
        ),
    )  # fmt: skip
