"""One request: ask for a span, see whether the answer is that span of that file, and take its bytes in."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Protocol

from medshelf.access.download.identity import Identity, identity_of
from medshelf.access.download.job import Job
from medshelf.access.download.sniff import HEAD_BYTES, encoding_is_wrong, look_at_start
from medshelf.access.download.trouble import Again, Refused, StartOver, Wrong
from medshelf.access.hosts import Address
from medshelf.access.web import Answer, Broken
from medshelf.access.web.client import refusal, retry_after_s
from medshelf.access.web.redact import shown
from medshelf.errors import AccessError, MedshelfError, NotWhole

_REFUSALS = (400, 401, 403)
"""400 is what some stores say when a signature has run out."""
_BUSY = (408, 425, 429)
_LASTING = (501, 505)


class Body(Protocol):
    """Bytes that come."""

    @property
    def length(self) -> int | None: ...
    def some(self, most_bytes: int) -> bytes: ...
    def abort(self) -> None: ...


def pull(job: Job, start: int, stop: int | None, *, may_restart: bool = True) -> None:
    """Fetch the bytes from `start` up to `stop` (None: to the end) into the part.

    Parameters
    ----------
    may_restart : bool
        Whether the whole file, sent instead of a span, may replace what is here; other streams forbid it.

    Raises
    ------
    Again, Refused, StartOver, Wrong
        See `medshelf.access.download.trouble`.
    MedshelfError
        What no further try heals.
    """
    opener = getattr(job.source.host, "open_at", None)
    with job.gate.stream(job.stop):
        if opener is not None:
            with _TOLD_AGAIN, opener(job.source.file, job.source.ref, start, job.tools.web) as stream:
                _take(job, Stream(stream), start, job.part.size if stop is None else stop)
            return
        with _TOLD_AGAIN:
            address = job.address()
        part = job.part
        whole = start == 0 and (stop is None or stop == part.size) and part.there == 0
        with _TOLD_AGAIN:
            answer = job.tools.web.open(
                address.url, headers=address.headers, start=start, stop=None if whole or stop == part.size else stop,
                if_range=part.identity.validator,
            )  # fmt: skip
        with answer, job.stop.watching(answer):
            if answer.status == 416 and _is_at_end(job, answer, start):
                part.adopt(Identity(start))
                return
            _see_status(job, answer, address)
            if answer.status == 206:
                _take(job, answer, start, _agreed(job, answer, start, stop))
            else:
                _take_whole(job, answer, is_span=not whole, may_restart=may_restart)


# --- what the answer is ----------------------------------------------------------------------


def _see_status(job: Job, answer: Answer, address: Address) -> None:
    """Raise unless the answer brings bytes of the file."""
    status = answer.status
    if "x-amzn-waf-action" in answer.headers:
        raise Wrong(NotWhole(
            "the host's guard against robots stands in the way", where=shown(answer.url), why=f"HTTP {status}",
            hint="Fetch it with a browser, then: medshelf add",
        ))  # fmt: skip
    if status in (200, 206):
        if encoding_is_wrong(job.name, answer.headers.get("content-encoding", "")):
            raise Wrong(NotWhole(
                "the host sent the file compressed, which was not asked for", where=job.name,
                why=f"Content-Encoding: {answer.headers['content-encoding']}",
            ))  # fmt: skip
        return
    if status == 416:
        got = answer.headers.get("content-range", "no size")
        raise StartOver(f"the host has no such span: {got}", ranges=job.part.there > 0)
    if status in _REFUSALS:
        job.forget_address(address)
        raise Refused(refusal(answer), status)
    if status < 300 or status in _BUSY or (status >= 500 and status not in _LASTING):
        wait = retry_after_s(answer.headers.get("retry-after"))
        if status in (429, 503):
            job.gate.hold(min(wait or 0.0, job.tools.web.patience.most_asked_s))
        raise Again(refusal(answer), wait)
    raise refusal(answer)


def _is_at_end(job: Job, answer: Answer, start: int) -> bool:
    """Return whether a refused span begins where the file ends: Content-Range of a 416 tells its size (RFC 9110,
    15.5.17)."""
    return start == job.part.there > 0 and answer.headers.get("content-range", "").rpartition("/")[2] == str(start)


def _agreed(job: Job, answer: Answer, start: int, stop: int | None) -> int:
    """Return where the span that comes ends, having seen that it is of the same file and begins where it was asked."""
    span = answer.span
    n_bytes = answer.length
    wrong = (
        span is None or span[0] != start or span[1] < span[0] or (stop is not None and span[1] >= stop)
        or (n_bytes is not None and n_bytes != span[1] - span[0] + 1)
    )  # fmt: skip
    if wrong or span is None:
        got = answer.headers.get("content-range", "no Content-Range")
        raise StartOver(f"asked for the bytes from {start} on, the host sent {got}", ranges=False)
    _compare(job, identity_of(answer))
    job.part.adopt(identity_of(answer))
    _note_digest(job, answer)
    return span[1] + 1


def _compare(job: Job, found: Identity) -> None:
    changed = job.part.identity.differs_from(found)
    if changed is None:
        return
    stated = job.source.file.size_bytes
    if stated is not None and found.size_bytes not in (None, stated):
        raise Wrong(_wrong_size(job, stated, found.size_bytes))
    raise StartOver(changed)


def _take_whole(job: Job, answer: Answer, *, is_span: bool, may_restart: bool) -> None:
    """Take the whole file in; where a span was asked for, the file has changed, or the host knows no ranges."""
    found = identity_of(answer)
    first = _first_bytes(job, answer)
    stated = job.source.file.size_bytes
    if stated is not None and found.size_bytes not in (None, stated):
        raise Wrong(_wrong_size(job, stated, found.size_bytes))
    changed = job.part.identity.differs_from(found)
    if is_span or changed:
        if not may_restart:
            raise StartOver(changed or "the host sends the whole file where a span was asked for", ranges=bool(changed))
        job.part.restart(found)
    else:
        job.part.adopt(found)
    _note_digest(job, answer)
    _take(job, answer, 0, job.part.size, first)


def _first_bytes(job: Job, answer: Answer) -> bytes:
    """Return the first bytes, having seen that they are no page: before anything that is here makes room for them."""
    first = _read(job, answer)
    if not first and job.source.file.size_bytes != 0:
        raise Wrong(NotWhole("the host sent an empty file", where=job.name))
    try:
        look_at_start(job.name, first[:HEAD_BYTES], vouched=bool(job.expected))
    except NotWhole as error:
        raise Wrong(error) from error
    return first


def _note_digest(job: Job, answer: Answer) -> None:
    """Take the MD5 that Google's store sends with every answer; it is of the whole object, as it is stored."""
    stored = answer.headers.get("x-goog-stored-content-encoding", "identity")
    sent = answer.headers.get("content-encoding", "identity")
    for item in answer.headers.get("x-goog-hash", "").split(","):
        name, _, value = item.strip().partition("=")
        if name == "md5" and stored == sent:
            try:
                job.expect("md5", base64.b64decode(value, validate=True).hex())
            except binascii.Error:
                return


