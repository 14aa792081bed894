"""Levels and regions of a slide, from one or several DICOM files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats import pixel_limit
from medshelf.formats.dicom.bytes import open_source
from medshelf.formats.dicom.pixels import read_stored, stored_dtype
from medshelf.formats.dicom_slide.frames import Frames
from medshelf.formats.dicom_slide.instance import Instance, instance_of
from medshelf.formats.dicom_tiles import paste
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

Blobs = Blob | Sequence[Blob]


@dataclass(frozen=True, slots=True, eq=False)
class _Slide:
    levels: list[Instance]
    """By falling size."""
    associated: list[Instance]


def read_header(blob: Blobs, level: int = 0) -> Header:
    """Read what is known of a slide without decoding any tile.

    Parameters
    ----------
    blob : Blob or sequence of Blob
        One file, or files of one slide.
    level : int
        0 is the largest picture among the files.

    Returns
    -------
    Header
        Shape (rows, columns[, samples]) of the total pixel matrix, axes ``"yxc"`` or ``"yx"``; the last axis is
        colour, or the optical path where there are several. ``spacing_mm`` (down, across) is the Pixel
        Spacing, else the imaged size over the number of pixels. ``meta`` has what `medshelf.formats.slide`
        tells (``vendor``, ``levels``, ``mpp`` of level 0, ``magnification``, ``associated``) and ``tile``
        (rows, columns), ``organisation`` (TILED_FULL or TILED_SPARSE), ``optical_paths`` (identifiers)
        and ``frame_of_reference_uid``.

    Raises
    ------
    FormatError
        Not DICOM, damaged, an unknown level, or files of several slides.
    Unsupported
        Another kind of object; focal planes; two files of one size, as slides have whose optical paths
        or parts are files of their own; pixels of a kind that is not read.
    """
    return _header(_slide(blob), level)


def read(blob: Blobs, level: int = 0) -> Volume:
    """Read one whole level.

    Parameters
    ----------
    blob, level
        As in `read_header`.

    Returns
    -------
    Volume
        As `read_header` says. Tiles that a TILED_SPARSE slide leaves out are 0.

    Raises
    ------
    Unsupported
        The level has more than 1 GiB of pixels; the message names levels that have not.
    FormatError
        As in `read_header`, or damaged pixels (`Truncated` where they end early).
    """
    slide = _slide(blob)
    header = _header(slide, level)
    array = _window(slide.levels[level], (0, 0), header.shape[:2], header)
    return Volume(array, header.axes, None, header.spacing_mm, header.meta)


def read_region(blob: Blobs, level: int, y: int, x: int, height: int, width: int) -> Volume:
    """Read a rectangle of one level, decoding only the tiles that it touches.

    Parameters
    ----------
    blob, level
        As in `read_header`.
    y, x : int
        First row and column, in pixels *of that level*.
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
    slide = _slide(blob)
    header = _header(slide, level)
    rows, columns = header.shape[:2]
    if min(y, x) < 0 or min(height, width) < 1 or y + height > rows or x + width > columns:
        raise ValueError(
            f"the region y={y} x={x} height={height} width={width} leaves level {level} of {rows} x {columns} pixels"
        )
    array = _window(slide.levels[level], (y, x), (height, width), header)
    return Volume(array, header.axes, None, header.spacing_mm, {**header.meta, "origin": (y, x)})


def _slide(blob: Blobs) -> _Slide:
    """Sort files into levels and other pictures; a label or macro that is given alone is a level."""
    blobs = list(blob) if isinstance(blob, Sequence) else [blob]
    if not blobs:
        raise FormatError("there are no files of a slide")
    found = sorted(map(instance_of, blobs), key=lambda one: -one.tiling.rows * one.tiling.columns)
    for name in ("series_uid", "frame_of_reference_uid"):
        different = {getattr(one, name) for one in found}
        if len(different) == 1:
            break
    else:
        raise FormatError(
            "these are files of several slides",
            where=blobs[0].name,
            why=f"{len(different)} frames of reference",
            hint="Give the files of one slide",
        )
    levels = [one for one in found if one.flavour == "VOLUME"] or found
    for one, other in zip(levels, levels[1:], strict=False):
        if one.shape[:2] == other.shape[:2]:
            raise Unsupported(
                "two files of the slide have one size",
                where=other.blob.name,
                why=f"{one.shape[0]} x {one.shape[1]}, as {one.blob.name}",
                hint="Read them one by one: they are optical paths, focal planes or parts of a concatenation",
            )
    return _Slide(levels, [one for one in found if one not in levels])


def _header(slide: _Slide, level: int) -> Header:
    levels = slide.levels
    if not 0 <= level < len(levels):
        raise FormatError(
            f"the slide has no level {level}", where=levels[0].blob.name, why=f"levels 0 to {len(levels) - 1}"
        )
    this, whole = levels[level], levels[0]
    meta: dict[str, Any] = {
        "format": "DICOM",
        "vendor": whole.vendor,
        "level": level,
        "levels": [one.shape for one in levels],
        "mpp": None if whole.spacing_mm is None else tuple(1000 * value for value in whole.spacing_mm),
        "magnification": whole.magnification,
        "associated": [one.flavour for one in slide.associated],
        "tile": (this.tiling.tile_rows, this.tiling.tile_columns),
        "organisation": this.tiling.organisation,
        "optical_paths": this.paths,
        "frame_of_reference_uid": this.frame_of_reference_uid,
    }
    dtype = stored_dtype(this.one).newbyteorder("=").name
    return Header(this.shape, dtype, "yxc" if len(this.shape) == 3 else "yx", None, this.spacing_mm, meta)


def _window(instance: Instance, start: tuple[int, int], size: tuple[int, ...], header: Header) -> np.ndarray:
    """Decode the tiles under a rectangle and cut it out."""
    wanted = size[0] * size[1] * instance.samples * np.dtype(header.dtype).itemsize
    if wanted > pixel_limit.LIMIT_BYTES:
        limit = pixel_limit.LIMIT_BYTES
        smaller = [n for n, shape in enumerate(header.meta["levels"]) if int(np.prod(shape, dtype=object)) <= limit]
        raise Unsupported(
            "this part of the slide is too large to be read whole",
            where=instance.blob.name,
            why=f"{wanted} bytes of pixels, limit {limit}",
            hint=f"Use read_region, or read one of the levels {smaller} with level=N",
        )
    array = np.zeros((size[0], size[1], instance.samples), header.dtype)
    tiling, several = instance.tiling, len(instance.paths) > 1
    source = open_source(instance.blob)
    try:
        frames = Frames(instance, source)
        for number in tiling.under(*start, size[0], size[1]).tolist():
            one = replace(instance.one, number=number, whole=instance.one, extents=frames.extents(number))
            tile = read_stored(one, source)
            target = array[..., int(tiling.channels[number])] if several else array
            place = int(tiling.tops[number]) - start[0], int(tiling.lefts[number]) - start[1]
            paste(target, tile if tile.ndim == target.ndim else tile[..., None], *place)
    finally:
        source.close()
    return array if instance.samples > 1 else array[..., 0]
