"""The grid of a DICOM segmentation: from the place of each frame to one regular lattice.

Frames say where they are in functional groups (PS3.3 C.7.6.16), each group either shared by all frames or
given for every one: Plane Position, Plane Orientation, Pixel Measures, Segment Identification.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.model.geometry import Affine, lps_to_ras

_OFF_STEP = 0.05
"""Part of a step by which a frame may miss its place on the lattice."""
_SAME_MM = 1e-3
"""Frames closer than this along the normal are one slice."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where frames are."""

    shape: tuple[int, int, int]
    """(I, J, K): columns, rows and slices."""
    affine: Affine | None
    """(4, 4) voxel index to RAS+ mm; None where frames have no place in the patient."""
    segments: tuple[int | None, ...]
    """For each frame its segment; None in a label map."""
    places: tuple[int, ...]
    """For each frame its slice, k."""


def grid_of(dataset: Any, kind: str, numbers: set[int], where: str) -> Grid:
    """Find the lattice on which all frames lie.

    Slices ascend along the normal of the planes (row direction x column direction), so that the voxel
    axes are right-handed in LPS. The step between slices is Spacing Between Slices where positions agree
    with it, else the smallest distance of two frames; places between frames that no frame fills are empty.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The segmentation.
    kind : str
        Its SegmentationType.
    numbers : set of int
        Numbers of its segments.
    where : str
        What to name in an error.

    Raises
    ------
    Unsupported
        Frames of several orientations or spacings, or at irregular places.
    FormatError
        Missing groups, unknown segments, or two frames of one segment at one place.
    """
    frames = frames_of(dataset)
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
    own = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if len(own) not in (0, frames) or frames < 1 or (not own and frames > 1):
        raise FormatError(
            "the segmentation does not describe each frame",
            where=where,
            why=f"{frames} frames, {len(own)} groups",
        )
    items = list(own) or [{}]
    segments = tuple(segment_of_frame(item, shared, kind, numbers, n, where) for n, item in enumerate(items))
    size = (int(dataset.Columns), int(dataset.Rows))
    if min(size) < 1:
        raise FormatError(
            "the segmentation has no rows or columns", where=where, why=f"{size[1]} x {size[0]}"
        )
    positions = [_group(item, shared, "PlanePositionSequence") for item in items]
    if all(position is None for position in positions):
        places = _by_order(segments)
        grid = Grid((*size, max(places) + 1), None, segments, places)
    else:
        grid = _placed(items, shared, positions, segments, size, where)
    _check_single(grid, where)
    return grid


def frames_of(dataset: Any) -> int:
    """Return how many frames an object says that it has."""
    return int(dataset.get("NumberOfFrames") or 1)


def _group(item: Any, shared: Any, keyword: str) -> Any:
    """The first item of a functional group, the frame's own before the shared."""
    for source in (item, shared):
        sequence = source.get(keyword)
        if sequence:
            return sequence[0]
    return None


def segment_of_frame(item: Any, shared: Any, kind: str, numbers: set[int], frame: int, where: str) -> int | None:
    """Return which segment a frame, counted from 0, shows; None in a label map.

    Raises
    ------
    FormatError
        It does not say, or names one that is not described.
    """
    if kind == "LABELMAP":
        return None
    group = _group(item, shared, "SegmentIdentificationSequence")
    if group is None:
        raise FormatError(f"frame {frame + 1} does not say which segment it shows", where=where)
    number = int(group.ReferencedSegmentNumber)
    if number not in numbers:
        raise FormatError(f"frame {frame + 1} shows segment {number}, which is not described", where=where)
    return number


def _by_order(segments: tuple[int | None, ...]) -> tuple[int, ...]:
    """Number the frames of each segment in the order of the file."""
    seen: dict[int | None, int] = {}
    places = []
    for segment in segments:
        places.append(seen.get(segment, 0))
        seen[segment] = places[-1] + 1
    return tuple(places)


def _placed(
    items: list[Any],
    shared: Any,
    positions: list[Any],
    segments: tuple[int | None, ...],
    size: tuple[int, int],
    where: str,
) -> Grid:
    if any(position is None for position in positions):
        raise FormatError("some frames have no place and others have", where=where)
    origins = _numbers([position.ImagePositionPatient for position in positions], 3, where)
    axes = _one(
        _numbers(
            [_need(i, shared, "PlaneOrientationSequence", where).ImageOrientationPatient for i in items],
            6,
            where,
        ),
        1e-4,
        "orientations",
        where,
    )
    measures = [_need(item, shared, "PixelMeasuresSequence", where) for item in items]
    spacing = _one(
        _numbers([measure.PixelSpacing for measure in measures], 2, where), 1e-4, "pixel spacings", where
    )
    row, column = axes[:3], axes[3:]
    normal = np.cross(row, column)
    if not np.isclose(np.linalg.norm(normal), 1, atol=1e-2) or (spacing <= 0).any():
        raise FormatError("orientation or pixel spacing is wrong", where=where, why=f"{axes}, {spacing}")
    normal /= np.linalg.norm(normal)
    stated = _stated_step(measures[0])
    slices, places, first, step = _lattice(origins, normal, stated, where)
    affine = np.eye(4)
    affine[:3, 0] = row * spacing[1]
    affine[:3, 1] = column * spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = first
    return Grid((*size, slices), lps_to_ras(affine), segments, places)


