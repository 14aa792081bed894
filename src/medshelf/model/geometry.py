"""Where voxels are: affines, spacing and orientation.

One frame throughout: an affine maps voxel indices (i, j, k) to millimetres in the patient's
RAS+ frame (first axis to the Right, second to the Anterior, third to the Superior side).
DICOM and ITK use LPS+; `lps_to_ras` changes an affine from one to the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Affine = np.ndarray
"""(4, 4) float64, voxel index to RAS+ millimetres."""

_LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))


def lps_to_ras(affine_lps: Any) -> Affine:
    """Change an affine from LPS+ (DICOM, ITK) to RAS+ millimetres.

    Parameters
    ----------
    affine_lps : (4, 4) array-like
        Voxel index to LPS+ millimetres.

    Returns
    -------
    (4, 4) float64 array
        Voxel index to RAS+ millimetres; the inverse change is the same.
    """
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(affine_lps, dtype=np.float64)


def spacing_mm(affine_ras: Affine) -> tuple[float, float, float]:
    """Return the distance in millimetres between neighbours along each of the three axes."""
    columns = np.asarray(affine_ras, dtype=np.float64)[:3, :3]
    i, j, k = (float(x) for x in np.sqrt((columns**2).sum(axis=0)))
    return i, j, k


def orientation(affine_ras: Affine) -> str:
    """Return the anatomical direction in which each voxel axis grows, such as ``"LPS"``.

    The axis nearest to each direction of the patient is taken one to one, as nibabel's
    ``io_orientation`` does. A degenerate affine gives ``"???"``.
    """
    axes = _nearest_axes(affine_ras)
    if axes is None:
        return "???"
    return "".join(_LETTERS[world][int(sign > 0)] for world, sign in axes)


def _nearest_axes(affine_ras: Affine) -> list[tuple[int, float]] | None:
    """For each voxel axis, the patient axis nearest to it and the sign of the direction."""
    matrix = np.asarray(affine_ras, dtype=np.float64)[:3, :3]
    lengths = np.sqrt((matrix**2).sum(axis=0))
    if not np.isfinite(matrix).all() or (lengths < 1e-12).any():
        return None
    cosines = matrix / lengths
    if abs(np.linalg.det(cosines)) < 1e-6:
        return None
    u, _, vt = np.linalg.svd(cosines)
    rotation = u @ vt
    found: dict[int, tuple[int, float]] = {}
    left = np.abs(rotation).copy()
    for _ in range(3):
        world, axis = np.unravel_index(int(np.argmax(left)), left.shape)
        found[int(axis)] = (int(world), float(rotation[world, axis]))
        left[world, :] = -1
        left[:, axis] = -1
    return [found[axis] for axis in range(3)]


def affine_of(axis_codes: str, steps_mm: tuple[float, ...]) -> Affine:
    """Return the affine of axes that run straight to sides of the patient, with the first voxel at the origin.

    Parameters
    ----------
    axis_codes : str
        Three letters, one of each of R/L, A/P, S/I: the side to which each voxel axis grows.
    steps_mm : tuple of float
        Distance between neighbours along each axis.

    Raises
    ------
    ValueError
        The letters are no orientation, or there are not three steps.
    """
    axes = [_letter_axis(letter) for letter in axis_codes]
    if sorted(world for world, _ in axes) != [0, 1, 2] or len(steps_mm) != 3:
        raise ValueError(f"{axis_codes!r} with steps {steps_mm} is no orientation of three axes")
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for column, ((world, sign), step) in enumerate(zip(axes, steps_mm, strict=True)):
        affine[world, column] = sign * step
    return affine


def orthonormality_error(affine_ras: Affine) -> float:
    """Return the largest entry of ``|RᵀR - I|`` for the direction cosines R (0 when orthonormal)."""
    matrix = np.asarray(affine_ras, dtype=np.float64)[:3, :3]
    lengths = np.sqrt((matrix**2).sum(axis=0))
    if (lengths < 1e-12).any():
        return float("inf")
    cosines = matrix / lengths
    return float(np.abs(cosines.T @ cosines - np.eye(3)).max())


def reorient(
    array: np.ndarray, affine_ras: Affine, to: str = "RAS"
) -> tuple[np.ndarray, Affine]:
    """Flip and permute the first three axes, without interpolation, to the orientation `to`.

    Parameters
    ----------
    array : (I, J, K, ...) array
        Voxels; a view is returned.
    affine_ras : (4, 4) array
        Voxel index to RAS+ millimetres.
    to : str
        Three letters, one of each of R/L, A/P, S/I.

    Returns
    -------
    array : (I', J', K', ...) array
        View in the new voxel order.
    affine_ras : (4, 4) array
        The affine of the new voxel order; every voxel keeps its place in the patient.

    Raises
    ------
    ValueError
        When `to` is not an orientation, or the affine is degenerate.
    """
    wanted = [_letter_axis(letter) for letter in to]
    axes = _nearest_axes(affine_ras)
    if axes is None or sorted(world for world, _ in wanted) != [0, 1, 2]:
        raise ValueError(f"cannot reorient to {to!r}: not an orientation or a degenerate affine")
    source_of = {world: axis for axis, (world, _) in enumerate(axes)}
    order = [source_of[world] for world, _ in wanted]
    matrix = np.asarray(affine_ras, dtype=np.float64)
    change = np.zeros((4, 4))
    change[3, 3] = 1
    slices: list[slice] = []
    for new, (old, (_, sign)) in enumerate(zip(order, wanted, strict=True)):
        if (axes[old][1] > 0) == (sign > 0):
            change[old, new] = 1
            slices.append(slice(None))
        else:
            change[old, new] = -1
            change[old, 3] = array.shape[old] - 1
            slices.append(slice(None, None, -1))
    turned = array.transpose(*order, *range(3, array.ndim))[tuple(slices)]
    return turned, matrix @ change


def _letter_axis(letter: str) -> tuple[int, float]:
    for world, (negative, positive) in enumerate(_LETTERS):
        if letter == positive:
            return world, 1.0
        if letter == negative:
            return world, -1.0
    raise ValueError(f"{letter!r} is not one of R L A P S I")


def max_corner_distance_mm(a: Affine, b: Affine, shape: tuple[int, ...]) -> float:
    """Return the largest distance in mm between where two affines put the corners of one grid.

    Parameters
    ----------
    a, b : (4, 4) array
        Voxel index to RAS+ millimetres.
    shape : tuple of int
        The grid (I, J, K).
    """
    corners = np.array(
        [
            [i, j, k, 1]
            for i in (0, shape[0] - 1)
            for j in (0, shape[1] - 1)
            for k in (0, shape[2] - 1)
        ],
        dtype=np.float64,
    )
    difference = corners @ (np.asarray(a, float) - np.asarray(b, float)).T
    return float(np.sqrt((difference[:, :3] ** 2).sum(axis=1)).max())
