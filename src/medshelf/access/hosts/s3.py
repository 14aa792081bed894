"""Amazon S3, and servers that speak like it: buckets that are open to everybody, without an account.

A reference is a bucket, where it is (a region of Amazon, or the name of another server) if that is known, and a path:
``fcp-indi/data/Projects/ADHD200/``, ``msd-for-monai@us-west-2/Task09_Spleen.tar``,
``kits19@sfo2.digitaloceanspaces.com/``. The listing is pinned to the region.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from urllib.parse import SplitResult, parse_qsl, unquote

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking
from medshelf.access.hosts._bucket import Object, Place, head, located, objects, place_of
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import split
from medshelf.access.web import Web
from medshelf.errors import AccessError, NotFound

NAME = "s3"
TERMS = ("aws",)
LIMITS = Limits(parallel=16, split_from_bytes=256 << 20)
"""A stream is limited, many are not (Amazon S3 User Guide, Performance guidelines: byte-range fetches)."""
_SERVER = re.compile(
    r"(?:(?P<bucket>[\w.-]+)\.)?s3(?:[.-](?!website|accesspoint)(?:accelerate|(?:dualstack\.)?(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)))?"
    r"\.amazonaws\.com"
)
_SPACES = re.compile(r"(?P<bucket>[\w.-]+)\.(?P<server>[a-z0-9]+\.digitaloceanspaces\.com)")
_LISTS = ("prefix", "list-type", "delimiter", "encoding-type", "max-keys")
_OTHERS = re.compile(r"prod-dcd-datasets-cache-zipfiles|pstorage-.*|openneuro\.org|isic-archive")
"""Buckets behind Mendeley Data, Figshare, OpenNeuro and the ISIC Archive, whose modules know what is in them."""


def ref_of(url: str) -> str | None:
    """Return bucket, place and path for ``s3://`` and for addresses of Amazon S3 and DigitalOcean Spaces.

    Addresses that are signed, or ask for one version, are none.
    """
    if url.strip().startswith("s3://"):
        return _good(url.strip()[5:])
    parts = split(url)
    if parts is None or not {name for name, _ in parse_qsl(parts.query)} <= {*_LISTS}:
        return None
    server = parts.hostname or ""
    spaces = _SPACES.fullmatch(server)
    if spaces:
        return _good(Place(spaces["bucket"], spaces["server"]).ref(unquote(parts.path)[1:] or _prefix(parts)))
    found = _SERVER.fullmatch(server)
    if found is None:
        return None
    bucket, path = found["bucket"], unquote(parts.path).removeprefix("/")
    if bucket is None:
        bucket, _, path = path.partition("/")
    return _good(Place(bucket, found["region"] or "").ref(path or _prefix(parts)))


def _prefix(parts: SplitResult) -> str:
    """Return the beginning of the keys that an address of a bucket asks for."""
    return dict(parse_qsl(parts.query)).get("prefix", "")


def _good(ref: str) -> str | None:
    try:
        place, _ = place_of(ref)
    except AccessError:
        return None
    return None if _OTHERS.fullmatch(place.bucket) else ref


def list_files(ref: str, web: Web) -> Listing:
    """Return the file of a key, or all files below it.

    A path that does not end with a slash is a file, if there is one of that name, else a folder.

    Raises
    ------
    NotFound
        No such bucket, or nothing is there.
    AccessError, Offline
        As in `Web.ask`; AccessError also when the bucket is not open to everybody.
    """
    with asking(f"s3:{ref}"):
        place, path = place_of(ref)
        place = located(place, web)
        folder, listed = _found(place, path, web)
        found = list(listed)
        names = placed(one.key.removeprefix(folder) for one in found)
        files = [HostFile(name, one.key, one.size_bytes, one.checksums) for name, one in zip(names, found, strict=True)]
    return Listing(f"s3:{place.ref(path)}", tuple(files))


def _found(place: Place, path: str, web: Web, *, page: int | None = None) -> tuple[str, Iterator[Object]]:
    """Return the folder and what is in it, or that of a single file and the file."""
    refused: AccessError | NotFound | None = None
    if path and not path.endswith("/"):
        try:
            return path[: path.rfind("/") + 1], iter([head(place, path, web)])
        except (AccessError, NotFound) as error:
            if error.status not in (403, 404):
                raise
            refused = error if error.status == 403 else None  # what is not there, in a bucket that does not list, too
        path += "/"
    found = (one for one in objects(place, path, web, page=page) if not (one.key.endswith("/") and not one.size_bytes))
    first = next(found, None)
    if first is None:
        raise refused or NotFound("nothing is there in the bucket", why=f"no key begins with {path!r}")
    return path, chain([first], found)


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served."""
    with asking(f"s3:{ref}"):
        return Address(located(place_of(ref)[0], web).url(file.locator))


def needs(ref: str, web: Web) -> Need | None:
    """Return the need of an account of Amazon, when the bucket is not open to everybody."""
    with asking(f"s3:{ref}"):
        place, path = place_of(ref)
        place = located(place, web)
        try:
            _found(place, path, web, page=1)
        except AccessError as error:
            if error.status not in (401, 403):
                raise
            return Need("account", "The bucket is not open to everybody.", _steps(place, path))
        return None


def _steps(place: Place, path: str) -> tuple[str, ...]:
    return (
        "Ask those who run it for access, with an account of Amazon Web Services: https://aws.amazon.com/",
        f"Copy what you need: aws s3 sync s3://{place.bucket}/{path} FOLDER (with --request-payer requester when the "
        "bucket has who reads it pay)",
    )
