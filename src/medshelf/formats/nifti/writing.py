"""Writing NIfTI: NIfTI-1 where the shape fits it, else NIfTI-2; plain or in one gzip member."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import Unsupported
from medshelf.formats.deflate import gzip_bytes
from medshelf.formats.nifti import affine as nifti_affine
from medshelf.formats.nifti.header import NIFTI1, NIFTI2, TYPES
from medshelf.formats.payload import in_file_order
from medshelf.model.volume import Volume

_AXES = ("i", "ij", "ijk", "ijkt", "ijktc")
_CODES = {name: code for code, name in reversed(TYPES.items())}
_SCANNER = 1
_MM_SECONDS = 2 | 8
_EXTENSION_FLAG = 4


def write(path: Path, volume: Volume, *, level: int | None = None) -> None:
    """Write an image as .nii or .nii.gz; the same volume gives the same bytes.

    sform and qform both hold the affine, with the codes that the volume's `meta` carries from where it was
    read, else 1 (scanner); a sheared affine, which no qform can hold, gets the sform alone. NIfTI-1 rounds
    the affine to 32-bit floats. Without an affine both codes are 0, and the spacing is written.

    Parameters
    ----------
    path : Path
        Ends in ``.nii`` or ``.nii.gz``. Written in place; renaming it there whole is the caller's job.
    volume : Volume
        Axes ``ijk``, ``ijkt``, ``ijktc`` or a beginning of these, or uint8 colours (``c`` of 3 or 4 last).
    level : int, optional
        Of compression, 1 (fast) to 12. By default 6 for 8-bit voxels, which are mostly labels,
        and 1 for others, whose noise no level compresses much better.

    Raises
    ------
    Unsupported
        NIfTI can't hold this volume as it is: its type, axes or shape.
    """
    name = str(path)
    if not name.lower().endswith((".nii", ".nii.gz")):
        raise Unsupported("NIfTI is written as .nii or .nii.gz", where=name)
    parts = _parts(volume, name)
    if name.lower().endswith(".gz"):
        default = 6 if volume.array.dtype.itemsize == 1 else 1
        parts = [gzip_bytes(parts, default if level is None else level)]
    with open(path, "wb") as stream:
        stream.writelines(parts)


def _parts(volume: Volume, name: str) -> list[Any]:
    """The header with its extension flag, and the voxels in file order."""
    array, shape, code = volume.array, volume.array.shape, _CODES.get(volume.array.dtype.name)
    if code is None:
        hint = "Convert it first, for example a mask with array.astype('uint8')"
        raise Unsupported(f"NIfTI holds no voxels of type {array.dtype.name}", where=name, hint=hint)
    if len(volume.axes) != array.ndim or 0 in shape:
        what = "the volume has no voxels, or not the axes that it names"
        raise Unsupported(what, where=name, why=f"axes {volume.axes!r}, shape {shape}")
    colour = array.dtype == np.uint8 and volume.axes[-1] == "c" and shape[-1] in (3, 4)
    if colour and volume.axes[:-1] in _AXES[:4]:
        code, shape, array = (128 if shape[-1] == 3 else 2304), shape[:-1], np.moveaxis(array, -1, 0)
    elif volume.axes not in _AXES:
        raise Unsupported(
            f"NIfTI holds no volume of axes {volume.axes!r}",
            where=name,
            why=f"shape {shape}, type {array.dtype.name}",
            hint="Write it as .nrrd, or move its channels to the fifth axis (ijktc)",
        )
    header = _header(volume, shape, code)
    return [header.tobytes() + bytes(_EXTENSION_FLAG), in_file_order(array).data]


def _header(volume: Volume, shape: tuple[int, ...], code: int) -> np.ndarray:
    """The header record, little-endian."""
    small = max(shape) <= np.iinfo(np.int16).max
    layout = (NIFTI1 if small else NIFTI2).newbyteorder("<")
    record = np.zeros((), layout)
    record["sizeof_hdr"] = layout.itemsize
    record["magic"] = b"n+1" if small else b"n+2\0\r\n\x1a\n"
    record["vox_offset"] = layout.itemsize + _EXTENSION_FLAG
    record["dim"] = [len(shape), *shape, *[1] * (7 - len(shape))]
    record["datatype"] = code
    record["bitpix"] = {128: 24, 2304: 32}.get(code, volume.array.dtype.itemsize * 8)
    record["scl_slope"] = 1
    record["xyzt_units"] = _MM_SECONDS
    spacing = volume.spacing_mm or (1.0, 1.0, 1.0)
    record["pixdim"][0] = 1
    record["pixdim"][1:8] = 1
    record["pixdim"][1 : 1 + len(spacing)] = spacing
    if len(shape) > 3 and volume.meta.get("time_step_s"):
        record["pixdim"][4] = volume.meta["time_step_s"]
    if volume.affine is not None:
        _place(record, volume)
    return record


def _place(record: np.ndarray, volume: Volume) -> None:
    """Set sform, and qform where it can hold the affine."""
    affine = np.asarray(volume.affine, np.float64)
    meta = volume.meta
    record["sform_code"] = meta.get("sform_code") or meta.get("qform_code") or _SCANNER
    record["srow"] = affine[:3]
    record["pixdim"][1:4] = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    turned = nifti_affine.quaternion(affine)
    if turned is not None:
        record["quatern"], record["pixdim"][0] = turned
        record["qoffset"] = affine[:3, 3]
        record["qform_code"] = meta.get("qform_code") or meta.get("sform_code") or _SCANNER
