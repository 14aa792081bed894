"""Dataverse: any site that runs it.

A reference is the site and the DOI or handle of a dataset, ``dataverse.nl/doi:10.34894/AECRSD``, pinned to a version
with ``@1.0``; or the site and the number or DOI of a file, ``dataverse.nl/file/30``. Dataverses of before 2025 find a
DOI only as it was registered, mostly in capitals (IQSS/dataverse, issue 9432 and pull request 11003): one that is not
found is asked for in capitals.

Shapes: guides.dataverse.org, Native API (datasets) and Data Access API (files). A table that was ingested is served as
tab-separated text unless ``format=original`` is asked for; name, size and checksum here are those of the file that was
deposited. A token is shown to the site that ``DATAVERSE_SERVER`` names and to no other.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from medshelf.access.credentials import secret
from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking, steps
from medshelf.access.hosts._doi import doi_as_written
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import asked, digest, entries, host_of, maybe, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, NotFound

NAME = "dataverse"
TERMS = ("dataverse",)
LIMITS = Limits(parallel=4)
_SITES = {
    "10.7910/dvn/": "dataverse.harvard.edu",
    "10.34894/": "dataverse.nl",
    "10.18710/": "dataverse.no",
    "10.57745/": "entrepot.recherche.data.gouv.fr",
    "10.48804/": "rdr.kuleuven.be",
    "10.5683/": "borealisdata.ca",
    "10.11588/data/": "heidata.uni-heidelberg.de",
    "10.18419/darus-": "darus.uni-stuttgart.de",
}
"""Beginnings of DOIs that belong to one site."""
_PERSISTENT = re.compile(r"(?:doi:10\.\d+/|hdl:)\S+", re.IGNORECASE)
_REF = re.compile(
    r"([a-z0-9.-]+(?::\d+)?)/(?:file/(\d+|(?:doi|hdl):[^@\s]+)|((?:doi|hdl):[^@]+?)(?:@(\d+(?:\.\d+)?))?)",
    re.IGNORECASE,
)


def ref_of(url: str) -> str | None:
    """Return the reference for a page or file of a Dataverse, or for a DOI of one that we know."""
    doi = doi_as_written(url)
    if doi:
        begin = next((begin for begin in _SITES if doi.lower().startswith(begin)), None)
        if begin is None:
            return None
        kind = "file/" if "/" in doi[len(begin) :] else ""  # the DOI of a file is that of its dataset and a part more
        return f"{_SITES[begin]}/{kind}doi:{doi}"
    parts = split(url)
    if parts is None:
        return None
    site, path = host_of(parts), parts.path.rstrip("/")
    name, version = unquote(asked(parts, "persistentId") or ""), asked(parts, "version") or ""
    name = f"doi:{name[4:]}" if name.lower().startswith("doi:") else name
    if re.search(r"/(?:file\.xhtml|api/access/datafile/:persistentId)$", path):
        number = asked(parts, "fileId") or ""
        number = number if number.isdecimal() else name if _PERSISTENT.fullmatch(name) else ""
        return f"{site}/file/{number}" if number else None
    found = re.fullmatch(r".*/api/access/datafile/(\d+)", path)
    if found:
        return f"{site}/file/{found[1]}"
    if not re.search(r"/(?:dataset\.xhtml|citation|api/datasets/:persistentId(?:/.*)?)$", path):
        return None
    if not _PERSISTENT.fullmatch(name):
        return None
    return f"{site}/{name}" + (f"@{version}" if re.fullmatch(r"\d+(\.\d+)?", version) else "")


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of a version, of the newest that is published when the reference names none.

    Files that are restricted are listed, with ``restricted`` among their `HostFile.meta`.

    Raises
    ------
    NotFound, AccessError, Offline
        As in `Web.json`.
    """
    with asking(f"dataverse:{ref}", "dataverse"):
        site, number, name, version = _parts(ref)
        if number:
            one = _about_file(site, number, web)
            return Listing(f"dataverse:{ref}", (_file(next(placed([_name(one)])), one),))
        name, data = _version(site, name, version, web)
        listed = entries(data, "files")
        files = [_file(name, one) for name, one in zip(placed(map(_name, listed)), listed, strict=True)]
        numbers = (maybe_text(data, "versionNumber"), maybe_text(data, "versionMinorNumber"))
        found = ".".join(numbers) if numbers[0] and numbers[1] else version  # type: ignore[arg-type]
        licence = maybe_text(data, "license", "name") or maybe_text(data, "license")
    return Listing(f"dataverse:{site}/{name}" + (f"@{found}" if found else ""), tuple(files), found, licence)


def _parts(ref: str) -> tuple[str, str, str, str | None]:
    """Return site, number of a file, name of a dataset and version."""
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no reference of a Dataverse", hint="Such as dataverse.nl/doi:10.34894/AECRSD")
    return found[1].lower(), found[2] or "", found[3] or "", found[4]


