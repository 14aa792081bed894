"""Bytes of a DICOM object at a place: from a file, from an archive member, or from a deflated data set."""

from __future__ import annotations

import os
import zlib
from typing import BinaryIO, Protocol

from medshelf.errors import FormatError
from medshelf.model.blob import Blob

_INFLATED_LIMIT = 1 << 31
_STEP = 1 << 16


class Source(Protocol):
    """Random access to bytes; `size_bytes` is the place after the last."""

    size_bytes: int

    def read_at(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes from `offset`; fewer only at the end."""
        ...

    def read_into(self, offset: int, view: memoryview) -> int:
        """Fill `view` from `offset` and return how many bytes there were."""
        ...

    def reaches(self, end: int) -> bool:
        """Return whether there are at least `end` bytes."""
        ...

    def close(self) -> None:
        """Give the file back."""
        ...


def open_source(blob: Blob) -> Source:
    """Open a blob for reading at places: a local file without any buffer, else its stream."""
    if blob.path is not None and hasattr(os, "pread"):
        try:
            return _File(os.open(blob.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)))
        except OSError:
            pass  # the blob says better what is wrong
    return _Stream(blob.open(), blob.size_bytes)


class _File:
    __slots__ = ("_descriptor", "size_bytes")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        try:
            self.size_bytes = os.fstat(descriptor).st_size
            os.pread(descriptor, 0, 0)  # a folder opens, but does not read
        except OSError:
            os.close(descriptor)
            raise

    def read_at(self, offset: int, count: int) -> bytes:
        return os.pread(self._descriptor, count, offset)

    def read_into(self, offset: int, view: memoryview) -> int:
        done = 0
        while done < len(view):
            got = os.preadv(self._descriptor, [view[done:]], offset + done)
            if got == 0:
                break
            done += got
        return done

    def reaches(self, end: int) -> bool:
        return end <= self.size_bytes

    def close(self) -> None:
        os.close(self._descriptor)


class _Stream:
    __slots__ = ("_stream", "size_bytes")

    def __init__(self, stream: BinaryIO, size_bytes: int) -> None:
        self._stream = stream
        self.size_bytes = size_bytes

    def read_at(self, offset: int, count: int) -> bytes:
        self._stream.seek(offset)
        return self._stream.read(min(count, max(0, self.size_bytes - offset)))

    def read_into(self, offset: int, view: memoryview) -> int:
        data = self.read_at(offset, len(view))
        view[: len(data)] = data
        return len(data)

    def reaches(self, end: int) -> bool:
        return end <= self.size_bytes

    def close(self) -> None:
        self._stream.close()


class Inflated:
    """A deflated data set (PS3.5 A.5): the meta information as stored, what follows inflated as it is asked.

    The limit on the size keeps a bomb from filling the memory: deflate can't expand more than 1,032-fold.
    """

    __slots__ = ("_data", "_inflater", "_name", "_raw", "_read_to", "size_bytes")

    def __init__(self, raw: Source, start: int, name: str) -> None:
        self._raw = raw
        self._data = bytearray(raw.read_at(0, start))
        self._read_to = start
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._name = name
        self.size_bytes = _INFLATED_LIMIT

    def _inflate_to(self, end: int) -> None:
        while len(self._data) < end and len(self._data) < self.size_bytes:
            chunk = self._inflater.unconsumed_tail or self._raw.read_at(self._read_to, _STEP)
            if not self._inflater.unconsumed_tail:
                self._read_to += len(chunk)
            try:
                more = self._inflater.decompress(chunk, _STEP)
            except zlib.error as error:
                raise FormatError(
                    "the deflated data set is damaged",
                    where=self._name,
                    why=str(error),
                    hint="Fetch it again",
                ) from error
            self._data += more
            if self._inflater.eof or not (chunk or more):
                self.size_bytes = len(self._data)
        if len(self._data) >= _INFLATED_LIMIT:
            raise FormatError("the deflated data set is larger than 2 GiB", where=self._name)

    def read_at(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes from `offset`, inflating as far as needed."""
        self._inflate_to(min(offset + count, _INFLATED_LIMIT))
        return bytes(self._data[offset : offset + count])

    def read_into(self, offset: int, view: memoryview) -> int:
        """Fill `view` from `offset` and return how many bytes there were."""
        data = self.read_at(offset, len(view))
        view[: len(data)] = data
        return len(data)

    def reaches(self, end: int) -> bool:
        """Return whether there are at least `end` bytes, inflating as far."""
        self._inflate_to(min(end, _INFLATED_LIMIT))
        return end <= len(self._data)

    def close(self) -> None:
        """Give the file back."""
        self._raw.close()
