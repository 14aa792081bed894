"""What the site of The Cancer Imaging Archive says of its collections: which downloads each has, and where.

Shapes: its interface ``api/v2``, lists with ``results``, ``page`` and ``total_pages``; fields as in wordpress.py of
github.com/kirbyju/tcia_utils.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from medshelf.access.hosts._asking import kept, pages
from medshelf.access.hosts._doi import doi_of
from medshelf.access.hosts._shape import entries, host_of, maybe, maybe_text, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, NotFound

SITE = "https://www.cancerimagingarchive.net"
PAGE = 250
"""Entries of one page; what the makers' client asks for."""
_API = "https://cancerimagingarchive.net/api/v2"
_KEPT_S = 3600.0
_KINDS = {"collection": ("collections", "collection_doi"), "analysis-result": ("analysis-results", "result_doi")}
_LIMITED = ("limited", "controlled", "restricted")


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a collection, or of the result of an analysis."""

    kind: str
    slug: str
    doi: str | None
    downloads: tuple[str, ...]
    """Their ids."""

    @property
    def url(self) -> str:
        """Where people read it."""
        return f"{SITE}/{self.kind}/{self.slug}/"


@dataclass(frozen=True, slots=True)
class Download:
    """Something to download."""

    title: str
    url: str
    """Of a file, a list of series (``.tcia``) or a package of IBM Aspera; empty for a search to be made on the site."""
    licence: str | None
    limited: bool
    """Whether access has to be asked for."""

    @property
    def for_people(self) -> bool:
        """Whether plain HTTP does not serve it: a package for IBM Aspera Connect, or a search."""
        parts = split(self.url)
        return parts is None or "faspex" in host_of(parts) or "aspera" in host_of(parts)


def page_of(ref: str, web: Web) -> Page:
    """Return the page of ``collection/SLUG``, ``analysis-result/SLUG`` or a DOI.

    Raises
    ------
    NotFound
        The archive has no such page.
    AccessError, Offline
        As in `Web.json`.
    """
    kind, _, slug = ref.partition("/")
    for one in (kind,) if kind in _KINDS else tuple(_KINDS):
        for page in kept(web, ("tcia", one), _KEPT_S, lambda one=one: _listed(one, web)):
            if page.slug == slug if kind in _KINDS else page.doi == ref:
                return page
    raise NotFound("the archive has no such collection or result")


def _listed(kind: str, web: Web) -> list[Page]:
    what, doi = _KINDS[kind]
    return [
        Page(kind, text(one, "slug"), doi_of(maybe_text(one, doi) or ""), tuple(_ids(one)))
        for one in _paged(f"{what}/?fields=id,slug,{doi},collection_downloads", web)
    ]


def _ids(one: Any) -> Iterator[str]:
    """Yield the ids of downloads, which stand alone or in entries of their own."""
    found = maybe(one, "collection_downloads")
    for of in found if isinstance(found, list) else ():
        number = maybe_text({"id": of}, "id") or maybe_text(of, "id") or maybe_text(of, "ID")
        if number is None or not number.isdecimal():
            raise AccessError("the answer of the host lacks what is needed", why=f"no id of a download: {str(of)[:60]}")
        yield number


def downloads_of(page: Page, web: Web) -> list[Download]:
    """Return the downloads of a page.

    Raises
    ------
    AccessError, Offline
        As in `Web.json`; AccessError also when one that the page names is not shown.
    """
    if not page.downloads:
        return []
    fields = "id,download_title,download_url,download_file,download_access,data_license"
    listed = _paged(f"downloads/?id={','.join(page.downloads)}&fields={fields}", web)
    found = {text(one, "id"): one for one in listed}
    missing = [number for number in page.downloads if number not in found]
    if missing:
        raise AccessError("the archive names downloads that it does not show", why=", ".join(missing))
    return [_download(found[number]) for number in page.downloads]


def _download(one: Any) -> Download:
    access = (maybe_text(one, "download_access") or "").lower()
    licence = maybe_text(one, "data_license") or maybe_text(one, "data_license", "label")
    limited = any(word in access for word in _LIMITED)
    return Download(maybe_text(one, "download_title") or text(one, "id"), _place(one), licence, limited)


def _place(one: Any) -> str:
    """Return the address of a download, or nothing."""
    paths = (("download_url",), ("download_file",), ("download_file", "url"), ("download_file", "guid"))
    places = (maybe_text(one, *path) for path in paths)
    return next((place for place in places if place and split(place)), "")


def _paged(what: str, web: Web) -> Iterator[Any]:
    first = f"{_API}/{what}&per_page={PAGE}"

    def get(url: str) -> tuple[list[Any], str | None]:
        answer = web.json(url)
        here, last = maybe(answer, "page"), maybe(answer, "total_pages")
        more = type(here) is int and type(last) is int and here < last
        return entries(answer, "results"), f"{first}&page={here + 1}" if more else None  # type: ignore[operator]

    for page in pages(first, get):
        yield from page