def _version(site: str, name: str, version: str | None, web: Web) -> tuple[str, Any]:
    """Return the name under which a dataset is found, and what is said of its version."""
    return _named(site, f"api/datasets/:persistentId/versions/{version or ':latest-published'}", name, web)


def _about_file(site: str, number: str, web: Web) -> Any:
    """Return what is said of a file, by its number or its DOI."""
    if not number.isdecimal():
        return _named(site, "api/files/:persistentId", number, web)[1]
    return maybe(web.json(f"https://{site}/api/files/{number}", headers=_key(site)), "data")


def _named(site: str, place: str, name: str, web: Web) -> tuple[str, Any]:
    """Return the name under which a thing is found, as it is written or in capitals, and what is said of it."""
    url = f"https://{site}/{place}?persistentId="
    capitals = f"doi:{name[4:].upper()}" if name.startswith("doi:") else name
    try:
        return name, maybe(web.json(url + quote(name, safe=":/"), headers=_key(site)), "data")
    except NotFound:
        if capitals == name:
            raise
    return capitals, maybe(web.json(url + quote(capitals, safe=":/"), headers=_key(site)), "data")


def _key(site: str) -> dict[str, str]:
    """Return the header with the token, for the site that it is for."""
    found = secret("dataverse")
    if found is None:
        return {}
    named = found.values["site"]
    named = named if "//" in named else f"//{named}"
    mine = urlsplit(named).netloc.rpartition("@")[2].lower().removeprefix("www.") == site
    return {"X-Dataverse-key": found.values["token"]} if mine else {}


def _original(one: Any) -> bool:
    """Return whether a file was ingested as a table, so that it is served changed unless the original is asked for."""
    data = maybe(one, "dataFile")
    return maybe(data, "tabularData") is True or maybe_text(data, "originalFileFormat") is not None


def _name(one: Any) -> str:
    """Return folder and name, those of the file that was deposited."""
    label = maybe_text(one, "label") or text(one, "dataFile", "filename")
    if _original(one):
        label = maybe_text(one, "dataFile", "originalFileName") or label
    folder = maybe_text(one, "directoryLabel")
    return f"{folder}/{label.replace('/', '_')}" if folder else label.replace("/", "_")


def _file(name: str, one: Any) -> HostFile:
    data, original = maybe(one, "dataFile"), _original(one)
    number = text(data, "id")
    if not number.isdecimal():
        raise AccessError("the id of a file is no number", why=number[:80])
    value = maybe(data, "checksum", "value") or maybe(data, "md5")
    checksums = digest(maybe_text(data, "checksum", "type") or "md5", value)
    size_bytes = size(data, "originalFileSize") if original else size(data, "filesize")
    meta = {"restricted": "yes"} if maybe(one, "restricted") is True else {}
    return HostFile(name, f"{number}/original" if original else number, size_bytes, checksums, meta)


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served as it was deposited, with the token of the site if there is one."""
    with asking(f"dataverse:{ref}"):
        return _address(file.locator, _parts(ref)[0])


def _address(locator: str, site: str) -> Address:
    number, _, original = locator.partition("/")
    query = "?format=original" if original else ""
    return Address(f"https://{site}/api/access/datafile/{number}{query}", _key(site))


def needs(ref: str, web: Web) -> Need | None:
    """Return what the files ask for: leave, or an entry in a guest book.

    The first byte of one file is asked for, of one that is restricted if there is any; for a dataset the list of files
    comes first.
    """
    with asking(f"dataverse:{ref}"):
        site, number, name, version = _parts(ref)
        page = (
            f"https://{site}/citation?persistentId={name}" if name else f"https://{site}/file.xhtml?fileId={number}"
        )
        page = page if not number or number.isdecimal() else f"https://{site}/file.xhtml?persistentId={number}"
        try:
            if number.isdecimal():
                at = _address(number, site)
            elif number:
                at = _address(_file("-", _about_file(site, number, web)).locator, site)
            else:
                listed = sorted(entries(_version(site, name, version, web)[1], "files"), key=_open)
                if not listed:
                    return None
                at = _address(_file("-", listed[0]).locator, site)
            web.ask(at.url, headers={"Range": "bytes=0-0", **at.headers}).close()
        except (AccessError, NotFound) as error:
            return _need(error, page)
        return None


def _open(one: Any) -> bool:
    return maybe(one, "restricted") is not True


def _need(error: AccessError | NotFound, page: str) -> Need | None:
    """Return the need that a refusal tells of, or raise it."""
    if error.status == 416:  # an empty file has no first byte
        return None
    if error.status in (400, 401, 403) and "guestbook" in (error.why or "").lower():
        return Need("click-through", "The site wants an entry in its guest book.", (f"Open {page}, fill it in",))
    if error.status in (401, 403):
        return Need("application", "Files are restricted.", (f"Ask for access on {page}", *steps("dataverse")))
    raise error
