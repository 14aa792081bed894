"""What the values of a mask stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from medshelf.audit.reading import MaskReading, Part
from medshelf.model.labels import bands_of, colours_of, values_of

Meaning = Callable[[int], str | None]


def meaning(kind: str, labels: Mapping[str, str]) -> Meaning:
    """Return a function from a value as counted to the structure it stands for, or None.

    Parameters
    ----------
    kind : str
        index, bands, bits, colour, channels or instance-channels.
    labels : mapping of str to str
        What is written to structure, as in the layout.
    """
    if kind == "bands":
        bands = bands_of(labels)
        return lambda value: next((b.structure for b in bands if b.first <= value <= b.last), None)
    if kind == "colour":
        colours = {red << 16 | green << 8 | blue: name for (red, green, blue), name in colours_of(labels).items()}
        return colours.get
    if kind == "bits":
        known = sum(1 << bit for bit in values_of(labels))
        return lambda value: None if value & ~known else "bits"
    return values_of(labels).get


def written(kind: str, value: int) -> str:
    """Return a value as a layout writes it: colours as ``#rrggbb``."""
    return f"#{value:06x}" if kind == "colour" else str(value)


def voxels_by_structure(mask: MaskReading, part: Part) -> dict[str, int]:
    """Return voxels by structure in one part of a mask; structures that it could hold and lacks have 0."""
    counted = part.contents
    if counted is None:
        return {}
    if mask.kind == "probability":
        return {_only(mask, part): counted.n_half}
    if part.structure or mask.kind in ("binary", "instance"):
        return {_only(mask, part): counted.n_inside}
    found = dict.fromkeys(mask.declared, 0)
    if mask.kind == "bits":
        return found | _voxels_by_bit(mask.labels, counted.counts)
    means = meaning(mask.kind, mask.labels)
    for value, n in counted.counts.items():
        structure = means(value)
        if structure is not None:
            found[structure] = found.get(structure, 0) + n
    return found


def _voxels_by_bit(labels: Mapping[str, str], counts: Mapping[int, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for bit, structure in values_of(labels).items():
        n = sum(n for value, n in counts.items() if value >> bit & 1)
        found[structure] = found.get(structure, 0) + n
    return found


def totals(mask: MaskReading) -> dict[str, int]:
    """Return voxels by structure over all files of a mask."""
    found: dict[str, int] = {}
    for part in mask.parts:
        for structure, n in voxels_by_structure(mask, part).items():
            found[structure] = found.get(structure, 0) + n
    return found


def _only(mask: MaskReading, part: Part) -> str:
    return part.structure or next(iter(mask.declared), "inside")
