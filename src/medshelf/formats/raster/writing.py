"""Writing flat pictures; see `medshelf.formats.raster.write`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import Unsupported
from medshelf.formats.raster import netpbm as raster_netpbm
from medshelf.model.volume import Volume

_HOLDS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    ".png": (("uint8", "uint16"), (0, 2, 3, 4)),
    ".jpg": (("uint8",), (0, 3)),
    ".jpeg": (("uint8",), (0, 3)),
    ".jp2": (("uint8", "uint16"), (0, 3, 4)),
    ".webp": (("uint8",), (3, 4)),
    ".bmp": (("uint8",), (0, 3)),
    ".gif": (("uint8",), (0,)),
    ".pgm": (("uint8", "uint16"), (0,)),
    ".ppm": (("uint8", "uint16"), (3,)),
}
"""Types and numbers of channels (0: no channel axis) that each format holds."""


def write(path: Path | str, volume: Volume) -> None:
    """See `medshelf.formats.raster.write`."""
    name = Path(path).name.lower()
    packed = name.endswith((".pgm.gz", ".ppm.gz"))
    ending = Path(name.removesuffix(".gz") if packed else name).suffix
    array = np.asarray(volume.array)
    if array.dtype == bool:
        array = array.astype(np.uint8) * np.uint8(255)
    if ending in (".tif", ".tiff"):
        _write_tiff(path, array, volume)
        return
    if ending not in _HOLDS:
        raise Unsupported(f"pictures are not written as {ending!r}", where=path, hint=" ".join(_HOLDS))
    types, channels = _HOLDS[ending]
    found = array.shape[2] if volume.axes == "yxc" else 0
    if volume.axes not in ("yx", "yxc") or array.dtype.name not in types or found not in channels:
        raise Unsupported(
            f"{ending} can't hold this array",
            where=path,
            why=f"{volume.axes} {array.shape} {array.dtype}",
            hint="TIFF holds any",
        )
    if ending in (".pgm", ".ppm"):
        raster_netpbm.write(path, array, volume.meta.get("maxval"), compressed=packed)
    elif ending in (".jp2", ".webp") or ending == ".png" and "palette" not in volume.meta:
        Path(path).write_bytes(_encoded(np.ascontiguousarray(array), ending))
    else:
        _write_pillow(path, array, ending, volume)


def _encoded(array: np.ndarray, ending: str) -> bytes:
    """PNG, JPEG 2000 or WebP, all without loss."""
    import imagecodecs

    if ending == ".jp2":
        return bytes(imagecodecs.jpeg2k_encode(array, level=0, reversible=True, codecformat="jp2"))
    if ending == ".webp":
        return bytes(imagecodecs.webp_encode(array, lossless=True))
    return bytes(imagecodecs.png_encode(array))


def _write_pillow(path: Path | str, array: np.ndarray, ending: str, volume: Volume) -> None:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(array))
    palette = volume.meta.get("palette")
    if palette is not None and ending in (".png", ".gif", ".bmp") and array.ndim == 2:
        image.putpalette(np.asarray(palette, np.uint8).tobytes())
    options: dict[str, Any] = {"quality": 95, "subsampling": 0} if ending.startswith(".jp") else {}
    if ending == ".gif":
        options = {"optimize": False}
    image.save(path, **options)


def _write_tiff(path: Path | str, array: np.ndarray, volume: Volume) -> None:
    import tifffile

    if volume.axes not in ("yx", "yxc", "nyx", "nyxc"):
        raise Unsupported("TIFF holds pictures, not volumes", where=path, why=f"axes {volume.axes!r}")
    colour = volume.axes.endswith("c") and array.shape[-1] in (3, 4) and array.dtype.kind == "u"
    tifffile.imwrite(
        path,
        array,
        photometric="rgb" if colour else "minisblack",
        planarconfig="contig" if volume.axes.endswith("c") else None,
        extrasamples=["unassalpha"] if colour and array.shape[-1] == 4 else None,
        metadata=None,
    )
