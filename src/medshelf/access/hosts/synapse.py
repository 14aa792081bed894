"""Synapse: projects, folders and files.

A reference is the id of a project, folder or file, ``syn51514107``, or a version of a file, ``syn51514132.3``.

Shapes: rest-docs.synapse.org. A bundle (``/entity/ID/bundle2``) says what an entity is, its file with size and MD5, and
whether conditions are not met; ``/entity/children`` lists a folder in pages; ``/fileHandle/batch`` signs the address of
a file, which holds for minutes. Everybody may look at public projects; files are served to those with an account only,
and many only after conditions are agreed to or a team is joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from medshelf.access.credentials import secret
from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import account_needed, asking, bearer, steps
from medshelf.access.hosts._doi import doi_of
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import digest, entries, host_of, maybe, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound

NAME = "synapse"
TERMS = ("synapse",)
LIMITS = Limits(parallel=4)
_REPO = "https://repo-prod.prod.sagebase.org/repo/v1"
_FILES = "https://file-prod.prod.sagebase.org/file/v1"
_SITE = "https://www.synapse.org"
_ID = r"syn\d{1,18}"
_REF = re.compile(rf"({_ID})(?:\.(\d{{1,9}}))?")
_DOI = re.compile(rf"10\.7303/({_REF.pattern})")
_PAGE = re.compile(rf"/(?:Portal/)?!?(?:Synapse:)?({_ID})(?:[./](?:version/)?(\d{{1,9}}))?(?:[/?].*)?", re.IGNORECASE)
_LOCATOR = re.compile(rf"({_ID})/(\d{{1,18}})")
_WHOLE = {"includeEntity": True, "includeFileHandles": True}
_RIGHTS = {"includeRestrictionInformation": True, "includePermissions": True}
_MOST_ENTRIES = 5_000_000


def ref_of(url: str) -> str | None:
    """Return the id of an entity for an address of its page or its DOI, with the version if it names one; also for
    ``syn123``."""
    bare = _REF.fullmatch(url.strip()) or _DOI.fullmatch(doi_of(url) or "")
    if bare:
        return bare[0].removeprefix("10.7303/")
    parts = split(url)
    if parts is None or host_of(parts) != "synapse.org":
        return None
    place = f"/{parts.fragment}" if parts.fragment.startswith("!") else parts.path
    found = _PAGE.fullmatch(place)
    return found[1].lower() + (f".{found[2]}" if found[2] else "") if found else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the file, or all files below the project or folder; each file costs one request.

    Raises
    ------
    AccessNeeded
        It is not shown to everybody, and the token, if there is one, does not open it.
    NotFound, AccessError, Offline
        As in `Web.json`.
    """
    with asking(f"synapse:{ref}", "synapse"):
        number, version = _parts(ref)
        top = _bundle(number, version, _WHOLE, web)
        if _kind(top) == "FileEntity":
            found = [("", top)]
            version = text(top, "entity", "versionNumber")
        elif _kind(top) in ("Folder", "Project"):
            found = [(above, _bundle(at, None, _WHOLE, web)) for above, at in _below(number, web)]
        else:
            raise AccessError("this is neither a project nor a folder nor a file", why=_kind(top) or "nothing known")
        files = [_file(above, one) for above, one in found]
        names = placed(one.name for one in files)
        pinned = tuple(replace(one, name=name) for name, one in zip(names, files, strict=True))
        return Listing(f"synapse:{number}" + (f".{version}" if version else ""), pinned, version)


def _parts(ref: str) -> tuple[str, str | None]:
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no id of Synapse", hint="Such as syn51514107")
    return found[1], found[2]


def _bundle(number: str, version: str | None, what: dict[str, bool], web: Web) -> Any:
    place = f"{_REPO}/entity/{number}" + (f"/version/{version}" if version else "") + "/bundle2"
    return web.json(place, headers=bearer("synapse"), method="POST", body=what)


def _kind(bundle: Any) -> str:
    return (maybe_text(bundle, "entity", "concreteType") or "").rpartition(".")[2]


def _below(number: str, web: Web) -> Iterator[tuple[str, str]]:
    """Yield folder and id of every file below a project or folder."""
    waiting, seen = [("", number)], {number}
    while waiting:
        above, parent = waiting.pop(0)
        for one in _children(parent, web):
            at = text(one, "id")
            if not re.fullmatch(_ID, at) or at in seen or len(seen) >= _MOST_ENTRIES:
                raise AccessError("the folders do not end, or hold what is no id", why=at[:80])
            seen.add(at)
            kind = (maybe_text(one, "type") or "").rpartition(".")[2]
            if kind == "Folder":
                waiting.append((f"{above}{text(one, 'name').replace('/', '_')}/", at))
            elif kind == "FileEntity":
                yield above, at


