"""What a DICOM segmentation says of its segments: label, coded meaning, algorithm (PS3.3 C.8.20.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from medshelf.formats.dicom.codes import Code, code_of, first_code, text_of


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
        code_of(modifier)
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
