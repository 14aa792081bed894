"""Where the frames of a tiled DICOM object are on its total pixel matrix (PS3.3 C.7.6.17.3, C.7.6.16.2).

Slides and segmentations of slides are cut into tiles, one a frame. TILED_FULL says so once and lists all tiles
in a fixed order; otherwise (TILED_SPARSE, or older objects that name no organisation) each frame says where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported


@dataclass(frozen=True, slots=True, eq=False)
class Tiling:
    """Places of all frames."""

    rows: int
    """Of the total pixel matrix."""
    columns: int
    tile_rows: int
    tile_columns: int
    tops: np.ndarray
    """(F,) int64: first row of each frame, from 0; tiles may reach beyond the matrix."""
    lefts: np.ndarray
    """(F,) int64: first column of each frame."""
    channels: np.ndarray
    """(F,) int64: position of its segment or optical path among the channels."""
    organisation: str
    """TILED_FULL or TILED_SPARSE."""

    def under(self, y: int, x: int, height: int, width: int) -> np.ndarray:
        """Numbers, from 0, of the frames that a rectangle touches, in the order of the file."""
        rows = (self.tops < y + height) & (self.tops + self.tile_rows > y)
        columns = (self.lefts < x + width) & (self.lefts + self.tile_columns > x)
        return np.flatnonzero(rows & columns)


def is_tiled(dataset: Any) -> bool:
    """Whether the frames of an object are tiles of one picture."""
    said = str(dataset.get("DimensionOrganizationType") or "")
    return "TotalPixelMatrixRows" in dataset or said.startswith("TILED")


def tiling_of(dataset: Any, channels: Sequence[int] | None, frames: int, where: str) -> Tiling:
    """Find the place of each frame.

    Parameters
    ----------
    dataset : pydicom.Dataset
        A tiled object.
    channels : sequence of int or None
        For TILED_FULL how many channels there are is their length, in the order of the file. For others
        the channel of each frame. None where there is only one.
    frames : int
        Number of frames, known to be there.
    where : str
        What to name in an error.

    Raises
    ------
    FormatError, Truncated
        The matrix has no size, frames don't say where they are, or their number does not fit.
    Unsupported
        Several focal planes, or two frames of one channel at one place.
    """
    rows, columns = int(dataset.TotalPixelMatrixRows), int(dataset.TotalPixelMatrixColumns)
    tile = int(dataset.Rows), int(dataset.Columns)
    if min(rows, columns, *tile) < 1:
        raise FormatError(
            "the slide has no size", where=where, why=f"{rows} x {columns} pixels in tiles of {tile[0]} x {tile[1]}"
        )
    planes = int(dataset.get("TotalPixelMatrixFocalPlanes") or 1)
    if planes > 1:
        raise Unsupported("a slide with several focal planes is not read", where=where, why=f"{planes} planes")
    if str(dataset.get("DimensionOrganizationType") or "") == "TILED_FULL":
        places = _full((rows, columns), tile, len(channels) if channels else 1, frames, where)
        organisation = "TILED_FULL"
    else:
        places = _sparse(dataset, channels, frames, where)
        organisation = "TILED_SPARSE"
    return Tiling(rows, columns, *tile, *places, organisation)


_Places = tuple[np.ndarray, np.ndarray, np.ndarray]


def _full(size: tuple[int, int], tile: tuple[int, int], channels: int, frames: int, where: str) -> _Places:
    """All tiles along a row, then row by row, then channel by channel (PS3.3 C.7.6.17.3)."""
    down, across = -(-size[0] // tile[0]), -(-size[1] // tile[1])
    wanted = channels * down * across
    if frames != wanted:
        kind = Truncated if frames < wanted else FormatError
        why = f"{channels} x {down} x {across} = {wanted} tiles, {frames} frames"
        raise kind("the number of frames does not fit the slide", where=where, why=why)
    number = np.arange(frames, dtype=np.int64)
    return number // across % down * tile[0], number % across * tile[1], number // (down * across)


def _sparse(dataset: Any, channels: Sequence[int] | None, frames: int, where: str) -> _Places:
    """Each frame says its place, counted from 1 (PS3.3 C.8.12.6.1, Plane Position (Slide))."""
    own = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if len(own) != frames:
        raise FormatError(
            "the slide does not say where each tile is", where=where, why=f"{frames} frames, {len(own)} groups"
        )
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
    tops, lefts = np.empty(frames, np.int64), np.empty(frames, np.int64)
    for n, item in enumerate(own):
        found = item.get("PlanePositionSlideSequence") or shared.get("PlanePositionSlideSequence")
        if not found:
            raise FormatError(f"frame {n + 1} does not say where it is on the slide", where=where)
        tops[n] = int(found[0].RowPositionInTotalImagePixelMatrix) - 1
        lefts[n] = int(found[0].ColumnPositionInTotalImagePixelMatrix) - 1
    of = np.zeros(frames, np.int64) if channels is None else np.asarray(channels, np.int64)
    if len({*zip(tops.tolist(), lefts.tolist(), of.tolist(), strict=True)}) != frames:
        raise Unsupported(
            "two frames lie at one place of the slide", where=where, hint="Several focal planes or times are not read"
        )
    return tops, lefts, of


def paste(picture: np.ndarray, tile: np.ndarray, top: int, left: int) -> None:
    """Copy into a picture the part of a tile, whose first pixel is at (top, left), that lies within.

    Parameters
    ----------
    picture : (height, width, ...) array
        Changed in place.
    tile : (rows, columns, ...) array
        Of the same type and samples.
    top, left : int
        May be negative.
    """
    above, before = max(top, 0), max(left, 0)
    part = tile[above - top :, before - left :][: max(0, picture.shape[0] - above), : max(0, picture.shape[1] - before)]
    picture[above : above + part.shape[0], before : before + part.shape[1]] = part


def spacing_of(dataset: Any, where: str) -> tuple[float, float] | None:
    """Distance in mm of rows and of columns: Pixel Spacing, else the imaged size over the number of pixels.

    Sources: PS3.3 C.7.6.16.2.1 (Pixel Measures) and C.8.12.4 (Imaged Volume Width is along the rows).

    Raises
    ------
    FormatError
        A stated distance is not positive.
    """
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
    own = dataset.get("PerFrameFunctionalGroupsSequence") or [{}]
    measures = shared.get("PixelMeasuresSequence") or own[0].get("PixelMeasuresSequence")
    stated = measures[0].get("PixelSpacing") if measures else None
    if stated:
        found = float(stated[0]), float(stated[1])
    elif dataset.get("ImagedVolumeHeight") and dataset.get("ImagedVolumeWidth"):
        found = (
            float(dataset.ImagedVolumeHeight) / int(dataset.TotalPixelMatrixRows),
            float(dataset.ImagedVolumeWidth) / int(dataset.TotalPixelMatrixColumns),
        )
    else:
        return None
    if not all(0 < value < np.inf for value in found):
        raise FormatError("the pixel spacing of the slide is wrong", where=where, why=f"{found} mm")
    return found
