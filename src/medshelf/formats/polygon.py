"""Filling the inside of an outline: which pixels of a picture a polygon covers.

The rule is the even-odd rule at the middle of each pixel. Outlines that are drawn from pixel to pixel
(`enclosed`) have their own pixels on the edge, so that whether the edge belongs to the inside is asked.
"""

from __future__ import annotations

import numpy as np

from medshelf.errors import Unsupported

LIMIT_CROSSINGS = 50_000_000
"""Most crossings of an outline with rows of pixels that are worked out."""


def fill(points_xy: np.ndarray, shape: tuple[int, int], *, middle: float = 0.5) -> np.ndarray:
    """Return the pixels whose middle lies inside a polygon.

    Parameters
    ----------
    points_xy : (N, 2) array
        x, y of each vertex in pixels; the last is joined to the first.
    shape : (int, int)
        Rows and columns of the picture. What lies beyond it is left out.
    middle : float
        Where the middle of the first pixel is: 0.5 where x runs along pixel edges, 0 where vertices are
        numbers of pixels.

    Returns
    -------
    (rows, columns) bool array

    Raises
    ------
    Unsupported
        The outline crosses more rows than `LIMIT_CROSSINGS`.
    """
    rows, columns = shape
    start = np.asarray(points_xy, np.float64).reshape(-1, 2) - middle
    end = np.roll(start, -1, axis=0)
    low = np.clip(np.ceil(np.minimum(start[:, 1], end[:, 1])), 0, rows).astype(np.int64)
    high = np.clip(np.ceil(np.maximum(start[:, 1], end[:, 1])), 0, rows).astype(np.int64)
    counts = high - low  # rows r with low <= r < high: the upper end of an edge belongs to the next edge
    total = int(counts.sum())
    if total > LIMIT_CROSSINGS:
        raise Unsupported("the outline has too many crossings", why=f"{total}, limit {LIMIT_CROSSINGS}")
    inside = np.zeros((rows, columns + 1), np.int8)
    if total == 0:
        return inside[:, :columns] != 0
    edge = np.repeat(np.arange(len(start)), counts)
    row = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts) + low[edge]
    run, rise = (end - start)[edge].T
    x = start[edge, 0] + (row - start[edge, 1]) * (run / rise)
    column = np.clip(np.ceil(x), 0, columns).astype(np.int64)
    np.bitwise_xor.at(inside, (row, column), 1)
    return np.bitwise_xor.accumulate(inside[:, :columns], axis=1) != 0


def enclosed(points_xy: np.ndarray, shape: tuple[int, int], *, with_edge: bool) -> np.ndarray:
    """Return the pixels within an outline that goes from pixel to pixel.

    Parameters
    ----------
    points_xy : (N, 2) integer array
        Column and row of each pixel of the outline, from 0; the last is joined to the first.
    shape : (int, int)
        Rows and columns of the picture.
    with_edge : bool
        Whether the pixels that the outline goes through belong to the inside.

    Returns
    -------
    (rows, columns) bool array
    """
    points = np.asarray(points_xy, np.int64).reshape(-1, 2)
    inside = fill(points, shape, middle=0.0)
    edge = _pixels_between(points)
    there = ((edge >= 0) & (edge < np.array(shape[::-1]))).all(axis=1)
    x, y = edge[there].T
    inside[y, x] = with_edge
    return inside


def _pixels_between(points: np.ndarray) -> np.ndarray:
    """All pixels that lie exactly on the lines between vertices, the vertices included."""
    steps = np.roll(points, -1, axis=0) - points
    parts = np.maximum(np.gcd(steps[:, 0], steps[:, 1]), 1)
    if int(parts.sum()) > LIMIT_CROSSINGS:
        raise Unsupported("the outline is too long", why=f"{int(parts.sum())} pixels, limit {LIMIT_CROSSINGS}")
    segment = np.repeat(np.arange(len(points)), parts)
    number = np.arange(len(segment)) - np.repeat(np.cumsum(parts) - parts, parts)
    return points[segment] + steps[segment] // parts[segment, None] * number[:, None]
