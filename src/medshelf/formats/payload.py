"""Where an image's voxels lie in its file, and how to fetch them as an array.

The formats of this package that store one block of voxels after or beside a header (NIfTI, NRRD,
MetaImage, NumPy) share these steps: look at the first bytes, fetch the block, view it as an array.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from typing import IO, Literal

import numpy as np

from medshelf.errors import AccessError, FormatError, MedshelfError, Truncated
from medshelf.formats import head_of
from medshelf.formats.inflate import Buffer, aligned_bytes
from medshelf.model.blob import Blob

_ROWS = 16


def first_bytes(blob: Blob, size_bytes: int = 4096) -> bytes:
    """Return the first bytes of a blob; as `medshelf.formats.head_of`, with read faults named.

    Raises
    ------
    Impostor
        See `medshelf.formats.head_of`.
    AccessError
        The bytes can't be read.
    """
    with _told(blob.name):
        return head_of(blob, size_bytes)


def whole(blob: Blob) -> Buffer:
    """Return all bytes of a blob, mapped into memory where it is a local file.

    A mapping saves copying the file, at a price: should another program cut the file short while
    it is read, the operating system ends the process. Downloads are renamed into place, so
    files in use don't shrink.
    """
    if blob.path is None:
        return blob.read_bytes()
    with blob.open() as stream:
        try:
            return mmap(stream.fileno(), 0, access=ACCESS_READ)
        except (OSError, ValueError):  # a file system without mappings, or an empty file: read it instead
            with _told(blob.name):
                return stream.read()


def stored(blob: Blob, start: int, size: int) -> np.ndarray:
    """Read `size` uncompressed bytes at `start` into fresh aligned memory.

    Returns
    -------
    (size,) uint8 array

    Raises
    ------
    Truncated
        The blob ends before that; nothing is allocated.
    AccessError
        The bytes can't be read.
    """
    there = blob.size_bytes
    if start + size > there:
        raise cut_off(blob.name, start + size, there)
    out = aligned_bytes(size, blob.name)
    with blob.open() as stream, _told(blob.name):
        stream.seek(start)
        found = fill(stream, out)
    if found < size:
        raise cut_off(blob.name, start + size, start + found)
    return out


def one_after_another(parts: Sequence[np.ndarray], name: str) -> np.ndarray:
    """Return the bytes of several files of equal length as one, in fresh aligned memory."""
    size = parts[0].size
    out = aligned_bytes(size * len(parts), name)
    for n, part in enumerate(parts):
        out[n * size : (n + 1) * size] = part
    return out


def fill(stream: IO[bytes], out: np.ndarray) -> int:
    """Read until `out` is full or the stream ends, and return the number of bytes read."""
    view = out.data
    readinto = getattr(stream, "readinto", None)
    at = 0
    while at < len(view):
        if readinto is not None:
            count = readinto(view[at:])
        else:
            piece = stream.read(min(len(view) - at, 1 << 24))
            count = len(piece)
            view[at : at + count] = piece
        if not count:
            break
        at += count
    return at


def as_array(
    data: np.ndarray, shape: tuple[int, ...], stored_as: np.dtype, order: Literal["C", "F"] = "F"
) -> np.ndarray:
    """View bytes as an array in the machine's byte order, copying nothing.

    Parameters
    ----------
    data : (n,) uint8 array
        Exactly the array's bytes; turned round in place where `stored_as` is of the other byte order.
    shape : tuple of int
        Of the array.
    stored_as : numpy.dtype
        Type with the byte order of the file.
    order : {"F", "C"}
        Which axis is the fastest: the first, or the last.
    """
    array = data.view(stored_as)
    if not stored_as.isnative:
        array = array.byteswap(inplace=True).view(stored_as.newbyteorder("="))
    return array.reshape(shape, order=order)


def in_file_order(array: np.ndarray) -> np.ndarray:
    """Return the voxels as little-endian bytes, first axis fastest: the inverse of `as_array`.

    Returns
    -------
    (n,) uint8 array
        A view where the array lies so in memory already.
    """
    dtype = array.dtype.newbyteorder("<")
    if not array.flags.f_contiguous:
        turned = np.empty(array.shape, dtype, order="F")
        for at in range(0, array.shape[0], _ROWS):  # in blocks that the cache holds: twice as fast
            turned[at : at + _ROWS] = array[at : at + _ROWS]
        array = turned
    return array.astype(dtype, copy=False).ravel(order="F").view(np.uint8)


def numbers(text: bytes, count: int, dtype: np.dtype, name: str) -> np.ndarray:
    """Parse `count` numbers written out in ASCII, separated by white space or commas.

    Raises
    ------
    Truncated
        There are fewer.
    FormatError
        Something is not a number of this type.
    """
    if count > len(text):  # one character each at least, before any list is made
        raise cut_off(name, count, len(text), "numbers", "characters")
    words = text.replace(b",", b" ").split()
    if len(words) < count:
        raise cut_off(name, count, len(words), "numbers", "numbers")
    try:
        if dtype.kind == "f":
            return np.array([float(word) for word in words[:count]], dtype)
        return np.array([int(word) for word in words[:count]], dtype)
    except (ValueError, OverflowError) as error:
        raise FormatError("the voxels are not all numbers", where=name, why=str(error)[:200]) from error


def beside(blob: Blob, filename: str) -> Blob:
    """Return the file that a header names, refusing names that lead out of the header's folder.

    Raises
    ------
    FormatError
        The name is empty, absolute, or climbs out of the folder.
    """
    parts = re.split(r"[/\\]", filename)
    if not filename.strip() or "\0" in filename or ".." in parts or not parts[0] or ":" in parts[0]:
        raise FormatError(
            f"the header names a data file outside its folder: {filename[:100]!r}",
            where=blob.name,
            hint="Put the data file beside the header and correct the name in it",
        )
    return blob.sibling("/".join(part for part in parts if part not in ("", ".")))


def filename_of(blob: Blob) -> str:
    """Return the last part of a blob's name."""
    return blob.path.name if blob.path is not None else blob.name.rpartition("/")[2]


def cut_off(
    name: str, expected: int, found: int, unit: str = "bytes", found_unit: str | None = None
) -> Truncated:
    """Return the error of a file that ends before its voxels do, with both numbers."""
    return Truncated(
        "the file ends before its voxels do",
        where=name,
        why=f"expected {expected:,} {unit}, found {found:,} {found_unit or unit}",
        hint="Fetch the file again and compare its checksum with the host's",
    )


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn the operating system's errors while reading into ours."""
    try:
        yield
    except MedshelfError:
        raise
    except OSError as error:
        raise AccessError("the file can't be read", where=name, why=str(error)) from error
