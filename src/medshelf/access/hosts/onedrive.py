"""OneDrive and SharePoint: files that are shared by a link.

A reference is the link without ``https://`` and without what only steers the page: ``1drv.ms/u/s!ID``,
``onedrive.live.com/?cid=…&id=…&authkey=…``, ``SITE.sharepoint.com/:u:/g/personal/NAME/ID?e=KEY``.

A link of OneDrive serves its file by the interface of shares (learn.microsoft.com, OneDrive API, Get access to shared
items: the link in base64 behind ``u!``), one of SharePoint with ``download=1``. Microsoft closes both to those without
an account when it likes, and folders are listed to nobody without one; then a person has to fetch the files with a
browser.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import parse_qsl, urlencode

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking
from medshelf.access.hosts._first_byte import Served, first_byte
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import host_of, split
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded

NAME = "onedrive"
TERMS = ("onedrive",)
LIMITS = Limits(parallel=2)
_SHARES = "https://api.onedrive.com/v1.0/shares"
_SHORT = re.compile(r"1drv\.ms/(?:[a-z]/)?[\w!./-]+")
_LIVE = re.compile(r"onedrive\.live\.com/(?:redir|embed|download|view\.aspx)?")
_POINT = re.compile(r"[a-z0-9-]+\.sharepoint\.com/:[a-z]:/[\w!%.~/-]+")
_STEERS = frozenset(("web", "download", "action", "nav", "ithint", "v", "o"))
_FOLDERS = re.compile(r"1drv\.ms/f/|\.sharepoint\.com/:f:/")


def ref_of(url: str) -> str | None:
    """Return the reference for a link of OneDrive or SharePoint."""
    parts = split(url)
    if parts is None:
        return None
    place = host_of(parts) + (parts.path.rstrip("/") or "/")
    query = urlencode([(key, value) for key, value in parse_qsl(parts.query) if key.lower() not in _STEERS])
    if not any(form.fullmatch(place) for form in (_SHORT, _LIVE, _POINT)) or (_LIVE.fullmatch(place) and not query):
        return None
    return f"{place}?{query}" if query else place


def list_files(ref: str, web: Web) -> Listing:
    """Return the file.

    Raises
    ------
    AccessNeeded
        It is a folder, or Microsoft asks who is there.
    NotFound, AccessError, Offline
        As in `Web.ask`.
    """
    with asking(f"onedrive:{ref}"):
        served = _served(ref, web)
        if served is None:
            need = _need(ref)
            raise AccessNeeded(need.why.rstrip("."), steps=need.steps)
        name = served.name or ref.partition("?")[0].rpartition("/")[2]
        return Listing(f"onedrive:{ref}", (HostFile(next(placed([name])), ref, served.size_bytes, served.checksums),))


def _direct(ref: str) -> str:
    if ref_of(f"https://{ref}") != ref:
        raise AccessError("this is no link of OneDrive or SharePoint", hint="Such as 1drv.ms/u/s!ID")
    if _POINT.match(ref):
        return f"https://{ref}{'&' if '?' in ref else '?'}download=1"
    coded = base64.urlsafe_b64encode(f"https://{ref}".encode()).decode().rstrip("=")
    return "/".join((_SHARES, f"u!{coded}", "root", "content"))


def _served(ref: str, web: Web) -> Served | None:
    """Return what the link serves; None when it is a folder or a page, or Microsoft asks who is there."""
    url = _direct(ref)
    if _FOLDERS.search(ref):
        return None
    try:
        served = first_byte(url, web)
    except AccessError as error:
        if error.status in (401, 403):
            return None
        raise
    return served if served.page is None else None


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served; it is led on to a place that holds for a while."""
    with asking(f"onedrive:{ref}"):
        return Address(_direct(file.locator))


def needs(ref: str, web: Web) -> Need | None:
    """Return what to do when the link is that of a folder, or shows a page and not a file."""
    with asking(f"onedrive:{ref}"):
        return None if _served(ref, web) else _need(ref)


def _need(ref: str) -> Need:
    return Need(
        "account", "Microsoft shows a page instead of the file: it is a folder, or not for everybody.",
        (f"Open https://{ref} in a browser and fetch the files", "Give medshelf the folder with what you fetched"),
    )  # fmt: skip
