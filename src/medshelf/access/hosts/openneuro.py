"""OpenNeuro: datasets in the form of BIDS, from its public bucket at Amazon.

A reference is the accession number, ``ds000114``, perhaps with a snapshot, ``ds000114@1.0.2``. The bucket holds the
newest snapshot of a dataset alone; its number is asked of the interface (docs.openneuro.org, API), and a reference to
another one is an error.
"""

from __future__ import annotations

import re

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking
from medshelf.access.hosts._bucket import Object, Place, objects
from medshelf.access.hosts._doi import doi_of
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import host_of, maybe, maybe_text, split
from medshelf.access.web import Web
from medshelf.errors import AccessError, NotFound

NAME = "openneuro"
TERMS = ("openneuro",)
LIMITS = Limits(parallel=16)
_BUCKET = Place("openneuro.org", "us-east-1")
_API = "https://openneuro.org/crn/graphql"
_NUMBER = r"ds\d{6}"
_TAG = r"[A-Za-z0-9][\w.+-]{0,63}"
_REF = re.compile(rf"({_NUMBER})(?:@({_TAG}))?")
_DOI = re.compile(rf"10\.18112/openneuro\.({_NUMBER})(?:\.v({_TAG}))?")
_PAGE = re.compile(
    rf"/(?:datasets|crn/datasets|git/\d+)/({_NUMBER})(?:/versions/({_TAG})|/snapshots/({_TAG}))?(?:/.*)?"
)


def ref_of(url: str) -> str | None:
    """Return number and snapshot for a page of OpenNeuro, a DOI of it, or a folder of its bucket."""
    doi = _DOI.fullmatch(doi_of(url) or "")
    if doi:
        return _ref(doi[1], doi[2])
    bucket = re.fullmatch(
        rf"(?:s3://openneuro\.org|https?://(?:s3\.amazonaws\.com/openneuro\.org|openneuro\.org\.s3\.amazonaws\.com))/({_NUMBER})/?",
        url.strip(),
    )
    if bucket:
        return bucket[1]
    parts = split(url)
    if parts is None:
        return None
    found = _PAGE.fullmatch(parts.path) if host_of(parts) == "openneuro.org" else None
    return _ref(found[1], found[2] or found[3]) if found else None


def _ref(number: str, tag: str | None) -> str:
    return f"{number}@{tag}" if tag else number


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of the newest snapshot.

    Raises
    ------
    NotFound
        No such dataset is public.
    AccessError, Offline
        As in `Web.ask`; AccessError also when another snapshot is asked for than the newest.
    """
    with asking(f"openneuro:{ref}"):
        number, tag = _parts(ref)
        newest = _newest(number, web)
        if tag and tag != newest:
            hint = f"Take the newest, or that one with DataLad: https://github.com/OpenNeuroDatasets/{number}"
            raise AccessError(
                "the bucket holds the newest snapshot alone", why=f"that is {newest}, asked for {tag}", hint=hint
            )
        found = [
            one for one in objects(_BUCKET, f"{number}/", web) if not (one.key.endswith("/") and not one.size_bytes)
        ]
        if not found:
            raise NotFound("the bucket holds no such dataset")
        names = placed(one.key.removeprefix(f"{number}/") for one in found)
        files = tuple(_file(name, one) for name, one in zip(names, found, strict=True))
    return Listing(f"openneuro:{number}@{newest}", files, newest)


def _parts(ref: str) -> tuple[str, str | None]:
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError("this is no dataset of OpenNeuro", hint="Such as ds000114")
    return found[1], found[2]


def _file(name: str, one: Object) -> HostFile:
    return HostFile(name, one.key, one.size_bytes, one.checksums)


def _newest(number: str, web: Web) -> str:
    """Return the tag of the newest snapshot."""
    query = "query ($id: ID!) { dataset(id: $id) { latestSnapshot { tag } } }"
    answer = web.json(_API, method="POST", body={"query": query, "variables": {"id": number}})
    found = maybe_text(answer, "data", "dataset", "latestSnapshot", "tag")
    if found is None or not re.fullmatch(_TAG, found):
        if isinstance(maybe(answer, "data"), dict) and maybe(answer, "data", "dataset") is None:
            raise NotFound("no such dataset is public")
        raise AccessError("the answer of the host lacks what is needed", why="no tag of a snapshot")
    return found


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the bucket serves the file."""
    with asking(f"openneuro:{ref}"):
        return Address(_BUCKET.url(file.locator))


def needs(ref: str, web: Web) -> Need | None:
    """Return None: what OpenNeuro has in its bucket is open."""
    return None
