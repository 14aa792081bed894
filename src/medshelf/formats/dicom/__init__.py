"""DICOM images, by series: from loose files to one volume in the patient's frame, or a clear refusal.

`scan` sorts a folder into series and reads headers only. `read_series` makes one volume of one series.
Slices are ordered by their position along the normal, never by name or number; the affine follows PS3.3
C.7.6.2.1.1 and is turned to RAS+ millimetres. Whatever must not be stacked raises `NotAVolume` with a stable
`reason` (see `dicom_faults.REASONS`). Segmentations and structure sets have readers of their own.

The modules behind this one: `dicom_bytes` (places in a file) → `dicom_walk`, `dicom_header` (one header) →
`dicom_slice` (its numbers) → `dicom_stack`, `dicom_faults` (the grid) → `dicom_series` (grouping), and
`dicom_codecs`, `dicom_pixels`, `dicom_values`, `dicom_volume` (the voxels).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from medshelf.errors import FormatError, MedshelfError, NotAVolume, NotFound, Unsupported
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.faults import REASONS
from medshelf.formats.dicom.frames import trouble_of
from medshelf.formats.dicom.header import NotDicom
from medshelf.formats.dicom.items import double
from medshelf.formats.dicom.parts import is_placed
from medshelf.formats.dicom.picture import picture_layout
from medshelf.formats.dicom.series import LEAST_SLICES, Series, group, least_of, read_slices, unreadable
from medshelf.formats.dicom.stack import Stack, stack
from medshelf.formats.dicom.values import is_rescaled, value_dtype
from medshelf.formats.dicom.volume import check_readable, fill, is_colour
from medshelf.formats.dicom.writing import slice_bytes, uid_from, write_series
from medshelf.model.blob import Blob
from medshelf.model.geometry import spacing_mm
from medshelf.model.volume import Header, Volume

__all__ = [
    "NAME",
    "REASONS",
    "SUFFIXES",
    "Scan",
    "Series",
    "matches",
    "read_series",
    "read_series_header",
    "scan",
    "slice_bytes",
    "uid_from",
    "write_series",
]

NAME = "dicom"
SUFFIXES = (".dicom", ".dcm", ".ima")


def matches(head: bytes) -> bool:
    """Return whether the first bytes are those of a DICOM file with its preamble (PS3.10 7.1)."""
    return head[128:132] == b"DICM"


@dataclass(frozen=True, slots=True)
class Scan:
    """What lies in a set of files."""

    series: tuple[Series, ...]
    """By series number."""
    others: tuple[tuple[Blob, str], ...]
    """Files that are not DICOM, or whose header is damaged, each with the reason."""


def scan(blobs: Iterable[Blob], *, max_workers: int = 1) -> Scan:
    """Sort files into series, reading headers only.

    Parameters
    ----------
    blobs : iterable of Blob
        Files of any kind; what is not DICOM comes back in `Scan.others`.
    max_workers : int
        Threads. One is fastest on a local disk; more pay where opening a file takes long, as on a network.
    """
    found, others = read_slices(blobs, max_workers)
    told = [(blob, error.what if isinstance(error, NotDicom) else str(error)) for blob, error in others]
    return Scan(tuple(group(found)), tuple(told))


def read_series_header(
    blobs: Iterable[Blob] | Series, *, series_uid: str | None = None, least_slices: int = LEAST_SLICES
) -> Header:
    """Read what is known of a series without decoding pixels; parameters and errors as in `read_series`."""
    series = _choose(blobs, series_uid)
    shape, axes, affine, spacing, meta = _layout(series, None if _is_picture(series) else _placed(series, least_slices))
    check_readable(series.slices)
    return Header(shape, value_dtype(series.slices).name, axes, affine, spacing, meta)


def read_series(
    blobs: Iterable[Blob] | Series,
    *,
    series_uid: str | None = None,
    least_slices: int = LEAST_SLICES,
    max_workers: int | None = None,
) -> Volume:
    """Read one series as one volume.

    Parameters
    ----------
    blobs : iterable of Blob, or Series
        The files of one series, or of several with `series_uid` naming the one; or a series from `scan`.
    series_uid : str, optional
        SeriesInstanceUID to read.
    least_slices : int
        Fewer positions than this raise `NotAVolume`. Two slices can't show that a third is missing, so the
        default is three; give 1 to read a single slice, its thickness taken as the step.
    max_workers : int, optional
        Threads that read and decode.

    Returns
    -------
    Volume
        ``"ijk"`` with i along a row, j along a column and k along the normal of the slices; ``"ijkt"`` for
        a series in time, ``"ijkc"`` for colour. An image without a place in the patient is a picture,
        ``"yx"`` or ``"yxc"``, without affine. Values are rescaled; see `dicom_values.value_dtype` for
        their type.
        MONOCHROME1 is left as stored, dark and bright exchanged, and ``meta["photometric"]`` says so.

    Raises
    ------
    NotAVolume
        The images must not be stacked; `reason` is one of `REASONS`.
    Unsupported
        A mosaic, an enhanced or multi-frame image, or a transfer syntax that is not read.
    FormatError, Truncated
        A file is damaged or cut; no file of the series is left out.
    NotFound
        No series has the UID.
    """
    series = _choose(blobs, series_uid)
    placed = None if _is_picture(series) else _placed(series, least_slices)
    check_readable(series.slices)
    shape, axes, affine, spacing, meta = _layout(series, placed)
    array = _turned(fill([series.slices] if placed is None else placed.slices, max_workers), axes)
    if array.shape != shape:
        raise FormatError(f"the pixels have shape {array.shape}, not {shape}", where=series.blobs[0].name)
    return Volume(array, axes, affine, spacing, meta)


def _choose(blobs: Iterable[Blob] | Series, series_uid: str | None) -> Series:
    """Return the one series to read."""
    if isinstance(blobs, Series):
        return _readable(blobs)
    slices, others = read_slices(blobs, 1)
    damaged = [error for blob, error in others if not _stranger(blob, error)]
    if damaged:
        raise damaged[0]
    found = group(slices)
    if series_uid is not None:
        found = _with_uid(found, series_uid)
    images = [series for series in found if series.kind in tags.IMAGE_KINDS]
    images = images or [series for series in found if series.kind == "rtdose"]
    if len(images) > 1:
        raise _several(images)
    if images:
        return _readable(images[0])
    if found:
        raise unreadable([one for series in found for one in series.slices])
    where = others[0][0].name if others else None
    raise FormatError("there is no DICOM image", where=where, why=f"{len(others)} files of other kinds")


def _stranger(blob: Blob, error: MedshelfError) -> bool:
    """A file that lies in the folder by right: a licence, an index; not one that claims to be DICOM."""
    return isinstance(error, NotDicom) and not blob.name.lower().endswith(SUFFIXES)


def _with_uid(found: list[Series], uid: str) -> list[Series]:
    chosen = [series for series in found if series.uid == uid]
    if not chosen:
        uids = sorted({series.uid for series in found})
        raise NotFound(f"no series has the UID {uid!r}", why=f"there are {', '.join(uids[:5]) or 'none'}")
    return chosen


def _several(images: list[Series]) -> NotAVolume:
    told = "; ".join(
        f"{s.description or s.modality or '?'} {s.part} ({len(s.blobs)} files, {s.uid or 'no UID'})"
        for s in images[:5]
    )
    reason = "several-stacks" if len({blob.name for s in images for blob in s.blobs}) == 1 else "several-series"
    return NotAVolume(
        REASONS[reason],
        reason=reason,
        where=images[0].blobs[0].name,
        why=f"{len(images)}: {told}",
        hint="Give series_uid, or one of the series that medshelf.formats.dicom.scan returns",
    )


def _readable(series: Series) -> Series:
    if series.kind not in (*tags.IMAGE_KINDS, "rtdose"):
        raise unreadable(series.slices)
    error = trouble_of(series.slices)
    if error is not None:
        raise error
    return series


def _is_picture(series: Series) -> bool:
    return len(series.blobs) == 1 and not any(is_placed(one) for one in series.slices)


def _placed(series: Series, least_slices: int) -> Stack:
    least_slices = least_of(series.slices, least_slices)
    reuse = series.placed is not None and series.n_slices >= least_slices
    placed = series.placed if reuse else stack(series.slices, least_slices)
    assert placed is not None
    if len(placed.slices) > 1 and is_colour(series.slices[0]):
        raise Unsupported("coloured images in time are not read", where=series.blobs[0].name)
    return placed


_Layout = tuple[tuple[int, ...], str, "np.ndarray | None", "tuple[float, ...] | None", dict[str, Any]]


def _layout(series: Series, placed: Stack | None) -> _Layout:
    """Shape, axes, affine, spacing and facts of a picture, or of a volume."""
    if placed is not None:
        return _grid(series, placed)
    shape, axes, spacing, meta = picture_layout(series.slices)
    return shape, axes, None, spacing, _facts(series) | meta


def _grid(series: Series, placed: Stack) -> _Layout:
    """Shape, axes, affine, spacing and facts of a volume."""
    first = placed.slices[0][0]
    shape: tuple[int, ...] = (first.columns, first.rows, len(placed.slices[0]))
    axes = "ijk"
    if len(placed.slices) > 1:
        shape, axes = (*shape, len(placed.slices)), "ijkt"
    elif is_colour(first):
        shape, axes = (*shape, 3), "ijkc"
    meta = _facts(series) | {"slice_step_from": placed.step_from}
    if placed.time_from is not None:
        meta |= {"time_order_from": placed.time_from, "times": placed.times}
        meta |= {"b_values": _b_values(placed)}
    return shape, axes, placed.affine, spacing_mm(placed.affine), meta


def _turned(array: np.ndarray, axes: str) -> np.ndarray:
    """Turn (T, K, rows, columns[, 3]) to the order of `axes`, as a view."""
    if "y" in axes:
        return array[0] if "t" in axes else array[0, 0]
    if axes == "ijkt":
        return array.transpose(3, 2, 1, 0)
    return array[0].transpose(2, 1, 0, *range(3, array.ndim - 1))


def _b_values(placed: Stack) -> tuple[float, ...] | None:
    """Diffusion weighting of each volume in s/mm², where every one tells (0018,9087)."""
    headers = [volume[0].header for volume in placed.slices]
    found = [double(header.values.get(tags.B_VALUE), header.little) for header in headers]
    return None if None in found else tuple(b for b in found if b is not None)


def _facts(series: Series) -> dict[str, Any]:
    """What a caller may want to know, for `meta`."""
    first = series.slices[0]
    scales = {(one.slope, one.intercept) for one in series.slices if is_rescaled(one)}
    units = first.header.text(tags.DOSE_UNITS)
    return ({"dose_units": units} if units else {}) | {
        "format": NAME,
        "modality": series.modality,
        "series_uid": series.uid,
        "study_uid": series.study_uid,
        "frame_of_reference_uid": series.frame_of_reference_uid,
        "patient_id": series.patient_id,
        "description": series.description,
        "manufacturer": first.header.text(tags.MANUFACTURER),
        "body_part": first.header.text(tags.BODY_PART),
        "image_type": first.header.words(tags.IMAGE_TYPE),
        "transfer_syntaxes": series.transfer_syntaxes,
        "photometric": first.photometric,
        "rescale": next(iter(scales)) if len(scales) == 1 else ("per slice" if scales else None),
        "modality_lut": "present, not applied" if tags.MODALITY_LUT in first.header.values else None,
        "slice_thickness_mm": first.header.number(tags.SLICE_THICKNESS),
    }
