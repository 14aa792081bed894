"""The client: how addresses reach a server, what is asked again, what goes along with a redirect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from medshelf.access.web import Broken, Patience, Web
from medshelf.errors import AccessError, NotFound
from tests.access.faults.server import FaultServer, cut_after, running, status


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running() as one:
        yield one


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return Web(offline=False, patience=Patience(tries=3, stall_s=2), sleep=lambda seconds: None)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("/a b.bin#part", "/a%20b.bin"), ("/ü.bin", "/%C3%BC.bin"), ("/a?x=1&y=a b", "/a?x=1&y=a%20b"),
        ("?q=1", "/?q=1"), ("", "/"),
    ],
)  # fmt: skip
def test_an_address_is_written_as_servers_want_it(server: FaultServer, web: Web, asked: str, sent: str) -> None:
    for path in ("/a%20b.bin", "/%C3%BC.bin", "/a", "/"):
        server.put(path, b"here")
    assert web.text(server.url(asked)) == "here"
    assert [one for served in server.files.values() for one, _ in served.asked] == [sent]


def test_the_proxy_of_the_environment_is_asked(server: FaultServer, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    served = server.put("/a.bin", b"by proxy")
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for _ in range(2):
        assert web.text("http://host.invalid/a.bin#part") == "by proxy"
    assert [path for path, _ in served.asked] == ["http://host.invalid/a.bin"] * 2
    assert served.asked[0][1]["host"] == "host.invalid"
    assert web.text(server.url("/a.bin")) == "by proxy"
    assert served.asked[-1][0] == "/a.bin"


def test_what_may_pass_is_asked_again_and_what_lasts_is_not(server: FaultServer, web: Web) -> None:
    served = server.put("/a.bin", b"here", faults=[status(503), status(429)])
    assert web.text(server.url("/a.bin")) == "here" and len(served.asked) == 3
    served.faults = [status(404, b"x" * 2_000_000)]
    with pytest.raises(NotFound):
        web.text(server.url("/a.bin"))
    assert len(served.asked) == 4
    with pytest.raises(Broken) as told:
        web.text("ftp://127.0.0.1/a")
    assert told.value.lasting


def test_a_body_that_breaks_says_so(server: FaultServer, web: Web) -> None:
    server.put("/a.bin", b"x" * 5000, always=cut_after(100))
    with pytest.raises(Broken), web.open(server.url("/a.bin")) as answer:
        while answer.some(1 << 16):
            pass
    with pytest.raises(AccessError):
        web.text(server.url("/a.bin"))
