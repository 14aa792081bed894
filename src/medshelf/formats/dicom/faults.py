"""Why slices must not be stacked: each fault has a stable reason, and says which files and how far.

Tolerances
----------
A position is written with few decimals, often one or two, so the grid that it stands for is only known to
half of the last one. `tolerance_mm` allows 0.1 mm (positions rounded to a tenth of a millimetre, as some CT
scanners write them, are up to 0.05 mm off, and so are the ends of the line drawn through them), or 5 % of the
step where that is more (nothing that an interpolating viewer would show), and never above 20 % of it: one
missing slice in a row of any length moves some slice by at least a quarter of a step from the even grid, so
it can't hide below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medshelf.errors import NotAVolume
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.slice import Slice

REASONS = {
    "several-series": "the files belong to more than one series of images",
    "several-stacks": "one file holds frames of several stacks, echoes or kinds of image",
    "not-an-image": "no image that is read by series: a segmentation, slide, plan, report or other object",
    "no-position": "images without a place in the patient can't be put in order",
    "no-pixel-spacing": "a positioned image without PixelSpacing has no size in millimetres",
    "mixed-orientation": "the slices don't lie parallel: a localiser, or several scans under one UID",
    "differing-size": "the slices differ in rows, columns or samples a pixel",
    "differing-pixel-spacing": "the slices differ in PixelSpacing",
    "duplicate-files": "the same image is there twice",
    "one-position": "all images lie at one place: a film over time, not a volume",
    "uneven-times": "some positions hold more images than others",
    "unordered-times": "several images at each position, and nothing that orders them",
    "too-few-slices": "too few slices to know the distance between them",
    "missing-slices": "gaps that are whole multiples of the distance between slices",
    "varying-spacing": "the distance between slices changes",
    "shifted-slices": "slices are moved sideways against each other",
    "gantry-tilt": "the stack is sheared: the step from slice to slice is not along their normal",
}
"""Every `NotAVolume.reason` that DICOM gives, and what it means."""

SAME_ORIENTATION = 1e-3
"""Largest difference of a direction cosine: 0.06 degrees, a quarter of a millimetre at the edge of a CT."""
TILT_DEGREES = 0.25
"""Smallest tilt that counts: gantries tilt by half degrees, and rounding stays far below this."""


def tolerance_mm(step_mm: float) -> float:
    """Return how far a slice may lie from the even grid whose step is `step_mm`; see the module."""
    return min(max(0.05 * step_mm, 0.1), 0.2 * step_mm)


def fault(reason: str, slices: Sequence[Slice], why: str, hint: str | None = None) -> NotAVolume:
    """Return the error for a reason, its place being the folder of the slices."""
    name = slices[0].header.blob.name.replace("\\", "/")
    where = name.rsplit("/", 1)[0] if "/" in name and len(slices) > 1 else name
    return NotAVolume(REASONS[reason], reason=reason, where=where, why=why, hint=hint)


def names_of(slices: Sequence[Slice], most: int = 3) -> str:
    """Return some file names, and how many more there are."""
    shown = ", ".join(one.name for one in slices[:most])
    return shown + (f" and {len(slices) - most} more" if len(slices) > most else "")


def spacing_fault(slices: Sequence[Slice], along_mm: np.ndarray) -> NotAVolume | None:
    """Look for gaps and uneven steps.

    Parameters
    ----------
    slices : sequence of Slice
        One a position, in order.
    along_mm : (K,) array
        Their places along the normal, ascending.
    """
    steps = np.diff(along_mm)
    mean = float(along_mm[-1] - along_mm[0]) / len(steps)
    even = along_mm[0] + mean * np.arange(len(along_mm))
    if np.abs(along_mm - even).max() <= tolerance_mm(mean):
        return None
    for base in (float(np.median(steps)), float(steps.min())):
        times = np.round(steps / base)
        whole = np.abs(steps - times * base).max() <= 2 * tolerance_mm(base)
        if whole and times.min() >= 1 and times.max() > 1:
            return _missing(slices, along_mm, times.astype(int), base)
    k = int(np.argmax(np.abs(steps - np.median(steps))))
    return fault(
        "varying-spacing",
        slices,
        f"{len(slices)} slices with steps from {steps.min():.4g} to {steps.max():.4g} mm; the step from "
        f"{slices[k].name} to {slices[k + 1].name} is {steps[k]:.4g} mm",
        "Resample the slices to an even grid first, or ask the source for the even reconstruction",
    )


def _missing(slices: Sequence[Slice], along_mm: np.ndarray, times: np.ndarray, step: float) -> NotAVolume:
    gaps = [int(k) for k in np.flatnonzero(times > 1)]
    told = "; ".join(
        f"{times[k] - 1} between {slices[k].name} at {along_mm[k]:.4g} mm and {slices[k + 1].name} at "
        f"{along_mm[k + 1]:.4g} mm" + _numbering(slices[k], slices[k + 1])
        for k in gaps[:3]
    )
    more = f" and {len(gaps) - 3} more gaps" if len(gaps) > 3 else ""
    return fault(
        "missing-slices",
        slices,
        f"{int((times - 1).sum())} missing, the step being {step:.4g} mm: {told}{more}",
        "Fetch the series again, or look for the missing slices at the source",
    )


def _numbering(one: Slice, other: Slice) -> str:
    first, second = (x.header.whole(tags.INSTANCE_NUMBER) for x in (one, other))
    if first is None or second is None:
        return ""
    run_on = "which run on" if abs(second - first) == 1 else "which jump too"
    return f" (instance numbers {first} and {second}, {run_on})"


def shift_fault(
    slices: Sequence[Slice], positions_mm: np.ndarray, normal: np.ndarray, pixel_mm: float
) -> NotAVolume | None:
    """Look for slices moved sideways off the straight line from the first to the last."""
    whole = positions_mm[-1] - positions_mm[0]
    share = ((positions_mm - positions_mm[0]) @ normal) / float(whole @ normal)
    sideways = np.linalg.norm(positions_mm - positions_mm[0] - share[:, None] * whole, axis=1)
    worst = int(np.argmax(sideways))
    if sideways[worst] <= tolerance_mm(pixel_mm):
        return None
    return fault(
        "shifted-slices",
        slices,
        f"{slices[worst].name} lies {sideways[worst]:.4g} mm beside the line of the others, "
        f"with pixels of {pixel_mm:.4g} mm",
    )


def tilt_fault(
    slices: Sequence[Slice], positions_mm: np.ndarray, normal: np.ndarray, pixel_mm: float
) -> NotAVolume | None:
    """Look for a shear: a gantry tilt, which no affine without shear can describe (PS3.3 C.7.6.2.1.1)."""
    whole = positions_mm[-1] - positions_mm[0]
    along = float(whole @ normal)
    sideways = float(np.linalg.norm(whole - along * normal))
    degrees = float(np.degrees(np.arctan2(sideways, along)))
    if degrees <= TILT_DEGREES or sideways <= tolerance_mm(pixel_mm):
        return None
    declared = slices[0].header.values.get(tags.GANTRY_TILT, b"").strip(b" \0").decode("latin-1")
    return fault(
        "gantry-tilt",
        slices,
        f"{degrees:.2f} degrees between the normal of the slices and the step between them, "
        f"{sideways / (len(slices) - 1):.4g} mm sideways a slice; "
        f"GantryDetectorTilt is {declared or 'not given'}",
        "Resample the slices to an upright grid first",
    )
