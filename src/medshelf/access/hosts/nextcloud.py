"""Nextcloud and ownCloud: folders and files that are shared with everybody by a link.

A reference is the site and the token of the share: ``oc.embl.de/aRhphk35H23De2s``, and perhaps a folder or file of it:
``oc.embl.de/aRhphk35H23De2s?path=/train/images``.

The link itself serves a folder as one archive, made on the fly, without a length and without ranges. WebDAV serves each
file with its size, and in ranges: below ``public.php/dav/files/TOKEN`` since Nextcloud 29 (docs.nextcloud.com, Basic
APIs, Public shares), before that and at ownCloud below ``public.php/webdav`` with the token as user.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking, kept
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import asked, digest, host_of, split
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound

NAME = "nextcloud"
TERMS = ("nextcloud",)
LIMITS = Limits(parallel=2)
_LINK = re.compile(r"((?:/[\w.~-]+)*?)(/index\.php)?/s/([A-Za-z0-9]{15})(?:/download(?:/[^/]*)?)?")
_REF = re.compile(r"([a-z0-9.-]+(?::\d+)?(?:/[\w.~-]+)*)/([A-Za-z0-9]{8,64})(?:\?path=/([^\0-\x1f]+))?")
_OTHERS = ("dropbox.com", "figshare.com")
_ASK = (
    b'<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:resourcetype/>'
    b"<d:getcontentlength/><oc:checksums/></d:prop></d:propfind>"
)
_MOST_FOLDERS = 50_000
_KEPT_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    """Below the share, decoded; empty for the share itself."""
    folder: bool
    size_bytes: int | None
    checksums: Mapping[str, str]


def ref_of(url: str) -> str | None:
    """Return site and token for the link of a share: ``/s/TOKEN`` or ``/index.php/s/TOKEN``, with 15 characters."""
    parts = split(url)
    found = _LINK.fullmatch(parts.path.rstrip("/")) if parts else None
    if parts is None or found is None or host_of(parts) in _OTHERS:
        return None
    share, file = f"{host_of(parts)}{found[1]}/{found[3]}", asked(parts, "files") or ""
    within = _within(f"{asked(parts, 'path') or asked(parts, 'dir') or ''}/{'' if file.startswith('[') else file}")
    return f"{share}?path=/{within}" if within else share


def _within(path: str) -> str:
    """Return the path of a folder in a share, without slashes at its ends; nothing for one that leads out of it."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return "" if ".." in parts or any(ord(letter) < 32 for letter in path) else "/".join(parts)


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of a share.

    Raises
    ------
    AccessNeeded
        It asks for a password.
    NotFound, AccessError, Offline
        As in `Web.ask`.
    """
    with asking(f"nextcloud:{ref}"):
        root, sent = _root(ref, web)
        found = sorted(_below(root, _path(ref), sent, web), key=lambda one: one.path)
        names = placed(one.path or _single(ref) for one in found)
        files = [
            HostFile(name, one.path, one.size_bytes, one.checksums) for name, one in zip(names, found, strict=True)
        ]
    return Listing(f"nextcloud:{ref}", tuple(files))


def _path(ref: str) -> str:
    found = _REF.fullmatch(ref)
    return _within(found[3] or "") if found else ""


def _single(ref: str) -> str:
    return f"{ref.partition('?')[0].rpartition('/')[2]}.bin"


def _root(ref: str, web: Web) -> tuple[str, dict[str, str]]:
    """Return where the share is served, and what is sent along: the newer way if the site knows it, else the older."""
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no share of a Nextcloud", hint="Such as cloud.site.org/TOKEN")
    base, token = f"https://{found[1]}/public.php", found[2]
    older = {"Authorization": "Basic " + base64.b64encode(f"{token}:".encode()).decode()}
    ways: tuple[tuple[str, dict[str, str]], ...] = ((f"{base}/dav/files/{token}", {}), (f"{base}/webdav", older))

    def ask() -> tuple[str, dict[str, str]]:
        refused: AccessError | NotFound | None = None
        for place, sent in ways:
            try:
                _asked(place, "", "0", sent, web)
            except (AccessError, NotFound) as error:
                if error.status not in (400, 401, 403, 404, 405, 501):
                    raise
                refused = error if refused is None or error.status in (401, 403) else refused
                continue
            return place, sent
        assert refused is not None
        if refused.status in (401, 403):
            raise AccessNeeded("the share asks for a password", why=refused.why, steps=_steps(ref))
        raise refused

    return kept(web, ("nextcloud", ref), _KEPT_S, ask)


def _steps(ref: str) -> tuple[str, ...]:
    site, _, token = ref.partition("?")[0].rpartition("/")
    return ("Ask those who share it for the password.", f"Open https://{site}/s/{token} and load it there.")


def _below(root: str, path: str, sent: Mapping[str, str], web: Web) -> Iterator[_Entry]:
    """Yield all files of a share at or below a path, folder by folder."""
    todo, seen = [path], {path}
    while todo:
        at = todo.pop()
        for one in _asked(root, at, "1", sent, web):
            if not one.folder:
                yield one
            elif one.path not in seen:
                if len(seen) >= _MOST_FOLDERS:
                    raise AccessError("the folders of the share do not end", why=f"over {_MOST_FOLDERS}")
                seen.add(one.path)
                todo.append(one.path)


def _asked(root: str, path: str, depth: str, sent: Mapping[str, str], web: Web) -> list[_Entry]:
    """Return a folder or file and what is in it (RFC 4918, 9.1)."""
    url = f"{root}/{quote(path)}" if path else f"{root}/"
    headers = {"Depth": depth, "Content-Type": "application/xml", **sent}
    with web.ask(url, method="PROPFIND", headers=headers, body=_ASK) as answer:
        return _parsed(answer.read(), urlsplit(root).path)


def _parsed(data: bytes, base: str) -> list[_Entry]:
    """Return the entries of a multi-status answer (RFC 4918, 13)."""
    from xml.etree import ElementTree

    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise AccessError("the answer of the host is no list of WebDAV", why="it declares a document type")
    try:
        top = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise AccessError("the answer of the host is no list of WebDAV", why=str(error)[:80]) from None
    if top.tag != "{DAV:}multistatus":
        raise AccessError("the answer of the host is no list of WebDAV", why=f"it is {top.tag[:60]}")
    found: list[_Entry] = []
    for one in top.findall("{DAV:}response"):
        path = unquote(_path_of(one.findtext("{DAV:}href") or ""))
        if not f"{path.rstrip('/')}/".startswith(f"{unquote(base)}/"):
            raise AccessError("an entry lies outside of the share", why=path[:80])
        length = one.findtext(".//{DAV:}getcontentlength") or ""
        size_bytes = int(length) if length.isascii() and length.isdecimal() and len(length) < 19 else None
        sums = (text.text or "" for text in one.iter("{http://owncloud.org/ns}checksum"))
        checksums: dict[str, str] = {}
        for pair in " ".join(sums).split():
            checksums |= digest(*pair.partition(":")[::2])
        folder = one.find(".//{DAV:}resourcetype/{DAV:}collection") is not None
        found.append(_Entry(path[len(unquote(base)) :].strip("/"), folder, size_bytes, checksums))
    return found


def _path_of(href: str) -> str:
    """Return the path of what an entry says it is: a path, or a whole address."""
    try:
        return urlsplit(href).path
    except ValueError:
        raise AccessError("the address of an entry is none", why=href[:80]) from None


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served."""
    with asking(f"nextcloud:{ref}"):
        root, sent = _root(ref, web)
        return Address(f"{root}/{quote(file.locator)}" if file.locator else root, sent)


def needs(ref: str, web: Web) -> Need | None:
    """Return the need of a password, when the share asks for one."""
    try:
        with asking(f"nextcloud:{ref}"):
            _root(ref, web)
    except AccessNeeded as error:
        return Need("application", "The share asks for a password.", error.steps)
    return None
