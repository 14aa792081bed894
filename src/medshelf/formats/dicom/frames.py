"""Files of many images: each frame or tile as an image of its own, in its place.

Where a frame is: for enhanced files in the functional groups, for a dose by GridFrameOffsetVector (PS3.3
C.8.8.3.2), for reconstructed slices of nuclear medicine by DetectorInformationSequence and SpacingBetweenSlices
(C.8.4.15, C.8.4.16). All others are frames without a place: a film.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from medshelf.errors import FormatError, MedshelfError
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.fragments import extents_of
from medshelf.formats.dicom.groups import frame_values
from medshelf.formats.dicom.items import read_items
from medshelf.formats.dicom.mosaic import tiles_of
from medshelf.formats.dicom.slice import Slice, check_pixels, slice_of

_NM = "1.2.840.10008.5.1.4.1.1.20"
_BY_SLICE = b"\x54\x00\x80\x00"  # FrameIncrementPointer to SliceVector


def images_of(one: Slice) -> list[Slice]:
    """Return the images of a file: its frames or tiles, or the one that it is.

    Raises
    ------
    FormatError, Truncated, Unsupported
        What the header says of them is damaged, or of a kind that is not read.
    """
    if one.kind not in tags.MANY_IN_ONE or one.whole is not None:
        return [one]
    check_pixels(one)
    return tiles_of(one) if one.kind == "mosaic" else _FRAMES[one.kind](one)


def expanded(slices: Sequence[Slice]) -> list[Slice]:
    """Return the images of files; the files themselves where those can't be told, see `trouble_of`."""
    try:
        return [image for one in slices for image in images_of(one)]
    except MedshelfError:
        return list(slices)


def trouble_of(slices: Sequence[Slice]) -> MedshelfError | None:
    """Return why the images of files can't be told."""
    try:
        for one in slices:
            images_of(one)
    except MedshelfError as error:
        return error
    return None


def _enhanced(one: Slice) -> list[Slice]:
    extents = extents_of(one)
    values = frame_values(one.header, one.frames)
    if values is None:
        return _film(one)
    return [
        replace(
            slice_of(replace(one.header, values=own)), kind=one.kind, number=n, whole=one, extents=extents[n]
        )
        for n, own in enumerate(values)
    ]


def _film(one: Slice) -> list[Slice]:
    """Frames of which nothing says where each is."""
    place = one.position_mm if one.frames == 1 else None
    return [
        replace(one, position_mm=place, number=n, whole=one, extents=extents)
        for n, extents in enumerate(extents_of(one))
    ]


def _multi_frame(one: Slice) -> list[Slice]:
    pointer = one.header.values.get(tags.FRAME_INCREMENT, b"")
    if not one.header.little:
        pointer = b"".join(pointer[n : n + 2][::-1] for n in range(0, len(pointer), 2))
    if one.sop_class != _NM or pointer != _BY_SLICE:
        return _film(one)
    return _reconstructed(one)


def _reconstructed(one: Slice) -> list[Slice]:
    """Slices of nuclear medicine: the sign of their spacing says to which side of the first they lie."""
    film = _film(one)
    detectors = read_items(one.header, tags.DETECTORS, one.frames)
    step = one.header.number(tags.SPACING_BETWEEN_SLICES)
    if len(detectors) != 1 or not step:
        return film
    own = {t: raw for t in (tags.POSITION, tags.ORIENTATION) if isinstance(raw := detectors[0].get(t), bytes)}
    first = slice_of(replace(one.header, values=one.header.values | own))
    raw = np.frombuffer(one.header.values.get(tags.SLICE_VECTOR, b""), "<u2" if one.header.little else ">u2")
    if sorted(raw.tolist()) != list(range(1, one.frames + 1)):
        raise FormatError(
            "SliceVector does not number the slices", where=one.header.blob.name, why=f"{raw[:10].tolist()}"
        )
    return _along_normal(film, first, [float(n - 1) * step for n in raw.tolist()])


def _dose(one: Slice) -> list[Slice]:
    """Planes of a dose, by their offsets from the first; only where x, y and z are those of the patient by z."""
    film = _film(one)
    offsets = one.header.numbers(tags.GRID_OFFSETS)
    if one.frames == 1 or one.position_mm is None or one.orientation is None:
        return film
    if offsets is None or len(offsets) != one.frames:
        raise FormatError(
            "the dose does not say where its planes are",
            where=one.header.blob.name,
            why=f"GridFrameOffsetVector has {len(offsets or ())} values for {one.frames} frames",
        )
    if offsets[0] == 0:
        return _along_normal(film, one, offsets)
    height = one.position_mm[2]
    rise = float(np.cross(one.orientation[:3], one.orientation[3:])[2])
    if abs(offsets[0] - height) > 0.01 or abs(abs(rise) - 1) > 1e-3:
        raise FormatError(
            "the planes of the dose begin neither at 0 nor at the position of the first",
            where=one.header.blob.name,
            why=f"first offset {offsets[0]:g}, position {one.position_mm}, orientation {one.orientation}",
        )
    return _along_normal(film, one, [(z - height) / rise for z in offsets])


def _along_normal(film: list[Slice], first: Slice, offsets_mm: Sequence[float]) -> list[Slice]:
    if first.position_mm is None or first.orientation is None:
        return film
    normal = np.cross(first.orientation[:3], first.orientation[3:])
    return [
        replace(
            frame,
            position_mm=tuple((np.array(first.position_mm) + normal * offset).tolist()),
            orientation=first.orientation,
        )
        for frame, offset in zip(film, offsets_mm, strict=True)
    ]


_FRAMES = {"enhanced": _enhanced, "multi-frame": _multi_frame, "rtdose": _dose}
