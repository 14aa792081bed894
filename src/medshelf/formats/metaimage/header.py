"""The MetaImage header: ``Key = Value`` lines up to ElementDataFile, and what they say.

Source: MetaIO (https://docs.itk.org/en/latest/learn/metaio.html); what it leaves open is taken as ITK
reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from medshelf.errors import FormatError, Unsupported

_FIRST = re.compile(rb"\s*(ObjectType|NDims|Comment|ObjectSubType|BinaryData)\s*[=:]", re.IGNORECASE)
_LONGEST = 1 << 20
_MOST_NAMES = 1 << 24
TYPES = {
    "CHAR": "int8", "UCHAR": "uint8", "SHORT": "int16", "USHORT": "uint16", "INT": "int32", "UINT": "uint32",
    "LONG": "int32", "ULONG": "uint32", "LONG_LONG": "int64", "ULONG_LONG": "uint64",
    "FLOAT": "float32", "DOUBLE": "float64",
}  # fmt: skip
"""Name of a type, without MET_, to its NumPy name; a LONG has 32 bits on all machines."""
_MM = {"mm": 1.0, "um": 1e-3, "cm": 10.0}
_TRUE, _FALSE = {"true", "t", "1", "yes"}, {"false", "f", "0", "no", ""}


@dataclass
class Fields:
    """A parsed header."""

    name: str
    """The file, for messages."""
    values: dict[str, str]
    """Fields by name, in lower case."""
    files: list[str] = field(default_factory=list)
    """Names under ``ElementDataFile = LIST``."""
    end: int = 0
    """Where LOCAL data begins."""

    def get(self, *keys: str) -> str | None:
        """The value of the first of several spellings that is there."""
        return next((self.values[k.lower()] for k in keys if k.lower() in self.values), None)

    def flag(self, *keys: str, default: bool = False) -> bool:
        """A field that is True or False; `FormatError` where it is neither."""
        value = self.get(*keys)
        if value is None:
            return default
        if value.lower() not in _TRUE | _FALSE:
            raise self.wrong(keys[0])
        return value.lower() in _TRUE

    def integer(self, key: str, default: int) -> int:
        """A field that is one whole number; `FormatError` where it is not."""
        try:
            return int(self.values.get(key.lower(), default))
        except ValueError:
            raise self.wrong(key) from None

    def floats(self, count: int, *keys: str) -> np.ndarray | None:
        """A field of `count` finite numbers, None where it is absent; `FormatError` where it is not that."""
        value = self.get(*keys)
        if value is None:
            return None
        try:
            found = np.array([float(word) for word in value.split()])
        except ValueError:
            raise self.wrong(keys[0]) from None
        if found.size != count or not np.isfinite(found).all():
            raise self.wrong(keys[0], f"expected {count} numbers, found {value[:100]!r}")
        return found

    def wrong(self, key: str, why: str | None = None) -> FormatError:
        """The error of a field that is absent or makes no sense."""
        given = self.values.get(key.lower())
        return FormatError(
            f"the header's field {key} is {'missing' if given is None else 'wrong'}",
            where=self.name,
            why=why or (None if given is None else f"it is {given[:100]!r}"),
            hint="Fetch the file again, or correct the field",
        )


def looks_like(head: bytes) -> bool:
    """Tell whether these are the first bytes of a MetaImage header."""
    return _FIRST.match(head) is not None


def parse(stream: BinaryIO, name: str) -> Fields:
    """Read and parse the header from the beginning of a file.

    Raises
    ------
    FormatError
        It does not begin as a MetaImage, a line is no field, or ElementDataFile never comes.
    """
    fields = Fields(name, {})
    while fields.end < _LONGEST:
        raw = stream.readline(_LONGEST)
        if not raw:
            break
        fields.end += len(raw)
        line = raw.decode("utf-8", "replace").strip()
        if not line:
            continue
        key, separator, value = line.partition("=")
        if not separator or not re.fullmatch(r"[\w ]+", key):
            raise FormatError(
                "this is not a MetaImage header", where=name, why=f"one line of it is {line[:60]!r}"
            )
        fields.values[key.strip().lower()] = value.strip()
        if key.strip().lower() == "elementdatafile":
            if value.split()[:1] == ["LIST"]:
                names = stream.read(_MOST_NAMES).decode("utf-8", "replace").splitlines()
                fields.files = [text.strip() for text in names if text.strip()]
            return fields
    raise fields.wrong("ElementDataFile", "the header ends without it")


def sizes_of(fields: Fields) -> list[int]:
    """Return the stored shape without channels, first axis fastest; `FormatError` where it is impossible."""
    dimension = fields.integer("NDims", 0)
    try:
        sizes = [int(word) for word in (fields.get("DimSize") or "").split()]
    except ValueError:
        raise fields.wrong("DimSize") from None
    if not 1 <= dimension <= 16 or len(sizes) != dimension or min(sizes) < 1:
        raise fields.wrong("DimSize", f"NDims {dimension}, DimSize {sizes[:16]}")
    if dimension > 4:
        raise Unsupported(f"a MetaImage of {dimension} axes is not read", where=fields.name)
    return sizes


def type_of(fields: Fields) -> np.dtype:
    """Return the type of one channel of a voxel in the byte order of the file.

    Raises
    ------
    FormatError
        There is none, or no such type.
    """
    name = TYPES.get((fields.get("ElementType") or "").upper().removeprefix("MET_"))
    if name is None:
        raise fields.wrong("ElementType")
    big = fields.flag("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
    written_out = not fields.flag("BinaryData", default=True)
    return np.dtype(name) if written_out else np.dtype(name).newbyteorder(">" if big else "<")


def channels_of(fields: Fields) -> int:
    """Return the number of channels of a voxel, at least 1."""
    channels = fields.integer("ElementNumberOfChannels", 1)
    if not 1 <= channels <= 1 << 16:
        raise fields.wrong("ElementNumberOfChannels")
    return channels


def affine_lps_mm(fields: Fields, dimension: int) -> np.ndarray:
    """Return voxel index to LPS+ mm of the first three axes: (4, 4) float64.

    TransformMatrix holds the direction of the first axis, then of the second, and so on: the columns
    of ITK's direction matrix. CenterOfRotation has no part in it, and AnatomicalOrientation only repeats it.
    """
    spacing = fields.floats(dimension, "ElementSpacing", "ElementSize")
    matrix = fields.floats(dimension**2, "TransformMatrix", "Rotation", "Orientation")
    offset = fields.floats(dimension, "Offset", "Position", "Origin")
    columns = np.eye(dimension) if matrix is None else matrix.reshape(dimension, dimension).T
    used = min(dimension, 3)
    scaled = columns * (np.ones(dimension) if spacing is None else spacing)
    affine = np.eye(4)
    affine[:used, :used] = scaled[:used, :used]
    if offset is not None:
        affine[:used, 3] = offset[:used]
    affine[:3] *= _MM.get((fields.get("DistanceUnits") or "mm").lower(), 1.0)
    return affine
