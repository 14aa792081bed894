"""The password of an archive: where it comes from, and what is said where it is missing or wrong. It is never shown."""

from __future__ import annotations

import os
from collections.abc import Iterator

from medshelf.access._index import ENCRYPTED, Index
from medshelf.access.problem import Problem
from medshelf.errors import AccessError

PASSWORD_VARIABLE = "MEDSHELF_ARCHIVE_PASSWORD"
_HOW = f"Set {PASSWORD_VARIABLE}, or give the password to open_tree or Archive"


def password_or_none(given: str | None) -> str | None:
    """Return the password that was given, or that of the environment, or None."""
    return given if given is not None else os.environ.get(PASSWORD_VARIABLE) or None


def locked(name: str) -> AccessError:
    """Return the error for something encrypted for which no password is known."""
    return AccessError("this is encrypted, and no password is known", where=name, hint=_HOW)


class WrongPassword(AccessError):
    """The password does not fit; the bytes may be as they should be."""


def wrong(name: str) -> WrongPassword:
    """Return the error for a password that does not fit."""
    return WrongPassword("the password is wrong", where=name, hint=_HOW)


def is_locked(index: Index) -> bool:
    """Return True if a member, or one of an archive inside, is encrypted."""
    return any(locked_members(index, ""))


def locked_members(index: Index, where: str) -> Iterator[Problem]:
    """Yield what is encrypted, while no password is known."""
    n = sum(1 for flags in index.columns["flags"] if flags & ENCRYPTED)
    if n:
        message = f"{n} of {len(index.names)} members are encrypted; a password ({PASSWORD_VARIABLE}) opens them"
        yield Problem(where, message)
    for holder, inside in index.inner.items():
        yield from locked_members(inside, f"{where}!/{holder}")
