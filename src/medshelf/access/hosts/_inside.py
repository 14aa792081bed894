"""Paths in locators: they stay below the place that a host's module puts before them."""

from __future__ import annotations

import re

from medshelf.errors import AccessError


def inside(locator: str, form: re.Pattern[str]) -> str:
    """Return a locator that has the form which a module gives to its own.

    Raises
    ------
    AccessError
        It has another form, or parts ``.`` and ``..``, which clients take away together with what stands before them
        (RFC 3986, 5.2.4): then the address would be another one than it seems.
    """
    if not form.fullmatch(locator) or {".", ".."} & set(re.split(r"[/\\?#]", locator)):
        raise AccessError("this is no file of the host", why=locator[:80] or "nothing")
    return locator
