"""Frames of a segmentation of a slide: tiles of the total pixel matrix, each of one segment."""

from __future__ import annotations

from typing import Any

from medshelf.formats.dicom_seg.grid import Grid, frames_of, segment_of_frame
from medshelf.formats.dicom_tiles import Tiling, tiling_of


def on_slide(dataset: Any, kind: str, numbers: list[int], where: str) -> tuple[Grid, Tiling]:
    """Find where the frames are on the total pixel matrix of a slide.

    Parameters
    ----------
    dataset, kind, numbers, where
        As in `grid_of`, the numbers in the order of the file; the pixels of all frames are known to be there.

    Returns
    -------
    grid : Grid
        One slice of the size of the matrix, without an affine.
    tiling : Tiling
        Places of the frames.

    Raises
    ------
    FormatError, Unsupported
        As `medshelf.formats.dicom_tiles.tiling_of` and `grid_of`.
    """
    frames = frames_of(dataset)
    if kind == "LABELMAP":
        tiling = tiling_of(dataset, None, frames, where)
        segments: tuple[int | None, ...] = (None,) * frames
    elif dataset.get("DimensionOrganizationType") == "TILED_FULL":
        tiling = tiling_of(dataset, numbers, frames, where)
        segments = tuple(numbers[channel] for channel in tiling.channels.tolist())
    else:
        shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
        own = dataset.get("PerFrameFunctionalGroupsSequence") or []
        known = set(numbers)
        found = [segment_of_frame(item, shared, kind, known, n, where) for n, item in enumerate(own)]
        tiling = tiling_of(dataset, [number or 0 for number in found], frames, where)
        segments = tuple(found)
    return Grid((tiling.columns, tiling.rows, 1), None, segments, (0,) * frames), tiling
