"""Decompression as a raw stream that is bounded, checked and seekable by starting again."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from medshelf.access._codec_objects import MOST_WINDOW_BYTES, Deflate64, ZipLzma, Zlib, Zstd
from medshelf.errors import AccessError

FIRST_CHUNK_BYTES = 1 << 11
CHUNK_BYTES = 1 << 17
"""Packed bytes that are taken at a time: few at first, as often only a header is wanted, then twice as many."""
STEP_BYTES = 1 << 22
DEFLATE_MAX_RATIO = 1032
"""Deflate can't do better: RFC 1951, 258 bytes from 2 bits."""
BOMB_FROM_BYTES = 16 << 30
BOMB_RATIO = 2000
"""A whole file that gives so much, and so much more than it has, is a bomb; bzip2 reaches 1 to 1,000,000."""


class _Decompressor(Protocol):
    """What `bz2.BZ2Decompressor` and `lzma.LZMADecompressor` share."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


_XZ_MAGIC = b"\xfd7zXZ\0"
_FILE_CODECS: dict[str, tuple[bytes, Callable[[], Any]]] = {
    "gzip": (b"\x1f\x8b", lambda: Zlib(31)),
    "bz2": (b"BZh", bz2.BZ2Decompressor),
    "xz": (_XZ_MAGIC, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_WINDOW_BYTES)),
}
_MEMBER_CODECS: dict[str, Callable[[int], Any]] = {
    "deflate": lambda size: Zlib(-15),
    "deflate64": Deflate64,
    "zip-bz2": lambda size: bz2.BZ2Decompressor(),
    "zip-lzma": ZipLzma,
    "zip-zstd": Zstd,
    "zip-xz": lambda size: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_WINDOW_BYTES),
}
_BROKEN = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError)


class Decompressed(io.RawIOBase):
    """What a compressed stream holds.

    Reads forward; a step back starts again from the beginning.

    Parameters
    ----------
    packed : io.RawIOBase
        The compressed bytes, seekable; closed with this.
    codec : str
        ``gzip``, ``bz2``, ``xz`` (whole files, which may be several streams one after another),
        ``deflate``, ``deflate64``, ``zip-bz2``, ``zip-lzma``, ``zip-zstd`` or ``zip-xz`` (members of a zip).
    name : str
        For messages.
    size_bytes : int, optional
        The size that the archive declares; reading more, or finding less, is an `AccessError`.
    crc32 : int, optional
        Checked when the last byte has been read.
    """

    def __init__(
        self,
        packed: io.RawIOBase,
        codec: str,
        name: str,
        size_bytes: int | None = None,
        crc32: int | None = None,
    ) -> None:
        super().__init__()
        self._packed = packed
        self._codec = codec
        self._name = name
        self._size_bytes = size_bytes
        self._crc32 = crc32
        self._start()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self._packed.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        if not view.nbytes or self._ended:
            return 0
        data = self._next(min(view.nbytes, STEP_BYTES))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to `offset`; past the end it stays at the end, as the size may not be known."""
        if whence == 2 and self._size_bytes is None:
            while self._next(STEP_BYTES):
                pass
        end = self._position if self._size_bytes is None else self._size_bytes
        target = offset + (0, self._position, end)[whence]
        if target < self._position:
            self._start()
        while self._position < target and self._next(min(target - self._position, STEP_BYTES)):
            pass
        return self._position

    def packed_position(self) -> int:
        """Return how many compressed bytes have been taken, for progress."""
        return self._packed.tell()

    def _start(self) -> None:
        self._packed.seek(0)
        self._chunk_bytes = min(FIRST_CHUNK_BYTES, CHUNK_BYTES)
        self._position = 0
        self._crc = 0
        self._ended = self._size_bytes == 0
        self._object = self._new()

    def _new(self) -> _Decompressor:
        if self._codec in _FILE_CODECS:
            made: _Decompressor = _FILE_CODECS[self._codec][1]()
        else:
            made = _MEMBER_CODECS[self._codec](self._size_bytes or 0)
        return made

    def _next(self, most: int) -> bytes:
        """Return between 1 and `most` bytes, or none at the end."""
        if self._ended:
            return b""
        if self._size_bytes is not None:
            most = min(most, self._size_bytes - self._position)
        try:
            data = self._produce(most)
        except _BROKEN as error:
            if isinstance(error, MemoryError):
                raise self._broken("there is no memory to unpack it", "the system gave none") from error
            raise self._broken("the compressed data are damaged", str(error)) from error
        self._position += len(data)
        if self._crc32 is not None:
            self._crc = zlib.crc32(data, self._crc)
        if self._size_bytes is not None:
            self._check_size()
        elif self._position > max(BOMB_FROM_BYTES, BOMB_RATIO * self.packed_position()):
            raise self._broken(
                "the compressed data hold absurdly much",
                f"over {self._position} bytes from {self.packed_position()}",
            )
        return data

    def _produce(self, most: int) -> bytes:
        while True:
            if self._object.eof and not self._next_stream():
                self._ended = True
                return b""
            fresh = self._fresh() if self._object.needs_input else b""
            if not fresh and self._object.needs_input:
                raise self._broken("the compressed data end too early", f"after {self._position} bytes")
            data = self._object.decompress(fresh, most)
            if data:
                return data

    def _fresh(self) -> bytes:
        data = self._packed.read(self._chunk_bytes) or b""
        self._chunk_bytes = min(2 * self._chunk_bytes, CHUNK_BYTES)
        return data

    def _next_stream(self) -> bool:
        """Begin the stream that follows in the file, where one does; padding and rubbish end the data."""
        if self._codec not in _FILE_CODECS:
            return False
        rest = self._object.unused_data
        while not rest.strip(b"\0"):
            rest = self._packed.read(self._chunk_bytes) or b""
            if not rest:
                return False
        rest = rest.lstrip(b"\0")
        rest += self._packed.read(16) or b""
        if not rest.startswith(_FILE_CODECS[self._codec][0]):
            return False
        self._packed.seek(-len(rest), 1)
        self._chunk_bytes = min(FIRST_CHUNK_BYTES, CHUNK_BYTES)  # many streams may be tiny ones
        self._object = self._new()
        return True

    def _check_size(self) -> None:
        size = self._size_bytes or 0
        if self._position < size:
            if self._ended:
                raise self._broken("the member is shorter than declared", f"{self._position} of {size} bytes")
            return
        self._ended = True
        if self._crc32 is not None and self._crc != self._crc32:
            raise self._broken("the checksum is wrong", f"CRC {self._crc:08x}, declared {self._crc32:08x}")
        if not self._object.eof and self._surplus():
            raise self._broken("the member is longer than declared", f"more than {size} bytes")

    def _surplus(self) -> bool:
        """Return True if one more byte can be had; LZMA without an end mark just stops."""
        fresh = (self._packed.read(CHUNK_BYTES) or b"") if self._object.needs_input else b""
        try:
            return bool(self._object.decompress(fresh, 1))
        except _BROKEN:
            return False

    def _broken(self, what: str, why: str) -> AccessError:
        return AccessError(
            what, where=self._name, why=why, hint="Fetch the archive again, or compare its checksum"
        )


def inflate(packed: bytes, size_bytes: int, name: str) -> bytes:
    """Return the `size_bytes` that a raw deflate stream holds.

    By libdeflate, 2 to 5 times faster than zlib; it never writes past the declared size.

    Raises
    ------
    AccessError
        The stream is damaged, or holds more or fewer bytes.
    """
    import imagecodecs

    try:
        data = bytes(imagecodecs.deflate_decode(packed, out=size_bytes, raw=True))
    except imagecodecs.DeflateError as error:
        raise AccessError(
            "the compressed data are damaged or longer than declared", where=name, why=str(error)
        ) from error
    if len(data) != size_bytes:
        raise AccessError(
            "the member is shorter than declared", where=name, why=f"{len(data)} of {size_bytes} bytes"
        )
    return data
