"""Compressed bytes to arrays: gzip, zlib and bzip2 streams of a declared size, checked as they are read.

libdeflate (through imagecodecs) does the work where a whole member fits the buffer, several times
faster than zlib; zlib takes over for everything else and finds out what is wrong with a bad stream.
Both verify the checksum and the length of every member they read (RFC 1952, section 2.3.1; RFC 1950).
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from mmap import mmap
from typing import Any, BinaryIO

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported

Buffer = bytes | mmap
"""Compressed bytes: in memory, or a file mapped into it."""

GZIP_MAGIC = b"\x1f\x8b"
MAX_RATIO = 1100
"""More than deflate can inflate a byte to (1032, reached by runs of one value)."""

_CHUNK = 1 << 14
_START = 1 << 11
"""Packed bytes that are read at a time for a header: the file may be far away."""
_SLACK = 1 << 20
_ALIGN = 64
_MORE = "the compressed stream holds more bytes than the header declares"
_AGAIN = "Fetch the file again and compare its checksum with the host's"


@dataclass
class Inflated:
    """What came out of a compressed stream."""

    data: np.ndarray
    """(size,) uint8: the bytes asked for."""
    notes: list[str] = field(default_factory=list)
    """Oddities that don't touch those bytes."""


def aligned_bytes(size: int, name: str, lead: int = 0) -> np.ndarray:
    """Return `size` fresh bytes in which byte `lead` lies at a multiple of 64.

    Parameters
    ----------
    size : int
        Number of bytes; the caller has compared it with the size of the file.
    name : str
        The file, for the message.
    lead : int
        Where the voxels begin.

    Raises
    ------
    Unsupported
        There is not that much memory.
    """
    try:
        raw = np.empty(size + _ALIGN, np.uint8)
    except (MemoryError, ValueError) as error:
        raise Unsupported(
            "the image is larger than memory",
            where=name,
            why=f"it takes {size:,} bytes",
            hint="Use a machine with more memory",
        ) from error
    shift = -(raw.__array_interface__["data"][0] + lead) % _ALIGN
    return raw[shift : shift + size]


def refuse_impossible(size: int, compressed_size: int, name: str) -> None:
    """Refuse a declared size that so few deflated bytes can't hold, before memory is taken for it.

    Raises
    ------
    Truncated
        `size` is more than `MAX_RATIO` times what is there.
    """
    if size > compressed_size * MAX_RATIO + _CHUNK:
        raise Truncated(
            "the header declares more voxels than the file can hold",
            where=name,
            why=f"expected {size:,} bytes, found {compressed_size:,} compressed bytes, "
            f"which inflate to {compressed_size * MAX_RATIO:,} at the very most",
            hint=_AGAIN,
        )


def inflate_start(stream: BinaryIO, size: int, name: str) -> bytes:
    """Return up to the first `size` inflated bytes of a gzip stream, reading little more than they need.

    Raises
    ------
    FormatError
        The stream is damaged in what had to be read of it.
    """
    parts: list[bytes] = []
    missing = size
    engine = zlib.decompressobj(31)
    chunk = stream.read(_START)
    while missing and chunk:
        try:
            part = engine.decompress(chunk, missing)
        except zlib.error as error:
            raise _damaged(name, error, size - missing) from error
        parts.append(part)
        missing -= len(part)
        if engine.eof:
            chunk = engine.unused_data or stream.read(_START)
            if not chunk.startswith(GZIP_MAGIC):
                break
            engine = zlib.decompressobj(31)
        else:
            chunk = engine.unconsumed_tail or stream.read(_START)
    return b"".join(parts)


def inflate_gzip(data: Buffer, size: int, name: str, *, start: int = 0, lead: int = 0) -> Inflated:
    """Inflate the first `size` bytes of a gzip stream of one or more members.

    Every member that holds any of those bytes is verified whole. What follows the last member
    (padding, garbage) is noted, as is a stream that goes on after `size` bytes.

    Parameters
    ----------
    data : Buffer
        Holds the stream.
    size : int
        Number of inflated bytes wanted.
    name : str
        The file, for messages.
    start : int
        Where in `data` the stream begins.
    lead : int
        Inflated byte that shall be aligned for its use as an array.

    Raises
    ------
    Truncated
        The stream ends, or a member breaks off, before `size` bytes.
    FormatError
        The stream is damaged, or a checksum does not fit.
    """
    refuse_impossible(size, len(data) - start, name)
    work = _Work(data, start, aligned_bytes(size + _SLACK, name, lead), size, name)
    while work.at < len(data) and data[work.at : work.at + 2] == GZIP_MAGIC:
        _gzip_member(work)
    return work.finish()


def inflate_zlib(data: Buffer, size: int, name: str, *, start: int = 0) -> Inflated:
    """Inflate the first `size` bytes of one zlib (RFC 1950) or gzip stream; see `inflate_gzip`."""
    refuse_impossible(size, len(data) - start, name)
    work = _Work(data, start, aligned_bytes(size + _SLACK, name), size, name)
    written = _at_once(work, "deflate_decode")
    if written is None:
        _piecewise(work, 47)
    else:
        work.filled, work.at = written, len(data)
    return work.finish()


