"""Bytes of a MAT-file as they come: from the file itself, or inflated from one compressed element of it."""

from __future__ import annotations

import zlib
from typing import BinaryIO, Protocol

import numpy as np

from medshelf.errors import FormatError, Truncated
from medshelf.formats.inflate import MAX_RATIO
from medshelf.formats.payload import cut_off, fill

_PIECE = 1 << 16


class Source(Protocol):
    """Bytes that are read in one direction, none of them before they are known to be possible."""

    at: int
    """Bytes that have been read or passed over."""

    def take(self, size: int) -> bytes:
        """Return the next few bytes."""
        ...

    def into(self, out: np.ndarray) -> None:
        """Fill a uint8 array."""
        ...

    def skip(self, size: int) -> None:
        """Pass over bytes."""
        ...

    def can_hold(self, size: int) -> bool:
        """Tell whether so many bytes may follow."""
        ...

    def verify(self) -> None:
        """Go to the end, where a checksum may be, and compare it."""
        ...


class Plain:
    """The bytes of the file."""

    def __init__(self, stream: BinaryIO, size: int, name: str) -> None:
        self.at, self._stream, self._size, self._name = stream.tell(), stream, size, name

    def take(self, size: int) -> bytes:
        found = self._stream.read(size) if self.can_hold(size) else b""
        if len(found) < size:
            raise cut_off(self._name, self.at + size, self._size)
        self.at += size
        return found

    def into(self, out: np.ndarray) -> None:
        found = fill(self._stream, out)
        self.at += found
        if found < out.size:
            raise cut_off(self._name, self.at + out.size - found, self._size)

    def skip(self, size: int) -> None:
        if not self.can_hold(size):
            raise cut_off(self._name, self.at + size, self._size)
        self.at += size
        self._stream.seek(self.at)

    def can_hold(self, size: int) -> bool:
        return self.at + size <= self._size

    def verify(self) -> None: ...


class Inflating:
    """The inflated bytes of a miCOMPRESSED element, `size` compressed ones in the file (zlib, RFC 1950)."""

    def __init__(self, stream: BinaryIO, size: int, name: str) -> None:
        self.at, self._stream, self._left, self._name = 0, stream, size, name
        self._engine = zlib.decompressobj()
        self._waiting = b""

    def _some(self, most: int) -> bytes:
        """Up to `most` bytes, at least one."""
        while True:
            self._refill()
            ended = self._engine.eof or not self._waiting
            found = self._inflated(most)
            if found:
                self.at += len(found)
                return found
            if ended:
                raise Truncated(
                    "a compressed variable ends early",
                    where=self._name,
                    why=f"after {self.at:,} inflated bytes",
                    hint="Fetch the file again",
                )

    def _refill(self) -> None:
        if not self._waiting and self._left and not self._engine.eof:
            self._waiting = self._stream.read(min(_PIECE, self._left))
            self._left -= len(self._waiting)

    def _inflated(self, most: int) -> bytes:
        try:
            found = self._engine.decompress(self._waiting, most)
        except zlib.error as error:
            raise FormatError(
                "a compressed variable is damaged", where=self._name, why=str(error), hint="Fetch the file again"
            ) from error
        self._waiting = self._engine.unconsumed_tail
        return found

    def verify(self) -> None:
        while not self._engine.eof:
            self._refill()
            if not self._waiting:
                raise Truncated("a compressed variable ends early", where=self._name, why="its checksum is not there")
            self._inflated(_PIECE)

    def take(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            parts.append(self._some(size))
            size -= len(parts[-1])
        return b"".join(parts)

    def into(self, out: np.ndarray) -> None:
        done = 0
        while done < out.size:
            found = self._some(min(out.size - done, 1 << 20))
            out[done : done + len(found)] = np.frombuffer(found, np.uint8)
            done += len(found)

    def skip(self, size: int) -> None:
        if not self.can_hold(size):
            raise Truncated(
                "a compressed variable declares more than it can hold", where=self._name, why=f"{size:,} bytes"
            )
        while size:
            size -= len(self._some(min(size, _PIECE)))

    def can_hold(self, size: int) -> bool:
        return size <= (self._left + len(self._waiting)) * MAX_RATIO + _PIECE
