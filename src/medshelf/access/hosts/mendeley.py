"""Mendeley Data: datasets with versions, folders and SHA-256 of each file.

A reference is an id, ``rscbjbr9sj``, or that of a version, ``rscbjbr9sj/2``.

Shapes: data.mendeley.com/public-api: ``datasets/ID/versions``, ``datasets/ID/folders/VERSION`` (a flat list with
``parent_id``) and ``datasets/ID/files?folder_id=FOLDER&version=VERSION``, where the folder ``root`` is the top.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking
from medshelf.access.hosts._doi import doi_of
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import digest, entries, host_of, maybe, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError

NAME = "mendeley"
TERMS = ("mendeley",)
LIMITS = Limits(parallel=4)
_API = "https://data.mendeley.com/public-api/datasets"
_PATH = re.compile(r"/(?:public-api/)?datasets/(?:publicdatasets/)?([0-9a-z]{10})(?:/(\d+))?(?:/.*)?")
_DOI = re.compile(r"10\.17632/([0-9a-z]{10})(?:\.(\d+))?")
_REF = re.compile(r"([0-9a-z]{10})(?:/(\d+))?")


def ref_of(url: str) -> str | None:
    """Return the id of a dataset for an address of Mendeley Data or a DOI of it, with the version if it names one."""
    parts = split(url)
    found = _DOI.fullmatch(doi_of(url) or "")
    if found is None and parts is not None and host_of(parts) == "data.mendeley.com":
        found = _PATH.fullmatch(parts.path.rstrip("/"))
    if found is None:
        return None
    return f"{found[1]}/{found[2]}" if found[2] else found[1]


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of a version, of the newest when the reference names none.

    Raises
    ------
    NotFound, AccessError, Offline
        As in `Web.json`.
    """
    found = _REF.fullmatch(ref)
    with asking(f"mendeley:{ref}"):
        if found is None:
            raise AccessError("this is no id of Mendeley Data")
        number, version = found[1], found[2] or _newest(found[1], web)
        listed: list[tuple[str, Any]] = []
        for folder, path in _folders(number, version, web).items():
            place = f"{_API}/{number}/files?folder_id={quote(folder, safe='')}&version={version}"
            listed += [(path + text(one, "filename").replace("/", "_"), one) for one in entries(web.json(place))]
        files = [_file(name, one) for name, (_, one) in zip(placed(name for name, _ in listed), listed, strict=True)]
    return Listing(f"mendeley:{number}/{version}", tuple(files), version)


def _newest(number: str, web: Web) -> str:
    listed = entries(web.json(f"{_API}/{number}/versions"))
    numbers = [int(one) for each in listed if (one := maybe_text(each, "version")) and one.isdecimal() and len(one) < 6]
    if not numbers:
        raise AccessError("the host names no version of the dataset")
    return str(max(numbers))


def _folders(number: str, version: str, web: Web) -> dict[str, str]:
    """Return the path of each folder, with a slash at its end, by id."""
    listed = entries(web.json(f"{_API}/{number}/folders/{version}"))
    above = {text(one, "id"): (maybe_text(one, "parent_id"), text(one, "name").replace("/", "_")) for one in listed}
    found = {"root": ""}
    for folder in above:
        path, at, seen = "", folder, set[str]()
        while at in above and at not in seen:
            seen.add(at)
            parent, name = above[at]
            path, at = f"{name}/{path}", parent or "root"
        found[folder] = path
    return found


def _file(name: str, one: Any) -> HostFile:
    link = text(one, "content_details", "download_url")
    if split(link) is None:
        raise AccessError("the address of a file is none", why=link[:80])
    size_bytes = size(one, "size")
    size_bytes = size(one, "content_details", "size") if size_bytes is None else size_bytes
    return HostFile(name, link, size_bytes, digest("sha256", maybe(one, "content_details", "sha256_hash")))


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return the address that the listing names; it holds for years."""
    return Address(file.locator)


def needs(ref: str, web: Web) -> Need | None:
    """Return None: Mendeley Data serves what it lists to everybody."""
    return None
