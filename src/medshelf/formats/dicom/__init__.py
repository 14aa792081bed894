"""DICOM images, by series: from loose files to one volume in the patient's frame, or a clear refusal.

`scan` sorts a folder into series and reads headers only. `read_series` makes one volume of one series.
Slices are ordered by their position along the normal, never by name or number; the affine follows PS3.3
C.7.6.2.1.1 and is turned to RAS+ millimetres. A slice is a file, a frame of an enhanced or multi-frame image or
of a dose, or a tile of a Siemens mosaic. Whatever must not be stacked raises `NotAVolume` with a stable
`reason` (see `dicom_faults.REASONS`). Segmentations and structure sets have readers of their own.

The modules behind this one: `dicom_bytes` (places in a file) → `dicom_walk`, `dicom_header`, `dicom_items` (one
header) → `dicom_slice` (its numbers) → `dicom_frames` with `dicom_groups`, `dicom_mosaic`, `dicom_csa`,
`dicom_fragments` (the images of one file) → `dicom_stack`, `dicom_faults` (the grid) → `dicom_parts`,
`dicom_series` (grouping) → `dicom_layout`, `dicom_picture`, and `dicom_codecs`, `dicom_pixels`, `dicom_values`,
`dicom_volume` (the voxels).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medshelf.errors import FormatError, MedshelfError, NotAVolume, NotFound, Unsupported
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.faults import REASONS
from medshelf.formats.dicom.frames import trouble_of
from medshelf.formats.dicom.header import NotDicom
from medshelf.formats.dicom.layout import layout_of
from medshelf.formats.dicom.parts import is_placed
from medshelf.formats.dicom.series import LEAST_SLICES, Series, group, least_of, read_slices, unreadable
from medshelf.formats.dicom.stack import Stack, stack
from medshelf.formats.dicom.values import value_dtype
from medshelf.formats.dicom.volume import check_readable, fill, is_colour
from medshelf.formats.dicom.writing import slice_bytes, uid_from, write_series
from medshelf.model.blob import Blob
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
    placed = None if _is_picture(series) else _placed(series, least_slices)
    shape, axes, affine, spacing, meta = layout_of(series, placed)
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
        default is three; give 1 to read a single slice, its thickness taken as the step. Files of many images
        are read with any number.
    max_workers : int, optional
        Threads that read and decode.

    Returns
    -------
    Volume
        ``"ijk"`` with i along a row, j along a column and k along the normal of the slices, which is the cross
        product of i and j in LPS+ also where a file lists its slices the other way round; ``"ijkt"`` for a
        series in time or of several diffusion weightings, ``"ijkc"`` for colour. An image without a place in
        the patient is a picture, ``"yx"`` or ``"yxc"``, without affine; a file of such frames is a film,
        ``"tyx"`` or ``"tyxc"``. Values are rescaled; see `dicom_values.value_dtype` for their type.
        MONOCHROME1 is left as stored, dark and bright exchanged, and ``meta["photometric"]`` says so.

    Raises
    ------
    NotAVolume
        The images must not be stacked; `reason` is one of `REASONS`.
    Unsupported
        A mosaic without its CSA header, frames placed in the frame of a transducer, or a transfer syntax that
        is not read.
    FormatError, Truncated
        A file is damaged or cut; no file of the series is left out.
    NotFound
        No series has the UID.
    """
    series = _choose(blobs, series_uid)
    placed = None if _is_picture(series) else _placed(series, least_slices)
    check_readable(series.slices)
    shape, axes, affine, spacing, meta = layout_of(series, placed)
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
    in_one = len({blob.name for s in images for blob in s.blobs}) == 1
    reason, choose = ("several-stacks", "Read") if in_one else ("several-series", "Give series_uid, or")
    return NotAVolume(
        REASONS[reason],
        reason=reason,
        where=images[0].blobs[0].name,
        why=f"{len(images)}: {told}",
        hint=f"{choose} one of the series that medshelf.formats.dicom.scan returns",
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


def _turned(array: np.ndarray, axes: str) -> np.ndarray:
    """Turn (T, K, rows, columns[, 3]) to the order of `axes`, as a view."""
    if "y" in axes:
        return array[0] if "t" in axes else array[0, 0]
    if axes == "ijkt":
        return array.transpose(3, 2, 1, 0)
    return array[0].transpose(2, 1, 0, *range(3, array.ndim - 1))
