"""Writing small slides with the pages of an Aperio file, for synthetic twins of datasets and for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import Unsupported
from medshelf.model.volume import Volume


def write(path: Path | str, volume: Volume, *, compression: str | None = "zlib", tile: int = 256) -> None:
    """Write a small slide with the pages of an Aperio file: full picture, thumbnail, reduced levels.

    Parameters
    ----------
    path : Path or str
        The file.
    volume : Volume
        Axes ``"yxc"``, uint8, three channels. ``spacing_mm`` becomes ``MPP``.
    compression : str or None
        Name known to tifffile. The default is lossless, real slides use ``"jpeg"``.
    tile : int
        Side of the tiles, a multiple of 16.

    Raises
    ------
    Unsupported
        Another kind of array.
    """
    import tifffile

    array = np.ascontiguousarray(volume.array)
    if volume.axes != "yxc" or array.dtype != np.uint8 or array.shape[2] != 3:
        raise Unsupported(
            "a slide is 8-bit RGB", where=path, why=f"{volume.axes} {array.shape} {array.dtype}"
        )
    levels = [array]
    while min(levels[-1].shape[:2]) >= 2 * tile:
        levels.append(_halved(levels[-1]))
    said = f"Aperio Image Library (medshelf)\r\n{array.shape[1]}x{array.shape[0]} ({tile}x{tile})|AppMag = 20"
    if volume.spacing_mm is not None:
        said += f"|MPP = {volume.spacing_mm[0] * 1000:.6g}"
    common: dict[str, Any] = {"photometric": "rgb", "compression": compression, "metadata": None}
    with tifffile.TiffWriter(path) as writer:
        for number, picture in enumerate(levels):
            writer.write(picture, tile=(tile, tile), description=said, **common)
            if number == 0:
                step = max(1, max(array.shape) // 256)
                writer.write(np.ascontiguousarray(array[::step, ::step]), description=said, **common)


def _halved(array: np.ndarray) -> np.ndarray:
    """Mean of each 2 x 2 pixels."""
    rows, columns = array.shape[0] // 2, array.shape[1] // 2
    blocks = array[: rows * 2, : columns * 2].reshape(rows, 2, columns, 2, -1)
    return (blocks.mean(axis=(1, 3)) + 0.5).astype(np.uint8)
