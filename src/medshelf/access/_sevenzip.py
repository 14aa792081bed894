"""7z, by py7zr: it is under the LGPL, so it is an extra, imported as the user installed it and may replace it."""

from __future__ import annotations

import io
import queue
import stat
import threading
from collections.abc import Iterator
from typing import Any

from medshelf.access._codec_objects import MOST_WINDOW_BYTES
from medshelf.access._solid_row import Row
from medshelf.access._source import Source
from medshelf.errors import AccessError, need

_LZMA, _LZMA2, _PPMD = b"\x03\x01\x01", b"\x21", b"\x03\x04\x01"


def rows(source: Source, name: str, password: str | None) -> list[Row]:
    """Return all that is no folder; files that share the name of a link are left out with it."""
    found = list(_each(source, password))
    odd = {row.name for row in found if row.fault}
    why = "it shares its name with a link"
    return [row._replace(fault=row.fault or why) if row.name in odd else row for row in found]


def _each(source: Source, password: str | None) -> Iterator[Row]:
    with source.open() as stream, _open(stream, password) as archive:
        locked = archive.needs_password()
        for file in archive.files:
            mode = file.posix_mode or 0
            if file.is_directory:
                continue
            fault = ""
            if file.is_symlink or file.is_junction or stat.S_ISLNK(file.st_fmt or 0):
                fault = "a symbolic link"
            elif file.is_socket or file.st_fmt not in (None, 0, stat.S_IFREG):
                fault = "a device or pipe"
            yield Row(file.filename, file.uncompressed, file.crc32, mode, locked, fault)


def _open(stream: io.RawIOBase, password: str | None) -> Any:
    py7zr: Any = need("py7zr", "7z")
    archive = py7zr.SevenZipFile(io.BufferedReader(stream, 1 << 16), password=password)
    streams = getattr(archive.header, "main_streams", None)
    for folder in streams.unpackinfo.folders if streams is not None else ():
        for one in folder.coders:
            _refuse_memory(one["method"], one["properties"] or b"")
    return archive


def _refuse_memory(method: bytes, properties: bytes) -> None:
    """Refuse a decompressor that takes more memory than is sane, before it is made (7zFormat.txt, Methods.txt)."""
    wanted = 0
    if method == _LZMA2 and properties:
        wanted = (2 | properties[0] & 1) << properties[0] // 2 + 11
    elif method in (_LZMA, _PPMD):
        wanted = int.from_bytes(properties[1:5], "little")
    if wanted > MOST_WINDOW_BYTES:
        raise AccessError(
            "the 7z takes too much memory to unpack", why=f"{wanted} bytes, the limit is {MOST_WINDOW_BYTES}",
            hint="Unpack it with 7-Zip, and name the folder instead",
        )  # fmt: skip


def contents(source: Source, name: str, password: str | None) -> Iterator[bytes]:
    """Yield what py7zr writes, which a thread of it hands over block by block (of up to 128 MB, as py7zr works)."""
    io7: Any = need("py7zr.io", "7z")
    listed = rows(source, name, password)
    kept = {row.name for row in listed if row.kept}
    handed: queue.Queue[bytes] = queue.Queue(1)
    unwanted = threading.Event()
    failed: list[BaseException] = []

    class _Writer(io7.Py7zIO):
        written = 0

        def write(self, s: bytes | bytearray) -> int:
            if unwanted.is_set():
                raise BrokenPipeError
            if s:
                handed.put(bytes(s))
            self.written += len(s)
            return len(s)

        def read(self, size: int | None = None) -> bytes:
            return b""

        def seek(self, offset: int, whence: int = 0) -> int:
            return 0

        def flush(self) -> None: ...

        def size(self) -> int:
            return self.written

    class _Writers(io7.WriterFactory):
        def create(self, filename: str) -> Any:
            return _Writer()

    def work() -> None:
        try:
            with source.open() as stream, _open(stream, password) as archive:
                archive.max_extract_size = sum(row.size for row in listed)
                archive.extract(targets=kept, factory=_Writers())
        except BaseException as error:
            failed.append(error)
        finally:
            handed.put(b"")

    threading.Thread(target=work, daemon=True).start()
    data = b""
    try:
        while data := handed.get():
            yield data
    finally:
        unwanted.set()
        while data:
            data = handed.get()
    if failed:
        raise failed[0]
