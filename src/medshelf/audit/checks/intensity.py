"""Voxels of images that can't be what they claim to be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from medshelf.audit.facts import CaseFacts, ImageFacts
from medshelf.audit.reading import Part, Reading
from medshelf.model.finding import Finding

LEAST_HU, MOST_HU = -4096, 32767
"""Hounsfield units outside of this are no CT: scanners pad with down to -3072 and store at most 16 bits."""
FAR_TIMES = 30
"""Scanners and sequences differ by less than this; a value that is in other units differs by more."""
ENOUGH_CASES = 10
_AIR_SHARE, _TISSUE_SHARE = 0.02, 0.05
_CT_WORDS = {"ct", "cta", "cect", "ncct", "ldct", "ctac"}


def not_finite(reading: Reading) -> Iterator[Finding]:
    """Report voxels that are no numbers or infinite."""
    for part in reading.images:
        seen = part.intensities
        if seen is not None and seen.n_not_finite:
            yield Finding(
                "intensity.not-finite", "error",
                f"{seen.n_not_finite} of {seen.n_voxels} voxels are no number or infinite",
                case=reading.case.id, file=part.files[0],
                evidence={"n": seen.n_not_finite, "n_voxels": seen.n_voxels},
                proposal="Decide what they stand for (often background) and replace them before training",
            )  # fmt: skip


def constant(reading: Reading) -> Iterator[Finding]:
    """Report images without any content."""
    for part in reading.images:
        seen = part.intensities
        if seen is not None and seen.n_voxels and seen.minimum == seen.maximum:
            yield Finding(
                "intensity.constant", "error", f"every voxel of this image is {seen.minimum:g}",
                case=reading.case.id, file=part.files[0], evidence={"value": seen.minimum},
                proposal="Fetch it again; if it stays so, leave the case out",
            )  # fmt: skip


def hounsfield(reading: Reading) -> Iterator[Finding]:
    """Report CT volumes whose numbers can't be Hounsfield units."""
    for part in reading.images:
        seen = part.intensities
        if seen is None or seen.minimum == seen.maximum or not is_ct_volume(part, reading):
            continue
        evidence = {"min": seen.minimum, "max": seen.maximum, "percentiles": seen.percentiles}
        place = {"case": reading.case.id, "file": part.files[0], "evidence": evidence}
        if seen.minimum < LEAST_HU or seen.maximum > MOST_HU:
            yield Finding(
                "intensity.hounsfield-range", "warning",
                f"values from {seen.minimum:g} to {seen.maximum:g} reach beyond what a CT can hold",
                **place, proposal="Look at it; a slope applied twice, or noise from a broken conversion",
            )  # fmt: skip
        elif seen.minimum >= 0 and seen.near_zero >= _AIR_SHARE and seen.near_water >= _TISSUE_SHARE:
            yield Finding(
                "intensity.hounsfield-offset", "warning",
                f"no value is below 0, with air near 0 and tissue near 1024: {seen.near_zero:.0%} and "
                f"{seen.near_water:.0%} of the voxels",
                **place, proposal="1024 was added to Hounsfield units: subtract it before mixing this with other CT",
            )  # fmt: skip
        elif seen.minimum >= 0 and seen.maximum <= 255:
            yield Finding(
                "intensity.not-hounsfield", "warning",
                f"values from {seen.minimum:g} to {seen.maximum:g} are no Hounsfield units",
                **place, proposal="Windowed or normalised: do not mix it with CT in Hounsfield units",
            )  # fmt: skip


def outliers(cases: Sequence[CaseFacts]) -> Iterator[Finding]:
    """Report volumes whose values span far more, or less, than those of most cases."""
    for channel, images in _by_channel(cases).items():
        spans = {case: _span(image) for case, image in images.items()}
        usual = sorted(spans.values())[len(spans) // 2]
        if len(spans) < ENOUGH_CASES or usual <= 0:
            continue
        for case, span in spans.items():
            if span > 0 and not 1 / FAR_TIMES < span / usual < FAR_TIMES:
                times = f"{span / usual:.0f} times" if span > usual else f"1/{usual / span:.0f} of"
                yield Finding(
                    "intensity.outlier", "warning", f"the values of {channel} span {times} what most cases span",
                    case=case, file=images[case].file,
                    evidence={"span": span, "usual_span": usual, "percentiles": images[case].percentiles},
                    proposal="Another scale, or a broken conversion: normalise each case, or leave it out",
                )  # fmt: skip


def mixed_types(cases: Sequence[CaseFacts]) -> Iterator[Finding]:
    """Report that volumes of one channel are stored in several types: some of them may have been rescaled."""
    for channel, images in _by_channel(cases).items():
        types: dict[str, list[str]] = {}
        for case, image in images.items():
            types.setdefault(image.dtype, []).append(case)
        if len(types) > 1:
            ordered = sorted(types.items(), key=lambda item: -len(item[1]))
            told = ", ".join(f"{len(names)} {dtype}" for dtype, names in ordered)
            rare = min(types.values(), key=len)
            yield Finding(
                "intensity.mixed-types", "info", f"images of {channel} are stored in several types: {told}",
                evidence={"channel": channel, "n": {dtype: len(names) for dtype, names in types.items()},
                          "cases": rare[:50]},
                proposal="Look whether the rarer type has other values too: 8 bits are often a rescaled copy",
            )  # fmt: skip


def _by_channel(cases: Sequence[CaseFacts]) -> dict[str, dict[str, ImageFacts]]:
    """Return the volumes of each channel by case."""
    found: dict[str, dict[str, ImageFacts]] = {}
    for case in cases:
        for image in case.images:
            if image.axes.startswith("ijk") and image.percentiles:
                found.setdefault(image.channel, {})[case.case] = image
    return found


def _span(image: ImageFacts) -> float:
    return image.percentiles["99"] - image.percentiles["1"]


def is_ct_volume(part: Part, reading: Reading) -> bool:
    """True when an image should hold Hounsfield units: a CT volume that did not pass through pictures."""
    header = part.header
    if header is None or not header.axes.startswith("ijk") or header.affine is None:
        return False
    if header.meta.get("modality") is not None:
        return bool(header.meta["modality"] == "CT")
    if set(re.split(r"[^a-z]+", part.name.lower())) & _CT_WORDS:
        return True
    return set(reading.modality) <= {"CT", "CTA"} and len(reading.images) == 1 and header.axes == "ijk"
