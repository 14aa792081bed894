"""Rar, by rarfile (ISC), which reads what is stored and calls an external program for what is packed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Any

from medshelf.access._password import locked
from medshelf.access._solid_row import STEP_BYTES, Row
from medshelf.access._source import Source, WholeFile
from medshelf.errors import AccessError, need


def rows(source: Source, name: str, password: str | None) -> Iterator[Row]:
    """Yield all that is no folder."""
    with _open(source, name, password) as archive:
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


def _open(source: Source, name: str, password: str | None) -> Any:
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


def contents(source: Source, name: str, password: str | None) -> Iterator[bytes]:
    """Yield the bytes of the members that are listed, one after another."""
    with _open(source, name, password) as archive:
        for info, row in zip(
            (i for i in archive.infolist() if not i.is_dir()), rows(source, name, password), strict=True
        ):
            if not row.kept:
                continue
            left = row.size
            with archive.open(info) as stream:
                while left > 0 and (data := stream.read(min(left, STEP_BYTES))):
                    left -= len(data)
                    yield data
            if left:
                raise AccessError("the member is shorter than declared", where=f"{name}!/{row.name}")
