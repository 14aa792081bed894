"""Siemens mosaics: all slices of a volume, tiled row by row in one picture.

The tiles form a square whose side is the smallest that holds them; tiles at the end are empty. The position in
the header is that of the first voxel of a slice as large as the whole picture around the same centre, so it is
moved inwards by half of what the picture is larger (nibabel, ``doc/source/dicom/dicom_mosaic.rst``; dcm2niix does
the same). Tile after tile lies along the SliceNormalVector of the CSA header, which may run against the cross
product of the row and column directions.
"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite, isqrt

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.csa import Csa, csa_bytes, read_csa
from medshelf.formats.dicom.slice import Slice

_PARALLEL = 1e-3  # most by which the cosine between both normals may miss 1


def tiles_of(one: Slice) -> list[Slice]:
    """Return the slices of a mosaic, in the order of its tiles.

    Raises
    ------
    Unsupported, FormatError
        There is no CSA header, or what it says does not fit the picture.
    """
    name = one.header.blob.name
    data = csa_bytes(one.header)
    if not data:
        raise Unsupported(
            "a Siemens mosaic without its CSA header can't be placed",
            where=name,
            why="(0029,1010) is missing or not Siemens', and only it says in which direction slices follow",
            hint="Ask for the files with their private attributes, or for a conversion made from them",
        )
    csa = read_csa(data, name)
    count = _count(one, csa)
    side = isqrt(count - 1) + 1
    if one.frames != 1 or one.rows % side or one.columns % side:
        raise FormatError(
            "the mosaic can't be cut into its tiles",
            where=name,
            why=f"{count} tiles in {one.rows} x {one.columns} pixels, {one.frames} frames",
        )
    rows, columns = one.rows // side, one.columns // side
    first, step = _place(one, csa, rows, columns)
    return [
        replace(
            one,
            rows=rows,
            columns=columns,
            position_mm=None if first is None else tuple((first + n * step).tolist()),
            number=n,
            whole=one,
            corner=(n // side * rows, n % side * columns),
        )
        for n in range(count)
    ]


def _count(one: Slice, csa: Csa) -> int:
    """The number of slices: NumberOfImagesInMosaic, or (0019,100A)."""
    told = csa.get("NumberOfImagesInMosaic", ())
    text = told[0] if told else ""
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    count = count or one.header.short(tags.MOSAIC_COUNT)
    if not 1 <= count <= one.rows * one.columns:
        raise FormatError(
            "the mosaic does not say how many slices it holds", where=one.header.blob.name, why=f"{text!r}"
        )
    return count


def _place(one: Slice, csa: Csa, rows: int, columns: int) -> tuple[np.ndarray | None, np.ndarray]:
    """Centre of the first voxel of the first tile, and the step from tile to tile, both LPS+ mm."""
    if one.position_mm is None or one.orientation is None or one.pixel_spacing_mm is None:
        return None, np.zeros(3)
    along_row, along_column = np.array(one.orientation).reshape(2, 3)
    between_rows, between_columns = one.pixel_spacing_mm
    first = (
        np.array(one.position_mm)
        + along_row * between_columns * (one.columns - columns) / 2
        + along_column * between_rows * (one.rows - rows) / 2
    )
    cross = np.cross(along_row, along_column)
    told = _numbers(csa, "SliceNormalVector", 3, one)
    cosine = float(cross @ np.array(told)) / float(np.linalg.norm(told) or 1.0)
    if abs(abs(cosine) - 1) > _PARALLEL:
        raise FormatError(
            "the slices of the mosaic are not stacked along their normal",
            where=one.header.blob.name,
            why=f"SliceNormalVector {told}, ImageOrientationPatient {one.orientation}",
        )
    return first, cross * np.sign(cosine) * _step(one, csa)


def _step(one: Slice, csa: Csa) -> float:
    step = one.header.number(tags.SPACING_BETWEEN_SLICES)
    if step is None:
        (step,) = _numbers(csa, "SpacingBetweenSlices", 1, one)
    if step <= 0:
        raise FormatError(
            "the mosaic does not say how far its slices are apart",
            where=one.header.blob.name,
            why=f"SpacingBetweenSlices is {step}",
        )
    return step


def _numbers(csa: Csa, name: str, length: int, one: Slice) -> tuple[float, ...]:
    texts = csa.get(name, ())
    try:
        found = tuple(float(text) for text in texts)
    except ValueError:
        found = ()
    if len(found) != length or not all(map(isfinite, found)):
        raise FormatError(
            f"the CSA header of the mosaic has no {name}", where=one.header.blob.name, why=f"{texts[:4]}"
        )
    return found
