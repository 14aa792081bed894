"""Grouping of DICOM files into series, and what each of them is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from medshelf.errors import FormatError, MedshelfError
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.faults import fault
from medshelf.formats.dicom.frames import expanded, trouble_of
from medshelf.formats.dicom.header import NotDicom, read_file_header
from medshelf.formats.dicom.parts import is_placed, parts_of, places_of
from medshelf.formats.dicom.slice import Slice, check_pixels, slice_of
from medshelf.formats.dicom.stack import Stack, stack
from medshelf.model.blob import Blob

LEAST_SLICES = 3
"""Fewest slices that make a volume unless a caller says otherwise: two can't show that a third is missing."""


@dataclass(frozen=True, slots=True)
class Series:
    """Files that belong together: one series, or one echo or kind of image of it.

    A series whose `reason` is not None is one that `read_series` refuses; `problem` says why, with numbers.
    """

    uid: str
    """SeriesInstanceUID; empty where the files leave it empty."""
    part: str
    """What sets this part apart from others of its series, such as ``"echo time 4.9 ms"``; mostly empty."""
    modality: str
    description: str
    number: int | None
    """SeriesNumber."""
    kind: str
    """`slices`, `time series`, `single`, `images`, `mosaic`, `enhanced`, `multi-frame`, `segmentation` …"""
    blobs: tuple[Blob, ...]
    """The files, by position along the normal, then by time; without positions by instance number. A file of
    many images comes once, where its first image comes."""
    rows: int
    columns: int
    n_slices: int
    n_times: int
    n_frames: int
    """Frames in all files; above the number of files only where files hold many. A mosaic is one."""
    transfer_syntaxes: tuple[str, ...]
    sop_class: str
    study_uid: str
    frame_of_reference_uid: str
    patient_id: str
    instance_uids: tuple[str, ...]
    """SOP instance UIDs, in the order of `blobs`."""
    reason: str | None
    """Why it can't be read as one volume: a key of `dicom_faults.REASONS`, or a kind; None when it can."""
    problem: str | None
    """The same in words and numbers."""
    slices: tuple[Slice, ...] = field(repr=False, compare=False)
    """The images with their headers, by position, then by time: files, or frames or tiles of them."""
    placed: Stack | None = field(repr=False, compare=False)
    """The grid, where the slices make one."""


def read_slices(
    blobs: Iterable[Blob], max_workers: int
) -> tuple[list[Slice], list[tuple[Blob, MedshelfError]]]:
    """Read the headers of files; what can't be read comes back with its error."""
    found: list[Slice] = []
    others: list[tuple[Blob, MedshelfError]] = []
    work = list(blobs)
    if max_workers > 1 and len(work) > 1:
        with ThreadPoolExecutor(max_workers) as pool:
            results: Iterable[Slice | MedshelfError] = list(pool.map(_read, work, chunksize=16))
    else:
        results = map(_read, work)
    for blob, result in zip(work, results, strict=True):
        if isinstance(result, Slice):
            found.append(result)
        else:
            others.append((blob, result))
    return found, others


def _read(blob: Blob) -> Slice | MedshelfError:
    try:
        one = slice_of(read_file_header(blob))
    except MedshelfError as error:
        return error
    if one.kind == "directory":
        return NotDicom("a DICOMDIR, an index of other files", where=blob.name)
    return one


def group(slices: Iterable[Slice]) -> list[Series]:
    """Group slices into series, by number and UID."""
    groups: dict[tuple[str, str], list[Slice]] = {}
    for one in slices:
        uid = one.header.text(tags.SERIES_UID)
        place = uid or os.path.dirname(one.header.blob.name)
        groups.setdefault((place, one.kind), []).append(one)
    found = [
        _series(part, label) for members in groups.values() for label, part in parts_of(expanded(members))
    ]
    return sorted(found, key=lambda s: (s.number is None, s.number or 0, s.uid, s.kind))


