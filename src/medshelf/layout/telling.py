"""How much a template says: how unlikely it is that a name of some other data fits it.

``imagesTr/word_{n:4d}.nii.gz`` says a lot, ``images/{id}.png`` next to nothing. What counts are the letters
that only this release writes; words that any dataset uses for its folders and files count next to nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache

from medshelf.layout.template import Field, Optional, Part, Text, parse

_COMMON = """
anno annot annotation annotations atlas box boxes case cases csv ct data dataset datasets dcm dev
dicom files fold ground groundtruth gt image images imagestr imagests imagesva img imgs in info
input inputs jpeg jpg json label labels labelstr labelsts labelsva list mask masks meta metadata mr
mri nii original out output patient patients png pred raw readme ref report reports sample samples
scan scans seg segmentation segmentations set slice split splits study sub subject subjects tar test
testing tests testset tif tiff tr train training trainset trainval truth ts txt val valid validation
validset video videos zip
"""
COMMON = frozenset(_COMMON.split())
"""Words that any dataset may use for its folders and files, in lower case."""

_WORD = re.compile(r"[A-Za-z]+|\d+")
_ENDING = re.compile(r"(\.nii|\.tar|\.ome)?\.[A-Za-z0-9]{1,5}$")
_LOOSE = re.compile(r"\\.|\[[^\]]*\]|\(\?:[^()]*\|[^()]*\)|\{[\d,]*\}|[()?+*.^$:]")
_CLASS = re.compile(r"\\d|\[[^\]]*\]")
_SPECS = {"int": 0.5, "hex": 1.0, "uid": 1.0}
_COMMON_WORD = 0.3
_FOLDER = 0.3
_AGAIN = 2.0


@lru_cache(maxsize=16384)
def telling(text: str) -> float:
    """Return how much a template says, in letters that only its own release would write.

    Digits of a fixed number count one, a field that stands twice two.
    """
    seen: set[str] = set()
    parts = parse(text).parts
    return sum(_part(part, seen, last=n == len(parts) - 1) for n, part in enumerate(parts))


def is_common(word: str) -> bool:
    """True for words that any dataset may use, and for numbers and single letters."""
    return len(word) < 2 or word.isdigit() or word.lower() in COMMON


def letters(text: str) -> float:
    """Return the number of letters of a text that say something."""
    words = _WORD.findall(text)
    return sum(_COMMON_WORD if is_common(word) else len(word) for word in words) + _FOLDER * text.count("/")


def _part(part: Part, seen: set[str], *, last: bool) -> float:
    if isinstance(part, Text):
        ending = _ENDING.search(part.text) if last else None
        return letters(part.text[: ending.start()] if ending else part.text)
    if not isinstance(part, Field) or isinstance(part, Optional):
        return 0.0
    if part.name in seen:
        return _AGAIN
    seen.add(part.name)
    if part.values:
        return min(letters(word) for word in part.values)
    if part.spec.startswith("~"):
        return letters(_LOOSE.sub(" ", part.spec[1:])) + bool(_CLASS.search(part.spec))
    return _SPECS.get(part.spec, 1.0 if re.fullmatch(r"\d+d", part.spec) else 0.0)
