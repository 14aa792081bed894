"""PhysioNet: projects with versions.

A reference is the name of a project, ``ct-ich``, or a version of it, ``ct-ich/1.3.1``, and behind that a file or
folder: ``ct-ich/1.3.1/masks``. A name alone means the newest version.

The listing is the project's own ``SHA256SUMS.txt``, which tells no sizes. Open projects are
served to everybody. Others want name and password, and there PhysioNet looks at how a program names itself: it lets in
those whose User-Agent begins with ``Wget/`` or ``libwfdb/`` and answers all others with 403, whoever asks
(physionet-build, ``physionet/utility.py`` and issue 1434). medshelf does not give itself out for another
program. Who has agreed with PhysioNet on a name sets it (``MEDSHELF_USER_AGENT``); who has not is told how to fetch the
files.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, unquote, urlsplit

from medshelf.access.credentials import secret
from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking, steps
from medshelf.access.hosts._inside import inside
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import digest, host_of, split
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound

NAME = "physionet"
TERMS = ("physionet",)
LIMITS = Limits(parallel=6)
"""Streams are slow, some tens of kilobytes a second each (mimic-code, issues 600 and 1852)."""
_SITE = "https://physionet.org"
_SLUG = r"[a-z0-9][a-z0-9-]*"
_VERSION = r"\d[\w.-]*"
_PATH = re.compile(
    rf"/(?:content|files|static/published-projects)/({_SLUG})(?:/get-zip)?(?:/(?:{_SLUG}-)?({_VERSION})(?:/(.+))?)?"
)
_REF = re.compile(rf"({_SLUG})(?:/({_VERSION})(?:/(.+))?)?")
_LOCATOR = re.compile(rf"{_SLUG}/{_VERSION}/.+", re.DOTALL)
_SUMS = "SHA256SUMS.txt"


def ref_of(url: str) -> str | None:
    """Return project, version and path for an address of a page or file."""
    parts = split(url)
    if parts is None or host_of(parts) not in ("physionet.org", "alpha.physionet.org"):
        return None
    found = _PATH.fullmatch(parts.path.rstrip("/"))
    if found is None:
        return None
    slug, version, path = found.groups()
    path = "" if path is None or path.endswith(".zip") and "get-zip" in parts.path else f"/{unquote(path)}"
    return f"{slug}/{version}{path}" if version else slug


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of a version, or those at or below a path of it.

    Raises
    ------
    AccessNeeded
        The project is not open, and PhysioNet does not let us in.
    NotFound, AccessError, Offline
        As in `Web.text`.
    """
    with asking(f"physionet:{ref}"):
        slug, version, path = _parts(ref, web)
        try:
            told = web.text(f"{_files(slug, version)}/{_SUMS}", headers=_sent())
        except AccessError as error:
            if error.status in (401, 403):
                need = _need(slug, version)
                raise AccessNeeded(need.why.rstrip("."), why=error.why, steps=need.steps) from None
            raise
        listed = [(at, sum_) for at, sum_ in _sums(told) if not path or at == path or at.startswith(f"{path}/")]
        if path and not listed:
            raise NotFound("the version has no such file or folder")
        files = [
            HostFile(name, f"{slug}/{version}/{at}", None, sum_)
            for name, (at, sum_) in zip(placed(at for at, _ in listed), listed, strict=True)
        ]
    return Listing(f"physionet:{slug}/{version}" + (f"/{path}" if path else ""), tuple(files), version)


def _parts(ref: str, web: Web) -> tuple[str, str, str]:
    """Return project, version and path; the page of a project without a version leads to its newest."""
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no project of PhysioNet", hint="Such as ct-ich/1.3.1")
    slug, version, path = found[1], found[2], (found[3] or "").strip("/")
    if version is None:
        with web.ask(f"{_SITE}/content/{slug}/", method="HEAD") as answer:
            led = _PATH.fullmatch(urlsplit(answer.url).path.rstrip("/"))
        version = led[2] if led and led[1] == slug else None
        if version is None:
            raise AccessError("PhysioNet does not tell the newest version", hint=f"Name one, such as {slug}/1.0.0")
    return slug, version, path


def _files(slug: str, version: str) -> str:
    return f"{_SITE}/files/{slug}/{version}"


def _sums(told: str) -> list[tuple[str, dict[str, str]]]:
    """Return path and checksum of each line of a list of sums."""
    found = []
    for line in told.rstrip("\r\n").split("\n"):
        digits, _, path = line.rstrip("\r").partition(" ")
        path = (path[1:] if path[:1] in (" ", "*") and path[1:] else path).removeprefix("./")
        if not path or not digest("sha256", digits):
            raise AccessError("the list of checksums is none", why=line[:80])
        found.append((path, digest("sha256", digits)))
    return found


def _sent() -> dict[str, str]:
    """Return name and password, when there are any, as PhysioNet takes them: Basic, over HTTPS."""
    found = secret("physionet")
    if found is None:
        return {}
    pair = f"{found.values['user']}:{found.values['password']}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served, with name and password if there are any."""
    with asking(f"physionet:{ref}"):
        return Address(f"{_SITE}/files/{quote(inside(file.locator, _LOCATOR))}", _sent())


def needs(ref: str, web: Web) -> Need | None:
    """Return what a project that is not open asks for."""
    with asking(f"physionet:{ref}"):
        slug, version, _ = _parts(ref, web)
        try:
            web.ask(f"{_files(slug, version)}/{_SUMS}", headers=_sent(), method="HEAD").close()
        except AccessError as error:
            if error.status in (401, 403):
                return _need(slug, version)
            raise
    return None


def _need(slug: str, version: str) -> Need:
    page = f"{_SITE}/content/{slug}/{version}/"
    found = secret("physionet")
    by_hand = (
        f"Or fetch the files with wget, as the page says: wget -r -N -c -np --user NAME --ask-password "
        f"{_files(slug, version)}/ ; then give medshelf the folder"
    )
    if found is None:
        why = "The project is served only to those who may see it."
        sign = f"Log in, meet the conditions and sign on {page}"
        return Need("data-use-agreement", why, (sign, *steps("physionet"), by_hand))
    why = "PhysioNet does not serve the project to the account, or not to a program of this name."
    return Need(
        "data-use-agreement", why,
        (
            f"Look on {page} whether the account from {found.where} may see the files",
            "PhysioNet lets in only programs whose User-Agent it knows: ask it for one of your own "
            "(https://physionet.org/about/) and set MEDSHELF_USER_AGENT to that",
            by_hand,
        ),
    )  # fmt: skip
