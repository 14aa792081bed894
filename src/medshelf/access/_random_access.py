"""Reading anywhere in what a compressed file holds.

A ``.tar.gz`` is read through an index of restart points where indexed_gzip (zlib licence) is installed: 32 KiB
a point, at most `MOST_POINTS` points, kept in the cache folder. Anything else is unpacked once into the cache
folder, as far as `spool_limit_bytes` and the disk allow; beyond that each jump reads from the front again.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medshelf.access._codec import STEP_BYTES
from medshelf.access.atomic import write_atomically
from medshelf.access.cache import cache_file, load, one_at_a_time, save
from medshelf.errors import AccessError

if TYPE_CHECKING:
    from medshelf.access._source import Unpacked

MOST_POINTS = 2000
SMALLEST_SPACING_BYTES = 4 << 20
OPEN_INDEXES = 4
MOST_TRAILING_BYTES = 64 << 20


def open_anywhere(unpacked: Unpacked) -> io.RawIOBase:
    """Open `unpacked` for reading anywhere, by the cheapest way there is."""
    if unpacked.codec == "gzip" and (handle := _indexes.get(unpacked)):
        return _GzipStream(handle, unpacked)
    spool = cache_file("spool", _key(unpacked))
    stream = _open_spool(spool, unpacked)
    if stream is None and _fits(unpacked.size_bytes, spool.parent):
        with one_at_a_time(spool):
            stream = _open_spool(spool, unpacked) or _fill_spool(spool, unpacked)
    return stream or unpacked.open_forward()


def is_quick(unpacked: Unpacked) -> bool:
    """Return True if `open_anywhere` needs no reading from the front at each jump."""
    spool = cache_file("spool", _key(unpacked))
    return bool(
        (unpacked.codec == "gzip" and _indexes.get(unpacked))
        or spool.exists()
        or _fits(unpacked.size_bytes, spool.parent)
    )


def _key(unpacked: Unpacked) -> str:
    """Return what tells one unpacked copy from others; with another password it is another."""
    if unpacked.password is None:
        return repr(unpacked)
    return repr(unpacked) + hashlib.sha256(unpacked.password.encode()).hexdigest()


def spool_limit_bytes() -> int:
    """Return how much may be unpacked into the cache folder: ``$MEDSHELF_SPOOL_LIMIT_BYTES`` or 32 GiB."""
    return int(os.environ.get("MEDSHELF_SPOOL_LIMIT_BYTES") or 32 << 30)


def _fits(size_bytes: int, folder: Path) -> bool:
    if size_bytes > spool_limit_bytes():
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return size_bytes * 2 <= shutil.disk_usage(folder).free
    except OSError:
        return False


def _open_spool(path: Path, unpacked: Unpacked) -> io.RawIOBase | None:
    with suppress(OSError):
        stream = open(path, "rb", buffering=0)  # noqa: SIM115 - the caller closes it
        if os.fstat(stream.fileno()).st_size == unpacked.size_bytes:
            with suppress(OSError):
                os.utime(path)
            return stream
        stream.close()
    return None


def _fill_spool(path: Path, unpacked: Unpacked) -> io.RawIOBase | None:
    """Unpack into a file of the cache; None if it can't be written, an error if the bytes are damaged."""
    _make_room(path.parent, unpacked.size_bytes)
    with unpacked.open_forward() as source:
        try:
            with write_atomically(path) as target:
                left = unpacked.size_bytes
                while left > 0 and (data := source.read(min(left, STEP_BYTES))):
                    left -= target.write(data)
                _read_to_checksum(source)
        except AccessError as error:
            if error.where == str(path):
                return None
            raise
        except OSError:
            return None
    return _open_spool(path, unpacked)


def _read_to_checksum(source: io.RawIOBase) -> None:
    """Read the padding behind what is needed, as the checksum of a compressed file stands at its end."""
    left = MOST_TRAILING_BYTES
    while left > 0 and (data := source.read(STEP_BYTES)):
        left -= len(data)


def _make_room(folder: Path, size_bytes: int) -> None:
    """Remove what was unused longest until `size_bytes` more stay within the limit."""
    with suppress(OSError):
        files = [(e.stat().st_mtime, e.stat().st_size, e.path) for e in os.scandir(folder) if e.is_file()]
        total = sum(size for _, size, _ in files) + size_bytes
        for _, size, path in sorted(files):
            if total <= spool_limit_bytes():
                return
            os.unlink(path)
            total -= size


class _GzipStream(io.RawIOBase):
    """A position in a shared `IndexedGzipFile`, whose `pread` is thread-safe."""

    def __init__(self, handle: Any, unpacked: Unpacked) -> None:
        super().__init__()
        self._handle = handle
        self._unpacked = unpacked
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._position = max(0, offset + (0, self._position, self._unpacked.size_bytes)[whence])
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        left = min(view.nbytes, self._unpacked.size_bytes - self._position)
        if left <= 0:
            return 0
        try:
            data = self._handle.pread(left, self._position)
        except Exception as error:
            raise AccessError(
                "the compressed data are damaged", where=self._unpacked.name, why=str(error)
            ) from error
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


class _Indexes:
    """The gzip indexes that this process has open; a forked child starts with none."""

    def __init__(self) -> None:
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[Unpacked, Any] = OrderedDict()

    def get(self, unpacked: Unpacked) -> Any | None:
        """Return an open `IndexedGzipFile`, or None where that can't be had."""
        path = getattr(unpacked.of, "path", None)
        if path is None:
            return None
        try:
            import indexed_gzip  # pyright: ignore[reportMissingImports]
        except ImportError:
            return None
        unpacked.of.open().close()  # is it still the file that was listed?
        with self._lock:
            if unpacked not in self._open:
                try:
                    self._open[unpacked] = _open_index(indexed_gzip, path, unpacked)
                except Exception:
                    return None
            self._open.move_to_end(unpacked)
            while len(self._open) > OPEN_INDEXES:
                self._open.popitem(last=False)
            return self._open[unpacked]


def _open_index(indexed_gzip: Any, path: str, unpacked: Unpacked) -> Any:
    about: dict[str, object] = {"gzip-index": 1, "of": repr(unpacked)}
    saved = cache_file("gzip", repr(unpacked))
    with one_at_a_time(saved):
        body = load(saved, about)
        if body is not None:
            with suppress(Exception):
                handle = indexed_gzip.IndexedGzipFile(path)
                handle.import_index(fileobj=io.BytesIO(body))
                return handle
        spacing = max(SMALLEST_SPACING_BYTES, unpacked.size_bytes // MOST_POINTS)
        handle = indexed_gzip.IndexedGzipFile(path, spacing=spacing, readbuf_size=1 << 20)
        handle.build_full_index()
        out = io.BytesIO()
        handle.export_index(fileobj=out)
        save(saved, about, out.getvalue())
        return handle


_indexes = _Indexes()
