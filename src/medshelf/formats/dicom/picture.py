"""Images without a place in the patient: a picture, or a film of frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medshelf.errors import FormatError
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.items import Item, double, read_items
from medshelf.formats.dicom.slice import Slice
from medshelf.formats.dicom.volume import is_colour

_CM = 3  # PhysicalUnitsXDirection (PS3.3 C.8.5.5.1.15)
_TISSUE = 1  # RegionSpatialFormat: a two-dimensional image (C.8.5.5.1.1)
_MOST_REGIONS = 1000

PictureLayout = tuple[tuple[int, ...], str, "tuple[float, ...] | None", dict[str, Any]]


def picture_layout(frames: Sequence[Slice]) -> PictureLayout:
    """Return shape, axes, spacing and facts of the frames of one file."""
    one = frames[0]
    shape: tuple[int, ...] = (one.rows, one.columns)
    axes = "yx"
    if len(frames) > 1:
        shape, axes = (len(frames), *shape), "tyx"
    if is_colour(one):
        shape, axes = (*shape, 3), axes + "c"
    spacing, spacing_from = _spacing(one)
    facts: dict[str, Any] = {"spacing_from": spacing_from}
    if len(frames) > 1:
        facts["frame_time_ms"] = one.header.number(tags.FRAME_TIME)
    return shape, axes, spacing, facts


def _spacing(one: Slice) -> tuple[tuple[float, ...] | None, str | None]:
    """Distance of rows and columns: in the patient where calibrated, else on the detector (PS3.3 10.7.1)."""
    for name, tag in (
        ("PixelSpacing", tags.PIXEL_SPACING),
        ("ImagerPixelSpacing", tags.IMAGER_PIXEL_SPACING),
        ("NominalScannedPixelSpacing", tags.NOMINAL_PIXEL_SPACING),
    ):
        found = one.header.numbers(tag)
        if found is not None and len(found) == 2 and min(found) > 0:
            return found, name
    found = _region_spacing(one)
    return found, None if found is None else "SequenceOfUltrasoundRegions"


def _region_spacing(one: Slice) -> tuple[float, float] | None:
    """Distance in the regions of an ultrasound image that show tissue in centimetres, where they agree."""
    try:
        regions = read_items(one.header, tags.REGIONS, _MOST_REGIONS)
    except FormatError:
        return None  # a calibration that can't be read is none; the picture is whole
    little = one.header.little
    found = {spacing for region in regions if (spacing := _of_region(region, little)) is not None}
    return found.pop() if len(found) == 1 else None


def _of_region(region: Item, little: bool) -> tuple[float, float] | None:
    order = "little" if little else "big"
    told = [
        int.from_bytes(raw[:2], order) if isinstance(raw := region.get(tag), bytes) else 0
        for tag in (tags.REGION_FORMAT, tags.REGION_UNITS_X, tags.REGION_UNITS_Y)
    ]
    across, down = (double(region.get(tag), little) for tag in (tags.REGION_DELTA_X, tags.REGION_DELTA_Y))
    if told != [_TISSUE, _CM, _CM] or not across or not down:
        return None
    return abs(down) * 10, abs(across) * 10
