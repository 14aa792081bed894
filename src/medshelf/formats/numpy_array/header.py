"""The header of a .npy array: type, order and shape, read without evaluating anything.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1.0, 2.0 and 3.0.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from medshelf.errors import FormatError, Unsupported

MAGIC = b"\x93NUMPY"
LONGEST = 1 << 14
"""More bytes than the header of a plain array ever takes."""

_TYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|c8|c16|[US]\d{1,6})")


@dataclass(frozen=True)
class Layout:
    """What the header says."""

    shape: tuple[int, ...]
    dtype: np.dtype
    """With the byte order of the file."""
    order: Literal["C", "F"]
    start: int
    """Where the values begin."""

    @property
    def size_bytes(self) -> int:
        """Number of bytes of all values."""
        return math.prod(self.shape) * self.dtype.itemsize


def parse(head: bytes, name: str) -> Layout:
    """Parse the first `LONGEST` bytes of an array's file.

    Raises
    ------
    FormatError
        Not a .npy file, or its header makes no sense.
    Unsupported
        Objects, structures, text or numbers of a type that only some machines have.
    """
    if not head.startswith(MAGIC) or len(head) < 12:
        raise FormatError("this is not a NumPy array", where=name, why=f"it begins with {head[:8]!r}")
    major = head[6]
    if major not in (1, 2, 3):
        raise Unsupported(f"version {major} of .npy is not read", where=name)
    begin = 10 if major == 1 else 12
    start = begin + int.from_bytes(head[8:begin], "little")
    if start > len(head):
        raise FormatError(
            "the array's header is cut off or absurdly long",
            where=name,
            why=f"expected {start:,} bytes, found {len(head):,}",
        )
    said = _literal(head[begin:start].decode("latin-1" if major < 3 else "utf-8", "replace"), name)
    order: Literal["C", "F"] = "F" if said["fortran_order"] else "C"
    return Layout(_shape(said["shape"], name), _dtype(said["descr"], name), order, start)


def _literal(text: str, name: str) -> dict[str, Any]:
    """The header's dictionary, which has three known keys."""
    try:
        said = ast.literal_eval(re.sub(r"(\d)L\b", r"\1", text.strip()))  # Python 2 wrote 10L
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise FormatError("the array's header can't be parsed", where=name, why=str(error)[:200]) from error
    if not isinstance(said, dict) or set(said) != {"descr", "fortran_order", "shape"}:
        raise FormatError("the array's header lacks its three entries", where=name, why=repr(said)[:200])
    return said


def _shape(shape: object, name: str) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or not all(type(n) is int and 0 <= n < 2**62 for n in shape):
        raise FormatError("the array's header declares no possible shape", where=name, why=repr(shape)[:200])
    return shape


def _dtype(descr: object, name: str) -> np.dtype:
    if isinstance(descr, str) and _TYPE.fullmatch(descr):
        return np.dtype(descr)
    if isinstance(descr, str) and descr.endswith("O"):
        raise Unsupported(
            "an array of Python objects is not opened",
            where=name,
            why="it is a pickle, which may run any program when it is loaded",
            hint="Have its author save plain numbers",
        )
    raise Unsupported("arrays of this type are not read", where=name, why=f"type {descr!r}"[:200])
