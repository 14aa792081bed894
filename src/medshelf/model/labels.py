"""Label maps: from what is written in a mask to the structures it stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What an annotation says of a structure in one case.

    A structure that nobody annotated is never background: only `ABSENT` means that somebody looked
    and found nothing.
    """

    PRESENT = "present"
    ABSENT = "absent"
    NOT_ANNOTATED = "not annotated"
    OUTSIDE = "outside the field of view"


@dataclass(frozen=True, slots=True)
class Band:
    """A range of values, both ends included, that stands for one structure."""

    first: int
    last: int
    structure: str


def values_of(mapping: Mapping[str, str]) -> dict[int, str]:
    """Return structure by integer value, with ranges such as ``"8-19" = "vertebra.T{i}"`` written out.

    Keys that are no numbers (names, colours, expressions) are left out.
    """
    found: dict[int, str] = {}
    for key, structure in mapping.items():
        if re.fullmatch(r"-?\d+", key):
            found[int(key)] = structure
        elif span := re.fullmatch(r"(\d+)-(\d+)", key):
            first, last = int(span[1]), int(span[2])
            for value in range(first, last + 1):
                found[value] = structure.replace("{i}", str(value - first + 1))
    return found


def bands_of(mapping: Mapping[str, str]) -> tuple[Band, ...]:
    """Return the grey bands of a map of kind ``bands``; a single value is a band of one."""
    found = []
    for key, structure in mapping.items():
        first, _, last = key.partition("-")
        if first.isdigit() and (not last or last.isdigit()):
            found.append(Band(int(first), int(last or first), structure))
    return tuple(found)


def colours_of(mapping: Mapping[str, str]) -> dict[tuple[int, int, int], str]:
    """Return structure by colour, for keys such as ``"#ff0000"``."""
    found = {}
    for key, structure in mapping.items():
        if re.fullmatch(r"#[0-9a-fA-F]{6}", key):
            found[(int(key[1:3], 16), int(key[3:5], 16), int(key[5:7], 16))] = structure
    return found


def named(mapping: Mapping[str, str], name: str) -> str | None:
    """Return the structure that a name stands for: by the name itself, or by a ``~expression`` key."""
    if name in mapping:
        return mapping[name]
    for key, structure in mapping.items():
        if key.startswith("~") and re.fullmatch(key[1:], name):
            return structure
    return None


def structures_of(mapping: Mapping[str, str]) -> tuple[str, ...]:
    """Return all structures that a map can say, each once, in the order of the map."""
    written_out: list[str] = []
    for key, structure in mapping.items():
        if "{i}" in structure:
            written_out += values_of({key: structure}).values()
        else:
            written_out.append(structure)
    return tuple(dict.fromkeys(written_out))
