"""Kaggle: datasets and competitions.

A reference is a dataset, ``owner/name``, a version of it, ``owner/name@3``, or ``competitions/NAME``. It means the
whole as one archive, as Kaggle wants large things to be fetched: accounts that ask for hundreds of single files are
shut out for hours. With a path behind it, ``owner/name@3/images/`` or ``competitions/NAME/train.csv``, it means the
single files at or below the path; a slash at the end with nothing behind it means all of them.

Shapes: the REST form of the interface that Kaggle's own packages declare (kagglesdk, ``/api/v1``). Downloads are led on
to Google's storage, whose answer has size and MD5 of the archive. Kaggle tells no checksum of single files, and sends
single files of a competition zipped when it likes, so that their sizes are not promised. Copies that users upload are
often altered and seldom rightly licensed.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from medshelf.access.credentials import secret
from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import account_needed, asking, paced, pages, steps
from medshelf.access.hosts._first_byte import first_byte
from medshelf.access.hosts._inside import inside
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import asked, entries, host_of, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound

NAME = "kaggle"
TERMS = ("kaggle",)
LIMITS = Limits(parallel=1, per_second=1.0)
"""Kaggle publishes no limits; users who asked faster got 429 for hours (Kaggle/kaggle-cli, issues 494 and 931)."""
_SITE = "https://www.kaggle.com"
_API = f"{_SITE}/api/v1"
_PAGE = 200
_SLUG = r"[\w-]+"
_TABS = "code|datasets|models|competitions|discussion|followers|following|account|settings"
"""Second parts of addresses of the site that are parts of somebody's page."""
_REF = re.compile(rf"(?:competitions/({_SLUG})|({_SLUG}/{_SLUG})(?:@(\d+))?)(/.*)?")
_LOCATOR = re.compile(rf"(?:competitions/data/download(?:-all)?/{_SLUG}|datasets/download/{_SLUG}/{_SLUG})(?:[/?].*)?")
_COMPETITION = re.compile(
    rf"/(?:c/|competitions/|api/v1/competitions/data/(?:list|download(?:-all)?)/)({_SLUG})(?:/.*)?"
)
_DATASET = re.compile(
    rf"/(?:api/v1/)?datasets/(?:(?:view|list|download)/)?({_SLUG}/{_SLUG})(?:/versions?/(\d+))?(?:/.*)?"
)
_OLD = re.compile(rf"/({_SLUG}/(?!(?:{_TABS})$){_SLUG})(?:/(?:data|home|version/(\d+)))?")
_NO_OWNERS = frozenset(
    ("code", "models", "discussions", "discussion", "learn", "competitions", "c", "datasets", "ds", "organizations",
     "work", "docs", "general", "api", "account", "settings", "search", "rankings", "static", "kernels", "notebooks",
     "scripts", "me", "benchmarks", "product-feedback")
)  # fmt: skip
"""First parts of addresses of the site that are no owners of datasets."""


def ref_of(url: str) -> str | None:
    """Return the dataset or competition for an address of a page or of the interface of Kaggle."""
    parts = split(url)
    if parts is None or host_of(parts) != "kaggle.com":
        return None
    path = parts.path.rstrip("/")
    found = _COMPETITION.fullmatch(path)
    if found:
        return f"competitions/{found[1]}"
    found = _DATASET.fullmatch(path) or _OLD.fullmatch(path)
    if found is None or found[1].partition("/")[0].lower() in _NO_OWNERS:
        return None
    version = found[2] or asked(parts, "datasetVersionNumber") or ""
    return found[1] + (f"@{version}" if version.isdecimal() else "")


def list_files(ref: str, web: Web) -> Listing:
    """Return the archive of the whole, or the single files at a path.

    Raises
    ------
    AccessNeeded
        An account is needed, or the rules of the competition are not accepted yet.
    NotFound, AccessError, Offline
        As in `Web.json`.
    """
    with asking(f"kaggle:{ref}", "kaggle"):
        competition, dataset, version, path = _parts(ref)
        licence = None
        if dataset:
            about = web.json(f"{_API}/datasets/view/{dataset}", headers=_sent())
            version, licence = version or _number(about), maybe_text(about, "licenseName")
        pinned = f"{dataset}@{version}" if dataset else f"competitions/{competition}"
        if path is None:
            files = [_whole(competition, dataset, version, web)]
        else:
            files = _single(_listed(competition, dataset, version, web), unquote(path), pinned, promised=bool(dataset))
            pinned += f"/{path}"
    return Listing(f"kaggle:{pinned}", tuple(files), version or None, licence)


def _number(about: Any) -> str:
    found = text(about, "currentVersionNumber")
    if not found.isdecimal():
        raise AccessError("the number of the version is none", why=found[:80])
    return found


