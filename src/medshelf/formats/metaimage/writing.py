"""Writing MetaImage: .mha, or .mhd with .raw or .zraw beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medshelf.errors import Unsupported
from medshelf.formats.deflate import zlib_bytes
from medshelf.formats.payload import in_file_order
from medshelf.model import geometry
from medshelf.model.volume import Volume

_TYPES = {
    "int8": "CHAR", "uint8": "UCHAR", "int16": "SHORT", "uint16": "USHORT", "int32": "INT", "uint32": "UINT",
    "int64": "LONG_LONG", "uint64": "ULONG_LONG", "float32": "FLOAT", "float64": "DOUBLE",
}  # fmt: skip


def write(path: Path, volume: Volume, *, compressed: bool = True, level: int | None = None) -> None:
    """Write an image as .mha, or as .mhd with .zraw (compressed) or .raw beside it; the same bytes each time.

    Parameters
    ----------
    path : Path
        Ends in ``.mha`` or ``.mhd``. Written in place; renaming it there whole is the caller's job.
    volume : Volume
        Axes ``ij``, ``ijk`` or ``ijkt``, then perhaps ``c``. Two axes with an affine can't be held.
    compressed : bool
        Whether to compress with zlib.
    level : int, optional
        Of compression, 1 (fast) to 12. By default 6 for 8-bit voxels and 1 for others.

    Raises
    ------
    Unsupported
        MetaImage can't hold this volume as it is: its type, axes or place.
    """
    name, array, axes = str(path), volume.array, volume.axes
    ending = path.suffix.lower()
    if ending not in (".mha", ".mhd"):
        raise Unsupported("MetaImage is written as .mha or .mhd", where=name)
    if array.dtype.name not in _TYPES:
        hint = "Convert it first, for example a mask with array.astype('uint8')"
        raise Unsupported(f"MetaImage holds no voxels of type {array.dtype.name}", where=name, hint=hint)
    spatial = axes.removesuffix("c")
    if spatial not in ("ij", "ijk", "ijkt") or len(axes) != array.ndim or 0 in array.shape:
        why = f"shape {array.shape}"
        raise Unsupported(f"MetaImage is not written for axes {axes!r}", where=name, why=why)
    if (spatial == "ij") != (volume.affine is None):
        raise Unsupported("MetaImage places images of three axes, and only those", where=name)
    flat = in_file_order(np.moveaxis(array, -1, 0) if axes != spatial else array)
    default = 6 if array.dtype.itemsize == 1 else 1
    data = zlib_bytes([flat], default if level is None else level) if compressed else flat.data
    data_file = "LOCAL" if ending == ".mha" else path.with_suffix(".zraw" if compressed else ".raw").name
    header = _header(volume, spatial, len(data) if compressed else None, data_file)
    with open(path, "wb") as stream:
        stream.write(header)
        if data_file == "LOCAL":
            stream.write(data)
    if data_file != "LOCAL":
        path.with_name(data_file).write_bytes(data)


def _header(volume: Volume, spatial: str, compressed_size: int | None, data_file: str) -> bytes:
    """The header's lines; without `compressed_size` the data is plain."""
    count = len(spatial)
    directions, offset = np.eye(count), np.zeros(count)
    spacing = np.array([*(volume.spacing_mm or ()), 1.0, 1.0, 1.0, 1.0][:count])
    if volume.affine is not None:
        affine = geometry.lps_to_ras(volume.affine)
        spacing[:3] = geometry.spacing_mm(affine)
        spacing[3:] = volume.meta.get("time_step_s") or 1.0
        directions[:3, :3] = affine[:3, :3] / np.where(spacing[:3] == 0, 1, spacing[:3])
        offset[:3] = affine[:3, 3]
    fields: dict[str, object] = {"ObjectType": "Image", "NDims": count, "BinaryData": True}
    fields |= {"BinaryDataByteOrderMSB": False, "CompressedData": compressed_size is not None}
    if compressed_size is not None:
        fields["CompressedDataSize"] = compressed_size
    fields |= {"TransformMatrix": _numbers(directions.T.ravel()), "Offset": _numbers(offset)}
    fields |= {"CenterOfRotation": _numbers(np.zeros(count)), "ElementSpacing": _numbers(spacing)}
    fields["DimSize"] = " ".join(str(n) for n in volume.array.shape[:count])
    if len(volume.axes) > count:
        fields["ElementNumberOfChannels"] = volume.array.shape[-1]
    fields["ElementType"] = "MET_" + _TYPES[volume.array.dtype.name]
    fields["ElementDataFile"] = data_file
    return "".join(f"{key} = {value}\n" for key, value in fields.items()).encode("utf-8")


def _numbers(values: np.ndarray) -> str:
    return " ".join(repr(float(x) + 0.0) for x in values)
