"""The segments of one object, each decoded when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medshelf.errors import NotFound, Unsupported
from medshelf.formats import pixel_limit
from medshelf.formats.dicom_seg.grid import Grid
from medshelf.formats.dicom_seg.pixels import Pixels
from medshelf.formats.dicom_seg.segments import Segment
from medshelf.formats.dicom_tiles import Tiling, paste
from medshelf.model import geometry
from medshelf.model.volume import Header, Volume

LIMIT_BYTES = 2**32
"""Largest volume that one segment may unfold to (4 GiB); a picture of a slide has the limit of slides."""

Region = tuple[int, int, int, int]
"""First row and column of a rectangle of the total pixel matrix, then its height and width."""


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """The segments of one object, decoded one at a time."""

    kind: str
    """BINARY, FRACTIONAL or LABELMAP."""
    segments: tuple[Segment, ...]
    grid: Grid
    """Where the frames are: shape (I, J, K) and affine to RAS+ mm, None for a projection image or a slide."""
    pixels: Pixels
    max_fraction: int = 1
    """FRACTIONAL: stored value that stands for 1."""
    padding: int = 0
    """LABELMAP: value of places without a frame."""
    tiling: Tiling | None = None
    """On a slide: where the tiles are on the total pixel matrix."""
    spacing_mm: tuple[float, float] | None = None
    """On a slide: distance of rows and of columns."""
    referenced_series_uid: str | None = None
    frame_of_reference_uid: str | None = None
    source_uids: tuple[str, ...] = ()
    """SOP instance UIDs of the images that frames were derived from, without repetition."""
    where: str = ""
    meta: dict[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    def segment(self, number: int) -> Segment:
        """Return the segment with this number.

        Raises
        ------
        NotFound
            There is none.
        """
        for segment in self.segments:
            if segment.number == number:
                return segment
        numbers = ", ".join(str(segment.number) for segment in self.segments)
        raise NotFound(f"there is no segment {number}", where=self.where, why=f"there are {numbers}")

    def header(self) -> Header:
        """Return shape, type and geometry of what `mask` returns, without decoding anything."""
        dtype = np.dtype(np.float32 if self.kind == "FRACTIONAL" else np.uint8).name
        columns, rows, slices = self.grid.shape
        if self.tiling is not None or (self.grid.affine is None and slices == 1):
            return Header((rows, columns), dtype, "yx", None, self.spacing_mm)
        if self.grid.affine is None:
            return Header((slices, rows, columns), dtype, "nyx")
        return Header(self.grid.shape, dtype, "ijk", self.grid.affine, geometry.spacing_mm(self.grid.affine))

    def mask(self, number: int, *, region: Region | None = None) -> Volume:
        """Decode one segment.

        Parameters
        ----------
        number : int
            Its number, from 1 (0 is the background of a label map).
        region : (int, int, int, int), optional
            On a slide: y, x, height and width of a rectangle, in pixels of the total pixel matrix; only the tiles
            that it touches are decoded. By default the whole slide.

        Returns
        -------
        Volume
            Axes ``"ijk"`` on `grid`: uint8 of 0 and 1, or for FRACTIONAL float32 of 0 to 1. Slices and tiles
            without a frame of this segment are 0. Without a place in the patient, axes ``"yx"`` or
            ``"nyx"`` and no affine; on a slide ``"yx"``, with ``spacing_mm`` and ``meta["origin"]`` (y, x).

        Raises
        ------
        NotFound
            There is no such segment.
        FormatError
            Its frames can't be decoded.
        Unsupported
            It would be too large (before anything is allocated), or a region is asked for and this is no slide.
        ValueError
            The region is empty or leaves the slide.
        """
        self.segment(number)
        if self.kind == "LABELMAP":
            stack = (self._stacked(None, region) == number).astype(np.uint8)
        elif self.kind == "FRACTIONAL":
            stack = self._stacked(number, region).astype(np.float32) / np.float32(self.max_fraction)
        else:
            stack = self._stacked(number, region)
        return self._volume(stack, region, {"segment": number})

    def labelmap(self, *, region: Region | None = None) -> Volume:
        """Decode all segments into one volume of their numbers; 0, or `padding`, where there is none.

        Parameters
        ----------
        region : (int, int, int, int), optional
            As in `mask`.

        Raises
        ------
        Unsupported
            Segments overlap, or are fractional.
        """
        if self.kind == "LABELMAP":
            return self._volume(self._stacked(None, region), region, {})
        if self.kind == "FRACTIONAL":
            raise Unsupported("a fractional segmentation has no label map", where=self.where)
        highest = max((segment.number for segment in self.segments), default=0)
        made = np.zeros(self._stack_shape(region), np.min_scalar_type(highest))
        for segment in self.segments:
            mask = self._stacked(segment.number, region).astype(bool)
            others = made[mask]
            if others.any():
                raise Unsupported(
                    f"segment {segment.number} overlaps segment {int(others[others > 0][0])}",
                    where=self.where,
                    why=f"{int(np.count_nonzero(others))} voxels",
                    hint="Read the segments one by one with mask()",
                )
            made[mask] = segment.number
        return self._volume(made, region, {})

    def _stack_shape(self, region: Region | None) -> tuple[int, int, int]:
        """(K, J, I) of what is asked for, once it is known to be neither too large nor off the slide."""
        columns, rows, slices = self.grid.shape
        if region is not None:
            y, x, height, width = region
            if self.tiling is None:
                raise Unsupported("regions are read of segmentations of slides only", where=self.where)
            if min(y, x) < 0 or min(height, width) < 1 or y + height > rows or x + width > columns:
                raise ValueError(f"the region {region} leaves the slide of {rows} x {columns} pixels")
            rows, columns = height, width
        size = slices * rows * columns * self.pixels.dtype.itemsize
        limit = LIMIT_BYTES if self.tiling is None else pixel_limit.LIMIT_BYTES
        if size > limit:
            raise Unsupported(
                "the segmentation is too large",
                where=self.where,
                why=f"{size} bytes a segment, limit {limit}",
                hint="Read a part of the slide with region=(y, x, height, width)" if self.tiling else None,
            )
        return slices, rows, columns

    def _stacked(self, number: int | None, region: Region | None) -> np.ndarray:
        """Frames of a segment (of all, for None) on the grid: (K, J, I)."""
        shape, empty = self._stack_shape(region), self.padding if number is None else 0
        stack = np.zeros(shape, self.pixels.dtype)  # which take no memory before something is written
        if empty:
            stack += self.pixels.dtype.type(empty)
        if self.tiling is not None:
            y, x = region[:2] if region else (0, 0)
            for frame in self.tiling.under(y, x, *shape[1:]).tolist():
                if number is None or self.grid.segments[frame] == number:
                    top, left = int(self.tiling.tops[frame]) - y, int(self.tiling.lefts[frame]) - x
                    paste(stack[0], self.pixels.frame(frame), top, left)
            return stack
        for frame, (segment, place) in enumerate(zip(self.grid.segments, self.grid.places, strict=True)):
            if number is None or segment == number:
                stack[place] = self.pixels.frame(frame)
        return stack

    def _volume(self, stack: np.ndarray, region: Region | None, more: dict[str, Any]) -> Volume:
        meta = {"format": "DICOM SEG", "kind": self.kind, **more}
        if self.tiling is not None:
            return Volume(stack[0], "yx", None, self.spacing_mm, meta | {"origin": region[:2] if region else (0, 0)})
        if self.grid.affine is None:
            flat = stack[0] if len(stack) == 1 else stack
            return Volume(flat, "yx" if flat.ndim == 2 else "nyx", meta=meta)
        affine = self.grid.affine
        return Volume(stack.transpose(2, 1, 0), "ijk", affine, geometry.spacing_mm(affine), meta)
