"""Do a mask and its image lie on one grid?"""

from __future__ import annotations

import numpy as np

from medshelf.model.geometry import max_corner_distance_mm
from medshelf.model.volume import Header, Volume

TOLERANCE = 0.01
"""Part of a voxel by which corners may differ: headers keep float32, so equal grids differ by far less."""


def difference(image: Header | Volume, mask: Header | Volume) -> str | None:
    """Return how the grid of a mask differs from its image's, in words, or None when it is the same.

    A mask without an affine of its own is taken to lie on a grid of equal shape.
    """
    shape, other = tuple(image.shape[:3]), tuple(mask.shape[:3])
    if image.axes.startswith("y"):
        shape, other = tuple(image.shape[:2]), tuple(mask.shape[:2])
    if shape != other:
        return f"the mask has shape {other}, the image {shape}"
    if image.affine is None or mask.affine is None or len(shape) < 3:
        return None
    apart = max_corner_distance_mm(image.affine, mask.affine, shape)
    smallest = float(np.sqrt((image.affine[:3, :3] ** 2).sum(axis=0)).min())
    if apart > TOLERANCE * smallest:
        return f"the mask lies up to {apart:.3g} mm away from the image"
    return None
