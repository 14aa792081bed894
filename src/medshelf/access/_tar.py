"""Tar: one walk over its headers, recording where each member's bytes lie.

Reads v7, ustar, pax (POSIX.1-2001) and GNU headers, after the POSIX page of pax(1) and the GNU tar manual's
"Basic Tar Format".
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from medshelf.access._index import LEFT_OUT, MOST_MEMBERS, SETUID, Gathering, Index
from medshelf.access._random_access import MOST_TRAILING_BYTES
from medshelf.errors import AccessError

BLOCK = 512
_MOST_EXTENDED_BYTES = 1 << 20
_MOST_BYTES = 1 << 60
_SETUID = 0o6000
_FILES = (b"0", b"\0", b"7")
_WHY = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"S": "a sparse file of GNU tar",
    b"M": "the rest of a file that began in another volume",
}
_WITHOUT_DATA = (b"1", b"2", b"3", b"4", b"5", b"6")
_SILENT = (b"5", b"V", b"D")

Step = Callable[[int], None]
"""Told, now and then, how far into the tar the walk has come, in bytes."""


@dataclass(slots=True)
class _Pending:
    """What extended headers say of the member that follows."""

    path: str | None = None
    size: int | None = None
    sparse: bool = False

    def clear(self) -> None:
        self.path, self.size, self.sparse = None, None, False


def looks_like_tar(head: bytes) -> bool:
    """Return True if 512 bytes are a tar header with a right checksum (an empty tar is zeros: False)."""
    return len(head) >= BLOCK and any(head[:BLOCK]) and _checksum_fits(head[:BLOCK])


def read_index(
    stream: io.BufferedIOBase, size_bytes: int | None, name: str, step: Step, most_members: int = MOST_MEMBERS
) -> tuple[Index, int]:
    """List a tar.

    Parameters
    ----------
    stream : io.BufferedIOBase
        The tar, decompressed; read forward only.
    size_bytes : int or None
        Its size, where known without reading.
    name : str
        For messages.
    step : callable
        See `Step`.
    most_members : int
        More are an error.

    Returns
    -------
    Index, int
        The members, and how many bytes of the tar hold them.

    Raises
    ------
    AccessError
        The tar is cut or damaged.
    """
    found = Gathering(name, most_members)
    pending = _Pending()
    position = 0
    while True:
        head = _block(stream, name, position)
        if head is None:
            found.problems.add(name, "the tar has no end mark; members after the last may be missing")
            return found.index(), position
        if not any(head):
            position += BLOCK
            _read_trailing(stream, found)
            return found.index(), position
        if not _checksum_fits(head):
            raise _broken(name, "a header's checksum is wrong", position)
        start, held = _member(stream, head, position + BLOCK, found, pending)
        position = start + -(-held // BLOCK) * BLOCK
        _skip_to(stream, position, start + held, size_bytes, name)
        step(position)


def _member(
    stream: io.BufferedIOBase, head: bytes, start: int, found: Gathering, pending: _Pending
) -> tuple[int, int]:
    """Take in one header that ends at `start`; return where its data begin and their size."""
    name = found.archive_name
    kind, size = head[156:157], _number(head[124:136], name, start)
    if kind in (b"x", b"X", b"g", b"L", b"K"):
        _extended(stream, kind, size, start, name, pending)
        return start, size
    if pending.size is not None:
        size = pending.size
    path = pending.path if pending.path is not None else _path(head)
    if kind == b"S" and head[482:483] not in (b"\0", b""):
        start = _skip_sparse_map(stream, start, name)
    if kind in _FILES and path.endswith("/"):
        kind = b"5"
    if pending.sparse or kind in _WHY:
        found.problems.add(path, f"{LEFT_OUT}{_WHY.get(kind, _WHY[b'S'])}")
    elif kind in _FILES:
        mode = _mode(head)
        flags = SETUID if mode & _SETUID else 0
        found.add(path, offset=start, packed=size, size=size, crc32=zlib.crc32(head), flags=flags)
    elif kind not in _SILENT:
        found.problems.add(path, f"{LEFT_OUT}a member of unknown type {kind!r}")
    pending.clear()
    return start, 0 if kind in _WITHOUT_DATA else size


def _extended(
    stream: io.BufferedIOBase, kind: bytes, size: int, start: int, name: str, pending: _Pending
) -> None:
    if size > _MOST_EXTENDED_BYTES:
        raise _broken(name, f"an extended header of {size} bytes", start)
    data = stream.read(size)
    if len(data) < size:
        raise _broken(name, "the tar ends inside a header", start)
    if kind == b"L":
        pending.path = _text(data.rstrip(b"\0"))
    elif kind in (b"x", b"X"):
        _apply(pending, _pax(data, name, start), name, start)


def _apply(pending: _Pending, said: dict[str, bytes], name: str, start: int) -> None:
    if "path" in said:
        pending.path = _text(said["path"])
    if "size" in said:
        if not said["size"].isdigit() or len(said["size"]) > 19:
            raise _broken(name, "a size that is no number", start)
        pending.size = int(said["size"])
        if pending.size > _MOST_BYTES:
            raise _broken(name, "a size that can't be", start)
    pending.sparse = pending.sparse or any(key.startswith("GNU.sparse.") for key in said)


def _pax(data: bytes, name: str, start: int) -> dict[str, bytes]:
    """Return the records ``<length> <key>=<value>\\n`` of an extended header."""
    said: dict[str, bytes] = {}
    data, at = data.rstrip(b"\0"), 0
    while at < len(data):
        digits, _, _ = data[at : at + 12].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        record = data[at + len(digits) + 1 : at + length]
        if at + length > len(data) or not record.endswith(b"\n") or b"=" not in record:
            raise _broken(name, "a damaged extended header", start)
        key, _, value = record[:-1].partition(b"=")
        said[_text(key)] = value
        at += length
    return said


def _mode(head: bytes) -> int:
    """Return the permissions, 0 where they are no number: nothing else depends on them."""
    digits = head[100:108].replace(b"\0", b" ").strip()
    return int(digits, 8) if digits and not digits.strip(b"01234567") else 0


def _path(head: bytes) -> str:
    path = head[:100].partition(b"\0")[0]
    prefix = head[345:500].partition(b"\0")[0]
    if head[257:263] == b"ustar\0" and prefix:
        path = prefix + b"/" + path
    return _text(path)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _number(raw: bytes, name: str, at: int) -> int:
    """Return an octal number, or GNU's base-256 one for what is too large for octal."""
    if raw[0] & 0x80:
        value = int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
        if raw[0] & 0x40 or value > _MOST_BYTES:
            raise _broken(name, "a size that can't be", at)
        return value
    digits = raw.partition(b"\0")[0].strip() or b"0"
    if digits.strip(b"01234567"):
        raise _broken(name, "a size that is no number", at)
    return int(digits, 8)


