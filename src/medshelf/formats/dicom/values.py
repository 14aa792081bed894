"""From stored values to real ones: RescaleSlope and RescaleIntercept (PS3.3 C.11.1), slice by slice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medshelf.formats.dicom import tags
from medshelf.formats.dicom.pixels import stored_dtype
from medshelf.formats.dicom.slice import Slice

_EXACT_BITS = 24  # of the whole numbers that a float32 holds


def value_dtype(slices: Sequence[Slice]) -> np.dtype:
    """Return the type that holds the values of all slices, known from their headers alone.

    Without rescaling it is the stored type. With whole slopes and intercepts it is int16 or int32, whichever
    holds all that BitsStored allows; otherwise float32, or float64 above 24 stored bits.
    """
    first = slices[0]
    if first.photometric == "PALETTE COLOR":
        palette = first.header.values.get(tags.PALETTE_RED, b"")
        deep = int.from_bytes(palette[4:6], "little" if first.header.little else "big") > 8
        return np.dtype("u2" if deep else "u1")
    stored = {stored_dtype(one) for one in slices}
    if len(stored) == 1 and not any(is_rescaled(one) for one in slices):
        return stored.pop().newbyteorder("=")
    if all(one.slope.is_integer() and one.intercept.is_integer() for one in slices):
        ends = [end for one in slices for end in _range(one)]
        for name in ("int16", "int32"):
            if np.iinfo(name).min <= min(ends) and max(ends) <= np.iinfo(name).max:
                return np.dtype(name)
    return np.dtype("float32" if max(one.bits_stored for one in slices) <= _EXACT_BITS else "float64")


def is_rescaled(one: Slice) -> bool:
    """Return whether the slope or intercept changes anything; they are for grey values only."""
    if one.slope == 1 and one.intercept == 0:
        return False
    return one.samples == 1 and one.photometric != "PALETTE COLOR"


def _range(one: Slice) -> tuple[float, float]:
    lowest = -(1 << (one.bits_stored - 1)) if one.signed else 0
    highest = (1 << (one.bits_stored - int(one.signed))) - 1
    if not is_rescaled(one):
        return lowest, highest
    return lowest * one.slope + one.intercept, highest * one.slope + one.intercept


def rescale_in_place(target: np.ndarray, one: Slice) -> None:
    """Rescale whole numbers in their own memory, stored and final type having the same size.

    Arithmetic modulo the size of the type gives the right answer, because `value_dtype` made sure that the
    answer fits.
    """
    if not is_rescaled(one):
        return
    modulo = 1 << (8 * target.dtype.itemsize)
    raw = target.view(f"u{target.dtype.itemsize}")
    if one.slope != 1:
        np.multiply(raw, raw.dtype.type(int(one.slope) % modulo), out=raw)
    if one.intercept != 0:
        np.add(raw, raw.dtype.type(int(one.intercept) % modulo), out=raw)


def rescale_into(stored: np.ndarray, one: Slice, target: np.ndarray) -> None:
    """Write the values of stored samples into memory of another type, rounding once."""
    if not is_rescaled(one):
        target[...] = stored
        return
    if target.dtype.kind == "i":
        np.multiply(stored, target.dtype.type(one.slope), out=target, dtype=target.dtype, casting="unsafe")
        np.add(target, target.dtype.type(one.intercept), out=target)
        return
    values = np.multiply(stored, one.slope, dtype=np.float64)
    values += one.intercept
    target[...] = values
