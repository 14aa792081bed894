"""The pages for people of Google Drive, read by a program: what a folder holds, and where a file is served.

Large files are served behind a form that says that they were not looked through for viruses; what it would send when a
person agrees is sent. Forms, captions and entries are told by the names that Drive gives them in its pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlunsplit

from medshelf.access.hosts._first_byte import Served, first_byte
from medshelf.access.hosts._shape import host_of, split
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded

HOSTS = ("drive.google.com", "docs.google.com", "drive.usercontent.google.com")
NOT_SHARED = "The owner has not shared it with everybody who has the link."
EXPORTS = {"document": "docx", "spreadsheets": "xlsx", "presentation": "pptx"}
"""Kinds of documents that exist only at Google, and the form in which they are fetched."""
_ID = r"[\w-]{10,}"
_ENTRY = re.compile(rf"/(?:drive/folders/({_ID})|(?:file|({'|'.join(EXPORTS)}))/d/({_ID})(?:/.*)?)/?")
_BUSY = re.compile("too many users|quota", re.IGNORECASE)
_TOKEN = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)>|([^<]+)|<")
_VALUE = re.compile(r"""(?<![\w-])([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"))


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder holds."""

    name: str
    number: str
    """Its id."""
    kind: str = ""
    """``folders``, one of `EXPORTS`, or nothing for a file."""
    key: str | None = None
    """Resource key of links from before 2021."""
    size_bytes: int | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)


def found(number: str, key: str | None, web: Web) -> Served:
    """Return name and size of a file, and the address at which it is served now.

    Raises
    ------
    AccessNeeded
        It is not shared with everybody.
    NotFound, AccessError, Offline
        As in `first_byte`; AccessError also when too many have asked for it.
    """
    asked = {"id": number, "export": "download", "confirm": "t", **({"resourcekey": key} if key else {})}
    url = f"https://drive.usercontent.google.com/download?{urlencode(asked)}"
    served = _first(url, web)
    if served.page is not None and (form := _Page(served.page).form):
        url = form
        served = _first(url, web)
    if served.page is not None:
        raise _trouble(served)
    return replace(served, url=url)


def folder(number: str, key: str | None, web: Web) -> list[Entry]:
    """Return what a folder holds, without what is in its folders; errors as in `found`."""
    asked = {"id": number, **({"resourcekey": key} if key else {})}
    served = _first(f"https://drive.google.com/embeddedfolderview?{urlencode(asked)}", web)
    if served.page is None:
        raise AccessError("Google Drive serves a file where the page of a folder was expected")
    page = _Page(served.page)
    if "accounts.google.com" in served.url or not page.title or page.caption:
        raise _trouble(served)
    return [one for href, name in page.links if (one := _entry(href, name))]


def _entry(href: str, name: str) -> Entry | None:
    parts = split(href)
    match = _ENTRY.fullmatch(parts.path) if parts and host_of(parts) in HOSTS else None
    if parts is None or match is None or not name:
        return None
    key = dict(parse_qsl(parts.query)).get("resourcekey")
    if match[1]:
        return Entry(name, match[1], "folders", key)
    ending = f".{EXPORTS[match[2]]}" if match[2] else ""
    return Entry(name if name.endswith(ending) else name + ending, match[3], match[2] or "", key)


def _first(url: str, web: Web) -> Served:
    try:
        return first_byte(url, web)
    except AccessError as error:
        if error.status in (401, 403):
            raise _not_shared(error.why) from None
        raise


def _trouble(served: Served) -> AccessError:
    """Return the error that a page stands for."""
    page = _Page(served.page or "")
    said = " ".join(page.caption.split())[:160] or page.title[:80] or None
    if "accounts.google.com" in served.url:
        return _not_shared(said)
    if _BUSY.search(page.caption):
        hint = "Wait a day, take another source, or copy the file to a Drive of your own and fetch it there"
        return AccessError("too many people have fetched this file from Google Drive", why=said, hint=hint)
    return AccessError("Google Drive shows a page instead of the file", why=said, hint="Open the link in a browser")


def _not_shared(why: str | None) -> AccessNeeded:
    return AccessNeeded(NOT_SHARED.rstrip("."), why=why, steps=("Ask its owner to share it with everybody",))


class _Page:
    """Form, captions, links and title of a page.

    The parser of the standard library takes minutes for some pages of a hundred kilobytes; this one goes through a page
    once, whatever is in it, and needs no more than that Google writes ``<`` and ``>`` in values as entities.
    """

    def __init__(self, page: str) -> None:
        self.links: list[tuple[str, str]] = []
        self.title = self.caption = ""
        self._action: str | None = None
        self._inputs: dict[str, str] = {}
        self._in_form = self._in_title = False
        self._link: str | None = None
        self._words: list[str] = []
        self._depth = 0
        captions: list[str] = []
        for found in _TOKEN.finditer(page):
            end, tag, attributes, words = found.groups()
            if words:
                self._text(unescape(words), captions)
            elif tag and end:
                self._close(tag.lower(), captions)
            elif tag:
                self._open(tag.lower(), {a: unescape(b or c or d or "") for a, b, c, d in _VALUE.findall(attributes)})
        self.caption = "".join(captions)

    @property
    def form(self) -> str | None:
        """Address that the form for downloads leads to when it is sent; None without one, or if it leads elsewhere."""
        parts = split(self._action or "")
        if parts is None or parts.scheme != "https" or host_of(parts) not in HOSTS:
            return None
        return urlunsplit(parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **self._inputs})))

    def _open(self, tag: str, told: dict[str, str]) -> None:
        """Note where forms, links and captions begin."""
        if tag == "form" and told.get("id") == "download-form":
            self._action, self._in_form = told.get("action"), True
        elif tag == "input" and self._in_form and told.get("name"):
            self._inputs[told["name"]] = told.get("value", "")
        elif tag == "a":
            self._link, self._words = told.get("href"), []
        elif tag == "title":
            self._in_title = True
        if tag not in _VOID and (self._depth or "uc-error" in told.get("class", "")):
            self._depth += 1

    def _close(self, tag: str, captions: list[str]) -> None:
        """Note where they end."""
        if tag == "form":
            self._in_form = False
        elif tag == "a" and self._link is not None:
            self.links.append((self._link, " ".join("".join(self._words).split())))
            self._link = None
        elif tag == "title":
            self._in_title = False
        if self._depth and tag not in _VOID:
            self._depth -= 1
            captions.append(" ")

    def _text(self, words: str, captions: list[str]) -> None:
        """Note the words of titles, captions and links."""
        if self._in_title and not self.title:
            self.title = words.strip()
        if self._depth:
            captions.append(words)
        if self._link is not None:
            self._words.append(words)
