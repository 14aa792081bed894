"""A scale that a header asks for: of which type the result is, and the result."""

from __future__ import annotations

import numpy as np

from medshelf.formats.inflate import aligned_bytes

_BLOCK = 1 << 16


def scaled_type(stored: np.dtype) -> np.dtype:
    """Return the float type of a scaled image: float32 where it holds every stored value, else float64."""
    exact = stored.itemsize <= 2 or stored == np.dtype("float32").newbyteorder(stored.byteorder)
    return np.dtype(np.float32 if exact else np.float64)


@np.errstate(over="ignore", invalid="ignore")
def scaled(array: np.ndarray, slope: float, inter: float, dtype: np.dtype, name: str) -> np.ndarray:
    """Return ``array * slope + inter``, computed in float64 and rounded once, in Fortran order."""
    flat = array.reshape(-1, order="F")
    out = aligned_bytes(flat.size * dtype.itemsize, name).view(dtype)
    for at in range(0, flat.size, _BLOCK):
        block = flat[at : at + _BLOCK].astype(np.float64)
        block *= slope
        block += inter
        out[at : at + _BLOCK] = block
    return out.reshape(array.shape, order="F")