def _series(slices: list[Slice], part: str) -> Series:
    kind, groups, placed, error = _arrange(slices)
    ordered = [one for members in groups for one in members]
    first = ordered[0]
    header = first.header
    files = list({id(one.file): one.file for one in ordered}.values())
    return Series(
        uid=header.text(tags.SERIES_UID),
        part=part,
        modality=header.text(tags.MODALITY),
        description=header.text(tags.SERIES_DESCRIPTION),
        number=header.whole(tags.SERIES_NUMBER),
        kind=kind,
        blobs=tuple(one.header.blob for one in files),
        rows=first.rows,
        columns=first.columns,
        n_slices=len(groups),
        n_times=max(map(len, groups)),
        n_frames=sum(one.frames for one in files),
        transfer_syntaxes=tuple(sorted({one.header.syntax for one in files})),
        sop_class=first.sop_class,
        study_uid=header.text(tags.STUDY_UID),
        frame_of_reference_uid=header.text(tags.FRAME_OF_REFERENCE),
        patient_id=header.text(tags.PATIENT_ID),
        instance_uids=tuple(one.instance_uid for one in files),
        reason=_reason(error, kind),
        problem=None if error is None else str(error),
        slices=tuple(ordered),
        placed=placed,
    )


def _reason(error: MedshelfError | None, kind: str) -> str | None:
    if error is None:
        return None
    return getattr(error, "reason", "damaged" if kind in ("slices", "time series", "single") else kind)


def least_of(slices: Sequence[Slice], least: int) -> int:
    """Return the fewest slices that make a volume: one, where the files hold many images and say how many."""
    return 1 if slices[0].kind in tags.MANY_IN_ONE else least


_Groups = list[list[Slice]]  # by position, then by time


def _arrange(slices: list[Slice]) -> tuple[str, _Groups, Stack | None, MedshelfError | None]:
    """Return kind, order and grid of the images of a series, and what keeps it from being read."""
    singly = [[one] for one in sorted(slices, key=_instance_number)]
    kind = slices[0].kind
    whole = slices[0].whole is not None
    if kind != "image" and not whole:
        return kind, singly, None, unreadable(slices)
    if not any(is_placed(one) for one in slices):
        return _unplaced(slices, singly)
    try:
        placed = stack(slices, least_of(slices, LEAST_SLICES))
    except FormatError as error:
        groups = places_of(slices) if all(is_placed(one) for one in slices) else []
        if not groups or getattr(error, "reason", None) == "mixed-orientation":
            groups = singly
        groups = [sorted(members, key=_instance_number) for members in groups]
        return kind if whole else _kind_of(slices, groups), groups, None, error
    groups = [[volume[k] for volume in placed.slices] for k in range(len(placed.slices[0]))]
    return kind if whole else _kind_of(slices, groups), groups, placed, _pixel_error(slices)


def _unplaced(
    slices: list[Slice], singly: _Groups
) -> tuple[str, _Groups, Stack | None, MedshelfError | None]:
    """A picture, a film in one file, or pictures that nothing puts together."""
    first = slices[0]
    if len({id(one.file) for one in slices}) == 1:
        kind = "single" if first.whole is None else first.kind
        return kind, [list(slices)], None, _pixel_error(slices)
    error = fault("no-position", slices, f"{len(slices)} images", "Read them one by one")
    return "images" if first.whole is None else first.kind, singly, None, error


def _kind_of(slices: Sequence[Slice], groups: _Groups) -> str:
    if len(slices) == 1:
        return "single"
    return "time series" if max(map(len, groups)) > 1 else "slices"


def _pixel_error(slices: Sequence[Slice]) -> MedshelfError | None:
    try:
        for one in {id(one.file): one.file for one in slices}.values():
            check_pixels(one)
    except FormatError as error:
        return error
    return None


def _instance_number(one: Slice) -> tuple[int, str, int]:
    return one.header.whole(tags.INSTANCE_NUMBER) or 0, one.header.blob.name, one.number


def unreadable(slices: Sequence[Slice]) -> MedshelfError:
    """Return the error for objects that are no images, or whose images can't be told apart."""
    one = slices[0]
    trouble = trouble_of(slices)
    if trouble is not None:
        return trouble
    kinds = ", ".join(sorted({other.kind for other in slices}))
    return fault("not-an-image", slices, f"{kinds}; SOP class {one.sop_class or 'not given'}")
