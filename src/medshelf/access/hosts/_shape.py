"""Answers of hosts, taken apart with care: whatever is in them, what comes out has the type that was asked for."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from medshelf.errors import AccessError

_HEX = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
"""Hexadecimal digits of the digests that hosts publish."""


def maybe(of: Any, *path: str) -> Any:
    """Return what stands at a path of keys, or None."""
    for key in path:
        of = of.get(key) if isinstance(of, dict) else None
    return of


def entries(of: Any, *path: str) -> list[Any]:
    """Return the list at a path of keys.

    Raises
    ------
    AccessError
        There is none.
    """
    found = maybe(of, *path)
    if not isinstance(found, list):
        raise _lacks("list", path)
    return found


def text(of: Any, *path: str) -> str:
    """Return the text at a path of keys, a number as text; it can always be written as UTF-8.

    Raises
    ------
    AccessError
        There is none, or it is empty.
    """
    found = maybe_text(of, *path)
    if found is None:
        raise _lacks("text", path)
    return found


def maybe_text(of: Any, *path: str) -> str | None:
    """Return the text at a path of keys, a number as text; None where there is none, or an empty one."""
    found = maybe(of, *path)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found) if abs(found) < 1 << 63 else None
    return found.encode("utf-8", "replace").decode() or None if isinstance(found, str) else None


def size(of: Any, *path: str) -> int | None:
    """Return the number of bytes at a path of keys, written as a number or in digits; None for anything else."""
    found = maybe(of, *path)
    if isinstance(found, str) and len(found) < 20 and found.isascii() and found.isdecimal():
        found = int(found)
    if not isinstance(found, int) or isinstance(found, bool):
        return None
    return found if 0 <= found < 1 << 63 else None


def digest(algorithm: str, value: Any) -> dict[str, str]:
    """Return a checksum by the name that `hashlib` gives its algorithm; nothing when it is none that we know.

    Parameters
    ----------
    algorithm : str
        As the host writes it, such as ``MD5`` or ``sha-256``.
    value : object
        Its hexadecimal digits, perhaps behind ``md5:``.
    """
    name = algorithm.lower().replace("-", "").replace("_", "")
    digits = value.lower().rpartition(":")[2] if isinstance(value, str) else ""
    good = len(digits) == _HEX.get(name) and re.fullmatch("[0-9a-f]+", digits)
    return {name: digits} if good else {}


def split(url: str) -> SplitResult | None:
    """Return the parts of an address of the web, or None when it is none."""
    try:
        parts = urlsplit(url.strip())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if good else None


def asked(parts: SplitResult, name: str) -> str | None:
    """Return one value of an address's query, or None."""
    return (parse_qs(parts.query).get(name) or [None])[0]


def host_of(parts: SplitResult) -> str:
    """Return the host of an address in lower case, without ``www.`` and with a port that is not the usual one."""
    name = (parts.hostname or "").removeprefix("www.")
    return f"{name}:{parts.port}" if parts.port and parts.port not in (80, 443) else name


def _lacks(kind: str, path: tuple[str, ...]) -> AccessError:
    return AccessError("the answer of the host lacks what is needed", why=f"no {kind} at {'.'.join(path) or 'its top'}")
