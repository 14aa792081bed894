"""FTP: a file, or all files below a folder.

A reference is what stands behind ``ftp://``, as in an address: ``medical.nema.org/MEDICAL/Dicom/DataSets/``. The login
is anonymous; names and passwords in an address are refused, for they would be shown.
"""

from __future__ import annotations

import ftplib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast
from urllib.parse import quote, unquote, urlsplit

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking
from medshelf.access.hosts._names import placed
from medshelf.access.web import Broken, Web
from medshelf.errors import AccessError, NotFound, Offline

NAME = "ftp"
TERMS = ()
LIMITS = Limits(parallel=2)
_MOST_FILES = 2_000_000
_BROKEN = (OSError, EOFError, ftplib.Error, ValueError)
"""What ftplib raises: ValueError for numbers and texts that are none."""


def ref_of(url: str) -> str | None:
    """Return host and path for an address of FTP."""
    try:
        parts = urlsplit(url.strip())
        good = parts.scheme == "ftp" and parts.hostname and not parts.username and parts.port != 0
    except ValueError:
        return None
    return f"{parts.netloc.lower()}{parts.path or '/'}" if good else None


def list_files(ref: str, web: Web) -> Listing:
    """Return the file, or all files below the folder, with their sizes.

    Raises
    ------
    NotFound
        There is no such file or folder.
    AccessError
        The server refuses, or breaks off.
    Offline
        The network is not allowed.
    """
    path = _path(ref)
    with asking(f"ftp:{ref}"), _open(ref, web) as ftp:
        size_bytes = None if path.endswith("/") else _size(ftp, path)
        if size_bytes is not None:
            found = [(path.rpartition("/")[2], path, size_bytes)]
        else:
            top = path.rstrip("/")
            found = [(one.removeprefix(top).lstrip("/"), one, size) for one, size in _below(ftp, top)]
        names = placed(name for name, _, _ in found)
        files = [HostFile(name, one, size) for name, (_, one, size) in zip(names, found, strict=True)]
    return Listing(f"ftp:{ref}", tuple(files))


def _path(ref: str) -> str:
    path = unquote(f"/{ref.partition('/')[2]}")
    if any(ord(c) < 32 for c in path):
        raise AccessError("a path of FTP has no control characters", where=f"ftp:{ref}")
    return path


@contextmanager
def _open(ref: str, web: Web) -> Iterator[ftplib.FTP]:
    """Yield a connection and close it; what goes wrong is told as an error of ours."""
    ftp = _connected(ref, web)
    try:
        yield ftp
    except _BROKEN as error:
        raise _told(error, ref) from None
    finally:
        ftp.close()


def _connected(ref: str, web: Web) -> ftplib.FTP:
    host, port = _server(ref)
    if web.offline:
        hint = "Unset MEDSHELF_OFFLINE, or leave out --offline"
        raise Offline("the network is needed", where=f"ftp:{ref}", hint=hint)
    ftp = ftplib.FTP(timeout=web.patience.stall_s, encoding="utf-8")
    try:
        ftp.connect(host, port)
        ftp.login()
        ftp.voidcmd("TYPE I")
    except _BROKEN as error:
        ftp.close()
        raise _told(error, ref) from None
    return ftp


def _server(ref: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"ftp://{ref}")
        host, port = parts.hostname or "", parts.port or ftplib.FTP_PORT
    except ValueError:
        host, port = "", 0
    if not host or "@" in ref.partition("/")[0]:
        raise AccessError("this is no place of an FTP server", where=f"ftp:{ref}", hint="Such as host.org/folder/file")
    return host, port


def _told(error: BaseException, ref: str) -> AccessError | NotFound:
    code = str(error)[:3]
    why = str(error)[:120] or type(error).__name__
    if isinstance(error, ftplib.error_perm) and code == "550":
        return NotFound("the server has no such file, or does not show it", where=f"ftp:{ref}", why=why)
    if isinstance(error, ftplib.error_perm):
        return AccessError("the server refuses", where=f"ftp:{ref}", why=why)
    return Broken("the connection to the server broke", where=f"ftp:{ref}", why=why)


