"""Members of a .npz archive: a zip file of .npy arrays."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from medshelf.errors import FormatError, MedshelfError, NotFound, Unsupported
from medshelf.formats.inflate import aligned_bytes, refuse_impossible
from medshelf.formats.numpy_array import header as numpy_header
from medshelf.formats.numpy_array.header import Layout
from medshelf.formats.payload import cut_off, fill
from medshelf.model.blob import Blob

_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
_FAULTS += (ValueError, LookupError, OverflowError, struct.error)
"""What `zipfile` is known to raise on damaged archives; every one becomes a `FormatError` that quotes it."""
_ENCRYPTED = 1


def names(blob: Blob) -> list[str]:
    """Return the names of the arrays, in the order of the archive.

    Raises
    ------
    FormatError
        Not a zip file, or a damaged one.
    """
    with _archive(blob) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def layout(blob: Blob, key: str) -> Layout:
    """Return type, order and shape of the array `key`."""
    with _archive(blob) as archive:
        info = _info(archive, key, blob.name)
        with archive.open(info) as member:
            return numpy_header.parse(member.read(numpy_header.LONGEST), f"{blob.name}!/{info.filename}")


def values(blob: Blob, key: str) -> tuple[Layout, np.ndarray]:
    """Return layout and bytes ((n,) uint8) of the array `key`, its checksum verified.

    Raises
    ------
    NotFound
        There is no such array.
    Truncated, FormatError
        It is damaged, or its header declares more than the archive holds.
    """
    found = layout(blob, key)
    with _archive(blob) as archive:
        info = _info(archive, key, blob.name)
        name = f"{blob.name}!/{info.filename}"
        end = found.start + found.size_bytes
        if end > info.file_size:
            raise cut_off(name, end, info.file_size)
        refuse_impossible(end, info.compress_size, name)
        out = aligned_bytes(end, name, lead=found.start)
        with archive.open(info) as member:
            count = fill(member, out)
            member.read(1)  # at the end of the member its checksum is compared
        if count < end:
            raise cut_off(name, end, count)
        return found, out[found.start :]


def piece(blob: Blob, key: str, start: int, size: int) -> np.ndarray:
    """Return `size` bytes at `start` of the array `key`'s file; its checksum is verified only where it ends there.

    Raises
    ------
    Truncated, FormatError
        The archive is damaged, or ends before that.
    """
    with _archive(blob) as archive:
        info = _info(archive, key, blob.name)
        name = f"{blob.name}!/{info.filename}"
        if start + size > info.file_size:
            raise cut_off(name, start + size, info.file_size)
        refuse_impossible(start + size, info.compress_size, name)
        out = aligned_bytes(size, name)
        with archive.open(info) as member:
            member.seek(start)
            count = fill(member, out)
        if count < size:
            raise cut_off(name, start + size, start + count)
        return out


def _info(archive: zipfile.ZipFile, key: str, name: str) -> zipfile.ZipInfo:
    if key + ".npy" not in archive.namelist():
        held = ", ".join(n.removesuffix(".npy") for n in archive.namelist()[:20])
        raise NotFound(f"no array is called {key!r}", where=name, hint=f"It holds: {held}")
    info = archive.getinfo(key + ".npy")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unsupported(
            "the archive is encrypted or compressed in a way that NumPy doesn't write",
            where=name,
            why=f"method {info.compress_type}",
        )
    return info


@contextmanager
def _archive(blob: Blob) -> Iterator[zipfile.ZipFile]:
    """Open the archive, turning all that may be wrong with it into ours."""
    with blob.open() as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                yield archive
        except MedshelfError:
            raise
        except _FAULTS as error:
            raise FormatError(
                "the archive is damaged, or no zip file",
                where=blob.name,
                why=str(error)[:200] or type(error).__name__,
                hint="Fetch it again and compare its checksum with the host's",
            ) from error
