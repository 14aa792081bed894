"""Git LFS: pointers that stand for large files in a repository, and where those are served.

Specifications: github.com/git-lfs/git-lfs, docs/spec.md (pointers) and docs/api/batch.md.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from medshelf.access.credentials import secret
from medshelf.access.hosts import Address
from medshelf.access.hosts._shape import entries, maybe, maybe_text, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, NotFound

MOST_BYTES = 1024
"""A pointer has fewer bytes than this (spec.md)."""
_LEAST_BYTES = 110
_KIND = "application/vnd.git-lfs+json"
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:[a-z0-9.-]+ [^\n]*\n)*?"
    rb"oid sha256:([0-9a-f]{64})\nsize (\d{1,18})\n?"
)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a pointer says of the file that it stands for."""

    sha256: str
    size_bytes: int


def pointer_of(data: bytes) -> Pointer | None:
    """Return what a pointer says, or None for bytes that are none."""
    found = _POINTER.fullmatch(data)
    return Pointer(found[1].decode(), int(found[2])) if found else None


def patterns(attributes: str, folder: str) -> list[str]:
    """Return the patterns of paths that a file ``.gitattributes`` in a folder keeps in Git LFS."""
    found = []
    for line in attributes.splitlines():
        pattern, _, rest = line.strip().partition(" ")
        if "filter=lfs" not in rest.split() or pattern.startswith("#"):
            continue
        pattern = pattern.strip('"').replace("[[:space:]]", " ")
        below = f"{folder}/" if folder else ""
        rooted = "/" in pattern.strip("/") or pattern.startswith("/")
        found += [below + pattern.lstrip("/")] if rooted else [below + pattern, f"{below}*/{pattern}"]
    return found


def may_be_pointer(path: str, size_bytes: int | None, patterns: Iterable[str]) -> bool:
    """Return whether a file could be a pointer, by size and patterns (a ``*`` here goes through folders, too)."""
    if size_bytes is None or not _LEAST_BYTES <= size_bytes < MOST_BYTES:
        return False
    return any(fnmatchcase(path, one) for one in patterns)


def serve(pointer: Pointer, server: str, web: Web) -> Address:
    """Ask a server of Git LFS where a file is served.

    Raises
    ------
    NotFound
        The server does not have it.
    AccessError, Offline
        As in `Web.json`; AccessError also when the repository has used up its transfers.
    """
    body = {
        "operation": "download", "transfers": ["basic"], "hash_algo": "sha256",
        "objects": [{"oid": pointer.sha256, "size": pointer.size_bytes}],
    }  # fmt: skip
    sent = {"Accept": _KIND, "Content-Type": _KIND, **_credentials()}
    try:
        answer = web.json(f"{server}/objects/batch", headers=sent, method="POST", body=body)
    except AccessError as error:
        if error.status in (403, 429) and "quota" in (error.why or ""):
            hint = "Its owner has to buy more, or wait for the next month; look for another source"
            raise AccessError("the repository has used up its transfers of Git LFS", why=error.why, hint=hint) from None
        raise
    one = next(iter(entries(answer, "objects")), None)
    trouble = maybe(one, "error")
    if trouble:
        why = f"{maybe_text(trouble, 'code')}: {maybe_text(trouble, 'message')}"[:120]
        kind = NotFound if maybe(trouble, "code") in (404, 410) else AccessError
        raise kind("the server of Git LFS does not serve the file", why=why)
    place = text(one, "actions", "download", "href")
    if split(place) is None:
        raise AccessError("the server of Git LFS leads to what is no address", why=place[:80])
    headers = maybe(one, "actions", "download", "header")
    return Address(place, _texts(headers) if isinstance(headers, dict) else {})


def _texts(headers: dict[str, object]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if isinstance(value, str)}


def _credentials() -> dict[str, str]:
    """Return GitHub's token in the form that its server of Git LFS takes: Basic, with any user."""
    found = secret("github")
    if found is None:
        return {}
    pair = base64.b64encode(f"x-access-token:{found.values['token']}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}
