"""The client: connections, redirects, retries and limits for each host."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from medshelf.access.web.answer import Answer, Broken
from medshelf.access.web.redact import HARMLESS_HEADERS, hidden, shown
from medshelf.errors import AccessError, NotFound, Offline

AGENT = "medshelf (+https://pypi.org/project/medshelf/)"
"""How the client names itself; hosts that block the names of libraries ask for such a one."""
_REDIRECTS = (301, 302, 303, 307, 308)
_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_MOST_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait and how often to ask again."""

    connect_s: float = 20.0
    stall_s: float = 60.0
    """Seconds without a byte after which a stream counts as dead."""
    tries: int = 5
    """How often a small request is made in all."""
    longest_wait_s: float = 60.0
    """Most that is waited between two tries when the host does not say how long."""
    most_asked_s: float = 600.0
    """Most that is waited because a host asks for it (Retry-After)."""
    give_up_s: float = 900.0
    """Seconds without progress after which a download is given up; how often it broke before does not count."""
    reach_s: float = 60.0
    """Seconds after which a host that was never reached is given up."""


class Web:
    """A client that may be used from several threads.

    Parameters
    ----------
    offline : bool, optional
        Forbid every connection; by default ``MEDSHELF_OFFLINE`` decides.
    agent : str, optional
        User-Agent; by default ``MEDSHELF_USER_AGENT``, or the name of this program.
    rewrites : mapping of str to str, optional
        Beginnings of addresses and what to put in their place: a mirror of an institution, or a server of a test; by
        default ``MEDSHELF_REWRITES``. Credentials go along: such a place is trusted like the host that it stands for.
    patience : Patience, optional
    sleep : callable, optional
        What waits; tests put a clock of their own here.
    """

    def __init__(
        self,
        *,
        offline: bool | None = None,
        agent: str | None = None,
        rewrites: Mapping[str, str] | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.offline = os.environ.get("MEDSHELF_OFFLINE", "") not in ("", "0") if offline is None else offline
        self.agent = agent or os.environ.get("MEDSHELF_USER_AGENT") or AGENT
        self.rewrites = _told_rewrites() if rewrites is None else dict(rewrites)
        self.patience = patience or Patience()
        self.sleep = sleep
        self._pools: dict[str | None, Any] = {}
        self._origins: dict[str, tuple[Any, bool]] = {}
        self._lock = threading.Lock()

    # --- small requests --------------------------------------------------------------------

    def json(
        self, url: str, *, headers: Mapping[str, str] | None = None, method: str = "GET", body: Any = None
    ) -> Any:
        """Ask for a JSON document; `body` is sent as JSON.

        Raises
        ------
        NotFound
            404 or 410.
        AccessError
            Any other refusal, no connection, or an answer that is no JSON; `why` has status and first words.
        Offline
            The network is not allowed.
        """
        data = None if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"} if data else {}
        sent = {"Accept": "application/json", **kind, **(headers or {})}
        text = self.text(url, headers=sent, method=method, body=data)
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            why = hidden(text[:300], sent)[:80]
            raise AccessError("the host answers with something else than JSON", where=shown(url), why=why) from None

    def text(
        self, url: str, *, headers: Mapping[str, str] | None = None, method: str = "GET", body: bytes | None = None
    ) -> str:
        """Ask for a text; errors as in `json`."""
        with self.ask(url, headers=headers, method=method, body=body) as answer:
            return answer.read().decode("utf-8", "replace")

    def ask(
        self, url: str, *, headers: Mapping[str, str] | None = None, method: str = "GET", body: bytes | None = None
    ) -> Answer:
        """Make a small request, again where the host is busy; return its answer of status 2xx. Errors as in `json`."""
        tries = 0
        while True:
            tries += 1
            try:
                answer = self.open(url, headers=headers, method=method, body=body)
            except Broken as error:
                if error.lasting or tries >= self.patience.tries:
                    raise
                self.sleep(self.pause_s(tries, None))
                continue
            if answer.status < 300:
                return answer
            with answer:
                if answer.status not in _AGAIN or tries >= self.patience.tries:
                    raise refusal(answer, headers)
                wait = self.pause_s(tries, answer.headers.get("retry-after"))
            self.sleep(wait)

    def pause_s(self, tries: int, asked: str | None) -> float:
        """Return how long to wait before the next try: as long as the host asks, else ever longer with full jitter."""
        told = retry_after_s(asked)
        if told is not None:
            return min(told, self.patience.most_asked_s)
        return random.uniform(0.1, min(self.patience.longest_wait_s, 2.0**tries))

    # --- one request -----------------------------------------------------------------------

    def open(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: bytes | None = None,
        start: int = 0,
        stop: int | None = None,
        if_range: str | None = None,
    ) -> Answer:
        """Make one request and follow its redirects; the answer's body is not read yet.

        Parameters
        ----------
        url : str
        headers : mapping of str to str, optional
            All but harmless ones are dropped when a redirect leads to another host, as they may hold credentials.
        start, stop : int
            Bytes wanted, `stop` not included; a range is asked for unless both are at their defaults.
        if_range : str, optional
            ETag or date of what is here already: when the file has changed, the whole of it comes (RFC 9110, 13.1.5).

        Raises
        ------
        Offline
            The network is not allowed.
        Broken
            No connection.
        AccessError
            Redirects without end.
        """
        sent = {"User-Agent": self.agent, "Accept-Encoding": "identity", **(headers or {})}
        if start or stop is not None:
            sent["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
            if if_range:
                sent["If-Range"] = if_range
        at = url
        for _ in range(_MOST_REDIRECTS):
            answer = Answer(self._send(at, method, sent, body), at)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not location:
                return answer
            answer.close()
            try:
                to = urljoin(at, location)
                elsewhere = _origin(to) != _origin(at)
            except ValueError:
                raise AccessError("the host redirects to what is no address", where=shown(url)) from None
            if elsewhere:
                sent = {name: value for name, value in sent.items() if name.lower() in HARMLESS_HEADERS}
            if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                method, body = "GET", None
            if elsewhere and method == "POST" and body is not None:  # what is posted may hold a credential too
                raise AccessError("the host sends us elsewhere with what is for it alone", where=shown(url))
            at = to
        raise AccessError("the host redirects without end", where=shown(url))

    def _send(self, url: str, method: str, headers: Mapping[str, str], body: bytes | None) -> Any:
        if self.offline:
            hint = "Unset MEDSHELF_OFFLINE, or leave out --offline"
            raise Offline("the network is needed", where=shown(url), hint=hint)
        from urllib3.exceptions import HTTPError

        real = self._rewritten(url)
        try:
            pool, target = self._pool(real)
            return pool.urlopen(
                method, target, headers=headers, body=body, redirect=False, retries=_no_retries(),
                preload_content=False, assert_same_host=False,
            )  # fmt: skip
        except (HTTPError, OSError, ValueError) as error:
            raise Broken(
                "the host can't be reached", lasting=_is_lasting(error), where=shown(url), why=_reason(error),
                hint="Look with: medshelf doctor",
            ) from error  # fmt: skip

    def _rewritten(self, url: str) -> str:
        for old, new in self.rewrites.items():
            if url.startswith(old):
                return new + url.removeprefix(old)
        return url

    def _pool(self, url: str) -> tuple[Any, str]:
        """Return the connections for an address, and how to name it to them.

        Without a proxy these are the origin's own: finding them anew costs a third of a small request. The environment
        is asked for a proxy once for each origin.
        """
        slash = url.find("/", url.find("://") + 3)
        origin = url[:slash]
        if slash < 0 or not origin.startswith(("http://", "https://")):
            return self._manager(_proxy_for(url)), url
        if origin not in self._origins:
            proxy = _proxy_for(url)
            manager = self._manager(proxy)
            self._origins[origin] = (manager.connection_from_url(origin) if proxy is None else manager, proxy is None)
        pool, is_own = self._origins[origin]
        return pool, url[slash:].partition("#")[0] if is_own else url

    def _manager(self, proxy: str | None) -> Any:
        """Return the connections behind a proxy, or behind none."""
        import urllib3

        with self._lock:
            if proxy not in self._pools:
                timeout = urllib3.Timeout(connect=self.patience.connect_s, read=self.patience.stall_s)
                options: dict[str, Any] = {
                    "timeout": timeout, "num_pools": 64, "maxsize": 32, "block": False, "ca_certs": _certificates(),
                    "cert_reqs": "CERT_REQUIRED",
                }  # fmt: skip
                made = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
                self._pools[proxy] = made
            return self._pools[proxy]


@cache
def _no_retries() -> Any:
    """Return what tells urllib3 to try once; it would make one for each request."""
    from urllib3 import Retry

    return Retry(False, redirect=False)


def refusal(answer: Answer, sent: Mapping[str, str] | None = None) -> AccessError | NotFound:
    """Return the error for an answer that is no success; credentials among the headers `sent` are not repeated."""
    try:
        begin = answer.some(4096)
    except Broken:
        begin = b""
    words = " ".join(hidden(begin[:1000].decode("utf-8", "replace"), sent).split())[:120]
    why = f"HTTP {answer.status}" + (f": {words}" if words else "")
    if answer.status in (404, 410):
        error: AccessError | NotFound = NotFound("the host has no such thing", where=shown(answer.url), why=why)
    else:
        error = AccessError("the host refuses", where=shown(answer.url), why=why)
    error.status = answer.status
    return error


def retry_after_s(text: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, a number or a date (RFC 9110, 10.2.3), or None."""
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


def _is_lasting(error: BaseException) -> bool:
    """Return whether asking again would fail alike: a certificate that is not accepted, an address that is none."""
    from urllib3.exceptions import LocationValueError, SSLError, URLSchemeUnknown

    if isinstance(error, SSLError):
        return "CERTIFICATE" in str(error).upper() or "hostname" in str(error).lower()
    return isinstance(error, (LocationValueError, URLSchemeUnknown, UnicodeError))


def _reason(error: BaseException) -> str:
    return shown_text(str(getattr(error, "reason", None) or error))[:200] or type(error).__name__


def shown_text(text: str) -> str:
    """Return a message of a library without the object addresses in it."""
    import re

    return re.sub(r"<[\w.]+ object at 0x[0-9a-f]+>:? ?|HTTPS?Connection(?:Pool)?\([^)]*\): ?", "", text)


def _proxy_for(url: str) -> str | None:
    """Return the proxy of the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) for an address."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    found = getproxies()
    proxy = found.get(parts.scheme) or found.get("all")
    return None if not proxy or proxy_bypass(parts.netloc) else proxy


def _told_rewrites() -> dict[str, str]:
    """Return what ``MEDSHELF_REWRITES`` says: ``https://old=https://new``, several with blanks between."""
    told: dict[str, str] = {}
    for part in os.environ.get("MEDSHELF_REWRITES", "").split():
        old, found, new = part.partition("=http")
        if not found or not old.startswith(("http://", "https://")):
            raise AccessError(
                "MEDSHELF_REWRITES is not understood", why=shown(part),
                hint="Write https://zenodo.org=https://mirror.example, several with blanks between",
            )  # fmt: skip
        told[old] = f"http{new}"
    return told


def _certificates() -> str | None:
    """Return the file of certificates that the environment names, else the system's own."""
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if os.environ.get(name):
            return os.environ[name]
    return None
