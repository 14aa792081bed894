"""Masks of COCO: polygons, run lengths in numbers, and run lengths packed into text.

Runs go down the columns and begin with pixels outside; their text has five bits a character from ``0`` on, the
sixth for "more follow", and from the third run on the difference to the run before the last (``rleToString`` and
``rleFrString`` in maskApi.c of https://github.com/cocodataset/cocoapi).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.geojson import positions
from medshelf.formats.polygon import fill

LIMIT_PIXELS = 2**30
"""Largest picture for which a mask is drawn."""
_FIRST = 48
_LIMIT_RUN = 2**48


def draw(segmentation: Any, size: tuple[int, int], where: object = None) -> np.ndarray:
    """Draw what the ``segmentation`` of an annotation says.

    Parameters
    ----------
    segmentation : list or dict
        A list of polygons ``[x1, y1, x2, y2, ...]`` whose union is the mask, or
        ``{"size": [height, width], "counts": [...] or "..."}``.
    size : (int, int)
        (width, height) of the image in pixels.
    where : object, optional
        What to name in an error.

    Returns
    -------
    (rows, columns) uint8 array
        1 inside. Of polygons: pixels whose middle lies inside, so that pixels on the edge may differ from those of
        pycocotools, which draws outlines five times finer and rounds.

    Raises
    ------
    FormatError
        Neither of the two, or of another size than the image.
    Unsupported
        The image is over the limit.
    """
    width, height = size
    _check_size(width, height, where)
    if isinstance(segmentation, list):
        inside = np.zeros((height, width), bool)
        for polygon in segmentation:
            inside |= fill(vertices(polygon, where), (height, width))
        return inside.astype(np.uint8)
    if not isinstance(segmentation, dict) or segmentation.get("size") != [height, width]:
        found = segmentation.get("size") if isinstance(segmentation, dict) else segmentation
        raise FormatError("a segmentation is no mask of this image", where=where, why=f"{found!r}"[:80])
    counts = segmentation.get("counts")
    runs = unpack(counts, where) if isinstance(counts, (str, bytes)) else counts
    return draw_runs(runs, (height, width), where)


def vertices(polygon: Any, where: object) -> np.ndarray:
    """Return (N, 2) float64 from ``[x1, y1, x2, y2, ...]``."""
    if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
        raise FormatError("a polygon is no list of x and y of three points or more", where=where)
    return positions([polygon[n : n + 2] for n in range(0, len(polygon), 2)], where)


def _check_size(width: int, height: int, where: object) -> None:
    if width <= 0 or height <= 0:
        raise FormatError("an image without pixels has no mask", where=where, why=f"{width} x {height}")
    if width * height > LIMIT_PIXELS:
        raise Unsupported("the image is too large for a mask", where=where, why=f"{width} x {height} pixels")


def unpack(text: str | bytes, where: object = None) -> list[int]:
    """Return the runs that a text stands for.

    Raises
    ------
    FormatError
        A character outside the code, or a number that does not end.
    """
    codes = text.encode("utf-8") if isinstance(text, str) else text
    runs: list[int] = []
    value = shift = 0
    for code in codes:
        bits = code - _FIRST
        if not 0 <= bits < 64 or shift > 60:
            raise FormatError("this text is no packed run lengths of COCO", where=where, why=repr(chr(code)))
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise FormatError("packed run lengths end in the middle of a number", where=where)
    return runs


def pack(runs: list[int]) -> str:
    """Return the text that stands for runs; the inverse of `unpack`."""
    letters: list[str] = []
    for n, run in enumerate(runs):
        value = run - runs[n - 2] if n > 2 else run
        while True:
            bits = value & 0x1F
            value >>= 5
            more = value != (-1 if bits & 0x10 else 0)
            letters.append(chr(_FIRST + bits + (0x20 if more else 0)))
            if not more:
                break
    return "".join(letters)


def draw_runs(runs: Any, shape: tuple[int, int], where: object = None) -> np.ndarray:
    """Return the (rows, columns) uint8 mask of runs down the columns, outside first.

    Raises
    ------
    FormatError
        The runs are no whole numbers from 0, or do not fill the image exactly.
    """
    if not isinstance(runs, list) or not all(type(run) is int and 0 <= run < _LIMIT_RUN for run in runs):
        raise FormatError("run lengths are no list of whole numbers from 0", where=where)
    size = shape[0] * shape[1]
    if sum(runs) != size:
        raise FormatError(
            "run lengths do not fill the image", where=where, why=f"{sum(runs)} pixels of {shape[0]} x {shape[1]}"
        )
    values = (np.arange(len(runs)) % 2).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(values, runs).reshape(shape, order="F"))


def runs_of(mask: np.ndarray) -> list[int]:
    """Return the runs of a (rows, columns) mask; the inverse of `draw_runs`."""
    inside = (np.asarray(mask) != 0).ravel(order="F")
    edges = np.flatnonzero(np.diff(np.concatenate(([False], inside)).astype(np.int8)))
    return np.diff(np.concatenate(([0], edges, [inside.size]))).tolist()
