"""Find files that are gone from the middle of a numbered DICOM series."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from medshelf.layout.join import Joined, bound_fields
from medshelf.model.case import FileRef
from medshelf.model.finding import Finding
from medshelf.model.layout import Layout, Slot

_NUMBER = re.compile(r"(.*?)([0-9]{1,9})")
_FEW = 0.1
"""A series lacks at most this share of its members: one that lacks more is numbered by another rule."""


def gaps(layout: Layout, joined: Joined) -> Iterator[Finding]:
    """Yield a warning for every DICOM series whose file numbers leave out a few.

    Series of pictures are left alone: releases give out selected slices on purpose.
    """
    for name, slot in layout.files.items():
        if slot.reader != "dicom_series" or slot.along is None:
            continue
        for unit in joined.units:
            for refs in _series(slot, unit.files(layout).get(name, ())):
                absent = missing_numbers([ref.text(slot.along) for ref in refs])
                if absent:
                    yield Finding(
                        "layout.gap", "warning", f"{len(absent)} files of a series of {len(refs)} seem to be missing",
                        case=unit.id, file=refs[0].name, evidence={"slot": name, "numbers": absent[:50]},
                        proposal="Fetch the series again, unless its slices are evenly spaced",
                    )  # fmt: skip


def _series(slot: Slot, refs: Sequence[FileRef]) -> Iterator[list[FileRef]]:
    bound = bound_fields(slot)
    if not bound:
        yield list(refs)
        return
    groups: dict[tuple[object, ...], list[FileRef]] = {}
    for ref in refs:
        groups.setdefault(tuple(ref.fields.get(f) for f in bound), []).append(ref)
    yield from groups.values()


def missing_numbers(texts: Sequence[str | None]) -> list[int]:
    """Return the numbers that an even numbering leaves out, or nothing where it isn't even.

    Parameters
    ----------
    texts : sequence of str or None
        How the members are numbered, with the same text in front of each number.
    """
    found = [_NUMBER.fullmatch(text or "") for text in texts]
    matches = [match for match in found if match is not None]
    if len(matches) < len(texts) or len({match[1] for match in matches}) > 1:
        return []
    numbers = sorted({int(match[2]) for match in matches})
    steps = Counter(b - a for a, b in zip(numbers, numbers[1:], strict=False))
    if not steps:
        return []
    step = steps.most_common(1)[0][0]
    n_absent = (numbers[-1] - numbers[0]) // step + 1 - len(numbers)
    if any(other % step for other in steps) or not 0 < n_absent <= max(1, _FEW * len(numbers)):
        return []
    return [n for n in range(numbers[0], numbers[-1], step) if n not in set(numbers)]
