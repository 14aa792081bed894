"""Whole-slide images in DICOM (VL Whole Slide Microscopy, PS3.3 A.32.8): levels and regions.

The functions mean what those of `medshelf.formats.slide` mean. Each level of a slide is a file of its own, whose
frames are tiles of the total pixel matrix. Every function takes one file, or all files of a slide in any order;
level 0 is the largest of those that are given.
"""

from __future__ import annotations

from medshelf.formats.dicom_slide.instance import is_slide
from medshelf.formats.dicom_slide.reading import read, read_header, read_region

__all__ = ["is_slide", "read", "read_header", "read_region"]
