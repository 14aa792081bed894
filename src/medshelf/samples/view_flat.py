"""Draw a picture: as it is, and beside it with mask, boxes or outlines, or with questions and answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medshelf.model.volume import Volume
from medshelf.samples import picture
from medshelf.samples.annotation import Annotation, Mask
from medshelf.samples.overlay import Overlay, overlay_of
from medshelf.samples.picture import Entry, Legend
from medshelf.samples.sample import Sample

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from medshelf.formats.boxes import Box

LARGEST = (620, 640)
"""Largest width and height of the picture, in pixels."""
MARGIN, HEADER, GAP, SIDE = 20, 82, 14, 260
MOST_ENTRIES = 18


def draw_flat(
    sample: Sample,
    channel: str,
    volume: Volume,
    annotation: Mask | Annotation | None,
    questions: Sequence[dict[str, object]],
    window: tuple[float, float] | None,
) -> Picture:
    """Draw a picture; parameters as in `medshelf.samples.view.draw`."""
    volume = _upright(volume)
    rgb, told = rgb_of(volume, window)
    rows, columns = rgb.shape[:2]
    scale = min(LARGEST[0] / columns, LARGEST[1] / rows, 8)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    plain = picture.resized(rgb, size, smooth=scale < 3)
    panels, legend = [plain], None
    if annotation is not None:
        drawn, legend = _annotated(plain, annotation, (rows, columns), scale)
        panels.append(drawn)
    facts = [f"channel {channel}", f"{columns} × {rows} pixels", told, *_class_of(sample)]
    canvas, left = _canvas(sample, panels, legend, facts, questions)
    if questions:
        from medshelf.samples.view_text import write_questions

        write_questions(canvas, questions, (left, HEADER), (canvas.width - left - MARGIN, canvas.height - HEADER - 16))
    return canvas


def rgb_of(volume: Volume, window: tuple[float, float] | None = None) -> tuple[np.ndarray, str]:
    """Return a picture as (rows, columns, 3) uint8, the first where there are several, and what was done to it."""
    array, axes = volume.array, volume.axes
    if axes.startswith(("n", "t")):
        array, axes = array[0], axes[1:]
    palette = volume.meta.get("palette")
    if palette is not None and axes == "yx":
        return np.asarray(palette)[np.minimum(array, len(palette) - 1)].astype(np.uint8), "colour table"
    kind = str(array.dtype)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    if array.dtype != np.uint8 or window is not None:
        low, high = _range(array, window)
        array = picture.windowed(array, low, high)
        kind += f", grey from {low:.4g} to {high:.4g}"
    if axes == "yx" or array.shape[-1] < 3:
        grey = array if axes == "yx" else array[..., 0]
        return np.repeat(grey[..., None], 3, axis=2), kind
    return np.ascontiguousarray(array[..., :3]), kind


def _upright(volume: Volume) -> Volume:
    """Return a single slice, (I, J), as a picture, (Y, X), with its first axis across."""
    if not volume.axes.startswith("ij"):
        return volume
    return replace(volume, array=volume.array.swapaxes(0, 1), axes="yx" + volume.axes[2:])


def _range(array: np.ndarray, window: tuple[float, float] | None) -> tuple[float, float]:
    if window is not None:
        return window[0] - window[1] / 2, window[0] + window[1] / 2
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array.ravel()
    if finite.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(finite[:: max(1, finite.size // 500_000)], (0.5, 99.5))
    return float(low), float(high)


def _class_of(sample: Sample) -> list[str]:
    told = [f"split {sample.split}"] if sample.split else []
    for name, value in sample.targets.items():
        if isinstance(value, str | int | float):
            told.append(f"{name}: {value}")
    return told[:4]


# --- annotations ---------------------------------------------------------------------------


def _annotated(
    plain: np.ndarray, annotation: Mask | Annotation, shape: tuple[int, int], scale: float
) -> tuple[np.ndarray, Legend]:
    if isinstance(annotation, Mask):
        return _with_mask(plain, annotation, shape)
    value = annotation.read()
    if annotation.kind == "boxes":
        return _with_boxes(plain, annotation.name, value, scale)
    return _with_contours(plain, annotation.name, value, scale)


def _with_mask(plain: np.ndarray, mask: Mask, shape: tuple[int, int]) -> tuple[np.ndarray, Legend]:
    overlay = _first_page(overlay_of(mask), mask)
    if overlay.array.shape != shape:
        told = f"the mask has {overlay.array.shape[-1]} × {overlay.array.shape[0]} pixels"
        return plain, Legend(mask.name, (Entry(told, None), Entry("it does not fit the picture", None)))
    size = plain.shape[1], plain.shape[0]
    return picture.painted(plain, picture.resized_numbers(overlay.array, size)), _mask_legend(overlay, mask)


def _first_page(overlay: Overlay, mask: Mask) -> Overlay:
    """Return an overlay as (rows, columns), the first of several pages."""
    array = overlay.array[0] if overlay.array.ndim == 3 else overlay.array
    if mask.images and mask.header().axes.startswith("ij"):
        array = array.T
    return replace(overlay, array=array)


def _mask_legend(overlay: Overlay, mask: Mask) -> Legend:
    counts = overlay.counts()
    total = overlay.array.size
    if overlay.instances is not None:
        share = f"{sum(counts.values()) / total:.1%}"
        return Legend(mask.name, (Entry(f"{overlay.instances}: {len(counts)}", None, share),))
    if not counts:
        return Legend(mask.name, (Entry("nothing is marked", None),))
    shown = list(counts)[:MOST_ENTRIES]
    entries = [Entry(overlay.names[n], picture.colour_of(n), f"{counts[n] / total:.1%}") for n in shown]
    return Legend(mask.name, entries, len(counts) - len(shown))


def _with_boxes(plain: np.ndarray, name: str, value: Any, scale: float) -> tuple[np.ndarray, Legend]:
    from PIL import Image as pil
    from PIL import ImageDraw

    boxes: Sequence[Box] = value.to_edges().boxes
    counts = Counter(box.label for box in boxes)
    colours = {label: picture.colour_of(n) for n, label in enumerate(sorted(counts), 1)}
    canvas = pil.fromarray(plain)
    draw = ImageDraw.Draw(canvas)
    for box in boxes:
        corners = [v * scale for v in (box.x_min, box.y_min, box.x_max, box.y_max)]
        left, top, right, bottom = (min(corners[0::2]), min(corners[1::2]), max(corners[0::2]), max(corners[1::2]))
        draw.rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), outline=colours[box.label], width=2)
    for box in boxes:
        left, top = min(box.x_min, box.x_max) * scale, min(box.y_min, box.y_max) * scale
        _tag(canvas, box.label, left, top, colours[box.label])
    entries = [Entry(label, colours[label], str(counts[label])) for label in sorted(counts)]
    return np.asarray(canvas), Legend(name, entries or (Entry("no boxes", None),))


def _tag(canvas: Picture, text: str, left: float, top: float, colour: picture.Colour) -> None:
    """Write a label on its colour, above the corner of a box or, at the upper edge, inside of it."""
    from PIL import ImageDraw

    width = picture.width_of(text, 12) + 6
    x = min(max(0.0, left), canvas.width - width)
    y = top - 15 if top >= 15 else top
    ImageDraw.Draw(canvas).rectangle((x, y, x + width, y + 15), fill=colour)
    picture.write(canvas, (x + 3, y + 1), text, 12, (0, 0, 0))


def _with_contours(plain: np.ndarray, name: str, value: Any, scale: float) -> tuple[np.ndarray, Legend]:
    from PIL import Image as pil
    from PIL import ImageDraw

    contours: list[Any] = list(getattr(value, "contours", ()))
    counts = Counter(str(c.label) for c in contours)
    colours = {label: picture.colour_of(n) for n, label in enumerate(sorted(counts), 1)}
    canvas = pil.fromarray(plain)
    draw = ImageDraw.Draw(canvas)
    for contour in contours:
        points = [(float(x) * scale, float(y) * scale) for x, y in contour.points_xy.tolist()]
        if len(points) > 1:
            draw.line([*points, points[0]], fill=colours[str(contour.label)], width=2)
    entries = [Entry(label, colours[label], str(counts[label])) for label in sorted(counts)]
    return np.asarray(canvas), Legend(name, entries or (Entry("no outlines", None),))


# --- composing -----------------------------------------------------------------------------


def _canvas(
    sample: Sample, panels: Sequence[np.ndarray], legend: Legend | None, facts: Sequence[str], questions: Sequence[Any]
) -> tuple[Picture, int]:
    """Lay out title and panels; return the canvas and where the space to the right of the panels begins."""
    from PIL import Image as pil

    height = max(p.shape[0] for p in panels)
    side = (min(SIDE + 120, max(SIDE, legend.width())) if legend else 0) + (480 if questions else 0)
    left = MARGIN
    width = max(2 * MARGIN + sum(p.shape[1] + GAP for p in panels) + side - (0 if side else GAP), 560)
    tall = max(height, legend.height() if legend else 0, 360 if questions else 0)
    canvas = pil.new("RGB", (width, HEADER + tall + MARGIN), picture.BACKGROUND)
    room = width - 2 * MARGIN
    picture.write(canvas, (MARGIN, 16), picture.shortened(f"{sample.dataset}  ·  {sample.case}", 20, room), 20)
    picture.write(canvas, (MARGIN, 46), picture.shortened("  ·  ".join(facts), 14, room), 14, picture.DIM)
    for panel in panels:
        canvas.paste(pil.fromarray(np.ascontiguousarray(panel)), (left, HEADER))
        left += panel.shape[1] + GAP
    if legend is not None:
        wide = width - left - MARGIN - (480 if questions else 0)
        legend.draw(canvas, left, HEADER, wide)
        left += wide + GAP if questions else 0
    return canvas, left
