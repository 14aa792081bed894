"""Where SPM says that an Analyze image lies: a .mat file beside it, or the origin in its header.

Both count voxels from 1. Analyze itself does not say which way its first axis runs. SPM's default is to the
left (``defaults.analyze.flip = 1`` in SPM99 and SPM2), and so is that of nibabel: it is assumed here, and said in the
meta of the image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import FormatError, MissingExtra, NotFound
from medshelf.model.blob import Blob
from medshelf.model.volume import Volume

LEFT_ASSUMED = "the first axis is taken to run to the left, as SPM does by default; the file does not say it"
_FLIP = np.diag([-1.0, 1, 1, 1])
_FROM_ONE = np.array([[1.0, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1]])


def from_mat(blob: Blob) -> tuple[np.ndarray | None, str]:
    """Return the affine of a .mat file, and a note.

    Parameters
    ----------
    blob : Blob
        ``mat`` in it holds the affine with the direction of the first axis, else ``M`` without
        (spm_vol_ana.m; so does nibabel).

    Returns
    -------
    affine : (4, 4) float64 array or None
        Voxel index from 0 to RAS+ mm; None where the file is none of SPM's.
    note : str
        What was assumed, or why it was not taken; else empty.
    """
    from medshelf.formats import matlab

    try:
        held = matlab.names(blob)
        key = next((k for k in ("mat", "M") if k in held), None)
        found = None if key is None else np.asarray(matlab.read(blob, key).array, float)
    except (FormatError, NotFound, MissingExtra):
        return None, "the .mat file beside it can't be read, and was left out"
    if found is None or found.shape[:2] != (4, 4):
        return None, "the .mat file beside it holds no matrix of SPM, and was left out"
    matrix = found[:, :, 0] if found.ndim > 2 else found
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
        return None, "the matrix in the .mat file beside it is no affine, and was left out"
    if key == "mat":
        return matrix @ _FROM_ONE, ""
    return _FLIP @ matrix @ _FROM_ONE, LEFT_ASSUMED


def from_origin(fields: Any, shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> np.ndarray | None:
    """Return the affine by the origin voxel of SPM99, or None where there is none that can be one.

    As nibabel does, an origin counts that is not (0, 0, 0) and lies no farther from the image than it is long.
    """
    origin = fields["origin"][:3].astype(int)
    lengths = np.array(shape[:3])
    if len(lengths) < 3 or not origin.any() or (origin <= -lengths).any() or (origin >= 2 * lengths).any():
        return None
    sizes = np.array(spacing_mm) * (-1, 1, 1)
    affine = np.diag([*sizes, 1.0])
    affine[:3, 3] = -(origin - 1) * sizes
    return affine


def write_mat(path: Path, affine: np.ndarray) -> None:
    """Write the affine as SPM does: ``mat`` with, and ``M`` without the direction of the first axis."""
    from medshelf.formats import matlab

    matrix = affine @ np.linalg.inv(_FROM_ONE)
    matlab.write(path, Volume(matrix, "yx"), "mat")
    matlab.add(path, Volume(_FLIP @ matrix, "yx"), "M")