def _parts(ref: str) -> tuple[str, str, str, str | None]:
    """Return competition, dataset, version and path; what a reference does not have is empty, and no path None."""
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no reference of Kaggle", hint="Such as owner/name@3 or competitions/NAME")
    return found[1] or "", found[2] or "", found[3] or "", found[4] and found[4][1:]


def _whole(competition: str, dataset: str, version: str, web: Web) -> HostFile:
    """Return the archive, with size and MD5 as the place that serves it tells."""
    locator = f"competitions/data/download-all/{competition}"
    if dataset:
        locator = f"datasets/download/{dataset}?datasetVersionNumber={version}"
    try:
        served = first_byte(f"{_API}/{locator}", web, _sent())
    except AccessError as error:
        if competition and error.status in (401, 403):
            raise _rules(competition, error.why) from None
        raise
    if served.page is not None:
        raise AccessError("Kaggle shows a page instead of the archive", hint="Try again in an hour")
    name = f"{competition or dataset.rpartition('/')[2]}.zip"
    return HostFile(next(placed([name])), locator, served.size_bytes, served.checksums)


def _listed(competition: str, dataset: str, version: str, web: Web) -> list[Any]:
    """Return what Kaggle says of every file, page by page."""
    first, what = f"{_API}/competitions/data/list/{competition}?pageSize={_PAGE}", "files"
    if dataset:
        first = f"{_API}/datasets/list/{dataset}?pageSize={_PAGE}&datasetVersionNumber={version}"
        what = "datasetFiles"

    def get(url: str) -> tuple[list[Any], str | None]:
        paced(web, NAME, LIMITS)
        page = web.json(url, headers=_sent())
        onward = maybe_text(page, "nextPageToken")
        return entries(page, what), f"{first}&pageToken={quote(onward, safe='')}" if onward else None

    return [one for page in pages(first, get) for one in page]


def _single(listed: list[Any], path: str, pinned: str, *, promised: bool) -> list[HostFile]:
    """Return the files at or below a path; `promised` is whether the sizes are those of what is sent."""
    folder = path if not path or path.endswith("/") else f"{path}/"
    named = [(name, one) for one in listed if (name := text(one, "name")) == path or name.startswith(folder)]
    if not named:
        raise NotFound("there is no such file or folder" if path else "there are no files")
    return [
        HostFile(at, _locator(name, pinned), size(one, "totalBytes") if promised else None)
        for at, (name, one) in zip(placed(name for name, _ in named), named, strict=True)
    ]


def _locator(name: str, pinned: str) -> str:
    kind, _, competition = pinned.partition("/")
    if kind == "competitions":
        return f"competitions/data/download/{competition}/{quote(name, safe='')}"
    dataset, _, version = pinned.partition("@")
    return f"datasets/download/{dataset}/{quote(name, safe='')}?raw=true&datasetVersionNumber={version}"


def _sent() -> dict[str, str]:
    """Return the header with the credentials: a token, which a file may hold, or name and key."""
    found = secret("kaggle")
    if found is None:
        return {}
    if "token" in found.values:
        return {"Authorization": f"Bearer {_token(found.values['token'])}"}
    pair = f"{found.values['user']}:{found.values['password']}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _token(value: str) -> str:
    """Return a token, or what the file holds whose name stands in its place."""
    try:
        return Path(value).read_text(encoding="utf-8").strip() if Path(value).is_file() else value
    except (OSError, ValueError):
        return value


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served, with the credentials if there are any; it is led on to a signed place."""
    with asking(f"kaggle:{ref}"):
        return Address(f"{_API}/{inside(file.locator, _LOCATOR)}", _sent())


def needs(ref: str, web: Web) -> Need | None:
    """Return the need of an account, or that of a competition whose rules are not accepted yet."""
    with asking(f"kaggle:{ref}"):
        competition, dataset, _, _ = _parts(ref)
        try:
            if competition:
                first_byte(f"{_API}/competitions/data/download-all/{competition}", web, _sent())
            else:
                web.json(f"{_API}/datasets/view/{dataset}", headers=_sent())
        except AccessError as error:
            if error.status not in (401, 403):
                raise
            if competition and secret("kaggle"):
                needed = _rules(competition, error.why)
                return Need("click-through", f"{needed.what}.", needed.steps)
            return account_needed("kaggle")
    return None


def _rules(competition: str, why: str | None) -> AccessNeeded:
    if secret("kaggle") is None:
        what = "Kaggle serves competitions only to those who have an account"
        return AccessNeeded(what, why=why, steps=steps("kaggle"))
    return AccessNeeded(
        "The rules of the competition have to be accepted first", why=why,
        steps=(
            f"Log in and accept the rules on {_SITE}/competitions/{competition}/rules; where that button is gone, "
            "'Late Submission' does it",
            *steps("kaggle"),
        ),
    )  # fmt: skip
