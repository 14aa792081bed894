"""Microscopy Bulk Simple Annotations (PS3.3 A.87): many points and outlines drawn on a slide, in groups."""

from __future__ import annotations

from medshelf.formats.dicom_ann.reading import AnnotationGroup, SlideAnnotations, read_annotations
from medshelf.formats.dicom_ann.writing import write_annotations

__all__ = ["AnnotationGroup", "SlideAnnotations", "read_annotations", "write_annotations"]
