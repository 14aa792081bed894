"""Writing MAT-files of level 5, one compressed variable after another; see `medshelf.formats.matlab.level5`."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from medshelf.errors import Unsupported
from medshelf.formats.matlab.variable import NUMBERS
from medshelf.formats.payload import in_file_order

_CLASSES = {name: number for number, name in NUMBERS.items()}
_TYPES = {
    "int8": 1, "uint8": 2, "int16": 3, "uint16": 4, "int32": 5, "uint32": 6, "float32": 7, "float64": 9, "int64": 12,
    "uint64": 13,
}  # fmt: skip
_LOGICAL = 0x0200
_HEADER = b"MATLAB 5.0 MAT-file, written by medshelf".ljust(124) + b"\x00\x01IM"


def write_level5(path: Path | str, array: np.ndarray, key: str) -> None:
    """See `medshelf.formats.matlab.write`."""
    logical = array.dtype == bool
    array = array.view(np.uint8) if logical else array
    if array.dtype.name not in _CLASSES:
        raise Unsupported(f"MATLAB has no arrays of {array.dtype}", where=path)
    array = array.reshape(-1, 1) if array.ndim == 1 else array
    name, *fields = key.split(".")
    body = _numbers(array, logical, name if not fields else "")
    for n in range(len(fields) - 1, -1, -1):
        body = _structure(fields[n], body, name if n == 0 else "")
    packed = zlib.compress(_element(14, body))
    with open(path, "ab") as stream:
        if not stream.tell():
            stream.write(_HEADER)
        stream.write(struct.pack("<II", 15, len(packed)) + packed)


def _element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def _start(flags: int, shape: tuple[int, ...], name: str) -> bytes:
    """Array flags, dimensions and name."""
    dimensions = struct.pack(f"<{len(shape)}i", *shape)
    return _element(6, struct.pack("<II", flags, 0)) + _element(5, dimensions) + _element(1, name.encode())


def _numbers(array: np.ndarray, logical: bool, name: str) -> bytes:
    flags = _CLASSES[array.dtype.name] | (_LOGICAL if logical else 0)
    values = _element(_TYPES[array.dtype.name], in_file_order(array).tobytes())
    return _start(flags, array.shape, name) + values


def _structure(field: str, inner: bytes, name: str) -> bytes:
    """A structure of one field."""
    width = len(field.encode()) + 1
    lengths = struct.pack("<HHi", 5, 4, width)
    return _start(2, (1, 1), name) + lengths + _element(1, field.encode() + b"\0") + _element(14, inner)
