"""Files that are whole or absent: temp file, fsync, rename; and their hashes."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from medshelf.errors import AccessError, MedshelfError, NotFound

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def write_atomically(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a file so that nobody ever sees half of it.

    Parameters
    ----------
    path : path
        The file to make or replace. A symbolic link is followed.

    Yields
    ------
    BinaryIO
        A stream on a temp file in the same folder. When the block ends well it is flushed, synced and
        renamed to `path`; when the block raises it is removed and `path` stays as it was.

    Raises
    ------
    NotFound
        The folder does not exist.
    AccessError
        The folder can't be written, or the disk is full.
    """
    with written_atomically(path) as temporary, open(temporary, "wb") as stream:
        yield stream


@contextmanager
def written_atomically(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Like `write_atomically`, for libraries that want a path and judge it by its ending.

    Yields
    ------
    Path
        An empty temp file beside `path` with the same file endings; write it, then leave the block.
    """
    target = Path(os.path.realpath(path))
    temporary = _make_temporary(target)
    try:
        yield temporary
        _put_in_place(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise _told(error, target) from error
        raise


def write_if_changed(path: str | os.PathLike[str], text: str) -> bool:
    """Write a text, whole or not at all, unless the file holds just that already; return whether it was written."""
    target = Path(path)
    content = text.encode()
    if target.is_file() and target.read_bytes() == content:
        return False
    with write_atomically(target) as stream:
        stream.write(content)
    return True


def hash_file(path: str | os.PathLike[str], algorithm: str = "sha256") -> str:
    """Return the hash of a file's bytes in hexadecimal.

    Parameters
    ----------
    path : path
        A local file.
    algorithm : str
        A name that `hashlib` knows; hosts publish ``md5`` and ``sha1`` too.

    Raises
    ------
    NotFound, AccessError
        The file is absent or can't be read.
    """
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(
                stream, lambda: hashlib.new(algorithm, usedforsecurity=False)
            ).hexdigest()
    except FileNotFoundError as error:
        raise NotFound("no such file", where=path) from error
    except OSError as error:
        raise AccessError("the file can't be read", where=path, why=error.strerror or str(error)) from error


def _make_temporary(target: Path) -> Path:
    endings = "".join(target.suffixes[-2:])
    temporary = target.parent / f".part-{secrets.token_hex(8)}{endings if len(endings) <= 32 else ''}"
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileNotFoundError as error:
        raise NotFound("the folder does not exist", where=target.parent, hint="Make it first") from error
    except OSError as error:
        raise _told(error, target) from error
    return temporary


def _put_in_place(temporary: Path, target: Path) -> None:
    try:
        handle = os.open(temporary, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(temporary, target)
    except OSError as error:
        raise _told(error, target) from error
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows and some network disks can't
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _told(error: OSError, target: Path) -> MedshelfError:
    if error.errno in _DISK_FULL:
        return AccessError("the disk is full", where=target, hint="Free some space and run again")
    return AccessError("the file can't be written", where=target, why=error.strerror or str(error))