def _children(parent: str, web: Web) -> Iterator[Any]:
    """Yield what lies in a folder, page by page."""
    token, seen = None, set[str | None]()
    while token not in seen:
        seen.add(token)
        body = {"parentId": parent, "includeTypes": ["file", "folder"], "sortBy": "NAME", "nextPageToken": token}
        page = web.json(f"{_REPO}/entity/children", headers=bearer("synapse"), method="POST", body=body)
        yield from entries(page, "page")
        token = maybe_text(page, "nextPageToken")
        if token is None:
            return
    raise AccessError("the pages of the host's listing do not end", why=parent)


def _file(above: str, bundle: Any) -> HostFile:
    """Return a file by its bundle: the handle of its data, not of its preview."""
    handle = text(bundle, "entity", "dataFileHandleId")
    about = next((one for one in entries(bundle, "fileHandles") if maybe_text(one, "id") == handle), None)
    number = text(bundle, "entity", "id")
    if not _LOCATOR.fullmatch(f"{number}/{handle}"):
        raise AccessError("the answer of the host lacks what is needed", why="an id is none")
    name = maybe_text(about, "fileName") or text(bundle, "entity", "name")
    return HostFile(
        above + name.replace("/", "_"), f"{number}/{handle}", size(about, "contentSize"),
        digest("md5", maybe(about, "contentMd5")),
    )  # fmt: skip


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served, signed anew at each call.

    Raises
    ------
    AccessNeeded
        There is no token, or conditions are not met.
    NotFound, AccessError, Offline
        As in `Web.json`.
    """
    with asking(f"synapse:{ref}", "synapse"):
        found = _LOCATOR.fullmatch(file.locator)
        if found is None:
            raise AccessError("this is no file of Synapse", why=file.locator[:80])
        if secret("synapse") is None:
            raise AccessNeeded("Synapse serves files only to those who have an account", steps=steps("synapse"))
        wanted = {"fileHandleId": found[2], "associateObjectId": found[1], "associateObjectType": "FileEntity"}
        body = {"requestedFiles": [wanted], "includePreSignedURLs": True, "includeFileHandles": False}
        answer = web.json(f"{_FILES}/fileHandle/batch", headers=bearer("synapse"), method="POST", body=body)
        one = next(iter(entries(answer, "requestedFiles")), None)
        failure = maybe_text(one, "failureCode")
        if failure == "NOT_FOUND":
            raise NotFound("Synapse has no such file any more")
        if failure:
            raise AccessNeeded("Synapse does not serve this file to you", why=failure, steps=_conditions(found[1]))
        place = text(one, "preSignedURL")
        if split(place) is None:
            raise AccessError("Synapse leads to what is no address", why=place[:80])
        return Address(place)


def _conditions(number: str) -> tuple[str, ...]:
    page = f"{_SITE}/Synapse:{number}"
    return (
        f"Log in and look at the lock beside 'Access' on {page}: agree to the conditions, or ask for access there",
        "Where the page belongs to a challenge: join it, and its team, on the page of the challenge", *steps("synapse"),
    )  # fmt: skip


def needs(ref: str, web: Web) -> Need | None:
    """Return the need of an account, or that of conditions which are not met."""
    with asking(f"synapse:{ref}"):
        number, version = _parts(ref)
        if secret("synapse") is None:
            return account_needed("synapse")
        try:
            bundle = _bundle(number, version, _RIGHTS, web)
        except AccessError as error:
            if error.status == 401:
                return account_needed("synapse")
            if error.status == 403:
                return Need("application", "Synapse does not show this to you.", _conditions(number))
            raise
        level = maybe_text(bundle, "restrictionInformation", "restrictionLevel")
        if maybe(bundle, "restrictionInformation", "hasUnmetAccessRequirement") is True:
            if level == "RESTRICTED_BY_TERMS_OF_USE":
                return Need("click-through", "Conditions have to be agreed to first.", _conditions(number))
            return Need("application", "Synapse lets people in one by one.", _conditions(number))
        if maybe(bundle, "permissions", "canDownload") is False:
            return Need("application", "Your account may not download this.", _conditions(number))
    return None
