"""FreeSurfer volumes (.mgh, and .mgz, the same compressed).

The array is (I, J, K[, T]) in Fortran order and the machine's byte order; the file is big-endian. Frames are ``t``.
What follows the voxels (echo time and the like) is not read.

Source: "MghFormat" (https://surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/MghFormat), mri.h of FreeSurfer for the types.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.deflate import gzip_bytes
from medshelf.formats.inflate import GZIP_MAGIC, inflate_gzip, inflate_start
from medshelf.formats.payload import as_array, first_bytes, stored, whole
from medshelf.model import geometry
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

__all__ = ["NAME", "SUFFIXES", "matches", "read", "read_header", "write"]

NAME = "mgh"
SUFFIXES = (".mgh.gz", ".mgh", ".mgz")

_FIELDS = np.dtype(
    [("version", ">i4"), ("dims", ">i4", 4), ("type", ">i4"), ("dof", ">i4"), ("good_ras", ">i2")]
    + [("delta", ">f4", 3), ("mdc", ">f4", (3, 3)), ("centre", ">f4", 3)]
)
_START = 284
"""Where the voxels begin."""
_TYPES = {0: "uint8", 1: "int32", 3: "float32", 4: "int16", 10: "uint16"}
"""MRI_UCHAR, MRI_INT, MRI_FLOAT, MRI_SHORT, MRI_USHRT."""
_CODES = {name: code for code, name in _TYPES.items()}
_DEFAULT_MDC = ((-1, 0, 0), (0, 0, -1), (0, 1, 0))
"""Directions where the file states none: coronal, 1 mm, about the origin ("MghFormat", goodRASFlag)."""


def matches(head: bytes) -> bool:
    """Tell whether these are the first bytes of a volume: version 1, possible lengths and type."""
    if head.startswith(GZIP_MAGIC):
        try:
            head = zlib.decompressobj(31).decompress(head, _START)
        except zlib.error:
            return False
    if len(head) < _FIELDS.itemsize:
        return False
    fields = np.frombuffer(head, _FIELDS, count=1)[0]
    return int(fields["version"]) == 1 and int(fields["dims"].min()) > 0 and int(fields["type"]) in _TYPES


def read_header(blob: Blob) -> Header:
    """Read shape, type and place, inflating no more than the header.

    Raises
    ------
    FormatError
        Not such a volume, or a damaged one.
    Unsupported
        Another type of voxels.
    """
    return _parsed(blob)[0]


def read(blob: Blob) -> Volume:
    """Read a volume; errors as `read_header`.

    Raises
    ------
    Truncated
        The file ends before its voxels do; `why` has the numbers.
    """
    header, compressed = _parsed(blob)
    kind = np.dtype(header.dtype).newbyteorder(">")
    size = math.prod(header.shape) * kind.itemsize
    if compressed:
        raw = inflate_gzip(whole(blob), _START + size, blob.name, lead=_START).data[_START:]
    else:
        raw = stored(blob, _START, size)
    return Volume(as_array(raw, header.shape, kind), header.axes, header.affine, header.spacing_mm, header.meta)


def _parsed(blob: Blob) -> tuple[Header, bool]:
    """The header, and whether the file is compressed."""
    head = first_bytes(blob, _START)
    compressed = head.startswith(GZIP_MAGIC)
    if compressed:
        with blob.open() as stream:
            head = inflate_start(stream, _START, blob.name)
    fields = np.frombuffer(head, _FIELDS, count=1)[0] if len(head) >= _FIELDS.itemsize else None
    if fields is None or int(fields["version"]) != 1:
        raise FormatError(
            "this is no FreeSurfer volume",
            where=blob.name,
            why=f"{len(head)} bytes of header, the first {head[:4]!r}, not the version 1",
            hint="Fetch the file again",
        )
    lengths = tuple(int(n) for n in fields["dims"])
    if min(lengths) < 1:
        raise FormatError("the header declares no possible shape", where=blob.name, why=f"{lengths}")
    code = int(fields["type"])
    if code not in _TYPES:
        raise Unsupported("voxels of this type are not read", where=blob.name, why=f"type {code}")
    shape = lengths if lengths[3] > 1 else lengths[:3]
    affine, meta = _placed(fields, lengths)
    return Header(shape, _TYPES[code], "ijkt"[: len(shape)], affine, geometry.spacing_mm(affine), meta), compressed


@np.errstate(over="ignore", invalid="ignore")  # a header may hold any number
def _placed(fields: Any, lengths: tuple[int, ...]) -> tuple[np.ndarray, dict[str, Any]]:
    """Affine, and the facts of the format."""
    good = int(fields["good_ras"]) > 0
    directions = fields["mdc"].astype(float) if good else np.array(_DEFAULT_MDC, float)
    sizes = fields["delta"].astype(float) if good else np.ones(3)
    centre = fields["centre"].astype(float) if good else np.zeros(3)
    affine = np.eye(4)
    affine[:3, :3] = directions.T * sizes
    affine[:3, 3] = centre - affine[:3, :3] @ (np.array(lengths[:3]) / 2)
    meta: dict[str, Any] = {"format": "MGH", "affine_from": "header" if good else "default"}
    if not good:
        meta["notes"] = ("the file states no place; FreeSurfer's default stands for it",)
    elif not np.isfinite(affine).all():
        meta["notes"] = ("the place holds values that are no numbers",)
    return affine, meta


def write(path: Path | str, volume: Volume) -> None:
    """Write a volume.

    Parameters
    ----------
    path : Path or str
        Ends in ``.mgh``, or in ``.mgz`` for a compressed one.
    volume : Volume
        Axes ``ijk`` or ``ijkt``, with an affine without shear or with: the directions need not be orthogonal.

    Raises
    ------
    Unsupported
        The format can't hold this volume.
    """
    array = volume.array
    if array.dtype.name not in _CODES or volume.axes not in ("ijk", "ijkt"):
        raise Unsupported("MGH can't hold this volume", where=path, why=f"{volume.axes} {array.shape} {array.dtype}")
    record = np.zeros((), _FIELDS)
    record["version"], record["dims"] = 1, (*array.shape, 1)[:4]
    record["type"] = _CODES[array.dtype.name]
    if volume.affine is not None:
        sizes = np.array(geometry.spacing_mm(volume.affine))
        record["good_ras"], record["delta"] = 1, sizes
        record["mdc"] = (volume.affine[:3, :3] / sizes).T
        record["centre"] = volume.affine[:3, 3] + volume.affine[:3, :3] @ (np.array(array.shape[:3]) / 2)
    big = array.astype(array.dtype.newbyteorder(">"))
    parts = [record.tobytes().ljust(_START, b"\0"), big.ravel(order="F").view(np.uint8)]
    compressed = str(path).lower().endswith(("z", ".gz"))
    with open(path, "wb") as stream:
        stream.writelines([gzip_bytes(parts, 6)] if compressed else parts)
