"""What a reader returns: an array as stored, and where its voxels are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medshelf.model import geometry


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of an image without decoding its pixels."""

    shape: tuple[int, ...]
    """Shape of the array that `read` would return."""
    dtype: str
    """NumPy name of its type, such as ``"int16"``."""
    axes: str
    """One letter an axis, see `Volume.axes`."""
    affine: np.ndarray | None = None
    """(4, 4) float64, voxel index to RAS+ mm, or None where the file has no place in a patient."""
    spacing_mm: tuple[float, ...] | None = None
    """Distance between neighbours along the spatial axes, in the order of `axes`."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Facts of the format that a caller may want (never needed to use the array)."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """An image: array and geometry.

    Volumes are indexed in the order of the affine's columns, (I, J, K[, T][, C]), whatever their
    order in memory. Flat pictures are indexed by row and column, (Y, X[, C]), as all raster
    libraries do. `axes` says which: ``"ijk"``, ``"ijkt"``, ``"ijkc"``, ``"yx"``, ``"yxc"``,
    ``"tyx"`` and ``"tyxc"`` (frames of a film first), ``"nyxc"`` (frames or rows of a container first).
    """

    array: np.ndarray
    """Voxels as stored: no silent cast. A scale that the header asks for is applied; the result is float, or, for a
    whole-number scale of DICOM, an integer type that holds every possible value."""
    axes: str
    """One letter an axis: i j k voxel axes of the affine; y x rows and columns; t time; c channel; n item."""
    affine: np.ndarray | None = None
    """(4, 4) float64, voxel index (i, j, k) to RAS+ mm; None for pictures outside a patient's frame."""
    spacing_mm: tuple[float, ...] | None = None
    """Distance in mm along each spatial axis, in the order of `axes`; None when nobody says."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Facts of the format."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    @property
    def orientation(self) -> str | None:
        """Direction in which the voxel axes grow, such as ``"LPS"``, or None without an affine."""
        return None if self.affine is None else geometry.orientation(self.affine)

    def reoriented(self, to: str = "RAS") -> Volume:
        """Return this volume with its voxel axes flipped and permuted to `to`, nothing resampled.

        Raises
        ------
        ValueError
            When there is no affine, or `to` is not an orientation.
        """
        if self.affine is None:
            raise ValueError("an image without an affine has no orientation")
        array, affine = geometry.reorient(self.array, self.affine, to)
        return replace(self, array=array, affine=affine, spacing_mm=geometry.spacing_mm(affine))

    def __repr__(self) -> str:
        place = f", {self.orientation}, spacing_mm={_short(self.spacing_mm)}" if self.affine is not None else ""
        return f"Volume({self.axes}={self.array.shape}, {self.array.dtype}{place})"


def _short(values: tuple[float, ...] | None) -> str:
    return "?" if values is None else "(" + ", ".join(f"{v:.4g}" for v in values) + ")"
