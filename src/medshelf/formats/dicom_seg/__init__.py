"""DICOM segmentations: BINARY and FRACTIONAL (PS3.3 A.51) and LABELMAP (PS3.3 A.104) objects.

A segmentation has a grid of its own, which may cover a part of the image that it was drawn on. Its
frames come one for each segment and slice; here each segment becomes a volume on the grid that all
frames share. Segments may overlap and are kept apart.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from medshelf.errors import FormatError, MedshelfError, NotFound, Truncated, Unsupported
from medshelf.formats import head_of
from medshelf.formats.dicom_seg.grid import Grid, grid_of
from medshelf.formats.dicom_seg.pixels import Pixels, pixels_of
from medshelf.formats.dicom_seg.segments import Code, Segment, segment_of, text_of
from medshelf.formats.dicom_seg.writing import write_seg
from medshelf.model import geometry
from medshelf.model.blob import Blob
from medshelf.model.volume import Volume

__all__ = ["Code", "Segment", "Segmentation", "read_seg", "write_seg"]

SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"
SURFACE_STORAGE = "1.2.840.10008.5.1.4.1.1.66.5"
LABEL_MAP_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"
DEFLATED = b"1.2.840.10008.1.2.1.99"

LIMIT_BYTES = 2**32
"""Largest volume that one segment may unfold to (4 GiB)."""


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """The segments of one object, decoded one at a time."""

    kind: str
    """BINARY, FRACTIONAL or LABELMAP."""
    segments: tuple[Segment, ...]
    grid: Grid
    """Where the frames are: shape (I, J, K) and affine to RAS+ mm, None for a projection image."""
    pixels: Pixels
    max_fraction: int = 1
    """FRACTIONAL: stored value that stands for 1."""
    padding: int = 0
    """LABELMAP: value of places without a frame."""
    referenced_series_uid: str | None = None
    frame_of_reference_uid: str | None = None
    source_uids: tuple[str, ...] = ()
    """SOP instance UIDs of the images that frames were derived from, without repetition."""
    where: str = ""
    meta: dict[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    def segment(self, number: int) -> Segment:
        """Return the segment with this number.

        Raises
        ------
        NotFound
            There is none.
        """
        for segment in self.segments:
            if segment.number == number:
                return segment
        numbers = ", ".join(str(segment.number) for segment in self.segments)
        raise NotFound(f"there is no segment {number}", where=self.where, why=f"there are {numbers}")

    def mask(self, number: int) -> Volume:
        """Decode one segment.

        Parameters
        ----------
        number : int
            Its number, from 1 (0 is the background of a label map).

        Returns
        -------
        Volume
            Axes ``"ijk"`` on `grid`: uint8 of 0 and 1, or for FRACTIONAL float32 of 0 to 1. Slices
            without a frame of this segment are 0. Without a place in the patient, axes ``"yx"`` or
            ``"nyx"`` and no affine.

        Raises
        ------
        NotFound
            There is no such segment.
        FormatError
            Its frames can't be decoded.
        """
        self.segment(number)
        if self.kind == "LABELMAP":
            stack = (self._stacked(None) == number).astype(np.uint8)
        elif self.kind == "FRACTIONAL":
            stack = self._stacked(number).astype(np.float32) / np.float32(self.max_fraction)
        else:
            stack = self._stacked(number)
        return self._volume(stack, {"segment": number})

    def labelmap(self) -> Volume:
        """Decode all segments into one volume of their numbers; 0, or `padding`, where there is none.

        Raises
        ------
        Unsupported
            Segments overlap, or are fractional.
        """
        if self.kind == "LABELMAP":
            return self._volume(self._stacked(None), {})
        if self.kind == "FRACTIONAL":
            raise Unsupported("a fractional segmentation has no label map", where=self.where)
        highest = max((segment.number for segment in self.segments), default=0)
        made: np.ndarray | None = None
        for segment in self.segments:
            mask = self._stacked(segment.number).astype(bool)
            made = np.zeros(mask.shape, np.min_scalar_type(highest)) if made is None else made
            others = made[mask]
            if others.any():
                raise Unsupported(
                    f"segment {segment.number} overlaps segment {int(others[others > 0][0])}",
                    where=self.where,
                    why=f"{int(np.count_nonzero(others))} voxels",
                    hint="Read the segments one by one with mask()",
                )
            made[mask] = segment.number
        return self._volume(np.zeros(self._stack_shape(), np.uint8) if made is None else made, {})

    def _stack_shape(self) -> tuple[int, int, int]:
        columns, rows, slices = self.grid.shape
        return slices, rows, columns

    def _stacked(self, number: int | None) -> np.ndarray:
        """Frames of a segment (of all, for None) on the grid: (K, J, I)."""
        shape = self._stack_shape()
        size = int(np.prod(shape, dtype=object)) * self.pixels.dtype.itemsize
        if size > LIMIT_BYTES:
            raise Unsupported(
                "the segmentation is too large", where=self.where, why=f"{size} bytes a segment"
            )
        stack = np.full(shape, self.padding if number is None else 0, self.pixels.dtype)
        for frame, (segment, place) in enumerate(zip(self.grid.segments, self.grid.places, strict=True)):
            if number is None or segment == number:
                stack[place] = self.pixels.frame(frame)
        return stack

    def _volume(self, stack: np.ndarray, more: dict[str, Any]) -> Volume:
        meta = {"format": "DICOM SEG", "kind": self.kind, **more}
        if self.grid.affine is None:
            flat = stack[0] if len(stack) == 1 else stack
            return Volume(flat, "yx" if flat.ndim == 2 else "nyx", meta=meta)
        affine = self.grid.affine
        return Volume(stack.transpose(2, 1, 0), "ijk", affine, geometry.spacing_mm(affine), meta)


def read_seg(blob: Blob) -> Segmentation:
    """Read a DICOM segmentation.

    Parameters
    ----------
    blob : Blob
        A DICOM file.

    Returns
    -------
    Segmentation
        Nothing is decoded yet; `Segmentation.mask` does.

    Raises
    ------
    FormatError
        Not DICOM, damaged (`Truncated` where pixels are missing), or inconsistent.
    Unsupported
        Another kind of object, a segmentation of a slide (tiled), or frames that lie on no regular grid.
    """
    head_of(blob)
    dataset = _dataset(blob)
    try:
        _check_kind(dataset, blob.name)
        return _segmentation(dataset, blob.name)
    except MedshelfError:
        raise
    except Exception as error:  # pydicom decodes values only now, and raises many kinds on damaged ones
        raise FormatError(
            "the segmentation is not complete", where=blob.name, why=f"{type(error).__name__}: {error}"
        ) from error


def _dataset(blob: Blob) -> Any:
    """Parse the file with pydicom; a deflated one only once it is known how large it unfolds."""
    import pydicom

    with blob.open() as stream:
        try:
            _check_deflated(stream, blob)
            stream.seek(0)
            return pydicom.dcmread(stream)
        except MedshelfError:
            raise
        except Exception as error:  # pydicom raises many kinds on damaged files
            raise FormatError(
                "this is no DICOM file that can be read",
                where=blob.name,
                why=f"{type(error).__name__}: {error}",
                hint="Fetch the file again",
            ) from error


def _check_deflated(stream: BinaryIO, blob: Blob) -> None:
    """Refuse a deflated data set (PS3.5 A.5) that unfolds beyond the limit; pydicom sets none."""
    head = stream.read(4096)
    if DEFLATED not in head:
        return
    stream.seek(144 + int.from_bytes(head[140:144], "little"))  # past the meta information, PS3.10 7.1
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    size = 0
    while not engine.eof:
        chunk = engine.unconsumed_tail or stream.read(1 << 16)
        made = engine.decompress(chunk, 1 << 20)
        size += len(made)
        if size > LIMIT_BYTES:
            raise Unsupported(
                "the deflated file is too large", where=blob.name, why=f"over {LIMIT_BYTES} bytes"
            )
        if not chunk and not made:
            raise Truncated("the deflated file ends early", where=blob.name, hint="Fetch the file again")


def _check_kind(dataset: Any, where: str) -> None:
    found = str(dataset.get("SOPClassUID", ""))
    if found == SURFACE_STORAGE:
        raise Unsupported("surface segmentations are not read", where=where)
    if found not in (SEGMENTATION_STORAGE, LABEL_MAP_STORAGE):
        raise Unsupported(
            "this DICOM file is no segmentation",
            where=where,
            why=f"modality {dataset.get('Modality', '?')}, SOP class {found or '?'}",
        )
    if "TotalPixelMatrixRows" in dataset or str(dataset.get("DimensionOrganizationType", "")).startswith(
        "TILED"
    ):
        raise Unsupported(
            "segmentations of slides (tiled) are not read yet",
            where=where,
            why=f"total pixel matrix {dataset.get('TotalPixelMatrixRows')} x "
            f"{dataset.get('TotalPixelMatrixColumns')}",
        )


def _segmentation(dataset: Any, where: str) -> Segmentation:
    kind = str(dataset.SegmentationType).upper()
    if kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
        raise Unsupported(f"segmentations of the type {kind!r} are not read", where=where)
    segments = tuple(segment_of(item) for item in dataset.SegmentSequence)
    if len({segment.number for segment in segments}) != len(segments):
        raise FormatError("two segments have one number", where=where)
    grid = grid_of(dataset, kind, {segment.number for segment in segments}, where)
    series = dataset.get("ReferencedSeriesSequence") or []
    return Segmentation(
        kind=kind,
        segments=segments,
        grid=grid,
        pixels=pixels_of(dataset, len(grid.places), where),
        max_fraction=int(dataset.MaximumFractionalValue) if kind == "FRACTIONAL" else 1,
        padding=int(dataset.get("PixelPaddingValue", 0)),
        referenced_series_uid=str(series[0].SeriesInstanceUID) if series else None,
        frame_of_reference_uid=text_of(dataset, "FrameOfReferenceUID"),
        source_uids=_sources(dataset),
        where=where,
        meta={
            "series_uid": text_of(dataset, "SeriesInstanceUID"),
            "content_label": text_of(dataset, "ContentLabel"),
            "fractional_type": text_of(dataset, "SegmentationFractionalType"),
            "segments_overlap": text_of(dataset, "SegmentsOverlap"),
        },
    )


def _sources(dataset: Any) -> tuple[str, ...]:
    """Images that frames say they were derived from; else those of the referenced series."""
    uids: dict[str, None] = {}
    for frame in dataset.get("PerFrameFunctionalGroupsSequence") or []:
        for derivation in frame.get("DerivationImageSequence") or []:
            for source in derivation.get("SourceImageSequence") or []:
                uids[str(source.get("ReferencedSOPInstanceUID", ""))] = None
    if not uids:
        for series in dataset.get("ReferencedSeriesSequence") or []:
            for instance in series.get("ReferencedInstanceSequence") or []:
                uids[str(instance.get("ReferencedSOPInstanceUID", ""))] = None
    uids.pop("", None)
    return tuple(uids)
