"""Images and masks that say strange things of where their voxels are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

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
LEAST_MM, MOST_MM = 1e-4, 50.0
LOST_HEADER_PIXELS = 400
"""A slice of so many pixels of exactly 1 mm would be 40 cm wide; together with slices of exactly 1 mm and no
rotation it is far likelier that the header was lost (known of 20 cases of LiTS)."""


def _volumes(reading: Reading) -> Iterator[tuple[str, Sequence[Part], Header]]:
    """Yield (what it is, the parts that share it, header) for every geometry of a case that has an affine."""
    for part in reading.images:
        if part.header is not None and part.header.affine is not None:
            yield f"image {part.name}", [part], part.header
    for mask in reading.masks:
        groups: dict[bytes, list[Part]] = {}
        for part in mask.parts:
            if part.header is not None and part.header.affine is not None:
                groups.setdefault(np.asarray(part.header.affine).tobytes(), []).append(part)
        for parts in groups.values():
            header = parts[0].header
            assert header is not None
            yield f"mask {mask.name}", parts, header


def skewed_axes(reading: Reading) -> Iterator[Finding]:
    """Report direction cosines that are not orthonormal."""
    for what, parts, header in _volumes(reading):
        error = geometry.orthonormality_error(header.affine)
        if not np.isfinite(header.affine).all() or not ITK_ORTHONORMAL < error < np.inf:
            continue
        fallback = header.meta.get("affine_from") == "sform" and header.meta.get("qform_code", 0) > 0
        told = "ITK uses its qform instead, without a word" if fallback else "ITK and SimpleITK refuse the file"
        yield Finding(
            "geometry.skewed", "warning",
            f"the axes of the {what} are {_skew_degrees(header):.3f}° off a right angle: {told}",
            case=reading.case.id, file=parts[0].files[0],
            evidence={"deviation": error, "degrees": _skew_degrees(header), "n_files": len(parts)},
            proposal="Resample to a rectangular grid, or replace the directions by the nearest orthonormal ones",
        )  # fmt: skip


def _skew_degrees(header: Header) -> float:
    matrix = np.asarray(header.affine)[:3, :3]
    cosines = matrix / np.sqrt((matrix**2).sum(axis=0))
    largest = np.abs(cosines.T @ cosines - np.diag(np.diag(cosines.T @ cosines))).max()
    return float(np.degrees(np.arcsin(min(1.0, largest))))


def odd_spacing(reading: Reading) -> Iterator[Finding]:
    """Report spacings that nothing can have."""
    for what, parts, header in _volumes(reading):
        spacing = geometry.spacing_mm(header.affine)
        place = {
            "case": reading.case.id, "file": parts[0].files[0],
            "evidence": {"spacing_mm": spacing, "n_files": len(parts)},
        }  # fmt: skip
        if not np.isfinite(header.affine).all() or min(spacing) == 0 or geometry.orientation(header.affine) == "???":
            yield Finding(
                "geometry.degenerate", "error", f"the {what} says nothing usable of where its voxels are", **place,
                proposal="Take the affine from another copy, or leave the case out",
            )  # fmt: skip
        elif min(spacing) < LEAST_MM or max(spacing) > MOST_MM:
            yield Finding(
                "geometry.spacing", "warning", f"the {what} has a spacing of {_mm(spacing)}", **place,
                proposal="Micrometres or metres taken for millimetres? Compare with the paper",
            )  # fmt: skip


def lost_header(reading: Reading) -> Iterator[Finding]:
    """Report large slices with a spacing of exactly 1 mm in all directions and no rotation."""
    for what, parts, header in _volumes(reading):
        matrix = np.asarray(header.affine)[:3, :3]
        if not np.array_equal(np.abs(matrix), np.eye(3)):
            continue
        if header.shape[0] < LOST_HEADER_PIXELS or header.shape[1] < LOST_HEADER_PIXELS:
            continue
        yield Finding(
            "geometry.lost-header", "warning",
            f"the {what} has {header.shape[0]} × {header.shape[1]} pixels of exactly 1 mm: its header was lost",
            case=reading.case.id, file=parts[0].files[0],
            evidence={"shape": header.shape, "spacing_mm": (1.0, 1.0, 1.0), "origin_mm": _origin(header)},
            proposal="Take the spacing from the original scan; lengths and volumes are wrong otherwise",
        )  # fmt: skip


def unplaced(reading: Reading) -> Iterator[Finding]:
    """Report NIfTI files in which neither sform nor qform is set: nobody knows left from right."""
    for what, parts, header in _volumes(reading):
        if header.meta.get("affine_from") == "pixdim":
            yield Finding(
                "geometry.no-orientation", "warning",
                f"the {what} does not say how it lies in the patient: sform and qform are both unset",
                case=reading.case.id, file=parts[0].files[0], evidence={"n_files": len(parts)},
                proposal="Left and right can't be told; take the orientation from the dataset's documentation",
            )  # fmt: skip


def two_affines(reading: Reading) -> Iterator[Finding]:
    """Report NIfTI files whose sform and qform disagree: programs differ in which one they take."""
    for what, parts, header in _volumes(reading):
        sform, qform = header.meta.get("sform"), header.meta.get("qform")
        if sform is None or qform is None or not (np.isfinite(sform).all() and np.isfinite(qform).all()):
            continue
        apart = geometry.max_corner_distance_mm(sform, qform, _grid(header))
        least = min(geometry.spacing_mm(sform))
        if least > 0 and apart > 0.1 * least:
            yield Finding(
                "geometry.two-places", "warning",
                f"sform and qform of the {what} put its voxels up to {apart:.3g} mm apart",
                case=reading.case.id, file=parts[0].files[0],
                evidence={
                    "corner_distance_mm": apart, "sform_orientation": geometry.orientation(sform),
                    "qform_orientation": geometry.orientation(qform), "n_files": len(parts),
                },
                proposal="medshelf and nibabel take the sform; set both alike before other programs read it",
            )  # fmt: skip


def _grid(header: Header) -> tuple[int, int, int]:
    i, j, k = (*(int(n) for n in header.shape[: len(re.match("[ijk]*", header.axes)[0])]), 1, 1, 1)[:3]  # type: ignore[index]
    return i, j, k


def _origin(header: Header) -> list[float]:
    return [round(float(x), 4) for x in np.asarray(header.affine)[:3, 3]]


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
