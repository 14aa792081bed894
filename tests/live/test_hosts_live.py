"""The real hosts, for people with a network: ``make live``. It asks each for a listing and for one byte, no more.

What a host asks a person for (an account, an agreement) is an outcome too: the need has to be told. `make test` leaves
this folder out, since a build that hangs on the mood of thirty servers proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from medshelf.access.hosts import HOSTS, host_named, split_ref
from medshelf.access.refs import references_of
from medshelf.access.web import Web
from medshelf.catalogue import shelf
from medshelf.errors import AccessNeeded

NEVER_ASKED = ("manual", "doi")
"""Hosts that serve nothing themselves."""


def examples() -> Iterator[tuple[str, str]]:
    """Yield one reference for each host: the first that a record of the shelf has."""
    found: dict[str, str] = {}
    for record in shelf.records():
        for one in references_of(record):
            found.setdefault(one.host, one.ref)
    yield from ((host, found[host]) for host in HOSTS if host in found and host not in NEVER_ASKED)


@pytest.mark.parametrize(("host", "ref"), list(examples()))
def test_a_host_lists_and_serves_or_says_what_it_needs(host: str, ref: str) -> None:
    module, web = host_named(host), Web()
    _, rest = split_ref(ref)
    need = module.needs(rest, web)
    if need is not None:
        assert need.steps and all(need.steps)
        return
    try:
        listing = module.list_files(rest, web)
    except AccessNeeded as error:
        assert error.steps
        return
    assert listing.files and listing.ref.startswith(f"{host}:")
    file = next((one for one in listing.files if one.size_bytes is None or one.size_bytes > 0), listing.files[0])
    if hasattr(module, "open_at"):
        with module.open_at(file, rest, 0, web) as stream:
            assert len(stream.read(1)) == 1
        return
    address = module.address(file, rest, web)
    with web.open(address.url, headers=address.headers, start=0, stop=1) as answer:
        assert answer.status in (200, 206)
        assert "text/html" not in answer.headers.get("content-type", "")
        assert len(next(answer.pieces(1))) >= 1
