"""A text file of names, one a line, as `find`, `tar -t`, `unzip -Z1`, `dir /s /b` or a manifest leave it."""

from __future__ import annotations

import codecs
import string
from collections.abc import Iterator
from itertools import zip_longest
from typing import BinaryIO

from medshelf.access.problem import Problems, printable
from medshelf.errors import AccessError
from medshelf.model.natural import natural_sorted

LISTING_SUFFIXES = (".txt", ".lst", ".list")
_BLOCK_BYTES = 1 << 20
_LONGEST_LINE_BYTES = 1 << 16
_ODD = ("\r", "//", "/.", "/\n")
"""What a block of lines must not hold if its names are to be taken as they are."""
_ODD_BEGINNINGS = frozenset(["", "#", ".", "/", *string.whitespace, *"\x1c\x1d\x1e\x1f"])
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def read_listing(stream: BinaryIO, where: str, problems: Problems) -> list[str]:
    """Return the names in a text of names, in natural order.

    Blank lines and lines that begin with ``#`` are skipped, backslashes become slashes, and what leads from
    some root (``./``, ``../``, ``/``) is dropped. Folders are left out: names that end with a slash or that
    others lie below.

    Raises
    ------
    AccessError
        The bytes are no text, or a line is far too long to be a name.
    """
    listed: list[str] = []
    for text in _blocks(stream, where):
        listed += _names_in(text, problems)
    ordered = natural_sorted(listed)
    kept, doubled = _without_folders(ordered)
    if doubled:
        problems.add(where, f"{doubled} lines repeat an earlier name")
    return kept


def _blocks(stream: BinaryIO, where: str) -> Iterator[str]:
    """Yield the text in pieces that end where a line does."""
    head = stream.read(2)
    if head in _UTF16:
        yield "\n".join(_text(stream.read(), _UTF16[head], where).splitlines())
        return
    rest, block = b"", head + stream.read(_BLOCK_BYTES)
    if block.startswith(codecs.BOM_UTF8):
        block = block[3:]
    while block:
        if b"\0" in block:
            raise AccessError("this is no text", where=where, hint="A list of names has one name a line")
        whole, _, rest = (rest + block).rpartition(b"\n")
        if len(rest) > _LONGEST_LINE_BYTES:
            raise AccessError(
                "this is no list of names", where=where, why=f"a line of over {_LONGEST_LINE_BYTES} bytes"
            )
        yield whole.decode("utf-8", "surrogateescape")
        block = stream.read(_BLOCK_BYTES)
    yield rest.decode("utf-8", "surrogateescape")


def _text(raw: bytes, encoding: str, where: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise AccessError("this is no text", where=where, why=str(error)) from error


def _names_in(text: str, problems: Problems) -> list[str]:
    """Return the names of some lines; where nothing in them is odd, most are taken as they are."""
    text = text.replace("\r\n", "\n").replace("\\", "/")
    lines = text.split("\n")
    if text.isascii() and not text.endswith(("/", "\r")) and not any(odd in text for odd in _ODD):
        names = [line if line[:1] not in _ODD_BEGINNINGS else _name(line, problems) for line in lines]
    else:
        names = [_name(line, problems) for line in lines]
    return [name for name in names if name]


def _name(line: str, problems: Problems) -> str:
    name = line.rstrip("\r")
    if name.startswith("#") or not name.strip():
        return ""
    if not name.isascii():
        name = printable(name)
    name = name.removeprefix("./")
    if name[:1] in ("", ".", "/") or "//" in name or "/." in name:
        name = _tidy(name, problems)
    return "" if name.endswith("/") else name


def _tidy(name: str, problems: Problems) -> str:
    """Drop what leads from some root, doubled slashes and ``.``; refuse ``..`` further on."""
    end = "/" if name.endswith("/") else ""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    while parts and parts[0] == "..":
        parts = parts[1:]
    if ".." in parts:
        problems.add(name, "left out: the name holds '..'")
        return ""
    return "/".join(parts) + end if parts else ""


def _without_folders(names: list[str]) -> tuple[list[str], int]:
    """Leave out copies, and names that others lie below: in natural order what makes them so follows at once.

    Returns
    -------
    tuple of list of str and int
        What is left, and how many were copies.
    """
    kept: list[str] = []
    doubled = 0
    for name, after in zip_longest(names, names[1:], fillvalue=""):
        if not after.startswith(name):
            kept.append(name)
        elif name == after:
            doubled += 1
        elif after[len(name)] != "/":
            kept.append(name)
    return kept, doubled
