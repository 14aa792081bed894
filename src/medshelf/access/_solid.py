"""7z and rar: many members packed as one run, read from front to back through optional packages.

What such an archive unpacks to, its members one after another, is one source for `Unpacked`: kept in the cache folder
for reading anywhere, or passed through once. 7z is read by py7zr (LGPL, a package of its own that nothing here links
or copies), rar by rarfile (ISC), which calls an external program for whatever is compressed.
"""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from medshelf.access._crypt import locked, wrong
from medshelf.access._index import BLOCK, ENCRYPTED, LEFT_OUT, SETUID, TAR, Gathering, Index, safe_name
from medshelf.access._source import Source, WholeFile
from medshelf.errors import AccessError, MedshelfError, need

_PIPE_BYTES = 1 << 20
_RAR_TOOLS = "Install unrar, unar, 7-Zip or bsdtar, one of which rarfile calls, or unpack it elsewhere"


class Row(NamedTuple):
    """One member that is no folder."""

    name: str
    size: int
    crc32: int | None
    mode: int
    locked: bool
    fault: str
    """Why it is left out, '' for a file."""

    @property
    def kept(self) -> bool:
        """Whether it is listed."""
        return not self.fault and not safe_name(self.name)[1]


def read_index(codec: str, source: Source, name: str, password: str | None) -> Index:
    """List a 7z or rar.

    Raises
    ------
    MissingExtra
        The package that reads it is not installed.
    AccessError
        It is damaged, encrypted, or not a file on disk (rar).
    """
    found, position = Gathering(name), 0
    with _told(codec, name):
        rows = list((_rows_of_7z if codec == "7z" else _rows_of_rar)(source, name, password))
    for row in rows:
        if row.fault:
            found.problems.add(row.name, f"{LEFT_OUT}{row.fault}")
            continue
        setuid = SETUID if row.mode & (stat.S_ISUID | stat.S_ISGID) else 0
        found.add(
            row.name, offset=position, packed=row.size, size=row.size, crc32=row.crc32 or 0,
            method=TAR if row.crc32 is None else BLOCK, flags=setuid | (ENCRYPTED if row.locked else 0),
        )  # fmt: skip
        if row.kept:
            position += row.size
    index = found.index()
    index.codec, index.unpacked_bytes = codec, position
    return index


def open_forward(codec: str, source: Source, name: str, password: str | None) -> io.RawIOBase:
    """Return what the members hold, one after another, as `read_index` placed them."""
    produce = _pass_7z if codec == "7z" else _pass_rar
    return _Produced(lambda: produce(source, name, password), codec, name)


# --- 7z --------------------------------------------------------------------------------------


def _rows_of_7z(source: Source, name: str, password: str | None) -> list[Row]:
    """Return all that is no folder; files that share the name of a link are left out with it."""
    rows = list(_all_rows_of_7z(source, name, password))
    odd = {row.name for row in rows if row.fault}
    why = "it shares its name with a link"
    return [row._replace(fault=row.fault or why) if row.name in odd else row for row in rows]


def _all_rows_of_7z(source: Source, name: str, password: str | None) -> Iterator[Row]:
    with source.open() as stream, _sevenzip(stream, password) as archive:
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


def _sevenzip(stream: io.RawIOBase, password: str | None) -> Any:
    py7zr: Any = need("py7zr", "7z")
    return py7zr.SevenZipFile(io.BufferedReader(stream, 1 << 16), password=password)


def _pass_7z(source: Source, name: str, password: str | None) -> Iterator[bytes]:
    """Yield what py7zr writes, which a thread of it pushes through a pipe."""
    io7: Any = need("py7zr.io", "7z")
    rows = _rows_of_7z(source, name, password)
    kept = {row.name for row in rows if row.kept}
    outlet, inlet = os.pipe()
    failed: list[BaseException] = []

    class _Writer(io7.Py7zIO):
        written = 0

        def write(self, s: bytes | bytearray) -> int:
            rest = memoryview(s)
            while rest:
                rest = rest[os.write(inlet, rest[:_PIPE_BYTES]) :]
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
            with source.open() as stream, _sevenzip(stream, password) as archive:
                archive.max_extract_size = sum(row.size for row in rows)
                archive.extract(targets=kept, factory=_Writers())
        except BaseException as error:
            failed.append(error)
        finally:
            os.close(inlet)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while data := os.read(outlet, _PIPE_BYTES):
            yield data
    finally:
        os.close(outlet)
        thread.join()
    if failed:
        raise failed[0]


