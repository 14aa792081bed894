"""Dropbox: files and folders that are shared by a link.

A reference is the link without the host and without what only steers the page:
``s/6vp6o8tydb8waby/13_AbdomenCT-12organ.tar.gz``, ``scl/fi/ID/NAME?rlkey=KEY``, and for folders ``sh/ID/KEY`` or
``scl/fo/ID/KEY?rlkey=KEY``. The ``rlkey`` is part of the link, no credential.

With ``dl=1`` a link serves the file (help.dropbox.com, Force a file or folder to download), and a folder as one zip
that is made on the fly, without a size, if it is not too large. There are no checksums.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlencode

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking
from medshelf.access.hosts._first_byte import first_byte
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import asked, host_of, split
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded

NAME = "dropbox"
TERMS = ("dropbox",)
LIMITS = Limits(parallel=2)
_SITE = "https://www.dropbox.com"
_HOSTS = ("dropbox.com", "dl.dropbox.com", "dl.dropboxusercontent.com")
_PATH = re.compile(r"(s|sh|scl/fi|scl/fo)/([\w-]+)(?:/([^?#]*))?")
_REF = re.compile(rf"{_PATH.pattern}(?:\?rlkey=([\w-]+))?")


def ref_of(url: str) -> str | None:
    """Return the reference for a link."""
    parts = split(url)
    if parts is None or host_of(parts) not in _HOSTS:
        return None
    path = unquote(parts.path.strip("/"))
    if not _PATH.fullmatch(path):
        return None
    key = asked(parts, "rlkey")
    ref = f"{path}?rlkey={key}" if key else path
    return ref if _REF.fullmatch(ref) else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the file, or the zip of the folder.

    Raises
    ------
    AccessNeeded
        Dropbox shows a page: the folder is too large for one zip, or the link wants a password or an account.
    NotFound, AccessError, Offline
        As in `Web.ask`.
    """
    with asking(f"dropbox:{ref}"):
        served = first_byte(_direct(ref), web)
        if served.page is not None:
            need = _need(ref)
            raise AccessNeeded(need.why.rstrip("."), steps=need.steps)
        kind, _, name = _parts(ref)
        name = served.name or (name.rpartition("/")[2] if kind in ("s", "scl/fi") else "") or "folder.zip"
        return Listing(f"dropbox:{ref}", (HostFile(next(placed([name])), ref, served.size_bytes, served.checksums),))


def _parts(ref: str) -> tuple[str, str, str]:
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no link of Dropbox", hint="Such as s/6vp6o8tydb8waby/13_AbdomenCT-12organ.tar.gz")
    return found[1], found[2], found[3] or ""


def _direct(ref: str) -> str:
    """Return the address that serves the file and not its page."""
    _parts(ref)
    path, _, key = ref.partition("?rlkey=")
    return f"{_SITE}/{quote(path)}?{urlencode({**({'rlkey': key} if key else {}), 'dl': '1'})}"


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served; it is led on to a place that holds for hours."""
    with asking(f"dropbox:{ref}"):
        return Address(_direct(file.locator))


def needs(ref: str, web: Web) -> Need | None:
    """Return what to do when the link shows a page and not a file."""
    with asking(f"dropbox:{ref}"):
        return None if first_byte(_direct(ref), web).page is None else _need(ref)


def _need(ref: str) -> Need:
    return Need(
        "account", "Dropbox shows a page instead of the file: too large for one zip, or not for everybody.",
        (
            f"Open {_direct(ref).replace('dl=1', 'dl=0')} in a browser and log in",
            "A folder that is too large: copy it to a Dropbox of your own, or fetch its files one by one",
            "Give medshelf the folder with what you fetched",
        ),
    )  # fmt: skip
