"""One variable, or field of a structure, of a MAT-file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats.inflate import aligned_bytes
from medshelf.formats.matlab.source import Source
from medshelf.formats.payload import as_array, cut_off

NUMBERS = {
    6: "float64", 7: "float32", 8: "int8", 9: "uint8", 10: "int16", 11: "uint16", 12: "int32", 13: "uint32",
    14: "int64", 15: "uint64",
}  # fmt: skip
"""MATLAB class to the NumPy name of its type ("MAT-File Format", R2023b, table 1-3)."""
COMPLEX = {"float64": "complex128", "float32": "complex64"}
"""Type of a part of complex numbers to that of the whole."""
OTHERS = {
    1: "a cell array", 2: "an array of structures", 3: "an object", 4: "text", 5: "a sparse matrix",
    16: "a function", 17: "an object",
}  # fmt: skip
"""Classes that are no arrays of numbers."""


@dataclass(frozen=True)
class Variable:
    """What the file says of it."""

    key: str
    """Name, or dotted names: ``s.mask``."""
    shape: tuple[int, ...] = ()
    dtype: str | None = None
    """NumPy name of its type; None where it is no array of numbers."""
    kind: str = ""
    """Class in words."""
    load: Callable[[], np.ndarray] | None = field(default=None, repr=False)
    """Reads the values; only while the walk over the file stands here, which ends it."""


def values(
    source: Source, stored: np.dtype, declared: int, shape: tuple[int, ...], dtype: str, name: str
) -> np.ndarray:
    """Read the values that follow, and turn them into the type that MATLAB shows.

    Parameters
    ----------
    source : Source
        Stands at the values.
    stored : numpy.dtype
        Type of the values in the file, with its byte order.
    declared : int
        Number of bytes that the file says they take.
    shape : tuple of int
        Of the array.
    dtype : str
        Of the result; MATLAB stores whole numbers in the smallest type that holds them.
    name : str
        The variable, for messages.

    Returns
    -------
    array, in Fortran order

    Raises
    ------
    Truncated
        There are fewer values than the shape asks for.
    FormatError
        There are more.
    """
    size = math.prod(shape) * stored.itemsize
    if declared < size or not source.can_hold(size):
        raise cut_off(name, size, min(declared, size - 1))
    if declared > size:
        why = f"shape {shape}, {declared:,} bytes of {stored}"
        raise FormatError("a variable holds more values than its shape", where=name, why=why)
    raw = aligned_bytes(size, name)
    source.into(raw)
    return as_array(raw, shape, stored).astype(dtype, order="F", copy=False)


def with_imaginary(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """Return complex numbers of two parts of one type, in Fortran order."""
    array = np.empty(real.shape, COMPLEX[real.dtype.name], order="F")
    array.real, array.imag = real, imaginary
    return array
