"""GitHub: files of a commit, assets of a release, archives of the source.

A reference is one of

- ``owner/name`` or ``owner/name@REF``, and behind it a file or folder: ``owner/name@v1/data/a.nii.gz``; a branch or
  tag is pinned to its commit, and a slash in it is written ``%2F``;
- ``owner/name/releases/TAG``, and behind it an asset: ``owner/name/releases/v1.0/a.zip``; TAG may be ``latest``;
- ``owner/name/archive/REF.zip`` or ``.tar.gz``: made on the fly, with no size, and not the same bytes for ever.

Shapes: docs.github.com/rest (git trees, commits, releases). Files are verified by the SHA-1 of their git blob, assets
by their digest where they have one (those uploaded since mid-2025). A pointer of Git LFS is replaced by what it points
to. Symbolic links and submodules are no files and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts import _git_lfs as lfs
from medshelf.access.hosts._asking import asking, bearer
from medshelf.access.hosts._inside import inside
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import digest, entries, host_of, maybe, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, NotFound

NAME = "github"
TERMS = ("github",)
LIMITS = Limits(parallel=4)
_API = "https://api.github.com/repos"
_SITE = "https://github.com"
_RAW = "https://raw.githubusercontent.com"
_ARCHIVES = "https://codeload.github.com"
_REPO = r"[\w-]+/[\w.-]+"
_REF = re.compile(rf"({_REPO})(?:/(releases|archive)/([^/]+)(?:/([^/]+))?|@([^/@]+)(?:/(.+))?)?")
_HEADS = r"(?:refs/(?:heads|tags)/)?"
_PATHS = tuple(
    (re.compile(pattern), between)
    for pattern, between in (
        (rf"/({_REPO}?)(?:\.git)?", ""),
        (rf"/({_REPO})/(?:tree|blob|raw|blame)/{_HEADS}([^/]+)(?:/(.+))?", "@"),
        (rf"/({_REPO})/releases/(?:tag|download)/([^/]+)(?:/([^/]+))?", "/releases/"),
        (rf"/({_REPO})/releases/(latest)/download/([^/]+)", "/releases/"),
        (rf"/({_REPO})/releases(?:/(latest))?", "/releases/"),
        (rf"/({_REPO})/archive/{_HEADS}([^/]+\.(?:zip|tar\.gz))", "/archive/"),
    )
)
"""Addresses of the site, and what stands in a reference between the repository and the rest."""
_RAW_PATH = re.compile(rf"(?:/media)?/({_REPO})/{_HEADS}([^/]+)/(.+)")
_NO_OWNERS = frozenset(
    ("orgs", "topics", "features", "marketplace", "sponsors", "settings", "login", "about", "search", "collections")
)
"""First parts of addresses of the site that are no owners of repositories."""
_ID = re.compile("[0-9a-f]{40}")
_LOCATOR = re.compile(rf"(?:{_RAW}|{_ARCHIVES}|{_SITE})/{_REPO}/.+")
_LFS = re.compile(rf"lfs:({_REPO}):([0-9a-f]{{64}}):(\d{{1,18}})")


def ref_of(url: str) -> str | None:
    """Return the reference for an address of a repository, of its files, releases and archives."""
    parts = split(url)
    if parts is None:
        return None
    path, host = parts.path.rstrip("/"), host_of(parts)
    if host in ("raw.githubusercontent.com", "media.githubusercontent.com"):
        return _ref(_RAW_PATH.fullmatch(path), "@")
    if host == "codeload.github.com":
        found = re.fullmatch(rf"/({_REPO})/(zip|tar\.gz)/{_HEADS}([^/]+)", path)
        return f"{found[1]}/archive/{found[3]}.{found[2]}" if found else None
    if host != "github.com" or path[1:].partition("/")[0] in _NO_OWNERS:
        return None
    return next((_ref(found, between) for pattern, between in _PATHS if (found := pattern.fullmatch(path))), None)


def _ref(found: re.Match[str] | None, between: str) -> str | None:
    if found is None:
        return None
    repo, first, rest = (*found.groups(), None, None)[:3]
    ref = f"{repo}{between}{first or 'latest'}" if between else f"{repo}"
    return f"{ref}/{unquote(rest)}" if rest else ref


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of a commit or below one of its folders, the assets of a release, or an archive.

    Raises
    ------
    AccessNeeded
        GitHub wants to know who asks: so many requests are made in an hour only with a token.
    NotFound, AccessError, Offline
        As in `Web.json`.
    """
    found = _REF.fullmatch(ref)
    with asking(f"github:{ref}", "github"):
        if found is None:
            raise AccessError("this is no reference of GitHub", hint="Such as owner/name@main")
        repo, kind, named, asset, revision, path = found.groups()
        if kind == "releases":
            return _release(repo, named, asset, web)
        if kind == "archive":
            return _archive(repo, named, web)
        return _tree(repo, revision or "HEAD", (path or "").strip("/"), web)


