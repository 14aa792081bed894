"""One outline as a text file: x and y of a point a line, apart by blanks or a comma, in pixels of the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats.contours import Contour
from medshelf.formats.markup import as_number
from medshelf.formats.text import read_text, write_text
from medshelf.model.blob import Blob

LIMIT_BYTES = 2**26
"""Largest file (64 MiB)."""


def read_xy_lines(blob: Blob) -> Contour:
    """Read one outline.

    Returns
    -------
    Contour
        Without a label; ``attributes["file"]`` is the last part of the file's name, which tells the slice.

    Raises
    ------
    FormatError
        A line that is not two numbers, or no line at all.
    """
    points: list[list[float]] = []
    for number, line in enumerate(read_text(blob, limit_bytes=LIMIT_BYTES).splitlines(), 1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        where = f"{blob.name}, line {number}"
        if len(words) != 2:
            raise FormatError("a point is not two numbers", where=where, why=repr(line[:80]))
        points.append([as_number(word, "a coordinate", where) for word in words])
    if not points:
        raise FormatError("the outline has no point", where=blob.name)
    return Contour(None, np.array(points), attributes={"file": blob.name.rpartition("/")[2]})


def write_xy_lines(path: Path | str, contour: Contour) -> None:
    """Write the points of an outline; `read_xy_lines` reads them back."""
    write_text(path, "".join(f"{x:.10g} {y:.10g}\n" for x, y in contour.points_xy.tolist()))
