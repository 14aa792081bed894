"""Which points of a plane lattice lie inside closed outlines: an even-odd scanline fill in numpy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

_AT_ONCE = 1 << 20
"""Crossings that are worked out together, to bound the memory."""


def fill(outlines: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Fill closed outlines by the even-odd rule.

    A lattice point is inside when a line from it towards smaller x crosses edges an odd number of times, counted
    over all outlines together. So an outline within another is a hole, an outline within a hole is an island, and
    the two banks of a keyhole cancel. A point on an edge belongs to what lies on the side of greater x, and, on a
    level edge, of greater y: outlines that share an edge share no point and leave none out.

    Parameters
    ----------
    outlines : sequence of (N, 2) float64 arrays
        x and y of the vertices, in steps of the lattice; the last is joined to the first.
    shape : (int, int)
        Number of lattice points along x and along y, at whole numbers from 0.

    Returns
    -------
    (X, Y) bool array
        Where the inside is.
    """
    vertices = [np.asarray(one, np.float64).reshape(-1, 2) for one in outlines]
    starts, ends = np.concatenate(vertices), np.concatenate([np.roll(one, -1, axis=0) for one in vertices])
    swapped = (starts[:, 1] > ends[:, 1])[:, None]  # all edges upwards: the banks of a keyhole give equal numbers
    edges = np.where(swapped, ends, starts), np.where(swapped, starts, ends)
    inside = np.zeros(shape, bool)
    (left, below), (right, above) = (
        np.ceil(np.clip(corner, 0, shape)).astype(np.int64) for corner in (starts.min(axis=0), starts.max(axis=0))
    )
    window = np.zeros((above - below, right - left + 1), np.uint8)
    for low, high, first, counts in _crossed(*edges, int(below), int(above)):
        _toggle(window, low, high, first, counts, (int(left), int(below)))
    inside[left:right, below:above] = np.bitwise_xor.accumulate(window[:, :-1], axis=1).T
    return inside


def _crossed(
    low: np.ndarray, high: np.ndarray, below: int, above: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Edges that cross rows from `below` up to `above`, some at a time: ends, first row, number of rows."""
    first = np.ceil(np.clip(low[:, 1], below, above)).astype(np.int64)
    counts = np.ceil(np.clip(high[:, 1], below, above)).astype(np.int64) - first
    crossing = np.flatnonzero(counts)
    done = np.cumsum(counts[crossing])
    for part in np.split(crossing, np.searchsorted(done, np.arange(_AT_ONCE, done[-1] if len(done) else 0, _AT_ONCE))):
        yield low[part], high[part], first[part], counts[part]


def _toggle(
    window: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    first: np.ndarray,
    counts: np.ndarray,
    corner: tuple[int, int],
) -> None:
    """Mark, in every row that an edge crosses, the first lattice point that is not before the crossing."""
    edge = np.repeat(np.arange(len(counts)), counts)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    slope = (high[:, 0] - low[:, 0]) / (high[:, 1] - low[:, 1])
    crossing = low[edge, 0] + (row - low[edge, 1]) * slope[edge] - corner[0]
    column = np.ceil(np.clip(crossing, 0, window.shape[1] - 1)).astype(np.int64)
    np.bitwise_xor.at(window, (row - corner[1], column), 1)
