"""Figshare: articles, collections of them, single files; also at the portals that institutions have there.

A reference is what its DOIs end with: an article ``11857698``, a version of it ``11857698.v1``, a collection
``c.4107803`` or ``c.4107803.v1``, or a file ``file.30950914``.

Bytes come from api.figshare.com: the addresses that the listing names (``figshare.com/ndownloader``) answer programs
with an empty 202 of a firewall since 2026. An article names ten of its files at most, so that files are asked for on
their own, page by page (docs.figshare.com, article_version_files).
"""

from __future__ import annotations

import re
from typing import Any

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking, bearer, paced, pages, steps
from medshelf.access.hosts._doi import doi_of
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import digest, entries, host_of, maybe, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded

NAME = "figshare"
TERMS = ("figshare",)
LIMITS = Limits(parallel=2, per_second=1.0)
"""One request a second, as docs.figshare.com asks."""
_API = "https://api.figshare.com/v2"
_PAGE = 500
_DOIS = (
    re.compile(r"10\.6084/m9\.figshare\.((?:c\.)?\d+(?:\.v\d+)?)"),
    re.compile(r"10\.5522/04/(\d+(?:\.v\d+)?)"),  # University College London
)
_KINDS = "dataset|figure|media|software|journal_contribution|online_resource|thesis|preprint|model|presentation|poster"
_PATHS = (
    (re.compile(r"/(?:api/)?(?:v2/)?articles/(?:(?:[a-z_]+/)?[^/]*/)?(\d+)(?:/(?:versions/)?(\d+))?"), ""),
    (re.compile(r"/(?:v2/)?collections/(?:[^/]*/)?(\d+)(?:/(?:versions/)?(\d+))?"), "c."),
    (re.compile(r"/(?:v2/file/download|(?:ndownloader/)?files)/(\d+)"), "file."),
    (re.compile(r"/ndownloader/articles/(\d+)(?:/versions/(\d+))?"), ""),
)
_PORTAL = re.compile(rf"/articles/(?:{_KINDS})/[^/]*/(\d+)(?:/(\d+))?")
_REF = re.compile(r"(c\.|file\.)?(\d+)(?:\.v(\d+))?")


def ref_of(url: str) -> str | None:
    """Return an article, collection or file for an address of Figshare or of a portal of it, or for a DOI."""
    doi = doi_of(url) or ""
    for pattern in _DOIS:
        found = pattern.fullmatch(doi)
        if found:
            return found[1]
    parts = split(url)
    if parts is None:
        return None
    path = parts.path.rstrip("/")
    if not f".{host_of(parts)}".endswith(".figshare.com"):
        found = _PORTAL.fullmatch(path)
        return _ref("", found) if found else None
    return next((_ref(kind, found) for pattern, kind in _PATHS if (found := pattern.fullmatch(path))), None)


