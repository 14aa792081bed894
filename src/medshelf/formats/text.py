"""Plain text: bounded bytes of a blob, and characters whose encoding is known, not guessed.

Text readers (tables, boxes, key-value files, meshes in ASCII) take their bytes from here, so that the
size is checked before anything is read, gzip is undone within a limit, and no encoding is assumed in
silence.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Sequence

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats import head_of
from medshelf.model.blob import Blob

LIMIT_BYTES = 2**30
"""Largest text that is read whole (1 GiB), measured after decompression."""

_GZIP = b"\x1f\x8b"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def bytes_of(blob: Blob, *, limit_bytes: int = LIMIT_BYTES, allow_empty: bool = False) -> bytes:
    """Return all bytes of a blob; gzip is undone.

    Parameters
    ----------
    blob : Blob
        A file or archive member.
    limit_bytes : int
        Largest size that is read, and largest size that gzip may unfold to.
    allow_empty : bool
        Whether a file of no bytes is a valid one (a YOLO label file without objects is).

    Raises
    ------
    FormatError
        The blob is empty, a web page, or broken gzip (`Truncated` where gzip ends early).
    Unsupported
        It is larger than the limit.
    """
    size = blob.size_bytes
    if size > limit_bytes:
        raise _too_large(blob, f"{size} bytes", limit_bytes)
    if size == 0 and allow_empty:
        return b""
    head_of(blob)
    data = blob.read_bytes()
    return _gunzip(data, blob, limit_bytes) if data.startswith(_GZIP) else data


def _too_large(blob: Blob, found: str, limit_bytes: int) -> Unsupported:
    return Unsupported(
        "the file is too large to be read whole",
        where=blob.name,
        why=f"{found}, limit {limit_bytes}",
        hint="Raise limit_bytes if this size is right",
    )


def _gunzip(data: bytes, blob: Blob, limit_bytes: int) -> bytes:
    """Undo gzip (RFC 1952, several members one after another) up to a limit."""
    parts: list[bytes] = []
    total = 0
    while data.startswith(_GZIP):
        engine = zlib.decompressobj(wbits=31)
        try:
            part = engine.decompress(data, limit_bytes - total + 1)
        except zlib.error as error:
            raise FormatError("the gzip data are damaged", where=blob.name, why=str(error)) from error
        total += len(part)
        if total > limit_bytes:
            raise _too_large(blob, f"gzip unfolds to more than {limit_bytes} bytes", limit_bytes)
        if not engine.eof:
            raise Truncated("the gzip data end early", where=blob.name, hint="Fetch the file again")
        parts.append(part)
        data = engine.unused_data
    return b"".join(parts)


def decode(data: bytes, where: object, encoding: str | None = None) -> tuple[str, str]:
    """Turn bytes into characters.

    Without `encoding` the rule is: a byte order mark decides; else UTF-8; else GB18030, and that only
    when nine tenths of its two-byte characters are in the rows of GB 2312 (both bytes 0xA1 or more), as
    Chinese text is and accented Latin text is not. Nothing else is tried.

    Parameters
    ----------
    data : bytes
        The text as stored.
    where : object
        What to name in an error.
    encoding : str, optional
        Any name that Python knows; then nothing is tried but that.

    Returns
    -------
    text : str
        The characters, without a byte order mark.
    encoding : str
        The encoding that was used.

    Raises
    ------
    FormatError
        The bytes are not text in that encoding, or not text at all.
    """
    if encoding is not None:
        return _decode_as(data, where, encoding), encoding
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _decode_as(data, where, name), name
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if _looks_chinese(data):
            return _decode_as(data, where, "gb18030"), "gb18030"
        raise FormatError(
            "the text is in an unknown encoding",
            where=where,
            why=f"not UTF-8 at byte {error.start}, and not Chinese GB18030",
            hint="Name its encoding, such as 'cp1252'",
        ) from error
    if "\x00" in text:
        raise FormatError(
            "these are binary data, not text", where=where, why=f"a zero byte at {text.index(chr(0))}"
        )
    return text, "utf-8"


def _decode_as(data: bytes, where: object, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except LookupError as error:
        raise FormatError(f"no encoding is called {encoding!r}", where=where) from error
    except UnicodeError as error:
        raise FormatError(
            f"the text is not {encoding}", where=where, why=str(error), hint="Name another encoding"
        ) from error


def _looks_chinese(data: bytes) -> bool:
    """Whether bytes above 127 come in the pairs of GB 2312."""
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    high = np.frombuffer(data, np.uint8) >= 0xA1
    pairs = int(np.count_nonzero(high))
    outside = int(np.count_nonzero(np.frombuffer(data, np.uint8) >= 0x80)) - pairs
    edges = np.flatnonzero(np.diff(np.concatenate(([False], high, [False])).astype(np.int8)))
    odd = int(np.count_nonzero((edges[1::2] - edges[0::2]) % 2))
    return pairs > 0 and (odd + outside) * 20 <= pairs


def read_text(blob: Blob, *, encoding: str | None = None, limit_bytes: int = LIMIT_BYTES) -> str:
    """Read a text file; encoding and errors as in `decode` and `bytes_of`."""
    return decode(bytes_of(blob, limit_bytes=limit_bytes), blob.name, encoding)[0]


def numbers(words: Sequence[str] | Sequence[bytes], kind: str) -> np.ndarray:
    """Turn words into numbers, several times faster than NumPy's own conversion.

    Parameters
    ----------
    words : sequence of str or bytes
        Decimal numbers.
    kind : str
        NumPy name of the type of the result.

    Raises
    ------
    ValueError
        A word is no number, or does not fit the type.
    """
    dtype = np.dtype(kind)
    try:
        if dtype.kind == "f":
            return np.array(list(map(float, words)), np.float64).astype(dtype)
        return np.array(list(map(int, words)), dtype)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def write_text(path: object, text: str, *, encoding: str = "utf-8") -> None:
    """Write a text file, lines ended as they are in `text`."""
    with open(str(path), "w", encoding=encoding, newline="") as stream:
        stream.write(text)
