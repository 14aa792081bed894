"""Follow the links of the catalogue and say, with the date, what became of each.

Each host is asked one question at a time, with a pause between; HEAD first, and the first byte with GET where a
server does not like HEAD. What was asked lately is not asked again, so a check that was stopped goes on.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, build_opener

State = Literal["ok", "moved", "refused", "gone", "unreachable", "skipped"]
_AGENT = "medshelf-links (checks the links of a catalogue of datasets)"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one link."""

    url: str
    state: State
    """ok; moved (for good, to `to`); refused (the server answers, but wants a login or asks for patience); gone
    (404, 410); unreachable (no such host, no answer, a broken answer); skipped (no web address)."""
    when: str
    """Date and time, UTC."""
    status: int | None = None
    """HTTP status, where there was one."""
    to: str | None = None
    """Where it leads, when that is another address."""
    why: str | None = None
    """What went wrong."""


def check_links(
    urls: Iterable[str],
    journal: Path,
    *,
    fresh_days: float = 7,
    jobs: int = 8,
    pause_s: float = 0.5,
    timeout_s: float = 20,
    progress: Callable[[], None] | None = None,
) -> list[Result]:
    """Check links and keep the results in a file of JSON lines.

    Parameters
    ----------
    urls : iterable of str
        The links; each is asked once.
    journal : Path
        File of results; what stands there and is younger than `fresh_days` is not asked again.
    fresh_days : float
        How long a result counts.
    jobs : int
        How many hosts are asked at a time.
    pause_s : float
        Pause between two questions to one host.
    timeout_s : float
        How long to wait for an answer.
    progress : callable, optional
        Called once for each link that has been asked.

    Returns
    -------
    list of Result
        In the order of the links.
    """
    wanted = list(dict.fromkeys(urls))
    known = {one.url: one for one in _read(journal, fresh_days) if one.url in set(wanted)}
    by_host: dict[str, list[str]] = defaultdict(list)
    for url in wanted:
        if url not in known:
            by_host[urlsplit(url).netloc].append(url)
    journal.parent.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    with journal.open("a", encoding="utf-8") as stream, ThreadPoolExecutor(jobs) as pool:
        write = threading.Lock()

        def ask_host(of_host: list[str]) -> Iterator[Result]:
            found = []
            for number, url in enumerate(of_host):
                if stop.is_set():
                    break
                if number:
                    time.sleep(pause_s)
                found.append(ask(url, timeout_s))
                with write:
                    stream.write(json.dumps(asdict(found[-1]), ensure_ascii=False) + "\n")
                    stream.flush()
                if progress is not None:
                    progress()
            return iter(found)

        try:
            for done in as_completed([pool.submit(ask_host, of_host) for of_host in by_host.values()]):
                for one in done.result():
                    known[one.url] = one
        finally:
            stop.set()
    return [known[url] for url in wanted]


def _read(journal: Path, fresh_days: float) -> Iterator[Result]:
    since = datetime.now(UTC) - timedelta(days=fresh_days)
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.is_file() else []
    for line in lines:
        try:
            one = Result(**json.loads(line))
        except (ValueError, TypeError):  # the last line of a check that was stopped
            continue
        if datetime.fromisoformat(one.when) >= since:
            yield one


def ask(url: str, timeout_s: float = 20) -> Result:
    """Ask for one link, without its body."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    if urlsplit(url).scheme not in ("http", "https"):
        return Result(url, "skipped", when, why="no web address")
    refused: Result | None = None
    for method in ("HEAD", "GET"):
        headers = {"User-Agent": _AGENT, **({"Range": "bytes=0-0"} if method == "GET" else {})}
        try:
            with build_opener().open(Request(url, method=method, headers=headers), timeout=timeout_s) as answer:
                return _answered(url, answer.status, answer.geturl(), when)
        except HTTPError as error:
            error.close()
            state: State = "gone" if error.code in (404, 410) else "refused" if error.code < 500 else "unreachable"
            refused = Result(url, state, when, error.code, why=str(error.reason))
        except (URLError, HTTPException, OSError, ValueError) as error:
            return Result(url, "unreachable", when, why=str(getattr(error, "reason", error)) or type(error).__name__)
    assert refused is not None
    return refused


def _answered(url: str, status: int, to: str, when: str) -> Result:
    """Return the result of an answer; another host or path at its end means that the page has moved."""
    old, new = urlsplit(url), urlsplit(to)
    same = old.netloc.removeprefix("www.") == new.netloc.removeprefix("www.") and old.path.rstrip(
        "/"
    ) == new.path.rstrip("/")
    return Result(url, "ok" if same else "moved", when, status, None if same else to)
