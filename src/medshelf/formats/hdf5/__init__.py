"""Arrays in HDF5 files (.h5, .hdf5, .he5), each with a path such as ``volumes/raw``; read with h5py (extra ``hdf5``).

Values are those stored, in the machine's byte order. Axes are taken by their number, see `medshelf.formats.axes`;
HDF5 knows no geometry, and no attribute of any writer is taken for one: there is neither affine nor spacing.

A file never leads to another: virtual datasets, external storage and links are refused. An array of which a part was
never written is refused too, for HDF5 would make up that part.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import need
from medshelf.formats.axes import axes_by_number, only_name
from medshelf.formats.hdf5.file import datasets, find, is_array, native_type, opened, part_of, whole_of
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

__all__ = ["NAME", "SUFFIXES", "add", "matches", "names", "read", "read_header", "read_item", "write"]

NAME = "hdf5"
SUFFIXES = (".hdf5.gz", ".h5.gz", ".hdf5", ".he5", ".h5")

MAGIC = b"\x89HDF\r\n\x1a\n"
"""HDF5 file format specification, version 3.0, section II.A."""


def matches(head: bytes) -> bool:
    """Tell whether these are the first bytes of an HDF5 file."""
    return head.startswith(MAGIC)


def names(blob: Blob) -> list[str]:
    """Return the paths of the arrays of numbers that lie in this file.

    Raises
    ------
    FormatError
        A damaged file.
    """
    with opened(blob) as file:
        return _names(file, blob)


def read_header(blob: Blob, key: str | None = None) -> Header:
    """Read shape and type; parameters and errors as `read`."""
    with opened(blob) as file:
        return _header(_found(file, key, blob), blob)


def read(blob: Blob, key: str | None = None) -> Volume:
    """Read an array.

    Parameters
    ----------
    blob : Blob
        An HDF5 file.
    key : str, optional
        Path of the array; not needed where there is one.

    Returns
    -------
    Volume
        Without affine and spacing.

    Raises
    ------
    Unsupported
        Several arrays and no `key`; no numbers; values in other files; more than 1 GiB from a far smaller file.
    Truncated
        The file is cut, or a part of the array was never written.
    FormatError
        No HDF5 file, or a damaged one.
    NotFound
        There is no array of this path.
    """
    with opened(blob) as file:
        dataset = _found(file, key, blob)
        header = _header(dataset, blob)
        return Volume(whole_of(dataset, blob), header.axes, meta=header.meta)


def read_item(blob: Blob, index: int, key: str | None = None) -> np.ndarray:
    """Read one item, along the first axis, and no more than the chunks that hold it.

    Parameters
    ----------
    blob : Blob
        An HDF5 file.
    index : int
        From 0.
    key : str, optional
        Path of the array, as in `read`.

    Returns
    -------
    (Y, X, ...) array
        ``array[index]``.

    Raises
    ------
    NotFound
        There is no such array or item.
    Truncated, FormatError, Unsupported
        As `read`.
    """
    with opened(blob) as file:
        return part_of(_found(file, key, blob), 0, index, blob)


def write(path: Path | str, volume: Volume, key: str = "data") -> None:
    """Write an array, compressed, into a new file.

    Parameters
    ----------
    path : Path or str
        The file.
    volume : Volume
        Its array is written as it is; axes and place are not kept.
    key : str
        Path of the array in the file.
    """
    Path(path).unlink(missing_ok=True)
    add(path, volume, key)


def add(path: Path | str, volume: Volume, key: str) -> None:
    """Write one more array, of a new path, to a file that `write` made; parameters as there."""
    h5py: Any = need("h5py", "hdf5")
    with h5py.File(path, "a") as file:
        file.create_dataset(key, data=volume.array, compression="gzip" if volume.array.size else None)


def _names(file: Any, blob: Blob) -> list[str]:
    return [name for name, dataset in datasets(file, blob) if is_array(dataset, blob.name)]


def _found(file: Any, key: str | None, blob: Blob) -> Any:
    return find(file, only_name(_names(file, blob), blob.name) if key is None else key, blob)


def _header(dataset: Any, blob: Blob) -> Header:
    shape = tuple(int(n) for n in dataset.shape)
    meta = {"format": "HDF5", "key": dataset.name.strip("/"), "compression": dataset.compression}
    return Header(shape, native_type(dataset).name, axes_by_number(shape, blob.name), meta=meta)
