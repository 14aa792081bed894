"""Where the voxels of a NIfTI image are: the three methods of nifti1.h, and their inverse for writing."""

from __future__ import annotations

import math

import numpy as np

from medshelf.formats.nifti.header import MM_PER_UNIT, Fields

_TOO_SMALL = 1e-7
"""Below this, 1 - (b² + c² + d²) is rounding, and the rotation is by 180° (as in nifti1_io.c)."""
_SHEAR = 1e-5
"""Largest deviation from orthonormal directions that is rounding in a header of 32-bit floats."""


def placed(fields: Fields, shape: tuple[int, ...]) -> tuple[np.ndarray, str]:
    """Return the affine that counts, and which field gave it.

    The sform where its code is positive, else the qform where its code is, else the voxel sizes
    alone, which say nothing of orientation: then, as nibabel does, the first axis is taken to run to the left
    and the origin to lie in the middle of the image.

    Parameters
    ----------
    fields : Fields
        A NIfTI header.
    shape : tuple of int
        The stored shape.

    Returns
    -------
    affine : (4, 4) float64 array
        Voxel index to RAS+ millimetres.
    source : str
        ``"sform"``, ``"qform"`` or ``"pixdim"``.
    """
    for source, affine in (("sform", sform(fields)), ("qform", qform(fields))):
        if affine is not None:
            return affine, source
    sizes = voxel_sizes_mm(fields) * (-1, 1, 1)
    sizes[len(shape) :] = _mm(fields)  # pixdim means nothing past the last axis
    middle = (np.array([*shape[:3], 1, 1][:3]) - 1) / 2
    return _assembled(np.diag(sizes), -sizes * middle), "pixdim"


def sform(fields: Fields) -> np.ndarray | None:
    """Return the affine of the sform in millimetres, or None where its code is not positive."""
    if fields["sform_code"] <= 0:
        return None
    rows = fields["srow"].astype(np.float64) * _mm(fields)
    return _assembled(rows[:, :3], rows[:, 3])


def qform(fields: Fields) -> np.ndarray | None:
    """Return the affine of the qform in millimetres, or None where its code is not positive."""
    if fields["qform_code"] <= 0:
        return None
    sizes = voxel_sizes_mm(fields)
    if float(fields["pixdim"][0]) < 0:
        sizes[2] = -sizes[2]
    rotation = _rotation(*(float(x) for x in fields["quatern"]))
    return _assembled(rotation * sizes, fields["qoffset"].astype(np.float64) * _mm(fields))


def voxel_sizes_mm(fields: Fields) -> np.ndarray:
    """Return the three voxel sizes without sign; a size of 0 or no number is taken as 1 unit."""
    sizes = np.abs(fields["pixdim"][1:4].astype(np.float64))
    sizes[~np.isfinite(sizes) | (sizes == 0)] = 1.0
    return sizes * _mm(fields)


def _mm(fields: Fields) -> float:
    return MM_PER_UNIT.get(int(fields["xyzt_units"]) & 7, 1.0)


def _rotation(b: float, c: float, d: float) -> np.ndarray:
    """Return the rotation matrix of the unit quaternion (a, b, c, d), a >= 0 (nifti1.h, method 2)."""
    rest = 1.0 - (b * b + c * c + d * d)
    if rest < _TOO_SMALL:
        length = math.hypot(b, c, d)
        a, b, c, d = 0.0, b / length, c / length, d / length
    else:
        a = math.sqrt(rest)
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )


def _assembled(matrix: np.ndarray, offset: np.ndarray) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = offset
    return affine


def quaternion(affine: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Return ((b, c, d), qfac) for the rotation of an affine, or None where it is sheared or degenerate.

    Parameters
    ----------
    affine : (4, 4) array
        Voxel index to RAS+ millimetres.

    Returns
    -------
    quatern : (3,) float64 array
        quatern_b, quatern_c, quatern_d.
    qfac : float
        -1 for a left-handed affine, else 1 (pixdim[0]).
    """
    columns = np.asarray(affine, np.float64)[:3, :3]
    lengths = np.sqrt((columns**2).sum(axis=0))
    if not np.isfinite(columns).all() or (lengths == 0).any():
        return None
    cosines = columns / lengths
    if np.abs(cosines.T @ cosines - np.eye(3)).max() > _SHEAR:
        return None
    u, _, vt = np.linalg.svd(cosines)
    rotation = u @ vt
    qfac = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    rotation[:, 2] *= qfac
    return _unit_quaternion(rotation), qfac


def _unit_quaternion(r: np.ndarray) -> np.ndarray:
    """Return (b, c, d) of the rotation `r` with a >= 0: the dominant eigenvector of Bar-Itzhack's matrix."""
    k = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0, 0, 0],
            [r[0, 1] + r[1, 0], r[1, 1] - r[0, 0] - r[2, 2], 0, 0],
            [r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], r[2, 2] - r[0, 0] - r[1, 1], 0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r[0, 0] + r[1, 1] + r[2, 2]],
        ]
    )
    values, vectors = np.linalg.eigh(k)
    b, c, d, a = vectors[:, int(np.argmax(values))]
    return np.array([b, c, d]) * (-1.0 if a < 0 else 1.0)
