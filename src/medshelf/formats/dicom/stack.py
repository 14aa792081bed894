"""From slices in any order to a grid: which slice goes where, and where the grid is in the patient.

Order and affine come from ImagePositionPatient and ImageOrientationPatient alone (PS3.3 C.7.6.2.1.1), never
from names or instance numbers. Slices at the same positions are a series in time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medshelf.errors import NotAVolume
from medshelf.formats.dicom import faults, tags
from medshelf.formats.dicom.slice import Slice
from medshelf.model.geometry import Affine, lps_to_ras


@dataclass(frozen=True, slots=True)
class Stack:
    """Slices in their places."""

    slices: tuple[tuple[Slice, ...], ...]
    """By time, then by position along the normal."""
    affine: Affine
    """(4, 4), voxel index (column, row, slice) to RAS+ mm."""
    step_from: str
    """What the step between slices was taken from."""
    time_from: str | None = None
    """What put the volumes of a series in time in order."""
    times: tuple[float, ...] | None = None
    """Its values for the first slice of each volume (seconds for times of day, else as stored)."""


def stack(slices: Sequence[Slice], least_slices: int) -> Stack:
    """Put the slices of one series in order.

    Raises
    ------
    NotAVolume
        They must not be stacked; `dicom_faults.REASONS` lists the reasons.
    """
    _check_alike(slices)
    normal = normal_of(slices[0])
    groups = at_positions(slices, normal)
    _check_times(slices, groups)
    volumes, time_from, times = _in_time(slices, groups)
    first: tuple[Slice, ...] = volumes[0]
    if len(first) < least_slices:
        raise _too_few(slices, len(first), least_slices)
    positions = np.array([one.position_mm for one in first])
    if len(positions) > 1:
        _check_places(first, positions, normal)
        step, step_from = (positions[-1] - positions[0]) / (len(positions) - 1), _step_from(first[0])
    else:
        length, step_from = _thickness(first[0])
        step = normal * length
    return Stack(volumes, _affine(first[0], step), step_from, time_from, times)


def normal_of(one: Slice) -> np.ndarray:
    """Return the unit normal of an image in LPS+, the cross product of its row and column directions."""
    row, column = _axes(one)
    return np.cross(row, column)


def _axes(one: Slice) -> tuple[np.ndarray, np.ndarray]:
    cosines = np.array(one.orientation, dtype=np.float64).reshape(2, 3)
    lengths = np.linalg.norm(cosines, axis=1)
    if np.abs(lengths - 1).max() > 0.01 or abs(float(cosines[0] @ cosines[1])) > 0.01:
        raise faults.fault(
            "mixed-orientation",
            [one],
            f"ImageOrientationPatient of {one.name} is not two perpendicular unit vectors: {one.orientation}",
        )
    return cosines[0] / lengths[0], cosines[1] / lengths[1]


def _check_alike(slices: Sequence[Slice]) -> None:
    """Refuse slices that share no grid: no place, other directions, other sizes."""
    first = slices[0]
    without = [one for one in slices if one.position_mm is None or one.orientation is None]
    if without:
        why = f"{len(without)} of {len(slices)}: {faults.names_of(without)}"
        raise faults.fault("no-position", slices, why)
    turned = [one for one in slices if _differ(one.orientation, first.orientation, faults.SAME_ORIENTATION)]
    if turned:
        ways = _orientations(slices)
        raise faults.fault(
            "mixed-orientation",
            slices,
            f"{len(ways)} directions: " + "; ".join(f"{len(w)} like {w[0].name}" for w in ways[:4]),
            "Read each direction by itself, from its own files",
        )
    for reason, of in (("differing-size", _size), ("differing-pixel-spacing", _pixel)):
        other = next((one for one in slices if _differ(of(one), of(first), 1e-4)), None)
        if other is not None:
            raise faults.fault(reason, slices, f"{first.name} has {of(first)}, {other.name} has {of(other)}")
    if first.pixel_spacing_mm is None or min(first.pixel_spacing_mm) <= 0:
        why = f"PixelSpacing of {first.name}: {first.pixel_spacing_mm}"
        raise faults.fault("no-pixel-spacing", slices, why)


def _size(one: Slice) -> tuple[float, ...]:
    return (one.rows, one.columns, one.samples)


def _pixel(one: Slice) -> tuple[float, ...]:
    return one.pixel_spacing_mm or ()


def _differ(a: tuple[float, ...] | None, b: tuple[float, ...] | None, by: float) -> bool:
    if a is b or a == b:
        return False
    if a is None or b is None or len(a) != len(b):
        return True
    return any(abs(x - y) > by for x, y in zip(a, b, strict=True))


def _orientations(slices: Sequence[Slice]) -> list[list[Slice]]:
    ways: list[list[Slice]] = []
    for one in slices:
        for way in ways:
            if not _differ(one.orientation, way[0].orientation, faults.SAME_ORIENTATION):
                way.append(one)
                break
        else:
            ways.append([one])
    return ways


def at_positions(slices: Sequence[Slice], normal: np.ndarray) -> list[list[Slice]]:
    """Return the slices by their place along the normal, ascending; within one place in no certain order.

    Places nearer than 0.01 mm are one, or a tenth of a pixel where pixels are smaller than that.
    """
    along = np.array([one.position_mm for one in slices]) @ normal
    same = 0.1 * min([0.1, *(mm for mm in slices[0].pixel_spacing_mm or () if mm > 0)])
    order = np.argsort(along, kind="stable")
    groups: list[list[Slice]] = []
    last = -np.inf
    for index in order:
        if along[index] - last > same:
            groups.append([])
        last = along[index]
        groups[-1].append(slices[int(index)])
    return groups


def _check_times(slices: Sequence[Slice], groups: list[list[Slice]]) -> None:
    """Refuse copies of one image, and positions with fewer images than the others."""
    if len(groups) == len(slices):
        return
    seen: dict[tuple[str, int], Slice] = {}
    for one in slices:
        image = (one.instance_uid, one.number)
        if one.instance_uid and image in seen:
            raise faults.fault(
                "duplicate-files",
                slices,
                f"{one.name} has the SOP instance UID of {seen[image].name}",
                "Leave the copies out",
            )
        seen[image] = one
    counts = sorted({len(group) for group in groups})
    if len(counts) > 1:
        few = [group for group in groups if len(group) == counts[0]]
        raise faults.fault(
            "uneven-times",
            slices,
            f"{len(groups)} positions hold {counts[0]} to {counts[-1]} images, {len(slices)} in all; "
            f"{len(few)} of them hold {counts[0]}, such as that of {few[0][0].name}",
            "Fetch the series again, or leave the incomplete volumes out",
        )


def _in_time(
    slices: Sequence[Slice], groups: list[list[Slice]]
) -> tuple[tuple[tuple[Slice, ...], ...], str | None, tuple[float, ...] | None]:
    """Put the images at each position in time order, by the first attribute that tells all apart."""
    if len(groups[0]) == 1:
        return (tuple([group[0] for group in groups]),), None, None
    for name, value in _TIMES.items():
        keyed = [
            sorted(((value(one), n) for n, one in enumerate(group)), key=_missing_last) for group in groups
        ]
        if all(_distinct([key for key, _ in group]) for group in keyed):
            volumes = tuple(
                tuple(group[keys[t][1]] for group, keys in zip(groups, keyed, strict=True))
                for t in range(len(groups[0]))
            )
            return volumes, name, tuple(float(key) for key, _ in keyed[0] if key is not None)
    raise faults.fault(
        "unordered-times",
        slices,
        f"{len(groups[0])} images at each of {len(groups)} positions; looked at " + ", ".join(_TIMES),
    )


def _missing_last(item: tuple[float | None, int]) -> tuple[bool, float]:
    return item[0] is None, item[0] or 0.0


def _distinct(keys: list[float | None]) -> bool:
    return None not in keys and len(set(keys)) == len(keys)


def _number(tag: int) -> Callable[[Slice], float | None]:
    return lambda one: one.header.number(tag)


def _clock(tag: int) -> Callable[[Slice], float | None]:
    """Seconds since midnight of a TM (PS3.5 6.2: HHMMSS.FFFFFF)."""

    def read(one: Slice) -> float | None:
        text = one.header.text(tag).replace(":", "")
        if len(text) < 6 or not text.replace(".", "", 1).isdigit():
            return None
        return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])

    return read


_TIMES: dict[str, Callable[[Slice], float | None]] = {
    "TemporalPositionIdentifier": _number(tags.TEMPORAL_POSITION),
    "TriggerTime": _number(tags.TRIGGER_TIME),
    "DimensionIndexValues": _number(tags.FRAME_RANK),
    "DiffusionBValue": _number(tags.GRADIENT),
    "AcquisitionTime": _clock(tags.ACQUISITION_TIME),
    "ContentTime": _clock(tags.CONTENT_TIME),
    "AcquisitionNumber": _number(tags.ACQUISITION_NUMBER),
    "InstanceNumber": _number(tags.INSTANCE_NUMBER),
}


def _too_few(slices: Sequence[Slice], found: int, least: int) -> NotAVolume:
    if found == 1 and len(slices) > 1:
        return faults.fault("one-position", slices, f"{len(slices)} images at {slices[0].position_mm} mm")
    return faults.fault(
        "too-few-slices",
        slices,
        f"{found} of at least {least}: with so few, a missing slice can't be seen",
        f"If this is all there is, read it with least_slices={found}",
    )


def _step_from(one: Slice) -> str:
    """Name what told the positions: a mosaic and slices of nuclear medicine give only the first, and a distance."""
    if one.kind in ("mosaic", "multi-frame"):
        return "SpacingBetweenSlices"
    return "GridFrameOffsetVector" if tags.GRID_OFFSETS in one.header.values else "ImagePositionPatient"


def _check_places(first: tuple[Slice, ...], positions: np.ndarray, normal: np.ndarray) -> None:
    """Refuse gaps, uneven steps, shifted and sheared stacks, telling all that was found."""
    pixel_mm = min(first[0].pixel_spacing_mm or (1.0,))
    found = [
        faults.spacing_fault(first, positions @ normal),
        faults.shift_fault(first, positions, normal, pixel_mm),
        faults.tilt_fault(first, positions, normal, pixel_mm),
    ]
    present = [error for error in found if error is not None]
    if present:
        also = "".join(f"; also {error.reason}: {error.why}" for error in present[1:])
        raise faults.fault(present[0].reason, first, f"{present[0].why}{also}", present[0].hint)


def _thickness(one: Slice) -> tuple[float, str]:
    for name, tag in (
        ("SpacingBetweenSlices", tags.SPACING_BETWEEN_SLICES),
        ("SliceThickness", tags.SLICE_THICKNESS),
    ):
        length = one.header.number(tag)
        if length is not None and length > 0:
            return length, name
    why = "a single slice without SpacingBetweenSlices or SliceThickness"
    raise faults.fault("too-few-slices", [one], why)


def _affine(first: Slice, step: np.ndarray) -> Affine:
    """Build the affine: PS3.3 equation C.7.6.2.1-1, with the slice step as third column."""
    row, column = _axes(first)
    between_rows, between_columns = first.pixel_spacing_mm or (1.0, 1.0)
    lps = np.eye(4)
    lps[:3, 0] = row * between_columns
    lps[:3, 1] = column * between_rows
    lps[:3, 2] = step
    lps[:3, 3] = first.position_mm
    return lps_to_ras(lps)
