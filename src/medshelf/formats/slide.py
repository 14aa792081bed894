"""Whole-slide images in TIFF: Aperio ``.svs``, Hamamatsu ``.ndpi`` and plain pyramidal TIFF.

A slide is a pyramid: level 0 is the full picture, each further level a smaller one. Regions are read
with `read_region`, which decodes only the tiles that it needs; whole levels with `read`.

``.mrxs``, ``.vsi``, ``.czi`` and DICOM slides are not read here, nor are Aperio files compressed as
JPEG 2000 in YCbCr (compression 33003).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats import head_of
from medshelf.formats.pixel_limit import LIMIT_BYTES
from medshelf.formats.raster.tiff import matches as _is_tiff
from medshelf.formats.raster.tiff import opened
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

NAME = "slide"
SUFFIXES = (".ndpi", ".svs")

_JPEGS = (6, 7, 33007, 34892)
_APERIO_YCBCR = 33003
_MICROMETRES = {2: 25400.0, 3: 10000.0}
"""Micrometres in the units of TIFF 6.0 ResolutionUnit: inch, centimetre."""
_PLAUSIBLE_MPP = (0.02, 20.0)
"""Micrometres a pixel that a slide can have; a TIFF resolution beyond is one for printing."""


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
        (down, across) from Aperio's ``MPP`` or, where plausible for a slide, the TIFF resolution. ``meta``
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
    shapes = [tuple(int(n) for n in one.shape) for one in levels]
    if levels[0].axes not in ("YXS", "YX"):
        raise Unsupported(
            "the TIFF is no flat slide", where=blob.name, why=f"axes {levels[0].axes}, shape {shapes[0]}"
        )
    page = levels[level].keyframe
    if int(page.compression) == _APERIO_YCBCR:
        raise Unsupported("JPEG 2000 in YCbCr (compression 33003) is not read", where=blob.name)
    mpp, magnification, vendor = _scale(tiff)
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
    axes = "yxc" if levels[0].axes == "YXS" else "yx"
    return Header(shapes[level], np.dtype(levels[level].dtype).name, axes, None, spacing, meta)


def _scale(tiff: Any) -> tuple[tuple[float, float] | None, float | None, str]:
    """Micrometres a pixel (down, across), magnification, and who made the slide."""
    page = tiff.pages.first
    if tiff.is_svs:
        said = dict(re.findall(r"\|\s*(\w+)\s*=\s*([\d.]+)", page.description))
        mpp = _positive(said.get("MPP"))
        return (mpp, mpp) if mpp else None, _positive(said.get("AppMag")), "aperio"
    vendor = "hamamatsu" if tiff.is_ndpi else "generic"
    magnification = _positive(page.tags.valueof(65421)) if tiff.is_ndpi else None
    unit = _MICROMETRES.get(int(page.resolutionunit or 0))
    across, down = (float(value) for value in page.resolution)
    if unit is None or min(across, down) <= 0:
        return None, magnification, vendor
    mpp_yx = (unit / down, unit / across)
    plausible = all(_PLAUSIBLE_MPP[0] <= value <= _PLAUSIBLE_MPP[1] for value in mpp_yx)
    return mpp_yx if plausible else None, magnification, vendor


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number > 0 else None


def _window(
    tiff: Any, level: int, start: tuple[int, int], size: tuple[int, ...], header: Header, blob: Blob
) -> np.ndarray:
    """Decode the tiles under a rectangle and cut it out."""
    page = tiff.series[0].levels[level].keyframe
    samples = header.shape[2] if len(header.shape) == 3 else 1
    wanted = size[0] * size[1] * samples * np.dtype(header.dtype).itemsize
    if wanted > LIMIT_BYTES:
        raise _too_large(wanted, header, blob)
    if int(page.planarconfig) != 1:
        raise Unsupported("a slide with its colours in separate planes is not read", where=blob.name)
    array = np.zeros((size[0], size[1], samples), header.dtype)
    tile = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    across = -(-page.imagewidth // tile[1])
    for row in range(start[0] // tile[0], (start[0] + size[0] - 1) // tile[0] + 1):
        for column in range(start[1] // tile[1], (start[1] + size[1] - 1) // tile[1] + 1):
            found = _tile(tiff, page, row * across + column, blob)
            if found is not None:
                _paste(array, found, (row * tile[0] - start[0], column * tile[1] - start[1]))
    return array if len(header.shape) == 3 else array[..., 0]


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
    return None if decoded is None else decoded[0]


def _paste(array: np.ndarray, tile: np.ndarray, place: tuple[int, int]) -> None:
    """Copy into `array` the part of `tile`, whose first pixel is at `place`, that lies within."""
    top, left = max(place[0], 0), max(place[1], 0)
    part = tile[top - place[0] :, left - place[1] :]
    part = part[: array.shape[0] - top, : array.shape[1] - left]
    array[top : top + part.shape[0], left : left + part.shape[1]] = part


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
