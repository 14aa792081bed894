"""The NIfTI-1 and NIfTI-2 headers: fields, byte order, and what they say.

Sources: nifti1.h (https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h) and nifti2.h beside it.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from medshelf.errors import FormatError, Unsupported

_COMMON_TAIL = [("intent_name", "S16")]

NIFTI1 = np.dtype(
    [("sizeof_hdr", "i4"), ("unused", "V35"), ("dim_info", "u1"), ("dim", "i2", 8)]
    + [("intent_p", "f4", 3), ("intent_code", "i2"), ("datatype", "i2"), ("bitpix", "i2")]
    + [("slice_start", "i2"), ("pixdim", "f4", 8), ("vox_offset", "f4")]
    + [("scl_slope", "f4"), ("scl_inter", "f4"), ("slice_end", "i2"), ("slice_code", "u1")]
    + [("xyzt_units", "u1"), ("cal_max", "f4"), ("cal_min", "f4"), ("slice_duration", "f4")]
    + [("toffset", "f4"), ("glmax", "i4"), ("glmin", "i4"), ("descrip", "S80"), ("aux_file", "S24")]
    + [("qform_code", "i2"), ("sform_code", "i2"), ("quatern", "f4", 3), ("qoffset", "f4", 3)]
    + [("srow", "f4", (3, 4)), *_COMMON_TAIL, ("magic", "S4")]
)
NIFTI2 = np.dtype(
    [("sizeof_hdr", "i4"), ("magic", "S8"), ("datatype", "i2"), ("bitpix", "i2"), ("dim", "i8", 8)]
    + [("intent_p", "f8", 3), ("pixdim", "f8", 8), ("vox_offset", "i8"), ("scl_slope", "f8")]
    + [("scl_inter", "f8"), ("cal_max", "f8"), ("cal_min", "f8"), ("slice_duration", "f8")]
    + [("toffset", "f8"), ("slice_start", "i8"), ("slice_end", "i8"), ("descrip", "S80")]
    + [("aux_file", "S24"), ("qform_code", "i4"), ("sform_code", "i4"), ("quatern", "f8", 3)]
    + [("qoffset", "f8", 3), ("srow", "f8", (3, 4)), ("slice_code", "i4"), ("xyzt_units", "i4")]
    + [("intent_code", "i4"), *_COMMON_TAIL, ("dim_info", "u1"), ("unused", "V15")]
)

TYPES = {
    2: "uint8", 4: "int16", 8: "int32", 16: "float32", 64: "float64", 256: "int8", 512: "uint16",
    768: "uint32", 1024: "int64", 1280: "uint64", 128: "uint8", 2304: "uint8",
}  # fmt: skip
"""NIfTI datatype code to the NumPy name of one component."""
COLOURS = {128: 3, 2304: 4}
"""Components of the colour types, RGB24 and RGBA32."""
_REFUSED = {
    1: "single bits (DT_BINARY)", 32: "complex64", 1536: "float128", 1792: "complex128", 2048: "complex256",
}  # fmt: skip

MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
"""Millimetres in one spatial unit of xyzt_units: unknown (taken as mm), metre, millimetre, micrometre."""
UNIT_NAMES = {0: "unknown", 1: "m", 2: "mm", 3: "um"}
SECONDS_PER_UNIT = {8: 1.0, 16: 1e-3, 24: 1e-6}
"""Seconds in one unit of time of xyzt_units: second, millisecond, microsecond."""


ByteOrder = Literal["<", ">"]


class Fields:
    """A parsed header: the fields by name, and which of the two kinds it is."""

    def __init__(self, record: np.void, kind: str, byte_order: ByteOrder) -> None:
        self.record = record
        self.kind = kind
        """``"nifti1"`` or ``"nifti2"``."""
        self.byte_order: ByteOrder = byte_order
        """``"<"`` or ``">"``."""

    def __getitem__(self, name: str) -> Any:
        return self.record[name]

    @property
    def two_files(self) -> bool:
        """Whether the voxels are in an .img file beside this header."""
        return not bytes(self.record["magic"]).startswith(b"n+")

    @property
    def size_bytes(self) -> int:
        """Size of the fixed part of the header."""
        return self.record.dtype.itemsize


def parse(head: bytes, name: str) -> Fields:
    """Parse the fixed part of a header.

    Parameters
    ----------
    head : bytes
        First bytes of the (inflated) header file, 540 if there are so many.
    name : str
        The file, for messages.

    Raises
    ------
    FormatError
        These are not the bytes of a header.
    """
    orders: tuple[ByteOrder, ...] = ("<", ">")
    for order in orders:
        for kind, layout in (("nifti1", NIFTI1), ("nifti2", NIFTI2)):
            if head[:4] != layout.itemsize.to_bytes(4, "little" if order == "<" else "big"):
                continue
            if len(head) < layout.itemsize:
                raise FormatError(
                    "the file ends within its header",
                    where=name,
                    why=f"expected {layout.itemsize} bytes, found {len(head)}",
                    hint="Fetch it again",
                )
            record = np.frombuffer(head, layout.newbyteorder(order), count=1)[0]
            if bytes(record["magic"])[:3] in ((b"n+1", b"ni1") if kind == "nifti1" else (b"n+2", b"ni2")):
                return Fields(record, kind, order)
    raise FormatError(
        "this is not a NIfTI file",
        where=name,
        why=f"it begins with {head[:8]!r}, no header size of 348 or 540 with a NIfTI magic string",
        hint="Look at what the file is (the command 'file' tells) or fetch it again",
    )


def shape_of(fields: Fields, name: str) -> tuple[int, ...]:
    """Return the stored shape, (i, j, k, t, c) or its beginning; trailing axes of length 1 are kept.

    Raises
    ------
    FormatError
        A length is not positive, or their number is not 1 to 7.
    Unsupported
        There is a sixth or seventh axis of more than one element.
    """
    dim = [int(n) for n in fields["dim"]]
    if not 1 <= dim[0] <= 7 or min(dim[1 : dim[0] + 1]) < 1:
        raise FormatError(
            "the header declares no possible shape",
            where=name,
            why=f"dim is {dim}",
            hint="Fetch the file again",
        )
    if max(dim[6 : dim[0] + 1], default=1) > 1:
        raise Unsupported("a NIfTI image of more than five axes is not read", where=name, why=f"dim is {dim}")
    return tuple(dim[1 : min(dim[0], 5) + 1])


def type_of(fields: Fields, name: str) -> np.dtype:
    """Return the type of one stored component, in the byte order of the file.

    Raises
    ------
    Unsupported
        Bits, complex numbers and float128 are not read.
    FormatError
        No NIfTI type has this code.
    """
    code = int(fields["datatype"])
    if code in TYPES:
        return np.dtype(TYPES[code]).newbyteorder(fields.byte_order)
    if code in _REFUSED:
        raise Unsupported(
            f"voxels of type {_REFUSED[code]} are not read",
            where=name,
            why=f"datatype is {code}",
            hint="Convert the file to a real type of at most 64 bits",
        )
    raise FormatError("the header declares no possible type", where=name, why=f"datatype is {code}")


def scale_of(fields: Fields, name: str) -> tuple[float, float] | None:
    """Return (slope, intercept) where the header asks for a scale that changes anything.

    A slope of zero means none (nifti1.h, "SCALING"); NaN and infinities are taken so too, as nibabel
    does. Colours are never scaled.

    Raises
    ------
    FormatError
        The slope is valid and the intercept is not a number.
    """
    slope, inter = float(fields["scl_slope"]), float(fields["scl_inter"])
    if slope == 0 or not np.isfinite(slope) or int(fields["datatype"]) in COLOURS:
        return None
    if not np.isfinite(inter):
        raise FormatError(
            "the header asks for a scale that is no number",
            where=name,
            why=f"slope {slope}, intercept {inter}",
        )
    return None if (slope, inter) == (1.0, 0.0) else (slope, inter)


def extensions_of(head: bytes, fields: Fields, start_of_voxels: int) -> list[tuple[int, bytes]]:
    """Return the header's extensions as (code, content); what is malformed ends the list.

    Parameters
    ----------
    head : bytes
        The file up to where the voxels begin.
    """
    at = fields.size_bytes
    if head[at : at + 1] in (b"", b"\0"):
        return []
    at += 4
    found = []
    order = "little" if fields.byte_order == "<" else "big"
    while at + 8 <= min(start_of_voxels, len(head)):
        size = int.from_bytes(head[at : at + 4], order)
        code = int.from_bytes(head[at + 4 : at + 8], order)
        if size < 8 or at + size > min(start_of_voxels, len(head)):
            break
        found.append((code, head[at + 8 : at + size].rstrip(b"\0")))
        at += size
    return found
