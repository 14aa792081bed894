"""From the contours of a region to voxels on the grid of an image.

The rules, and why, are in docs/decisions/0014-contours-to-masks.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medshelf.errors import FormatError, NotFound, Unsupported
from medshelf.formats.rtstruct.roi import Roi
from medshelf.formats.rtstruct.scanline import fill
from medshelf.model import geometry
from medshelf.model.volume import Volume

PARALLEL = 0.25
"""Part of the distance between slices by which the points of one contour may differ along it."""
SAME_PLANE = 0.05
"""Part of that distance within which contours are of one plane, and so are combined by exclusive or."""
DECIMALS = 4
"""Places to which voxel coordinates are rounded, so that the noise of decimal strings decides nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """A closed contour in voxel coordinates."""

    height: float
    """Mean k."""
    outline: np.ndarray
    """(N, 2): i and j of each vertex."""


def mask(
    roi: Roi, shape: Sequence[int], affine: np.ndarray, *, frame_of_reference_uid: str | None = None
) -> Volume:
    """Fill the closed contours of a region on a grid.

    A voxel is inside when its centre is: by the even-odd rule over all contours of one plane, so that a contour
    within another is a hole, whether written as CLOSEDPLANAR_XOR, as a keyhole, or as a second CLOSED_PLANAR
    (PS3.3 C.8.8.6.3). A centre on an edge belongs to the side of greater indices. A plane of contours goes to the
    slice that is nearest along the third axis, at most half a step away; where several planes are
    nearest to one slice, the nearest of them is drawn. Slices without a plane stay empty: nothing is interpolated.

    Parameters
    ----------
    roi : Roi
        What was drawn.
    shape : (int, int, int)
        Voxels (I, J, K) of the grid.
    affine : (4, 4) array
        Voxel index to RAS+ mm. Any regular grid: oblique, flipped or sheared; the third axis runs across slices.
    frame_of_reference_uid : str, optional
        That of the image; where both it and the region's are known, they must be equal.

    Returns
    -------
    Volume
        uint8 of 0 and 1, axes ``"ijk"``. ``meta`` counts contours: ``drawn``, ``off_grid`` (more than half
        a step beyond the grid), ``cut`` (partly beyond it), ``between_slices`` (in a plane that is not the nearest of
        its slice), ``duplicates`` (drawn once), ``not_filled`` (by kind, those that are not closed); and tells
        slices: ``gaps`` (without a contour between others with one) and ``without_voxel`` (their contours hold
        no voxel centre).

    Raises
    ------
    NotFound
        Nothing was drawn for this region.
    Unsupported
        Another frame of reference, only open contours or points, or a contour that is not parallel to the slices.
    FormatError
        All contours lie off the grid.
    ValueError
        The shape or affine is none of a volume.
    """
    where = f"region {roi.number} ({roi.name})"
    _check_frame(roi, frame_of_reference_uid, where)
    closed = [contour.points_lps_mm for contour in roi.contours if contour.closed]
    kinds = Counter(contour.kind for contour in roi.contours if not contour.closed)
    if not any(len(contour.points_lps_mm) for contour in roi.contours):
        raise NotFound("nothing is drawn for this region", where=where)
    if not closed:
        raise Unsupported("this region has no closed contour", where=where, why=f"only {dict(kinds)}")
    size = _size(shape)
    placed = [_placed(points, _to_voxels(affine), where) for points in closed]
    on_grid = [one for one in placed if _touches(one, size)]
    if not on_grid:
        raise _off_grid(placed, size, where)
    planes, between = _nearest(on_grid)
    array = np.zeros(size, np.uint8, order="F")
    drawn = duplicates = 0
    without_voxel = []
    for k, plane in sorted(planes.items()):
        outlines = list({one.outline.tobytes(): one.outline for one in plane}.values())
        drawn += len(outlines)
        duplicates += len(plane) - len(outlines)
        array[:, :, k] = fill(outlines, size[:2])
        if not array[:, :, k].any():
            without_voxel.append(k)
    meta: dict[str, Any] = {
        "format": "RTSTRUCT",
        "roi": roi.number,
        "name": roi.name,
        "drawn": drawn,
        "off_grid": len(placed) - len(on_grid),
        "cut": sum(not _within(one, size) for one in on_grid),
        "between_slices": between,
        "duplicates": duplicates,
        "not_filled": dict(kinds),
        "gaps": tuple(k for k in range(min(planes), max(planes)) if k not in planes),
        "without_voxel": tuple(without_voxel),
    }
    return Volume(array, "ijk", np.asarray(affine, np.float64), geometry.spacing_mm(affine), meta)


