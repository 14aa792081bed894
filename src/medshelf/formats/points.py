"""Named points in a table or a JSON list: landmarks, centres of vertebrae, clicks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats.table import read_rows
from medshelf.model.blob import Blob


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Points of one case, with what the file calls them."""

    labels: tuple[str, ...]
    """As written: names or numbers."""
    coordinates: np.ndarray
    """(N, D) float64, in `frame`."""
    frame: str | None = None
    """What the coordinates are, as the dataset's record says: voxel, ras_mm, lps_mm, pixel, …"""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Facts that stand among the points, such as the axes of a voxel frame."""

    def __len__(self) -> int:
        return len(self.labels)


def read_points(
    blob: Blob, *, label: str, point: Sequence[str], frame: str | None = None, records: str | None = None
) -> Points:
    """Read points.

    Parameters
    ----------
    blob : Blob
        A CSV, TSV, XLSX or JSON file.
    label : str
        Column, or key, that names a point.
    point : sequence of str
        Columns of the coordinates, in order.
    frame : str, optional
        What the coordinates are.
    records : str, optional
        Where the rows are in a JSON file.

    Raises
    ------
    FormatError
        A coordinate is no number.
    """
    meta: dict[str, Any] = {}
    labels: list[str] = []
    rows: list[list[float]] = []
    for row in read_rows(blob, records=records):
        if not all(column in row for column in point):
            meta |= {k: v for k, v in row.items() if v is not None}
            continue
        labels.append(str(row.get(label, "")))
        rows.append([_number(row[column], column, blob) for column in point])
    return Points(tuple(labels), np.array(rows, np.float64).reshape(-1, len(point)), frame, meta)


def _number(value: object, column: str, blob: Blob) -> float:
    try:
        return float(str(value))
    except ValueError as error:
        raise FormatError(f"the coordinate {column} is no number", where=blob.name, why=repr(value)) from error
