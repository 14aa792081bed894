"""What was wrong with one name of a folder, archive or listing, without stopping the rest."""

from __future__ import annotations

import re
from typing import NamedTuple

from medshelf.errors import MedshelfError

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What moves the cursor or turns the direction of what follows, so that a terminal shows another text."""

_LONGEST_SHOWN = 600
SHOWN = 200
"""Problems of one archive or folder that are kept one by one; more are counted."""


class Problem(NamedTuple):
    """One thing that was left out or doubted, and why."""

    path: str
    message: str


class Problems:
    """Collects problems, with a bound, so that a hostile archive can't fill the memory with them."""

    def __init__(self, owner: str = "") -> None:
        self.owner = owner
        self._kept: list[Problem] = []
        self._more = 0

    def add(self, path: str, message: str | MedshelfError) -> None:
        """Note that `message` holds for `path`; of an error, what, why and hint are kept."""
        if len(self._kept) >= SHOWN:
            self._more += 1
            return
        self._kept.append(Problem(legible(shortened(path)), legible(_text(message))))

    def as_tuple(self) -> tuple[Problem, ...]:
        """Return what was collected, and at the end how many more there were."""
        if not self._more:
            return tuple(self._kept)
        return (*self._kept, Problem(self.owner, f"{self._more} more problems of this kind or another"))


def shortened(text: str) -> str:
    """Return a name as a message shows it: of a very long one the beginning."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def legible(text: str) -> str:
    r"""Return `text` as `printable` does, and control characters spelt too: an archive is not trusted."""
    return text if text.isprintable() else printable(_CONTROLS.sub(_spelt, text))


def printable(text: str) -> str:
    r"""Return `text` with bytes that are not UTF-8 spelt as ``\xNN``, so that it can be printed and stored."""
    if text.isascii():
        return text
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a surrogate pair, as Windows allows
        raw = text.encode("utf-8", "backslashreplace")
    return raw.decode("utf-8", "backslashreplace")


def _spelt(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _text(message: str | MedshelfError) -> str:
    if isinstance(message, str):
        return message
    text = f"{message.what} ({message.why})" if message.why else message.what
    return f"{text}. {message.hint}" if message.hint else text
