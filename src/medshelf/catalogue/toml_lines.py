"""Find the line of a TOML file on which something stands, so that a message can point to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([\w-]+)""")


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Return the number (from 1) of the line that comes nearest to defining `path`.

    Parameters
    ----------
    text : str
        The whole TOML document.
    path : sequence of str or int
        Keys and, for arrays, indices, from the top.
    """
    best, depth = 1, 0
    for number, here in _definitions(text):
        shared = _shared(here, path)
        if shared > depth:
            best, depth = number, shared
    return best


def _definitions(text: str) -> list[tuple[int, list[str | int]]]:
    table: list[str | int] = []
    counts: dict[tuple[str | int, ...], int] = {}
    found: list[tuple[int, list[str | int]]] = []
    inside = ""
    for number, line in enumerate(text.split("\n"), start=1):
        was_inside, inside = inside, _text_left_open(line, inside)
        if was_inside:
            continue
        if header := _HEADER.match(line):
            names = _parts(header[2])
            table = list(names)
            if header[1] == "[[":
                index = counts.get(tuple(names), -1) + 1
                counts[tuple(names)] = index
                table.append(index)
            found.append((number, table))
        elif key := _KEY.match(line):
            found.append((number, [*table, *_parts(key[1])]))
    return found


def _text_left_open(line: str, mark: str) -> str:
    """Return the quotes of the text of several lines in which a line ends, given those in which it begins."""
    for quotes in re.findall(r'"{3}|\'{3}', line):
        mark = quotes if not mark else "" if quotes == mark else mark
    return mark


def _parts(dotted: str) -> list[str]:
    return [a or b or c for a, b, c in _PART.findall(dotted)]


def _shared(here: Sequence[str | int], path: Sequence[str | int]) -> int:
    if len(here) > len(path):
        here = here[: len(path)] if list(here[: len(path)]) == list(path) else here
    return len(here) if list(here) == list(path[: len(here)]) else 0
