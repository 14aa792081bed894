"""Natural order of names: ``case_2`` before ``case_10``, folder by folder."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RUNS = re.compile("([0-9]+)")
_LONGEST = 0xD000
_KEPT = 1 << 15
_KEPT_LENGTH = 40


def natural_key(name: str) -> str:
    """Return a string that sorts as `name` should.

    Runs of digits compare as numbers, folders compare before what follows them (``a/x`` comes before
    ``a-b/x``), and two names have the same key only if they are equal. Letters compare by code point.
    """
    return "".join(map(_spelt, _RUNS.split(name)))


def natural_sorted(names: Iterable[str]) -> list[str]:
    """Return the names in natural order.

    They are sorted folder by folder: a folder without sub-folders stays together as one block, so that its
    own key is worked out once and names are only compared with those beside them.
    """
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(name[: name.rfind("/") + 1], []).append(name)
    parents = _parents(folders)
    blocks: list[tuple[str, list[str]]] = []
    for folder, inside in folders.items():
        if folder in parents:
            blocks += [(natural_key(name), [name]) for name in inside]
        else:
            start = len(folder)
            inside.sort(key=lambda name, start=start: natural_key(name[start:]))
            blocks.append((natural_key(folder), inside))
    blocks.sort(key=lambda block: block[0])
    return [name for _, block in blocks for name in block]


def _parents(folders: Iterable[str]) -> set[str]:
    """Return the folders in which others lie, each with its final slash; the root is called ``""``."""
    found: set[str] = set()
    for folder in folders:
        while folder:
            folder = folder[: folder.rfind("/", 0, -1) + 1]
            if folder in found:
                break
            found.add(folder)
    return found


class _Spelling(dict[str, str]):
    """How runs of digits, and what stands between them, are spelt in a key; the common ones are kept."""

    def __missing__(self, piece: str) -> str:
        spelt = _spell(piece) if "0" <= piece[:1] <= "9" else piece.replace("/", "\0")
        if len(piece) <= _KEPT_LENGTH:
            if len(self) >= _KEPT:
                self.clear()
            self[piece] = spelt
        return spelt


def _spell(run: str) -> str:
    """Spell a run of digits as its length, its digits and its leading zeros, which compare in that order."""
    digits = run.lstrip("0")
    length = min(len(digits), _LONGEST)
    zeros = min(len(run) - len(digits), _LONGEST)
    return f"0{chr(1 + length)}{digits}{chr(1 + zeros)}"


_spelt = _Spelling().__getitem__
