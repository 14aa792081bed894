"""Natural order of names: ``case_2`` before ``case_10``, folder by folder."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RUNS = re.compile("([0-9]+)")
_LONGEST = 0xD000
_KEPT = 1 << 15
_KEPT_LENGTH = 40
_KEPT_SHAPES = 1 << 10
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_ZEROS = re.compile(b"0+")


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
    known: dict[frozenset[bytes], bool] = {}
    blocks: list[tuple[str, list[str]]] = []
    for folder, inside in folders.items():
        if folder in parents:
            blocks += [(natural_key(name), [name]) for name in inside]
        else:
            _sort_inside(inside, len(folder), known)
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


def _sort_inside(names: list[str], start: int, known: dict[frozenset[bytes], bool]) -> None:
    """Sort names that only differ from `start` on: as text where that is the natural order too, else by key."""
    if len(names) == 1:
        return
    text = "\n".join([name[start:] for name in names]).encode("utf-8", "surrogatepass")
    shapes = frozenset(text.translate(_DIGITS_ALIKE).split(b"\n"))
    if shapes not in known:
        if len(known) >= _KEPT_SHAPES:
            known.clear()
        known[shapes] = _aligned(shapes)
    names.sort(key=None if known[shapes] else lambda name: natural_key(name[start:]))


def _aligned(shapes: Iterable[bytes]) -> bool:
    """True when numbers that begin after the same text are equally long: then they sort as text does.

    A shape is a name with all its digits made equal.
    """
    lengths: dict[bytes, int] = {}
    for shape in shapes:
        for run in _ZEROS.finditer(shape):
            length = run.end() - run.start()
            if lengths.setdefault(shape[: run.start()], length) != length:
                return False
    return True


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
