"""MAT-files of level 5 (MATLAB 5 to 7, ``save -v6`` and ``-v7``), walked element by element.

Source: "MAT-File Format" (MathWorks, R2023b), chapter 1, "Level 5 MAT-Files".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Literal

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.matlab.source import Inflating, Plain, Source
from medshelf.formats.matlab.variable import COMPLEX, NUMBERS, OTHERS, Variable, values, with_imaginary
from medshelf.formats.payload import cut_off

HEADER_BYTES = 128
_STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
"""Data types miINT8 ... miUINT64 (table 1-1)."""
_MATRIX, _COMPRESSED = 14, 15
_STRUCT = 2
_COMPLEX = 0x0800
_DEEPEST = 32
_MOST_AXES = 32
_MOST_NAME_BYTES = 1 << 16
_MOST_FIELDS_BYTES = 1 << 20


def matches(head: bytes) -> bool:
    """Tell whether these are the first bytes of a level 5 MAT-file: version 1 and the order of bytes."""
    return head[124:128] in (b"\x00\x01IM", b"\x01\x00MI") and head[:4].strip(b"\0") != b""


def variables(stream: BinaryIO, size: int, name: str) -> Iterator[Variable]:
    """Yield every variable and field, in the order of the file; loading one ends the walk.

    Parameters
    ----------
    stream : binary stream
        The file, seekable.
    size : int
        Number of its bytes.
    name : str
        The file, for messages.

    Raises
    ------
    Truncated, FormatError
        The file is cut or damaged.
    """
    stream.seek(0)
    order: Literal["<", ">"] = "<" if stream.read(HEADER_BYTES)[126:128] == b"IM" else ">"
    at = HEADER_BYTES
    while at + 8 <= size:
        stream.seek(at)
        plain = Plain(stream, size, name)
        kind, length, small = _tag(plain, order, name)
        if small is not None or kind not in (_MATRIX, _COMPRESSED):
            raise FormatError("the file holds something between its variables", where=name, why=f"type {kind}")
        if not plain.can_hold(length):
            raise cut_off(name, plain.at + length, size)
        walk = _Walk(order, name)
        if kind == _COMPRESSED:
            yield from walk.compressed(Inflating(stream, length, name))
        else:
            yield from walk.matrix(plain, length, "", 0)
        at += 8 + length
    if at < size:
        raise cut_off(name, at + 8, size)


def _tag(source: Source, order: Literal["<", ">"], name: str) -> tuple[int, int, bytes | None]:
    """Type and length of the next element, and its bytes where they stand in the tag ("small data element")."""
    raw = source.take(8)
    first, second = (int(n) for n in np.frombuffer(raw, order + "u4"))
    if first >> 16:
        if first >> 16 > 4:
            raise FormatError("an element of the file is damaged", where=name, why=f"tag {raw!r}")
        return first & 0xFFFF, first >> 16, raw[4 : 4 + (first >> 16)]
    return first, second, None


class _Walk:
    """A walk through one variable."""

    def __init__(self, order: Literal["<", ">"], name: str) -> None:
        self.order: Literal["<", ">"] = order
        self.name = name

    def compressed(self, source: Inflating) -> Iterator[Variable]:
        kind, length, small = _tag(source, self.order, self.name)
        if kind != _MATRIX or small is not None:
            raise FormatError("a compressed element holds no variable", where=self.name, why=f"type {kind}")
        yield from self.matrix(source, length, "", 0)

    def matrix(self, source: Source, length: int, prefix: str, depth: int) -> Iterator[Variable]:
        """Yield the variable in the next `length` bytes and what it holds, and leave the source behind them."""
        end = source.at + length
        if not length:
            return
        flags = self._number(self._small(source, 64, "flags"))
        number = flags & 0xFF
        if number == 17:  # an opaque object has no shape
            yield Variable(prefix or "?", kind=OTHERS[17])
        else:
            shape = self._shape(source)
            name = self._text(self._small(source, _MOST_NAME_BYTES, "name"))  # empty in fields
            key = prefix or name
            if number == _STRUCT and math.prod(shape) == 1:
                yield from self._fields(source, key, depth)
            else:
                yield self._array(source, key, number, shape, bool(flags & _COMPLEX))
        if source.at > end:
            raise FormatError("a variable is longer than its length", where=f"{self.name}!/{prefix}")
        source.skip(end - source.at)

    def _shape(self, source: Source) -> tuple[int, ...]:
        raw = self._small(source, 4 * _MOST_AXES, "dimensions")
        shape = tuple(int(n) for n in np.frombuffer(raw[: len(raw) // 4 * 4], self.order + "i4"))
        if len(shape) < 2 or min(shape) < 0:
            raise FormatError("a variable has no possible shape", where=self.name, why=f"{shape}")
        return shape

    def _array(self, source: Source, key: str, number: int, shape: tuple[int, ...], is_complex: bool) -> Variable:
        if number in OTHERS:
            return Variable(key, shape, kind=OTHERS[number])
        if number not in NUMBERS:
            raise FormatError("a variable is of no known class", where=f"{self.name}!/{key}", why=f"class {number}")
        if not key:  # where MATLAB keeps what belongs to functions and objects
            return Variable("?", shape, kind="the subsystem")
        dtype = NUMBERS[number]
        if is_complex and dtype not in COMPLEX:
            return Variable(key, shape, kind="complex whole numbers")
        told = COMPLEX[dtype] if is_complex else dtype
        return Variable(key, shape, told, told, partial(self._load, source, key, shape, dtype, is_complex))

    def _load(self, source: Source, key: str, shape: tuple[int, ...], dtype: str, is_complex: bool) -> np.ndarray:
        where = f"{self.name}!/{key}"
        array = self._part(source, where, shape, dtype)
        if is_complex:
            array = with_imaginary(array, self._part(source, where, shape, dtype))
        source.verify()
        return array

    def _part(self, source: Source, where: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """The real or the imaginary part, whatever type it is stored in."""
        kind, length, small = _tag(source, self.order, where)
        if kind not in _STORED:
            raise FormatError("the values are of no known type", where=where, why=f"type {kind}")
        stored = np.dtype(self.order + _STORED[kind])
        array = values(source if small is None else _Held(small), stored, length, shape, dtype, where)
        if small is None:
            source.skip(-length % 8)
        return array

    def _fields(self, source: Source, key: str, depth: int) -> Iterator[Variable]:
        if depth > _DEEPEST:
            raise Unsupported("structures lie too deep in one another", where=f"{self.name}!/{key[:80]}")
        width = self._number(self._small(source, 8, "length of the field names"))
        names = self._small(source, _MOST_FIELDS_BYTES, "field names")
        if not 1 <= width <= max(len(names), 1):
            raise FormatError("a structure has no possible field names", where=f"{self.name}!/{key}", why=f"{width}")
        for at in range(0, len(names), width):
            field = self._text(names[at : at + width])
            kind, length, small = _tag(source, self.order, self.name)
            if kind != _MATRIX or small is not None:
                raise FormatError("a field holds no array", where=f"{self.name}!/{key}.{field}", why=f"type {kind}")
            if not source.can_hold(length):
                raise cut_off(self.name, length, 0)
            yield from self.matrix(source, length, f"{key}.{field}", depth + 1)

    def _small(self, source: Source, most: int, what: str) -> bytes:
        """The bytes of a short element, padded to eight in the file."""
        _, length, small = _tag(source, self.order, self.name)
        if small is not None:
            return small
        if length > most:
            raise FormatError(f"the {what} of a variable are damaged", where=self.name, why=f"{length} bytes")
        return source.take(length + -length % 8)[:length]

    def _number(self, raw: bytes) -> int:
        """The first whole number of an element."""
        if len(raw) < 4:
            raise FormatError("an element of the file is too short", where=self.name, why=f"{len(raw)} bytes")
        return int.from_bytes(raw[:4], "little" if self.order == "<" else "big")

    @staticmethod
    def _text(raw: bytes) -> str:
        return raw.partition(b"\0")[0].decode("utf-8", "replace")


class _Held(Plain):
    """The bytes of a small data element."""

    def __init__(self, data: bytes) -> None:
        import io

        super().__init__(io.BytesIO(data), len(data), "")