def _ref(kind: str, found: re.Match[str]) -> str:
    version = found[2] if found.re.groups > 1 else None
    return f"{kind}{found[1]}" + (f".v{version}" if version else "")


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of an article, of all articles of a collection (each in a folder of its id), or one file.

    Raises
    ------
    AccessNeeded
        The files are under embargo or confidential.
    NotFound, AccessError, Offline
        As in `Web.json`; AccessError also for a version of a collection that is not its newest, since Figshare lists
        only that.
    """
    found = _REF.fullmatch(ref)
    with asking(f"figshare:{ref}", "figshare"):
        if found is None:
            raise AccessError("this is no reference of Figshare")
        kind, number, version = found[1] or "", found[2], found[3]
        if kind == "file.":
            return Listing(f"figshare:{ref}", (_single(number, web),))
        if kind == "c.":
            return _collection(number, version, web)
        detail, listed = _article(number, version, web)
        version = version or maybe_text(detail, "version")
        pinned = f"figshare:{number}" + (f".v{version}" if version else "")
        return Listing(pinned, tuple(_files(listed, "")), version, maybe_text(detail, "license", "name"))


def _single(number: str, web: Web) -> HostFile:
    """Return a file of which only the id is known: its name and size are what the server says."""
    from medshelf.access.hosts import http

    sent = {"Range": "bytes=0-0", **bearer("figshare", "token")}
    with web.ask(f"{_API}/file/download/{number}", headers=sent) as answer:
        if answer.status not in (200, 206):
            raise AccessError("the host serves no file", why=f"HTTP {answer.status}")
        span = answer.span
        name = http.told_name(answer) or f"{number}.bin"
        return HostFile(next(placed([name])), number, span[2] if span else answer.length)


def _article(number: str, version: str | None, web: Web) -> tuple[Any, list[Any]]:
    """Return what an article says of itself, and its files."""
    place = f"{_API}/articles/{number}" + (f"/versions/{version}" if version else "")
    sent = bearer("figshare", "token")
    paced(web, NAME, LIMITS)
    detail = web.json(place, headers=sent)
    text(detail, "id")
    listed = list(_paged(f"{place}/files", web))
    if not listed and (need := _need(detail)):
        raise AccessNeeded(need.why, steps=need.steps)
    return detail, listed


def _paged(place: str, web: Web) -> list[Any]:
    """Return all entries of a list that comes in pages."""

    def get(url: str) -> tuple[list[Any], str | None]:
        paced(web, NAME, LIMITS)
        found = entries(web.json(url, headers=bearer("figshare", "token")))
        number = int(url.rpartition("=")[2])
        return found, f"{place}?page_size={_PAGE}&page={number + 1}" if len(found) >= _PAGE else None

    return [one for page in pages(f"{place}?page_size={_PAGE}&page=1", get) for one in page]


def _files(listed: list[Any], folder: str) -> list[HostFile]:
    names = placed(folder + text(one, "name").replace("/", "_") for one in listed)
    return [
        HostFile(name, _locator(one), size(one, "size"), _checksum(one))
        for name, one in zip(names, listed, strict=True)
    ]


def _checksum(one: Any) -> dict[str, str]:
    return digest("md5", maybe_text(one, "computed_md5") or maybe_text(one, "supplied_md5"))


def _locator(one: Any) -> str:
    """Return the id of a file, or the address of one that is only a link to another place."""
    if maybe(one, "is_link_only") is True:
        link = text(one, "download_url")
        if split(link) is None:
            raise AccessError("a file is a link to what is no address", why=link[:80])
        return link
    number = text(one, "id")
    if not number.isdecimal():
        raise AccessError("the id of a file is no number", why=number[:80])
    return number


def _collection(number: str, version: str | None, web: Web) -> Listing:
    detail = web.json(f"{_API}/collections/{number}", headers=bearer("figshare", "token"))
    newest = maybe_text(detail, "version")
    if version and newest and version != newest:
        hint = f"Leave the version out, or take c.{number}.v{newest}"
        raise AccessError("Figshare lists the newest version of a collection only", why=f"that is {newest}", hint=hint)
    files: list[HostFile] = []
    for one in _paged(f"{_API}/collections/{number}/articles", web):
        article = text(one, "id")
        files += _files(_article(article, None, web)[1], f"{article}/")
    pinned = f"figshare:c.{number}" + (f".v{newest}" if newest else "")
    return Listing(pinned, tuple(files), newest, maybe_text(detail, "license", "name"))


def _need(detail: Any) -> Need | None:
    """Return what an article that shows no files asks for."""
    page = maybe_text(detail, "figshare_url") or "its page"
    if maybe(detail, "is_embargoed") is True:
        until = maybe_text(detail, "embargo_date")
        why = "The files are under embargo" + (f" until {until}." if until else ".")
        return Need("application", why, (f"Wait, or ask on {page}",))
    if maybe(detail, "is_confidential") is True or maybe(detail, "is_metadata_record") is True:
        reason = maybe_text(detail, "metadata_reason") or maybe_text(detail, "confidential_reason")
        why = "The files are not public" + (f": {reason[:200]}" if reason else ".")
        return Need("application", why, (f"Ask on {page}", *steps("figshare")))
    return None


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served, with the token if there is one; a link is its own address."""
    if not file.locator.isdecimal():
        return Address(file.locator)
    return Address(f"{_API}/file/download/{file.locator}", bearer("figshare", "token"))


def needs(ref: str, web: Web) -> Need | None:
    """Return what an article that shows no files asks for; collections and files are asked nothing."""
    found = _REF.fullmatch(ref)
    if found is None or found[1]:
        return None
    place = f"{_API}/articles/{found[2]}" + (f"/versions/{found[3]}" if found[3] else "")
    with asking(f"figshare:{ref}", "figshare"):
        try:
            detail = web.json(place, headers=bearer("figshare", "token"))
        except AccessError as error:
            if error.status in (401, 403):
                return Need("application", "The article is not public.", steps("figshare"))
            raise
        return None if maybe(detail, "files") else _need(detail)
