"""Answers in XML, read with care."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from medshelf.errors import AccessError


def parsed(data: bytes, tag: str) -> Element:
    """Return the top of a document, whatever its namespace.

    Raises
    ------
    AccessError
        It is no XML, declares a document type (entities can make a small answer huge), or its top is not `tag`.
    """
    from xml.etree import ElementTree

    what = f"the answer of the host is no {tag}"
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise AccessError(what, why="it declares a document type")
    try:
        top = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise AccessError(what, why=str(error)[:80]) from None
    if top.tag.rpartition("}")[2] != tag:
        raise AccessError(what, why=f"it is {top.tag[:60]}")
    return top