def _wrong_size(job: Job, expected: int, found: int | None) -> NotWhole:
    why = f"expected {expected} bytes, the host sends {found or 'more'}"
    return NotWhole("the size is wrong", where=job.name, why=why)


# --- its bytes -------------------------------------------------------------------------------


def _take(job: Job, body: Body, start: int, stop: int | None, first: bytes = b"") -> None:
    """Take in what comes; `stop` None: until the body ends."""
    at = start
    data = first
    while True:
        if stop is not None and at + len(data) > stop:
            raise Wrong(_wrong_size(job, stop, None), tainted=True)
        if data:
            job.came(at, data)
            at += len(data)
        if at == stop:
            _see_end(job, body, at)
            return
        data = _read(job, body)
        if not data:
            break
    if stop is not None:
        raise Again(AccessError("the connection ended early", where=job.name, why=f"{at} of {stop} bytes are here"))
    job.unsized = True
    job.part.adopt(Identity(at))


def _read(job: Job, body: Body) -> bytes:
    """Return the next bytes, unless the work has ended: what an aborted connection under TLS still gives is cipher."""
    job.stop.check()
    with _TOLD_AGAIN:
        data = body.some(job.tools.pace.piece_bytes)
    job.stop.check()
    return data


def _see_end(job: Job, body: Body, at: int) -> None:
    """See that a body whose length nobody told ends where the file does."""
    if body.length is None and at == job.part.size and _read(job, body):
        raise Wrong(_wrong_size(job, at, None), tainted=True)


class Stream:
    """The stream of a host that does not speak HTTP, as a body."""

    length = None

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def some(self, most_bytes: int) -> bytes:
        """Return the next bytes."""
        return self._stream.read(most_bytes)

    def abort(self) -> None:
        """Nothing: the stream ends with its own time limit."""


class _ToldAgain:
    """Turns a broken connection into `Again`, unless asking again is of no use."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Broken):
            if not error.lasting:
                raise Again(error) from error
        elif isinstance(error, (OSError, EOFError)) and not isinstance(error, MedshelfError):
            raise Again(AccessError("the connection broke", why=type(error).__name__)) from error


_TOLD_AGAIN = _ToldAgain()
