"""DICOM structure sets (RTSTRUCT, PS3.3 A.19): contours drawn on images, and masks of them on a grid.

`read_rtstruct` returns what was drawn, in millimetres. `mask` fills it on the grid of an image.
"""

from __future__ import annotations

from medshelf.formats.rtstruct.mask import mask
from medshelf.formats.rtstruct.reading import read_rtstruct
from medshelf.formats.rtstruct.roi import Contour, Roi, StructureSet
from medshelf.formats.rtstruct.writing import write_rtstruct

__all__ = ["Contour", "Roi", "StructureSet", "mask", "read_rtstruct", "write_rtstruct"]