# --- rar -------------------------------------------------------------------------------------


def _rows_of_rar(source: Source, name: str, password: str | None) -> Iterator[Row]:
    with _rar(source, name, password) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            mode = (info.mode or 0) if info.host_os in (3, 1) else 0
            fault = ""
            if info.is_symlink() or getattr(info, "file_redir", None):
                fault = "a link"
            elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                fault = "a device or pipe"
            yield Row(info.filename, info.file_size or 0, info.CRC, mode, info.needs_password(), fault)


def _rar(source: Source, name: str, password: str | None) -> Any:
    rarfile: Any = need("rarfile", "rar")
    if not isinstance(source, WholeFile):
        raise AccessError("a rar inside an archive is not read", where=name, hint="Unpack the archive around it")
    source.open().close()  # is it still the file that was listed?
    archive = rarfile.RarFile(source.path, errors="strict")
    if password is not None:
        archive.setpassword(password)
    elif archive.needs_password() and not archive.infolist():
        raise locked(name)
    return archive


def _pass_rar(source: Source, name: str, password: str | None) -> Iterator[bytes]:
    with _rar(source, name, password) as archive:
        for info, row in zip(
            (i for i in archive.infolist() if not i.is_dir()), _rows_of_rar(source, name, password), strict=True
        ):
            if not row.kept:
                continue
            left = row.size
            with archive.open(info) as stream:
                while left > 0 and (data := stream.read(min(left, _PIPE_BYTES))):
                    left -= len(data)
                    yield data
            if left:
                raise AccessError("the member is shorter than declared", where=f"{name}!/{row.name}")


# --- both ------------------------------------------------------------------------------------


class _Produced(io.RawIOBase):
    """What a generator yields, as a stream; a step back starts it again."""

    def __init__(self, start: Callable[[], Iterator[bytes]], codec: str, name: str) -> None:
        super().__init__()
        self._make = start
        self._codec = codec
        self._name = name
        self._pieces: Any = start()
        self._rest = memoryview(b"")
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self._pieces.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        if not self._rest:
            with _told(self._codec, self._name):
                self._rest = memoryview(next(self._pieces, b""))
        got = min(view.nbytes, len(self._rest))
        view[:got] = self._rest[:got]
        self._rest = self._rest[got:]
        self._position += got
        return got

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to `offset` from the front or from here."""
        target = offset + (self._position if whence == 1 else 0)
        if target < self._position:
            self._pieces.close()
            self._pieces, self._rest, self._position = self._make(), memoryview(b""), 0
        room = bytearray(_PIPE_BYTES)
        while self._position < target and self.readinto(memoryview(room)[: target - self._position]):
            pass
        return self._position


class _told:
    """Turn whatever the packages raise into our errors."""

    def __init__(self, codec: str, name: str) -> None:
        self.codec = codec
        self.name = name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, MedshelfError) or not isinstance(error, Exception):
            return
        called = type(error).__name__
        if called == "PasswordRequired":
            raise locked(self.name) from None
        if called in ("RarWrongPassword", "InvalidPassword"):
            raise wrong(self.name) from None
        if called == "RarCannotExec":
            raise AccessError(
                "a compressed rar needs an external program", where=self.name, why="none was found", hint=_RAR_TOOLS
            ) from None
        raise AccessError(
            f"the {self.codec} is damaged, or its password is wrong", where=self.name, why=f"{called}: {error}"[:300],
            hint="Fetch it again, or compare its checksum",
        ) from None  # fmt: skip