def inflate_bzip2(stream: BinaryIO, size: int, name: str) -> Inflated:
    """Inflate the first `size` bytes of a bzip2 stream, from where `stream` stands.

    bzip2 has no useful limit of its ratio, so memory grows with what really comes out. The stream is
    read to its end, where its last checksum is.

    Raises
    ------
    Truncated, FormatError
        As `inflate_gzip`.
    """
    found = bytearray()
    engine = bz2.BZ2Decompressor()
    chunk = stream.read(_CHUNK)
    while len(found) < size or not engine.eof:
        if engine.eof:  # another stream may follow
            chunk = engine.unused_data or stream.read(_CHUNK)
            engine = bz2.BZ2Decompressor()
        if not chunk and engine.needs_input:
            raise _short(name, size, len(found))
        try:
            found += engine.decompress(chunk, _SLACK)
        except (OSError, ValueError) as error:
            raise _damaged(name, error, len(found)) from error
        if len(found) > _enough(size):
            break
        chunk = stream.read(_CHUNK) if engine.needs_input and not engine.eof else b""
    notes = [_MORE] if len(found) > size else []
    return Inflated(np.frombuffer(found, np.uint8)[:size], notes)


def _enough(size: int) -> int:
    """Inflated bytes after which a stream that goes on and on is left."""
    return 2 * size + (64 << 20)


@dataclass
class _Work:
    """A stream being inflated."""

    data: Buffer
    at: int
    out: np.ndarray
    size: int
    name: str
    filled: int = 0
    notes: list[str] = field(default_factory=list)

    def finish(self) -> Inflated:
        if self.filled < self.size:
            raise _short(self.name, self.size, self.filled)
        if self.filled > self.size:
            self.notes.append(_MORE)
        if self.data[self.at : self.at + _CHUNK].strip(b"\0"):
            self.notes.append(f"{len(self.data) - self.at} bytes of garbage follow the compressed data")
        return Inflated(self.out[: self.size], self.notes)


def _gzip_member(work: _Work) -> None:
    """Inflate one member, moving `work` to its end."""
    written = _at_once(work, "gzip_decode")
    end = None if written is None else _member_end(work, written)
    if written is None or end is None:
        _piecewise(work, 31)
    else:
        work.at, work.filled = end, work.filled + written


def _at_once(work: _Work, codec: str) -> int | None:
    """Inflate one member with libdeflate; None where it can't (any fault, or more bytes than room)."""
    import imagecodecs

    decode: Callable[..., np.ndarray] = getattr(imagecodecs, codec)
    try:
        return len(decode(memoryview(work.data)[work.at :], out=work.out[work.filled :]))
    except (RuntimeError, ValueError):
        return None


def _member_end(work: _Work, written: int) -> int | None:
    """Return where the member ends that libdeflate has just inflated, which it doesn't tell.

    A member ends with the checksum and length of what it holds (RFC 1952), both known by now. When
    all bytes wanted are there and the file's last four are that length, this was the only member.
    """
    data = work.data
    length = (written & 0xFFFFFFFF).to_bytes(4, "little")
    if work.filled + written >= work.size and data[len(data) - 4 :] == length:
        return len(data)
    import imagecodecs

    held: Any = work.out[work.filled : work.filled + written]
    checksum = imagecodecs.deflate_crc32(held) if written else 0
    found = data.find(checksum.to_bytes(4, "little") + length, work.at + 12)
    return None if found < 0 else found + 8


def _piecewise(work: _Work, wbits: int) -> None:
    """Inflate one member with zlib, keeping what there is room for and saying what is wrong."""
    engine = zlib.decompressobj(wbits)
    while not engine.eof:
        chunk = work.data[work.at : work.at + _CHUNK]
        if not chunk:
            raise _short(work.name, work.size, work.filled)
        try:
            part = engine.decompress(chunk)
        except zlib.error as error:
            raise _damaged(work.name, error, work.filled) from error
        room = work.out[work.filled : work.filled + len(part)]
        room[:] = np.frombuffer(part, np.uint8)[: len(room)]
        work.filled += len(part)
        work.at += len(chunk)
        if work.filled > _enough(work.size):
            work.at = len(work.data)
            return
    work.at -= len(engine.unused_data)


def _short(name: str, expected: int, found: int) -> Truncated:
    return Truncated(
        "the file ends before its voxels do",
        where=name,
        why=f"expected {expected:,} inflated bytes, found {found:,}",
        hint=_AGAIN,
    )


def _damaged(name: str, error: Exception, found: int) -> FormatError:
    return FormatError(
        "the compressed data is damaged",
        where=name,
        why=f"{error}, after {found:,} inflated bytes",
        hint=_AGAIN,
    )