def _release(repo: str, tag: str, asset: str | None, web: Web) -> Listing:
    at = "latest" if tag == "latest" else f"tags/{quote(unquote(tag), safe='')}"
    release = web.json(f"{_API}/{repo}/releases/{at}", headers=bearer("github"))
    tag = quote(text(release, "tag_name"), safe="")
    listed = [one for one in entries(release, "assets") if maybe(one, "state") in ("uploaded", None)]
    raw = [text(one, "name") for one in listed]
    files = [
        HostFile(name, f"{_SITE}/{repo}/releases/download/{tag}/{quote(at, safe='')}", size(one, "size"), _digest(one))
        for name, at, one in zip(placed(raw), raw, listed, strict=True)
        if asset in (None, at)
    ]
    if asset and not files:
        raise NotFound("the release has no such asset", why=f"it has {', '.join(sorted(raw)[:5]) or 'none'}")
    return Listing(f"github:{repo}/releases/{tag}" + (f"/{asset}" if asset else ""), tuple(files), unquote(tag))


def _digest(one: Any) -> dict[str, str]:
    algorithm, _, digits = (maybe_text(one, "digest") or "").partition(":")
    return digest(algorithm, digits)


def _archive(repo: str, named: str, web: Web) -> Listing:
    """Return the archive of a revision, pinned to its commit; its bytes are not, so that it has no checksum."""
    for kind in ("zip", "tar.gz"):
        if named.endswith(f".{kind}"):
            commit = _commit(repo, named.removesuffix(f".{kind}"), web)
            name = next(placed([f"{repo.rpartition('/')[2]}-{commit[:12]}.{kind}"]))
            file = HostFile(name, f"{_ARCHIVES}/{repo}/{kind}/{commit}")
            return Listing(f"github:{repo}/archive/{commit}.{kind}", (file,), commit)
    raise AccessError("GitHub has no such archive", why=named, hint="It makes .zip and .tar.gz")


def _commit(repo: str, revision: str, web: Web) -> str:
    """Return the commit that a branch, tag or beginning of a commit means."""
    if _ID.fullmatch(revision):
        return revision
    sent = {"Accept": "application/vnd.github.sha", **bearer("github")}
    try:
        found = web.text(f"{_API}/{repo}/commits/{quote(unquote(revision), safe='')}", headers=sent).strip()
    except AccessError as error:
        if error.status in (409, 422):  # the repository is empty, or has no such revision
            raise NotFound("the repository has no such revision", why=f"HTTP {error.status}") from None
        raise
    return _id(found)


def _id(found: str) -> str:
    if not _ID.fullmatch(found):
        raise AccessError("the answer of the host lacks what is needed", why="an id of git is none")
    return found


