"""What a DICOM segmentation says of its segments: label, coded meaning, algorithm (PS3.3 C.8.20.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept (PS3.3 section 8)."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Segment:
    """What a segmentation says of one segment (PS3.3 C.8.20.4)."""

    number: int
    label: str
    category: Code | None = None
    """Such as Anatomical Structure."""
    type: Code | None = None
    """Such as Liver."""
    modifiers: tuple[Code, ...] = ()
    """Modifiers of type and region, such as Left."""
    region: Code | None = None
    """Anatomic region."""
    algorithm_type: str | None = None
    """MANUAL, SEMIAUTOMATIC or AUTOMATIC."""
    algorithm_name: str | None = None
    description: str | None = None
    tracking_id: str | None = None
    tracking_uid: str | None = None


def segment_of(item: Any) -> Segment:
    """Take a segment from an item of the SegmentSequence."""
    kinds = item.get("SegmentedPropertyTypeCodeSequence") or []
    regions = item.get("AnatomicRegionSequence") or []
    modifiers = [
        _code(modifier)
        for of, name in (
            (kinds, "SegmentedPropertyTypeModifierCodeSequence"),
            (regions, "AnatomicRegionModifierSequence"),
        )
        for one in of
        for modifier in one.get(name) or []
    ]
    return Segment(
        number=int(item.SegmentNumber),
        label=str(item.get("SegmentLabel", "")),
        category=first_code(item.get("SegmentedPropertyCategoryCodeSequence")),
        type=first_code(kinds),
        modifiers=tuple(modifiers),
        region=first_code(regions),
        algorithm_type=text_of(item, "SegmentAlgorithmType"),
        algorithm_name=text_of(item, "SegmentAlgorithmName"),
        description=text_of(item, "SegmentDescription"),
        tracking_id=text_of(item, "TrackingID"),
        tracking_uid=text_of(item, "TrackingUID"),
    )


def text_of(item: Any, keyword: str) -> str | None:
    """Return a value as text; None where it is absent or empty."""
    value = item.get(keyword)
    return str(value) if value not in (None, "") else None


def first_code(sequence: Any) -> Code | None:
    """Return the first coded concept of a sequence; None where there is none."""
    return _code(sequence[0]) if sequence else None


def _code(item: Any) -> Code:
    value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue") or ""
    return Code(str(value), str(item.get("CodingSchemeDesignator", "")), str(item.get("CodeMeaning", "")))
