"""What is known of a series before its pixels are decoded: shape, axes, affine, spacing and facts."""

from __future__ import annotations

from typing import Any

import numpy as np

from medshelf.formats.dicom import tags
from medshelf.formats.dicom.items import double
from medshelf.formats.dicom.picture import picture_layout
from medshelf.formats.dicom.series import Series
from medshelf.formats.dicom.stack import Stack
from medshelf.formats.dicom.values import is_rescaled
from medshelf.formats.dicom.volume import is_colour
from medshelf.model.geometry import spacing_mm

Layout = tuple[tuple[int, ...], str, "np.ndarray | None", "tuple[float, ...] | None", dict[str, Any]]


def layout_of(series: Series, placed: Stack | None) -> Layout:
    """Shape, axes, affine, spacing and facts of a picture, or of a volume."""
    if placed is not None:
        return _grid(series, placed)
    shape, axes, spacing, meta = picture_layout(series.slices)
    return shape, axes, None, spacing, _facts(series) | meta


def _grid(series: Series, placed: Stack) -> Layout:
    """Shape, axes, affine, spacing and facts of a volume."""
    first = placed.slices[0][0]
    shape: tuple[int, ...] = (first.columns, first.rows, len(placed.slices[0]))
    axes = "ijk"
    if len(placed.slices) > 1:
        shape, axes = (*shape, len(placed.slices)), "ijkt"
    elif is_colour(first):
        shape, axes = (*shape, 3), "ijkc"
    meta = _facts(series) | {"slice_step_from": placed.step_from}
    if placed.time_from is not None:
        meta |= {"time_order_from": placed.time_from, "times": placed.times}
        meta |= {"b_values": _b_values(placed)}
    return shape, axes, placed.affine, spacing_mm(placed.affine), meta


def _b_values(placed: Stack) -> tuple[float, ...] | None:
    """Diffusion weighting of each volume in s/mm², where every one tells (0018,9087)."""
    headers = [volume[0].header for volume in placed.slices]
    found = [double(header.values.get(tags.B_VALUE), header.little) for header in headers]
    return None if None in found else tuple(b for b in found if b is not None)


def _facts(series: Series) -> dict[str, Any]:
    """What a caller may want to know, for `meta`."""
    first = series.slices[0]
    scales = {(one.slope, one.intercept) for one in series.slices if is_rescaled(one)}
    units = first.header.text(tags.DOSE_UNITS)
    return ({"dose_units": units} if units else {}) | {
        "format": "dicom",
        "modality": series.modality,
        "series_uid": series.uid,
        "study_uid": series.study_uid,
        "frame_of_reference_uid": series.frame_of_reference_uid,
        "patient_id": series.patient_id,
        "description": series.description,
        "manufacturer": first.header.text(tags.MANUFACTURER),
        "body_part": first.header.text(tags.BODY_PART),
        "image_type": first.header.words(tags.IMAGE_TYPE),
        "transfer_syntaxes": series.transfer_syntaxes,
        "photometric": first.photometric,
        "rescale": next(iter(scales)) if len(scales) == 1 else ("per slice" if scales else None),
        "modality_lut": "present, not applied" if tags.MODALITY_LUT in first.header.values else None,
        "slice_thickness_mm": first.header.number(tags.SLICE_THICKNESS),
    }
