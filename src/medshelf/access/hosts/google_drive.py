"""Google Drive: files and folders that are shared with everybody who has the link.

A reference is the id of a file, or ``folders/ID``, ``document/ID``, ``spreadsheets/ID``, ``presentation/ID``. Links
from before 2021 may also carry a resource key: ``ID~0-KEY``.

With an API key (``GOOGLE_API_KEY``) the interface of Drive is asked, which tells sizes and checksums
(developers.google.com/drive/api/reference/rest/v3). Without one, the pages for people are read: they tell no checksum,
and a size only for single files. When a file is asked for too often, Drive answers with a page instead of the file for
a day; that page is recognised and said. Forms, maps and the like are no files and left out of folders.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote

from medshelf.access.credentials import secret
from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts import _google_pages as site
from medshelf.access.hosts._asking import asking, pages
from medshelf.access.hosts._first_byte import first_byte
from medshelf.access.hosts._google_pages import EXPORTS, NOT_SHARED, Entry
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import asked, digest, entries, host_of, maybe, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded

NAME = "google_drive"
TERMS = ("google-drive",)
LIMITS = Limits(parallel=1)
"""One at a time: Drive shuts out an address that fetches many files at once."""
_API = "https://www.googleapis.com/drive/v3/files"
_FIELDS = (
    "id,name,mimeType,size,md5Checksum,sha256Checksum,resourceKey,"
    "shortcutDetails(targetId,targetMimeType,targetResourceKey)"
)
_GOOGLE = "application/vnd.google-apps."
_KINDS = {"folder": "folders", "document": "document", "spreadsheet": "spreadsheets", "presentation": "presentation"}
"""What the interface calls things, and what addresses call them."""
_ID = r"[\w-]{10,}"
_REF = re.compile(rf"(?:(folders|{'|'.join(EXPORTS)})/)?({_ID})(?:~([\w-]+))?")
_USER = r"/(?:a/[\w.-]+/)?"
_FILE = re.compile(rf"{_USER}(file|{'|'.join(EXPORTS)})/(?:u/\d+/)?d/({_ID})(?:/.*)?")
_FOLDER = re.compile(rf"{_USER}drive/(?:u/\d+/|mobile/)?(folders)/({_ID})(?:/.*)?")
_BY_QUERY = {
    "/open": "", "/uc": "", "/u/0/uc": "", "/download": "",
    "/folderview": "folders/", "/embeddedfolderview": "folders/",
}  # fmt: skip
_MOST_FOLDERS = 20_000

Lister = Callable[[str, str | None, Web], list[Entry]]


def ref_of(url: str) -> str | None:
    """Return kind and id for an address of Google Drive or Google Docs."""
    parts = split(url)
    if parts is None or host_of(parts) not in site.HOSTS:
        return None
    path = parts.path.rstrip("/")
    found = _FOLDER.fullmatch(path) or _FILE.fullmatch(path)
    if found:
        ref = found[2] if found[1] == "file" else f"{found[1]}/{found[2]}"
    elif path in _BY_QUERY:
        ref = _BY_QUERY[path] + (asked(parts, "id") or "")
    else:
        return None
    key = asked(parts, "resourcekey")
    ref = f"{ref}~{key}" if key else ref
    return ref if _REF.fullmatch(ref) else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the file, or all files of the folder and of those in it.

    Raises
    ------
    AccessNeeded
        It is not shared with everybody, or the API key is not accepted.
    NotFound, AccessError, Offline
        As in `Web.json`; AccessError also when too many have asked for the file.
    """
    with _asking(ref):
        kind, number, key = _parts(ref)
        if kind == "folders":
            found = list(_below(number, key, _of_api if _has_key() else site.folder, web))
            if not found:
                hint = None if _has_key() else "Its page may have changed: set GOOGLE_API_KEY, or open the link"
                raise AccessError("the folder names no file", hint=hint)
        else:
            one = _described(number, key, web) if _has_key() else _served(kind, number, key, web)
            found = [(one.name, one)]
        files = [
            HostFile(name, _locator(one), one.size_bytes, one.checksums)
            for name, (_, one) in zip(placed(path for path, _ in found), found, strict=True)
        ]
    return Listing(f"google_drive:{ref}", tuple(files))


def _asking(ref: str) -> AbstractContextManager[None]:
    return asking(f"google_drive:{ref}", "google-drive" if _has_key() else None)


def _has_key() -> bool:
    return secret("google-drive") is not None


def _parts(ref: str) -> tuple[str, str, str | None]:
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no id of Google Drive")
    return found[1] or "", found[2], found[3]


def _locator(one: Entry) -> str:
    return (f"{one.kind}/" if one.kind else "") + one.number + (f"~{one.key}" if one.key else "")