def _size(ftp: ftplib.FTP, path: str) -> int | None:
    """Return the size of a file; None when it is a folder, or when the server does not say."""
    try:
        return ftp.size(path)
    except ftplib.error_perm:
        return None


def _below(ftp: ftplib.FTP, top: str) -> Iterator[tuple[str, int | None]]:
    """Yield path and size of each file below a folder."""
    todo, count = [top], 0
    seen: set[str] = set()
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        for name, kind, size_bytes in _entries(ftp, at):
            count += 1
            if count > _MOST_FILES:
                raise AccessError("the folders of the server do not end", why=f"over {_MOST_FILES} entries")
            if kind == "dir":
                todo.append(f"{at}/{name}")
            else:
                yield f"{at}/{name}", size_bytes


def _entries(ftp: ftplib.FTP, folder: str) -> list[tuple[str, str, int | None]]:
    """Return name, kind and size of what is in a folder, by MLSD (RFC 3659, 7), or by NLST where that is not known."""
    try:
        listed = list(ftp.mlsd(folder or "/", ["type", "size"]))
    except ftplib.error_perm as error:
        if not str(error).startswith("50"):
            raise
        names = [one.rstrip("/").rpartition("/")[2] for one in ftp.nlst(folder or "/")]
        sizes = {name: _size(ftp, f"{folder}/{name}") for name in names if name not in ("", ".", "..")}
        return [(name, "file" if size is not None else "dir", size) for name, size in sizes.items()]
    return [
        (name, facts.get("type", "").lower(), int(facts["size"]) if facts.get("size", "").isdecimal() else None)
        for name, facts in listed
        if facts.get("type", "").lower() in ("file", "dir") and "/" not in name and name not in ("", ".", "..")
    ]


def open_at(file: HostFile, ref: str, start: int, web: Web) -> BinaryIO:
    """Open a file from a byte on (REST, RFC 3659, 5); of a server without REST the bytes before it are read, too.

    Raises
    ------
    NotFound, AccessError, Offline
        As in `list_files`; AccessError also while reading, when the server breaks off.
    """
    try:
        return _opened(file, ref, start, web)
    except ftplib.error_perm as error:
        if not start or not str(error).startswith("50"):
            raise _told(error, ref) from None
    try:
        stream = _opened(file, ref, 0, web)
    except ftplib.error_perm as error:
        raise _told(error, ref) from None
    while start > 0 and (skipped := stream.read(min(start, 1 << 20))):
        start -= len(skipped)
    return stream


def _opened(file: HostFile, ref: str, start: int, web: Web) -> BinaryIO:
    ftp = _connected(ref, web)
    try:
        socket = ftp.transfercmd(f"RETR {file.locator}", start or None)
    except _BROKEN as error:
        ftp.close()
        if isinstance(error, ftplib.error_perm):
            raise
        raise _told(error, ref) from None
    return cast("BinaryIO", io.BufferedReader(_Stream(socket, ftp, ref), 1 << 18))


class _Stream(io.RawIOBase):
    """The bytes of a transfer; at their end the server must say that they are all."""

    def __init__(self, socket: object, ftp: ftplib.FTP, ref: str) -> None:
        self._socket, self._ftp, self._ref = socket, ftp, ref

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            count = self._socket.recv_into(buffer)  # type: ignore[attr-defined]
            if not count and self._ftp.sock is not None:
                self._socket.close()  # type: ignore[attr-defined]
                self._ftp.voidresp()
                self._ftp.close()
        except _BROKEN as error:
            raise _told(error, self._ref) from None
        return count

    def close(self) -> None:
        if not self.closed:
            self._socket.close()  # type: ignore[attr-defined]
            self._ftp.close()
        super().close()


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return the address of the file."""
    host = ref.partition("/")[0]
    return Address(f"ftp://{host}{quote(file.locator)}")


def needs(ref: str, web: Web) -> Need | None:
    """Return None: an anonymous server asks for nothing."""
    return None
