"""Google Cloud Storage: buckets that are open to everybody, without an account.

A reference is a bucket and a path: ``idc-open-data/``, ``gresearch/medical/x.zip``.

Shapes: cloud.google.com/storage/docs/json_api, Objects: list and get.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking, pages
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import entries, host_of, maybe, maybe_text, size, split, text
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound

NAME = "gcs"
TERMS = ("gcs",)
LIMITS = Limits(parallel=8, split_from_bytes=256 << 20)
_SITE = "https://storage.googleapis.com"
_PAGE = 1000
_FIELDS = "name,size,md5Hash,crc32c,contentEncoding"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_CLOSED = (400, 401, 403)
"""400 says that who reads the bucket has to pay."""


def ref_of(url: str) -> str | None:
    """Return bucket and path for ``gs://``, and for addresses of files, of the interface and of the console."""
    if url.strip().startswith("gs://"):
        return _good(url.strip()[5:])
    parts = split(url)
    if parts is None or "x-goog-signature" in parts.query.lower():
        return None
    host, path = host_of(parts), unquote(parts.path).removeprefix("/")
    if host.endswith(".storage.googleapis.com"):
        return _good(f"{host.removesuffix('.storage.googleapis.com')}/{path}")
    if host == "console.cloud.google.com":
        found = re.fullmatch(r"storage/browser/(?:_details/)?([^;]*).*", path)
        return _good(found[1]) if found else None
    if host not in ("storage.googleapis.com", "storage.cloud.google.com", "googleapis.com"):
        return None
    found = re.fullmatch(r"(?:download/)?storage/v1/b/([^/]+)/o(?:/(.*))?", path)
    if found:
        return _good(f"{found[1]}/{found[2] or ''}")
    return None if host == "googleapis.com" else _good(path)


def _good(ref: str) -> str | None:
    bucket, _, path = ref.partition("/")
    return f"{bucket}/{path}" if _BUCKET.fullmatch(bucket) and ".." not in bucket else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the file of a name, or all files below it.

    A path that does not end with a slash is a file, if there is one of that name, else a folder.

    Raises
    ------
    AccessNeeded
        The bucket is not open to everybody, or who reads it has to pay.
    NotFound, AccessError, Offline
        As in `Web.json`; NotFound also when nothing is there.
    """
    with asking(f"gcs:{ref}"):
        bucket, path = _parts(ref)
        try:
            folder, found = _found(bucket, path, web)
        except AccessError as error:
            if error.status not in _CLOSED:
                raise
            need = _closed(ref)
            raise AccessNeeded(need.why, why=error.why, steps=need.steps) from None
        names = placed(text(one, "name").removeprefix(folder) for one in found)
        files = [_file(name, one) for name, one in zip(names, found, strict=True)]
    return Listing(f"gcs:{bucket}/{path}", tuple(files))


def _parts(ref: str) -> tuple[str, str]:
    good = _good(ref)
    if good is None:
        raise AccessError("this is no bucket of Google Cloud Storage", hint="Such as gs://bucket/folder/")
    bucket, _, path = good.partition("/")
    return bucket, path


def _found(bucket: str, path: str, web: Web) -> tuple[str, list[Any]]:
    """Return the folder and what is in it, or that of a single file and the file."""
    one = _single(bucket, path, web)
    if one is not None:
        return path[: path.rfind("/") + 1], [one]
    path += "/" if path and not path.endswith("/") else ""
    found = [one for one in _listed(bucket, path, _PAGE, web) if not _is_folder(one)]
    if not found:
        raise NotFound("nothing is there in the bucket", why=f"no name begins with {path!r}")
    return path, found


def _single(bucket: str, path: str, web: Web) -> Any | None:
    """Return what is said of a file, or None when there is none of that name."""
    if not path or path.endswith("/"):
        return None
    try:
        one = web.json(f"{_place(bucket)}/{quote(path, safe='')}?fields={_FIELDS}")
    except (AccessError, NotFound) as error:
        if error.status not in (401, 403, 404):  # a bucket that does not list says 401 of what is not there
            raise
        return None
    text(one, "name")
    return one


def _is_folder(one: Any) -> bool:
    return text(one, "name").endswith("/") and not size(one, "size")


def _place(bucket: str) -> str:
    return f"{_SITE}/storage/v1/b/{bucket}/o"


def _listed(bucket: str, prefix: str, page: int, web: Web) -> Iterator[Any]:
    asked = f"maxResults={page}&prefix={quote(prefix, safe='')}&fields=nextPageToken,items({_FIELDS})"
    first = f"{_place(bucket)}?{asked}"

    def get(url: str) -> tuple[list[Any], str | None]:
        answer = web.json(url)
        if not isinstance(answer, dict) or (answer.keys() & {"items", "nextPageToken", "kind"} != answer.keys()):
            raise AccessError("the answer of the host is no listing of a bucket")
        token = maybe_text(answer, "nextPageToken")
        found = entries(answer, "items") if "items" in answer or not token else []
        return found, f"{first}&pageToken={quote(token, safe='')}" if token else None

    for found in pages(first, get):
        yield from found


def _file(name: str, one: Any) -> HostFile:
    """Return a file; one that is kept packed is served unpacked, so that its size and checksum say nothing of it."""
    key = text(one, "name")
    if maybe_text(one, "contentEncoding") not in (None, "identity"):
        return HostFile(name, key)
    crc32c = maybe_text(one, "crc32c")
    return HostFile(name, key, size(one, "size"), _md5(one), {"crc32c": crc32c} if crc32c else {})


def _md5(one: Any) -> dict[str, str]:
    """Return the MD5, which is written in base64; files that are made of parts have none."""
    value = maybe(one, "md5Hash")
    try:
        found = base64.b64decode(value if isinstance(value, str) else "", validate=True)
    except (binascii.Error, ValueError):
        return {}
    return {"md5": found.hex()} if len(found) == 16 else {}


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served."""
    with asking(f"gcs:{ref}"):
        return Address(f"{_SITE}/{_parts(ref)[0]}/{quote(file.locator, safe='/~')}")


def needs(ref: str, web: Web) -> Need | None:
    """Return the need of an account of Google, when the bucket is not open to everybody, or reading it costs."""
    with asking(f"gcs:{ref}"):
        bucket, path = _parts(ref)
        try:
            if _single(bucket, path, web) is None:
                next(_listed(bucket, path, 1, web), None)
        except AccessError as error:
            if error.status not in _CLOSED:
                raise
            return _closed(ref)
        return None


def _closed(ref: str) -> Need:
    return Need(
        "account", "The bucket is not open to everybody, or who reads it has to pay.",
        (
            "Make a project with billing: https://console.cloud.google.com/",
            "Ask those who run the bucket for access, where it is not for all who pay",
            f"Copy what you need: gcloud storage cp --recursive --billing-project PROJECT gs://{ref} FOLDER",
        ),
    )  # fmt: skip
