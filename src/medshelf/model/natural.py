"""Natural order of names: ``case_2`` before ``case_10``, folder by folder."""

from __future__ import annotations

import re
from collections.abc import Iterable

_DIGITS = re.compile("[0-9]+")
_LONGEST = 0xD000


def natural_key(name: str) -> str:
    """Return a string that sorts as `name` should.

    Runs of digits compare as numbers, folders compare before what follows them (``a/x`` comes before
    ``a-b/x``), and two names have the same key only if they are equal. Letters compare by code point.
    """
    return _DIGITS.sub(_spell, name).replace("/", "\0")


def natural_sorted(names: Iterable[str]) -> list[str]:
    """Return the names in natural order; the keys of shared folders are computed once."""
    folders: dict[str, str] = {"": ""}

    def key(name: str) -> str:
        head, _, tail = name.rpartition("/")
        if not head:
            return natural_key(name)
        found = folders.get(head)
        if found is None:
            found = folders[head] = natural_key(head) + "\0"
        return found + _DIGITS.sub(_spell, tail)

    return sorted(names, key=key)


def _spell(run: re.Match[str]) -> str:
    """Spell a run of digits as its length, its digits and its leading zeros, which compare in that order."""
    digits = run[0].lstrip("0")
    length = min(len(digits), _LONGEST)
    zeros = min(len(run[0]) - len(digits), _LONGEST)
    return f"0{chr(1 + length)}{digits}{chr(1 + zeros)}"
