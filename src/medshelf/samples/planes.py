"""Three planes through a volume, as radiologists look at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from medshelf.model import geometry

RADIOLOGICAL = "LPS"
"""Voxel order in which planes are cut: columns to the patient's left, rows to the back, slices to the head."""
SAME_PLACE = 0.05
"""Grids agree when no corner is further apart than this, in voxels."""


@dataclass(frozen=True, slots=True)
class Plane:
    """One way to cut a volume in voxel order LPS."""

    name: str
    across: int
    """Axis along the columns of the picture."""
    down: int
    """Axis along its rows."""
    through: int
    """Axis that is cut."""
    upside_down: bool
    """Rows run against the axis: the head is up."""
    letters: tuple[str, str, str, str]
    """Sides of the patient at the left, right, top and bottom of the picture."""


AXIAL = Plane("axial", 0, 1, 2, False, ("R", "L", "A", "P"))
CORONAL = Plane("coronal", 0, 2, 1, True, ("R", "L", "S", "I"))
SAGITTAL = Plane("sagittal", 1, 2, 0, True, ("A", "P", "S", "I"))
PLANES = (AXIAL, CORONAL, SAGITTAL)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A volume in voxel order LPS, or as stored when nobody knows its place in the patient."""

    array: np.ndarray
    """(I, J, K)."""
    affine: np.ndarray | None
    """(4, 4) voxel index to RAS+ mm."""
    spacing_mm: tuple[float, float, float] | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along each axis."""
        i, j, k = self.array.shape
        return i, j, k

    @property
    def placed(self) -> bool:
        """True when left and right are known."""
        return self.affine is not None


def grid_of(array: np.ndarray, affine: np.ndarray | None, spacing_mm: tuple[float, ...] | None) -> Grid:
    """Return a volume in voxel order LPS, without interpolation."""
    if affine is None or geometry.orientation(affine) == "???":
        known = spacing_mm if spacing_mm is not None and len(spacing_mm) == 3 else None
        return Grid(array, None, None if known is None else (known[0], known[1], known[2]))
    turned, placed = geometry.reorient(array, affine, RADIOLOGICAL)
    return Grid(turned, placed, geometry.spacing_mm(placed))


def cut(grid: Grid, plane: Plane, index: int) -> np.ndarray:
    """Return one slice as a picture, (rows, columns)."""
    picture = np.take(grid.array, index, axis=plane.through)
    picture = picture.T if plane.across < plane.down else picture
    return picture[::-1] if plane.upside_down else picture


def cut_on(mask: Grid, image: Grid, plane: Plane, index: int) -> np.ndarray:
    """Return the slice of a mask that lies where a slice of an image does, by the nearest voxel.

    The mask may have another grid; where it does not reach there is 0.
    """
    if same_grid(mask, image):
        return cut(mask, plane, index)
    if mask.affine is None or image.affine is None:
        return np.zeros(cut(image, plane, index).shape, mask.array.dtype)
    axes: list[Any] = [np.arange(n) for n in image.shape]
    axes[plane.through] = np.array([index])
    at = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    change = np.linalg.inv(mask.affine) @ image.affine
    there = np.rint(at @ change[:3, :3].T + change[:3, 3]).astype(np.int64)
    inside = ((there >= 0) & (there < np.array(mask.shape))).all(1)
    values = np.zeros(len(at), mask.array.dtype)
    i, j, k = there[inside].T
    values[inside] = mask.array[i, j, k]
    shape = tuple(len(axis) for axis in axes)
    return cut(Grid(values.reshape(shape), None, None), plane, 0)


def same_grid(mask: Grid, image: Grid) -> bool:
    """True when two volumes can be laid on each other voxel by voxel."""
    if mask.shape != image.shape:
        return False
    if mask.affine is None or image.affine is None:
        return True
    distance = geometry.max_corner_distance_mm(mask.affine, image.affine, image.shape)
    return distance <= SAME_PLACE * min(geometry.spacing_mm(image.affine))


def busiest(mask: Grid, image: Grid) -> tuple[int, int, int]:
    """Return the slice of the image along each axis in which most is marked, the middle where nothing is."""
    middle = tuple((n - 1) // 2 for n in image.shape)
    if mask.affine is not None and image.affine is not None and not same_grid(mask, image):
        return _nearest(mask, image, busiest(mask, mask), middle)
    if mask.shape != image.shape:
        return middle  # type: ignore[return-value]
    marked = mask.array != 0
    found = []
    for axis in range(3):
        areas = marked.sum(axis=tuple(a for a in range(3) if a != axis))
        found.append(int(areas.argmax()) if areas.any() else middle[axis])
    return found[0], found[1], found[2]


def _nearest(mask: Grid, image: Grid, at: tuple[int, int, int], middle: tuple[int, ...]) -> tuple[int, int, int]:
    assert mask.affine is not None and image.affine is not None
    there = np.linalg.inv(image.affine) @ mask.affine @ np.array([*at, 1.0])
    found = [int(round(x)) if 0 <= round(x) < n else m for x, n, m in zip(there[:3], image.shape, middle, strict=True)]
    return found[0], found[1], found[2]


def in_radiological_order(
    index: tuple[int, int, int], shape: tuple[int, ...], affine: np.ndarray | None
) -> tuple[int, ...]:
    """Return where a voxel of the stored array is in voxel order LPS."""
    if affine is None or geometry.orientation(affine) == "???":
        return index
    _, turned = geometry.reorient(np.empty(shape[:3], bool), affine, RADIOLOGICAL)
    there = np.linalg.inv(turned) @ np.asarray(affine) @ np.array([*index, 1.0])
    return tuple(int(round(x)) for x in there[:3])
