"""NumPy arrays: .npy, and .npz archives of them. Pickles (arrays of objects) are refused.

Axes are taken by their number, see `medshelf.formats.axes`. There is neither affine nor spacing.
"""

from __future__ import annotations

import numpy as np

from medshelf.errors import NotFound, Unsupported
from medshelf.formats.axes import axes_by_number, only_name
from medshelf.formats.numpy_array import archive as numpy_archive
from medshelf.formats.numpy_array import header as numpy_header
from medshelf.formats.numpy_array.header import LONGEST, MAGIC, Layout
from medshelf.formats.payload import as_array, first_bytes, stored
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

__all__ = ["NAME", "SUFFIXES", "matches", "names", "read", "read_header", "read_item"]

NAME = "numpy_array"
SUFFIXES = (".npy", ".npz")

_ZIP = b"PK\x03\x04"


def matches(head: bytes) -> bool:
    """Tell whether these are the first bytes of a .npy file (a .npz is any zip file: its name must tell)."""
    return head.startswith(MAGIC)


def names(blob: Blob) -> list[str]:
    """Return the names of the arrays of a .npz archive, or an empty list for a .npy file.

    Raises
    ------
    FormatError
        A damaged archive.
    """
    return numpy_archive.names(blob) if first_bytes(blob).startswith(_ZIP) else []


def read_header(blob: Blob, key: str | None = None) -> Header:
    """Read shape and type; parameters and errors as `read`."""
    key = _key(blob, key)
    return _header(_layout(blob) if key is None else numpy_archive.layout(blob, key), key, blob.name)


def read(blob: Blob, key: str | None = None) -> Volume:
    """Read an array.

    Parameters
    ----------
    blob : Blob
        A .npy file or .npz archive.
    key : str, optional
        Which array of an archive; not needed where there is one.

    Returns
    -------
    Volume
        Its array has the order in memory that it had when saved, and the machine's byte order.

    Raises
    ------
    Unsupported
        Objects, structures or text; several arrays and no `key`; more than five axes.
    Truncated
        The values end before the shape does; `why` has the numbers.
    FormatError
        Not a NumPy file, or a damaged one.
    NotFound
        No array is called `key`.
    """
    key = _key(blob, key)
    if key is None:
        layout = _layout(blob)
        header = _header(layout, key, blob.name)
        data = stored(blob, layout.start, layout.size_bytes)
    else:
        header = _header(numpy_archive.layout(blob, key), key, blob.name)
        layout, data = numpy_archive.values(blob, key)
    return Volume(_shaped(data, layout, layout.shape), header.axes, meta=header.meta)


def read_item(blob: Blob, index: int, key: str | None = None) -> np.ndarray:
    """Read one item, along the first axis, and nothing else of a .npy file; a .npz is inflated up to the item.

    Parameters
    ----------
    blob : Blob
        A .npy file or .npz archive; the array in C order.
    index : int
        From 0.
    key : str, optional
        Which array of an archive, as in `read`.

    Returns
    -------
    (Y, X, ...) array
        ``array[index]``.

    Raises
    ------
    NotFound
        There is no such item.
    Unsupported
        The array is in Fortran order, where the items are not in one piece, or has no axes.
    Truncated, FormatError
        As `read`.
    """
    key = _key(blob, key)
    layout = _layout(blob) if key is None else numpy_archive.layout(blob, key)
    if layout.order == "F" and len(layout.shape) > 1 or not layout.shape:
        what = "the items of this array are not in one piece"
        raise Unsupported(what, where=blob.name, hint="Read it whole")
    if not 0 <= index < layout.shape[0]:
        raise NotFound(f"there is no item {index}", where=blob.name, why=f"it holds {layout.shape[0]}")
    size = layout.size_bytes // layout.shape[0]
    start = layout.start + index * size
    data = stored(blob, start, size) if key is None else numpy_archive.piece(blob, key, start, size)
    return _shaped(data, layout, layout.shape[1:])


def _layout(blob: Blob) -> Layout:
    return numpy_header.parse(first_bytes(blob, LONGEST), blob.name)


def _key(blob: Blob, key: str | None) -> str | None:
    """The name of the array in an archive, or None for a .npy file."""
    if not first_bytes(blob).startswith(_ZIP):
        return None
    if key is not None:
        return key
    return only_name(numpy_archive.names(blob), blob.name)


def _header(layout: Layout, key: str | None, name: str) -> Header:
    axes = axes_by_number(layout.shape, name)
    meta = {"format": "npy" if key is None else "npz", "order": layout.order}
    if key is not None:
        meta["key"] = key
    return Header(layout.shape, layout.dtype.name, axes, meta=meta)


def _shaped(data: np.ndarray, layout: Layout, shape: tuple[int, ...]) -> np.ndarray:
    return as_array(data, shape, layout.dtype, order=layout.order)
