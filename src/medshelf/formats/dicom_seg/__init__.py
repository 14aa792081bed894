"""DICOM segmentations: BINARY and FRACTIONAL (PS3.3 A.51) and LABELMAP (PS3.3 A.104) objects.

A segmentation has a grid of its own, which may cover a part of the image that it was drawn on. Its
frames come one for each segment and slice; here each segment becomes a volume on the grid that all
frames share, or, on a slide, a picture of the total pixel matrix. Segments may overlap and are kept apart.
"""

from __future__ import annotations

from medshelf.formats.dicom.codes import Code
from medshelf.formats.dicom_seg.reading import read_seg
from medshelf.formats.dicom_seg.segmentation import Segmentation
from medshelf.formats.dicom_seg.segments import Segment
from medshelf.formats.dicom_seg.writing import write_seg

__all__ = ["Code", "Segment", "Segmentation", "read_seg", "write_seg"]
