"""The Cancer Imaging Archive: collections, results of analyses, lists of series (``.tcia``).

A reference is the page of a collection or result, ``collection/lctsc``, a DOI, a list of series by its address without
the scheme, or one series, ``series/UID``. DICOM comes from the Imaging Data Commons where that has it, and the listing
of a whole collection is pinned to it; single series that it lacks come from the archive's own interface (NBIA,
version 4) as zip files, whose size nobody tells; each holds a list of MD5, and as many files as the interface says
(github.com/CBIIT/NBIA-TCIA, V4_getSeries.java and V4_getImageWithMD5Hash.java). All else is what the site offers for
download. Packages of IBM Aspera and what has to be asked for are left to people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import quote, unquote

from medshelf.access.hosts import Address, HostFile, Inside, Limits, Listing, Need, idc
from medshelf.access.hosts._asking import asking
from medshelf.access.hosts._doi import doi_of
from medshelf.access.hosts._idc_index import Chosen, by_uid, chosen, may_have
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import asked, host_of, maybe, size, split
from medshelf.access.hosts._tcia_pages import Download, Page, downloads_of, page_of
from medshelf.access.hosts.http import name_of
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound

NAME = "tcia"
TERMS = ("tcia",)
LIMITS = Limits(parallel=2)
_NBIA = "https://nbia.cancerimagingarchive.net/nbia-api/services/v4"
_HOSTS = re.compile(r"(?:(?:wiki|nbia|nlst|public|services)\.)?cancerimagingarchive\.net")
_DOI = re.compile(r"10\.(?:7937|25737)/\S+")
_PAGE = re.compile(r"/(collection|analysis-result)/([\w-]+)/?")
_WIKI = re.compile(r"/display/(?:Public|DOI)/([\w-]+(?:\+[\w-]+)*)")
_WIKI_ONLY = re.compile("(data-usage|collections|wiki|tcia-|the-cancer).*")
_UID = re.compile(r"\d+(?:\.\d+){3,}")
_MOST_SERIES = 50_000
_SUMS = "md5hashes.csv"


def ref_of(url: str) -> str | None:
    """Return the reference for a page of the archive, of its wiki or search, a DOI of it, or a list of series."""
    doi = doi_of(url) or ""
    if _DOI.fullmatch(doi):
        return doi
    parts = split(url)
    if parts is None or not _HOSTS.fullmatch(host_of(parts)):
        return None
    path = unquote(parts.path)
    if path.lower().endswith(".tcia"):
        return f"{host_of(parts)}{path}"
    named = _PAGE.fullmatch(path)
    if named:
        return f"{named[1]}/{named[2].lower()}"
    series = asked(parts, "SeriesInstanceUID")
    if series and _UID.fullmatch(series):
        return f"series/{series}"
    wiki = _WIKI.fullmatch(parts.path)
    slug = (wiki[1] if wiki else asked(parts, "CollectionCriteria") or asked(parts, "Collection") or "").lower()
    slug = re.sub(r"[+ ]", "-", slug)
    return f"collection/{slug}" if re.fullmatch(r"[\w-]+", slug) and not _WIKI_ONLY.fullmatch(slug) else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of a collection or result, of a list of series, or of a series.

    Raises
    ------
    AccessNeeded
        A part of it is a package of IBM Aspera, or has to be asked for.
    NotFound
        The archive has no such page, or nothing to download on it.
    NotWhole
        As in `idc.list_files`.
    AccessError, Offline
        As in `Web.json`.
    MissingExtra
        The package ``duckdb`` is absent, and the index of the Commons has to be read: for series, and for what the
        Commons has or may have.
    """
    with asking(f"tcia:{ref}"):
        if ref.startswith("series/") or ref.lower().endswith(".tcia"):
            return Listing(f"tcia:{ref}", tuple(_placed(_of_series(_series(ref, web), web))))
        there = _in_commons(ref)
        if there is not None:
            return idc.listing(there, web)
        page = page_of(ref, web)
        downloads = downloads_of(page, web)
        need = _need(page, downloads)
        if need is not None:
            raise AccessNeeded(need.why, steps=need.steps)
        if not downloads:
            raise NotFound("the page has nothing to download", why=page.url)
        files = tuple(_placed(_of_downloads(downloads, web)))
        licences = sorted({one.licence for one in downloads if one.licence})
    return Listing(f"tcia:{ref}", files, None, "; ".join(licences) or None)


def _in_commons(ref: str) -> Chosen | None:
    """Return the series of a collection, result or DOI that the Imaging Data Commons has.

    A collection of the same name may hold slides of another release there and no pictures of this one (TCGA-GBM): what
    counts is the DOI.
    """
    name = ref.partition("/")[2] if _PAGE.fullmatch(f"/{ref}") else _doi(ref)
    if not may_have(name):
        return None
    try:
        found = chosen(name)
        if name.startswith("10."):
            return found
        dois = {one.doi for one in found.series}
        ours = {doi for doi in dois if _DOI.fullmatch(doi)}
        if ours == dois:
            return found
        return chosen(ours.pop()) if len(ours) == 1 else None
    except NotFound:
        return None


