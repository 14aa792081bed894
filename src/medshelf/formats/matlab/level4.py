"""MAT-files of level 4 (``save -v4``; the .mat files of SPM): headers of five integers, each before its matrix.

Source: "MAT-File Format" (MathWorks, R2023b), chapter 2, "Level 4 MAT-Files".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, Literal

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats.matlab.source import Plain
from medshelf.formats.matlab.variable import COMPLEX, Variable, values, with_imaginary
from medshelf.formats.payload import cut_off

_STORED = {0: "f8", 1: "f4", 2: "i4", 3: "i2", 4: "u2", 5: "u1"}
"""The digit P of the type."""
_KINDS = {1: "text", 2: "a sparse matrix"}
"""The digit T of the type."""
_HEADER_BYTES = 20
_MOST_NAME_BYTES = 256


def matches(head: bytes) -> bool:
    """Tell whether these may be the first bytes of a level 4 MAT-file."""
    return _order(head) is not None


def _order(head: bytes) -> Literal["<", ">"] | None:
    orders: tuple[Literal["<", ">"], ...] = ("<", ">")
    for order in orders:
        if len(head) < _HEADER_BYTES:
            return None
        kind, rows, columns, imaginary, length = (int(n) for n in np.frombuffer(head, order + "i4", 5))
        machine, rest = divmod(kind, 1000)
        fits = machine == (0 if order == "<" else 1) and 0 <= rest < 100 and rest // 10 in _STORED and rest % 10 < 3
        if fits and rows >= 0 and columns >= 0 and imaginary in (0, 1) and 1 <= length <= _MOST_NAME_BYTES:
            return order
    return None


def variables(stream: BinaryIO, size: int, name: str) -> Iterator[Variable]:
    """Yield every variable; parameters and errors as `medshelf.formats.matlab.level5.variables`."""
    at = 0
    while at < size:
        stream.seek(at)
        source = Plain(stream, size, name)
        head = source.take(_HEADER_BYTES)
        order = _order(head)
        if order is None:
            raise FormatError("this is no MATLAB file, or a damaged one", where=name, why=f"{head[:8]!r} at {at}")
        kind, rows, columns, imaginary, length = (int(n) for n in np.frombuffer(head, order + "i4", 5))
        stored = np.dtype(order + _STORED[kind % 100 // 10])
        key = source.take(length).partition(b"\0")[0].decode("latin-1")
        values_bytes = rows * columns * stored.itemsize
        at = source.at + values_bytes * (1 + imaginary)
        if at > size:
            raise cut_off(name, at, size)
        dtype = stored.newbyteorder("=").name
        if kind % 10 or (imaginary and dtype not in COMPLEX):
            yield Variable(key, (rows, columns), kind=_KINDS.get(kind % 10, "complex whole numbers"))
            continue
        told = COMPLEX[dtype] if imaginary else dtype
        read = partial(values, source, stored, values_bytes, (rows, columns), dtype, f"{name}!/{key}")
        yield Variable(key, (rows, columns), told, told, partial(_complex, read) if imaginary else read)


def _complex(read: Callable[[], np.ndarray]) -> np.ndarray:
    """All real parts come first."""
    real = read()
    return with_imaginary(real, read())
