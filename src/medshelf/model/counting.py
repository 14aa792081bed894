"""Count the values of integer arrays, many times faster than sorting them does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

CHUNK = 1 << 20
"""Number of values that are looked at at once."""
_DENSE = 1 << 22
"""Ranges of values up to this are counted in an array, wider ones by sorting."""


def count_values(array: np.ndarray) -> dict[int, int]:
    """Return how often each value of an integer array occurs."""
    if array.size == 0:
        return {}
    if array.dtype.kind == "b":
        array = array.view(np.uint8)
    if array.dtype.itemsize <= 2:
        histogram, first = histogram_of(array)
        return {int(n) + first: int(histogram[n]) for n in np.flatnonzero(histogram)}
    low, high = int(array.min()), int(array.max())
    if high - low < _DENSE:
        histogram = np.zeros(high - low + 1, np.int64)
        for chunk in chunks(array):
            histogram += np.bincount((chunk.astype(np.int64) - low), minlength=len(histogram))
        return {int(n) + low: int(histogram[n]) for n in np.flatnonzero(histogram)}
    values, counts = np.unique(array, return_counts=True)
    return {int(v): int(n) for v, n in zip(values, counts, strict=True)}


def histogram_of(array: np.ndarray) -> tuple[np.ndarray, int]:
    """Count the values of an array of 8 or 16 bits: counts of consecutive values, and the first value."""
    n_values = 1 << (8 * array.dtype.itemsize)
    flat = array.ravel(order="K").view(f"u{array.dtype.itemsize}")
    if n_values == 256 and flat.size % 2 == 0 and flat.size > CHUNK:
        # Two voxels at a time: half as many steps, and the order of the two does not matter.
        pairs = _binned(flat.view(np.uint16), 1 << 16).reshape(256, 256)
        counts = pairs.sum(axis=0) + pairs.sum(axis=1)
    else:
        counts = _binned(flat, n_values)
    if array.dtype.kind == "u":
        return counts, 0
    return np.roll(counts, n_values // 2), -n_values // 2


def _binned(flat: np.ndarray, n_values: int) -> np.ndarray:
    counts = np.zeros(n_values, np.int64)
    for start in range(0, flat.size, CHUNK):
        counts += np.bincount(flat[start : start + CHUNK], minlength=n_values)
    return counts


def chunks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield an array in pieces of `CHUNK` values, in whatever order they lie in memory."""
    flat = array.ravel(order="K")
    return (flat[start : start + CHUNK] for start in range(0, flat.size, CHUNK))
