"""An HDF5 file as a tree of arrays: opening it, listing its arrays, finding one, reading one or a part of it.

Only hard links are followed, so that no name leads into another file or round in circles.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, product
from typing import Any

import numpy as np

from medshelf.errors import FormatError, MedshelfError, NotFound, Truncated, Unsupported, need
from medshelf.formats.hdf5.limits import check_part, check_whole, refuse_other_files
from medshelf.formats.inflate import GZIP_MAGIC, aligned_bytes
from medshelf.formats.payload import first_bytes
from medshelf.model.blob import Blob

_MOST_OBJECTS = 100_000
_MOST_CHUNKS = 100_000
"""Chunks that one item may lie in."""
_NUMBERS = "biufc"
_WIDEST = {"c": 16}


@contextmanager
def opened(blob: Blob) -> Iterator[Any]:
    """Open a blob with h5py, turning all that may be wrong with it into ours.

    Yields
    ------
    h5py.File

    Raises
    ------
    MissingExtra
        h5py is not installed.
    Truncated
        The file is shorter than it says.
    FormatError
        It is no HDF5 file, or a damaged one.
    """
    head = first_bytes(blob)
    if head.startswith(GZIP_MAGIC):
        raise Unsupported(
            "HDF5 inside gzip can't be read in place", where=blob.name, hint="Unpack it first: gunzip FILE"
        )
    h5py: Any = need("h5py", "hdf5")
    with blob.open() as stream:
        try:
            # a path where there is one: far faster; locking would need the right to write
            with h5py.File(stream if blob.path is None else blob.path, "r", locking=False) as file:
                yield file
        except MedshelfError:
            raise
        except Exception as error:  # h5py passes on whatever the C library and its own layers say
            text = str(error)
            raise (Truncated if "truncated" in text.lower() else FormatError)(
                "the HDF5 file is damaged, or none",
                where=blob.name,
                why=f"{type(error).__name__}: {text}"[:300],
                hint="Fetch the file again",
            ) from error


def datasets(file: Any, blob: Blob) -> Iterator[tuple[str, Any]]:
    """Yield path and dataset of everything that holds an array in this file itself, in the order of names."""
    h5py: Any = need("h5py", "hdf5")
    seen: set[int] = set()
    todo: list[tuple[str, Any]] = [("", file)]
    count = 0
    while todo:
        prefix, group = todo.pop()
        inner: list[tuple[str, Any]] = []
        for name in group:
            count += 1
            if count > _MOST_OBJECTS:
                raise Unsupported("the HDF5 file holds too many objects to list", where=blob.name)
            if not _is_hard(group, name):
                continue
            found = group[name]
            if isinstance(found, h5py.Dataset):
                yield prefix + name, found
            elif isinstance(found, h5py.Group) and (place := h5py.h5o.get_info(found.id).addr) not in seen:
                seen.add(place)
                inner.append((f"{prefix}{name}/", found))
        todo += reversed(inner)


def is_array(dataset: Any, where: str) -> bool:
    """Tell whether a dataset lies in its own file and holds numbers of at most 64 bits along at least one axis."""
    try:
        refuse_other_files(dataset, where)
        kind = native_type(dataset)
    except (Unsupported, TypeError):  # a type that NumPy has no name for
        return False
    return kind.kind in _NUMBERS and kind.itemsize <= _WIDEST.get(kind.kind, 8) and bool(dataset.shape)


def find(file: Any, key: str, blob: Blob) -> Any:
    """Return the dataset at a path such as ``"volumes/raw"``.

    Raises
    ------
    NotFound
        There is none.
    Unsupported
        A link leads elsewhere, the values lie in other files, or they are no numbers.
    """
    h5py: Any = need("h5py", "hdf5")
    where = f"{blob.name}!/{key}"
    found: Any = file
    for part in [p for p in key.split("/") if p]:
        if not isinstance(found, h5py.Group) or not found.id.links.exists(_bytes(part)):
            raise NotFound("no array has this name", where=where, hint="medshelf.formats.hdf5.names lists them")
        if not _is_hard(found, part):
            raise Unsupported(
                "the name is a link to another path or file", where=where, hint="Name the array where it lies"
            )
        found = found[part]
    if not isinstance(found, h5py.Dataset):
        raise NotFound("no array has this name", where=where, why="it is a group")
    refuse_other_files(found, where)
    if not is_array(found, where):
        raise Unsupported("this is no array of numbers", where=where, why=f"type {found.dtype}, shape {found.shape}")
    return found


def whole_of(dataset: Any, blob: Blob) -> np.ndarray:
    """Read a dataset, in C order and the machine's byte order; refuses as `check_whole` does."""
    where = f"{blob.name}!{dataset.name}"
    check_whole(dataset, blob, where)
    return _read(dataset, tuple(slice(None) for _ in dataset.shape), dataset.shape, where)


def part_of(dataset: Any, axis: int, index: int, blob: Blob) -> np.ndarray:
    """Read one index of one axis, and no more of the file than the chunks that hold it; refuses as `check_part`.

    Raises
    ------
    NotFound
        There is no such index.
    """
    where = f"{blob.name}!{dataset.name}"
    if not 0 <= index < dataset.shape[axis]:
        raise NotFound(f"there is no item {index}", where=where, why=f"it holds {dataset.shape[axis]}")
    check_part(dataset, _chunks_at(dataset, axis, index, where), where)
    place: list[Any] = [slice(None) for _ in dataset.shape]
    place[axis] = index
    shape = tuple(n for a, n in enumerate(dataset.shape) if a != axis % len(dataset.shape))
    return _read(dataset, tuple(place), shape, where)


def native_type(dataset: Any) -> np.dtype:
    """Return the NumPy type of a dataset in the machine's byte order, without what h5py notes in it.

    Pairs of floats called real and imag, as MATLAB writes them, are complex numbers.
    """
    kind = dataset.dtype
    if kind.names == ("real", "imag") and kind[0] == kind[1] and kind[0].kind == "f" and kind.itemsize in (8, 16):
        return np.dtype(f"c{kind.itemsize}")
    return np.dtype(kind.str).newbyteorder("=")


def _read(dataset: Any, place: tuple[Any, ...], shape: tuple[int, ...], where: str) -> np.ndarray:
    kind = native_type(dataset)
    size = math.prod(shape)
    out = aligned_bytes(size * kind.itemsize, where).view(kind).reshape(shape)
    if size and shape:
        pairs = dataset.dtype.names is not None
        dataset.read_direct(out.view(dataset.dtype.newbyteorder("=")) if pairs else out, place)
    elif size:
        out[()] = dataset[place]
    return out


def _chunks_at(dataset: Any, axis: int, index: int, where: str) -> list[tuple[int, ...]]:
    """The first element of each chunk that holds something of the index."""
    if dataset.chunks is None or not math.prod(dataset.shape):
        return []
    starts = [range(0, n, c) for n, c in zip(dataset.shape, dataset.chunks, strict=True)]
    first = index - index % dataset.chunks[axis]
    starts[axis] = range(first, first + 1)
    places = list(islice(product(*starts), _MOST_CHUNKS + 1))
    if len(places) > _MOST_CHUNKS:
        raise Unsupported("the item lies in too many chunks", where=where, why=f"more than {_MOST_CHUNKS:,}")
    return places


def _is_hard(group: Any, name: str) -> bool:
    h5py: Any = need("h5py", "hdf5")
    return group.id.links.get_info(_bytes(name)).type == h5py.h5l.TYPE_HARD


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
