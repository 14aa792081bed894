"""From the bytes of a DICOM segmentation to its segments and the places of its frames."""

from __future__ import annotations

from typing import Any

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.dicom.codes import text_of
from medshelf.formats.dicom.with_pydicom import decoding, parse
from medshelf.formats.dicom_seg.grid import frames_of, grid_of
from medshelf.formats.dicom_seg.pixels import pixels_of
from medshelf.formats.dicom_seg.segmentation import Segmentation
from medshelf.formats.dicom_seg.segments import segment_of
from medshelf.formats.dicom_seg.slide import on_slide
from medshelf.formats.dicom_tiles import is_tiled, spacing_of
from medshelf.model.blob import Blob

SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"
SURFACE_STORAGE = "1.2.840.10008.5.1.4.1.1.66.5"
LABEL_MAP_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"


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
        Another kind of object, frames that lie on no regular grid, or a slide with focal planes.
    """
    dataset = parse(blob)
    with decoding("segmentation", blob.name):
        _check_kind(dataset, blob.name)
        return _segmentation(dataset, blob.name)


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


def _segmentation(dataset: Any, where: str) -> Segmentation:
    kind = str(dataset.SegmentationType).upper()
    if kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
        raise Unsupported(f"segmentations of the type {kind!r} are not read", where=where)
    segments = tuple(segment_of(item) for item in dataset.SegmentSequence)
    if len({segment.number for segment in segments}) != len(segments):
        raise FormatError("two segments have one number", where=where)
    numbers = [segment.number for segment in segments]
    tiling = None
    if is_tiled(dataset):
        pixels = pixels_of(dataset, frames_of(dataset), where)
        grid, tiling = on_slide(dataset, kind, numbers, where)
    else:
        grid = grid_of(dataset, kind, set(numbers), where)
        pixels = pixels_of(dataset, len(grid.places), where)
    series = dataset.get("ReferencedSeriesSequence") or []
    return Segmentation(
        kind=kind,
        segments=segments,
        grid=grid,
        pixels=pixels,
        max_fraction=int(dataset.MaximumFractionalValue) if kind == "FRACTIONAL" else 1,
        padding=_padding(dataset, pixels.bits, where) if kind == "LABELMAP" else 0,
        tiling=tiling,
        spacing_mm=spacing_of(dataset, where) if tiling is not None else None,
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


def _padding(dataset: Any, bits: int, where: str) -> int:
    found = int(dataset.get("PixelPaddingValue") or 0)
    if not 0 <= found < 2**bits:
        raise FormatError("the padding is no value of the pixels", where=where, why=f"{found} in {bits} bits")
    return found


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
