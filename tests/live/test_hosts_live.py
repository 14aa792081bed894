"""The real hosts, for people with a network: ``make live``. It asks each for a listing and for one byte, no more.

What a host asks a person for (an account, an agreement) is an outcome too: the need has to be told. `make test` leaves
this folder out, since a build that hangs on the mood of thirty servers proves nothing. Without a network nothing is
asked, and every test is an error that says so.
"""

from __future__ import annotations

import pytest

from medshelf.access.hosts import host_named, split_ref
from medshelf.access.web import Broken, Patience, Web
from medshelf.errors import AccessNeeded
from tests.live.examples import EXAMPLES, Example

_ANY = ("https://zenodo.org/", "https://github.com/", "https://doi.org/")


@pytest.fixture(scope="session", autouse=True)
def network() -> None:
    """Fail when none of several large sites answers, whatever it answers."""
    web = Web(patience=Patience(connect_s=10, stall_s=10), offline=False)
    why = ""
    for url in _ANY:
        try:
            web.open(url, method="HEAD").close()
        except Broken as error:
            why = str(error)
            continue
        return
    pytest.fail(f"there is no network, so nothing was asked: {why}", pytrace=False)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.ref)
def test_a_host_lists_and_serves_or_says_what_it_needs(example: Example) -> None:
    host, rest = split_ref(example.ref)
    module, web = host_named(host), Web(offline=False)
    need = module.needs(rest, web)
    if need is not None:
        assert need.steps and all(need.steps)
        assert example.expects != "bytes", need
        return
    try:
        listing = module.list_files(rest, web)
    except AccessNeeded as error:
        assert error.steps
        assert example.expects != "bytes", error
        return
    assert example.expects != "need", "it is served to everybody now: change the example, and what the module says"
    assert listing.files and (host == "doi" or listing.ref.startswith((f"{host}:", "idc:")))
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