def _served(kind: str, number: str, key: str | None, web: Web) -> Entry:
    """Return what the pages tell of one file."""
    served = first_byte(_export(kind, number), web) if kind else site.found(number, key, web)
    if served.page is not None:
        raise AccessNeeded(NOT_SHARED.rstrip("."), steps=("Ask its owner to share it with everybody",))
    name = served.name or number + (f".{EXPORTS[kind]}" if kind else "")
    return Entry(name, number, kind, key, served.size_bytes)


def _export(kind: str, number: str) -> str:
    return f"https://docs.google.com/{kind}/d/{number}/export?format={EXPORTS[kind]}"


def _below(number: str, key: str | None, listed: Lister, web: Web) -> Iterator[tuple[str, Entry]]:
    """Yield path and entry of every file below a folder."""
    waiting, seen = [("", number, key)], {number}
    while waiting:
        above, at, its_key = waiting.pop(0)
        for one in listed(at, its_key, web):
            path = above + one.name.replace("/", "_")
            if one.kind != "folders":
                yield path, one
            elif one.number not in seen:
                if len(seen) >= _MOST_FOLDERS:
                    raise AccessError("the folders do not end", why=f"over {_MOST_FOLDERS}")
                seen.add(one.number)
                waiting.append((f"{path}/", one.number, one.key))


# --- the interface, with a key ------------------------------------------------------------


def _headers(number: str, key: str | None) -> dict[str, str]:
    """Return the API key and the resource key as headers, which no address shows."""
    found = secret("google-drive")
    sent = {"X-Goog-Api-Key": found.values["token"]} if found else {}
    return {**sent, "X-Goog-Drive-Resource-Keys": f"{number}/{key}"} if key else sent


def _of_api(number: str, key: str | None, web: Web) -> list[Entry]:
    """Return what a folder holds."""
    query = quote(f"'{number}' in parents and trashed = false")
    first = (
        f"{_API}?q={query}&pageSize=1000&fields=nextPageToken,files({_FIELDS})"
        "&supportsAllDrives=true&includeItemsFromAllDrives=true"
    )

    def get(url: str) -> tuple[list[Any], str | None]:
        page = web.json(url, headers=_headers(number, key))
        onward = maybe_text(page, "nextPageToken")
        return entries(page, "files"), f"{first}&pageToken={quote(onward, safe='')}" if onward else None

    return [entry for page in pages(first, get) for one in page if (entry := _entry(one))]


def _described(number: str, key: str | None, web: Web) -> Entry:
    """Return what the interface tells of one file."""
    url = f"{_API}/{number}?fields={_FIELDS}&supportsAllDrives=true"
    one = _entry(web.json(url, headers=_headers(number, key)))
    if one is None or one.kind == "folders":
        raise AccessError("this is no file", hint=f"For a folder: google_drive:folders/{number}")
    return one


def _entry(one: Any) -> Entry | None:
    """Return an entry; a shortcut is what it leads to, and what is no file or folder is None."""
    mime, number, key = maybe_text(one, "mimeType") or "", text(one, "id"), maybe_text(one, "resourceKey")
    if mime == f"{_GOOGLE}shortcut":
        mime = maybe_text(one, "shortcutDetails", "targetMimeType") or ""
        number = text(one, "shortcutDetails", "targetId")
        key = maybe_text(one, "shortcutDetails", "targetResourceKey")
    if not re.fullmatch(_ID, number):
        raise AccessError("the answer of the host lacks what is needed", why="an id is none")
    kind = _KINDS.get(mime.removeprefix(_GOOGLE)) if mime.startswith(_GOOGLE) else ""
    if kind is None:
        return None
    name = text(one, "name")
    if kind in EXPORTS and not name.endswith(f".{EXPORTS[kind]}"):
        name += f".{EXPORTS[kind]}"
    sums = digest("sha256", maybe(one, "sha256Checksum")) or digest("md5", maybe(one, "md5Checksum"))
    return Entry(name, number, kind, key, size(one, "size") if not kind else None, sums)


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served; without a key the pages are asked anew at each call.

    Raises
    ------
    AccessNeeded, NotFound, AccessError, Offline
        As in `list_files`.
    """
    with _asking(ref):
        kind, number, key = _parts(file.locator)
        if kind in EXPORTS:
            return Address(_export(kind, number))
        if _has_key():
            return Address(f"{_API}/{number}?alt=media&supportsAllDrives=true", _headers(number, key))
        return Address(site.found(number, key, web).url)


def needs(ref: str, web: Web) -> Need | None:
    """Return what is to do when it is not shared with everybody."""
    with asking(f"google_drive:{ref}"):
        kind, number, key = _parts(ref)
        try:
            if kind == "folders":
                site.folder(number, key, web)
            elif kind:
                _served(kind, number, key, web)
            else:
                site.found(number, key, web)
        except AccessNeeded as error:
            return Need("application", NOT_SHARED, error.steps)
    return None
