"""Draw a volume: axial, coronal and sagittal plane at one scale, with a mask and its legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medshelf.errors import NotFound
from medshelf.model.volume import Volume
from medshelf.samples import picture, planes
from medshelf.samples.annotation import Mask
from medshelf.samples.overlay import Overlay, overlay_of
from medshelf.samples.picture import Entry, Legend
from medshelf.samples.planes import PLANES, Grid, Plane
from medshelf.samples.sample import Sample

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

LARGEST = 460
"""Longest side of a plane, in pixels."""
MARGIN, HEADER, FOOTER, CAPTION, GAP, LEGEND, NARROWEST = 20, 100, 40, 24, 14, 250, 130
MOST_ENTRIES = 18
SOFT_TISSUE, LUNG = (40.0, 400.0), (-600.0, 1500.0)
_LUNG_WORDS = ("lung", "bronch", "airway", "trachea")


@dataclass(frozen=True, slots=True)
class _Scene:
    """All that the three planes need."""

    image: Grid
    mask: Grid | None
    at: tuple[int, int, int]
    low: float
    high: float
    pixels_per_mm: float


def draw_volume(
    sample: Sample,
    channel: str,
    volume: Volume,
    mask: Mask | None,
    at: tuple[int, int, int] | None,
    window: tuple[float, float] | None,
) -> Picture:
    """Draw a volume; parameters as in `medshelf.samples.view.draw`."""
    array = volume.array[..., 0] if volume.array.ndim > 3 else volume.array
    image = planes.grid_of(array, volume.affine, volume.spacing_mm)
    overlay = overlay_of(mask) if mask is not None else None
    painted = _grid_of_overlay(overlay, image)
    low, high, told = _window(array, channel, volume, overlay, window)
    scene = _Scene(image, painted, _centre(at, array.shape, volume, image, painted), low, high, _scale(image))
    legend = _legend(overlay, mask, image) if overlay is not None and mask is not None else None
    return _compose(scene, legend, *_titles(sample, channel, volume, told, scene))


def _centre(
    asked: tuple[int, int, int] | None, shape: tuple[int, ...], volume: Volume, image: Grid, painted: Grid | None
) -> tuple[int, int, int]:
    """Return the voxel, in radiological order, through which the planes go."""
    if asked is not None:
        if any(not 0 <= n < length for n, length in zip(asked, shape, strict=True)):
            raise NotFound(f"there is no voxel {asked}", why=f"the volume has {shape} voxels, numbered from 0")
        i, j, k = planes.in_radiological_order(asked, shape, volume.affine)
        return i, j, k
    if painted is not None:
        return planes.busiest(painted, image)
    i, j, k = ((n - 1) // 2 for n in image.shape)
    return i, j, k


def _grid_of_overlay(overlay: Overlay | None, image: Grid) -> Grid | None:
    if overlay is None or overlay.array.ndim != 3:
        return None
    if overlay.affine is None and image.affine is not None and overlay.array.shape != image.shape:
        return None
    return planes.grid_of(overlay.array, overlay.affine, None)


# --- grey values ---------------------------------------------------------------------------


def _window(
    array: np.ndarray, channel: str, volume: Volume, overlay: Overlay | None, asked: tuple[float, float] | None
) -> tuple[float, float, str]:
    """Return the values that are black and white, and what is said of them."""
    if asked is not None:
        level, width = asked
    elif _is_hounsfield(array, channel, volume):
        names = " ".join(overlay.names.values()) if overlay is not None else ""
        lung = names and all(any(w in n for w in _LUNG_WORDS) for n in names.split())
        level, width = LUNG if lung else SOFT_TISSUE
    else:
        some = array.ravel(order="K")[:: max(1, array.size // 500_000)].astype(np.float32)
        some = some[np.isfinite(some)]
        inside = some[some != some.min()] if some.size else some
        if inside.size == 0:
            return 0.0, 1.0, "constant"
        low, high = np.percentile(inside, (1, 99))
        return float(low), float(high), f"grey from {low:.4g} to {high:.4g} (1st to 99th percentile)"
    return level - width / 2, level + width / 2, f"level {level:g}, width {width:g}"


def _is_hounsfield(array: np.ndarray, channel: str, volume: Volume) -> bool:
    if volume.meta.get("modality") is not None:
        return bool(volume.meta["modality"] == "CT")
    named = channel.lower().startswith("ct") or channel.lower().endswith("ct")
    some = array.ravel(order="K")[:: max(1, array.size // 200_000)]
    return bool((named or some.max() > 500) and -5000 < some.min() < -500)


# --- geometry of the picture ---------------------------------------------------------------


def _scale(image: Grid) -> float:
    spacing = image.spacing_mm or (1.0, 1.0, 1.0)
    longest = max(n * s for n, s in zip(image.shape, spacing, strict=True))
    return LARGEST / longest


def _size(scene: _Scene, plane: Plane) -> tuple[int, int]:
    """Return (width, height) of a plane in pixels."""
    spacing = scene.image.spacing_mm or (1.0, 1.0, 1.0)
    width, height = (
        max(1, round(scene.image.shape[axis] * spacing[axis] * scene.pixels_per_mm))
        for axis in (plane.across, plane.down)
    )
    return width, height


def _plane(scene: _Scene, plane: Plane) -> np.ndarray:
    """Return one plane as an RGB picture."""
    index, size = scene.at[plane.through], _size(scene, plane)
    grey = picture.windowed(planes.cut(scene.image, plane, index), scene.low, scene.high)
    grey = picture.resized(grey, size, smooth=True)
    rgb = np.repeat(grey[..., None], 3, axis=2)
    if scene.mask is None:
        return rgb
    numbers = planes.cut_on(scene.mask, scene.image, plane, index)
    return picture.painted(rgb, picture.resized_numbers(numbers, size))


# --- composing -----------------------------------------------------------------------------

Place = tuple[Plane, tuple[int, int], tuple[int, int]]
"""A plane, its left and top, its width and height."""


def _compose(scene: _Scene, legend: Legend | None, title: str, facts: Sequence[str]) -> Picture:
    from PIL import Image as pil

    places = _arranged([_size(scene, plane) for plane in PLANES])
    right = max(left + max(width, NARROWEST) for _, (left, _), (width, _) in places)
    bottom = max(top + height + CAPTION for _, (_, top), (_, height) in places)
    side = min(LEGEND + 120, max(LEGEND, legend.width())) if legend is not None else 0
    width = max(right + (GAP + side if legend else 0) + MARGIN, 640)
    height = max(bottom, HEADER + legend.height() if legend is not None else 0) + FOOTER
    canvas = pil.new("RGB", (width, height), picture.BACKGROUND)
    room = width - 2 * MARGIN
    picture.write(canvas, (MARGIN, 16), picture.shortened(title, 20, room), 20)
    for n, line in enumerate(facts):
        picture.write(canvas, (MARGIN, 46 + 19 * n), picture.shortened(line, 14, room), 14, picture.DIM)
    for n, place in enumerate(places):
        _paste(canvas, scene, place, first=n == 0)
    if legend is not None:
        legend.draw(canvas, right + GAP + 6, HEADER, width - right - GAP - 6 - MARGIN)
    _footer(canvas, scene)
    return canvas


def _arranged(sizes: Sequence[tuple[int, int]]) -> list[Place]:
    """Lay planes out: side by side, or the second and third above each other where both are low."""
    first, *others = sizes
    stacked = sum(height for _, height in others) + CAPTION + GAP <= max(first[1], LARGEST * 2 // 3)
    places: list[Place] = [(PLANES[0], (MARGIN, HEADER), first)]
    left, top = MARGIN + max(first[0], NARROWEST) + GAP, HEADER
    for plane, size in zip(PLANES[1:], others, strict=True):
        places.append((plane, (left, top), size))
        if stacked:
            top += size[1] + CAPTION + GAP
        else:
            left += max(size[0], NARROWEST) + GAP
    return places


def _paste(canvas: Picture, scene: _Scene, place: Place, *, first: bool) -> None:
    from PIL import Image as pil

    plane, (left, top), size = place
    canvas.paste(pil.fromarray(_plane(scene, plane)), (left, top))
    bottom = top + size[1]
    if scene.image.placed:
        _letters(canvas, plane, (left, top), size)
    name = plane.name if scene.image.placed else f"plane {'ijk'[plane.across]}{'ijk'[plane.down]}"
    told = f"{name}, {scene.at[plane.through] + 1} of {scene.image.shape[plane.through]}"
    picture.write(canvas, (left, bottom + 5), told, 13, picture.DIM)
    if first and scene.image.spacing_mm is not None:
        picture.scale_bar(canvas, left + 10, bottom - 10, scene.pixels_per_mm, size[0] / 3)


def _letters(canvas: Picture, plane: Plane, at: tuple[int, int], size: tuple[int, int]) -> None:
    """Write the sides of the patient at the edges, as far as there is room."""
    (left, top), (width, height) = at, size
    middle_x, middle_y = left + width / 2, top + height / 2
    at_left, at_right, at_top, at_bottom = plane.letters
    if height < 18:
        return
    picture.write(canvas, (left + 6, middle_y), at_left, 16, anchor="lm", halo=True)
    picture.write(canvas, (left + width - 6, middle_y), at_right, 16, anchor="rm", halo=True)
    if height >= 56:
        picture.write(canvas, (middle_x, top + 5), at_top, 16, anchor="ma", halo=True)
        picture.write(canvas, (middle_x, top + height - 5), at_bottom, 16, anchor="md", halo=True)


def _footer(canvas: Picture, scene: _Scene) -> None:
    told = (
        "Radiological convention: the patient's right is on the left. R right, L left, A front, P back, S head, I feet."
        if scene.image.placed
        else "The file does not say how the volume lies in the patient: planes as stored."
    )
    told = picture.shortened(told, 13, canvas.width - 2 * MARGIN)
    picture.write(canvas, (MARGIN, canvas.height - 26), told, 13, picture.DIM)


def _titles(sample: Sample, channel: str, volume: Volume, window: str, scene: _Scene) -> tuple[str, list[str]]:
    shape = " × ".join(str(n) for n in volume.shape)
    spacing = "spacing unknown"
    if volume.spacing_mm is not None:
        spacing = " × ".join(f"{s:.3g}" for s in volume.spacing_mm) + " mm"
    place = f"stored as {volume.orientation}" if volume.affine is not None else "no place in the patient"
    extra = ["first of the last axis"] if volume.array.ndim > 3 else []
    split = [f"split {sample.split}"] if sample.split else []
    facts = [f"channel {channel}", f"{shape} voxels", spacing, place, str(volume.array.dtype), *extra]
    return f"{sample.dataset}  ·  {sample.case}", ["  ·  ".join(facts), "  ·  ".join([window, *split])]


# --- legend --------------------------------------------------------------------------------


def _legend(overlay: Overlay, mask: Mask, image: Grid) -> Legend:
    counts = overlay.counts()
    spacing = _spacing(overlay, image)
    values = {n: _amount(count, spacing) for n, count in counts.items()}
    title = f"{mask.name}" + (f" by {mask.annotator}" if mask.annotator else "")
    if overlay.instances is not None:
        total = _amount(sum(counts.values()), spacing)
        return Legend(title, (Entry(f"{overlay.instances}: {len(counts)} instances", None, total),))
    if not counts:
        return Legend(title, (Entry("nothing is marked", None),))
    return Legend(title, *_entries(counts, overlay.names, values))


def _entries(
    counts: Mapping[int, int], names: Mapping[int, str], values: Mapping[int, str]
) -> tuple[tuple[Entry, ...], int]:
    largest = sorted(counts, key=lambda n: -counts[n])[:MOST_ENTRIES]
    shown = [n for n in counts if n in set(largest)]
    entries = tuple(Entry(names.get(n, str(n)), picture.colour_of(n), values[n]) for n in shown)
    return entries, len(counts) - len(shown)


def _spacing(overlay: Overlay, image: Grid) -> tuple[float, float, float] | None:
    from medshelf.model import geometry

    return geometry.spacing_mm(overlay.affine) if overlay.affine is not None else image.spacing_mm


def _amount(count: int, spacing: tuple[float, float, float] | None) -> str:
    if spacing is None:
        return f"{count} voxels"
    ml = count * spacing[0] * spacing[1] * spacing[2] / 1000
    return f"{ml:,.0f} ml" if ml >= 100 else f"{ml:.3g} ml"
