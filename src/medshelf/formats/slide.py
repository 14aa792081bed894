"""Whole-slide images in TIFF: Aperio ``.svs``, Hamamatsu ``.ndpi``, OME-TIFF and plain pyramidal TIFF.

A slide is a pyramid: level 0 is the full picture, each further level a smaller one. Regions are read
with `read_region`, which decodes only the tiles that it needs; whole levels with `read`.

``.mrxs``, ``.vsi`` and ``.czi`` are not read here; for slides in DICOM see `medshelf.formats.dicom_slide`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats import head_of
from medshelf.formats.pixel_limit import LIMIT_BYTES
from medshelf.formats.raster.tiff import matches as _is_tiff
from medshelf.formats.raster.tiff import opened
from medshelf.formats.slide_scale import scale_of
from medshelf.formats.slide_writing import write
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

__all__ = ["NAME", "SUFFIXES", "matches", "read", "read_header", "read_region", "write"]

NAME = "slide"
SUFFIXES = (".ndpi", ".svs")

_JPEGS = (6, 7, 33007, 34892)
_APERIO_YCBCR = 33003


def matches(head: bytes) -> bool:
    """Whether the first bytes are those of TIFF, in which all these slides are."""
    return _is_tiff(head)


def read_header(blob: Blob) -> Header:
    """Read what is known of a slide without decoding any tile.

    Parameters
    ----------
    blob : Blob
        A file or archive member.

    Returns
    -------
    Header
        Of level 0: shape (rows, columns[, samples]), axes ``"yxc"`` or ``"yx"``, and ``spacing_mm``
        (down, across) from Aperio's ``MPP``, OME's physical size or, where plausible for a slide, the
        TIFF resolution. The channels of an OME-TIFF, one page each, are the last axis. ``meta``
        has ``vendor``, ``levels`` (shapes), ``mpp`` (micrometres a pixel of level 0), ``magnification``
        and ``associated`` (names of label, macro and thumbnail, as far as there are any).

    Raises
    ------
    FormatError
        Not a TIFF, or damaged.
    Unsupported
        A TIFF of a kind that is not read, such as one with focal planes.
    """
    head_of(blob)
    with opened(blob) as tiff:
        return _header(tiff, 0, blob)


def read(blob: Blob, level: int = 0) -> Volume:
    """Read one whole level.

    Parameters
    ----------
    blob : Blob
        A file or archive member.
    level : int
        0 is the full picture.

    Returns
    -------
    Volume
        As `read_header` says; ``spacing_mm`` is that of the level.

    Raises
    ------
    Unsupported
        The level has more than 1 GiB of pixels; the message names levels that have not.
    FormatError
        Damaged or unknown level (`Truncated` where tiles lie beyond the end).
    """
    head_of(blob)
    with opened(blob) as tiff:
        header = _header(tiff, level, blob)
        array = _window(tiff, level, (0, 0), header.shape[:2], header, blob)
    return Volume(array, header.axes, None, header.spacing_mm, header.meta)


def read_region(blob: Blob, level: int, y: int, x: int, height: int, width: int) -> Volume:
    """Read a rectangle of one level, decoding only the tiles that it touches.

    Parameters
    ----------
    blob : Blob
        A file or archive member.
    level : int
        0 is the full picture.
    y, x : int
        First row and column, in pixels *of that level* (OpenSlide counts them in pixels of level 0).
    height, width : int
        Rows and columns.

    Returns
    -------
    Volume
        ``meta["origin"]`` is (y, x).

    Raises
    ------
    ValueError
        The rectangle is empty or leaves the level.
    FormatError, Unsupported
        As in `read`.
    """
    head_of(blob)
    with opened(blob) as tiff:
        header = _header(tiff, level, blob)
        rows, columns = header.shape[:2]
        if min(y, x) < 0 or min(height, width) < 1 or y + height > rows or x + width > columns:
            raise ValueError(
                f"the region y={y} x={x} height={height} width={width} leaves level {level} "
                f"of {rows} x {columns} pixels"
            )
        array = _window(tiff, level, (y, x), (height, width), header, blob)
    return Volume(array, header.axes, None, header.spacing_mm, {**header.meta, "origin": (y, x)})


def _header(tiff: Any, level: int, blob: Blob) -> Header:
    levels = tiff.series[0].levels
    if not 0 <= level < len(levels):
        raise FormatError(
            f"the slide has no level {level}", where=blob.name, why=f"levels 0 to {len(levels) - 1}"
        )
    stored = levels[0].axes
    shapes = [tuple(int(n) for n in one.shape) for one in levels]
    if stored not in ("YXS", "YX", "CYX"):
        raise Unsupported("the TIFF is no flat slide", where=blob.name, why=f"axes {stored}, shape {shapes[0]}")
    if stored == "CYX":
        shapes = [(*shape[1:], shape[0]) for shape in shapes]
    mpp, magnification, vendor = scale_of(tiff)
    spacing = None
    if mpp is not None:
        down, across = (full / part for full, part in zip(shapes[0], shapes[level][:2], strict=False))
        spacing = (mpp[0] * down / 1000, mpp[1] * across / 1000)
    meta = {
        "format": "TIFF",
        "vendor": vendor,
        "level": level,
        "levels": shapes,
        "mpp": mpp,
        "magnification": magnification,
        "associated": [one.name for one in tiff.series[1:]],
    }
    axes = "yx" if stored == "YX" else "yxc"
    return Header(shapes[level], np.dtype(levels[level].dtype).name, axes, None, spacing, meta)


def _window(
    tiff: Any, level: int, start: tuple[int, int], size: tuple[int, ...], header: Header, blob: Blob
) -> np.ndarray:
    """Decode the tiles under a rectangle and cut it out."""
    series = tiff.series[0].levels[level]
    samples = header.shape[2] if len(header.shape) == 3 else 1
    wanted = size[0] * size[1] * samples * np.dtype(header.dtype).itemsize
    if wanted > LIMIT_BYTES:
        raise _too_large(wanted, header, blob)
    if int(series.keyframe.planarconfig) != 1:
        raise Unsupported("a slide with its colours in separate planes is not read", where=blob.name)
    array = np.zeros((size[0], size[1], samples), header.dtype)
    if series.axes == "CYX":
        for n in range(samples):
            _fill(array[..., n : n + 1], tiff, series.pages[n].aspage(), start, blob)
    else:
        _fill(array, tiff, series.keyframe, start, blob)
    return array if len(header.shape) == 3 else array[..., 0]


def _fill(array: np.ndarray, tiff: Any, page: Any, start: tuple[int, int], blob: Blob) -> None:
    """Decode the tiles of one page that lie under an array, whose first pixel is at `start`."""
    tile = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    across = -(-page.imagewidth // tile[1])
    for row in range(start[0] // tile[0], (start[0] + array.shape[0] - 1) // tile[0] + 1):
        for column in range(start[1] // tile[1], (start[1] + array.shape[1] - 1) // tile[1] + 1):
            found = _tile(tiff, page, row * across + column, blob)
            if found is not None:
                _paste(array, found, (row * tile[0] - start[0], column * tile[1] - start[1]))


def _too_large(wanted: int, header: Header, blob: Blob) -> Unsupported:
    smaller = [n for n, shape in enumerate(header.meta["levels"]) if int(np.prod(shape)) <= LIMIT_BYTES]
    return Unsupported(
        "this part of the slide is too large to be read whole",
        where=blob.name,
        why=f"{wanted} bytes of pixels, limit {LIMIT_BYTES}",
        hint=f"Use read_region, or read one of the levels {smaller} with level=N",
    )


def _tile(tiff: Any, page: Any, index: int, blob: Blob) -> np.ndarray | None:
    """Decode one tile or strip to (rows, columns, samples); None for one that was left out."""
    if index >= len(page.dataoffsets):
        raise Truncated(f"tile {index} of the slide is missing", where=blob.name)
    offset, count = page.dataoffsets[index], page.databytecounts[index]
    if not count:
        return None
    if offset + count > blob.size_bytes:
        raise Truncated(
            f"tile {index} of the slide lies beyond the end of the file",
            where=blob.name,
            why=f"bytes {offset} to {offset + count} of {blob.size_bytes}",
            hint="Fetch the file again",
        )
    tiff.filehandle.seek(offset)
    data = tiff.filehandle.read(count)  # before anything of `page`, which may read tags and move on
    tables = {}
    if int(page.compression) in _JPEGS:
        tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
    decoded, _, _ = page.decode(data, index, **tables)
    if decoded is None:
        return None
    return _from_ycbcr(decoded[0], data) if int(page.compression) == _APERIO_YCBCR else decoded[0]


def _from_ycbcr(tile: np.ndarray, codestream: bytes) -> np.ndarray:
    """Turn a tile of compression 33003 to RGB: full-range YCbCr of ITU-R BT.601, which the codestream does not name.

    Where colours are subsampled (XRsiz or YRsiz of the second component, ITU-T T.800 A.5.1), OpenJPEG takes it for
    YCbCr and has done so already.
    """
    begin = codestream.find(b"\xff\x4f\xff\x51")
    if tile.shape[-1] != 3 or tile.dtype != np.uint8 or set(codestream[begin + 46 : begin + 48]) != {1}:
        return tile
    y, b, r = (tile[..., n].astype(np.float32) - (128 if n else 0) for n in range(3))
    rgb = np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b], axis=-1)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def _paste(array: np.ndarray, tile: np.ndarray, place: tuple[int, int]) -> None:
    """Copy into `array` the part of `tile`, whose first pixel is at `place`, that lies within."""
    top, left = max(place[0], 0), max(place[1], 0)
    part = tile[top - place[0] :, left - place[1] :]
    part = part[: array.shape[0] - top, : array.shape[1] - left]
    array[top : top + part.shape[0], left : left + part.shape[1]] = part