def _need(item: Any, shared: Any, keyword: str, where: str) -> Any:
    group = _group(item, shared, keyword)
    if group is None:
        raise FormatError(f"the segmentation has no {keyword}", where=where)
    return group


def _numbers(rows: list[Any], width: int, where: str) -> np.ndarray:
    values = np.array([[float(value) for value in row or ()] for row in rows], np.float64)
    if values.shape != (len(rows), width) or not np.isfinite(values).all():
        raise FormatError("a place, orientation or spacing is wrong", where=where, why=f"{rows[0]}")
    return values


def _one(values: np.ndarray, tolerance: float, what: str, where: str) -> np.ndarray:
    """The one value that all frames share."""
    spread = np.abs(values - values[0]).max()
    if spread > tolerance:
        raise Unsupported(f"the frames have several {what}", where=where, why=f"they differ by {spread:.4g}")
    return values[0]


def _stated_step(measure: Any) -> tuple[float | None, float | None]:
    """Spacing Between Slices and Slice Thickness, where they are positive."""
    found = []
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        value = measure.get(keyword)
        found.append(abs(float(value)) if value not in (None, "") and float(value) != 0 else None)
    return found[0], found[1]


def _lattice(
    origins: np.ndarray, normal: np.ndarray, stated: tuple[float | None, float | None], where: str
) -> tuple[int, tuple[int, ...], np.ndarray, np.ndarray]:
    """Number of slices, slice of each frame, place of the first slice, and step to the next."""
    along = origins @ normal
    order = np.argsort(along, kind="stable")
    heights = along[order]
    distinct = heights[np.concatenate(([True], np.diff(heights) > _SAME_MM))]
    first, last = origins[order[0]], origins[order[-1]]
    if len(distinct) == 1:
        _check_line(origins, first, np.zeros(3), np.zeros(len(origins)), _SAME_MM * 10, where)
        height = stated[0] or stated[1]
        if height is None:
            raise FormatError(
                "the segmentation has one slice and does not say how thick it is",
                where=where,
                why="neither SpacingBetweenSlices nor SliceThickness",
            )
        return 1, (0,) * len(origins), first, normal * height
    step_mm = _step(np.diff(distinct), stated[0], where)
    places = np.rint((along - distinct[0]) / step_mm).astype(np.int64)
    slices = int(places.max()) + 1
    step = (last - first) / (slices - 1)
    _check_line(origins, first, step, places, _OFF_STEP * step_mm, where)
    return slices, tuple(places.tolist()), first, step


def _step(gaps: np.ndarray, stated: float | None, where: str) -> float:
    """The distance between slices: the stated one if all gaps are multiples of it, else the smallest gap."""
    for step in (stated, float(gaps.min())):
        if step is None:
            continue
        times = gaps / step
        if (times > 0.5).all() and np.abs(times - np.rint(times)).max() <= _OFF_STEP:
            return step
    raise Unsupported(
        "the frames lie at irregular distances",
        where=where,
        why=f"from {gaps.min():.4g} to {gaps.max():.4g} mm, not multiples of one step",
    )


def _check_line(
    origins: np.ndarray, first: np.ndarray, step: np.ndarray, places: np.ndarray, most_mm: float, where: str
) -> None:
    """Refuse frames that are shifted against each other within their planes, or off the lattice."""
    off = float(np.linalg.norm(origins - (first + places[:, None] * step), axis=1).max())
    if off > most_mm:
        raise Unsupported(
            "the frames do not lie on one regular grid", where=where, why=f"one is {off:.4g} mm off its place"
        )


def _check_single(grid: Grid, where: str) -> None:
    """Refuse two frames of one segment at one place (as segmentations of moving images have)."""
    seen: set[tuple[int | None, int]] = set()
    for frame, key in enumerate(zip(grid.segments, grid.places, strict=True)):
        if key in seen:
            raise Unsupported(
                f"frame {frame + 1} repeats segment {key[0]} in slice {key[1]}",
                where=where,
                hint="Segmentations of several times are not read",
            )
        seen.add(key)
    if not seen:
        raise Truncated("the segmentation has no frames", where=where)
