"""Names of structures: ``structure[.side][/finding][:part][#instance]``, or alternatives joined by ``|``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_NAME = re.compile(
    r"(?P<base>[a-z][a-z0-9_]*)"
    r"(?:\.(?P<side>left|right|[A-Z][A-Za-z0-9]*|[0-9]+|\{i\}|[A-Z]\{i\}))*"
    r"(?:/(?P<finding>[a-z][a-z0-9_]*))?"
    r"(?::(?P<part>[a-z0-9][a-z0-9_]*))?"
    r"(?P<instance>#instance)?"
)


@dataclass(frozen=True, slots=True, order=True)
class Structure:
    """One structure as annotated.

    `side` is the patient's (left, right) or the member of a series (``vertebra.L3``, ``tooth.11``).
    `finding` is what is found in it (``liver/neoplasm``), `part` a part of either
    (``hippocampus:anterior``, ``brain/neoplasm:enhancing``).
    """

    base: str
    side: str | None = None
    finding: str | None = None
    part: str | None = None
    instances: bool = False

    def __str__(self) -> str:
        text = self.base
        text += f".{self.side}" if self.side else ""
        text += f"/{self.finding}" if self.finding else ""
        text += f":{self.part}" if self.part else ""
        return text + ("#instance" if self.instances else "")


@lru_cache(maxsize=8192)
def parse(text: str) -> tuple[Structure, ...]:
    """Return the structure that a name stands for, or its alternatives (``prostate|uterus``).

    Raises
    ------
    ValueError
        When the text is not a name; the message shows the form.
    """
    found = []
    for part in text.split("|"):
        match = _NAME.fullmatch(part)
        if match is None:
            raise ValueError(
                f"{text!r} is not a structure name: write structure[.side][/finding][:part], "
                "such as kidney.left or liver/neoplasm"
            )
        side = part[len(match["base"]) :].split("/")[0].split(":")[0].split("#")[0].lstrip(".") or None
        found.append(Structure(match["base"], side, match["finding"], match["part"], bool(match["instance"])))
    return tuple(found)
