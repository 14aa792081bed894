"""How a mask is written in a cell of a table: ``codec = "rle:start=1,order=column-major"``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medshelf.errors import LayoutError

_KINDS = ("rle", "coco")
_WORDS = {"start": ("0", "1"), "order": ("row-major", "column-major"), "relative": ("yes", "no")}


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec taken apart."""

    kind: Literal["rle", "coco"] = "rle"
    """Pairs of start and length, or the packed text of COCO."""
    start: int = 1
    """Number of the first pixel."""
    order: Literal["row-major", "column-major"] = "row-major"
    """Whether pixels are numbered along rows or down columns."""
    relative: bool = False
    """Whether a start counts from the end of the run before."""
    shape: tuple[str, str] | None = None
    """Rows and columns: numbers, or templates over fields and columns such as ``{h}``; the image's by default."""


def parse_codec(text: str) -> Codec:
    """Take a codec apart.

    Raises
    ------
    LayoutError
        An unknown kind, option or value.
    """
    kind, _, rest = text.partition(":")
    if kind not in _KINDS:
        raise LayoutError(f"{kind!r} is no codec", hint=f"Known: {', '.join(_KINDS)}")
    found: dict[str, str] = {}
    for part in filter(None, rest.split(",")):
        name, _, value = part.partition("=")
        if name == "shape":
            if value.count("x") != 1 or not all(value.split("x")):
                raise LayoutError(f"{value!r} is no shape", hint='Rows x columns, such as "shape=1024x1024" or {h}x{w}')
        elif kind == "coco" or name not in _WORDS:
            known = ("shape",) if kind == "coco" else ("shape", *_WORDS)
            raise LayoutError(f"the codec {kind} has no option {name!r}", hint=f"Known: {', '.join(known)}")
        elif value not in _WORDS[name]:
            raise LayoutError(f"{name}={value!r} is unknown", hint=f"Known: {', '.join(_WORDS[name])}")
        found[name] = value
    shape = found["shape"].split("x") if "shape" in found else None
    return Codec(
        kind,  # type: ignore[arg-type]
        int(found.get("start", "1")),
        found.get("order", "row-major"),  # type: ignore[arg-type]
        found.get("relative") == "yes",
        (shape[0], shape[1]) if shape else None,
    )
