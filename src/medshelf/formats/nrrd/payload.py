"""The voxels of a NRRD file: after the header, in one file beside it, or in many."""

from __future__ import annotations

import re
from math import prod

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats.inflate import inflate_bzip2, inflate_gzip
from medshelf.formats.nrrd.header import Fields, encoding_of
from medshelf.formats.payload import beside, cut_off, numbers, one_after_another, stored, whole
from medshelf.model.blob import Blob

_MOST_FILES = 1 << 20
_LINE = 1 << 16


def voxels(fields: Fields, blob: Blob, sizes: list[int], dtype: np.dtype, notes: list[str]) -> np.ndarray:
    """Return the bytes of all voxels in the byte order of the file.

    Parameters
    ----------
    fields : Fields
        The header.
    blob : Blob
        The header's file.
    sizes : list of int
        The stored shape.
    dtype : numpy.dtype
        The stored type.
    notes : list of str
        Oddities are added to it.

    Returns
    -------
    (n,) uint8 array

    Raises
    ------
    Truncated, FormatError, AccessError
        As `medshelf.formats.nrrd.read`.
    """
    count = prod(sizes)
    if "datafile" not in fields.values:
        return _one(fields, blob, fields.end, count, dtype, notes)
    names = _names(fields)
    if len(names) == 1:
        return _one(fields, beside(blob, names[0]), 0, count, dtype, notes)
    if count % len(names):
        raise fields.wrong("datafile", f"{count} voxels in {len(names)} files")
    parts = [_one(fields, beside(blob, name), 0, count // len(names), dtype, notes) for name in names]
    return one_after_another(parts, fields.name)


def _names(fields: Fields) -> list[str]:
    """The names of the data files: one, a list, or a pattern with first, last and step."""
    value = fields.values["datafile"]
    if fields.listed:
        if not fields.files:
            raise fields.wrong("datafile", "a LIST without names")
        return fields.files
    pattern = re.fullmatch(r"(\S*%[0-9]*d\S*)\s+(-?\d{1,9})\s+(-?\d{1,9})\s+(-?\d{1,9})(?:\s+\d+)?", value)
    if not pattern:
        return [value]
    form = pattern[1]
    first, last, step = (int(pattern[n]) for n in (2, 3, 4))
    width = re.search(r"%([0-9]*)d", form)
    if step == 0 or width is None or len(width[1]) > 3 or (last - first) // step >= _MOST_FILES:
        raise fields.wrong("datafile")
    numbered = range(first, last + (1 if step > 0 else -1), step)
    return [form.replace(width[0], f"{n:{width[1] or ''}d}") for n in numbered] or [form]


def _one(fields: Fields, blob: Blob, start: int, count: int, dtype: np.dtype, notes: list[str]) -> np.ndarray:
    """The bytes of `count` voxels in one file whose data begins at `start`."""
    encoding = encoding_of(fields)
    lines, skip = _skips(fields)
    if lines:
        start = _after_lines(blob, start, lines)
    size = count * dtype.itemsize
    if encoding == "raw":
        if skip < 0:
            start, skip = max(blob.size_bytes - size, 0), 0
        return stored(blob, start + skip, size)
    if skip < 0:
        raise fields.wrong("byteskip", "-1 is only for raw data")
    if encoding == "gzip":
        found = inflate_gzip(whole(blob), skip + size, blob.name, start=start, lead=skip)
    elif encoding == "bzip2":
        with blob.open() as stream:
            stream.seek(start)
            found = inflate_bzip2(stream, skip + size, blob.name)
    else:
        with blob.open() as stream:
            stream.seek(start + skip)
            text = stream.read()
        if encoding == "hex":
            return _hex(text, size, blob.name)
        return numbers(text, count, dtype, blob.name).view("u1")
    notes += [note for note in found.notes if note not in notes]
    return found.data[skip:]


def _skips(fields: Fields) -> tuple[int, int]:
    """Lines to skip before decoding, and bytes to skip after it."""
    found = []
    for key in ("lineskip", "byteskip"):
        try:
            found.append(int(fields.values.get(key, "0")))
        except ValueError:
            raise fields.wrong(key) from None
    if found[0] < 0 or found[1] < -1 or max(found) >= 2**62:
        raise fields.wrong("byteskip" if found[0] >= 0 else "lineskip")
    return found[0], found[1]


def _after_lines(blob: Blob, start: int, lines: int) -> int:
    """Where the data begins after so many lines."""
    with blob.open() as stream:
        stream.seek(start)
        for found in range(lines):
            part = b""
            while not part.endswith(b"\n"):
                part = stream.readline(_LINE)
                if not part:
                    raise cut_off(blob.name, lines, found, "lines before the data", "lines")
                start += len(part)
    return start


def _hex(text: bytes, size: int, name: str) -> np.ndarray:
    try:
        data = bytearray.fromhex(text.decode("ascii"))
    except ValueError as error:
        what = "the voxels are not all hexadecimal digits"
        raise FormatError(what, where=name, why=str(error)[:200]) from error
    if len(data) < size:
        raise cut_off(name, size, len(data))
    return np.frombuffer(data, np.uint8, count=size)