def _doi(ref: str) -> str:
    if not _DOI.fullmatch(ref):
        raise AccessError("this is no reference of The Cancer Imaging Archive", hint="Such as collection/lctsc")
    return ref.lower()


def _series(ref: str, web: Web) -> list[str]:
    """Return the UIDs of a series or of a list of series."""
    if ref.startswith("series/"):
        uids = [ref[7:]]
    else:
        host, _, path = ref.partition("/")
        if not _HOSTS.fullmatch(host):
            raise AccessError("the list of series is not at The Cancer Imaging Archive", why=host[:80])
        server = "www.cancerimagingarchive.net" if host == "cancerimagingarchive.net" else host
        head, found, rest = web.text(f"https://{server}/{quote(path)}").partition("ListOfSeriesToDownload=")
        if not found or "manifestVersion" not in head:
            raise AccessError("this is no list of series", why=head[:80])
        uids = list(dict.fromkeys(rest.split()))
    if not uids or not all(map(_UID.fullmatch, uids)):
        raise AccessError("this is no list of series", why=f"{len(uids)} entries, which are not all UIDs")
    if len(uids) > _MOST_SERIES:
        hint = "Take a part of it from the Imaging Data Commons: idc:nlst?PatientID=100002"
        raise AccessError("these are too many series for one listing", why=f"{len(uids)} series", hint=hint)
    return uids


def _of_series(uids: list[str], web: Web) -> Iterable[HostFile]:
    """Yield the files of series: from the Commons, or as zip files of the archive."""
    there = by_uid(uids)
    yield from idc.files_of([there[uid] for uid in uids if uid in there], web)
    missing = [uid for uid in uids if uid not in there]
    with ThreadPoolExecutor(LIMITS.parallel) as threads:
        counted = list(threads.map(lambda uid: _count(uid, web), missing))
    for uid, count in zip(missing, counted, strict=True):
        yield HostFile(f"{uid}.zip", f"series/{uid}", meta={"series": uid}, inside=Inside(count, _SUMS))


def _count(uid: str, web: Web) -> int:
    """Return how many files the archive has of a series; it answers with nothing when it has none, or hides it."""
    told = web.text(f"{_NBIA}/getSeries?SeriesInstanceUID={uid}", headers={"Accept": "application/json"})
    try:
        found = json.loads(told) if told.strip() else []
    except (ValueError, RecursionError):
        raise AccessError("the host answers with something else than JSON", why=told[:80]) from None
    listed = found if isinstance(found, list) else []
    one = next((one for one in listed if maybe(one, "SeriesInstanceUID") == uid), None)
    if one is None:
        hint = "Those of the NLST are at the Imaging Data Commons alone: pip install idc-index-data"
        raise NotFound("the archive has no such series, or does not show it", why=uid, hint=hint)
    count = size(one, "ImageCount")
    if not count:
        raise AccessError("the archive does not say how many files a series has", why=uid)
    return count


def _of_downloads(downloads: list[Download], web: Web) -> Iterable[HostFile]:
    """Yield the files of downloads; a list of series stands for the series."""
    for one in downloads:
        ref = ref_of(one.url)
        if ref is not None and ref.lower().endswith(".tcia"):
            yield from _of_series(_series(ref, web), web)
        else:
            yield HostFile(name_of(one.url), one.url, meta={"title": one.title})


def _placed(files: Iterable[HostFile]) -> Iterable[HostFile]:
    found = list(files)
    for name, one in zip(placed(one.name for one in found), found, strict=True):
        yield replace(one, name=name)


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served: by the Commons, by the archive's interface, or by its site."""
    with asking(f"tcia:{ref}"):
        if split(file.locator) is not None:
            return Address(file.locator)
        uid = file.locator.removeprefix("series/")
        if _UID.fullmatch(uid):
            return Address(f"{_NBIA}/getImageWithMD5Hash?SeriesInstanceUID={uid}")
        return idc.address(file, ref, web)


def needs(ref: str, web: Web) -> Need | None:
    """Return what a person has to do for packages of IBM Aspera, or for what has to be asked for."""
    with asking(f"tcia:{ref}"):
        if ref.startswith("series/") or ref.lower().endswith(".tcia") or _in_commons(ref) is not None:
            return None
        page = page_of(ref, web)
        return _need(page, downloads_of(page, web))


def _need(page: Page, downloads: list[Download]) -> Need | None:
    limited = [one for one in downloads if one.limited]
    if limited:
        return Need(
            "application", "A part of it is given to those alone whose application is granted.",
            (f"Read on {page.url} how access is asked for", f"It is about: {'; '.join(one.title for one in limited)}"),
        )  # fmt: skip
    left = [one for one in downloads if one.for_people]
    if not left:
        return None
    plain = [one.url for one in downloads if not one.for_people]
    return Need(
        "click-through",
        "A part of it is not served by plain HTTP: packages of IBM Aspera, or a search on the site.",
        (
            f"Open {page.url}",
            "Where a download asks for it, install IBM Aspera Connect: https://www.ibm.com/products/aspera/downloads",
            *(f"Load '{one.title}'" + (f": {one.url}" if one.url else "") for one in left),
            *((f"The other files are served as they are: {', '.join(plain)}",) if plain else ()),
        ),
    )
