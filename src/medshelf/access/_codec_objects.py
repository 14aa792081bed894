"""Decompressors that the standard library lacks, or gives another interface than `bz2.BZ2Decompressor`."""

from __future__ import annotations

import lzma
import sys
import zlib
from typing import Any

from medshelf.errors import need

MOST_WINDOW_BYTES = 2 << 30
"""Most memory that a decompressor may want for what it looks back at."""
_STEP64_BYTES = 512
"""Gives at most 16 MiB: 65,538 bytes from 17 bits."""


_PACKAGES = {
    "deflate64": "inflate64", "zip-zstd": "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd",
}  # fmt: skip
"""What reads a codec that the standard library does not; both come with the extra ``7z``."""


def module_for(codec: str) -> Any:
    """Return the module that reads a codec, or None where the standard library does.

    Raises
    ------
    MissingExtra
        It is not installed.
    """
    return need(_PACKAGES[codec], "7z") if codec in _PACKAGES else None


class Zlib:
    """A zlib object with the interface of the other two."""

    def __init__(self, wbits: int) -> None:
        self._object = zlib.decompressobj(wbits)
        self._full = False

    eof = property(lambda self: self._object.eof)
    unused_data = property(lambda self: self._object.unused_data)
    needs_input = property(lambda self: not self._full and not self._object.unconsumed_tail)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        rest = self._object.unconsumed_tail
        out: bytes = self._object.decompress(rest + data if rest else data, max_length)
        self._full = len(out) == max_length
        return out


class ZipLzma:
    """LZMA as zip holds it: version, size of the properties, properties, raw LZMA1 (APPNOTE 5.8.8)."""

    eof = property(lambda self: self._object is not None and self._object.eof)
    needs_input = property(lambda self: self._object is None or self._object.needs_input)
    unused_data = b""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._head = b""
        self._object: lzma.LZMADecompressor | None = None

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._object is None:
            self._head += data
            if len(self._head) < 9:
                return b""
            self._object, data = self._begin(self._head), self._head[9:]
        return self._object.decompress(data, max_length)

    def _begin(self, head: bytes) -> lzma.LZMADecompressor:
        if int.from_bytes(head[2:4], "little") != 5 or head[4] >= 9 * 5 * 5:
            raise lzma.LZMAError("unknown properties")
        rest, lc = divmod(head[4], 9)
        pb, lp = divmod(rest, 5)
        declared = int.from_bytes(head[5:9], "little")
        window = max(min(declared, self._size_bytes), 4096)  # no match reaches further than the member
        if window > MOST_WINDOW_BYTES:
            raise lzma.LZMAError(f"it takes a memory of {window} bytes, the limit is {MOST_WINDOW_BYTES}")
        return lzma.LZMADecompressor(
            lzma.FORMAT_RAW,
            filters=[{"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": window}],
        )


class Deflate64:
    """Deflate64 (APPNOTE 5.5.1), by inflate64, a package of py7zr's; the data are fed in small steps to bound each."""

    needs_input = property(lambda self: not self._waiting and len(self._out) == 0)
    unused_data = b""

    def __init__(self, size_bytes: int) -> None:
        module: Any = module_for("deflate64")
        self._object = module.Inflater()
        self._waiting = b""
        self._out = memoryview(b"")

    eof = property(lambda self: self._object.eof and len(self._out) == 0)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._waiting += data
        while self._waiting and not self._out and not self._object.eof:
            step, self._waiting = self._waiting[:_STEP64_BYTES], self._waiting[_STEP64_BYTES:]
            self._out = memoryview(self._object.inflate(step))
        out, self._out = self._out[:max_length], self._out[max_length:]
        return bytes(out)


class Zstd:
    """Zstandard (RFC 8878), by the standard library from Python 3.14 on, else by a package of py7zr's.

    It refuses windows of more than 128 MiB by itself.
    """

    def __init__(self, size_bytes: int) -> None:
        module: Any = module_for("zip-zstd")
        self._object = module.ZstdDecompressor()
        self._error = module.ZstdError

    eof = property(lambda self: self._object.eof)
    unused_data = property(lambda self: self._object.unused_data)
    needs_input = property(lambda self: self._object.needs_input)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            out: bytes = self._object.decompress(data, max_length)
        except self._error as error:
            raise ValueError(str(error)) from error
        return out
