"""Images and masks that say strange things of where their voxels are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from medshelf.audit.facts import CaseFacts, ImageFacts
from medshelf.audit.reading import Part, Reading
from medshelf.model import geometry
from medshelf.model.finding import Finding
from medshelf.model.volume import Header

ITK_ORTHONORMAL = 1e-4
"""Largest deviation from orthonormal directions that ITK takes (measured with SimpleITK 2.5.7: 1e-4 is read,
2e-4 is refused, or replaced by the qform without a word where there is one)."""
SAME_PLACE = 0.01
"""Two affines agree when they put no corner further apart than this, in voxels."""
APART = 0.1
"""sform and qform agree when they put no corner further apart than this, in voxels."""
LEAST_MM, MOST_MM = 1e-4, 50.0
LOST_HEADER_PIXELS = 400
"""A slice of so many pixels of exactly 1 mm would be 40 cm wide; together with slices of exactly 1 mm and no
rotation it is far likelier that the header was lost (known of 20 cases of LiTS)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A geometry of a case, and what has it."""

    what: str
    parts: Sequence[Part]
    header: Header
    affine: np.ndarray
    is_image: bool

    @property
    def where(self) -> str:
        return self.parts[0].files[0]

    @property
    def usable(self) -> bool:
        return geometry.orientation(self.affine) != "???"


def _places(reading: Reading) -> Iterator[_Place]:
    """Yield every geometry of a case that has an affine, once for all files of a mask that share it."""
    for part in reading.images:
        if part.header is not None and part.header.affine is not None:
            yield _Place(f"image {part.name}", [part], part.header, np.asarray(part.header.affine, np.float64), True)
    for mask in reading.masks:
        groups: dict[bytes, list[Part]] = {}
        for part in mask.parts:
            if part.header is not None and part.header.affine is not None:
                groups.setdefault(np.asarray(part.header.affine, np.float64).tobytes(), []).append(part)
        for key, parts in groups.items():
            header = parts[0].header
            assert header is not None
            yield _Place(f"mask {mask.name}", parts, header, np.frombuffer(key, np.float64).reshape(4, 4), False)


def skewed_axes(reading: Reading) -> Iterator[Finding]:
    """Report direction cosines that are not orthonormal."""
    for place in _places(reading):
        error = geometry.orthonormality_error(place.affine)
        if not place.usable or not error > ITK_ORTHONORMAL:
            continue
        meta = place.header.meta
        fallback = meta.get("affine_from") == "sform" and meta.get("qform_code", 0) > 0
        degrees = _skew_degrees(place.affine)
        told = "ITK uses its qform instead, without a word" if fallback else "ITK and SimpleITK refuse the file"
        yield Finding(
            "geometry.skewed", "warning",
            f"the axes of the {place.what} are {degrees:.3f}° off a right angle: {told}",
            case=reading.case.id, file=place.where,
            evidence={"deviation": error, "degrees": degrees, "n_files": len(place.parts)},
            proposal="Resample to a rectangular grid, or replace the directions by the nearest orthonormal ones",
        )  # fmt: skip


def _skew_degrees(affine: np.ndarray) -> float:
    matrix = affine[:3, :3]
    cosines = matrix / np.sqrt((matrix**2).sum(axis=0))
    largest = np.abs(cosines.T @ cosines - np.diag(np.diag(cosines.T @ cosines))).max()
    return float(np.degrees(np.arcsin(min(1.0, largest))))


def odd_spacing(reading: Reading) -> Iterator[Finding]:
    """Report spacings that nothing can have."""
    for place in _places(reading):
        spacing = geometry.spacing_mm(place.affine)
        evidence = {"spacing_mm": spacing, "n_files": len(place.parts)}
        if not place.usable or not np.isfinite(place.affine).all():
            yield Finding(
                "geometry.degenerate", "error", f"the {place.what} says nothing usable of where its voxels are",
                case=reading.case.id, file=place.where, evidence=evidence,
                proposal="Take the affine from another copy, or leave the case out",
            )  # fmt: skip
        elif min(spacing) < LEAST_MM or max(spacing) > MOST_MM:
            yield Finding(
                "geometry.spacing", "warning", f"the {place.what} has a spacing of {_mm(spacing)}",
                case=reading.case.id, file=place.where, evidence=evidence,
                proposal="Micrometres or metres taken for millimetres? Compare with the paper",
            )  # fmt: skip


def lost_header(reading: Reading) -> Iterator[Finding]:
    """Report large slices with a spacing of exactly 1 mm in all directions and no rotation."""
    for place in _places(reading):
        columns, rows = (*place.header.shape, 1, 1)[:2]
        unit = np.array_equal(np.abs(place.affine[:3, :3]), np.eye(3))
        if not unit or min(columns, rows) < LOST_HEADER_PIXELS or not place.is_image:
            continue
        yield Finding(
            "geometry.lost-header", "warning",
            f"the {place.what} has {columns} × {rows} pixels of exactly 1 mm: its header was lost",
            case=reading.case.id, file=place.where,
            evidence={"shape": place.header.shape, "spacing_mm": (1.0, 1.0, 1.0), "n_files": len(place.parts)},
            proposal="Take the spacing from the original scan; lengths and volumes are wrong otherwise",
        )  # fmt: skip


def unplaced(reading: Reading) -> Iterator[Finding]:
    """Report NIfTI files in which neither sform nor qform is set: nobody knows left from right."""
    for place in _places(reading):
        if place.header.meta.get("affine_from") == "pixdim":
            yield Finding(
                "geometry.no-orientation", "warning",
                f"the {place.what} does not say how it lies in the patient: sform and qform are both unset",
                case=reading.case.id, file=place.where, evidence={"n_files": len(place.parts)},
                proposal="Left and right can't be told; take the orientation from the dataset's documentation",
            )  # fmt: skip


def two_affines(reading: Reading) -> Iterator[Finding]:
    """Report NIfTI files whose sform and qform disagree: programs differ in which one they take."""
    for place in _places(reading):
        sform, qform = (place.header.meta.get(name) for name in ("sform", "qform"))
        if sform is None or qform is None or "???" in (geometry.orientation(sform), geometry.orientation(qform)):
            continue
        apart = geometry.max_corner_distance_mm(sform, qform, _grid(place.header))
        if apart > APART * min(geometry.spacing_mm(sform)):
            yield Finding(
                "geometry.two-places", "warning",
                f"sform and qform of the {place.what} put its voxels up to {apart:.3g} mm apart",
                case=reading.case.id, file=place.where,
                evidence={
                    "corner_distance_mm": apart, "sform_orientation": geometry.orientation(sform),
                    "qform_orientation": geometry.orientation(qform), "n_files": len(place.parts),
                },
                proposal="medshelf and nibabel take the sform; set both alike before other programs read it",
            )  # fmt: skip


def _grid(header: Header) -> tuple[int, int, int]:
    spatial = [int(n) for n, axis in zip(header.shape, header.axes, strict=True) if axis in "ijk"]
    i, j, k = (*spatial, 1, 1, 1)[:3]
    return i, j, k


def _mm(values: Sequence[float]) -> str:
    return " × ".join(f"{v:.4g}" for v in values) + " mm"


# --- across channels and cases -------------------------------------------------------------


def channels_apart(cases: Sequence[CaseFacts]) -> Iterator[Finding]:
    """Report cases whose channels lie on different grids; a mere fact where that is so in most cases."""
    several = [case for case in cases if len(_placed(case)) > 1]
    apart = {case.case: reason for case in several if (reason := _apart(_placed(case)))}
    usual = len(apart) > len(several) / 2
    for case in several:
        if case.case in apart and not usual:
            yield Finding(
                "geometry.channels-apart", "warning", f"the channels of this case lie on different grids: "
                f"{apart[case.case]}", case=case.case, file=case.images[0].file,
                evidence={"channels": [i.channel for i in _placed(case)]},
                proposal="Resample them to one grid before stacking them",
            )  # fmt: skip
    if usual:
        some = next(iter(apart))
        yield Finding(
            "geometry.channels-apart", "info",
            f"in {len(apart)} of {len(several)} cases the channels lie on different grids, as in {some}: {apart[some]}",
            evidence={"n": len(apart), "of": len(several)}, proposal="Resample them to one grid before stacking them",
        )  # fmt: skip


def _placed(case: CaseFacts) -> list[ImageFacts]:
    return [image for image in case.images if image.affine is not None and image.axes.startswith("ijk")]


def _apart(images: Sequence[ImageFacts]) -> str | None:
    first, *others = images
    for other in others:
        if first.shape[:3] != other.shape[:3]:
            return f"{first.channel} has {first.shape[:3]} voxels, {other.channel} {other.shape[:3]}"
        a, b = np.array(first.affine), np.array(other.affine)
        distance = geometry.max_corner_distance_mm(a, b, first.shape)
        if distance > SAME_PLACE * min(geometry.spacing_mm(a)):
            return f"{first.channel} and {other.channel} are up to {distance:.3g} mm apart"
    return None


def mixed_orientations(cases: Sequence[CaseFacts]) -> Iterator[Finding]:
    """Report that cases are stored in several orientations."""
    by_channel: dict[str, Counter[str]] = {}
    for case in cases:
        for image in case.images:
            if image.orientation is not None:
                by_channel.setdefault(image.channel, Counter())[image.orientation] += 1
    for channel, counts in by_channel.items():
        if len(counts) > 1:
            told = ", ".join(f"{n} {orientation}" for orientation, n in counts.most_common())
            yield Finding(
                "geometry.mixed-orientations", "info",
                f"images of {channel} are stored in several orientations: {told}",
                evidence={"channel": channel, "orientations": dict(counts)},
                proposal="Programs that ignore the affine see some of them mirrored; use .reoriented()",
            )  # fmt: skip
