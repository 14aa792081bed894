"""Masks that are made of named segments: DICOM segmentations, and contours drawn on the grid of an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from medshelf.errors import FormatError, LayoutError
from medshelf.model.blob import Blob
from medshelf.model.labels import named
from medshelf.model.volume import Header, Volume
from medshelf.samples.image import Image


class Segments(Mapping[str, Volume]):
    """Volumes by structure, each decoded anew when it is asked for: a case may have a hundred, too many to keep."""

    def __init__(self, makers: Mapping[str, Sequence[Callable[[], Volume]]], header: Header | None) -> None:
        self._makers = makers
        self.header = header
        """Grid of the volumes, known without decoding any; None where there is no volume."""

    def __getitem__(self, structure: str) -> Volume:
        first, *others = (make() for make in self._makers[structure])
        for other in others:
            if other.shape != first.shape:
                raise FormatError(f"the parts of {structure} differ in size", why=f"{first.shape} and {other.shape}")
            first = replace(first, array=np.maximum(first.array, other.array))
        return first

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, structure: object) -> bool:
        return structure in self._makers


class _Makers(dict[str, list[Callable[[], Volume]]]):
    """What makes each structure: all segments whose names the labels give to it, together."""

    def add(self, labels: Mapping[str, str], name: str, number: int, make: Callable[[], Volume]) -> None:
        """Add a segment; one that no label names keeps its own name, with its number where the name is taken."""
        structure = named(labels, name)
        if structure is not None:
            self.setdefault(structure, []).append(make)
        else:
            self[f"{name}{number}" if name in self else name] = [make]


def segments_of(blobs: Sequence[Blob], labels: Mapping[str, str]) -> Segments:
    """Read the segments of DICOM segmentations.

    Parameters
    ----------
    blobs : sequence of Blob
        The objects.
    labels : mapping of str to str
        Structure by segment label, or by ``~expression``.
    """
    from medshelf.formats import dicom_seg

    makers = _Makers()
    header = None
    for blob in blobs:
        segmentation = dicom_seg.read_seg(blob)
        header = header or segmentation.header()
        for segment in segmentation.segments:
            if segment.number == 0:  # the background of a label map, PS3.3 C.8.20.4
                continue
            makers.add(labels, segment.label, segment.number, partial(segmentation.mask, segment.number))
    return Segments(makers, header)


def regions_of(blobs: Sequence[Blob], labels: Mapping[str, str], grid: Image | None) -> Segments:
    """Read the regions of DICOM structure sets, as masks on the grid of an image.

    Regions without a closed contour are left out: that a name is listed does not say that anybody looked.

    Parameters
    ----------
    blobs : sequence of Blob
        The objects.
    labels : mapping of str to str
        Structure by ROI name, or by ``~expression``; case as written.
    grid : Image or None
        The image.

    Raises
    ------
    LayoutError
        No image tells the grid, or it has no place in the patient.
    FormatError
        As `medshelf.formats.rtstruct.read_rtstruct` raises; `medshelf.formats.rtstruct.mask` when a structure is asked
        for.
    """
    from medshelf.formats import rtstruct

    where = blobs[0].name
    if grid is None:
        hint = "Let the slot say which image it is drawn on: space = ..."
        raise LayoutError("contours become a mask only on the grid of an image", where=where, hint=hint)
    image = grid.header()
    if image.affine is None or not image.axes.startswith("ijk"):
        raise LayoutError("the image of these contours has no place in the patient", where=where, why=grid.path)
    shape, uid = image.shape[:3], image.meta.get("frame_of_reference_uid")
    makers = _Makers()
    for blob in blobs:
        for roi in rtstruct.read_rtstruct(blob):
            if any(contour.closed for contour in roi.contours):
                make = partial(rtstruct.mask, roi, shape, image.affine, frame_of_reference_uid=uid)
                makers.add(labels, roi.name, roi.number, make)
    return Segments(makers, Header(shape, "uint8", "ijk", image.affine, image.spacing_mm))
