"""What was wrong with one name of a folder, archive or listing, without stopping the rest."""

from __future__ import annotations

from typing import NamedTuple

from medshelf.errors import MedshelfError

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
        self._kept.append(Problem(printable(path), printable(_text(message))))

    def as_tuple(self) -> tuple[Problem, ...]:
        """Return what was collected, and at the end how many more there were."""
        if not self._more:
            return tuple(self._kept)
        return (*self._kept, Problem(self.owner, f"{self._more} more problems of this kind or another"))


def printable(text: str) -> str:
    r"""Return `text` with bytes that are not UTF-8 spelt as ``\xNN``, so that it can be printed and stored."""
    if text.isascii():
        return text
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a surrogate pair, as Windows allows
        raw = text.encode("utf-8", "backslashreplace")
    return raw.decode("utf-8", "backslashreplace")


def _text(message: str | MedshelfError) -> str:
    if isinstance(message, str):
        return message
    text = f"{message.what} ({message.why})" if message.why else message.what
    return f"{text}. {message.hint}" if message.hint else text
