"""Rows from XML: each element of one kind is a row.

``records`` names the elements on the way from below the root, with ``*`` for any: ``QAPairs/QAPair``. ``.`` is the
root itself, and a path that begins with ``//`` is looked for at any depth: ``//NLM-QUESTION``. Columns are the paths
below the row: ``MESSAGE``, ``Answers/Answer``, and ``@qid`` or ``Answer/@id`` for attributes. What comes several
times is a list. Namespaces are left out of all names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from medshelf.errors import FormatError
from medshelf.formats.markup import local_name, parse_bytes
from medshelf.formats.text import write_text

_PATH = re.compile(r"\.|(//)?(\*|[\w.-]+)(/(\*|[\w.-]+))*")


def rows_of(data: bytes, records: str | None, where: object) -> list[dict[str, Any]]:
    """Return the rows of a document.

    Parameters
    ----------
    data : bytes
        The document.
    records : str or None
        Where the rows are, see the module; by default the children of the root, when all have one name.
    where : object
        What to name in an error.

    Raises
    ------
    FormatError
        Not XML, a path that is none or finds nothing, or no path where none is obvious.
    """
    root = parse_bytes(data, where)
    found = list(_found(root, records, where))
    if not found:
        there = ", ".join(dict.fromkeys(local_name(child) for child in root))[:200]
        raise FormatError(f"the path {records!r} finds no element", where=where, why=f"below the root are {there}")
    return [_row(element) for element in found]


def _found(root: Element, records: str | None, where: object) -> Iterable[Element]:
    if records is None:
        names = list(dict.fromkeys(local_name(child) for child in root))
        if len(names) != 1:
            hint = "Name them with records, such as " + " or ".join(map(repr, names[:5] or ["."]))
            raise FormatError("this XML does not say which elements are rows", where=where, hint=hint)
        return list(root)
    if not _PATH.fullmatch(records):
        raise FormatError(f"{records!r} is no path to elements", where=where, hint="Such as 'QAPairs/QAPair'")
    if records == ".":
        return [root]
    first, *rest = records.removeprefix("//").split("/")
    start = root.iter() if records.startswith("//") else root
    elements = [element for element in start if first in ("*", local_name(element))]
    for name in rest:
        elements = [child for element in elements for child in element if name in ("*", local_name(child))]
    return elements


def _row(element: Element) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in _cells(element, ""):
        if name not in row:
            row[name] = value
        elif isinstance(row[name], list):
            row[name].append(value)
        else:
            row[name] = [row[name], value]
    return row


def _cells(element: Element, path: str) -> Iterator[tuple[str, str]]:
    """Yield path and text of attributes and of elements that hold text; depth is bounded by the parser."""
    for name, value in element.attrib.items():
        yield f"{path}@{name.rpartition('}')[2]}", value
    text = (element.text or "").strip()
    if path and (text or not len(element)):
        yield path[:-1], text
    for child in element:
        yield from _cells(child, f"{path}{local_name(child)}/")


def write(path: Path | str, rows: Iterable[Mapping[str, Any]], records: str | None) -> None:
    """Write rows as elements that `rows_of` finds at `records`.

    Raises
    ------
    ValueError
        A path with ``*``.
    """
    names = (records or "row").removeprefix("//").split("/")
    if "*" in names:
        raise ValueError(f"rows can't be written at the path {records!r}")
    root = Element("synthetic")
    for row in rows:
        element = root
        for name in names if names != ["."] else ():
            same = None if name == names[-1] else element.find(name)
            element = SubElement(element, name) if same is None else same
        for column, value in row.items():
            for one in value if isinstance(value, list) else [value]:
                _put(element, column.split("/"), "" if one is None else str(one))
    indent(root)
    write_text(path, '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "unicode") + "\n")


def _put(element: Element, path: list[str], text: str) -> None:
    for name in path[:-1]:
        there = element.find(name)
        element = SubElement(element, name) if there is None else there
    if path[-1].startswith("@"):
        element.set(path[-1][1:], text)
    else:
        there = element.find(path[-1])
        fresh = there is None or there.text is not None
        target = SubElement(element, path[-1]) if there is None or fresh else there
        target.text = text
