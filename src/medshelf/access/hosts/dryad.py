"""Dryad: datasets by DOI; files are served to those who have an account only.

A reference is a DOI, ``10.5061/dryad.mj76c``, pinned to a version with its id: ``10.5061/dryad.mj76c@126667``.

Shapes: datadryad.org/api/v2 (HAL): a dataset links to its newest version, a version to pages of files with size and
digest. Downloads want a token that is got with the id and secret of an API account (OAuth 2.0, client credentials).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from medshelf.access.credentials import secret
from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import account_needed, asking, kept, paced, pages, steps
from medshelf.access.hosts._doi import doi_of
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import asked, digest, entries, host_of, maybe, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded

NAME = "dryad"
TERMS = ("dryad",)
LIMITS = Limits(parallel=1, per_second=0.5)
"""30 requests a minute for guests, 100 files an hour (configuration of dryad-app, 2026)."""
_SITE = "https://datadryad.org"
_PATH = re.compile(r"/(?:stash/)?(?:dataset|resource|landing/show|api/v2/datasets)/doi:(10\.\d+/[^/]+)(?:/.*)?")
_DOI = re.compile(r"(10\.5061/dryad\.[^/]+)(?:/\d+)?")
"""With the number of a file behind it, as Dryad gave them until 2019."""
_FILE = re.compile(r"/api/v2/(?:files/\d+/download|downloads/\d+)")
_TOKEN_S = 3600.0


def ref_of(url: str) -> str | None:
    """Return the DOI for an address of Dryad, or for a DOI of Dryad."""
    doi = doi_of(url)
    if doi:
        named = _DOI.fullmatch(doi)
        return named[1] if named else None
    parts = split(url)
    if parts is None or host_of(parts) not in ("datadryad.org", "dash.ucop.edu"):
        return None
    asked_for = doi_of(asked(parts, "id") or "") if parts.path.rstrip("/").endswith("/landing/show") else None
    if asked_for:
        return asked_for
    found = _PATH.fullmatch(unquote(parts.path).rstrip("/"))
    return found[1].lower() if found else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of the newest version, or of the version that the reference names.

    Raises
    ------
    NotFound, AccessError, Offline
        As in `Web.json`.
    """
    doi, _, version = ref.partition("@")
    with asking(f"dryad:{ref}", "dryad"):
        dataset = web.json(f"{_SITE}/api/v2/datasets/{quote(f'doi:{doi}', safe='')}")
        version = version or text(dataset, "_links", "stash:version", "href").rpartition("/")[2]
        if not version.isdecimal():
            raise AccessError("the id of a version is no number", why=version[:80])

        def get(url: str) -> tuple[list[Any], str | None]:
            paced(web, NAME, LIMITS)
            page = web.json(url)
            onward = maybe_text(page, "_links", "next", "href")
            return entries(page, "_embedded", "stash:files"), _ours(onward) if onward else None

        listed = [one for page in pages(f"{_SITE}/api/v2/versions/{version}/files", get) for one in page]
        listed = [one for one in listed if maybe(one, "status") != "deleted"]
        files = [
            HostFile(name, _download(text(one, "_links", "stash:download", "href")), size(one, "size"), _checksum(one))
            for name, one in zip(placed(text(one, "path") for one in listed), listed, strict=True)
        ]
    return Listing(f"dryad:{doi}@{version}", tuple(files), version, maybe_text(dataset, "license"))


def _ours(href: str) -> str:
    """Return the address for the path of a link."""
    path = href.removeprefix(_SITE)
    if not path.startswith("/api/v2/"):
        raise AccessError("the host's listing leads to another place", why=href[:80])
    return _SITE + path


def _checksum(one: Any) -> dict[str, str]:
    return digest(maybe_text(one, "digestType") or "", maybe(one, "digest"))


def _download(href: str) -> str:
    """Return the path at which a file is served."""
    path = href.removeprefix(_SITE)
    if not _FILE.fullmatch(path):
        raise AccessError("the address of a file is not of the form that we know", why=path[:80])
    return path


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served, with a token.

    Raises
    ------
    AccessNeeded
        There are no credentials, or Dryad does not accept them.
    AccessError, Offline
        As in `Web.json`.
    """
    with asking(f"dryad:{ref}", "dryad"):
        path, token = _download(file.locator), _token(web)
        if token is None:
            raise AccessNeeded("Dryad serves files only to those who have an account", steps=steps("dryad"))
        return Address(f"{_SITE}{path}", {"Authorization": f"Bearer {token}"})


def _token(web: Web) -> str | None:
    """Return a token for the credentials that are there, the same one for an hour; None when there are none."""
    found = secret("dryad")
    if found is None:
        return None
    client, key = found.values["user"], found.values["password"]

    def ask() -> str:
        body = {"grant_type": "client_credentials", "client_id": client, "client_secret": key}
        try:
            return text(web.json(f"{_SITE}/oauth/token", method="POST", body=body), "access_token")
        except AccessError as error:
            error.why = None if error.status is None else f"HTTP {error.status}"  # its words may repeat what was sent
            error.args = (error.what, error.where, error.why, error.hint)
            raise

    return kept(web, ("dryad", client, hash(key)), _TOKEN_S, ask)


def needs(ref: str, web: Web) -> Need | None:
    """Return the need of an account, unless Dryad gives a token for the credentials that are there."""
    with asking(f"dryad:{ref}"):
        try:
            return None if _token(web) else account_needed("dryad")
        except AccessError as error:
            if error.status in (400, 401, 403):
                return account_needed("dryad")
            raise
