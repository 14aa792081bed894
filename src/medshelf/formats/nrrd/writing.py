"""Writing NRRD: one attached file, gzip or raw."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medshelf.errors import Unsupported
from medshelf.formats.deflate import gzip_bytes
from medshelf.formats.payload import in_file_order
from medshelf.model import geometry
from medshelf.model.volume import Volume

_KINDS = {"t": "time", "c": "vector"}
_COLOURS = {3: "RGB-color", 4: "RGBA-color"}


def write(path: Path, volume: Volume, *, compressed: bool = True, level: int | None = None) -> None:
    """Write an image as .nrrd; the same volume gives the same bytes.

    Components (``c``) are stored first, as other programs expect them; the frame is LPS.

    Parameters
    ----------
    path : Path
        Ends in ``.nrrd``. Written in place; renaming it there whole is the caller's job.
    volume : Volume
        Axes ``ij`` or ``ijk``, then perhaps ``t``, then perhaps ``c``.
    compressed : bool
        Whether to compress with gzip.
    level : int, optional
        Of compression, 1 (fast) to 12. By default 6 for 8-bit voxels and 1 for others.

    Raises
    ------
    Unsupported
        NRRD can't hold this volume as it is: its type or axes.
    """
    name = str(path)
    if not name.lower().endswith(".nrrd"):
        raise Unsupported("NRRD is written as .nrrd", where=name)
    array, axes = volume.array, volume.axes
    spatial = axes.rstrip("c").rstrip("t")
    if array.dtype.name not in _SPELLED:
        hint = "Convert it first, for example a mask with array.astype('uint8')"
        raise Unsupported(f"NRRD holds no voxels of type {array.dtype.name}", where=name, hint=hint)
    if spatial not in ("i", "ij", "ijk") or len(axes) != array.ndim or 0 in array.shape:
        raise Unsupported(f"NRRD is not written for axes {axes!r}", where=name, why=f"shape {array.shape}")
    if axes.endswith("c"):
        array, axes = np.moveaxis(array, -1, 0), "c" + axes[:-1]
    data: bytes | memoryview = in_file_order(array).data
    header = _header(volume, axes, array, compressed)
    if compressed:
        default = 6 if array.dtype.itemsize == 1 else 1
        data = gzip_bytes([data], default if level is None else level)
    with open(path, "wb") as stream:
        stream.write(header)
        stream.write(data)


_SPELLED = {
    "int8": "int8", "uint8": "uint8", "int16": "int16", "uint16": "uint16", "int32": "int32",
    "uint32": "uint32", "int64": "int64", "uint64": "uint64", "float32": "float", "float64": "double",
}  # fmt: skip


def _header(volume: Volume, axes: str, array: np.ndarray, compressed: bool) -> bytes:
    """The header's bytes with the empty line that ends it."""
    placed = volume.affine is not None
    affine = geometry.lps_to_ras(volume.affine if placed else np.eye(4))
    lines = ["NRRD0004", f"type: {_SPELLED[array.dtype.name]}", f"dimension: {array.ndim}"]
    if placed:
        lines.append("space: left-posterior-superior")
    lines.append("sizes: " + " ".join(map(str, array.shape)))
    kinds = [_KINDS.get(letter, "domain") for letter in axes]
    if axes[0] == "c" and array.dtype == np.uint8:
        kinds[0] = _COLOURS.get(array.shape[0], "vector")
    if placed:
        directions = (_vector(affine[:3, "ijk".index(x)]) if x in "ijk" else "none" for x in axes)
        lines.append("space directions: " + " ".join(directions))
    elif volume.spacing_mm:
        lines.append("spacings: " + " ".join(_spacing(volume, x) for x in axes))
    lines += ["kinds: " + " ".join(kinds), "endian: little", f"encoding: {'gzip' if compressed else 'raw'}"]
    if placed:
        lines.append("space origin: " + _vector(affine[:3, 3]))
    return ("\n".join(lines) + "\n\n").encode("ascii")


def _vector(values: np.ndarray) -> str:
    return "(" + ",".join(repr(float(x) + 0.0) for x in values) + ")"


def _spacing(volume: Volume, letter: str) -> str:
    spatial = volume.axes.find(letter) if letter in "ijk" else -1
    return "nan" if spatial < 0 else repr(float((volume.spacing_mm or ())[spatial]))
