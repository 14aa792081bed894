"""Buckets that speak the protocol of Amazon S3 and are open to everybody: where they are, and what is in them.

Shapes: docs.aws.amazon.com, Amazon S3 API Reference, ListObjectsV2, HeadBucket and HeadObject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus
from xml.etree.ElementTree import Element

from medshelf.access.hosts._asking import kept, pages
from medshelf.access.hosts._shape import digest
from medshelf.access.hosts._xml import parsed
from medshelf.access.web import Web
from medshelf.errors import AccessError

PAGE = 1000
"""Keys of one page: the most that a server gives (ListObjectsV2, max-keys)."""
_REF = re.compile(r"([A-Za-z0-9][\w.-]{1,61}[A-Za-z0-9])(?:@([a-z0-9][a-z0-9.-]*(?::\d{1,5})?))?(?:/(.*))?", re.DOTALL)
_HOSTNAME = re.compile("[a-z0-9-]+")
_KEPT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket."""

    bucket: str
    at: str = ""
    """Region of Amazon, or name (and port) of another server; empty when it is not known."""

    @property
    def root(self) -> str:
        """Where its keys are served: by its own name where that can be one of a server, else below a path.

        A name with dots is not covered by Amazon's certificates (Virtual hosting of buckets, HTTPS).
        """
        if "." in self.at or ":" in self.at:
            return f"https://{self.at}/{self.bucket}"
        server = f"s3.{self.at}.amazonaws.com" if self.at else "s3.amazonaws.com"
        named = _HOSTNAME.fullmatch(self.bucket)
        return f"https://{self.bucket}.{server}" if named else f"https://{server}/{self.bucket}"

    def url(self, key: str) -> str:
        """Return where a key is served."""
        return f"{self.root}/{quote(key, safe='/~')}"

    def ref(self, path: str) -> str:
        """Return the bucket and a path in it as a reference has them."""
        return f"{self.bucket}{'@' if self.at else ''}{self.at}/{path}"


@dataclass(frozen=True, slots=True)
class Object:
    """What a bucket holds under a key."""

    key: str
    size_bytes: int | None
    checksums: dict[str, str]
    """MD5, where the ETag is one: it has no dash then, which marks those that came in parts (Object, ETag).

    An object encrypted with a key of one's own has another ETag, but can't be open to everybody.
    """


def place_of(ref: str) -> tuple[Place, str]:
    """Return bucket and path of ``bucket[@region-or-server]/path``.

    Raises
    ------
    AccessError
        It is none.
    """
    found = _REF.fullmatch(ref)
    if found is None or ".." in found[1] or ".." in (found[2] or ""):
        raise AccessError("this is no bucket", hint="Such as fcp-indi/data/Projects/ or name@eu-west-1/folder/")
    return Place(found[1], found[2] or ""), found[3] or ""


def located(place: Place, web: Web) -> Place:
    """Return the bucket with its region, which Amazon tells to everybody in the headers of HeadBucket; asked once.

    Raises
    ------
    NotFound, AccessError, Offline
        As in `Web.ask`.
    """
    if place.at:
        return place

    def ask() -> Place:
        try:
            answer = web.ask(place.root, method="HEAD")
        except AccessError as error:
            if error.status not in (301, 307, 400, 403):  # of another region, or not shown: the header is there
                raise
            answer = web.open(place.root, method="HEAD")
        with answer:
            region = answer.headers.get("x-amz-bucket-region", "")
        return Place(place.bucket, region if _HOSTNAME.fullmatch(region) else "")

    return kept(web, ("bucket", place), _KEPT_S, ask)


def objects(place: Place, prefix: str, web: Web, *, page: int | None = None) -> Iterator[Object]:
    """Yield what is in a bucket under keys that begin with `prefix`.

    Raises
    ------
    NotFound, AccessError, Offline
        As in `Web.ask`; AccessError also when the answer is no listing.
    """
    first = f"{place.root}/?list-type=2&encoding-type=url&max-keys={page or PAGE}&prefix={quote(prefix, safe='')}"

    def get(url: str) -> tuple[list[Object], str | None]:
        with web.ask(url, headers={"Accept": "application/xml"}) as answer:
            top = parsed(answer.read(), "ListBucketResult")
        encoded = top.findtext("{*}EncodingType") == "url"
        found = [_object(one, encoded) for one in top.findall("{*}Contents")]
        if top.findtext("{*}IsTruncated") != "true":
            return found, None
        token = top.findtext("{*}NextContinuationToken")
        if not token:
            raise AccessError("the listing breaks off", why="it goes on, and does not say where")
        return found, f"{first}&continuation-token={quote(token, safe='')}"

    for found in pages(first, get):
        yield from found


def _object(one: Element, encoded: bool) -> Object:
    key = one.findtext("{*}Key") or ""
    key = unquote_plus(key) if encoded else key
    size = one.findtext("{*}Size") or ""
    if not key or not (size.isascii() and size.isdecimal() and len(size) < 19):
        raise AccessError("an entry of the listing lacks its name or size", why=f"{key[:80]!r}, {size[:20]!r}")
    return Object(key, int(size), _md5(one.findtext("{*}ETag")))


def head(place: Place, key: str, web: Web) -> Object:
    """Return one object by what the bucket says of it.

    Raises
    ------
    NotFound, AccessError, Offline
        As in `Web.ask`; a bucket that does not list says 403 of what is not there.
    """
    with web.ask(place.url(key), method="HEAD") as answer:
        if answer.status != 200:
            raise AccessError("the bucket serves no file here", why=f"HTTP {answer.status}")
        return Object(key, answer.length, _md5(answer.headers.get("etag")))


def _md5(etag: str | None) -> dict[str, str]:
    return digest("md5", (etag or "").strip().strip('"'))
