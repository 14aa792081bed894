"""The voxels of a MetaImage: after the header, in one file beside it, or in many."""

from __future__ import annotations

import re
from math import prod

import numpy as np

from medshelf.formats.inflate import inflate_zlib
from medshelf.formats.metaimage.header import Fields
from medshelf.formats.payload import beside, cut_off, numbers, one_after_another, stored, whole
from medshelf.model.blob import Blob

_MOST_FILES = 1 << 20


def voxels(fields: Fields, blob: Blob, sizes: list[int], dtype: np.dtype, notes: list[str]) -> np.ndarray:
    """Return the bytes of all voxels in the byte order of the file.

    Parameters
    ----------
    fields : Fields
        The header.
    blob : Blob
        The header's file.
    sizes : list of int
        The stored shape, channels first.
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
        As `medshelf.formats.metaimage.read`.
    """
    count = prod(sizes)
    value = fields.values["elementdatafile"]
    if value.upper() == "LOCAL":
        return _one(fields, blob, fields.end, count, dtype, notes)
    names = _names(fields, value)
    if len(names) == 1:
        return _one(fields, beside(blob, names[0]), 0, count, dtype, notes)
    if count % len(names):
        raise fields.wrong("ElementDataFile", f"{count} values in {len(names)} files")
    parts = [_one(fields, beside(blob, name), 0, count // len(names), dtype, notes) for name in names]
    return one_after_another(parts, fields.name)


def _names(fields: Fields, value: str) -> list[str]:
    """The names of the data files: one, a list, or a pattern with first, last and step."""
    if value.split()[:1] == ["LIST"]:
        if not fields.files:
            raise fields.wrong("ElementDataFile", "a LIST without names")
        return fields.files
    pattern = re.fullmatch(r"(\S*%[0-9]{0,3}d\S*)\s+(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})", value)
    if not pattern:
        return [value]
    first, last, step = (int(pattern[n]) for n in (2, 3, 4))
    width = re.search(r"%([0-9]*)d", pattern[1])
    if step == 0 or last < first or width is None or (last - first) // step >= _MOST_FILES:
        raise fields.wrong("ElementDataFile")
    return [pattern[1].replace(width[0], f"{n:{width[1] or ''}d}") for n in range(first, last + 1, step)]


def _one(fields: Fields, blob: Blob, start: int, count: int, dtype: np.dtype, notes: list[str]) -> np.ndarray:
    """The bytes of `count` values in one file whose data begins at `start`."""
    size = count * dtype.itemsize
    if not fields.flag("BinaryData", default=True):
        with blob.open() as stream:
            stream.seek(start)
            return numbers(stream.read(), count, dtype, blob.name).view("u1")
    skip = fields.integer("HeaderSize", 0)
    if not -1 <= skip < 2**62:
        raise fields.wrong("HeaderSize")
    if not fields.flag("CompressedData"):
        if skip < 0:  # the data is the end of the file
            there = blob.size_bytes
            if there < size:
                raise cut_off(blob.name, size, there)
            return stored(blob, there - size, size)
        return stored(blob, start + skip, size)
    found = inflate_zlib(whole(blob), size, blob.name, start=start + max(skip, 0))
    notes += [note for note in found.notes if note not in notes]
    return found.data