def _check_frame(roi: Roi, uid: str | None, where: str) -> None:
    if uid and roi.frame_of_reference_uid and uid != roi.frame_of_reference_uid:
        raise Unsupported(
            "the region was drawn in another frame of reference than the image's",
            where=where,
            why=f"{roi.frame_of_reference_uid}, image {uid}",
            hint="Use the image that it was drawn on, or register the two",
        )


def _size(shape: Sequence[int]) -> tuple[int, int, int]:
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"a mask needs a grid (I, J, K), not {tuple(shape)}")
    return int(shape[0]), int(shape[1]), int(shape[2])


def _to_voxels(affine: np.ndarray) -> np.ndarray:
    """(4, 4): LPS+ mm to voxel index."""
    try:
        return np.linalg.inv(geometry.lps_to_ras(affine))
    except np.linalg.LinAlgError as error:
        raise ValueError(f"the affine is degenerate: {affine}") from error


def _placed(points_mm: np.ndarray, to_voxels: np.ndarray, where: str) -> _Placed:
    voxels = (points_mm @ to_voxels[:3, :3].T + to_voxels[:3, 3]).round(DECIMALS) + 0.0
    heights = voxels[:, 2]
    if np.ptp(heights) > PARALLEL:
        raise Unsupported(
            "a contour is not parallel to the slices of the image",
            where=where,
            why=f"it reaches from slice {heights.min():.2f} to {heights.max():.2f}",
            hint="Use the image that it was drawn on",
        )
    return _Placed(float(heights.mean()), np.ascontiguousarray(voxels[:, :2]))


def _touches(one: _Placed, size: tuple[int, int, int]) -> bool:
    low, high = one.outline.min(axis=0), one.outline.max(axis=0)
    beside = (high < -0.5).any() or (low > np.array(size[:2]) - 0.5).any()
    return not beside and -0.5 <= one.height < size[2] - 0.5


def _within(one: _Placed, size: tuple[int, int, int]) -> bool:
    return bool((one.outline >= -0.5).all() and (one.outline <= np.array(size[:2]) - 0.5).all())


def _off_grid(placed: list[_Placed], size: tuple[int, int, int], where: str) -> FormatError:
    low = np.min([(*one.outline.min(axis=0), one.height) for one in placed], axis=0)
    high = np.max([(*one.outline.max(axis=0), one.height) for one in placed], axis=0)
    spans = ", ".join(f"{axis} {a:.1f} to {b:.1f}" for axis, a, b in zip("ijk", low, high, strict=True))
    return FormatError(
        "all contours of this region lie off the grid of the image",
        where=where,
        why=f"{spans} on a grid of {size[0]} x {size[1]} x {size[2]}",
        hint="Use the image that they were drawn on",
    )


def _nearest(placed: list[_Placed]) -> tuple[dict[int, list[_Placed]], int]:
    """Contours of the plane that is nearest to each slice, and how many contours are of other planes."""
    planes: list[list[_Placed]] = []
    for one in sorted(placed, key=lambda one: one.height):
        if planes and one.height - planes[-1][0].height <= SAME_PLANE:
            planes[-1].append(one)
        else:
            planes.append([one])
    found: dict[int, list[_Placed]] = {}
    for plane in planes:
        k = int(np.floor(plane[0].height + 0.5))
        if k not in found or abs(plane[0].height - k) < abs(found[k][0].height - k):
            found[k] = plane
    return found, len(placed) - sum(map(len, found.values()))