def _checksum_fits(head: bytes) -> bool:
    try:
        declared = int(head[148:156].replace(b"\0", b" ").split()[0], 8)
    except (ValueError, IndexError):
        return False
    blanked = head[:148] + b" " * 8 + head[156:]
    unsigned = sum(blanked)
    return declared == unsigned or declared == unsigned - 256 * sum(byte > 127 for byte in blanked)


def _block(stream: io.BufferedIOBase, name: str, position: int) -> bytes | None:
    head = stream.read(BLOCK)
    if not head:
        return None
    if len(head) < BLOCK:
        raise _broken(name, "the tar ends inside a header", position)
    return head


def _skip_sparse_map(stream: io.BufferedIOBase, start: int, name: str) -> int:
    more = True
    while more:
        block = _block(stream, name, start)
        if block is None:
            raise _broken(name, "the tar ends inside a header", start)
        more = bool(block[504])
        start += BLOCK
    return start


def _skip_to(
    stream: io.BufferedIOBase, position: int, data_end: int, size_bytes: int | None, name: str
) -> None:
    """Go to the next header; the padding of the last member may be missing, its data may not."""
    if size_bytes is not None and data_end > size_bytes or stream.seek(position) < data_end and size_bytes is None:
        raise _broken(name, "the tar ends inside a member", data_end)


def _read_trailing(stream: io.BufferedIOBase, found: Gathering) -> None:
    """Read what follows the end mark, so that the checksum of a compressed tar is verified."""
    left = MOST_TRAILING_BYTES
    rubbish = False
    while left > 0 and (data := stream.read(1 << 20)):
        rubbish = rubbish or bool(data.strip(b"\0"))
        left -= len(data)
    if rubbish:
        found.problems.add(found.archive_name, "what follows the end mark of the tar was not read")


def _broken(name: str, why: str, position: int) -> AccessError:
    return AccessError(
        "the tar is cut or damaged",
        where=name,
        why=f"{why}, at byte {position}",
        hint="Fetch it again, or compare its checksum",
    )
