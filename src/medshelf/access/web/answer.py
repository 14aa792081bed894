"""An answer: status, headers and a body that is read in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

from medshelf.access.web.redact import shown
from medshelf.errors import AccessError


class Broken(AccessError):
    """The connection could not be made, or broke; `lasting` where asking again is of no use (a wrong certificate)."""

    def __init__(self, what: str, *, lasting: bool = False, **kwargs: object) -> None:
        super().__init__(what, **kwargs)  # type: ignore[arg-type]
        self.lasting = lasting


_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+|\*)", re.IGNORECASE)


class Answer:
    """What a server sends back; a context manager, which gives the connection back.

    Attributes
    ----------
    status : int
    headers : mapping of str to str
        Names in lower case.
    url : str
        Where the answer came from, after redirects.
    """

    def __init__(self, raw: Any, url: str) -> None:
        self._raw = raw
        self.url = url
        self.status: int = raw.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in raw.headers.items()}

    def __enter__(self) -> Answer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back; one whose body was not read to the end is closed."""
        self._raw.close()

    @property
    def length(self) -> int | None:
        """Bytes of the body, where the server says."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isdecimal() else None

    @property
    def span(self) -> tuple[int, int, int | None] | None:
        """(first, last, total) of Content-Range, None without one (RFC 9110, 14.4)."""
        found = _RANGE.fullmatch(self.headers.get("content-range", "").strip())
        if found is None:
            return None
        return int(found[1]), int(found[2]), None if found[3] == "*" else int(found[3])

    def some(self, most_bytes: int) -> bytes:
        """Return what is there, or wait for the next bytes; empty at the end of the body. One read of the socket.

        Raises
        ------
        Broken
            As in `pieces`.
        """
        from urllib3.exceptions import HTTPError

        try:
            return self._raw.read1(most_bytes, decode_content=False) or b""
        except (HTTPError, OSError, ValueError) as error:
            raise Broken("the connection broke", where=shown(self.url), why=type(error).__name__) from error

    def abort(self) -> None:
        """End the reading from another thread: what waits for bytes there sees the end of the connection."""
        with suppress(ValueError, RuntimeError, OSError):  # nothing is being read
            self._raw.shutdown()

    def pieces(self, size_bytes: int = 1 << 20) -> Iterator[bytes]:
        """Yield the body in pieces.

        Raises
        ------
        Broken
            The connection breaks, or the body ends before its length or its last chunk.
        """
        from urllib3.exceptions import HTTPError

        try:
            yield from self._raw.stream(size_bytes, decode_content=False)
        except (HTTPError, OSError) as error:
            raise Broken("the connection broke", where=shown(self.url), why=type(error).__name__) from error

    def read(self, most_bytes: int = 64 << 20) -> bytes:
        """Return the whole body.

        Raises
        ------
        AccessError
            It breaks off, or is larger than `most_bytes`.
        """
        found = bytearray()
        for piece in self.pieces():
            found += piece
            if len(found) > most_bytes:
                raise AccessError("the answer is too large", where=shown(self.url), why=f"over {most_bytes} bytes")
        return bytes(found)
