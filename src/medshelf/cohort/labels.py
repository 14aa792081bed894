"""Which structures of a dataset make up a label of a recipe.

The rules, in order, for each structure that is asked for:

1. the dataset annotates it under this name, or derives it as a region;
2. without a side, it is the union of both sides, when both are annotated (``kidney`` = left and right);
3. otherwise the dataset does not annotate it. That is never read as absence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from medshelf.model.structure import parse


@dataclass(frozen=True, slots=True)
class Mapped:
    """How one dataset serves the labels of a recipe."""

    parts: Mapping[str, tuple[str, ...]]
    """Structures of the dataset whose union is each label."""
    lacking: Mapping[str, tuple[str, ...]]
    """Labels that it does not serve, and the structures that are not annotated."""


def map_labels(
    labels: Mapping[str, str | tuple[str, ...]], annotated: Collection[str], regions: Collection[str] = ()
) -> Mapped:
    """Find for every label of a recipe the structures of one dataset.

    Parameters
    ----------
    labels : mapping of str to str or tuple of str
        As in the recipe; a structure with ``?`` behind it may be missing.
    annotated : collection of str
        Structures that the dataset annotates.
    regions : collection of str
        Structures that it derives from others.
    """
    parts: dict[str, tuple[str, ...]] = {}
    lacking: dict[str, tuple[str, ...]] = {}
    for label, asked in labels.items():
        found: list[str] = []
        absent: list[str] = []
        for name in (asked,) if isinstance(asked, str) else asked:
            here = resolve(name.removesuffix("?"), annotated, regions)
            if here:
                found += here
            elif not name.endswith("?"):
                absent.append(name)
        if absent or not found:
            lacking[label] = tuple(absent) or ((asked,) if isinstance(asked, str) else asked)
        else:
            parts[label] = tuple(dict.fromkeys(found))
    return Mapped(parts, lacking)


def resolve(name: str, annotated: Collection[str], regions: Collection[str] = ()) -> tuple[str, ...]:
    """Return the structures of a dataset whose union is `name`, or nothing when it does not annotate it."""
    if name in annotated or name in regions:
        return (name,)
    alternatives = parse(name)
    if len(alternatives) != 1 or alternatives[0].side is not None:
        return ()
    one = alternatives[0]
    tail = str(one)[len(one.base) :]
    sides = tuple(f"{one.base}.{side}{tail}" for side in ("left", "right"))
    return sides if all(s in annotated or s in regions for s in sides) else ()
