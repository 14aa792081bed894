"""Names that a host gives, made safe for a folder of any system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator

_FORBIDDEN = re.compile(r'[<>:"|?*\\]')
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Characters and names that Windows keeps for itself (learn.microsoft.com, Naming Files, Paths, and Namespaces)."""
_MOST_BYTES = 240
"""Most bytes of a part of a name; file systems bear 255, and the rest is for endings such as ``.part``."""


def placed(names: Iterable[str]) -> Iterator[str]:
    """Yield where each file goes: relative, below the folder, no two alike.

    Parameters
    ----------
    names : iterable of str
        Names as a host writes them, with forward slashes between folders; they may be anything.

    Yields
    ------
    str
        For each name one that is relative, without ``.`` and ``..``, control characters, characters and names that
        some system forbids, and parts that are too long. Names that differ in case or in the form of accents only,
        and a file where a folder of that name is, get a number. A name that is fit stays as it is.
    """
    taken: set[str] = set()
    folders: set[str] = set()
    for name in names:
        parts = [_part(part) for part in name.split("/") if part not in ("", ".")] or ["unnamed"]
        found = "/".join(parts)
        number = 1
        while _key(found) in taken or _key(found) in folders or not taken.isdisjoint(_above(found)):
            number += 1
            found = "/".join([*_numbered(parts, number, taken)])
        taken.add(_key(found))
        folders.update(_above(found))
        yield found


def _part(text: str) -> str:
    """Return one part of a path, made safe."""
    kept = "".join("_" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)
    kept = _FORBIDDEN.sub("_", kept)
    kept = kept if kept == kept.rstrip(". ") else kept.rstrip(". ") + "_"
    kept = f"_{kept}" if _RESERVED.fullmatch(kept) else kept
    return _shortened(kept or "_")


def _shortened(text: str) -> str:
    """Return a part that fits: its beginning, a digest of the whole, its ending."""
    data = text.encode()
    if len(data) <= _MOST_BYTES:
        return text
    stem, dot, ending = text.rpartition(".")
    ending = dot + ending if stem and len(ending.encode()) <= 20 else ""
    digest = hashlib.sha256(data).hexdigest()[:12]
    room = _MOST_BYTES - len(ending.encode()) - 13
    return f"{data[:room].decode(errors='ignore')}~{digest}{ending}"


def _numbered(parts: list[str], number: int, taken: set[str]) -> list[str]:
    """Return the path with a number at its end, or at the first folder that is a file already."""
    at = next((n for n in range(len(parts) - 1) if _key("/".join(parts[: n + 1])) in taken), len(parts) - 1)
    stem, dot, ending = parts[at].partition(".") if at == len(parts) - 1 else (parts[at], "", "")
    stem, dot, ending = (stem, dot, ending) if stem else (parts[at], "", "")
    return [*parts[:at], f"{stem}~{number}{dot}{ending}", *parts[at + 1 :]]


def _above(path: str) -> list[str]:
    """Return the keys of the folders in which a file lies."""
    parts = _key(path).split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _key(path: str) -> str:
    """Return what two names have in common that are one on a system that ignores case and forms of accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
