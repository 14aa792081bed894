"""What a link serves: a file, of which the first byte tells name, size and checksum, or a page for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from medshelf.access.hosts.http import told_checksums, told_name
from medshelf.access.web import Answer, Web
from medshelf.errors import AccessError

_MOST_PAGE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Served:
    """What a link serves."""

    url: str
    """Where the answer came from, after redirects."""
    name: str | None = None
    """Name that the server tells."""
    size_bytes: int | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    page: str | None = None
    """The page, when it is one and not a file."""


def first_byte(url: str, web: Web, headers: Mapping[str, str] | None = None) -> Served:
    """Ask a link for its first byte.

    Raises
    ------
    NotFound, AccessError, Offline
        As in `Web.ask`; AccessError also for an answer that is no success, such as an empty 202 of a firewall.
    """
    try:
        answer = web.ask(url, headers={**(headers or {}), "Range": "bytes=0-0"})
    except AccessError as error:
        if error.status == 416:  # an empty file has no first byte
            return Served(url, None, 0)
        raise
    with answer:
        if answer.status not in (200, 206):
            raise AccessError("the host serves no file", why=f"HTTP {answer.status}")
        if is_page(answer):
            return Served(answer.url, page=answer.read(_MOST_PAGE_BYTES).decode("utf-8", "replace"))
        span = answer.span
        return Served(answer.url, told_name(answer), span[2] if span else answer.length, told_checksums(answer))


def is_page(answer: Answer) -> bool:
    """Return whether an answer is a page: of the type HTML, and not sent as a file."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "text/html" and "attachment" not in answer.headers.get("content-disposition", "").lower()
