"""The header of Analyze 7.5: fields, byte order, and what they say.

Source: "ANALYZE 7.5 File Format" (Mayo Clinic), struct dsr. SPM99 keeps a scale in ``funused1`` and the voxel of the
origin in ``originator``, and has codes of its own for further types (spm_type.m).
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from medshelf.errors import FormatError, Unsupported

SIZE_BYTES = 348
FIELDS = np.dtype(
    [("sizeof_hdr", "i4"), ("unused", "V36"), ("dim", "i2", 8), ("units", "V14"), ("datatype", "i2")]
    + [("bitpix", "i2"), ("dim_un0", "i2"), ("pixdim", "f4", 8), ("vox_offset", "f4"), ("scale", "f4")]
    + [("middle", "V32"), ("descrip", "S80"), ("aux_file", "S24"), ("orient", "u1"), ("origin", "i2", 5)]
    + [("rest", "V85")]
)

TYPES = {
    2: "uint8", 4: "int16", 8: "int32", 16: "float32", 64: "float64", 128: "uint8", 130: "int8", 132: "uint16",
    136: "uint32", 256: "int8", 512: "uint16", 768: "uint32",
}  # fmt: skip
"""Datatype code to NumPy name: Analyze to 128, then SPM99, then those that SPM2 took from NIfTI."""
RGB = 128
_REFUSED = {0: "no type", 1: "single bits", 32: "complex numbers", 255: "any type"}
_MAGIC = (b"ni1", b"n+1", b"ni2", b"n+2")


def matches(head: bytes) -> bool:
    """Tell whether these are the first bytes of an Analyze header, which has no NIfTI magic string."""
    return _order(head) is not None and head[344:347] not in _MAGIC


def _order(head: bytes) -> Literal["<", ">"] | None:
    """The byte order in which the header is 348 bytes long and has a possible number of axes."""
    if len(head) < SIZE_BYTES:
        return None
    orders: tuple[Literal["<", ">"], ...] = ("<", ">")
    for order in orders:
        if int(np.frombuffer(head, order + "i4", 1)[0]) == SIZE_BYTES:
            return order if 1 <= int(np.frombuffer(head, order + "i2", 1, 40)[0]) <= 7 else None
    return None


def parse(head: bytes, name: str) -> tuple[Any, Literal["<", ">"]]:
    """Parse a header.

    Parameters
    ----------
    head : bytes
        First bytes of the (inflated) .hdr file.
    name : str
        The file, for messages.

    Returns
    -------
    fields : numpy.void
        One record of `FIELDS`.
    order : {"<", ">"}
        Byte order of header and voxels.

    Raises
    ------
    FormatError
        These are no bytes of an Analyze header.
    """
    order = _order(head)
    if order is None or not matches(head):
        raise FormatError(
            "this is not an Analyze header",
            where=name,
            why=f"{len(head)} bytes, the first {head[:8]!r}; expected 348 bytes that begin with that number",
            hint="Open a NIfTI pair with the reader 'nifti', or fetch the file again",
        )
    return np.frombuffer(head, FIELDS.newbyteorder(order), count=1)[0], order


def shape_of(fields: Any, name: str) -> tuple[int, ...]:
    """Return the stored shape, (i, j, k, t) or its beginning.

    Raises
    ------
    FormatError
        A length is not positive.
    Unsupported
        There is a fifth axis of more than one element.
    """
    count, *lengths = (int(n) for n in fields["dim"])
    lengths = lengths[:count]
    if count > 3 and lengths[3] == 0:  # written so by programs that mean one volume
        lengths = lengths[:3]
    if min(lengths) < 1:
        raise FormatError("the header declares no possible shape", where=name, why=f"dim is {fields['dim'].tolist()}")
    if math.prod(lengths[4:]) > 1:
        raise Unsupported("an Analyze image of more than four axes is not read", where=name, why=f"{lengths}")
    return tuple(lengths[:4])


def type_of(fields: Any, order: Literal["<", ">"], name: str) -> np.dtype:
    """Return the type of one stored component.

    Raises
    ------
    Unsupported
        Bits and complex numbers are not read.
    FormatError
        No type has this code.
    """
    code = int(fields["datatype"])
    if code in TYPES:
        return np.dtype(TYPES[code]).newbyteorder(order)
    if code in _REFUSED:
        raise Unsupported(f"voxels of the type {_REFUSED[code]!r} are not read", where=name, why=f"datatype is {code}")
    raise FormatError("the header declares no possible type", where=name, why=f"datatype is {code}")


def scale_of(fields: Any) -> float | None:
    """Return the scale of SPM99 where it changes anything; 0 and what is no number mean none."""
    scale = float(fields["scale"])
    usual = scale in (0.0, 1.0) or not math.isfinite(scale) or int(fields["datatype"]) == RGB
    return None if usual else scale


def spacing_of(fields: Any, n_axes: int) -> tuple[float, ...]:
    """Return the voxel size in mm along the spatial axes, without sign; 0 or no number is taken as 1."""
    sizes = [abs(float(size)) for size in fields["pixdim"][1 : 1 + min(n_axes, 3)]]
    return tuple(size if math.isfinite(size) and size > 0 else 1.0 for size in sizes)
