"""What all hosts have in common when they are asked: errors that name the reference, pages, credentials."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from medshelf.access.credentials import SERVICES, secret
from medshelf.access.hosts import Limits, Need
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound

_MOST_PAGES = 20_000
_kept: WeakKeyDictionary[Web, dict[object, tuple[float, Any]]] = WeakKeyDictionary()
_turns: WeakKeyDictionary[Web, dict[str, float]] = WeakKeyDictionary()
"""When each host may be asked again."""
_lock = Lock()


@contextmanager
def asking(ref: str, service: str | None = None) -> Iterator[None]:
    """Let errors name a reference.

    Parameters
    ----------
    ref : str
        The whole reference, with the host's name.
    service : str, optional
        Whose credentials help where the host refuses (401, 403).

    Raises
    ------
    NotFound, AccessError
        What is raised inside, with `ref` as its place and the address that was asked in its `why`.
    AccessNeeded
        The host refuses, and credentials, or other ones, help.
    """
    try:
        yield
    except (AccessError, NotFound) as error:
        if error.where == ref:
            raise
        why = ": ".join(part for part in (error.where, error.why) if part) or None
        if error.status in (401, 403) and service:
            raise AccessNeeded("the host wants to know who asks", where=ref, why=why, steps=steps(service)) from None
        error.where, error.why, error.args = ref, why, (error.what, ref, why, error.hint)
        raise


def steps(service: str) -> tuple[str, ...]:
    """Return what a person does to get credentials for a host, or better ones."""
    known = SERVICES[service]
    found = secret(service)
    if found is not None:
        return (
            f"The credentials from {found.where} are not accepted, or do not give the right: look at your account.",
            f"New ones: {known.how}",
        )
    places = [" and ".join(f"${name}" for name in names.values()) for names in known.variables]
    return (f"Get credentials: {known.how}", f"Put them where they are looked for: {', or '.join(places)}")


def account_needed(service: str) -> Need:
    """Return the need of an account, for a host that serves nobody without one."""
    return Need("account", f"{SERVICES[service].label} serves files only to those who have an account.", steps(service))


def bearer(service: str, scheme: str = "Bearer") -> dict[str, str]:
    """Return the header with a host's token, or none when there is no token."""
    found = secret(service)
    return {} if found is None else {"Authorization": f"{scheme} {found.values['token']}"}


def pages(first: str, get: Callable[[str], tuple[Any, str | None]]) -> Iterator[Any]:
    """Yield page after page.

    Parameters
    ----------
    first : str
        Address of the first page.
    get : callable
        Takes an address; returns the page, and the address of the next or None.

    Raises
    ------
    AccessError
        The pages lead in a circle, or never end.
    """
    seen: set[str] = set()
    at: str | None = first
    while at is not None:
        if at in seen or len(seen) >= _MOST_PAGES:
            raise AccessError("the pages of the host's listing do not end", where=first)
        seen.add(at)
        page, at = get(at)
        yield page


def paced(web: Web, name: str, limits: Limits) -> None:
    """Wait until a host that asks for few requests a second may be asked for the next page of a listing."""
    if limits.per_second is None:
        return
    with _lock:
        turns = _turns.setdefault(web, {})
        now = time.monotonic()
        at = max(now, turns.get(name, now))
        turns[name] = at + 1.0 / limits.per_second
    if at > now:
        web.sleep(at - now)


def kept(web: Web, key: object, seconds: float, make: Callable[[], Any]) -> Any:
    """Return what was made for a client before, if not longer ago than `seconds`; else make it."""
    with _lock:
        found = _kept.setdefault(web, {}).get(key)
    if found is not None and found[0] > time.monotonic():
        return found[1]
    made = make()
    with _lock:
        _kept.setdefault(web, {})[key] = (time.monotonic() + seconds, made)
    return made
