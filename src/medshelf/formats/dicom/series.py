"""Grouping of DICOM files into series, and what each of them is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from medshelf.errors import FormatError, MedshelfError, NotAVolume, Unsupported
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.faults import fault
from medshelf.formats.dicom.header import NotDicom, read_file_header
from medshelf.formats.dicom.slice import Slice, check_pixels, slice_of
from medshelf.formats.dicom.stack import Stack, at_positions, normal_of, stack
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
    """The files, by position along the normal, then by time; without positions by instance number."""
    rows: int
    columns: int
    n_slices: int
    n_times: int
    n_frames: int
    """Frames in all files; above the number of files only for enhanced and multi-frame images."""
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
    """The headers, in the order of `blobs`."""
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
    found = [_series(part, label) for members in groups.values() for label, part in _parts(members)]
    return sorted(found, key=lambda s: (s.number is None, s.number or 0, s.uid, s.kind))


def _parts(slices: list[Slice]) -> list[tuple[str, list[Slice]]]:
    """Split images at the same positions that differ in echo time or kind of image, each part complete."""
    if len(slices) < 2 or slices[0].kind != "image" or any(not _placed(one) for one in slices):
        return [("", slices)]
    parts: dict[tuple[str, float], list[Slice]] = {}
    for one in slices:
        parts.setdefault((one.header.text(tags.IMAGE_TYPE), _echo_ms(one)), []).append(one)
    if len(parts) == 1:
        return [("", slices)]
    places = {len(_places(part)) for part in parts.values()}
    if places != {len(_places(slices))}:
        return [("", slices)]
    return [(_label(key, list(parts)), parts[key]) for key in sorted(parts)]


def _echo_ms(one: Slice) -> float:
    try:
        return one.header.number(tags.ECHO_TIME) or 0.0
    except FormatError:
        return 0.0


def _placed(one: Slice) -> bool:
    return one.position_mm is not None and one.orientation is not None


def _places(slices: Sequence[Slice]) -> list[list[Slice]]:
    try:
        return at_positions(slices, normal_of(slices[0]))
    except NotAVolume:
        return []


def _label(key: tuple[str, float], keys: list[tuple[str, float]]) -> str:
    common = set.intersection(*(set(image_type.split("\\")) for image_type, _ in keys))
    words = [word for word in key[0].split("\\") if word not in common]
    if len({echo for _, echo in keys}) > 1:
        words.append(f"echo time {key[1]:g} ms")
    return " ".join(words)


def _series(slices: list[Slice], part: str) -> Series:
    kind, groups, placed, error = _arrange(slices)
    ordered = [one for members in groups for one in members]
    first = ordered[0]
    header = first.header
    return Series(
        uid=header.text(tags.SERIES_UID),
        part=part,
        modality=header.text(tags.MODALITY),
        description=header.text(tags.SERIES_DESCRIPTION),
        number=header.whole(tags.SERIES_NUMBER),
        kind=kind,
        blobs=tuple(one.header.blob for one in ordered),
        rows=first.rows,
        columns=first.columns,
        n_slices=len(groups),
        n_times=max(map(len, groups)),
        n_frames=sum(one.frames for one in ordered),
        transfer_syntaxes=tuple(sorted({one.header.syntax for one in ordered})),
        sop_class=first.sop_class,
        study_uid=header.text(tags.STUDY_UID),
        frame_of_reference_uid=header.text(tags.FRAME_OF_REFERENCE),
        patient_id=header.text(tags.PATIENT_ID),
        instance_uids=tuple(one.instance_uid for one in ordered),
        reason=_reason(error, kind),
        problem=None if error is None else str(error),
        slices=tuple(ordered),
        placed=placed,
    )


def _reason(error: MedshelfError | None, kind: str) -> str | None:
    if error is None:
        return None
    return getattr(error, "reason", "damaged" if kind in ("slices", "time series", "single") else kind)


_Groups = list[list[Slice]]  # by position, then by time


def _arrange(slices: list[Slice]) -> tuple[str, _Groups, Stack | None, MedshelfError | None]:
    """Return kind, order and grid of the images of a series, and what keeps it from being read."""
    singly = [[one] for one in sorted(slices, key=_instance_number)]
    if slices[0].kind != "image":
        return slices[0].kind, singly, None, unreadable(slices)
    if not any(_placed(one) for one in slices):
        if len(slices) == 1:
            return "single", singly, None, _pixel_error(slices)
        why = f"{len(slices)} images"
        return "images", singly, None, fault("no-position", slices, why, "Read them one by one")
    try:
        placed = stack(slices, LEAST_SLICES)
    except FormatError as error:
        groups = _places(slices) if all(_placed(one) for one in slices) else []
        if not groups or getattr(error, "reason", None) == "mixed-orientation":
            groups = singly
        groups = [sorted(members, key=_instance_number) for members in groups]
        return _kind_of(slices, groups), groups, None, error
    groups = [[volume[k] for volume in placed.slices] for k in range(len(placed.slices[0]))]
    return _kind_of(slices, groups), groups, placed, _pixel_error(slices)


def _kind_of(slices: Sequence[Slice], groups: _Groups) -> str:
    if len(slices) == 1:
        return "single"
    return "time series" if max(map(len, groups)) > 1 else "slices"


def _pixel_error(slices: Sequence[Slice]) -> MedshelfError | None:
    try:
        for one in slices:
            check_pixels(one)
    except FormatError as error:
        return error
    return None


def _instance_number(one: Slice) -> tuple[int, str]:
    return one.header.whole(tags.INSTANCE_NUMBER) or 0, one.header.blob.name


_NOT_YET = {
    "mosaic": "a Siemens mosaic, all slices tiled in one picture",
    "enhanced": "an enhanced multi-frame image, all slices in one file",
    "multi-frame": "a multi-frame image",
}


def unreadable(slices: Sequence[Slice]) -> MedshelfError:
    """Return the error for a kind of object that is no stack of single images."""
    one = slices[0]
    if one.kind in _NOT_YET:
        tiles = one.header.short(tags.MOSAIC_COUNT) if one.kind == "mosaic" else one.frames
        return Unsupported(
            f"{_NOT_YET[one.kind]}, is not read yet",
            where=one.header.blob.name,
            why=f"{tiles or 'an unknown number of'} slices or frames of SOP class {one.sop_class}",
            hint="Convert it with dcm2niix and read the NIfTI",
        )
    kinds = ", ".join(sorted({other.kind for other in slices}))
    return fault("not-an-image", slices, f"{kinds}; SOP class {one.sop_class or 'not given'}")
