"""The whole set."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from tests.access.attacks import bombs, ground, names, solid, tars, zips
from tests.access.attacks.setting import Attack

GROUPS = {
    "names": names.attacks, "zip": zips.attacks, "tar": tars.attacks, "7z and rar": solid.attacks,
    "the target": ground.attacks, "bombs": bombs.attacks,
}  # fmt: skip


def attacks() -> Iterator[Attack]:
    """Yield all attacks, those that are alike one after another."""
    return chain.from_iterable(group() for group in GROUPS.values())


def warm() -> None:
    """Import what the readers import late, so that a child's memory is that of its archive."""
    import cryptography.hazmat.primitives.ciphers
    import imagecodecs
    import numpy
    import py7zr
    import rarfile

    assert all((cryptography, imagecodecs, numpy, py7zr, rarfile))
