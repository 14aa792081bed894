"""How large the pixels of a TIFF slide are: what Aperio, Hamamatsu and OME write, or the resolution of the TIFF."""

from __future__ import annotations

import math
import re
from typing import Any

_MICROMETRES = {2: 25400.0, 3: 10000.0}
"""Micrometres in the units of TIFF 6.0 ResolutionUnit: inch, centimetre."""
_OME_UNITS = {"": 1.0, "µm": 1.0, "μm": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4}
"""Micrometres in units of OME-XML UnitsLength; none stands for the micrometre, which two letters may begin."""
_PLAUSIBLE_MPP = (0.02, 20.0)
"""Micrometres a pixel that a slide can have; a TIFF resolution beyond is one for printing."""


def scale_of(tiff: Any) -> tuple[tuple[float, float] | None, float | None, str]:
    """Return micrometres a pixel (down, across), magnification, and who made the slide.

    Parameters
    ----------
    tiff : tifffile.TiffFile
        The slide.
    """
    page = tiff.pages.first
    if tiff.is_svs:
        said = dict(re.findall(r"\|\s*(\w+)\s*=\s*([\d.]+)", page.description))
        mpp = _positive(said.get("MPP"))
        return (mpp, mpp) if mpp else None, _positive(said.get("AppMag")), "aperio"
    if tiff.is_ome and (said_yx := _ome_size(tiff.ome_metadata or "")) is not None:
        return said_yx, None, "generic"
    vendor = "hamamatsu" if tiff.is_ndpi else "generic"
    magnification = _positive(page.tags.valueof(65421)) if tiff.is_ndpi else None
    unit = _MICROMETRES.get(int(page.resolutionunit or 0))
    across, down = (float(value) for value in page.resolution)
    if unit is None or min(across, down) <= 0:
        return None, magnification, vendor
    mpp_yx = (unit / down, unit / across)
    plausible = all(_PLAUSIBLE_MPP[0] <= value <= _PLAUSIBLE_MPP[1] for value in mpp_yx)
    return mpp_yx if plausible else None, magnification, vendor


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < math.inf else None


def _ome_size(xml: str) -> tuple[float, float] | None:
    """Physical size of a pixel (down, across) in micrometres, of the first image of an OME-TIFF."""
    found = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", xml)
    said = dict(re.findall(r'PhysicalSize([XY](?:Unit)?)="([^"]*)"', found[0])) if found else {}
    sizes = []
    for axis in "YX":
        size, unit = _positive(said.get(axis)), _OME_UNITS.get(said.get(f"{axis}Unit", ""))
        if size is None or unit is None:
            return None
        sizes.append(size * unit)
    return sizes[0], sizes[1]
