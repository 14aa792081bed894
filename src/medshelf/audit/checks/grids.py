"""Masks that do not lie on the grid of their image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from medshelf.audit.checks.geometry import SAME_PLACE
from medshelf.audit.reading import MaskReading, Part, Reading
from medshelf.model import geometry
from medshelf.model.finding import Finding
from medshelf.model.volume import Header

ITK_TOLERANCE = 1e-6
"""ITK's default tolerance, of the first spacing for origin and spacing, and for direction cosines; beyond it its
filters say "Inputs do not occupy the same physical space!"."""


def masks_off_grid(reading: Reading) -> Iterator[Finding]:
    """Compare the grid of every mask with that of its image and say how they differ."""
    for mask in reading.masks:
        groups: dict[tuple[Any, ...], list[Part]] = {}
        for part in mask.parts:
            if part.header is not None:
                groups.setdefault(_key(part.header), []).append(part)
        for parts in groups.values():
            image = _image_of(reading, mask, parts[0])
            finding = _compare(image, parts[0]) if image is not None else None
            if image is not None and finding is not None:
                yield _placed(finding, reading, parts, image)


def _key(header: Header) -> tuple[Any, ...]:
    place = None if header.affine is None else np.asarray(header.affine, np.float64).tobytes()
    return (header.axes, tuple(header.shape), place)


def _image_of(reading: Reading, mask: MaskReading, part: Part) -> Part | None:
    """Return the image that a mask was drawn on: the one that its slot names, else the one that fits best."""
    images = [i for i in reading.images if i.header is not None and _n_axes(i.header) == _n_axes(part.header)]
    if mask.slot is not None and mask.slot.space is not None:
        names = {ref.name for ref in reading.case.files.get(mask.slot.space, ())}
        images = [image for image in images if names & set(image.files)] or images
    return min(images, key=lambda image: _misfit(image.header, part.header), default=None)


def _n_axes(header: Header | None) -> int:
    """Number of spatial axes: 3 for volumes, 2 for pictures and single slices, 0 for anything else."""
    assert header is not None
    return 3 if header.axes.startswith("ijk") else 2 if header.axes[:2] in ("yx", "ij") else 0


def _misfit(image: Header | None, mask: Header | None) -> tuple[bool, float]:
    assert image is not None and mask is not None
    n = _n_axes(image)
    if tuple(image.shape[:n]) != tuple(mask.shape[:n]):
        return True, 0.0
    if image.affine is None or mask.affine is None:
        return False, 0.0
    distance = geometry.max_corner_distance_mm(image.affine, mask.affine, (*image.shape[:n], 1, 1, 1)[:3])
    return False, distance if np.isfinite(distance) else float("inf")


def _placed(found: Finding, reading: Reading, parts: list[Part], image: Part) -> Finding:
    evidence = {**found.evidence, "image": image.files[0]}
    if len(parts) > 1:
        evidence["n_files"] = len(parts)
    return replace(found, case=reading.case.id, file=parts[0].files[0], evidence=evidence)


def _compare(image: Part, part: Part) -> Finding | None:
    a, b = image.header, part.header
    assert a is not None and b is not None
    n = _n_axes(a)
    of_image, of_mask = tuple(a.shape[:n]), tuple(b.shape[:n])
    if n and of_image != of_mask:
        unit = "voxels" if n == 3 else "pixels"
        swapped = ": its axes are exchanged" if sorted(of_image) == sorted(of_mask) else ""
        return Finding(
            "grid.shape", "error", f"the mask has {_by(of_mask)} {unit} and the image {_by(of_image)}{swapped}",
            evidence={"mask_shape": of_mask, "image_shape": of_image},
            proposal="The mask belongs to another image, or to a resampled or cropped one",
        )  # fmt: skip
    if a.affine is None or b.affine is None:
        return None
    places = np.asarray(a.affine, np.float64), np.asarray(b.affine, np.float64)
    if any(geometry.orientation(place) == "???" for place in places):
        return None
    return _compare_places(*places, (*of_image, 1, 1, 1)[:3])


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)


def _compare_places(a: np.ndarray, b: np.ndarray, shape: tuple[int, ...]) -> Finding | None:
    """Compare two usable affines of one grid, `a` of the image and `b` of the mask."""
    distance = geometry.max_corner_distance_mm(a, b, shape)
    voxel = min(geometry.spacing_mm(a))
    evidence: dict[str, Any] = {"corner_distance_mm": distance, "corner_distance_voxels": distance / voxel}
    if distance <= SAME_PLACE * voxel:
        return _rounding(a, b, evidence)
    for one, other, which in ((b, a, "mask"), (a, b, "image")):
        if np.array_equal(one, np.eye(4)) and not np.allclose(other[:3, :3], np.eye(3), atol=1e-3):
            return Finding(
                "grid.lost-header", "error", f"the header of the {which} holds the identity, its partner's does not",
                evidence=evidence, proposal=f"Look at both, then give the {which} its partner's affine",
            )  # fmt: skip
    return _difference(a, b, shape, evidence)


def _rounding(a: np.ndarray, b: np.ndarray, evidence: dict[str, Any]) -> Finding | None:
    spacing_a, spacing_b = np.array(geometry.spacing_mm(a)), np.array(geometry.spacing_mm(b))
    tolerance = ITK_TOLERANCE * spacing_a[0]
    moved = np.abs(a[:3, 3] - b[:3, 3]).max() > tolerance or np.abs(spacing_a - spacing_b).max() > tolerance
    turned = np.abs(a[:3, :3] / spacing_a - b[:3, :3] / spacing_b).max() > ITK_TOLERANCE
    if not moved and not turned:
        return None
    return Finding(
        "grid.rounding", "info",
        f"mask and image differ by rounding ({evidence['corner_distance_mm']:.1e} mm), which ITK's filters refuse",
        evidence=evidence, proposal="Give the mask the affine of its image before using ITK's filters",
    )  # fmt: skip


def _difference(a: np.ndarray, b: np.ndarray, shape: tuple[int, ...], evidence: dict[str, Any]) -> Finding:
    """Name the kind of a real difference."""
    spacing_a, spacing_b = geometry.spacing_mm(a), geometry.spacing_mm(b)
    if not np.allclose(sorted(spacing_a), sorted(spacing_b), rtol=1e-3):
        return Finding(
            "grid.spacing", "error", f"the mask has a spacing of {_mm(spacing_b)}, the image of {_mm(spacing_a)}",
            evidence=evidence | {"mask_spacing_mm": spacing_b, "image_spacing_mm": spacing_a},
            proposal="One of the headers is wrong: compare with another copy",
        )  # fmt: skip
    if np.allclose(a[:3, :3], b[:3, :3], rtol=0, atol=1e-3 * min(spacing_a)):
        shift = [round(float(x), 4) for x in b[:3, 3] - a[:3, 3]]
        return Finding(
            "grid.origin", "error", f"the mask lies beside its image: {_signed(shift)} mm to the right, front and head",
            evidence=evidence | {"shift_mm": shift}, proposal="Look at both, then give the mask its image's affine",
        )  # fmt: skip
    if geometry.orientation(a) != geometry.orientation(b):
        return _turned(a, b, shape, evidence)
    degrees = _angle_degrees(a, b)
    return Finding(
        "grid.direction", "error",
        f"the mask is turned by {degrees:.3g}° against its image, {evidence['corner_distance_mm']:.3g} mm at a corner",
        evidence=evidence | {"degrees": degrees}, proposal="Look at both, then give the mask its image's affine",
    )  # fmt: skip


def _turned(a: np.ndarray, b: np.ndarray, shape: tuple[int, ...], evidence: dict[str, Any]) -> Finding:
    """Tell a mask that is stored in another order of voxels from one whose header is mirrored."""
    codes = geometry.orientation(a), geometry.orientation(b)
    evidence = evidence | {"image_orientation": codes[0], "mask_orientation": codes[1]}
    turned, brought = geometry.reorient(np.empty(shape, np.bool_), b, codes[0])
    near = SAME_PLACE * min(geometry.spacing_mm(a))
    if turned.shape == shape and geometry.max_corner_distance_mm(a, brought, shape) <= near:
        return Finding(
            "grid.orientation", "warning",
            f"the image is stored as {codes[0]} and the mask as {codes[1]}; in the patient they cover the same place",
            evidence=evidence, proposal="Reorient one of them: programs that ignore affines see the mask mirrored",
        )  # fmt: skip
    return Finding(
        "grid.flipped", "error", f"the mask is {_how(*codes)} against its image: {codes[1]} and {codes[0]}",
        evidence=evidence, proposal="One of the headers is wrong: look at both with `medshelf view`",
    )  # fmt: skip


def _how(image: str, mask: str) -> str:
    """Say how the axes of two orientations differ."""
    names = {frozenset("LR"): "left-right", frozenset("AP"): "front-back", frozenset("IS"): "head-foot"}
    mirrored = [name for letters, name in names.items() if not letters & set(image) & set(mask)]
    order = [[next(n for n in names if x in n) for x in code] for code in (image, mask)]
    told = [f"mirrored ({', '.join(mirrored)})"] if mirrored else []
    return " and ".join(told + (["stored with its axes in another order"] if order[0] != order[1] else []))


def _angle_degrees(a: np.ndarray, b: np.ndarray) -> float:
    rotation = (a[:3, :3] / geometry.spacing_mm(a)).T @ (b[:3, :3] / geometry.spacing_mm(b))
    return float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))))


def _signed(values: Any) -> str:
    return ", ".join(f"{v:+.4g}" for v in values)


def _mm(values: Any) -> str:
    return " × ".join(f"{v:.4g}" for v in values) + " mm"
