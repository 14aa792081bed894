"""A blob: bytes with a name, whether a file on disk or a member of an archive.

Readers take blobs and nothing else, so that what works on a folder works inside a zip.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from medshelf.errors import AccessError, NotFound


@runtime_checkable
class Blob(Protocol):
    """Bytes with a name. Picklable: it holds where the bytes are, not an open file."""

    @property
    def name(self) -> str:
        """Name as a user would type it: a path, or `archive.zip!/member`."""
        ...

    @property
    def path(self) -> Path | None:
        """The local file whose whole content this is, or None for a member of an archive."""
        ...

    @property
    def size_bytes(self) -> int:
        """Number of bytes of the (decompressed) member or file."""
        ...

    def open(self) -> BinaryIO:
        """Open for reading; the stream is seekable and must be closed."""
        ...

    def read_bytes(self) -> bytes:
        """Return all bytes."""
        ...

    def sibling(self, filename: str) -> Blob:
        """Return the blob `filename` in the same folder; it need not exist until opened."""
        ...


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on disk."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def size_bytes(self) -> int:
        with _told(self.path):
            return self.path.stat().st_size

    def open(self) -> BinaryIO:
        with _told(self.path):
            return open(self.path, "rb")

    def read_bytes(self) -> bytes:
        with _told(self.path):
            return self.path.read_bytes()

    def sibling(self, filename: str) -> LocalFile:
        return LocalFile(self.path.parent / filename)


class _told:
    """Turn the operating system's errors into ours."""

    def __init__(self, path: os.PathLike[str]) -> None:
        self.path = path

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise NotFound("no such file", where=self.path) from error
        if isinstance(error, IsADirectoryError):
            raise AccessError("a folder stands where a file should be", where=self.path) from error
        if isinstance(error, PermissionError):
            raise AccessError(
                "the file may not be read", where=self.path, hint="Check its permissions"
            ) from error
        if isinstance(error, OSError):
            raise AccessError("the file can't be read", where=self.path, why=str(error)) from error
