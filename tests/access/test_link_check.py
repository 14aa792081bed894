"""Links are followed, one question at a time to each host, and what became of each is kept with its date."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from medshelf.access.link_check import Result, ask, check_links


class Site(BaseHTTPRequestHandler):
    """A server that answers as real ones do."""

    asked: list[tuple[str, str]] = []
    at_once = 0
    most_at_once = 0

    def _answer(self) -> None:
        cls = type(self)
        cls.asked.append((self.command, self.path))
        cls.at_once += 1
        cls.most_at_once = max(cls.most_at_once, cls.at_once)
        time.sleep(0.01)
        cls.at_once -= 1
        if self.path == "/moved":
            self._send(301, {"Location": "/new"})
        elif self.path == "/slash":
            self._send(301, {"Location": "/slash/"})
        elif self.path == "/loop":
            self._send(302, {"Location": "/loop"})
        elif self.path == "/no-head" and self.command == "HEAD":
            self._send(405, {})
        elif self.path.startswith("/status/"):
            self._send(int(self.path.rpartition("/")[2]), {})
        elif self.path == "/cut":
            self.wfile.close()
        else:
            self._send(200, {})

    def _send(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    do_HEAD = do_GET = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    Site.asked, Site.at_once, Site.most_at_once = [], 0, 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("path", "state", "status"),
    [
        ("/page", "ok", 200), ("/no-head", "ok", 200), ("/slash", "ok", 200), ("/moved", "moved", 200),
        ("/status/404", "gone", 404), ("/status/410", "gone", 410), ("/status/403", "refused", 403),
        ("/status/429", "refused", 429), ("/status/503", "unreachable", 503), ("/cut", "unreachable", None),
        ("/loop", "refused", 302),
    ],
)  # fmt: skip
def test_each_answer_has_its_state(site: str, path: str, state: str, status: int | None) -> None:
    found = ask(site + path, timeout_s=5)
    assert (found.state, found.status) == (state, status), found
    assert (found.to is not None) == (state == "moved")
    assert (found.why is None) == (state in ("ok", "moved"))


def test_a_host_that_does_not_exist_is_unreachable() -> None:
    assert ask("http://no-such-host.invalid/x", timeout_s=5).state == "unreachable"
    assert ask("http://127.0.0.1:9/x", timeout_s=5).state == "unreachable"
    assert ask("doi:10.1/x").state == "skipped"


def test_a_host_is_asked_one_question_at_a_time_and_each_link_once(site: str, tmp_path: Path) -> None:
    urls = [f"{site}/{n}" for n in range(6)] + [f"{site}/0"]
    told: list[None] = []
    found = check_links(urls, tmp_path / "links.jsonl", pause_s=0, progress=lambda: told.append(None))
    assert [one.url for one in found] == urls[:6]
    assert Site.most_at_once == 1
    assert len(Site.asked) == 6 == len(told)


def test_what_was_asked_lately_is_not_asked_again(site: str, tmp_path: Path) -> None:
    journal = tmp_path / "links.jsonl"
    first = check_links([f"{site}/a"], journal, pause_s=0)
    journal.write_text(journal.read_text() + '{"url": "cut sho')  # the end of a check that was stopped
    second = check_links([f"{site}/a", f"{site}/b"], journal, pause_s=0)
    assert second[0] == first[0]
    assert [path for _, path in Site.asked] == ["/a", "/b"]
    check_links([f"{site}/a"], journal, pause_s=0, fresh_days=0)
    assert [path for _, path in Site.asked] == ["/a", "/b", "/a"]


def test_results_are_json_lines_with_a_date(site: str, tmp_path: Path) -> None:
    journal = tmp_path / "deep" / "links.jsonl"
    check_links([f"{site}/moved"], journal)
    (line,) = journal.read_text().splitlines()
    one = Result(**json.loads(line))
    assert one.to == f"{site}/new"
    assert one.when.endswith("+00:00")
