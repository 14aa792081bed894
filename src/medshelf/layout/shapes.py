"""Choose some names of a long list so that every kind of name is among them.

The shape of a name is the name with its digits made equal: a release of many thousand files has a handful.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

_DIGITS = str.maketrans("123456789", "000000000")
_LONG = re.compile(r"[0a-f]{16,}|[0.]{12,}")


def shape(name: str) -> str:
    """Return a name with all digits as ``0``, and long hexadecimal numbers and UIDs as ``#``."""
    return _LONG.sub("#", name.translate(_DIGITS))


def by_shape(names: Iterable[str]) -> dict[str, list[str]]:
    """Group names by their shape, in their order."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(shape(name), []).append(name)
    return found


def some_of(groups: dict[str, list[str]], budget: int) -> dict[str, float]:
    """Choose at most `budget` names from all shapes alike, always the same ones.

    Returns
    -------
    dict of str to float
        The names, and how many names of the list each stands for.
    """
    shapes = list(groups)
    if len(shapes) > budget:
        shapes = random.Random(0).sample(shapes, budget)
    each = max(1, budget // max(1, len(shapes)))
    chosen: dict[str, float] = {}
    for one in shapes:
        there = groups[one]
        few = there if len(there) <= each else _spread(there, each)
        chosen.update(dict.fromkeys(few, len(there) / len(few)))
    return chosen


def part_of(groups: dict[str, list[str]], names: Sequence[str], budget: int) -> list[str]:
    """Choose about `budget` names at random, and with them those of rare shapes, such as tables."""
    if len(names) <= budget:
        return list(names)
    rare = [name for there in groups.values() if len(there) <= 2 for name in there][: budget // 3]
    return list(dict.fromkeys(random.Random(0).sample(list(names), budget - len(rare)) + rare))


def _spread(names: Sequence[str], n: int) -> list[str]:
    """Return `n` names at even distances."""
    return [names[k * len(names) // n] for k in range(n)]
