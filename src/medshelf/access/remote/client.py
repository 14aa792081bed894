"""Ranges of remote files: asked for, checked, counted, and kept for a while."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from medshelf.access.download.pace import Gate
from medshelf.access.download.stop import Stop
from medshelf.access.hosts import Address, HostFile, host_named
from medshelf.access.remote.source import BLOCK_BYTES, RemoteSource
from medshelf.access.remote.traffic import Traffic
from medshelf.access.web import Answer, Web
from medshelf.errors import AccessError, NotFound, NotWhole, Offline

KEPT_BYTES = 32 << 20
_TRIES = 3
_MOST_RUNS = 64
"""Places where reading may go on, of all files: images and masks of a release lie in two places of an archive."""
_NO_BYTES = "HTTP 416"
"""To a request for the first bytes: there are none (RFC 9110, 15.5.17)."""
_REFUSED = ("HTTP 401", "HTTP 403")


@dataclass(frozen=True, slots=True)
class Place:
    """A file of a host."""

    host: str
    ref: str = field(repr=False)
    """May be a signed address, so it is not shown."""
    file: HostFile = field(compare=False, repr=False)
    locator: str = field(repr=False)
    """What tells it from others; not shown either."""
    name: str
    """For messages."""

    @property
    def gate(self) -> str:
        """Whose limits hold: those of the host's module, for each server that a locator names, as for downloads."""
        server = self.file.locator.partition("://")[2].partition("/")[0]
        return f"{self.host} {server.rpartition('@')[2]}"


