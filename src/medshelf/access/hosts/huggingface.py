"""Hugging Face: repositories of datasets and models, at huggingface.co or at the place that ``HF_ENDPOINT`` names.

A reference is the name of a dataset, ``owner/name``, or of a model, ``models/owner/name``; behind it a revision,
``owner/name@main``, and behind that a file or folder, ``owner/name@main/images/a.zip``. A listing is pinned to a
commit.

Shapes: huggingface.co/docs/hub/api: ``revision`` (the commit), ``paths-info`` (what one path is), ``tree`` (files in
pages, the next in the header Link) and ``auth-check`` (whether gated files would be served). Files that are kept in Git
LFS or Xet have a SHA-256, all others the SHA-1 of their git blob. A slash in a revision is written ``%2F``.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any
from urllib.parse import quote, unquote, urljoin

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking, bearer, pages, steps
from medshelf.access.hosts._inside import inside
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import digest, entries, host_of, maybe, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.access.web.client import refusal
from medshelf.errors import AccessError, NotFound

NAME = "huggingface"
TERMS = ("huggingface",)
LIMITS = Limits(parallel=8)
_SITE = "https://huggingface.co"
_REPO = r"[\w.-]+(?:/[\w.-]+)?"
_REF = re.compile(rf"(models/)?({_REPO})(?:@([^/@]+)(?:/(.+))?)?")
_VIEWS = "tree|blob|resolve|raw|blame|commits?|discussions|viewer|settings"
_PAGE = re.compile(rf"/(datasets/)?({_REPO}?)(?:/({_VIEWS})(?:/([^/]+)(?:/(.+))?)?)?")
_NO_OWNERS = frozenset(
    ("spaces", "docs", "papers", "blog", "collections", "models", "datasets", "api", "organizations", "join", "login",
     "pricing", "settings", "posts", "tasks", "learn", "chat", "enterprise", "support", "new", "search")
)  # fmt: skip
"""First parts of addresses of the site that are no owners of repositories."""
_IN_HUB = re.compile(r"([\w.-]+/[\w.-]+?)(?:@(refs/(?:convert|pr)/[^/]+|[^/]+))?(?:/(.+))?")
_COMMIT = re.compile("[0-9a-f]{40}")
_LOCATOR = re.compile(rf"(?:datasets/)?{_REPO}/resolve/[0-9a-f]{{40}}/.+")
_NEXT = re.compile(r'<([^<>]+)>\s*;\s*rel="?next"?')


def ref_of(url: str) -> str | None:
    """Return the repository for an address of its page, with revision and path when it is that of a file or folder.

    Also for ``hf://datasets/owner/name@revision/path``, as huggingface_hub writes places (HfFileSystem).
    """
    if url.strip().startswith("hf://"):
        return _of_file_system(url.strip()[5:].rstrip("/"))
    parts = split(url)
    ours = split(_endpoint())
    if parts is None or host_of(parts) not in ("huggingface.co", "hf.co", host_of(ours) if ours else ""):
        return None
    found = _PAGE.fullmatch(parts.path.rstrip("/"))
    if found is None:
        return None
    kind, name, view, revision, path = found.groups()
    if not kind and ("/" not in name or name.partition("/")[0] in _NO_OWNERS):
        return None
    ref = name if kind else f"models/{name}"
    if view in ("tree", "blob", "resolve", "raw", "blame") and revision:
        ref += f"@{revision}" + (f"/{unquote(path)}" if path else "")
    return ref


def _of_file_system(path: str) -> str | None:
    """Return the reference for a path of huggingface_hub's file system; without a kind before it, that of a model."""
    kind, _, rest = path.partition("/")
    whole = rest if kind in ("datasets", "models") else path
    found = _IN_HUB.fullmatch(whole) if kind not in ("spaces", "buckets") else None
    if found is None:
        return None
    repo, revision, inner = found.groups()
    ref = repo if kind == "datasets" else f"models/{repo}"
    if revision or inner:
        ref += f"@{quote(unquote(revision or 'main'), safe='')}" + (f"/{inner}" if inner else "")
    return ref if _REF.fullmatch(ref) else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of a repository, of one of its folders, or one file.

    Raises
    ------
    AccessNeeded
        The repository is private, or there is none.
    NotFound, AccessError, Offline
        As in `Web.json`.
    """
    with asking(f"huggingface:{ref}", "huggingface"):
        repo, revision, path = _parts(ref)
        about = web.json(f"{_api(repo)}/revision/{revision}?expand=sha&expand=cardData", headers=bearer("huggingface"))
        commit = text(about, "sha")
        if not _COMMIT.fullmatch(commit):
            raise AccessError("the answer of the host lacks what is needed", why="the commit is none")
        listed = [one for one in _listed(repo, commit, path, web) if maybe(one, "type") == "file"]
        paths = [text(one, "path") for one in listed]
        files = [
            HostFile(name, f"{repo.removeprefix('models/')}/resolve/{commit}/{quote(at)}", _size(one), _checksum(one))
            for name, at, one in zip(placed(paths), paths, listed, strict=True)
        ]
    short = ref.partition("@")[0]
    pinned = f"huggingface:{short}@{commit}" + (f"/{path}" if path else "")
    return Listing(pinned, tuple(files), commit, _licence(maybe(about, "cardData", "license")))


def _parts(ref: str) -> tuple[str, str, str]:
    """Return the repository with its kind before it, the revision and the path."""
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no reference of Hugging Face", hint="Such as owner/name@main")
    revision = quote(unquote(found[3] or "main"), safe="")
    return f"{found[1] or 'datasets/'}{found[2]}", revision, (found[4] or "").strip("/")


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or _SITE).rstrip("/")


def _api(repo: str) -> str:
    return f"{_endpoint()}/api/{repo}"


def _listed(repo: str, commit: str, path: str, web: Web) -> list[Any]:
    """Return the entries at a path: those of a folder, or the one of a file."""
    if path:
        body = {"paths": [path], "expand": False}
        sent = bearer("huggingface")
        found = entries(web.json(f"{_api(repo)}/paths-info/{commit}", headers=sent, method="POST", body=body))
        if not found:
            raise NotFound("the repository has no such file or folder")
        if maybe(found[0], "type") == "file":
            return found[:1]
    tree = f"{_api(repo)}/tree/{commit}" + (f"/{quote(path)}" if path else "")
    return [one for page in pages(f"{tree}?recursive=true&expand=false", lambda at: _page(at, web)) for one in page]


def _page(url: str, web: Web) -> tuple[list[Any], str | None]:
    with web.ask(url, headers={"Accept": "application/json", **bearer("huggingface")}) as answer:
        body, link = answer.read(), answer.headers.get("link", "")
    try:
        page = entries(json.loads(body))
    except (ValueError, RecursionError):
        raise AccessError("the host answers with something else than JSON") from None
    found = _NEXT.search(link)
    onward = urljoin(url, found[1]) if found else None
    if onward and not onward.startswith(f"{_endpoint()}/api/"):
        raise AccessError("the host's listing leads to another place")
    return page, onward


def _size(one: Any) -> int | None:
    large = size(one, "lfs", "size")
    return size(one, "size") if large is None else large


def _checksum(one: Any) -> dict[str, str]:
    large = digest("sha256", maybe(one, "lfs", "oid") or maybe(one, "lfs", "sha256"))
    if large or maybe(one, "lfs"):
        return large
    sha1 = digest("sha1", maybe(one, "oid")).get("sha1")
    return {"git-blob": sha1} if sha1 else {}


def _licence(told: Any) -> str | None:
    named = [one for one in told if isinstance(one, str)] if isinstance(told, list) else [told]
    return ", ".join(one for one in named if isinstance(one, str)) or None


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file of the commit is served, with the token if there is one; it is led on to signed places."""
    with asking(f"huggingface:{ref}"):
        return Address(f"{_endpoint()}/{inside(file.locator, _LOCATOR)}", bearer("huggingface"))


def needs(ref: str, web: Web) -> Need | None:
    """Return what a gated repository asks for; the page at which its conditions are accepted is among the steps."""
    with asking(f"huggingface:{ref}", "huggingface"):
        repo, _, _ = _parts(ref)
        with web.open(f"{_api(repo)}/auth-check", headers=bearer("huggingface")) as answer:
            if answer.status < 300:
                return None
            if answer.status not in (401, 403) or answer.headers.get("x-error-code") != "GatedRepo":
                raise refusal(answer, bearer("huggingface"))
        return _gate(repo, web)


def _gate(repo: str, web: Web) -> Need:
    """Return what to do for a gated repository, by how its authors let people in."""
    how = maybe_text(web.json(f"{_api(repo)}?expand=gated", headers=bearer("huggingface")), "gated")
    page = f"{_endpoint()}/{repo.removeprefix('models/')}"
    if how == "manual":
        kind, why = "application", "The authors decide on each request for these files."
    else:
        kind, why = "click-through", "The conditions of the repository have to be accepted first."
    return Need(kind, why, (f"Log in and agree to the conditions on {page}", *steps("huggingface")))
