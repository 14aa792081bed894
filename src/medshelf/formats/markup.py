"""XML, read without its dangers: no document type, no entities, nothing fetched, a size limit.

Entities are what makes a small XML file unfold to gigabytes or read other files; none of the formats
here needs them, so a document type declaration is refused outright.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats.text import bytes_of
from medshelf.model.blob import Blob

LIMIT_BYTES = 2**28
"""Largest XML document that is parsed (256 MiB)."""

LIMIT_DEPTH = 200
"""Deepest nesting of elements."""


def parse(blob: Blob, *, limit_bytes: int = LIMIT_BYTES) -> ElementTree.Element:
    """Parse an XML file.

    Parameters
    ----------
    blob : Blob
        A file or archive member.
    limit_bytes : int
        Largest size that is parsed.

    Returns
    -------
    xml.etree.ElementTree.Element
        The root element.

    Raises
    ------
    FormatError
        It is empty, a web page, not well-formed (with line and column), or ends early (`Truncated`).
    Unsupported
        It has a document type declaration, or is too large or too deep.
    """
    return parse_bytes(bytes_of(blob, limit_bytes=limit_bytes), blob.name)


def parse_bytes(data: bytes, where: object) -> ElementTree.Element:
    """Parse XML from memory; errors as in `parse`."""
    parser = ElementTree.XMLParser(target=_Builder(where))
    try:
        parser.feed(data)
        return parser.close()
    except ElementTree.ParseError as error:
        early = any(said in str(error) for said in ("no element found", "unclosed token"))
        kind = Truncated if early else FormatError
        raise kind("the XML is not well-formed", where=where, why=str(error)) from error
    except (LookupError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError("the XML can't be decoded", where=where, why=str(error)) from error


class _Builder(ElementTree.TreeBuilder):
    """A tree builder that refuses document types and deep nesting."""

    def __init__(self, where: object) -> None:
        super().__init__()
        self._where = where
        self._depth = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise Unsupported(
            "the XML has a document type declaration, which is refused",
            where=self._where,
            why=f"<!DOCTYPE {name}>: such files can unfold without limit",
            hint="Remove the declaration if you trust the file",
        )

    def start(self, tag: str, attrs: dict[str, str]) -> ElementTree.Element:  # type: ignore[override]
        self._depth += 1
        if self._depth > LIMIT_DEPTH:
            raise Unsupported(f"the XML is nested deeper than {LIMIT_DEPTH} levels", where=self._where)
        return super().start(tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        self._depth -= 1
        return super().end(tag)


def local_name(element: ElementTree.Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def children(element: ElementTree.Element, *names: str) -> Iterator[ElementTree.Element]:
    """Yield the children that have one of these names, in whatever namespace."""
    return (child for child in element if local_name(child) in names)


def text_of(element: ElementTree.Element | None, *names: str) -> str | None:
    """Return the stripped text of the first child that has one of these names, in whatever namespace.

    None where there is no such child, or a blank one.
    """
    found = None if element is None else next(children(element, *names), None)
    return None if found is None else (found.text or "").strip() or None


def text_at(element: ElementTree.Element, path: str) -> str | None:
    """Return the text of the first descendant at `path`, stripped; None where it is absent or blank."""
    text = element.findtext(path)
    return (text.strip() or None) if text else None


def number_at(element: ElementTree.Element, path: str, where: object) -> float:
    """Return the finite number at `path`.

    Raises
    ------
    FormatError
        It is missing or no number.
    """
    return as_number(text_at(element, path), f"<{element.tag}>/{path}", where)


def as_number(text: str | None, what: str, where: object) -> float:
    """Return a finite number from text, or raise `FormatError` naming `what`."""
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if value - value != 0:
        raise FormatError(f"{what} is not a number", where=where, why=repr(text))
    return value
