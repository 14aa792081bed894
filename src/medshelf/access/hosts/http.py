"""Plain HTTP and HTTPS: an address is a file."""

from __future__ import annotations

import base64
import binascii
from email.message import Message
from email.utils import collapse_rfc2231_value
from urllib.parse import unquote, urlsplit

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import split
from medshelf.access.web import Answer, Web
from medshelf.access.web.redact import shown
from medshelf.errors import AccessError, NotFound

NAME = "http"
TERMS = ("project-site", "portal", "broad")
LIMITS = Limits()
_PAGES = (".html", ".htm", ".xhtml")


def ref_of(url: str) -> str | None:
    """Return the address itself."""
    return None if split(url) is None else url


def list_files(ref: str, web: Web) -> Listing:
    """Return the one file, with the name, size and checksum that the server tells.

    Servers that do not like HEAD are asked for the first byte.

    Raises
    ------
    NotFound, AccessError, Offline
        As in `Web.ask`; AccessError also when the address leads to a page for people and not to a file.
    """
    if split(ref) is None:
        raise AccessError("this is no address of the web", where=f"http:{ref}")
    with asking(f"http:{shown(ref)}"):
        try:
            answer = web.ask(ref, method="HEAD")
        except (AccessError, NotFound) as error:
            if error.status is None:
                raise
            return _by_first_byte(ref, web)
        with answer:
            if not answer.length:  # some servers say 0 to HEAD, whatever the file is
                return _by_first_byte(ref, web)
            return _listing(ref, answer, answer.length, told_checksums(answer))


def _by_first_byte(ref: str, web: Web) -> Listing:
    try:
        answer = web.ask(ref, headers={"Range": "bytes=0-0"})
    except AccessError as error:
        if error.status == 416:  # there is no first byte
            return Listing(f"http:{ref}", (HostFile(next(placed([name_of(ref)])), ref, 0),))
        raise
    with answer:
        span = answer.span
        return _listing(ref, answer, span[2] if span else answer.length, {})


def _listing(ref: str, answer: Answer, size_bytes: int | None, checksums: dict[str, str]) -> Listing:
    if answer.status not in (200, 206):
        raise AccessError("the host serves no file here", why=f"HTTP {answer.status}")
    name = told_name(answer) or name_of(ref)
    page = answer.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/html"
    if page and not name.lower().endswith(_PAGES):
        raise AccessError("the address leads to a page and not to a file", hint="Open it and look for the download")
    return Listing(f"http:{ref}", (HostFile(next(placed([name])), ref, size_bytes, checksums),))


def told_name(answer: Answer) -> str | None:
    """Return the file name of Content-Disposition (RFC 6266), without folders; None when there is none."""
    message = Message()
    message["Content-Disposition"] = answer.headers.get("content-disposition", "").replace("\n", " ").replace("\r", " ")
    values = [value for name, value in message.get_params([], "Content-Disposition") if name.lower() == "filename"]
    if not values:
        return None
    best = next((value for value in values if isinstance(value, tuple)), values[0])  # filename* tells more: 4.3
    try:
        found = collapse_rfc2231_value(best)
    except (LookupError, ValueError):  # a character set that does not exist, or bytes that are not of it
        return None
    return found.replace("\\", "/").rstrip("/").rpartition("/")[2] or None


def name_of(url: str) -> str:
    """Return the file name at the end of an address."""
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2]).replace("/", "_") or "download"


def told_checksums(answer: Answer) -> dict[str, str]:
    """Return the MD5 of Content-MD5 (Azure) or x-goog-hash (Google), which both write in base64."""
    if answer.headers.get("x-goog-stored-content-encoding", "identity") != "identity":
        return {}
    hashes = [part.strip() for part in answer.headers.get("x-goog-hash", "").split(",")]
    found = next((part[4:] for part in hashes if part.startswith("md5=")), answer.headers.get("content-md5", ""))
    try:
        md5 = base64.b64decode(found, validate=True)
    except (binascii.Error, ValueError):
        return {}
    return {"md5": md5.hex()} if len(md5) == 16 else {}


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where it is served: its own address."""
    return Address(file.locator)


def needs(ref: str, web: Web) -> Need | None:
    """Return None: a plain address asks for nothing."""
    return None