def _tree(repo: str, revision: str, path: str, web: Web) -> Listing:
    commit = _commit(repo, revision, web)
    listed = list(_at(repo, commit, path, web))
    patterns = _lfs_patterns(repo, commit, path, [at for at, _ in listed], web)
    files = []
    for name, (at, one) in zip(placed(at for at, _ in listed), listed, strict=True):
        place, size_bytes = f"{_RAW}/{repo}/{commit}/{quote(at)}", size(one, "size")
        pointer = None
        if lfs.may_be_pointer(at, size_bytes, patterns):
            with web.ask(place, headers=bearer("github")) as answer:
                pointer = lfs.pointer_of(answer.read(lfs.MOST_BYTES))
        if pointer:
            place = f"lfs:{repo}:{pointer.sha256}:{pointer.size_bytes}"
            files.append(HostFile(name, place, pointer.size_bytes, {"sha256": pointer.sha256}))
        else:
            files.append(HostFile(name, place, size_bytes, {"git-blob": _id(text(one, "sha"))}))
    return Listing(f"github:{repo}@{commit}" + (f"/{path}" if path else ""), tuple(files), commit)


def _at(repo: str, commit: str, path: str, web: Web) -> Iterator[tuple[str, Any]]:
    """Yield path and entry of the file at a path, or of every file below it."""
    tree = commit
    parts = path.split("/") if path else []
    for n, part in enumerate(parts, 1):
        listed, _ = _entries(repo, tree, "", web)
        one = next((one for one in listed if maybe(one, "path") == part), None)
        if maybe(one, "type") == "blob" and n == len(parts):
            yield path, one
            return
        if maybe(one, "type") != "tree":
            raise NotFound("the commit has no such file or folder", why="/".join(parts[:n]))
        tree = _id(text(one, "sha"))
    yield from _below(repo, tree, f"{path}/" if path else "", web)


def _below(repo: str, tree: str, above: str, web: Web) -> Iterator[tuple[str, Any]]:
    """Yield path and entry of every file below a tree, folder by folder where GitHub does not give all at once."""
    listed, cut = _entries(repo, tree, "?recursive=1", web)
    if cut:
        listed, cut = _entries(repo, tree, "", web)
        if cut or above.count("/") > 100:
            raise AccessError("a folder is too large for GitHub to list", why=above or "the top")
        for one in listed:
            if maybe(one, "type") == "tree":
                yield from _below(repo, _id(text(one, "sha")), f"{above}{text(one, 'path')}/", web)
    for one in listed:
        if maybe(one, "type") == "blob" and maybe(one, "mode") != "120000":
            yield above + text(one, "path"), one


def _entries(repo: str, tree: str, query: str, web: Web) -> tuple[list[Any], bool]:
    found = web.json(f"{_API}/{repo}/git/trees/{tree}{query}", headers=bearer("github"))
    return entries(found, "tree"), maybe(found, "truncated") is True


def _lfs_patterns(repo: str, commit: str, path: str, listed: list[str], web: Web) -> list[str]:
    """Return the patterns of files that are kept in Git LFS, from the attributes listed and those above the path."""
    found: list[str] = []
    parts = path.split("/") if path else []
    above = ["/".join([*parts[:n], ".gitattributes"]) for n in range(len(parts) + 1)]
    for at in sorted({*above, *(one for one in listed if one.rpartition("/")[2] == ".gitattributes")}):
        try:
            told = web.text(f"{_RAW}/{repo}/{commit}/{quote(at)}", headers=bearer("github"))
        except NotFound:
            continue
        found += lfs.patterns(told, at.rpartition("/")[0])
    return found


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served; one of Git LFS is asked for anew at each call.

    Raises
    ------
    AccessError, Offline
        As in `Web.json`; AccessError also when the repository has used up its transfers of Git LFS.
    """
    with asking(f"github:{ref}", "github"):
        found = _LFS.fullmatch(file.locator)
        if found is None:
            place = inside(file.locator, _LOCATOR)
            return Address(place, {} if place.startswith(f"{_SITE}/") else bearer("github"))
        return lfs.serve(lfs.Pointer(found[2], int(found[3])), f"{_SITE}/{found[1]}.git/info/lfs", web)


def needs(ref: str, web: Web) -> Need | None:
    """Return None: GitHub serves what it lists; what is private it does not even name."""
    return None
