"""What a structure set holds: regions of interest and the contours drawn for each, in millimetres."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medshelf.errors import NotFound

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """One contour (PS3.3 C.8.8.6)."""

    points_lps_mm: np.ndarray
    """(N, 3) float64: x, y, z of each vertex in the patient's LPS+ frame, in the order of drawing; not closed."""
    kind: str = "CLOSED_PLANAR"
    """ContourGeometricType: POINT, OPEN_PLANAR, OPEN_NONPLANAR, CLOSED_PLANAR or CLOSEDPLANAR_XOR."""
    image_uids: tuple[str, ...] = ()
    """SOP instance UIDs of the images that it was drawn on."""

    @property
    def closed(self) -> bool:
        """Whether it is one of those that enclose an area, and has points."""
        return self.kind in _CLOSED and len(self.points_lps_mm) > 0


@dataclass(frozen=True, slots=True, eq=False)
class Roi:
    """A region of interest: what it is called, and what was drawn for it."""

    number: int
    name: str
    """ROIName, as written."""
    contours: tuple[Contour, ...] = field(default=(), repr=False)
    """In the order of the file; none where the region was listed and nobody drew it."""
    frame_of_reference_uid: str | None = None
    """The frame in which its points are."""
    label: str | None = None
    """ROIObservationLabel."""
    type: str | None = None
    """RTROIInterpretedType, such as ORGAN, GTV, EXTERNAL (PS3.3 C.8.8.8.1)."""
    colour: tuple[int, int, int] | None = None
    """ROIDisplayColor: red, green, blue, each 0 to 255."""
    algorithm: str | None = None
    """ROIGenerationAlgorithm: AUTOMATIC, SEMIAUTOMATIC or MANUAL."""
    description: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StructureSet:
    """All regions of one RTSTRUCT object. Nothing is rasterised; `medshelf.formats.rtstruct.mask` does."""

    rois: tuple[Roi, ...]
    """In the order of the file."""
    frame_of_reference_uids: tuple[str, ...] = ()
    """Frames that the object lists, without repetition."""
    series_uids: tuple[str, ...] = ()
    """Series of images that it was drawn on."""
    image_uids: tuple[str, ...] = ()
    """SOP instance UIDs of the images of those series; they need not exist."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """``series_uid``, ``label`` and ``patient_id`` of the object."""

    def __iter__(self) -> Iterator[Roi]:
        return iter(self.rois)

    def __len__(self) -> int:
        return len(self.rois)

    def roi(self, name: str) -> Roi:
        """Return the first region of this name, written exactly so.

        Raises
        ------
        NotFound
            There is none.
        """
        for roi in self.rois:
            if roi.name == name:
                return roi
        names = ", ".join(repr(roi.name) for roi in self.rois) or "none"
        raise NotFound(f"there is no region called {name!r}", why=f"there are {names}")