class Client:
    """What the sources of one tree share: the network, the blocks that were read, and the count.

    May be used from several threads, which ask a host as seldom, and as few at a time, as it bears
    (`medshelf.access.hosts.Limits`). Pickled, it is a new one with the same settings, and with limits of its own.
    """

    def __init__(self, web: Web) -> None:
        self.web = web
        self.traffic = Traffic()
        self._addresses: dict[str, Address] = {}
        self._sources: dict[str, RemoteSource] = {}
        self._blocks: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._gates: dict[str, Gate] = {}
        self._stop = Stop()
        self._runs: OrderedDict[tuple[str, int], int] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        web = self.web
        return _again, (web.offline, web.agent, web.rewrites, web.patience)

    # --- sources ---------------------------------------------------------------------------

    def source(self, place: Place) -> RemoteSource:
        """Return the bytes of a file, after a first look at its head.

        Raises
        ------
        AccessError
            The server does not answer ranges, refuses, or states another size than its host does.
        NotFound, Offline
            As `Web.ask`.
        """
        if place.locator not in self._sources:
            self._sources[place.locator] = self._look(place)
        return self._sources[place.locator]

    def _look(self, place: Place) -> RemoteSource:
        stated = place.file.size_bytes
        if stated == 0:
            return RemoteSource(place, 0, "empty", None, self)
        try:
            with self._asked(place, {"Range": f"bytes=0-{BLOCK_BYTES - 1}"}) as answer:
                size, head = _head_of(answer, place)
                validator = _validator(answer)
        except AccessError as error:
            if not (error.why or "").startswith(_NO_BYTES):
                raise
            size, head, validator = 0, b"", None
        self.traffic.add(len(head))
        if stated is not None and stated != size:
            raise NotWhole(
                "the server has a file of another size than its host states", where=place.name,
                why=f"{size} bytes, stated are {stated}", hint="List the host's files again",
            )  # fmt: skip
        source = RemoteSource(place, size, validator or secrets.token_hex(8), validator, self)
        self.keep(source, 0, head)
        return source

    # --- blocks ----------------------------------------------------------------------------

    def block(self, source: RemoteSource, number: int) -> bytes | None:
        """Return a block that is kept, or None."""
        with self._lock:
            found = self._blocks.get((source.key, number))
            if found is not None:
                self._blocks.move_to_end((source.key, number))
            return found

    def keep(self, source: RemoteSource, number: int, data: bytes) -> None:
        """Keep the blocks from `number` on, and forget those that were unused longest."""
        with self._lock:
            for at in range(0, len(data), BLOCK_BYTES):
                piece = data[at : at + BLOCK_BYTES]
                old = self._blocks.pop((source.key, number + at // BLOCK_BYTES), b"")
                self._blocks[source.key, number + at // BLOCK_BYTES] = piece
                self._kept_bytes += len(piece) - len(old)
            while self._kept_bytes > KEPT_BYTES:
                self._kept_bytes -= len(self._blocks.popitem(last=False)[1])

    def ahead(self, source: RemoteSource, number: int) -> int:
        """Return how many blocks to ask for from `number` on: more, the longer a file is read on, by any stream."""
        with self._lock:
            return self._runs.pop((source.key, number), 0) * 2 or 1

    def went_to(self, source: RemoteSource, number: int, ahead: int) -> None:
        """Note that blocks before `number` were read, `ahead` of them at once."""
        with self._lock:
            self._runs[source.key, number] = ahead
            while len(self._runs) > _MOST_RUNS:
                self._runs.popitem(last=False)

    def fetch(self, source: RemoteSource, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`.

        Raises
        ------
        NotWhole
            The file has changed.
        AccessError
            The server refuses, the connection keeps breaking, or more would be read than is allowed now.
        """
        if not self.traffic.allows(stop - start):
            raise AccessError(
                "listing this would mean reading much of it", where=source.place.name,
                hint="Download it, and look into it then",
            )  # fmt: skip
        for again in reversed(range(_TRIES)):
            try:
                return self._range(source, start, stop)
            except (NotWhole, NotFound, Offline):
                raise
            except AccessError as error:
                if not again or (error.why or "").startswith("HTTP"):
                    raise
        raise AssertionError("unreachable")

    def _range(self, source: RemoteSource, start: int, stop: int) -> bytes:
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        if source.validator:
            headers["If-Range"] = source.validator
        with self._asked(source.place, headers) as answer:
            _refuse_changed(answer, source, start, stop)
            data = answer.read(stop - start)
        self.traffic.add(len(data))
        if len(data) != stop - start:
            raise AccessError("the server sent fewer bytes than were asked for", where=source.place.name)
        return data

    @contextmanager
    def _asked(self, place: Place, headers: dict[str, str]) -> Iterator[Answer]:
        """Ask when it is the host's turn, which lasts until the answer is read."""
        with self._gate(place).stream(self._stop), self._answer(place, headers) as answer:
            yield answer

    def _gate(self, place: Place) -> Gate:
        with self._lock:
            if place.gate not in self._gates:
                self._gates[place.gate] = Gate(host_named(place.host).LIMITS, self.web.sleep)
            return self._gates[place.gate]

    def _answer(self, place: Place, headers: dict[str, str]) -> Answer:
        """Ask, and once more at a new address where the old one is refused, as signed ones are after a while."""
        fresh = place.locator not in self._addresses
        try:
            return self._ask(place, headers)
        except AccessError as error:
            if fresh or not (error.why or "").startswith(_REFUSED):
                raise
        self._addresses.pop(place.locator, None)  # another thread may have been here first
        return self._ask(place, headers)

    def _ask(self, place: Place, headers: dict[str, str]) -> Answer:
        address = self._addresses.get(place.locator)
        if address is None:
            address = host_named(place.host).address(place.file, place.ref, self.web)
            self._addresses[place.locator] = address
        return self.web.ask(address.url, headers={**address.headers, **headers})


def _again(offline: bool, agent: str, rewrites: dict[str, str], patience: Any) -> Client:
    return Client(Web(offline=offline, agent=agent, rewrites=rewrites, patience=patience))


def _head_of(answer: Answer, place: Place) -> tuple[int, bytes]:
    """Return the size of a file and its first block."""
    _refuse_encoded(answer, place)
    if answer.status == 200 and answer.length is not None and answer.length <= BLOCK_BYTES:
        return answer.length, answer.read(BLOCK_BYTES)
    if answer.status != 206 or answer.span is None or answer.span[2] is None or answer.span[0] != 0:
        raise AccessError(
            "the server does not answer ranges", where=place.name,
            why=f"HTTP {answer.status} to a request for the first bytes",
            hint="Download the file, and look into it then",
        )  # fmt: skip
    return answer.span[2], answer.read(BLOCK_BYTES)


def _validator(answer: Answer) -> str | None:
    """Return what If-Range takes: a strong ETag, or the date of the last change (RFC 9110, 13.1.5)."""
    etag = answer.headers.get("etag", "")
    if etag and not etag.startswith("W/"):
        return etag
    return answer.headers.get("last-modified")


def _refuse_changed(answer: Answer, source: RemoteSource, start: int, stop: int) -> None:
    _refuse_encoded(answer, source.place)
    said, span = _validator(answer), answer.span
    same = answer.status == 206 and (said is None or source.validator is None or said == source.validator)
    if not same or span is None or span[:2] != (start, stop - 1) or span[2] not in (None, source.size_bytes):
        raise NotWhole(
            "the file has changed on the server, or the server no longer answers ranges", where=source.place.name,
            why=f"HTTP {answer.status}", hint="Open it again",
        )  # fmt: skip


def _refuse_encoded(answer: Answer, place: Place) -> None:
    """Refuse ranges of something that the server compressed on the way."""
    coding = answer.headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise AccessError(
            "the server sends the file compressed, so that its ranges mean nothing", where=place.name, why=coding,
            hint="Download the file, and look into it then",
        )  # fmt: skip
