"""Arrays in MATLAB files (.mat): level 4, level 5 (MATLAB 5 to 7) and version 7.3 (HDF5; extra ``hdf5``).

Variables and the fields of structures have dotted names, such as ``s.mask``. Arrays of numbers are read, in the type
that MATLAB shows (what it stores small, whole numbers of type double as bytes, becomes double again; logicals are
uint8) and with the axes of MATLAB, also where HDF5 has them in reverse. Cells, text, sparse matrices, arrays
of structures, functions and objects are refused.

What an axis is, is taken by their number, see `medshelf.formats.axes`. There is neither affine nor spacing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from medshelf.errors import FormatError, NotFound, Unsupported
from medshelf.formats.axes import axes_by_number, only_name
from medshelf.formats.hdf5.file import opened
from medshelf.formats.matlab import level4, level5, level73
from medshelf.formats.matlab.variable import Variable
from medshelf.formats.matlab.writing import write_level5
from medshelf.formats.payload import first_bytes
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

__all__ = ["NAME", "SUFFIXES", "add", "matches", "names", "read", "read_header", "read_item", "write"]

NAME = "matlab"
SUFFIXES = (".mat",)

_MOST_VARIABLES = 100_000


def matches(head: bytes) -> bool:
    """Tell whether these are the first bytes of a MAT-file of level 5 or 7.3 (level 4 has no mark of its own)."""
    return level5.matches(head) or level73.matches(head)


def names(blob: Blob) -> list[str]:
    """Return the dotted names of the arrays of numbers.

    Raises
    ------
    Truncated, FormatError
        A cut or damaged file.
    """
    with _variables(blob) as found:
        return [v.key for v in found if v.dtype is not None]


def read_header(blob: Blob, key: str | None = None) -> Header:
    """Read shape and type; parameters and errors as `read`."""
    key = only_name(names(blob), blob.name) if key is None else key
    with _variables(blob) as found:
        return _header(_named(found, key, blob), blob)


def read(blob: Blob, key: str | None = None) -> Volume:
    """Read an array.

    Parameters
    ----------
    blob : Blob
        A MATLAB file.
    key : str, optional
        Variable, or field of a structure (``"s.mask"``); not needed where there is one array.

    Returns
    -------
    Volume
        In Fortran order, without affine and spacing.

    Raises
    ------
    Unsupported
        Several arrays and no `key`, or what is named is no array of numbers.
    Truncated
        The file ends before the values do.
    FormatError
        No MATLAB file, or a damaged one.
    NotFound
        Nothing has this name.
    """
    key = only_name(names(blob), blob.name) if key is None else key
    with _variables(blob) as found:
        variable = _named(found, key, blob)
        header = _header(variable, blob)
        assert variable.load is not None
        return Volume(variable.load(), header.axes, meta=header.meta)


def read_item(blob: Blob, index: int, key: str | None = None) -> np.ndarray:
    """Read one item, along the first axis of MATLAB; in files older than 7.3 the array is read whole for it.

    Parameters
    ----------
    blob : Blob
        A MATLAB file.
    index : int
        From 0.
    key : str, optional
        As in `read`.

    Raises
    ------
    NotFound
        There is no such array or item.
    Truncated, FormatError, Unsupported
        As `read`.
    """
    key = only_name(names(blob), blob.name) if key is None else key
    if level73.matches(first_bytes(blob)):
        with opened(blob) as file:
            _header(_named(level73.variables(file, blob), key, blob), blob)
            return level73.item(file, key, index, blob)
    array = read(blob, key).array
    if not 0 <= index < array.shape[0]:
        raise NotFound(f"there is no item {index}", where=f"{blob.name}!/{key}", why=f"it holds {array.shape[0]}")
    return np.ascontiguousarray(array[index])


def write(path: Path | str, volume: Volume, key: str = "data") -> None:
    """Write one array, or a field of a structure, as a compressed file of level 5.

    Parameters
    ----------
    path : Path or str
        The file.
    volume : Volume
        Its array; one axis becomes a column, as in MATLAB.
    key : str
        Name of the variable, or ``"s.mask"`` for a field.

    Raises
    ------
    Unsupported
        MATLAB has no such type.
    """
    Path(path).unlink(missing_ok=True)
    write_level5(path, volume.array, key)


def add(path: Path | str, volume: Volume, key: str) -> None:
    """Write one more variable, of a new name, to a file that `write` made; parameters and errors as there."""
    write_level5(path, volume.array, key)


@contextmanager
def _variables(blob: Blob) -> Iterator[Iterator[Variable]]:
    """The variables, while the file is open."""
    head = first_bytes(blob)
    if level73.matches(head):
        with opened(blob) as file:
            yield _bounded(level73.variables(file, blob), blob)
        return
    level = level5 if level5.matches(head) else level4 if level4.matches(head) else None
    if level is None:
        raise FormatError(
            "this is no MATLAB file", where=blob.name, why=f"first bytes {head[:16]!r}", hint="Fetch the file again"
        )
    with blob.open() as stream:
        yield _bounded(level.variables(stream, blob.size_bytes, blob.name), blob)


def _bounded(found: Iterator[Variable], blob: Blob) -> Iterator[Variable]:
    for n, variable in enumerate(found):
        if n > _MOST_VARIABLES:
            raise Unsupported("the file holds too many variables to list", where=blob.name)
        yield variable


def _named(found: Iterator[Variable], key: str, blob: Blob) -> Variable:
    """The variable of a name; the walk over the file then stands at it."""
    held: list[str] = []
    for variable in found:
        if variable.key == key:
            if variable.dtype is None:
                raise Unsupported("this is no array of numbers", where=f"{blob.name}!/{key}", why=variable.kind)
            return variable
        held.append(variable.key)
    raise NotFound("no array has this name", where=f"{blob.name}!/{key}", hint=f"It holds: {', '.join(held[:20])}")


def _header(variable: Variable, blob: Blob) -> Header:
    axes = axes_by_number(variable.shape, blob.name)
    assert variable.dtype is not None
    return Header(variable.shape, variable.dtype, axes, meta={"format": "MATLAB", "key": variable.key})
