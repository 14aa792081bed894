"""A remote file as a `Source`: a seekable stream that asks for little, and for more the longer it is read on."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medshelf.access.remote.client import Client, Place

BLOCK_BYTES = 1 << 14
"""Least that is asked for, and what is kept; a NIfTI header and a zip's local header fit."""
MOST_AHEAD_BLOCKS = 64
_MOST_AT_ONCE_BLOCKS = 256


@dataclass(frozen=True, slots=True)
class RemoteSource:
    """A file on a server, as it was when it was first looked at."""

    place: Place
    size_bytes: int
    stamp: str
    """Tells this state of the file from others: ETag, date, or something that fits no other state."""
    validator: str | None
    """What If-Range is given."""
    client: Client = field(compare=False, repr=False)

    @property
    def key(self) -> str:
        """What its blocks are kept under."""
        return f"{self.place.locator} {self.stamp}"

    def open(self) -> io.RawIOBase:
        return RemoteStream(self)

    def at_most(self, size_bytes: int) -> AbstractContextManager[None]:
        """Let no more than so many bytes be asked for within the block."""
        return self.client.traffic.at_most(size_bytes)


class RemoteStream(io.RawIOBase):
    """A position in a remote file.

    Filling a buffer takes one block, and twice as many each time that reading goes on where it, or another stream of
    the file, stopped: small members that lie beside each other come together. A `read` of a number of bytes takes
    just those, as it is known that they are wanted.
    """

    def __init__(self, source: RemoteSource) -> None:
        super().__init__()
        self._source = source
        self._client = source.client
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._position = max(0, offset + (0, self._position, self._source.size_bytes)[whence])
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._some(view.nbytes, 1)
        view[: len(data)] = data
        return len(data)

    def read(self, size: int = -1, /) -> bytes:
        """Read `size` bytes, or all."""
        left = max(0, self._source.size_bytes - self._position)
        left = left if size is None or size < 0 else min(left, size)
        parts = []
        while left > 0:
            last = (self._position + left - 1) // BLOCK_BYTES
            parts.append(self._some(left, last - self._position // BLOCK_BYTES + 1))
            left -= len(parts[-1])
        return b"".join(parts)

    def readall(self) -> bytes:
        return self.read()

    def _some(self, most: int, wanted: int) -> bytes:
        """Return between 1 and `most` bytes, of which `wanted` blocks will be needed; none at the end."""
        most = min(most, self._source.size_bytes - self._position)
        if most <= 0:
            return b""
        number, skip = divmod(self._position, BLOCK_BYTES)
        data = self._client.block(self._source, number)
        if data is None:
            data = self._fetched(number, wanted)
        data = data[skip : skip + most]
        self._position += len(data)
        return data

    def _fetched(self, number: int, wanted: int) -> bytes:
        """Ask for blocks from `number` on, up to one that is kept."""
        ahead = min(self._client.ahead(self._source, number), MOST_AHEAD_BLOCKS)
        count = min(max(wanted, ahead), _MOST_AT_ONCE_BLOCKS)
        for further in range(1, count):
            if self._client.block(self._source, number + further) is not None:
                count = further
                break
        self._client.went_to(self._source, number + count, ahead)
        start = number * BLOCK_BYTES
        data = self._client.fetch(self._source, start, min(start + count * BLOCK_BYTES, self._source.size_bytes))
        if count <= MOST_AHEAD_BLOCKS:  # more is a whole member, which is read once
            self._client.keep(self._source, number, data)
        return data
