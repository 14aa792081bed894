"""Plain HTTP and HTTPS: an address is a file."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.web import Web

NAME = "http"
TERMS = ("project-site", "portal", "broad")
LIMITS = Limits()


def ref_of(url: str) -> str | None:
    """Return the address itself."""
    return url if urlsplit(url).scheme in ("http", "https") else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the one file, with its size where the server tells; errors as in `Web.ask`."""
    with web.ask(ref, method="HEAD") as answer:
        size = answer.length
    return Listing(f"http:{ref}", (HostFile(name_of(ref), ref, size),))


def name_of(url: str) -> str:
    """Return the file name at the end of an address."""
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2]) or "download"


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where it is served: its own address."""
    return Address(file.locator)


def needs(ref: str, web: Web) -> Need | None:
    """Return None: a plain address asks for nothing."""
    return None
